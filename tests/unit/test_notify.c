#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "system/notify.h"

static char path[] = "/tmp/test_notify.XXXXXX/socket";

/* What a service manager has: a socket of that name, "@name" being abstract. */
static int open_manager(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(strlen(name) < sizeof address.sun_path);
	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
	return fd;
}

static void check_heard(int manager, const char *expected)
{
	char text[256];
	ssize_t got = recv(manager, text, sizeof text - 1, 0);

	text[got < 0 ? 0 : got] = '\0';
	assert_string_equal(text, expected);
}

static void set(const char *name, const char *value)
{
	if (value == NULL)
		(void)unsetenv(name);
	else
		(void)setenv(name, value, 1);
}

static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count;
}

static int set_up(void **state)
{
	char *slash = strrchr(path, '/');

	(void)state;
	*slash = '\0';
	if (mkdtemp(path) == NULL)
		return -1;
	*slash = '/';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

static void test_messages(void **state)
{
	char abstract[64];
	const char *const names[] = { path, abstract };

	(void)state;
	(void)snprintf(abstract, sizeof abstract, "@rosenpass-test-%ld", (long)getpid());
	for (size_t i = 0; i < FIXTURE_COUNT(names); i++) {
		int manager = open_manager(names[i]);

		set("NOTIFY_SOCKET", names[i]);
		set("WATCHDOG_USEC", "1000000");
		set("WATCHDOG_PID", NULL);
		notify_open();
		/* Programs that we start do not speak for us. */
		assert_null(getenv("NOTIFY_SOCKET"));
		assert_null(getenv("WATCHDOG_USEC"));
		assert_int_equal(notify_watchdog_ns(), UINT64_C(1000000000));
		notify_send("READY=1\nSTATUS=Exchanging keys");
		check_heard(manager, "READY=1\nSTATUS=Exchanging keys");
		notify_send("WATCHDOG=1");
		check_heard(manager, "WATCHDOG=1");
		check_heard(manager, "");

		/* One that starts anew has another socket of the same name; without one nothing happens. */
		(void)close(manager);
		notify_send("WATCHDOG=1");
		(void)unlink(path);
		notify_send("WATCHDOG=1");
		manager = open_manager(names[i]);
		notify_send("STOPPING=1");
		check_heard(manager, "STOPPING=1");
		(void)close(manager);
		(void)unlink(path);
	}
}

/*
 * Once a second; before the service is ready only for more time, as the watchdog runs from its first sign on.
 */
static void test_busy(void **state)
{
	static const char more[] = "EXTEND_TIMEOUT_USEC=60000000";
	static const char alive[] = "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000";
	const uint64_t second = UINT64_C(1000000000);
	int manager = open_manager(path);

	(void)state;
	set("NOTIFY_SOCKET", path);
	set("WATCHDOG_USEC", "30000000");
	set("WATCHDOG_PID", NULL);
	notify_open();
	notify_busy(5 * second);
	check_heard(manager, more);
	notify_busy(6 * second - 1);
	check_heard(manager, "");
	notify_busy(6 * second);
	check_heard(manager, more);
	notify_send("READY=1\nSTATUS=x");
	check_heard(manager, "READY=1\nSTATUS=x");
	notify_busy(7 * second);
	check_heard(manager, alive);
	check_heard(manager, "");
	/* A manager that is less patient hears of it oftener. */
	set("NOTIFY_SOCKET", path);
	set("WATCHDOG_USEC", "300000");
	notify_open();
	notify_busy(second);
	check_heard(manager, more);
	notify_busy(second + second / 10 - 1);
	check_heard(manager, "");
	notify_busy(second + second / 10);
	check_heard(manager, more);
	(void)close(manager);
	(void)unlink(path);
	/* Without one nothing happens. */
	set("NOTIFY_SOCKET", NULL);
	notify_open();
	notify_busy(100 * second);
}

static void test_reloading(void **state)
{
	int manager = open_manager(path);
	char text[256] = "";
	char expected[256];
	struct timespec now;
	unsigned long long us;

	(void)state;
	set("NOTIFY_SOCKET", path);
	notify_open();
	notify_reloading();
	assert_true(recv(manager, text, sizeof text - 1, 0) > 0);
	assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
	(void)snprintf(expected, sizeof expected, "RELOADING=1\nMONOTONIC_USEC=%llu", us);
	assert_string_equal(text, expected);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	assert_in_range((unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000 -
	                        us,
	                0, 60000000);
	(void)close(manager);
	(void)unlink(path);
}

static void test_watchdog(void **state)
{
	char own[32];
	const struct {
		const char *usec;
		const char *pid;
		uint64_t ns;
	} cases[] = {
		{ NULL, NULL, 0 },
		{ "30000000", NULL, UINT64_C(30000000000) },
		{ "1", own, 1000 },
		{ "30000000", "1", 0 },
		{ "30000000", "", 0 },
		{ "30000000", "x", 0 },
		{ "0", NULL, 0 },
		{ "", NULL, 0 },
		{ "-1", NULL, 0 },
		{ "1s", NULL, 0 },
		{ " 1", NULL, 0 },
		{ "18446744073709550", NULL, 0 },
		{ "18446744073709551615", NULL, 0 },
		{ "184467440737095516160000001", NULL, 0 },
		{ "9000000000000000", NULL, UINT64_C(9000000000000000000) },
	};

	(void)state;
	(void)snprintf(own, sizeof own, "%ld", (long)getpid());
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		set("NOTIFY_SOCKET", "/nowhere/socket");
		set("WATCHDOG_USEC", cases[i].usec);
		set("WATCHDOG_PID", cases[i].pid);
		notify_open();
		assert_int_equal(notify_watchdog_ns(), cases[i].ns);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
	}
}

/* Without a service manager, or with a name of no known kind, all of it does nothing. */
static void test_absent(void **state)
{
	static const char *const names[] = { NULL, "", "/", "@", "relative/socket", "vsock:2:1234" };
	char longer[200];
	size_t before;

	(void)state;
	set("NOTIFY_SOCKET", NULL);
	notify_open();
	before = count_descriptors();
	for (size_t i = 0; i <= FIXTURE_COUNT(names); i++) {
		memset(longer, 'x', sizeof longer - 1);
		longer[0] = '/';
		longer[sizeof longer - 1] = '\0';
		set("NOTIFY_SOCKET", i < FIXTURE_COUNT(names) ? names[i] : longer);
		set("WATCHDOG_USEC", "1000000");
		notify_open();
		notify_send("READY=1");
		notify_reloading();
		assert_int_equal(notify_watchdog_ns(), 0);
		assert_int_equal(count_descriptors(), before);
	}
}

static double seconds_now(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A service manager that does not read: what it should hear waits for a moment, once. */
static void test_deaf(void **state)
{
	int manager = open_manager(path);
	double start = seconds_now();
	double waited;
	char text[256];

	(void)state;
	set("NOTIFY_SOCKET", path);
	set("WATCHDOG_USEC", "1");
	set("WATCHDOG_PID", NULL);
	notify_open();
	/* Signs of life do not wait. 3000 that did would take 50 minutes. */
	for (unsigned i = 0; i < 3000; i++) {
		notify_send("WATCHDOG=1");
		notify_busy((uint64_t)i * 1000000000);
	}
	do {
		waited = seconds_now();
		notify_send("STATUS=one");
		waited = seconds_now() - waited;
	} while (waited < 0.5);
	assert_true(waited < 20);
	for (unsigned i = 0; i < 3000; i++)
		notify_send("STATUS=two");
	assert_true(seconds_now() - start < 60);
	/* It listens again. */
	while (recv(manager, text, sizeof text, 0) > 0)
		;
	notify_send("STATUS=three");
	check_heard(manager, "STATUS=three");
	do {
		waited = seconds_now();
		notify_send("STATUS=four");
		waited = seconds_now() - waited;
	} while (waited < 0.5);
	(void)close(manager);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),  cmocka_unit_test(test_busy),
		cmocka_unit_test(test_reloading), cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_absent),    cmocka_unit_test(test_deaf),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
