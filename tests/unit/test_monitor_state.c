/* The file that remembers where peers were: what is written, when, and what is believed of what is read. */

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "fixture.h"
#include "system/clock.h"
#include "system/log.h"

#define GOOD                                                                   \
	"rosenpass peers 1\n"                                                  \
	"peer 0123456789abcdef address 192.0.2.1:9999 wireguard 192.0.2.1:1\n" \
	"peer fedcba9876543210 wireguard [2001:db8::1]:51820\n"                \
	"end 2\n"

static char folder[] = "/tmp/test_state.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	log_set_level(LOG_OFF);
	(void)umask(0);
	return mkdtemp(folder) == NULL || chdir(folder) != 0 || setenv("STATE_DIRECTORY", folder, 1) != 0 ? -1
	                                                                                                  : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("wg0.peers");
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static union address_socket address(const char *text)
{
	union address_socket out = { 0 };
	const char *problem;

	assert_int_equal(address_parse(text, &out, &problem), 0);
	return out;
}

static bool parses(const char *text, size_t *count)
{
	char *copy = strdup(text);
	struct monitor_remembered *list;
	bool result;

	assert_non_null(copy);
	result = monitor_state_parse(copy, &list, count);
	assert_true(result || (list == NULL && *count == 0));
	free(list);
	free(copy);
	return result;
}

static void test_good(void **state)
{
	char text[] = GOOD;
	struct monitor_remembered *list;
	union address_socket expected;
	size_t count;

	(void)state;
	assert_true(monitor_state_parse(text, &list, &count));
	assert_int_equal(count, 2);
	assert_true(list[0].tag == UINT64_C(0x0123456789abcdef));
	expected = address("192.0.2.1:9999");
	assert_true(address_equal(&list[0].address, &expected));
	expected = address("192.0.2.1:1");
	assert_true(address_equal(&list[0].wireguard, &expected));
	assert_int_equal(list[1].address.any.sa_family, AF_UNSPEC);
	expected = address("[2001:db8::1]:51820");
	assert_true(address_equal(&list[1].wireguard, &expected));
	free(list);
	assert_true(parses("rosenpass peers 1\nend 0\n", &count));
	assert_int_equal(count, 0);
}

/* Of a file that was cut anywhere, or has one wrong byte, nothing is believed. */
static void test_damaged(void **state)
{
	char text[] = GOOD;
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		char cut[sizeof text];

		memcpy(cut, text, i);
		cut[i] = '\0';
		assert_false(parses(cut, &count));
		memcpy(cut, text, sizeof text);
		cut[i] = '\x01';
		assert_false(parses(cut, &count));
	}
}

static void test_wrong(void **state)
{
	static const char *const lines[] = {
		"peer 0123456789abcdef",
		"peer 0123456789abcde address 192.0.2.1:1",
		"peer 0123456789abcdef0 address 192.0.2.1:1",
		"peer 0123456789ABCDEF address 192.0.2.1:1",
		"peer 0123456789abcdef address",
		"peer 0123456789abcdef address ",
		"peer 0123456789abcdef  address 192.0.2.1:1",
		"peer 0123456789abcdef address 192.0.2.1:1 ",
		"peer 0123456789abcdef address 192.0.2.1:1 address 192.0.2.2:1",
		"peer 0123456789abcdef address 192.0.2.1:1 other 192.0.2.2:1",
		"peer 0123456789abcdef address name.example:1",
		"peer 0123456789abcdef address 192.0.2.1",
		"peer 0123456789abcdef address 192.0.2.1:65536",
		"other 0123456789abcdef address 192.0.2.1:1",
		/* Whom no single datagram to another host reaches. */
		"peer 0123456789abcdef address 192.0.2.1:0",
		"peer 0123456789abcdef address 0.0.0.0:1",
		"peer 0123456789abcdef address 127.0.0.1:1",
		"peer 0123456789abcdef address 224.0.0.1:1",
		"peer 0123456789abcdef address 255.255.255.255:1",
		"peer 0123456789abcdef address [::]:1",
		"peer 0123456789abcdef address [::1]:1",
		"peer 0123456789abcdef address [ff02::1]:1",
		"peer 0123456789abcdef wireguard [2001:db8::1]:0",
	};
	char text[512];
	size_t count;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(lines); i++) {
		(void)snprintf(text, sizeof text, "rosenpass peers 1\n%s\nend 1\n", lines[i]);
		if (parses(text, &count))
			fail_msg("accepted: %s", lines[i]);
	}
	assert_false(parses("", &count));
	assert_false(parses("rosenpass peers 2\nend 0\n", &count));
	assert_false(parses("rosenpass peers 1\nend 1\n", &count));
	assert_false(parses("rosenpass peers 1\nend 0\nend 0\n", &count));
	assert_false(parses("rosenpass peers 1\nend 0\n\n", &count));
}

