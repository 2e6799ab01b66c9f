/* The file that remembers where peers were: what is written, when, and what is believed of what is read. */

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "monitor/peer_memory.h"
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
	struct peer_memory_entry *list;
	bool result;

	assert_non_null(copy);
	result = peer_memory_parse(copy, &list, count);
	assert_true(result || (list == NULL && *count == 0));
	free(list);
	free(copy);
	return result;
}

static void test_good(void **state)
{
	char text[] = GOOD;
	struct peer_memory_entry *list;
	union address_socket expected;
	size_t count;

	(void)state;
	assert_true(peer_memory_parse(text, &list, &count));
	assert_int_equal(count, 2);
	assert_true(list[0].key_prefix == UINT64_C(0x0123456789abcdef));
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
	struct peer_memory_entry *list;
	size_t count;

	(void)state;
	assert_true(peer_memory_parse(text, &list, &count));
	assert_int_equal(count, 2);
	assert_int_equal(list[0].address.any.sa_family, AF_UNSPEC);
	assert_int_equal(list[0].wireguard.any.sa_family, AF_INET);
	assert_int_equal(list[1].address.any.sa_family, AF_UNSPEC);
	free(list);
}

/* --- a memory with one peer -------------------------------------------------------------------- */

struct scene {
	struct loop *loop;
	struct peer_memory *memory;
	struct peer_memory_entry peer;
};

static void open_scene(struct scene *scene)
{
	char *path = peer_memory_find_path("wg0", NULL);

	assert_non_null(path);
	memset(scene, 0, sizeof *scene);
	assert_int_equal(loop_open_simulated(&scene->loop, 1000 * CLOCK_SECOND_NS), 0);
	assert_int_equal(peer_memory_open(&scene->memory, scene->loop, path), 0);
	peer_memory_attach(scene->memory, &scene->peer, 7);
	free(path);
}

static void close_scene(struct scene *scene)
{
	peer_memory_close(scene->memory);
	assert_null(scene->peer.link);
	loop_close(scene->loop);
}

static void move(struct scene *scene, const char *to)
{
	union address_socket where = address(to);

	peer_memory_note(scene->memory, &scene->peer, &where, NULL);
	loop_advance(scene->loop, 1);
}

static bool remembers(const char *text)
{
	struct scene scene;
	union address_socket expected = address(text);
	bool result;

	open_scene(&scene);
	result = address_equal(&scene.peer.address, &expected);
	close_scene(&scene);
	return result;
}

