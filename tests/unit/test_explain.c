#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "monitor/explain.h"
#include "fixture.h"

#define S UINT64_C(1000000000)

static const struct explain_own plain = { .id = "OWN" };
static const struct explain_own with_psk = { .id = "OWN", .psk = "/etc/psk" };
static const struct explain_own of_rp = { .id = "OWN", .is_rp = true };

static union address_socket v4(const char *address, uint16_t port)
{
	union address_socket out = { .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };

	assert_int_equal(inet_pton(AF_INET, address, &out.v4.sin_addr), 1);
	return out;
}

static void assert_says(const char *words, const char *part)
{
	if (strstr(words, part) == NULL)
		fail_msg("expected \"%s\" in: %s", part, words);
}

static void test_silence(void **state)
{
	static const struct {
		uint32_t reason;
		uint32_t count;
		int32_t errors[2];
		uint32_t more;
		const struct explain_own *own;
		const char *parts[3];
	} cases[] = {
		{ CHANNEL_SILENCE_NOTHING,
		  1,
		  { 0 },
		  0,
		  &plain,
		  { "no answer for 10 seconds from 192.0.2.1:9999: nothing comes back", "(peer id OWN)",
		    "none is set here" } },
		{ CHANNEL_SILENCE_NOTHING,
		  2,
		  { EHOSTUNREACH, 0 },
		  0,
		  &with_psk,
		  { "192.0.2.1:9999 (No route to host), 192.0.2.2:9999: nothing", "one is set here", "" } },
		{ CHANNEL_SILENCE_NOTHING, 2, { 0 }, 3, &plain, { "192.0.2.2:9999 and 3 more: ", "", "" } },
		{ CHANNEL_SILENCE_ERRORS,
		  1,
		  { ECONNREFUSED },
		  0,
		  &plain,
		  { "192.0.2.1:9999 (Connection refused): ", "nothing listens", "port" } },
		{ CHANNEL_SILENCE_ERRORS, 1, { ENETUNREACH }, 0, &plain, { "no route", "", "" } },
		{ CHANNEL_SILENCE_ERRORS, 1, { EPERM }, 0, &plain, { "firewall", "", "" } },
		{ CHANNEL_SILENCE_ERRORS, 1, { EAFNOSUPPORT }, 0, &plain, { "no socket", "listen", "" } },
		{ CHANNEL_SILENCE_ERRORS,
		  1,
		  { EINVAL },
		  0,
		  &plain,
		  { "this host's alone, as 127.0.0.1 is", "listen", "" } },
		{ CHANNEL_SILENCE_ERRORS, 1, { EIO }, 0, &plain, { "(Input/output error)", "", "" } },
		{ CHANNEL_SILENCE_NO_ADDRESS,
		  0,
		  { 0 },
		  0,
		  &plain,
		  { "no answer for 10 seconds: endpoint \"h.test:1\" does not resolve: no such name", "",
		    "" } },
		{ CHANNEL_SILENCE_FALSE, 1, { 0 }, 0, &plain, { "not genuine", "", "" } },
		{ CHANNEL_SILENCE_BUSY, 1, { 0 }, 0, &plain, { "it says that it is under load", "", "" } },
		{ CHANNEL_SILENCE_ONE_WAY, 1, { 0 }, 0, &plain, { "its calls arrive here", "", "" } },
		{ CHANNEL_SILENCE_UNCONFIRMED,
		  1,
		  { 0 },
		  0,
		  &plain,
		  { "192.0.2.1:9999 has answered, but has not confirmed the key for 10 seconds", "", "" } },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct channel_silence silence = { .reason = cases[i].reason,
			                           .count = cases[i].count,
			                           .more = cases[i].more };
		char words[EXPLAIN_BYTES];

		for (uint32_t j = 0; j < cases[i].count; j++) {
			silence.tried[j].address = v4(j == 0 ? "192.0.2.1" : "192.0.2.2", 9999);
			silence.tried[j].error = cases[i].errors[j];
		}
		explain_silence(words, &silence, 10 * S, cases[i].own, "h.test:1", "no such name");
		for (size_t j = 0; j < FIXTURE_COUNT(cases[i].parts); j++)
			assert_says(words, cases[i].parts[j]);
		/*
		 * A preshared key is called by its setting, never shown by its file's name to the caller's
		 * side.
		 */
		assert_null(strstr(words, "/etc/psk"));
	}
}

