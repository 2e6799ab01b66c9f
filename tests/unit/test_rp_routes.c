#include "route_fixture.h"

#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "rp/guard.h"
#include "rp/mtu.h"
#include "rp/policy.h"
#include "rp/ways.h"
#include "system/log.h"
#include "system/netlink.h"
#include "system/sysctl.h"
#include "wireguard/userspace.h"

#define FULL_RULES "0:255; 32764:254 beyond 0; 32765:not ca6c/ffffffff 51820; 32766:254; 32767:253; "

/* Nobody else knows of the changes: as a process does that ends in an orderly way. */
static struct guard alone(void)
{
	return (struct guard){ .fd = -1 };
}

static struct ways_target target_of(struct guard *guard, bool is_ours)
{
	return (struct ways_target){ .name = "ours", .index = ours, .is_ours = is_ours, .guard = guard };
}

static void add(struct ways *ways, const char *prefix, uint8_t bits)
{
	struct wireguard_allowed_ip ip = ip_of(prefix, bits);

	assert_int_equal(ways_add(ways, &ip, true), 0);
}

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
	const struct wireguard_allowed_ip destination = ip_of("10.87.0.0", 24);
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
	/* It is said which one goes before the other. */
	assert_true(ways.all[0].is_ours);
	assert_string_not_equal(ways.all[0].said, "");
	assert_false(ways.all[1].is_ours);
	assert_string_equal(ways.all[1].said, "");
	guard_undo(&guard);
	assert_int_equal(leads_to("10.71.0.0", 24), other);
	/* It was there before. */
	assert_int_equal(leads_to("10.72.0.0", 24), ours);
	assert_int_equal(route_delete(&present), 0);
	ways_release(&ways);
}

/* A route for one kind of service only is another one: it is not what ours takes the place of. */
static void test_kind_of_service(void **state)
{
	const struct wireguard_allowed_ip destination = ip_of("10.74.0.0", 24);
	struct guard guard = alone();
	const struct ways_target target = target_of(&guard, false);
	struct ways ways = { .replace = true };
	bool conflict;

	(void)state;
	need_network();
	for (int i = 0; i < 2; i++) {
		const struct rtmsg fixed = {
			.rtm_family = AF_INET,
			.rtm_dst_len = 24,
			.rtm_tos = i == 0 ? 0 : 0x10,
			.rtm_table = ROUTE_TABLE_MAIN,
			.rtm_type = RTN_UNICAST,
			.rtm_scope = RT_SCOPE_LINK,
		};
		struct netlink_message message;
		struct netlink_answer answer = { 0 };
		int fd = netlink_open(NETLINK_ROUTE);

		assert_true(fd >= 0);
		netlink_begin(&message, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE, &fixed, sizeof fixed);
		assert_true(netlink_add(&message, RTA_DST, &destination.v4, sizeof destination.v4));
		assert_true(netlink_add(&message, RTA_OIF, &other, sizeof other));
		netlink_finish(&message);
		assert_int_equal(netlink_request(fd, &message, &answer), 0);
		(void)close(fd);
	}
	assert_int_equal(find_route("10.74.0.0", 24, ROUTE_TABLE_MAIN).count, 2);
	add(&ways, "10.74.0.0", 24);
	assert_int_equal(ways_make(&ways, &target, &conflict), 1);
	assert_false(conflict);
	guard_undo(&guard);
	assert_int_equal(find_route("10.74.0.0", 24, ROUTE_TABLE_MAIN).count, 2);
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
		struct wireguard_allowed_ip prefix = ip_of(cases[i].prefix, cases[i].bits);

		assert_int_equal(ways_is_wide(&prefix), cases[i].is_wide);
	}
	add(&ways, "192.0.0.0", 2);
	assert_false(ways_has_wide(&ways, AF_INET));
	add(&ways, "0.0.0.0", 0);
	assert_true(ways_has_wide(&ways, AF_INET));
	assert_false(ways_has_wide(&ways, AF_INET6));
	assert_int_equal(ways_make(&ways, &target, NULL), 1);
	ways.wide_table = 51820;
	assert_int_equal(ways_make(&ways, &target, NULL), 1);
	assert_int_equal(find_route("0.0.0.0", 0, 51820).count, 1);
	assert_int_equal(find_route("0.0.0.0", 0, ROUTE_TABLE_MAIN).count, 0);
	guard_undo(&guard);
	assert_int_equal(find_route("0.0.0.0", 0, 51820).count, 0);
	ways_release(&ways);
}