/* An interface that is gone, which a scope names, takes its address along and nothing else. */
static void test_scope(void **state)
{
	char text[] = "rosenpass peers 1\n"
		      "peer 0123456789abcdef address [fe80::1%no-such-link]:9999 wireguard 192.0.2.1:1\n"
		      "peer 0123456789abcde0 address [fe80::1%no-such-link]:9999\n"
		      "end 2\n";
	struct monitor_remembered *list;
	size_t count;

	(void)state;
	assert_true(monitor_state_parse(text, &list, &count));
	assert_int_equal(count, 2);
	assert_int_equal(list[0].address.any.sa_family, AF_UNSPEC);
	assert_int_equal(list[0].wireguard.any.sa_family, AF_INET);
	assert_int_equal(list[1].address.any.sa_family, AF_UNSPEC);
	free(list);
}

/* --- a monitor with one peer ------------------------------------------------------------------- */

struct scene {
	struct monitor monitor;
	struct monitor_peer peer;
	struct monitor_peer *peers[1];
};

static void open_scene(struct scene *scene)
{
	static char name[] = "wg0";

	memset(scene, 0, sizeof *scene);
	scene->monitor.name = name;
	scene->monitor.from_file = true;
	scene->monitor.peers = scene->peers;
	scene->monitor.slots = 1;
	scene->peers[0] = &scene->peer;
	scene->peer.tag = 7;
	scene->monitor.public_key.bytes = (const uint8_t *)"12345678";
	monitor_state_open(&scene->monitor);
	monitor_state_recall(&scene->monitor, &scene->peer);
}

static void move(struct scene *scene, const char *to, uint64_t now_ns)
{
	scene->peer.last = address(to);
	monitor_state_note(&scene->monitor, &scene->peer, now_ns);
	(void)monitor_state_serve(&scene->monitor, now_ns);
}

static bool remembers(const char *text)
{
	struct scene scene;
	union address_socket expected = address(text);
	bool result;

	open_scene(&scene);
	result = address_equal(&scene.peer.remembered.address, &expected);
	monitor_state_close(&scene.monitor);
	return result;
}

