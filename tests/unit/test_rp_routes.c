#include "rp_ways_fixture.h"

#include <linux/rtnetlink.h>

#include "rp/mtu.h"
#include "rp/policy.h"
#include "system/log.h"
#include "system/netlink.h"
#include "system/sysctl.h"

#define FULL_RULES "0:255; 32764:254 beyond 0; 32765:not ca6c/ffffffff 51820; 32766:254; 32767:253; "

static uint32_t leads_to(const char *prefix, uint8_t bits)
{
	return find_route(prefix, bits, ROUTE_TABLE_MAIN).first.index;
}

/* A route of somebody else stays and is a conflict; with replace ours takes its place, until the end. */
static void test_conflict(void **state)
{
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, false);
	struct ways ways = { 0 };
	struct found before[2];
	struct found after;
	bool conflict;

	(void)state;
	need_network();
	add_gateway("10.60.0.0", "255.255.255.0", "10.50.0.9", 0);
	before[0] = find_route("10.50.0.0", 24, ROUTE_TABLE_MAIN);
	before[1] = find_route("10.60.0.0", 24, ROUTE_TABLE_MAIN);
	add(&ways, "10.50.0.0", 24);
	add(&ways, "10.60.0.0", 24);
	add(&ways, "10.61.0.0", 24);
	assert_int_equal(ways_make(&ways, &target, &conflict), 1);
	assert_true(conflict);
	assert_int_equal(leads_to("10.50.0.0", 24), other);
	assert_int_equal(leads_to("10.60.0.0", 24), other);
	assert_int_equal(leads_to("10.61.0.0", 24), ours);
	ways.replace = true;
	assert_int_equal(ways_make(&ways, &target, &conflict), 2);
	assert_false(conflict);
	assert_int_equal(leads_to("10.50.0.0", 24), ours);
	assert_int_equal(leads_to("10.60.0.0", 24), ours);
	/* All is there. */
	assert_int_equal(ways_make(&ways, &target, &conflict), 0);
	assert_false(conflict);
	/* The second one needs the first one, to its gateway. */
	guard_undo(&guard);
	after = find_route("10.50.0.0", 24, ROUTE_TABLE_MAIN);
	assert_memory_equal(&after, &before[0], sizeof after);
	after = find_route("10.60.0.0", 24, ROUTE_TABLE_MAIN);
	assert_memory_equal(&after, &before[1], sizeof after);
	assert_int_equal(find_route("10.61.0.0", 24, ROUTE_TABLE_MAIN).count, 0);
	assert_int_equal(guard.changes.count, 0);
	ways_release(&ways);
}

/* A route with more next hops than are kept is in the way even so. */
static void test_too_long(void **state)
{
	const struct rtmsg fixed = {
		.rtm_family = AF_INET,
		.rtm_dst_len = 24,
		.rtm_table = ROUTE_TABLE_MAIN,
		.rtm_type = RTN_UNICAST,
	};
	const struct ip_prefix destination = ip_of("10.87.0.0", 24);
	struct rtnexthop hops[200];
	struct netlink_message message;
	struct netlink_answer answer = { 0 };
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, false);
	struct ways ways = { .replace = true };
	bool conflict;
	int fd;

	(void)state;
	need_network();
	for (size_t i = 0; i < FIXTURE_COUNT(hops); i++)
		hops[i] = (struct rtnexthop){ .rtnh_len = sizeof hops[i], .rtnh_ifindex = (int)other };
	fd = netlink_open(NETLINK_ROUTE);
	assert_true(fd >= 0);
	netlink_begin(&message, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE, &fixed, sizeof fixed);
	assert_true(netlink_add(&message, RTA_DST, &destination.v4, sizeof destination.v4));
	assert_true(netlink_add(&message, RTA_MULTIPATH, hops, sizeof hops));
	netlink_finish(&message);
	assert_int_equal(netlink_request(fd, &message, &answer), 0);
	(void)close(fd);
	add(&ways, "10.87.0.0", 24);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ways_make(&ways, &target, &conflict), 0);
		assert_true(conflict);
	}
	assert_int_equal(leads_to("10.87.0.0", 24), other);
	assert_int_equal(guard.changes.count, 0);
	guard_undo(&guard);
	ways_release(&ways);
}