static void test_choose(void **state)
{
	const struct route taken = route_to("192.0.2.0", 24, 51820, ours);
	const struct rule rule = { .family = AF_INET, .priority = 50, .table = 51821, .mark = 51821 };
	/* The table is free, the mark is not. */
	const struct rule by_mark = { .family = AF_INET, .priority = 51, .table = 100, .mark = 51822 };
	struct policy policy = { 0 };

	(void)state;
	need_network();
	assert_int_equal(policy_choose(&policy, 0, 0), 0);
	assert_int_equal(policy.mark, 51820);
	/* Once chosen, it stays. */
	assert_int_equal(policy_choose(&policy, 0, 7), 0);
	assert_int_equal(policy.mark, 51820);
	assert_int_equal(route_add(&taken), 0);
	assert_int_equal(rule_add(&rule), 0);
	assert_int_equal(rule_add(&by_mark), 0);
	policy.mark = 0;
	assert_int_equal(policy_choose(&policy, 0, 0), 0);
	assert_int_equal(policy.mark, 51823);
	policy.mark = 0;
	assert_int_equal(policy_choose(&policy, 0, 7), 0);
	assert_int_equal(policy.mark, 7);
	assert_int_equal(policy_choose(&policy, 9, 7), 0);
	assert_int_equal(policy.mark, 9);
	assert_int_equal(rule_delete(&by_mark), 0);
	assert_int_equal(rule_delete(&rule), 0);
	assert_int_equal(route_delete(&taken), 0);
}

static void test_policy(void **state)
{
	static const char valid_mark[] = "net/ipv4/conf/all/src_valid_mark";
	const struct rule by_length = { .family = AF_INET, .priority = 32764, .table = ROUTE_TABLE_MAIN };
	struct policy policy = { .mark = 51820 };
	struct guard guard = alone();
	int before = -1;
	int now = -1;

	(void)state;
	need_network();
	assert_int_equal(sysctl_read(valid_mark, &before), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, &guard), 2);
	assert_string_equal(rules_of(AF_INET), FULL_RULES);
	assert_int_equal(sysctl_read(valid_mark, &now), 0);
	assert_int_equal(now, 1);
	assert_int_equal(policy_keep(&policy, AF_INET, &guard), 0);
	/* As wg-quick does it when another interface goes. */
	assert_int_equal(rule_delete(&by_length), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, &guard), 1);
	assert_string_equal(rules_of(AF_INET), FULL_RULES);
	guard_undo(&guard);
	assert_string_equal(rules_of(AF_INET), RULES_V4);
	assert_int_equal(sysctl_read(valid_mark, &now), 0);
	assert_int_equal(now, before);
}

/* What is as we want it is not promised to be set back; and the settings are those of IPv4. */
static void test_settings(void **state)
{
	static const char valid_mark[] = "net/ipv4/conf/all/src_valid_mark";
	struct policy policy = { .mark = 51820 };
	struct guard guard = alone();
	int now = -1;

	(void)state;
	need_network();
	assert_int_equal(sysctl_write(valid_mark, 0), 0);
	(void)policy_keep(&policy, AF_INET6, &guard);
	assert_false(policy.has_settings);
	assert_int_equal(sysctl_read(valid_mark, &now), 0);
	assert_int_equal(now, 0);
	guard_undo(&guard);
	assert_int_equal(sysctl_write(valid_mark, 1), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, &guard), 2);
	assert_true(policy.has_settings);
	assert_int_equal(guard.changes.count, 2);
	guard_undo(&guard);
	assert_int_equal(sysctl_write(valid_mark, 0), 0);
}