static void test_written_and_read(void **state)
{
	struct scene scene;
	struct stat status;

	(void)state;
	open_scene(&scene);
	move(&scene, "192.0.2.1:9999");
	assert_int_equal(stat("wg0.peers", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_true(remembers("192.0.2.1:9999"));
	/* A peer on this host is not worth remembering. */
	move(&scene, "127.0.0.1:9999");
	assert_int_equal(scene.peer.address.v4.sin_port, htons(9999));
	close_scene(&scene);
	assert_true(remembers("192.0.2.1:9999"));
}

/* What a peer that has left was known for is not written any more. Others stay, whatever the order. */
static void test_leaving(void **state)
{
	struct peer_memory_entry others[3] = { 0 };
	struct scene scene;
	union address_socket where = address("192.0.2.9:9");

	(void)state;
	open_scene(&scene);
	for (size_t i = 0; i < FIXTURE_COUNT(others); i++) {
		peer_memory_attach(scene.memory, &others[i], 100 + i);
		peer_memory_note(scene.memory, &others[i], &where, NULL);
	}
	move(&scene, "192.0.2.1:9999");
	peer_memory_detach(&scene.peer);
	peer_memory_detach(&others[1]);
	peer_memory_detach(&others[1]);
	where = address("192.0.2.8:8");
	peer_memory_note(scene.memory, &others[0], &where, NULL);
	close_scene(&scene);
	assert_false(remembers("192.0.2.1:9999"));
	open_scene(&scene);
	for (size_t i = 0; i < FIXTURE_COUNT(others); i++)
		peer_memory_attach(scene.memory, &others[i], 100 + i);
	assert_int_equal(others[0].address.v4.sin_port, htons(8));
	assert_int_equal(others[1].address.any.sa_family, AF_UNSPEC);
	assert_int_equal(others[2].address.v4.sin_port, htons(9));
	close_scene(&scene);
}

/* All of the prefix says whose address it is. */
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

/* Peers are found whatever the order of the file. */
static void test_order(void **state)
{
	static const uint64_t prefixes[] = { 7, 9, 2, 1, 5 };
	FILE *file = fopen("wg0.peers", "w");

	(void)state;
	assert_non_null(file);
	assert_true(fputs("rosenpass peers 1\n", file) >= 0);
	for (size_t i = 0; i < FIXTURE_COUNT(prefixes); i++)
		assert_true(fprintf(file, "peer %016x address 192.0.2.%u:1\n", (unsigned)prefixes[i],
		                    (unsigned)prefixes[i]) > 0);
	assert_true(fputs("end 5\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_true(remembers("192.0.2.7:1"));
}

/* Both addresses are kept, and one does not replace the other. */
static void test_endpoint_of_wireguard(void **state)
{
	union address_socket wireguard = address("192.0.2.1:7");
	union address_socket nowhere = { 0 };
	struct scene scene;

	(void)state;
	open_scene(&scene);
	move(&scene, "192.0.2.2:1");
	peer_memory_note(scene.memory, &scene.peer, NULL, &wireguard);
	peer_memory_note(scene.memory, &scene.peer, NULL, &nowhere);
	close_scene(&scene);
	open_scene(&scene);
	assert_true(address_equal(&scene.peer.wireguard, &wireguard));
	assert_int_equal(scene.peer.address.v4.sin_port, htons(1));
	close_scene(&scene);
}

/* Twice in two seconds it is not written, and where a peer moves all the time once a minute. */
static void test_rate(void **state)
{
	struct scene scene;
	unsigned writes = 0;

	(void)state;
	open_scene(&scene);
	move(&scene, "192.0.2.1:1");
	assert_true(remembers("192.0.2.1:1"));
	loop_advance(scene.loop, CLOCK_SECOND_NS);
	move(&scene, "192.0.2.1:2");
	assert_true(remembers("192.0.2.1:1"));
	loop_advance(scene.loop, CLOCK_SECOND_NS - 3);
	assert_true(remembers("192.0.2.1:1"));
	loop_advance(scene.loop, 2);
	assert_true(remembers("192.0.2.1:2"));
	loop_advance(scene.loop, 10 * CLOCK_SECOND_NS);
	for (unsigned i = 10; i < 3610; i++) {
		char text[32];

		(void)snprintf(text, sizeof text, "192.0.2.1:%u", 1000 + i);
		(void)unlink("wg0.peers");
		move(&scene, text);
		loop_advance(scene.loop, CLOCK_SECOND_NS);
		writes += access("wg0.peers", F_OK) == 0;
	}
	assert_in_range(writes, 55, 70);
	/* If nothing has changed nothing is written. */
	loop_advance(scene.loop, 1000 * CLOCK_SECOND_NS);
	(void)unlink("wg0.peers");
	move(&scene, "192.0.2.1:4609");
	loop_advance(scene.loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(access("wg0.peers", F_OK), -1);
	/* At the end what waits is written. */
	move(&scene, "192.0.2.1:3");
	move(&scene, "192.0.2.1:4");
	close_scene(&scene);
	assert_true(remembers("192.0.2.1:4"));
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
	assert_int_equal(scene.peer.address.any.sa_family, AF_UNSPEC);
	move(&scene, "192.0.2.1:9999");
	close_scene(&scene);
	assert_true(remembers("192.0.2.1:9999"));
	put(zero, sizeof zero);
	assert_false(remembers("192.0.2.1:9999"));
	put("", 0);
	assert_false(remembers("192.0.2.1:9999"));
	/* What is no file is not read, and does not hold us up. */
	assert_int_equal(unlink("wg0.peers"), 0);
	assert_int_equal(mkfifo("wg0.peers", 0600), 0);
	open_scene(&scene);
	move(&scene, "192.0.2.1:9999");
	close_scene(&scene);
	assert_int_equal(unlink("wg0.peers"), 0);
}

static void assert_path(const char *folders, const char *name, const uint64_t *prefix, const char *expected)
{
	char *path;

	assert_int_equal(setenv("STATE_DIRECTORY", folders, 1), 0);
	path = peer_memory_find_path(name, prefix);
	if (expected == NULL)
		assert_null(path);
	else
		assert_string_equal(path, expected);
	free(path);
}

static void test_path(void **state)
{
	const uint64_t prefix = 0xabc;

	(void)state;
	assert_path("/a", "wg0", &prefix, "/a/wg0.peers");
	/* Of several folders the first. */
	assert_path("/a:/b", "wg0", NULL, "/a/wg0.peers");
	/* A daemon without a file or a name is known by its key. */
	assert_path("/a", NULL, &prefix, "/a/0000000000000abc.peers");
	assert_path("/a", NULL, NULL, NULL);
	/* Nothing is to be remembered. */
	assert_path("", "wg0", &prefix, NULL);
}

/* Without a file nothing is written, and a peer is known as long as it is there. */
static void test_no_file(void **state)
{
	union address_socket where = address("192.0.2.1:9");
	struct scene scene = { 0 };

	(void)state;
	assert_int_equal(loop_open_simulated(&scene.loop, 1), 0);
	assert_int_equal(peer_memory_open(&scene.memory, scene.loop, NULL), 0);
	peer_memory_attach(scene.memory, &scene.peer, 7);
	move(&scene, "192.0.2.1:9");
	assert_true(address_equal(&scene.peer.address, &where));
	close_scene(&scene);
	/* Nor where the directory is missing. */
	assert_int_equal(loop_open_simulated(&scene.loop, 1), 0);
	assert_int_equal(peer_memory_open(&scene.memory, scene.loop, "/nowhere/wg0.peers"), 0);
	peer_memory_attach(scene.memory, &scene.peer, 7);
	move(&scene, "192.0.2.1:9");
	close_scene(&scene);
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
		TEST(test_path),
		TEST(test_no_file),
		TEST(test_leaving),
		TEST(test_order),
		TEST(test_whose),
		TEST(test_endpoint_of_wireguard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