/* What comes back by itself, or has another metric, is no conflict; nor is a route like ours. */
static void test_no_conflict(void **state)
{
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, false);
	const struct route present = route_to("10.72.0.0", 24, ROUTE_TABLE_MAIN, ours);
	struct ways ways = { 0 };
	bool conflict;

	(void)state;
	need_network();
	add_gateway("10.71.0.0", "255.255.255.0", "10.50.0.9", 100);
	assert_int_equal(route_add(&present), 0);
	add(&ways, "10.71.0.0", 24);
	add(&ways, "10.72.0.0", 24);
	assert_int_equal(ways_make(&ways, &target, &conflict), 1);
	assert_false(conflict);
	assert_int_equal(find_route("10.71.0.0", 24, ROUTE_TABLE_MAIN).count, 2);
	guard_undo(&guard);
	assert_int_equal(leads_to("10.71.0.0", 24), other);
	/* It was there before. */
	assert_int_equal(leads_to("10.72.0.0", 24), ours);
	assert_int_equal(route_delete(&present), 0);
	ways_release(&ways);
}

/* Somebody puts another route in the place of ours. */
static void test_taken_away(void **state)
{
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, true);
	const struct route theirs = route_to("10.73.0.0", 24, ROUTE_TABLE_MAIN, other);
	struct ways ways = { 0 };
	bool conflict;

	(void)state;
	need_network();
	add(&ways, "10.73.0.0", 24);
	assert_int_equal(ways_make(&ways, &target, &conflict), 1);
	assert_int_equal(guard.changes.count, 0);
	assert_int_equal(route_replace(&theirs), 0);
	assert_int_equal(ways_make(&ways, &target, &conflict), 0);
	assert_true(conflict);
	assert_int_equal(leads_to("10.73.0.0", 24), other);
	assert_int_equal(route_delete(&theirs), 0);
	assert_int_equal(ways_make(&ways, &target, &conflict), 1);
	assert_false(conflict);
	ways_release(&ways);
}

/* Routes for all packets, or for half of them, are in a table of their own, as soon as there is one. */
static void test_wide(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t bits;
		bool is_wide;
	} cases[] = {
		{ "0.0.0.0", 0, true },    { "0.0.0.0", 1, true }, { "128.0.0.0", 1, true },
		{ "192.0.0.0", 2, false }, { "::", 0, true },      { "8000::", 1, true },
	};
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, false);
	struct ways ways = { 0 };

	(void)state;
	need_network();
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct ip_prefix prefix = ip_of(cases[i].prefix, cases[i].bits);

		assert_int_equal(ways_is_wide(&prefix), cases[i].is_wide);
	}
	add(&ways, "192.0.0.0", 2);
	assert_false(ways_has_wide(&ways, AF_INET, NULL));
	add(&ways, "0.0.0.0", 0);
	assert_true(ways_has_wide(&ways, AF_INET, NULL));
	assert_false(ways_has_wide(&ways, AF_INET6, NULL));
	assert_int_equal(ways_make(&ways, &target, NULL), 1);
	ways.wide_table = 51820;
	assert_int_equal(ways_make(&ways, &target, NULL), 1);
	assert_int_equal(find_route("0.0.0.0", 0, 51820).count, 1);
	assert_int_equal(find_route("0.0.0.0", 0, ROUTE_TABLE_MAIN).count, 0);
	guard_undo(&guard);
	assert_int_equal(find_route("0.0.0.0", 0, 51820).count, 0);
	ways_release(&ways);
}

