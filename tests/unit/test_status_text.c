#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "rosenpass/metrics_text.h"
#include "rosenpass/status_text.h"

static char *format(const char *json, bool colour)
{
	json_error_t error;
	json_t *status = json_loads(json, 0, &error);
	char *text;

	assert_non_null(status);
	text = status_text_format(status, colour);
	json_decref(status);
	assert_non_null(text);
	return text;
}

/* A peer with one member more; what its block says. */
static void check_peer(const char *member, const char *expected)
{
	char json[1024];
	char *text;

	(void)snprintf(json, sizeof json, "{\"name\": \"hub\", \"peers\": [{\"number\": 1, %s}]}", member);
	text = format(json, false);
	if (strstr(text, expected) == NULL)
		fail_msg("%s: expected \"%s\" in:\n%s", member, expected, text);
	free(text);
}

static void test_peer_lines(void **state)
{
	static const char *const cases[][2] = {
		{ "\"name\": \"office\"", "peer: office\n" },
		{ "\"at_run_time\": true", "peer: 1 (added while running)\n" },
		{ "\"has_key\": false", "latest key: none yet\n" },
		{ "\"has_key\": false, \"exchanges\": 3", "latest key: too old, erased\n" },
		{ "\"has_key\": true, \"key_age\": 0", "latest key: 0 seconds ago\n" },
		{ "\"has_key\": true, \"key_age\": 0, \"confirmed\": true", "latest key: 0 seconds ago\n" },
		{ "\"has_key\": true, \"key_age\": 0, \"confirmed\": false",
		  "latest key: 0 seconds ago, not confirmed by the peer\n" },
		{ "\"has_key\": true, \"key_age\": 1.9", "latest key: 1 second ago\n" },
		{ "\"has_key\": true, \"key_age\": 72", "latest key: 1 minute, 12 seconds ago\n" },
		{ "\"has_key\": true, \"key_age\": 3600", "latest key: 1 hour ago\n" },
		{ "\"has_key\": true, \"key_age\": 3661", "latest key: 1 hour, 1 minute ago\n" },
		{ "\"has_key\": true, \"key_age\": 90061", "latest key: 1 day, 1 hour ago\n" },
		{ "\"has_key\": true, \"key_age\": 1e300", "latest key: 0 seconds ago\n" },
		{ "\"has_key\": true, \"key_age\": -5", "latest key: 0 seconds ago\n" },
		{ "\"has_key\": true, \"renewal_in\": 60", "next exchange: 1 minute from now\n" },
		{ "\"state\": \"init-hello\"", "handshake: waiting for the peer's answer\n" },
		{ "\"state\": \"init-conf\", \"retransmissions\": 1",
		  "waiting for the peer's confirmation, asked 1 time more\n" },
		{ "\"endpoint\": \"a:1\", \"addresses\": [\"1.2.3.4:1\", \"[::1]:1\"]",
		  "endpoint: a:1 (1.2.3.4:1, [::1]:1)\n" },
		{ "\"endpoint\": \"1.2.3.4:1\", \"addresses\": [\"1.2.3.4:1\"]", "endpoint: 1.2.3.4:1\n" },
		{ "\"endpoint\": \"a:1\", \"resolve_error\": \"no\"", "endpoint: a:1 no\n" },
		{ "\"last_error\": \"it did not answer\"", "last error: it did not answer\n" },
		{ "\"outputs\": [{\"kind\": \"file\", \"target\": \"k\", \"state\": \"delivered\", \"age\": "
		  "5, "
		  "\"reason\": \"exchanged\"}]",
		  "outfile: k has the key since 5 seconds\n" },
		{ "\"outputs\": [{\"kind\": \"file\", \"target\": \"k\", \"state\": \"delivered\", \"age\": "
		  "5, "
		  "\"reason\": \"stale\"}]",
		  "outfile: k has a random key since 5 seconds\n" },
		{ "\"outputs\": [{\"kind\": \"command\", \"target\": \"c\", \"state\": \"failing\", \"age\": "
		  "60, "
		  "\"error\": \"exited with 1\"}]",
		  "command: c fails since 1 minute: exited with 1\n" },
		{ "\"outputs\": [{\"kind\": \"file\", \"target\": \"k\", \"state\": \"waiting\"}]",
		  "outfile: k is being given the key\n" },
		{ "\"name\": \"a\\u001b[1mb\\u009bc\\u007f\"", "peer: a?[1mb?c?\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_peer(cases[i][0], cases[i][1]);
}

static void test_daemon_lines(void **state)
{
	char *text = format(
		"{\"name\": \"hub\", \"version\": \"1\", \"pid\": 7, \"engine_pid\": 8, \"uptime\": 61, "
		"\"load\": {\"under_load\": true, \"busy\": 0.95}, \"random_failing\": true, \"sandbox\": "
		"[{\"part\": "
		"\"seccomp\", \"on\": true}, {\"part\": \"landlock\", \"on\": false, \"note\": \"none "
		"here\"}], \"listen\": [{\"configured\": \"[::]:1\", \"address\": null, \"open\": false, "
		"\"error\": \"taken\"}]}",
		false);

	(void)state;
	assert_string_equal(text, "daemon: hub\n"
	                          "  version: 1\n"
	                          "  processes: 7, engine 8\n"
	                          "  running for: 1 minute, 1 second\n"
	                          "  listening at: [::]:1 taken\n"
	                          "  sandbox: seccomp\n"
	                          "  not protected by: landlock (none here)\n"
	                          "  load: 95.0 %, under load: strangers need a cookie\n"
	                          "  the system's random source fails: no handshake begins\n");
	free(text);
}

static void test_colour(void **state)
{
	static const char json[] = "{\"name\": \"hub\", \"peers\": [{\"last_error\": \"bad\"}]}";
	char *plain = format(json, false);
	char *coloured = format(json, true);

	(void)state;
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(coloured, "\033[31mbad\033[0m"));
	free(plain);
	free(coloured);
}

/* What is not there, or of another type, is left out. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"name\": 3, \"peers\": 3, \"listen\": {}, \"sandbox\": \"x\", \"load\": []}",
		"{\"peers\": [3, null, [], {}, {\"outputs\": [null, 3, {}]}]}",
		"{\"peers\": [{\"addresses\": [1], \"endpoint\": \"e\"}]}",
		"{\"listen\": [1, {}], \"sandbox\": [{}, {\"part\": 3}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		json_t *status = json_loads(texts[i], 0, NULL);
		char *metrics;

		free(format(texts[i], true));
		assert_non_null(status);
		metrics = metrics_text_format(&status, 1);
		assert_non_null(metrics);
		free(metrics);
		free(status_text_peers(status));
		json_decref(status);
	}
}

static void test_metrics(void **state)
{
	json_t *statuses[2] = {
		json_loads("{\"name\": \"a\\\"b\\\\c\\nd\", \"uptime\": 1.5, \"peers\": [{\"number\": 2, "
		           "\"id\": \"i\", "
		           "\"has_key\": true, \"key_age\": null, \"exchanges\": 3, \"address\": null, "
		           "\"outputs\": "
		           "[{\"kind\": \"file\", \"target\": \"t\", \"state\": \"delivered\", \"failures\": "
		           "1}]}]}",
		           0, NULL),
		json_loads("{\"name\": \"two\", \"uptime\": 2, \"load\": {\"under_load\": true}, "
		           "\"random_failing\": true, "
		           "\"peers\": []}",
		           0, NULL),
	};
	static const char *const lines[] = {
		"# TYPE rosenpass_uptime_seconds gauge\nrosenpass_uptime_seconds{daemon=\"a\\\"b\\\\c\\nd\"} "
		"1.5\nrosenpass_uptime_seconds{daemon=\"two\"} 2\n",
		"rosenpass_under_load{daemon=\"two\"} 1\n",
		"rosenpass_random_failing{daemon=\"two\"} 1\n",
		"rosenpass_peer_has_key{daemon=\"a\\\"b\\\\c\\nd\",peer=\"2\",id=\"i\"} 1\n",
		"rosenpass_peer_exchanges_total{daemon=\"a\\\"b\\\\c\\nd\",peer=\"2\",id=\"i\"} 3\n",
		"rosenpass_peer_has_address{daemon=\"a\\\"b\\\\c\\nd\",peer=\"2\",id=\"i\"} 0\n",
		"rosenpass_output_delivered{daemon=\"a\\\"b\\\\c\\nd\",peer=\"2\",id=\"i\",kind=\"file\","
		"target=\"t\"} "
		"1\n",
		"rosenpass_output_failures_total{daemon=\"a\\\"b\\\\c\\nd\",peer=\"2\",id=\"i\",kind="
		"\"file\","
		"target=\"t\"} 1\n",
	};
	char *text = metrics_text_format(statuses, 2);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		if (strstr(text, lines[i]) == NULL)
			fail_msg("expected \"%s\" in:\n%s", lines[i], text);
	}
	/* Without a key there is no age of one. */
	assert_null(strstr(text, "rosenpass_peer_key_age_seconds{"));
	free(text);
	json_decref(statuses[0]);
	json_decref(statuses[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer_lines), cmocka_unit_test(test_daemon_lines),
		cmocka_unit_test(test_colour),     cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