static void test_written_and_read(void **state)
{
	struct scene scene;
	struct stat status;

	(void)state;
	open_scene(&scene);
	move(&scene, "192.0.2.1:9999", 100 * CLOCK_SECOND_NS);
	assert_int_equal(stat("wg0.peers", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_true(remembers("192.0.2.1:9999"));
	/* A peer on this host is not worth remembering, nor is one that leaves. */
	move(&scene, "127.0.0.1:9999", 200 * CLOCK_SECOND_NS);
	assert_true(remembers("192.0.2.1:9999"));
	scene.peer.leaving = true;
	move(&scene, "192.0.2.2:9999", 300 * CLOCK_SECOND_NS);
	assert_false(remembers("192.0.2.1:9999"));
	assert_false(remembers("192.0.2.2:9999"));
	monitor_state_close(&scene.monitor);
}

/* All of the tag says whose address it is. */
static void test_whose(void **state)
{
	static const char text[] = "rosenpass peers 1\npeer 0000000100000007 address 192.0.2.1:9999\nend 1\n";
	FILE *file = fopen("wg0.peers", "w");

	(void)state;
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_false(remembers("192.0.2.1:9999"));
}

/* An endpoint of WireGuard counts when the peer's WireGuard has proved itself there. */
static void test_endpoint_of_wireguard(void **state)
{
	struct monitor_wireguard *wireguard;
	struct scene scene;

	(void)state;
	open_scene(&scene);
	assert_int_equal(loop_open_simulated(&scene.monitor.loop, CLOCK_SECOND_NS), 0);
	assert_int_equal(monitor_delivery_open(&scene.monitor), 0);
	scene.peer.config.device = (char[]){ "wg0" };
	scene.peer.config.wireguard_peer = (char[]){ "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" };
	assert_int_equal(monitor_delivery_init(&scene.monitor, &scene.peer), 0);
	wireguard = monitor_wireguard_of(&scene.peer);
	wireguard->is_there = true;
	wireguard->present_endpoint = address("192.0.2.1:7");
	monitor_state_note(&scene.monitor, &scene.peer, CLOCK_SECOND_NS);
	assert_int_equal(scene.peer.remembered.wireguard.any.sa_family, AF_UNSPEC);
	wireguard->handshake.told_seconds = 1;
	monitor_state_note(&scene.monitor, &scene.peer, CLOCK_SECOND_NS);
	assert_true(address_equal(&scene.peer.remembered.wireguard, &wireguard->present_endpoint));
	delivery_destroy(scene.peer.delivery);
	monitor_delivery_close(&scene.monitor);
	loop_close(scene.monitor.loop);
	monitor_state_close(&scene.monitor);
}

/* Twice in two seconds it is not written, and where a peer moves all the time once a minute. */
static void test_rate(void **state)
{
	struct scene scene;
	uint64_t now_ns = 1000 * CLOCK_SECOND_NS;
	unsigned writes = 0;

	(void)state;
	open_scene(&scene);
	move(&scene, "192.0.2.1:1", now_ns);
	assert_true(remembers("192.0.2.1:1"));
	move(&scene, "192.0.2.1:2", now_ns + CLOCK_SECOND_NS);
	assert_true(remembers("192.0.2.1:1"));
	assert_true(monitor_state_serve(&scene.monitor, now_ns + CLOCK_SECOND_NS) ==
	            now_ns + 2 * CLOCK_SECOND_NS);
	(void)monitor_state_serve(&scene.monitor, now_ns + 2 * CLOCK_SECOND_NS);
	assert_true(remembers("192.0.2.1:2"));
	/* At the end what waits is written. */
	move(&scene, "192.0.2.1:3", now_ns + 3 * CLOCK_SECOND_NS);
	monitor_state_flush(&scene.monitor);
	assert_true(remembers("192.0.2.1:3"));
	for (unsigned i = 10; i < 3610; i++) {
		char text[32];

		(void)snprintf(text, sizeof text, "192.0.2.1:%u", 1000 + i);
		(void)unlink("wg0.peers");
		move(&scene, text, now_ns + i * CLOCK_SECOND_NS);
		writes += access("wg0.peers", F_OK) == 0;
	}
	assert_in_range(writes, 55, 70);
	/* Where nothing has changed nothing is written. */
	(void)unlink("wg0.peers");
	monitor_state_note(&scene.monitor, &scene.peer, now_ns + 5000 * CLOCK_SECOND_NS);
	assert_true(monitor_state_serve(&scene.monitor, now_ns + 5000 * CLOCK_SECOND_NS) == MONITOR_NEVER ||
	            access("wg0.peers", F_OK) == 0);
	monitor_state_close(&scene.monitor);
}

static void put(const char *text, size_t length)
{
	FILE *file = fopen("wg0.peers", "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* A file that cannot be used is no reason to stop, and is replaced by a good one. */
static void test_unusable(void **state)
{
	static const char zero[] = "rosenpass peers 1\nend 0\n\0";
	struct scene scene;

	(void)state;
	put("nonsense", 8);
	open_scene(&scene);
	assert_int_equal(scene.monitor.state.count, 0);
	move(&scene, "192.0.2.1:9999", CLOCK_SECOND_NS);
	monitor_state_close(&scene.monitor);
	assert_true(remembers("192.0.2.1:9999"));
	put(zero, sizeof zero);
	assert_false(remembers("192.0.2.1:9999"));
	put("", 0);
	assert_false(remembers("192.0.2.1:9999"));
	/* What is no file is not read, and does not hold us up. */
	assert_int_equal(unlink("wg0.peers"), 0);
	assert_int_equal(mkfifo("wg0.peers", 0600), 0);
	open_scene(&scene);
	move(&scene, "192.0.2.1:9999", CLOCK_SECOND_NS);
	assert_true(scene.monitor.state.said);
	monitor_state_close(&scene.monitor);
	assert_int_equal(unlink("wg0.peers"), 0);
}

static void test_folder(void **state)
{
	struct scene scene;
	char text[128];

	(void)state;
	/* Of several folders the first. */
	(void)snprintf(text, sizeof text, "%s:/nowhere", folder);
	(void)setenv("STATE_DIRECTORY", text, 1);
	open_scene(&scene);
	(void)snprintf(text, sizeof text, "%s/wg0.peers", folder);
	assert_string_equal(scene.monitor.state.path, text);
	monitor_state_close(&scene.monitor);
	/* One that is not there. */
	(void)setenv("STATE_DIRECTORY", "/nowhere", 1);
	open_scene(&scene);
	move(&scene, "192.0.2.1:9999", CLOCK_SECOND_NS);
	assert_true(scene.monitor.state.said);
	monitor_state_close(&scene.monitor);
	/* None is wanted. */
	(void)setenv("STATE_DIRECTORY", "", 1);
	open_scene(&scene);
	assert_null(scene.monitor.state.path);
	move(&scene, "192.0.2.1:9999", CLOCK_SECOND_NS);
	assert_true(monitor_state_serve(&scene.monitor, 2 * CLOCK_SECOND_NS) == MONITOR_NEVER);
	monitor_state_close(&scene.monitor);
	/* A daemon without a file or a name is known by its key. */
	(void)setenv("STATE_DIRECTORY", folder, 1);
	open_scene(&scene);
	monitor_state_close(&scene.monitor);
	scene.monitor.from_file = false;
	monitor_state_open(&scene.monitor);
	assert_null(strstr(scene.monitor.state.path, "wg0"));
	assert_int_equal(strlen(strrchr(scene.monitor.state.path, '/')), 1 + 16 + 6);
	monitor_state_close(&scene.monitor);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_damaged),
		TEST(test_wrong),
		TEST(test_scope),
		TEST(test_written_and_read),
		TEST(test_rate),
		TEST(test_unusable),
		TEST(test_folder),
		TEST(test_whose),
		TEST(test_endpoint_of_wireguard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