/* Rules that the owner of an interface has made are enough, and stay. */
static void test_policy_of_others(void **state)
{
	const struct rule by_mark = { .family = AF_INET, .priority = 32765, .table = 51820, .mark = 51820 };
	struct policy policy = { .mark = 51820 };
	struct guard guard = alone();

	(void)state;
	need_network();
	assert_int_equal(rule_add(&by_mark), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, &guard), 0);
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
		struct policy policy = { .mark = 51820 };
		struct guard guard = alone();
		int now = -1;

		assert_int_equal(sysctl_write("net/ipv4/conf/all/rp_filter", cases[i].all), 0);
		assert_int_equal(sysctl_write("net/ipv4/conf/other/rp_filter", cases[i].one), 0);
		assert_int_equal(policy_keep(&policy, AF_INET, &guard), 2);
		assert_int_equal(sysctl_read("net/ipv4/conf/all/rp_filter", &now), 0);
		assert_int_equal(now, cases[i].expected);
		guard_undo(&guard);
		assert_int_equal(sysctl_read("net/ipv4/conf/all/rp_filter", &now), 0);
		assert_int_equal(now, cases[i].all);
	}
	assert_int_equal(sysctl_write("net/ipv4/conf/all/rp_filter", 0), 0);
	assert_int_equal(sysctl_write("net/ipv4/conf/other/rp_filter", 0), 0);
}

/* A setting that somebody has changed since is left alone. */
static void test_changed_again(void **state)
{
	static const char setting[] = "net/ipv4/conf/all/src_valid_mark";
	struct policy policy = { .mark = 51820 };
	struct guard guard = alone();
	struct undo undo;
	int now = -1;

	(void)state;
	need_network();
	assert_int_equal(policy_keep(&policy, AF_INET, &guard), 2);
	assert_int_equal(sysctl_write(setting, 2), 0);
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_MTU;
	undo.link.index = other;
	undo.link.before = 1300;
	undo.link.ours = 1400;
	assert_int_equal(guard_promise(&guard, &undo), 0);
	/* The same once more is one change. */
	assert_int_equal(guard_promise(&guard, &undo), 0);
	assert_int_equal(guard.changes.count, 4);
	guard_undo(&guard);
	assert_int_equal(sysctl_read(setting, &now), 0);
	assert_int_equal(now, 2);
	assert_int_equal(sysctl_write(setting, 0), 0);
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
	struct policy policy = { .mark = 51820 };
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
	assert_int_equal(policy_keep(&policy, AF_INET, &guard), 2);
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

/* Until the guard has read all that it was told. */
static void await(const struct guard *guard)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	int left = 1;

	for (int i = 0; i < 10000 && left > 0; i++) {
		assert_int_equal(ioctl(guard->fd, FIONREAD, &left), 0);
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(left, 0);
}

/* What ends us from a terminal or a service manager does not end the guard, which may do its work only. */
static void test_guard_stays(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	const struct route way = route_to("10.63.0.0", 24, ROUTE_TABLE_MAIN, ours);
	struct guard guard;
	struct undo undo;
	char path[64];
	char line[256];
	unsigned long long capabilities = 0;
	FILE *file;

	(void)state;
	need_network();
	assert_int_equal(guard_start(&guard), 0);
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_ROUTE;
	undo.route = way;
	assert_int_equal(guard_promise(&guard, &undo), 0);
	assert_int_equal(route_add(&way), 0);
	await(&guard);
	for (size_t i = 0; i < FIXTURE_COUNT(signals); i++)
		assert_int_equal(kill(guard.pid, signals[i]), 0);
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)guard.pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL)
		(void)sscanf(line, "CapEff: %llx", &capabilities);
	(void)fclose(file);
	assert_true(capabilities == 1ULL << CAP_NET_ADMIN);
	guard_end(&guard);
	assert_int_equal(find_route("10.63.0.0", 24, ROUTE_TABLE_MAIN).count, 0);
}