static void test_nothing_to_explain(void **state)
{
	struct channel_silence silence = { .reason = CHANNEL_SILENCE_OVER };
	char words[EXPLAIN_BYTES];

	(void)state;
	explain_silence(words, &silence, S, &plain, NULL, NULL);
	assert_string_equal(words, "");
	silence.reason = CHANNEL_SILENCE_ENDED;
	explain_silence(words, &silence, S, &plain, NULL, NULL);
	assert_string_equal(words, "");
	silence.reason = CHANNEL_SILENCE_NO_ADDRESS;
	explain_silence(words, &silence, S, &plain, NULL, NULL);
	assert_says(words, "no address of it is known");
}

/* What is only claimed is called so. */
static void test_rejected(void **state)
{
	static const struct {
		uint32_t reason;
		uint32_t dialect;
		const struct explain_own *own;
		const char *parts[3];
	} cases[] = {
		{ CHANNEL_REJECTED_UNKNOWN,
		  ROSENPASS_BLAKE2B_188,
		  &plain,
		  { "192.0.2.1:4500 calls and says that its peer id is ",
		    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=, which is none of our peers'",
		    "fingerprint --peer-id" } },
		{ CHANNEL_REJECTED_UNKNOWN,
		  ROSENPASS_SHAKE256_156,
		  &plain,
		  { "= (SHAKE256), which", "", "" } },
		{ CHANNEL_REJECTED_OTHER_KEY,
		  0,
		  &plain,
		  { "another public key than ours", "if it is a peer of yours", "peer id OWN" } },
		{ CHANNEL_REJECTED_AUTH,
		  0,
		  &plain,
		  { "says that it is this peer, but does not prove it",
		    "none is set here; compare pre_shared_key", "another host calls in its name" } },
		{ CHANNEL_REJECTED_AUTH,
		  0,
		  &with_psk,
		  { "one is set here; compare \"/etc/psk\" with the file there", "", "" } },
		{ CHANNEL_REJECTED_AUTH,
		  0,
		  &of_rp,
		  { "the file psk in the peer's public keys directory", "", "" } },
		{ CHANNEL_REJECTED_DIALECT,
		  ROSENPASS_SHAKE256_156,
		  &plain,
		  { "says that it is this peer, and speaks shake256-156, ", "protocol_version", "" } },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct channel_rejected rejected = { .reason = cases[i].reason, .dialect = cases[i].dialect };
		char words[EXPLAIN_BYTES];

		rejected.from = v4("192.0.2.1", 4500);
		memset(rejected.id, 1, sizeof rejected.id);
		explain_rejected(words, &rejected, cases[i].own);
		for (size_t j = 0; j < FIXTURE_COUNT(cases[i].parts); j++)
			assert_says(words, cases[i].parts[j]);
	}
}

static void test_duration(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *words;
	} cases[] = {
		{ 0, "0 seconds" },      { 1, "1 second" },   { 119, "119 seconds" }, { 120, "2 minutes" },
		{ 7199, "119 minutes" }, { 7200, "2 hours" }, { 172800, "2 days" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char words[EXPLAIN_BYTES];

		explain_duration(words, cases[i].seconds * S);
		assert_string_equal(words, cases[i].words);
	}
}

/* Names and errors of any length are cut, and nothing is written beyond. */
static void test_long_words(void **state)
{
	static char name[4 * EXPLAIN_BYTES];
	struct channel_silence silence = { .reason = CHANNEL_SILENCE_NO_ADDRESS };
	char words[EXPLAIN_BYTES];

	(void)state;
	memset(name, 'x', sizeof name - 1);
	explain_silence(words, &silence, S, &plain, name, name);
	assert_int_equal(strlen(words), EXPLAIN_BYTES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silence),    cmocka_unit_test(test_nothing_to_explain),
		cmocka_unit_test(test_rejected),   cmocka_unit_test(test_duration),
		cmocka_unit_test(test_long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
