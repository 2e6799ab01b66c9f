#include "fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/wireguard_params.h"

#define WORDS_MAX 16
#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void print_prefixes(FILE *out, const struct ip_prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char address[INET6_ADDRSTRLEN];

		assert_true(prefixes[i].family == AF_INET || prefixes[i].family == AF_INET6);
		assert_non_null(inet_ntop(prefixes[i].family, &prefixes[i].v6, address, sizeof address));
		(void)fprintf(out, "%s%s/%u", i > 0 ? "," : "", address, (unsigned)prefixes[i].bits);
	}
}

static void check_prefixes(const char *text, bool keep_host, const char *expected)
{
	struct ip_prefix *prefixes = NULL;
	char problem[WIREGUARD_PARAMS_PROBLEM_BYTES] = "";
	char found[512] = "";
	FILE *out = fmemopen(found, sizeof found, "w");
	size_t count = 9;

	assert_non_null(out);
	if (wireguard_params_prefixes(&prefixes, &count, text, keep_host, problem) != 0)
		fail_msg("\"%s\": %s", text, problem);
	print_prefixes(out, prefixes, count);
	assert_int_equal(fclose(out), 0);
	free(prefixes);
	if (strcmp(found, expected) != 0)
		fail_msg("\"%s\": %s, not %s", text, found, expected);
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text;
		const char *cleared;
		const char *kept; /* NULL: the same */
	} cases[] = {
		{ "", "", NULL },
		{ " \t", "", NULL },
		{ "10.0.0.1", "10.0.0.1/32", NULL },
		{ "fd00::1", "fd00::1/128", NULL },
		{ "10.0.0.0/8", "10.0.0.0/8", NULL },
		{ "0.0.0.0/0,::/0", "0.0.0.0/0,::/0", NULL },
		{ " 10.0.0.0/8 ,\tfd00::/8 ", "10.0.0.0/8,fd00::/8", NULL },
		{ "10.0.0.1,10.0.0.1", "10.0.0.1/32,10.0.0.1/32", NULL },
		{ "255.255.255.255/0", "0.0.0.0/0", "255.255.255.255/0" },
		{ "255.255.255.255/1", "128.0.0.0/1", "255.255.255.255/1" },
		{ "255.255.255.255/8", "255.0.0.0/8", "255.255.255.255/8" },
		{ "255.255.255.255/15", "255.254.0.0/15", "255.255.255.255/15" },
		{ "255.255.255.255/31", "255.255.255.254/31", "255.255.255.255/31" },
		{ "255.255.255.255/32", "255.255.255.255/32", NULL },
		{ "fc00::1/64", "fc00::/64", "fc00::1/64" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/67", "ffff:ffff:ffff:ffff:e000::/67",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/67" },
		{ "ffff::ffff/127", "ffff::fffe/127", "ffff::ffff/127" },
		{ "::ffff:1.2.3.4/128", "::ffff:1.2.3.4/128", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		check_prefixes(cases[i].text, false, cases[i].cleared);
		check_prefixes(cases[i].text, true, cases[i].kept != NULL ? cases[i].kept : cases[i].cleared);
	}
}

static void test_wrong_prefixes(void **state)
{
	static const struct {
		const char *text;
		const char *problem; /* a part of it */
	} cases[] = {
		{ ",", "empty" },
		{ "10.0.0.1,", "empty" },
		{ ",10.0.0.1", "empty" },
		{ "10.0.0.1, ,10.0.0.2", "empty" },
		{ "here", "\"here\" is not an IP address" },
		{ "10.0.0.1,10.0.0.256", "\"10.0.0.256\" is not an IP address" },
		{ "10.0.0", "is not an IP address" },
		{ "10.0.0.1 10.0.0.2", "is not an IP address" },
		{ "[fc00::1]", "is not an IP address" },
		{ "fe80::1%eth0", "is not an IP address" },
		{ "/8", "is not an IP address" },
		{ "-", "is not an IP address" },
		{ "10.0.0.1/", "\"10.0.0.1/\" needs a number of bits from 0 to 32" },
		{ "10.0.0.1/33", "from 0 to 32" },
		{ "10.0.0.1/-1", "from 0 to 32" },
		{ "10.0.0.1/8/8", "from 0 to 32" },
		{ "10.0.0.1/255.0.0.0", "from 0 to 32" },
		{ "10.0.0.1/99999999999999999999999", "from 0 to 32" },
		{ "fc00::/129", "from 0 to 128" },
		{ "+10.0.0.0/8", "begins with +" },
		{ "10.0.0.1,-10.0.0.0/8", "\"-10.0.0.0/8\" begins with -" },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct ip_prefix *prefixes = (void *)text;
		char problem[WIREGUARD_PARAMS_PROBLEM_BYTES] = "";
		size_t count = 9;

		if (wireguard_params_prefixes(&prefixes, &count, cases[i].text, i % 2 == 0, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].text);
		if (strstr(problem, cases[i].problem) == NULL)
			fail_msg("\"%s\": %s, not %s", cases[i].text, problem, cases[i].problem);
		assert_null(prefixes);
		assert_int_equal(count, 0);
	}
	/* Around the longest that an address can be, and far beyond. */
	for (size_t length = 40; length < sizeof text; length++) {
		struct ip_prefix *prefixes = NULL;
		char problem[WIREGUARD_PARAMS_PROBLEM_BYTES] = "";
		size_t count = 0;

		memset(text, '1', length);
		text[length] = '\0';
		assert_int_equal(wireguard_params_prefixes(&prefixes, &count, text, true, problem), -1);
		assert_non_null(strstr(problem, "is not an IP address"));
	}
}

