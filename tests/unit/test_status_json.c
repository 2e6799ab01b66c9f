/*
 * The status as JSON: the whole against a file, what is not there, and that doc/control.md names every key.
 */

#include "fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/status_json.h"

#define SECOND FIXTURE_SECOND_NS
#define NOW (1000 * SECOND)

static union address_socket address(const char *text)
{
	union address_socket out = { 0 };

	const char *problem;

	assert_int_equal(address_parse(text, &out, &problem), 0);
	return out;
}

static void fill_daemon(struct status_daemon *daemon)
{
	*daemon = (struct status_daemon){
		.name = "wg0",
		.program = "rosenpass",
		.version = "1.2.3",
		.config = "/etc/rosenpass/wg0.toml",
		.pid = 812,
		.engine_pid = 813,
		.uptime_ns = 90 * SECOND + SECOND / 2,
		.fwmark = 51820,
		.fwmark_error = "Operation not permitted",
		.under_load_since_ns = NOW - 3 * SECOND,
		.busy_permille = 250,
		.is_random_failing = true,
		.sandbox = { { .name = "seccomp", .is_on = true },
		             { .name = "landlock", .is_on = false, .note = "this system has none" } },
		.id = "b2",
		.id_shake256 = "shake",
		.rejected_total = 7,
		.rejected_callers = 2,
		.last = { { .address = address("203.0.113.9:40000"),
		            .reason = "not-proven",
		            .claimed_id = "claimed",
		            .claimed_peer = 1,
		            .claimed_name = "office",
		            .count = 6,
		            .last_ns = NOW - 12 * SECOND,
		            .words = "another preshared key" },
		          { .address = address("[2001:db8::1]:1"),
		            .reason = "other-key",
		            .count = 1,
		            .last_ns = NOW } },
		.last_count = 2,
		.sent = 34,
		.sent_bytes = 20000,
	};
	for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++)
		daemon->received[i] = 100 + i;
}

/* A peer with everything, and an output of each kind. */
static void fill_peer(struct status_peer *peer, const union address_socket addresses[2])
{
	*peer = (struct status_peer){
		.number = 1,
		.name = "office",
		.id = "id",
		.is_at_run_time = true,
		.public_key = "/keys/office",
		.endpoint = "vpn.example.org:9999",
		.addresses = addresses,
		.address_count = 2,
		.resolve_error = "does not resolve",
		.address = addresses[0],
		.state = "init-hello",
		.role = "initiator",
		.dialect = "dialect",
		.has_key = true,
		.is_confirmed = true,
		.key_since_ns = NOW - 33 * SECOND,
		.renewal_ns = NOW + 87 * SECOND,
		.exchanges = 720,
		.timeouts = 2,
		.retransmissions = 3,
		.last_error = "Network is unreachable",
		.unanswered = { .reason = "nothing", .since_ns = NOW - 20 * SECOND, .words = "no answer" },
		.outputs = { { .kind = "file",
		               .target = "/run/keys/office",
		               .state = "failing",
		               .reason = "exchanged",
		               .state_ns = NOW - 5 * SECOND,
		               .attempts = 4,
		               .failures = 3,
		               .error = "Read-only file system" },
		             { .kind = "command", .made_target = "notify-me --fast", .state = "none" },
		             { .kind = "wireguard",
		               .made_target = "wg0 KEY",
		               .is_wireguard = true,
		               .wireguard = { .device = "wg0",
		                              .peer = "KEY",
		                              .is_protected = true,
		                              .is_there = true,
		                              .is_up = true,
		                              .endpoint = addresses[1],
		                              .endpoint_error = "no such name",
		                              .had_handshake = true,
		                              .handshake_age_seconds = 12,
		                              .received_bytes = 4711,
		                              .sent_bytes = 815,
		                              .tunnel = "unanswered",
		                              .tunnel_problem = "nothing comes back" },
		               .state = "delivered",
		               .reason = "exchanged",
		               .state_ns = NOW - 33 * SECOND,
		               .attempts = 1 } },
		.output_count = 3,
	};
}

/* The status with all keys. */
static json_t *make_whole(void)
{
	const union address_socket addresses[] = { address("192.0.2.1:9999"), address("[2001:db8::2]:9999") };
	struct status_listener listener = { .configured = "[::]:9999",
		                            .address = address("[::]:9999"),
		                            .is_open = true,
		                            .error = "Address already in use" };
	struct status_left left[] = {
		{ .peer = "peer old", .kind = "file", .target = "/run/keys/old", .error = "No space left" },
		{ .peer = "peer old", .kind = "command", .made_target = "notify-me" },
	};
	struct status_daemon daemon;
	struct status_peer peer;
	json_t *object;

	fill_daemon(&daemon);
	fill_peer(&peer, addresses);
	object = status_json_daemon(&daemon, NOW);
	status_json_append(object, "listen", status_json_listener(&listener));
	status_json_append(object, "peers", status_json_peer(&peer, NOW));
	for (size_t i = 0; i < 2; i++)
		status_json_append(object, "left", status_json_left(&left[i]));
	return object;
}

