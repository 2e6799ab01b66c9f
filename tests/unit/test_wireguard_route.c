#include "route_fixture.h"

#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "system/netlink.h"

#define TABLE 4711

/* --- messages ------------------------------------------------------------------------ */

struct payload {
	uint8_t bytes[512];
	size_t length;
};

static void begin(struct payload *payload, const struct rtmsg *fixed)
{
	memset(payload, 0, sizeof *payload);
	memcpy(payload->bytes, fixed, sizeof *fixed);
	payload->length = sizeof *fixed;
}

static void put(struct payload *payload, uint16_t type, const void *data, size_t length)
{
	struct nlattr head = { .nla_len = (uint16_t)(sizeof head + length), .nla_type = type };

	memcpy(payload->bytes + payload->length, &head, sizeof head);
	memcpy(payload->bytes + payload->length + sizeof head, data, length);
	payload->length += sizeof head + (length + 3) / 4 * 4;
}

/* In memory of exactly that size, where tools see a step beyond it. */
static int read_exactly(struct route_seen *seen, const struct payload *payload, size_t length)
{
	uint8_t *copy = malloc(length == 0 ? 1 : length);
	int result;

	assert_non_null(copy);
	memcpy(copy, payload->bytes, length);
	result = route_read(seen, copy, length);
	free(copy);
	return result;
}

static void test_read(void **state)
{
	const struct rtmsg fixed = { .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_type = RTN_UNICAST };
	const uint32_t table = 100000;
	const uint32_t metric = 100;
	const uint32_t index = 7;
	const struct ip_prefix destination = ip_of("192.0.2.0", 24);
	const struct ip_prefix gateway = ip_of("10.0.0.1", 32);
	struct payload payload;
	struct route_seen seen;

	(void)state;
	begin(&payload, &fixed);
	put(&payload, RTA_DST, &destination.v4, sizeof destination.v4);
	put(&payload, RTA_TABLE, &table, sizeof table);
	put(&payload, RTA_PRIORITY, &metric, sizeof metric);
	put(&payload, RTA_OIF, &index, sizeof index);
	put(&payload, RTA_GATEWAY, &gateway.v4, sizeof gateway.v4);
	assert_int_equal(read_exactly(&seen, &payload, payload.length), 0);
	assert_true(same_ip(&seen.prefix, &destination));
	assert_int_equal(seen.table, table);
	assert_int_equal(seen.metric, metric);
	assert_int_equal(seen.index, index);
	assert_int_equal(seen.gateway.any.sa_family, AF_INET);
	assert_memory_equal(&seen.gateway.v4.sin_addr, &gateway.v4, sizeof gateway.v4);
	assert_true(seen.saved.length > 0);
	for (size_t length = 0; length < sizeof fixed; length++)
		assert_int_equal(read_exactly(&seen, &payload, length), -EBADMSG);
	for (size_t length = sizeof fixed; length < payload.length; length++)
		(void)read_exactly(&seen, &payload, length);
}

/* Whether what was saved has an attribute of that type. */
static bool has_saved(const struct route_seen *seen, uint16_t type)
{
	const size_t begin_of_attributes = sizeof(struct nlmsghdr) + sizeof(struct rtmsg);

	for (size_t at = begin_of_attributes; at + sizeof(struct nlattr) <= seen->saved.length;) {
		struct nlattr head;

		memcpy(&head, seen->saved.bytes + at, sizeof head);
		if (head.nla_type == type)
			return true;
		at += ((size_t)head.nla_len + 3) / 4 * 4;
	}
	return false;
}

/* What is saved of a route that ends by itself, and of one whose next hop is an object of its own. */
static void test_saved(void **state)
{
	const struct rtmsg fixed = { .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_type = RTN_UNICAST };
	struct rta_cacheinfo info = { .rta_expires = 1234 };
	const uint32_t index = 7;
	uint32_t object = 0;
	struct payload payload;
	struct route_seen seen;

	(void)state;
	for (int i = 0; i < 4; i++) {
		object = i % 2 == 0 ? 0 : 5;
		info.rta_expires = i / 2 == 0 ? 0 : 1234;
		begin(&payload, &fixed);
		put(&payload, RTA_OIF, &index, sizeof index);
		put(&payload, RTA_NH_ID, &object, sizeof object);
		put(&payload, RTA_CACHEINFO, &info, sizeof info);
		assert_int_equal(read_exactly(&seen, &payload, payload.length), 0);
		assert_int_equal(has_saved(&seen, RTA_OIF), object == 0);
		assert_int_equal(has_saved(&seen, RTA_EXPIRES), info.rta_expires != 0);
		assert_false(has_saved(&seen, RTA_CACHEINFO));
	}
}

