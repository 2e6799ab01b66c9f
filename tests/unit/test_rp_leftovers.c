/* What rp removes at its start that an rp which was killed left behind, and what it leaves alone. */

#include "rp_ways_fixture.h"

#include "rp/leftovers.h"
#include "rp/policy.h"

/* Whoever was killed with its guard leaves rules behind; they are told from those of tunnels that stand. */
static void test_leftovers(void **state)
{
	static const uint16_t families[] = { AF_INET, AF_INET6 };
	struct policy standing = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();
	const struct route route = { .prefix = ip_of("0.0.0.0", 0), .table = 51820, .index = ours };
	char before[1024];

	(void)state;
	need_network();
	assert_int_equal(route_add(&route), 0);
	assert_int_equal(policy_keep(&standing, AF_INET, 0, &guard), 2);
	/* The table has a route of IPv4 only, which is enough for both. */
	assert_int_equal(policy_keep(&standing, AF_INET6, 0, &guard), 2);
	(void)snprintf(before, sizeof before, "%s", rules_of(AF_INET));
	for (size_t f = 0; f < FIXTURE_COUNT(families); f++) {
		struct policy killed = { .mark = 51820, .table = 51821 };
		struct guard nobody = alone();

		assert_int_equal(policy_keep(&killed, families[f], 0, &nobody), 2);
		undo_release(&nobody.changes);
	}
	assert_string_not_equal(rules_of(AF_INET), before);
	leftovers_remove();
	assert_string_equal(rules_of(AF_INET), before);
	assert_non_null(strstr(rules_of(AF_INET6), "51820; "));
	assert_null(strstr(rules_of(AF_INET6), "51821; "));
	/* Nothing more to do. */
	leftovers_remove();
	assert_string_equal(rules_of(AF_INET), before);
	assert_int_equal(route_delete(&route), 0);
	leftovers_remove();
	assert_string_equal(rules_of(AF_INET), RULES_V4);
	guard_undo(&guard);
}

/* wg-quick's rules look like ours; whoever made them looks after them, whatever is in their table. */
static void test_leftovers_of_others(void **state)
{
	char before[1024];

	(void)state;
	need_network();
	if (system("ip -4 rule add not fwmark 51822 lookup 51822 && "
	           "ip -4 rule add lookup main suppress_prefixlength 0") != 0)
		skip();
	(void)snprintf(before, sizeof before, "%s", rules_of(AF_INET));
	assert_string_not_equal(before, RULES_V4);
	leftovers_remove();
	assert_string_equal(rules_of(AF_INET), before);
	assert_int_equal(system("ip -4 rule del not fwmark 51822 lookup 51822 && "
	                        "ip -4 rule del lookup main suppress_prefixlength 0"),
	                 0);
	assert_string_equal(rules_of(AF_INET), RULES_V4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_leftovers_of_others),
	};

	return cmocka_run_group_tests(tests, enter_network, NULL);
}