/* Without a mark that is wanted or there already, mark and table have the same number. */
static void test_choose(void **state)
{
	static const struct {
		uint32_t wanted, present;
		uint32_t mark, table;
	} cases[] = {
		{ 0, 7, 7, 7 },
		{ 9, 7, 9, 9 },
		{ 51820, 0, 51820, 51822 },
		/* Its rule is there. */
		{ 0, 51819, 51819, 51821 },
		/* Tables of the kernel. */
		{ 253, 0, 253, 51822 },
		{ 254, 0, 254, 51822 },
		{ 255, 0, 255, 51822 },
	};
	const struct route taken = route_to("192.0.2.0", 24, 51820, ours);
	const struct rule rule = { .family = AF_INET, .priority = 50, .table = 51821, .mark = 51819 };
	struct policy policy = { 0 };

	(void)state;
	need_network();
	assert_int_equal(policy_choose(&policy, 0, 0), 0);
	assert_int_equal(policy.mark, 51820);
	assert_int_equal(policy.table, 51820);
	/* Once chosen, it stays. */
	assert_int_equal(policy_choose(&policy, 0, 7), 0);
	assert_int_equal(policy.mark, 51820);
	assert_int_equal(policy.table, 51820);
	assert_int_equal(route_add(&taken), 0);
	assert_int_equal(rule_add(&rule), 0);
	/* Packets of two full tunnels have one mark: else each would take the other's. */
	policy = (struct policy){ 0 };
	assert_int_equal(policy_choose(&policy, 0, 0), 0);
	assert_int_equal(policy.mark, 51819);
	assert_int_equal(policy.table, 51822);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		policy = (struct policy){ 0 };
		assert_int_equal(policy_choose(&policy, cases[i].wanted, cases[i].present), 0);
		assert_int_equal(policy.mark, cases[i].mark);
		assert_int_equal(policy.table, cases[i].table);
	}
	assert_int_equal(rule_delete(&rule), 0);
	assert_int_equal(route_delete(&taken), 0);
}

static union address_socket address_of(const char *text)
{
	union address_socket address;
	const char *problem;

	assert_int_equal(address_parse(text, &address, &problem), 0);
	return address;
}

/* A route that would lead the packets to a peer into the tunnel is in a table of its own. */
static void test_keep_out(void **state)
{
	static const char *const outside[] = { "203.0.113.1:9999", "[2001:db9::1]:9999" };
	const union address_socket unknown = { .any.sa_family = AF_UNSPEC };
	const union address_socket inside = address_of("192.0.2.9:9999");
	const union address_socket inside_v6 = address_of("[2001:db8:1::1]:9999");
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, false);
	struct ways ways = { .wide_table = 51820 };
	struct ip_prefix own = ip_of("192.0.2.1", 32);
	uint8_t bits = 0;

	(void)state;
	need_network();
	assert_int_equal(ways_add(&ways, &own, false), 0);
	add(&ways, "192.0.2.128", 24);
	add(&ways, "192.0.0.0", 8);
	add(&ways, "10.77.0.1", 32);
	add(&ways, "2001:db8::", 32);
	assert_int_equal(ways_make(&ways, &target, NULL), 5);
	for (size_t i = 0; i < FIXTURE_COUNT(outside); i++) {
		const union address_socket address = address_of(outside[i]);

		assert_false(ways_keep_out(&ways, &address, ours));
	}
	assert_false(ways_keep_out(&ways, &unknown, ours));
	assert_false(ways_has_wide(&ways, AF_INET, &bits));
	assert_true(ways_keep_out(&ways, &inside, ours));
	assert_false(ways_keep_out(&ways, &inside, ours));
	assert_true(ways_has_wide(&ways, AF_INET, &bits));
	assert_int_equal(bits, 8);
	assert_false(ways_has_wide(&ways, AF_INET6, &bits));
	assert_true(ways_keep_out(&ways, &inside_v6, ours));
	assert_int_equal(ways_make(&ways, &target, NULL), 3);
	assert_int_equal(find_route("192.0.2.0", 24, 51820).count, 1);
	assert_int_equal(find_route("192.0.0.0", 8, 51820).count, 1);
	assert_int_equal(find_route("2001:db8::", 32, 51820).count, 1);
	assert_int_equal(find_route("192.0.0.0", 8, ROUTE_TABLE_MAIN).count, 0);
	assert_int_equal(find_route("2001:db8::", 32, ROUTE_TABLE_MAIN).count, 0);
	assert_int_equal(leads_to("10.77.0.1", 32), ours);
	assert_int_equal(ways_make(&ways, &target, NULL), 0);
	guard_undo(&guard);
	assert_int_equal(find_route("192.0.2.0", 24, 51820).count, 0);
	assert_int_equal(find_route("10.77.0.1", 32, ROUTE_TABLE_MAIN).count, 0);
	ways_release(&ways);
}