/* A route that has more to it than can be kept is not kept in part. */
static void test_saved_whole(void **state)
{
	enum {
		LENGTH = 20000
	};
	const struct rtmsg fixed = { .rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_type = RTN_UNICAST };
	const struct nlattr head = { .nla_len = LENGTH, .nla_type = 99 };
	uint8_t *bytes = calloc(1, sizeof fixed + LENGTH);
	struct route_seen seen;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, &fixed, sizeof fixed);
	memcpy(bytes + sizeof fixed, &head, sizeof head);
	assert_int_equal(route_read(&seen, bytes, sizeof fixed + LENGTH), 0);
	assert_int_equal(seen.saved.length, 0);
	free(bytes);
}

/* Next hops, some of which have lengths that are none. */
static void test_read_hops(void **state)
{
	const struct rtmsg fixed = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	static const uint16_t lengths[] = { 8, 0, 7, 9, 16, 17, 40, 65535 };
	struct payload payload;
	struct route_seen seen;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(lengths); i++) {
		struct rtnexthop hops[2] = {
			{ .rtnh_len = lengths[i], .rtnh_ifindex = 3, .rtnh_flags = RTNH_F_DEAD },
			{ .rtnh_len = 8, .rtnh_ifindex = 4, .rtnh_flags = RTNH_F_LINKDOWN },
		};

		begin(&payload, &fixed);
		put(&payload, RTA_MULTIPATH, hops, sizeof hops);
		assert_int_equal(read_exactly(&seen, &payload, payload.length), 0);
		assert_int_equal(seen.index, lengths[i] >= 8 && lengths[i] <= 16 ? 3 : 0);
		for (size_t length = sizeof fixed; length < payload.length; length++)
			(void)read_exactly(&seen, &payload, length);
	}
}

/* A route with more than we keep is read, but cannot be made again. */
static void test_too_long(void **state)
{
	const struct rtmsg fixed = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	static uint8_t payload[sizeof fixed + sizeof(struct nlattr) + ROUTE_SAVED_BYTES];
	struct nlattr head = { .nla_len = sizeof head + ROUTE_SAVED_BYTES, .nla_type = RTA_METRICS };
	struct route_seen seen;

	(void)state;
	memcpy(payload, &fixed, sizeof fixed);
	memcpy(payload + sizeof fixed, &head, sizeof head);
	assert_int_equal(route_read(&seen, payload, sizeof payload), 0);
	assert_int_equal(seen.saved.length, 0);
	assert_int_equal(route_restore(&seen.saved), -EMSGSIZE);
}

/* What the kernel takes for the same but for metric and type of service. */
static void test_key(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t bits;
		uint32_t table;
		bool same;
	} cases[] = {
		{ "10.1.2.0", 24, ROUTE_TABLE_MAIN, true },
		{ "10.1.2.255", 24, ROUTE_TABLE_MAIN, true },
		{ "10.1.2.0", 24, TABLE, false },
		{ "10.1.2.0", 25, ROUTE_TABLE_MAIN, false },
		{ "10.1.3.0", 24, ROUTE_TABLE_MAIN, false },
		{ "a01:200::", 24, ROUTE_TABLE_MAIN, false },
	};
	const struct ip_prefix prefix = ip_of("10.1.2.3", 24);
	uint8_t ours_key[ROUTE_KEY_BYTES];

	(void)state;
	route_key(ours_key, &prefix, ROUTE_TABLE_MAIN);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const struct ip_prefix other_prefix = ip_of(cases[i].prefix, cases[i].bits);
		uint8_t key[ROUTE_KEY_BYTES];

		route_key(key, &other_prefix, cases[i].table);
		assert_int_equal(memcmp(ours_key, key, sizeof key) == 0, cases[i].same);
	}
	for (uint8_t bits = 1; bits < 32; bits++) {
		const struct ip_prefix zeros = ip_of("128.0.0.0", bits);
		struct ip_prefix ones = ip_of("255.255.255.255", bits);
		uint8_t key[ROUTE_KEY_BYTES];

		ones.v4.s_addr = htonl(UINT32_C(0x80000000) | UINT32_MAX >> bits);
		route_key(ours_key, &zeros, ROUTE_TABLE_MAIN);
		route_key(key, &ones, ROUTE_TABLE_MAIN);
		assert_memory_equal(ours_key, key, sizeof key);
	}
	assert_int_equal(route_metric(AF_INET), 0);
	assert_int_equal(route_metric(AF_INET6), 1024);
}

