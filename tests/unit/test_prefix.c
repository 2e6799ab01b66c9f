/* Whether two lists of allowed IPs are the same. */

#include "wireguard_fixture.h"

#include "daemon/prefix.h"

static void test_same(void **state)
{
	const struct wireguard_allowed_ip all[] = { ip_of("10.0.0.0", 24), ip_of("10.0.1.0", 24),
		                                    ip_of("2001:db8::", 64) };
	const struct wireguard_allowed_ip turned[] = { all[2], all[1], all[0] };

	(void)state;
	assert_true(prefix_same(all, 3, turned, 3));
	assert_true(prefix_same(NULL, 0, NULL, 0));
	assert_false(prefix_same(all, 3, turned, 2));
	assert_false(prefix_same(all, 2, turned, 3));
	assert_false(prefix_same(NULL, 0, turned, 1));
}

static void test_each_part_counts(void **state)
{
	const struct wireguard_allowed_ip one[] = { ip_of("10.0.0.1", 32), ip_of("2001:db8::1", 128) };
	const struct wireguard_allowed_ip others[][2] = {
		{ ip_of("10.0.0.2", 32), one[1] },     { ip_of("11.0.0.1", 32), one[1] },
		{ ip_of("10.0.0.1", 31), one[1] },     { one[0], ip_of("2001:db8::2", 128) },
		{ one[0], ip_of("2001:db8::1", 127) }, { one[0], ip_of("2001:db8:1::1", 128) },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(others); i++)
		assert_false(prefix_same(one, 2, others[i], 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_each_part_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
