#include "fixture.h"

#include <stdlib.h>

#include "config/endpoint_syntax.h"

#define NAME_63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456789"
#define NAME_253                            \
	NAME_63 "." NAME_63 "." NAME_63 "." \
		"abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-1234567"

_Static_assert(sizeof NAME_253 == 253 + 1, "as long as a name can be");

static void test_good(void **state)
{
	static const char *const texts[] = {
		"h:1",
		"h:65535",
		"h:00009",
		"vpn.example.org:9999",
		"vpn.example.org.:9999",
		"under_score.xn--bro-hoa.example:9999",
		"1.2.3.4:9999",
		"0:2345",
		"127.1:2345",
		"1.2.3:9999",
		"0177.1:9999",
		"2130706433:9999",
		"255.255.255.255:9999",
		"1.2.3.4.example:9999",
		"1and1.example:9999",
		"[::]:9999",
		"[::1]:9999",
		"[2001:db8::1.2.3.4]:9999",
		"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:9999",
		"[fe80::1%eth0]:9999",
		"[fe80::1%2]:9999",
		"[fe80::1%fifteen-charact]:9999",
		NAME_253 ":9999",
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		for (int zero = 0; zero < 2; zero++) {
			const char *problem = endpoint_syntax_problem(texts[i], zero == 1);

			if (problem != NULL)
				fail_msg("\"%s\" %s", texts[i], problem);
		}
	}
	assert_null(endpoint_syntax_problem("h:0", true));
	assert_null(endpoint_syntax_problem("[::]:00000", true));
	assert_non_null(endpoint_syntax_problem("h:0", false));
	assert_non_null(endpoint_syntax_problem("[::]:00000", false));
}

static void test_bad(void **state)
{
	static const struct {
		const char *text;
		const char *problem; /* a part of it */
	} cases[] = {
		{ "", "no port; expected HOST:PORT" },
		{ "h", "no port; expected HOST:PORT" },
		{ ":", "no host" },
		{ ":9999", "no host" },
		{ "h:", "no port number" },
		{ "h:x", "no port number" },
		{ "h:9x", "no port number" },
		{ "h: 9", "no port number" },
		{ "h:9 ", "no port number" },
		{ "h:+9", "no port number" },
		{ "h:-1", "no port number" },
		{ "h:000009", "no port number" },
		{ "h:99999999999999999999", "no port number" },
		{ "h:65536", "beyond 65535" },
		{ "[::1]:65536", "beyond 65535" },
		{ "h:0", "port 0" },
		{ "::1:9999", "write it in brackets" },
		{ "fe80::1%eth0:9999", "write it in brackets" },
		{ "h:9:9", "more than one colon" },
		{ "1.2.3.4:9:9", "more than one colon" },
		{ "[fe80::1]:9999", "link-local address without its interface" },
		{ "[FEBF::1:2]:9999", "link-local address without its interface" },
		{ "[", "not closed" },
		{ "[::1:9999", "not closed" },
		{ "[::1]", "expected [ADDRESS]:PORT" },
		{ "[::1]9999", "expected [ADDRESS]:PORT" },
		{ "[::1] :9999", "expected [ADDRESS]:PORT" },
		{ "[::1]:", "no port number" },
		{ "[]:9999", "no IPv6 address" },
		{ "[h]:9999", "no IPv6 address" },
		{ "[1.2.3.4]:9999", "no IPv6 address" },
		{ "[::g]:9999", "no IPv6 address" },
		{ "[::1 ]:9999", "no IPv6 address" },
		{ "[[::1]]:9999", "expected [ADDRESS]:PORT" },
		{ "[1:2:3:4:5:6:7:8:9]:9999", "no IPv6 address" },
		{ "[%eth0]:9999", "no IPv6 address" },
		{ "[fe80::1%]:9999", "no interface" },
		{ "[fe80::1%eth 0]:9999", "no interface" },
		{ "[fe80::1%a%b]:9999", "no interface" },
		{ "[fe80::1%../eth0]:9999", "no interface" },
		{ "[fe80::1%sixteen-characte]:9999", "no interface" },
		{ "[fe80::1%" NAME_253 "]:9999", "no IPv6 address" },
		{ "1.2.3.4.5:9999", "no IPv4 address" },
		{ "1.2.65536:9999", "no IPv4 address" },
		{ "08.1:9999", "no IPv4 address" },
		{ "4294967296:9999", "no IPv4 address" },
		{ "1.2.3.256:9999", "no IPv4 address" },
		{ "1.2.3.4.:9999", "no IPv4 address" },
		{ ".:9999", "no IPv4 address" },
		{ "a b:9999", "a character that" },
		{ " h:9999", "a character that" },
		{ "h\n:9999", "a character that" },
		{ "b\xc3\xbcro.example:9999", "a character that" },
		{ "http://h:9999", "looks like a URL" },
		{ "udp://[::1]:9999", "looks like a URL" },
		{ "https://:9999", "looks like a URL" },
		{ "u@h:9999", "a character that" },
		{ "h/:9999", "a character that" },
		{ "h%eth0:9999", "a character that" },
		{ NAME_253 "x:9999", "too long" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const char *problem = endpoint_syntax_problem(cases[i].text, false);

		if (problem == NULL)
			fail_msg("\"%s\" is accepted", cases[i].text);
		if (strstr(problem, cases[i].problem) == NULL)
			fail_msg("\"%s\" %s", cases[i].text, problem);
	}
}

static void test_expanded(void **state)
{
	static const struct {
		const char *text;
		const char *endpoint;
		const char *listen; /* NULL: the same */
	} cases[] = {
		{ "0:2345", "0.0.0.0:2345", NULL },
		{ "127.1:2345", "127.0.0.1:2345", NULL },
		{ "10.1.258:9", "10.1.1.2:9", NULL },
		{ "0x7f.1:9", "127.0.0.1:9", NULL },
		{ "0X7F000001:9", "127.0.0.1:9", NULL },
		{ "0177.0.0.1:9", "127.0.0.1:9", NULL },
		{ "2130706433:9", "127.0.0.1:9", NULL },
		{ "192.0.2.1:9999", "192.0.2.1:9999", NULL },
		{ "192.0.2.010:9999", "192.0.2.8:9999", NULL },
		/* What is no address stays as it is, for the one who looks at it. */
		{ "h:9999", "h:9999", NULL },
		{ "0x7g.1:9", "0x7g.1:9", NULL },
		{ "08.1:9", "08.1:9", NULL },
		{ "127.1 x:9", "127.1 x:9", NULL },
		{ "[::1]:9", "[::1]:9", NULL },
		{ "::1:9", "::1:9", NULL },
		{ "h", "h", NULL },
		{ "", "", NULL },
		{ ":9999", ":9999", "[::]:9999" },
		{ "*:9999", "*:9999", "[::]:9999" },
		{ "9999", "9999", "[::]:9999" },
		{ "0", "0", "[::]:0" },
		{ ":", ":", "[::]:" },
		{ "*:x", "*:x", "[::]:x" },
		{ "*", "*", NULL },
		{ "123456", "123456", NULL },
		{ "9999x", "9999x", NULL },
		{ "**:9", "**:9", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char *endpoint = endpoint_syntax_expand(cases[i].text, false);
		char *listen = endpoint_syntax_expand(cases[i].text, true);

		assert_string_equal(endpoint, cases[i].endpoint);
		assert_string_equal(listen, cases[i].listen != NULL ? cases[i].listen : cases[i].endpoint);
		free(endpoint);
		free(listen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_expanded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
