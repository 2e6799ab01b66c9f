/* What rp takes back at its end, or its guard for it, and what it leaves alone. */

#include "rp_ways_fixture.h"

#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "rp/mtu.h"
#include "rp/policy.h"
#include "system/log.h"
#include "system/netlink.h"
#include "system/sysctl.h"
#include "wireguard/userspace.h"

/* A route for one kind of service only is another one: it is not what ours takes the place of. */
static void test_kind_of_service(void **state)
{
	const struct ip_prefix destination = ip_of("10.74.0.0", 24);
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

/* What is as we want it is not promised to be set back; and the settings are those of IPv4. */
static void test_settings(void **state)
{
	static const char valid_mark[] = "net/ipv4/conf/all/src_valid_mark";
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();
	int now = -1;

	(void)state;
	need_network();
	assert_int_equal(sysctl_write(valid_mark, 0), 0);
	(void)policy_keep(&policy, AF_INET6, 0, &guard);
	assert_int_equal(sysctl_read(valid_mark, &now), 0);
	assert_int_equal(now, 0);
	guard_undo(&guard);
	assert_int_equal(sysctl_write(valid_mark, 1), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 2);
	assert_int_equal(guard.changes.count, 2);
	guard_undo(&guard);
	assert_int_equal(sysctl_write(valid_mark, 0), 0);
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

/* A setting that somebody else has changed is left alone. What is promised twice is one change. */
static void test_setting_of_others(void **state)
{
	static const char setting[] = "net/ipv4/conf/all/src_valid_mark";
	struct policy policy = { .mark = 51820, .table = 51820 };
	struct guard guard = alone();
	struct undo undo;
	int now = -1;

	(void)state;
	need_network();
	assert_int_equal(sysctl_write(setting, 0), 0);
	assert_int_equal(policy_keep(&policy, AF_INET, 0, &guard), 2);
	assert_int_equal(guard.changes.count, 3);
	undo = guard.changes.all[0];
	assert_int_equal(guard_promise(&guard, &undo), 0);
	assert_int_equal(guard.changes.count, 3);
	assert_int_equal(sysctl_write(setting, 2), 0);
	guard_undo(&guard);
	assert_int_equal(sysctl_read(setting, &now), 0);
	assert_int_equal(now, 2);
	assert_int_equal(sysctl_write(setting, 0), 0);
}

/* Which way is ours, and about which one something is said. */
static void test_others_metric(void **state)
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
	assert_true(ways.all[0].is_ours);
	assert_string_not_equal(ways.all[0].said, "");
	assert_false(ways.all[1].is_ours);
	assert_string_equal(ways.all[1].said, "");
	guard_undo(&guard);
	assert_int_equal(route_delete(&present), 0);
	ways_release(&ways);
}

/* A mark that somebody's rule looks for is not the one of our packets. */
static void test_mark_in_use(void **state)
{
	const struct rule rule = { .family = AF_INET, .priority = 50, .table = 100, .mark = 51820 };
	struct policy policy = { 0 };

	(void)state;
	need_network();
	assert_int_equal(rule_add(&rule), 0);
	assert_int_equal(policy_choose_again(&policy), 0);
	assert_int_equal(policy.table, 51821);
	assert_int_equal(rule_delete(&rule), 0);
}

/* A peer on a smaller path does not make all others' packets smaller. */
static void test_largest_path(void **state)
{
	union address_socket near = { .v4 = { .sin_family = AF_INET } };
	struct mtu mtu = { .largest = 9000 };

	(void)state;
	need_network();
	assert_int_equal(inet_pton(AF_INET, "10.50.0.77", &near.v4.sin_addr), 1);
	mtu_take(&mtu, &near, 0, ours);
	assert_int_equal(mtu.largest, 9000);
	mtu.largest = 0;
	mtu_take(&mtu, &near, 0, ours);
	assert_int_equal(mtu.largest, 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind_of_service),   cmocka_unit_test(test_settings),
		cmocka_unit_test(test_setting_of_others), cmocka_unit_test(test_others_metric),
		cmocka_unit_test(test_mark_in_use),       cmocka_unit_test(test_largest_path),
		cmocka_unit_test(test_guard_stays),       cmocka_unit_test(test_guard_knows_what_is_undone),
		cmocka_unit_test(test_guard_deletes),     cmocka_unit_test(test_mark),
	};

	log_set_level(LOG_OFF);
	return cmocka_run_group_tests(tests, enter_network, NULL);
}