/* The main table goes first: a route of somebody else there keeps ours from being used. */
static void test_keep_out_conflict(void **state)
{
	const union address_socket peer = address_of("10.50.0.9:9999");
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, true);
	struct ways ways = { .wide_table = 51820, .replace = true };
	bool conflict;

	(void)state;
	need_network();
	/* A longer route of others leads elsewhere anyway. */
	add(&ways, "10.0.0.0", 8);
	assert_false(ways_keep_out(&ways, &peer, ours));
	ways_release(&ways);
	ways = (struct ways){ .wide_table = 51820, .replace = true };
	add(&ways, "10.50.0.0", 24);
	assert_true(ways_keep_out(&ways, &peer, ours));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ways_make(&ways, &target, &conflict), i == 0);
		assert_true(conflict);
	}
	assert_int_equal(leads_to("10.50.0.0", 24), other);
	ways_leave_table(&ways, &target);
	assert_int_equal(find_route("10.50.0.0", 24, 51820).count, 0);
	ways_release(&ways);
}

/* Two tunnels that start at the same time find the same table free. */
static void test_table_taken(void **state)
{
	const struct route theirs = route_to("0.0.0.0", 0, 51820, other);
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, true);
	struct ways ways = { .wide_table = 51820 };
	bool conflict;

	(void)state;
	need_network();
	add(&ways, "0.0.0.0", 0);
	add(&ways, "::", 0);
	assert_int_equal(route_add(&theirs), 0);
	assert_int_equal(ways_make(&ways, &target, &conflict), 1);
	assert_true(ways.is_table_taken);
	assert_false(conflict);
	ways_leave_table(&ways, &target);
	assert_int_equal(find_route("::", 0, 51820).count, 0);
	ways.wide_table = 51821;
	assert_int_equal(ways_make(&ways, &target, &conflict), 2);
	assert_false(ways.is_table_taken);
	assert_int_equal(route_delete(&theirs), 0);
	/* What comes later is a conflict. */
	ways_leave_table(&ways, &target);
	ways.wide_table = 51820;
	assert_int_equal(route_add(&theirs), 0);
	assert_int_equal(ways_make(&ways, &target, &conflict), 1);
	assert_false(ways.is_table_taken);
	assert_true(conflict);
	ways_leave_table(&ways, &target);
	assert_int_equal(route_delete(&theirs), 0);
	ways_release(&ways);
}

static void test_policy(void **state)
{
	static const char valid_mark[] = "net/ipv4/conf/all/src_valid_mark";
	const struct rule by_length = { .family = AF_INET, .priority = 32764, .table = ROUTE_TABLE_MAIN };
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();
	int before = -1;
	int now = -1;

	(void)state;
	need_network();
	assert_int_equal(sysctl_read(valid_mark, &before), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 2);
	assert_string_equal(rules_of(AF_INET), FULL_RULES);
	assert_int_equal(sysctl_read(valid_mark, &now), 0);
	assert_int_equal(now, 1);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 0);
	/* As wg-quick does it when another interface goes. */
	assert_int_equal(rule_delete(&by_length), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 1);
	assert_string_equal(rules_of(AF_INET), FULL_RULES);
	guard_undo(&guard);
	assert_string_equal(rules_of(AF_INET), RULES_V4);
	assert_int_equal(sysctl_read(valid_mark, &now), 0);
	assert_int_equal(now, before);
}

/* Rules that the owner of an interface has made are enough, and stay. */
static void test_policy_of_others(void **state)
{
	const struct rule by_mark = { .family = AF_INET, .priority = 32765, .table = 51820, .mark = 51820 };
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();

	(void)state;
	need_network();
	assert_int_equal(rule_add(&by_mark), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 0);
	guard_undo(&guard);
	assert_string_equal(rules_of(AF_INET),
	                    "0:255; 32765:not ca6c/ffffffff 51820; 32766:254; 32767:253; ");
	assert_int_equal(rule_delete(&by_mark), 0);
}