/* What we have taken back ourselves may be somebody else's by the time we end. */
static void test_guard_knows_what_is_undone(void **state)
{
	const struct route way = route_to("10.64.0.0", 24, ROUTE_TABLE_MAIN, ours);
	struct guard guard;
	struct undo undo;

	(void)state;
	need_network();
	assert_int_equal(guard_start(&guard), 0);
	memset(&undo, 0, sizeof undo);
	undo.kind = UNDO_ROUTE;
	undo.route = way;
	assert_int_equal(guard_promise(&guard, &undo), 0);
	assert_int_equal(route_add(&way), 0);
	guard_undo(&guard);
	assert_int_equal(find_route("10.64.0.0", 24, ROUTE_TABLE_MAIN).count, 0);
	assert_int_equal(route_add(&way), 0);
	guard_end(&guard);
	assert_int_equal(find_route("10.64.0.0", 24, ROUTE_TABLE_MAIN).count, 1);
	assert_int_equal(route_delete(&way), 0);
}

/* The interface that we made goes when we do. One of somebody else with its name does not. */
static void test_guard_deletes(void **state)
{
	static const char *const kinds[] = { "dummy", "ifb", "bridge" };
	struct guard guard;
	uint32_t made = 0;
	uint32_t found;

	(void)state;
	need_network();
	for (size_t i = 0; i < FIXTURE_COUNT(kinds) && link_create("made", kinds[i]) != 0; i++)
		continue;
	assert_int_equal(link_find("made", &made), 0);
	assert_int_equal(guard_start(&guard), 0);
	guard_watch(&guard, "made", made + 1000);
	guard_end(&guard);
	assert_int_equal(link_find("made", &found), 0);
	assert_int_equal(found, made);
	assert_int_equal(guard_start(&guard), 0);
	guard_watch(&guard, "made", made);
	guard_end(&guard);
	assert_int_equal(link_find("made", &found), -ENODEV);
}

/* A WireGuard of user space, which has nothing but a mark. */
static void play_device(int listener, volatile uint32_t *mark)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char text[1024] = "";
		size_t used = 0;
		ssize_t got;
		const char *set;

		while (strstr(text, "\n\n") == NULL &&
		       (got = read(fd, text + used, sizeof text - 1 - used)) > 0) {
			used += (size_t)got;
			text[used] = '\0';
		}
		set = strstr(text, "fwmark=");
		if (set != NULL)
			*mark = (uint32_t)strtoul(set + strlen("fwmark="), NULL, 0);
		(void)snprintf(text, sizeof text, "fwmark=%u\nerrno=0\n\n", *mark);
		(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
		(void)close(fd);
	}
}

/* A mark is set back on our interface, and where it is still the one that we have set. */
static void test_mark(void **state)
{
	char folder[] = "/tmp/rosenpass-test-XXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	volatile uint32_t *mark =
		mmap(NULL, sizeof *mark, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct {
		uint32_t index, present, after;
	} cases[] = { { ours, 7, 3 }, { ours, 8, 8 }, { other, 7, 7 } };
	pid_t pid;

	(void)state;
	need_network();
	assert_true(mark != MAP_FAILED && listener >= 0);
	assert_non_null(mkdtemp(folder));
	userspace_use_folder(folder);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/ours.sock", folder);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 8), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		play_device(listener, mark);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct guard guard = alone();
		struct undo undo;

		*mark = cases[i].present;
		memset(&undo, 0, sizeof undo);
		undo.kind = UNDO_FWMARK;
		(void)strcpy(undo.link.name, "ours");
		undo.link.index = cases[i].index;
		undo.link.before = 3;
		undo.link.ours = 7;
		assert_int_equal(guard_promise(&guard, &undo), 0);
		guard_undo(&guard);
		assert_int_equal(*mark, cases[i].after);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(listener);
	(void)unlink(address.sun_path);
	assert_int_equal(rmdir(folder), 0);
	(void)munmap((void *)(uintptr_t)mark, sizeof *mark);
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
	/* A peer on a smaller path does not make all the others' smaller. */
	mtu.largest = 1480;
	mtu_take(&mtu, &near, 0, ours);
	assert_int_equal(mtu.largest, 1480);
	mtu.largest = 1440;
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
		cmocka_unit_test(test_kind_of_service),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_guard_stays),
		cmocka_unit_test(test_guard_knows_what_is_undone),
		cmocka_unit_test(test_guard_deletes),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_mtu),
	};

	log_set_level(LOG_OFF);
	return cmocka_run_group_tests(tests, enter_network, NULL);
}
