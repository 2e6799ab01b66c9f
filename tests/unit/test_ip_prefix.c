#include "fixture.h"

#include <arpa/inet.h>

#include "base/ip_prefix.h"

static struct ip_prefix prefix_of(const char *text, uint8_t bits)
{
	struct ip_prefix prefix = { .family = strchr(text, ':') == NULL ? AF_INET : AF_INET6, .bits = bits };

	assert_int_equal(inet_pton(prefix.family, text, &prefix.v6), 1);
	return prefix;
}

static void test_bytes(void **state)
{
	const struct {
		struct ip_prefix prefix;
		size_t bytes;
	} cases[] = {
		{ prefix_of("10.0.0.1", 0), 4 },
		{ prefix_of("10.0.0.1", 32), 4 },
		{ prefix_of("10.0.0.1", 33), 0 },
		{ prefix_of("fd00::1", 0), 16 },
		{ prefix_of("fd00::1", 128), 16 },
		{ prefix_of("fd00::1", 129), 0 },
		{ { .family = AF_UNIX, 8, { { 0 } } }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++)
		assert_int_equal(ip_prefix_bytes(&cases[i].prefix), cases[i].bytes);
}

static void test_clear_host(void **state)
{
	static const struct {
		const char *from;
		uint8_t bits;
		const char *to;
	} cases[] = {
		{ "255.255.255.255", 0, "0.0.0.0" },
		{ "255.255.255.255", 1, "128.0.0.0" },
		{ "255.255.255.255", 15, "255.254.0.0" },
		{ "255.255.255.255", 16, "255.255.0.0" },
		{ "255.255.255.255", 17, "255.255.128.0" },
		{ "255.255.255.255", 32, "255.255.255.255" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, "::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 63, "ffff:ffff:ffff:fffe::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 64, "ffff:ffff:ffff:ffff::" },
		{ "fd00::1", 127, "fd00::" },
		{ "fd00::1", 128, "fd00::1" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct ip_prefix prefix = prefix_of(cases[i].from, cases[i].bits);
		struct ip_prefix wanted = prefix_of(cases[i].to, cases[i].bits);

		ip_prefix_clear_host(&prefix);
		assert_memory_equal(&prefix, &wanted, sizeof prefix);
	}
}

static void test_compare(void **state)
{
	/* In order. */
	const struct ip_prefix list[] = { prefix_of("9.0.0.0", 8),  prefix_of("10.0.0.0", 8),
		                          prefix_of("10.0.0.1", 8), prefix_of("9.0.0.0", 9),
		                          prefix_of("::", 0),       prefix_of("::1", 128) };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(list); i++) {
		for (size_t j = 0; j < FIXTURE_COUNT(list); j++) {
			int order = ip_prefix_compare(&list[i], &list[j]);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

/* What lies behind an IPv4 address does not count. */
static void test_rest_of_v4(void **state)
{
	struct ip_prefix a = prefix_of("10.0.0.0", 8);
	struct ip_prefix b = a;

	(void)state;
	b.v6.s6_addr[4] = 1;
	assert_int_equal(ip_prefix_compare(&a, &b), 0);
}

static void test_same(void **state)
{
	const struct ip_prefix all[] = { prefix_of("10.0.0.0", 24), prefix_of("10.0.1.0", 24),
		                         prefix_of("2001:db8::", 64) };
	const struct ip_prefix turned[] = { all[2], all[1], all[0] };
	const struct ip_prefix twice[] = { all[0], all[0], all[1] };

	(void)state;
	assert_true(ip_prefix_same(all, 3, turned, 3));
	assert_true(ip_prefix_same(NULL, 0, NULL, 0));
	assert_true(ip_prefix_same(all, 2, twice, 3));
	assert_false(ip_prefix_same(all, 3, turned, 2));
	assert_false(ip_prefix_same(all, 2, turned, 3));
	assert_false(ip_prefix_same(NULL, 0, turned, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),   cmocka_unit_test(test_clear_host),
		cmocka_unit_test(test_compare), cmocka_unit_test(test_rest_of_v4),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