/* Strict filtering is made loose, where there is any, and as it was at the end. */
static void test_filtering(void **state)
{
	static const struct {
		int all, one;
		int expected;
	} cases[] = { { 0, 0, 0 }, { 1, 0, 2 }, { 0, 1, 2 }, { 2, 1, 2 }, { 1, 2, 2 } };

	(void)state;
	need_network();
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct policy policy = { .mark = 51820, .table = 51820 };
		struct guard guard = alone();
		int now = -1;

		assert_int_equal(sysctl_write("net/ipv4/conf/all/rp_filter", cases[i].all), 0);
		assert_int_equal(sysctl_write("net/ipv4/conf/other/rp_filter", cases[i].one), 0);
		assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 2);
		assert_int_equal(sysctl_read("net/ipv4/conf/all/rp_filter", &now), 0);
		assert_int_equal(now, cases[i].expected);
		guard_undo(&guard);
		assert_int_equal(sysctl_read("net/ipv4/conf/all/rp_filter", &now), 0);
		assert_int_equal(now, cases[i].all);
	}
	assert_int_equal(sysctl_write("net/ipv4/conf/all/rp_filter", 0), 0);
	assert_int_equal(sysctl_write("net/ipv4/conf/other/rp_filter", 0), 0);
}

/* Another tunnel that ends sets back what it had set, and we still need. */
static void test_settings_again(void **state)
{
	static const char *const settings[] = { "net/ipv4/conf/all/rp_filter",
		                                "net/ipv4/conf/all/src_valid_mark" };
	static const int needed[] = { 2, 1 };
	static const int before[] = { 1, 0 };
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();
	int now = -1;

	(void)state;
	need_network();
	for (size_t i = 0; i < FIXTURE_COUNT(settings); i++)
		assert_int_equal(sysctl_write(settings[i], needed[i]), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 2);
	for (size_t i = 0; i < FIXTURE_COUNT(settings); i++)
		assert_int_equal(sysctl_write(settings[i], before[i]), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(settings); i++) {
		assert_int_equal(sysctl_read(settings[i], &now), 0);
		assert_int_equal(now, needed[i]);
	}
	guard_undo(&guard);
	for (size_t i = 0; i < FIXTURE_COUNT(settings); i++) {
		assert_int_equal(sysctl_read(settings[i], &now), 0);
		assert_int_equal(now, before[i]);
		assert_int_equal(sysctl_write(settings[i], 0), 0);
	}
}

/* A rule of somebody else that is the one that we need now is neither made nor taken back. */
static void test_policy_rule_of_others(void **state)
{
	const struct rule theirs = { .family = AF_INET, .priority = 32764, .table = ROUTE_TABLE_MAIN };
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();

	(void)state;
	need_network();
	assert_int_equal(policy_keep(&policy, AF_INET, 24, &guard), 2);
	assert_int_equal(rule_add(&theirs), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 1, &guard), 0);
	guard_undo(&guard);
	assert_string_equal(rules_of(AF_INET), "0:255; 32764:254 beyond 0; 32766:254; 32767:253; ");
	assert_int_equal(rule_delete(&theirs), 0);
}

/* Shorter routes than ours in the main table do not count, also when a still shorter one comes. */
static void test_policy_bits(void **state)
{
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();

	(void)state;
	need_network();
	assert_int_equal(policy_keep(&policy, AF_INET, 24, &guard), 2);
	assert_string_equal(rules_of(AF_INET), "0:255; 32764:254 beyond 23; 32765:not ca6c/ffffffff 51820; "
	                                       "32766:254; 32767:253; ");
	assert_int_equal(policy_keep(&policy, AF_INET, 24, &guard), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 1, &guard), 1);
	assert_string_equal(rules_of(AF_INET), "0:255; 32764:254 beyond 23; 32764:254 beyond 0; "
	                                       "32765:not ca6c/ffffffff 51820; 32766:254; 32767:253; ");
	guard_undo(&guard);
	assert_string_equal(rules_of(AF_INET), RULES_V4);
}