/* Words with blanks between them; "_" is an empty one. */
static size_t split(char *line, char **words)
{
	size_t count = 0;

	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(count < WORDS_MAX);
		words[count++] = strcmp(word, "_") == 0 ? word + 1 : word;
	}
	return count;
}

static int read_line(struct wireguard_params *out, const char *text, char *line, size_t size,
                     char problem[static WIREGUARD_PARAMS_PROBLEM_BYTES])
{
	char *words[WORDS_MAX];

	(void)snprintf(line, size, "%s", text);
	memset(out, 'x', sizeof *out);
	return wireguard_params_read(out, words, split(line, words), problem);
}

static void test_words(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "", "- - -" },
		{ "endpoint h:1", "h:1 - -" },
		{ "endpoint [fe80::1%eth0]:51820", "[fe80::1%eth0]:51820 - -" },
		{ "persistent-keepalive 25", "- 25 -" },
		{ "persistent-keepalive 65535", "- 65535 -" },
		{ "persistent-keepalive 0", "- 0 -" },
		{ "persistent-keepalive off", "- 0 -" },
		{ "allowed-ips 10.1.2.3/8,fd00::1", "- - 10.0.0.0/8,fd00::1/128" },
		{ "allowed-ips _", "- - " },
		{ "allowed-ips ::/0 endpoint h:1 persistent-keepalive 1", "h:1 1 ::/0" },
		/* Values that are words themselves. */
		{ "endpoint allowed-ips:1 allowed-ips 1.2.3.4", "allowed-ips:1 - 1.2.3.4/32" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct wireguard_params words;
		char problem[WIREGUARD_PARAMS_PROBLEM_BYTES] = "";
		char line[200];
		char found[300] = "";
		FILE *out = fmemopen(found, sizeof found, "w");

		assert_non_null(out);
		if (read_line(&words, cases[i].text, line, sizeof line, problem) != 0)
			fail_msg("\"%s\": %s", cases[i].text, problem);
		(void)fprintf(out, "%s ", words.endpoint != NULL ? words.endpoint : "-");
		if (words.has_keepalive)
			(void)fprintf(out, "%u ", (unsigned)words.keepalive_seconds);
		else
			(void)fprintf(out, "- ");
		if (words.has_allowed_ips)
			print_prefixes(out, words.allowed_ips, words.allowed_ip_count);
		else
			(void)fprintf(out, "-");
		assert_int_equal(fclose(out), 0);
		if (strcmp(found, cases[i].expected) != 0)
			fail_msg("\"%s\": %s, not %s", cases[i].text, found, cases[i].expected);
		wireguard_params_release(&words);
		assert_true(fixture_is_zero(&words, sizeof words));
	}
}

/* What is listed is read as the same; a copy is the same and has memory of its own. */
static void test_copies(void **state)
{
	static const char *const texts[] = {
		"",
		"endpoint h:1",
		"endpoint h:2",
		"persistent-keepalive off",
		"persistent-keepalive 25",
		"allowed-ips _",
		"allowed-ips 10.0.0.0/8,fd00::/64",
		"allowed-ips 10.0.0.0/8,fd00::/65",
		"allowed-ips 10.0.0.0/8 endpoint [fe80::1%eth0]:9 persistent-keepalive 65535",
	};
	struct wireguard_params all[FIXTURE_COUNT(texts)];
	char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];
	char line[200];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++)
		assert_int_equal(read_line(&all[i], texts[i], line, sizeof line, problem), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		struct wireguard_params copy;
		struct wireguard_params again;
		struct string_list list;

		for (size_t j = 0; j < FIXTURE_COUNT(texts); j++) {
			if (wireguard_params_equal(&all[i], &all[j]) != (i == j))
				fail_msg("\"%s\" and \"%s\"", texts[i], texts[j]);
		}
		assert_int_equal(wireguard_params_copy(&copy, &all[i]), 0);
		assert_true(wireguard_params_equal(&copy, &all[i]));
		assert_true(copy.endpoint == NULL || copy.endpoint != all[i].endpoint);
		assert_true(copy.allowed_ips == NULL || copy.allowed_ips != all[i].allowed_ips);
		assert_int_equal(wireguard_params_list(&list, &copy), 0);
		assert_int_equal(wireguard_params_read(&again, list.words, list.count, problem), 0);
		assert_true(wireguard_params_equal(&again, &all[i]));
		string_list_release(&list);
		wireguard_params_release(&again);
		wireguard_params_release(&copy);
	}
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++)
		wireguard_params_release(&all[i]);
}