/* --- the kernel ---------------------------------------------------------------------- */

/* A default route by the other link, with a metric and an MTU of its own. */
static void add_default(uint32_t metric, uint32_t mtu)
{
	const struct rtmsg fixed = { .rtm_family = AF_INET,
		                     .rtm_table = RT_TABLE_MAIN,
		                     .rtm_protocol = RTPROT_BOOT,
		                     .rtm_scope = RT_SCOPE_LINK,
		                     .rtm_type = RTN_UNICAST };
	struct netlink_message message;
	struct route_saved saved = { 0 };
	size_t at;

	netlink_begin(&message, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
	assert_true(netlink_add(&message, RTA_OIF, &other, sizeof other));
	assert_true(netlink_add(&message, RTA_PRIORITY, &metric, sizeof metric));
	at = netlink_nest(&message, RTA_METRICS);
	assert_true(at != 0 && netlink_add(&message, RTAX_MTU, &mtu, sizeof mtu));
	netlink_close(&message, at);
	assert_true(message.length <= sizeof saved.bytes);
	memcpy(saved.bytes, message.bytes, message.length);
	saved.length = (uint16_t)message.length;
	assert_int_equal(route_restore(&saved), 0);
}

/* Of several default routes the one with the smallest metric counts, and its own MTU before the link's. */
static void test_default_mtu(void **state)
{
	const struct route all = route_to("0.0.0.0", 0, ROUTE_TABLE_MAIN, other);
	union address_socket far = { .v4 = { .sin_family = AF_INET } };
	uint32_t mtu = 0;
	uint32_t index = 0;

	(void)state;
	need_network();
	assert_int_equal(inet_pton(AF_INET, "192.0.2.77", &far.v4.sin_addr), 1);
	add_default(300, 1333);
	add_default(100, 1311);
	add_default(200, 1322);
	assert_int_equal(route_default_mtu(AF_INET, &mtu), 0);
	assert_int_equal(mtu, 1311);
	assert_int_equal(route_path_mtu(&far, 0, &mtu, &index), 0);
	assert_int_equal(mtu, 1311);
	for (int i = 0; i < 3; i++)
		assert_int_equal(route_delete(&all), 0);
}

/* A rule for some packets alone is none of ours. */
static void test_narrow_rules(void **state)
{
	static const uint16_t types[] = {
		FRA_PRIORITY, FRA_TABLE, FRA_FWMARK, FRA_IIFNAME, FRA_UID_RANGE, 99
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(types); i++) {
		const struct fib_rule_hdr fixed = { .family = AF_INET, .action = FR_ACT_TO_TBL };
		struct nlattr head = { .nla_len = sizeof head + 8, .nla_type = types[i] };
		uint8_t bytes[sizeof fixed + sizeof head + 8] = { 0 };
		struct rule_seen seen;

		memcpy(bytes, &fixed, sizeof fixed);
		memcpy(bytes + sizeof fixed, &head, sizeof head);
		assert_int_equal(rule_read(&seen, bytes, sizeof bytes), 0);
		assert_int_equal(seen.is_narrow, i >= 3);
	}
}

/* What was replaced comes back as it was: with its gateway, source, protocol and metric. */
static void test_replace_and_restore(void **state)
{
	const struct route route = route_to("10.60.0.0", 24, ROUTE_TABLE_MAIN, ours);
	const struct route connected = route_to("10.50.0.0", 24, ROUTE_TABLE_MAIN, ours);
	char words[ROUTE_WORDS_BYTES];
	struct found before;
	struct found after;

	(void)state;
	need_network();
	add_gateway("10.60.0.0", "255.255.255.0", "10.50.0.9", 0);
	before = find_route("10.60.0.0", 24, ROUTE_TABLE_MAIN);
	assert_int_equal(before.count, 1);
	assert_int_equal(before.first.index, other);
	route_format(words, &before.first);
	assert_string_equal(words, "dev other via 10.50.0.9");
	assert_int_equal(route_add(&route), -EEXIST);
	assert_int_equal(route_replace(&route), 0);
	assert_int_equal(find_route("10.60.0.0", 24, ROUTE_TABLE_MAIN).first.index, ours);
	assert_int_equal(route_restore(&before.first.saved), -EEXIST);
	assert_int_equal(route_delete(&route), 0);
	assert_int_equal(route_restore(&before.first.saved), 0);
	after = find_route("10.60.0.0", 24, ROUTE_TABLE_MAIN);
	assert_memory_equal(&after, &before, sizeof after);
	/* The kernel's own, with the address of ours that belongs to it. */
	before = find_route("10.50.0.0", 24, ROUTE_TABLE_MAIN);
	assert_int_equal(before.count, 1);
	assert_int_equal(route_replace(&connected), 0);
	assert_int_equal(route_delete(&connected), 0);
	assert_int_equal(find_route("10.50.0.0", 24, ROUTE_TABLE_MAIN).count, 0);
	assert_int_equal(route_restore(&before.first.saved), 0);
	after = find_route("10.50.0.0", 24, ROUTE_TABLE_MAIN);
	assert_memory_equal(&after, &before, sizeof after);
}

static void test_tables(void **state)
{
	const struct route main_route = route_to("10.61.0.0", 16, ROUTE_TABLE_MAIN, ours);
	const struct route own = route_to("10.61.0.0", 16, TABLE, ours);
	const struct route wide = route_to("0.0.0.0", 0, TABLE, ours);

	(void)state;
	need_network();
	assert_int_equal(find_route("10.61.0.0", 16, TABLE).count, 0);
	assert_int_equal(route_add(&own), 0);
	assert_int_equal(route_add(&main_route), 0);
	assert_int_equal(route_add(&wide), 0);
	assert_int_equal(find_route("10.61.0.0", 16, TABLE).count, 1);
	assert_int_equal(find_route("10.61.0.0", 16, ROUTE_TABLE_MAIN).count, 1);
	assert_int_equal(find_route("0.0.0.0", 0, TABLE).count, 1);
	assert_int_equal(find_route("0.0.0.0", 0, ROUTE_TABLE_MAIN).count, 0);
	assert_int_equal(route_delete(&own), 0);
	assert_int_equal(find_route("10.61.0.0", 16, ROUTE_TABLE_MAIN).count, 1);
	assert_int_equal(route_delete(&main_route), 0);
	assert_int_equal(route_delete(&wide), 0);
}

/* Other metrics stand beside ours. */
static void test_metrics(void **state)
{
	const struct route route = route_to("10.70.0.0", 24, ROUTE_TABLE_MAIN, ours);
	struct found found;

	(void)state;
	need_network();
	add_gateway("10.70.0.0", "255.255.255.0", "10.50.0.9", 100);
	found = find_route("10.70.0.0", 24, ROUTE_TABLE_MAIN);
	assert_int_equal(found.first.metric, 100);
	assert_int_equal(route_add(&route), 0);
	assert_int_equal(find_route("10.70.0.0", 24, ROUTE_TABLE_MAIN).count, 2);
	assert_int_equal(route_delete(&route), 0);
	assert_int_equal(find_route("10.70.0.0", 24, ROUTE_TABLE_MAIN).first.metric, 100);
}

static void test_path_mtu(void **state)
{
	union address_socket near = { .v4 = { .sin_family = AF_INET } };
	union address_socket far = { .v4 = { .sin_family = AF_INET } };
	const struct route wide = route_to("0.0.0.0", 0, TABLE, ours);
	const struct rule rule = { .family = AF_INET, .priority = 100, .table = TABLE, .mark = 5 };
	uint32_t index = 0;
	uint32_t mtu = 0;

	(void)state;
	need_network();
	assert_int_equal(inet_pton(AF_INET, "10.50.0.77", &near.v4.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.77", &far.v4.sin_addr), 1);
	assert_int_equal(link_set_mtu(other, 1444), 0);
	assert_int_equal(route_path_mtu(&near, 0, &mtu, &index), 0);
	assert_int_equal(mtu, 1444);
	assert_int_equal(index, other);
	assert_int_equal(route_path_mtu(&far, 0, &mtu, &index), -ENETUNREACH);
	assert_int_equal(route_default_mtu(AF_INET, &mtu), -ESRCH);
	assert_int_equal(mtu, 1444);
	add_gateway("0.0.0.0", "0.0.0.0", "10.50.0.9", 0);
	assert_int_equal(route_path_mtu(&far, 0, &mtu, &index), 0);
	assert_int_equal(index, other);
	mtu = 0;
	assert_int_equal(route_default_mtu(AF_INET, &mtu), 0);
	assert_int_equal(mtu, 1444);
	/* Marked packets go beside a tunnel, the others into it. */
	assert_int_equal(route_add(&wide), 0);
	assert_int_equal(rule_add(&rule), 0);
	assert_int_equal(route_path_mtu(&far, 0, &mtu, &index), 0);
	assert_int_equal(index, ours);
	assert_int_equal(route_path_mtu(&far, 5, &mtu, &index), 0);
	assert_int_equal(index, other);
	assert_int_equal(rule_delete(&rule), 0);
	assert_int_equal(route_delete(&wide), 0);
	assert_int_equal(link_set_mtu(other, 1500), 0);
	near.any.sa_family = AF_UNSPEC;
	assert_int_equal(route_path_mtu(&near, 0, &mtu, &index), -EINVAL);
}

static void test_rules(void **state)
{
	const struct rule by_mark = { .family = AF_INET, .priority = 200, .table = 51820, .mark = 0xca6c };
	const struct rule by_length = { .family = AF_INET, .priority = 199, .table = ROUTE_TABLE_MAIN };
	struct rule_seen seen = {
		.family = AF_INET, .table = 51820, .mark = 0xca6c, .mask = UINT32_MAX, .is_inverted = true
	};
	struct rule_seen main_table = { .family = AF_INET, .table = ROUTE_TABLE_MAIN, .has_suppress = true };

	(void)state;
	need_network();
	assert_string_equal(rules_of(AF_INET), RULES_V4);
	assert_int_equal(rule_add(&by_mark), 0);
	assert_int_equal(rule_add(&by_length), 0);
	assert_string_equal(rules_of(AF_INET), "0:255; 199:254 beyond 0; 200:not ca6c/ffffffff 51820; "
	                                       "32766:254; 32767:253; ");
	assert_int_equal(rule_delete(&by_length), 0);
	assert_int_equal(rule_delete(&by_length), -ENOENT);
	assert_int_equal(rule_delete(&by_mark), 0);
	assert_string_equal(rules_of(AF_INET), RULES_V4);
	/* The priority is of no importance, all else is. */
	assert_true(rule_is_same(&by_mark, &seen));
	assert_false(rule_is_same(&by_length, &seen));
	assert_true(rule_is_same(&by_length, &main_table));
	main_table.is_narrow = true;
	assert_false(rule_is_same(&by_length, &main_table));
	seen.mask = 0xff;
	assert_false(rule_is_same(&by_mark, &seen));
	seen.mask = UINT32_MAX;
	seen.is_inverted = false;
	assert_false(rule_is_same(&by_mark, &seen));
	seen.is_inverted = true;
	seen.is_narrow = true;
	assert_false(rule_is_same(&by_mark, &seen));
	seen.is_narrow = false;
	seen.family = AF_INET6;
	assert_false(rule_is_same(&by_mark, &seen));
	seen.family = AF_INET;
	seen.table = 51821;
	assert_false(rule_is_same(&by_mark, &seen));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_hops),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_saved),
		cmocka_unit_test(test_saved_whole),
		cmocka_unit_test(test_narrow_rules),
		cmocka_unit_test(test_default_mtu),
		cmocka_unit_test(test_replace_and_restore),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_path_mtu),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, enter_network, NULL);
}