/* A setting that somebody has changed since is left alone. */
static void test_changed_again(void **state)
{
	static const char setting[] = "net/ipv4/conf/all/src_valid_mark";
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();
	struct undo undo;
	int now = -1;

	(void)state;
	need_network();
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 2);
	assert_int_equal(sysctl_write(setting, 0), 0);
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_MTU;
	undo.link.index = other;
	undo.link.before = 1300;
	undo.link.ours = 1400;
	assert_int_equal(guard_promise(&guard, &undo), 0);
	guard_undo(&guard);
	assert_int_equal(sysctl_read(setting, &now), 0);
	assert_int_equal(now, 0);
	/* It had neither. */
	{
		struct link link;

		assert_int_equal(link_look_index(other, &link), 0);
		assert_int_equal(link.mtu, 1500);
	}
}

/* Where our process ends without undoing anything, the guard does. */
static void test_guard(void **state)
{
	struct guard guard;
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct ways ways = { .replace = true };
	struct ways_target target;
	struct undo undo;
	bool conflict;

	(void)state;
	need_network();
	assert_int_equal(guard_start(&guard), 0);
	target = target_of(&guard, false);
	assert_int_equal(leads_to("10.60.0.0", 24), other);
	add(&ways, "10.60.0.0", 24);
	add(&ways, "10.62.0.0", 24);
	assert_int_equal(ways_make(&ways, &target, &conflict), 2);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 2);
	/* Of this nothing has come. */
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_ROUTE;
	undo.route = route_to("10.50.0.0", 24, ROUTE_TABLE_MAIN, other);
	assert_int_equal(guard_promise(&guard, &undo), 0);
	guard_forget(&guard, &undo);
	guard_end(&guard);
	assert_int_equal(leads_to("10.60.0.0", 24), other);
	assert_int_equal(leads_to("10.50.0.0", 24), other);
	assert_int_equal(find_route("10.62.0.0", 24, ROUTE_TABLE_MAIN).count, 0);
	assert_string_equal(rules_of(AF_INET), RULES_V4);
	ways_release(&ways);
}

static void test_mtu(void **state)
{
	static const struct {
		uint32_t path, tunnel;
	} cases[] = {
		{ 1500, 1420 }, { 1400, 1320 },   { 1361, 1281 },   { 1360, 1280 }, { 1359, 1280 },
		{ 576, 1280 },  { 65536, 65456 }, { 65616, 65535 }, { 9000, 8920 }, { UINT32_MAX, 65535 },
	};
	union address_socket near = { .v4 = { .sin_family = AF_INET } };
	struct mtu mtu = { 0 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const struct mtu one = { .largest = cases[i].path };

		assert_int_equal(mtu_of_tunnel(&one), cases[i].tunnel);
	}
	need_network();
	/* Without a path and a default route, Ethernet's. */
	assert_int_equal(mtu_of_tunnel(&mtu), 1420);
	assert_int_equal(link_set_mtu(other, 1440), 0);
	assert_int_equal(link_set_mtu(ours, 1490), 0);
	assert_int_equal(inet_pton(AF_INET, "10.50.0.77", &near.v4.sin_addr), 1);
	mtu_take(&mtu, &near, 0, other);
	assert_int_equal(mtu.largest, 0);
	mtu_take(&mtu, &near, 0, ours);
	assert_int_equal(mtu.largest, 1440);
	near.any.sa_family = AF_UNSPEC;
	mtu_take(&mtu, &near, 0, ours);
	assert_int_equal(mtu_of_tunnel(&mtu), 1360);
	assert_int_equal(link_set_mtu(other, 1500), 0);
	/* The default route's, as long as no path is known. */
	mtu.largest = 0;
	assert_int_equal(link_set_mtu(other, 1430), 0);
	add_gateway("0.0.0.0", "0.0.0.0", "10.50.0.9", 0);
	assert_int_equal(mtu_of_tunnel(&mtu), 1350);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_no_conflict),
		cmocka_unit_test(test_taken_away),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_policy_of_others),
		cmocka_unit_test(test_filtering),
		cmocka_unit_test(test_changed_again),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_keep_out),
		cmocka_unit_test(test_keep_out_conflict),
		cmocka_unit_test(test_table_taken),
		cmocka_unit_test(test_settings_again),
		cmocka_unit_test(test_policy_rule_of_others),
		cmocka_unit_test(test_policy_bits),
	};

	log_set_level(LOG_OFF);
	return cmocka_run_group_tests(tests, enter_network, NULL);
}