static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 17);
	FILE *file = fopen(path, "re");

	assert_non_null(text);
	if (file == NULL)
		fail_msg("%s cannot be read", path);
	assert_true(fread(text, 1, (1 << 17) - 1, file) > 0);
	(void)fclose(file);
	return text;
}

static void check(json_t *object, const char *name)
{
	char path[512];
	char *expected;
	char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

	assert_non_null(text);
	(void)snprintf(path, sizeof path, "%s/status/%s.json", TEST_DATA_DIR, name);
	if (getenv("UPDATE_GOLDEN") != NULL) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		(void)fprintf(file, "%s\n", text);
		(void)fclose(file);
	}
	expected = read_file(path);
	expected[strlen(expected) - 1] = '\0';
	assert_string_equal(text, expected);
	free(expected);
	free(text);
	json_decref(object);
}

static void test_whole(void **state)
{
	(void)state;
	check(make_whole(), "whole");
}

/* Nothing is known: every key is there all the same. */
static void test_nothing(void **state)
{
	struct status_peer peer = { .state = "idle", .renewal_ns = STATUS_NEVER };
	struct status_daemon daemon = { .name = "x" };
	struct status_listener listener = { .configured = "0.0.0.0:0" };
	json_t *object = status_json_daemon(&daemon, NOW);

	(void)state;
	/* An interface that is not there, whatever it said before. */
	peer.outputs[0] = (struct status_output){
		.kind = "wireguard",
		.is_wireguard = true,
		.wireguard = { .is_up = true, .had_handshake = true, .endpoint = address("192.0.2.1:1") },
		.state = "none",
	};
	peer.output_count = 1;
	status_json_append(object, "listen", status_json_listener(&listener));
	status_json_append(object, "peers", status_json_peer(&peer, NOW));
	check(object, "nothing");
}

/* Times that lie ahead, as those of a report may, and a renewal that is due. */
static void test_times(void **state)
{
	struct status_peer peer = { .has_key = true, .key_since_ns = NOW + 1, .renewal_ns = NOW - 1 };
	json_t *object = status_json_peer(&peer, NOW);

	(void)state;
	assert_true(json_real_value(json_object_get(object, "key_age")) == 0.0);
	assert_true(json_is_real(json_object_get(object, "renewal_in")));
	assert_true(json_real_value(json_object_get(object, "renewal_in")) == 0.0);
	json_decref(object);
	/* A key that was erased has no age. */
	peer.has_key = false;
	object = status_json_peer(&peer, NOW);
	assert_true(json_is_null(json_object_get(object, "key_age")));
	json_decref(object);
}

static void test_other_encoding(void **state)
{
	struct status_left left = { .peer = "p", .kind = "file", .target = "/run/\xe4/key" };
	json_t *object = status_json_left(&left);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(object, "target")), "/run/?/key");
	json_decref(object);
}

/* --- the document ------------------------------------------------------------------------------ */

/* Calls seen for each key, except for the verdicts, which are words. */
static void each_key(json_t *value, void (*seen)(const char *key, void *context), void *context)
{
	const char *key;
	json_t *member;
	size_t i;

	json_array_foreach(value, i, member) each_key(member, seen, context);
	json_object_foreach(value, key, member)
	{
		seen(key, context);
		if (strcmp(key, "received") != 0)
			each_key(member, seen, context);
	}
}

static void is_documented(const char *key, void *context)
{
	char quoted[128];

	(void)snprintf(quoted, sizeof quoted, "\"%s\":", key);
	if (strstr(context, quoted) == NULL)
		fail_msg("doc/control.md does not describe %s", quoted);
}

struct wanted {
	const char *key;
	bool is_found;
};

static void is_wanted(const char *key, void *context)
{
	struct wanted *wanted = context;

	wanted->is_found = wanted->is_found || strcmp(key, wanted->key) == 0;
}

/* The example of the section "Status", between its fences. */
static char *read_example(void)
{
	char *document = read_file(CONTROL_DOCUMENT);
	char *example = strstr(document, "\n```\n{\n");
	char *end = example == NULL ? NULL : strstr(example + 5, "\n```\n");
	char *copy;

	assert_non_null(example);
	assert_non_null(end);
	copy = strndup(example, (size_t)(end - example));
	assert_non_null(copy);
	free(document);
	return copy;
}

static void test_document(void **state)
{
	char *example = read_example();
	json_t *whole = make_whole();
	size_t count = 0;

	(void)state;
	each_key(whole, is_documented, example);
	/* And the other way round. */
	for (char *colon = strstr(example, "\":"); colon != NULL; colon = strstr(colon + 1, "\":")) {
		char *start = colon;
		char key[64];
		struct wanted wanted = { .key = key };

		while (start[-1] != '"')
			start--;
		(void)snprintf(key, sizeof key, "%.*s", (int)(colon - start), start);
		for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++)
			is_wanted(rosenpass_verdict_name(verdict_at(i)), &wanted);
		each_key(whole, is_wanted, &wanted);
		if (!wanted.is_found)
			fail_msg("doc/control.md describes \"%s\", which the status does not have", key);
		count++;
	}
	assert_true(count > 80);
	json_decref(whole);
	free(example);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),    cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_times),    cmocka_unit_test(test_other_encoding),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