static void test_wrong_words(void **state)
{
	static const struct {
		const char *text;
		const char *problem; /* its beginning */
	} cases[] = {
		{ "endpoint", "endpoint needs a value after it" },
		{ "endpoint h:1 persistent-keepalive", "persistent-keepalive needs a value after it" },
		{ "endpoint h:1 endpoint h:1", "endpoint was already set" },
		{ "endpoint h:1 endpoint", "endpoint was already set" },
		{ "persistent-keepalive off persistent-keepalive 1", "persistent-keepalive was already set" },
		{ "allowed-ips _ allowed-ips ::/0", "allowed-ips was already set" },
		{ "allowed-ips ::/0,::1 alowed-ips ::/0",
		  "unknown argument \"alowed-ips\"; did you mean allowed-ips?" },
		{ "allowed_ips ::/0", "unknown argument \"allowed_ips\"; did you mean allowed-ips?" },
		{ "Endpoint h:1", "unknown argument \"Endpoint\"; did you mean endpoint?" },
		{ "mtu 1400",
		  "unknown argument \"mtu\"; expected endpoint, persistent-keepalive or allowed-ips" },
		{ "_", "unknown argument \"\"; expected endpoint" },
		{ "preshared-key " KEY, "preshared-key is what Rosenpass sets" },
		{ "remove", "remove would take away the peer" },
		{ KEY, "a key stands where endpoint" },
		{ "endpoint h", "endpoint \"h\" has no port" },
		{ "endpoint 0.0.0.0:9", "endpoint \"0.0.0.0:9\" means every address" },
		{ "endpoint h:0", "endpoint \"h:0\" has port 0" },
		{ "endpoint _", "endpoint \"\" has no port" },
		{ "persistent-keepalive 65536",
		  "persistent-keepalive \"65536\" is not a time; expected seconds" },
		{ "persistent-keepalive -1", "persistent-keepalive \"-1\" is not a time" },
		{ "persistent-keepalive 1s", "persistent-keepalive \"1s\" is not a time" },
		{ "persistent-keepalive Off", "persistent-keepalive \"Off\" is not a time" },
		{ "persistent-keepalive _", "persistent-keepalive \"\" is not a time" },
		{ "persistent-keepalive 99999999999999999999", "persistent-keepalive \"9999" },
		{ "allowed-ips 10.0.0.0/33", "allowed-ips: \"10.0.0.0/33\" needs a number of bits" },
		{ "allowed-ips +10.0.0.0/8", "allowed-ips: \"+10.0.0.0/8\" begins with +" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct wireguard_params words;
		char problem[WIREGUARD_PARAMS_PROBLEM_BYTES] = "";
		char line[200];

		if (read_line(&words, cases[i].text, line, sizeof line, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].text);
		if (strncmp(problem, cases[i].problem, strlen(cases[i].problem)) != 0)
			fail_msg("\"%s\": %s, not %s", cases[i].text, problem, cases[i].problem);
		assert_null(strstr(problem, KEY));
		assert_true(fixture_is_zero(&words, sizeof words));
	}
}

/* However long a word is, the message has its end. */
static void test_long_words(void **state)
{
	static const char *const before[] = { "", "endpoint ", "persistent-keepalive ", "allowed-ips " };
	char text[1000];
	char line[1000];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(before); i++) {
		struct wireguard_params words;
		char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];

		memset(text, 'n', sizeof text);
		memcpy(text, before[i], strlen(before[i]));
		text[sizeof text - 1] = '\0';
		memset(problem, 'x', sizeof problem);
		assert_int_equal(read_line(&words, text, line, sizeof line, problem), -1);
		assert_non_null(memchr(problem, '\0', sizeof problem));
		assert_non_null(strstr(problem, "nnnn"));
		assert_null(strstr(problem, text + sizeof text - 1 - 200));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),   cmocka_unit_test(test_wrong_prefixes),
		cmocka_unit_test(test_words),      cmocka_unit_test(test_wrong_words),
		cmocka_unit_test(test_long_words), cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
