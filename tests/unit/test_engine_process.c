/* The engine process as the monitor sees it: a child at the other end of a channel. */

#include "fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/channel.h"
#include "engine/process.h"
#include "system/key_file.h"
#include "system/secret_memory.h"
#include "system/sockets.h"

#define PATIENCE_MS 30000
#define INIT_HELLO 0x81

static int channel;
static pid_t child;

static const char *key_path(char path[static 512], const char *name)
{
	(void)snprintf(path, 512, "%s/vectors/keys/%s", TEST_DATA_DIR, name);
	return path;
}

static struct shared_key read_public(const char *name)
{
	char path[512];
	char problem[KEY_FILE_PROBLEM_BYTES];
	struct shared_key key;

	if (key_file_read_public(&key, key_path(path, name), problem) != 0)
		fail_msg("%s", problem);
	return key;
}

static int start(void **state)
{
	struct shared_key key = read_public("alice.pk");
	uint8_t *secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	struct engine_start begin = { .public_key = key.bytes, .secret_key = secret_key, .no_sandbox = true };
	char path[512];
	char problem[KEY_FILE_PROBLEM_BYTES];
	int pair[2];

	(void)state;
	assert_non_null(secret_key);
	assert_int_equal(key_file_read_secret(secret_key, key_path(path, "alice.sk"), problem), 0);
	assert_int_equal(channel_open(pair), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(pair[0]);
		begin.channel = pair[1];
		_exit(engine_process_run(&begin));
	}
	(void)close(pair[1]);
	channel = pair[0];
	secret_memory_release(NULL, secret_key, ROSENPASS_SECRET_KEY_BYTES);
	shared_key_release(&key);
	return 0;
}

static int stop(void **state)
{
	static const struct channel_request request = { .kind = CHANNEL_STOP };
	int status = -1;

	(void)state;
	assert_int_equal(channel_send_request(channel, &request, -1), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(channel);
	return 0;
}

/* The engine process has ended by itself, because of the monitor. */
static int gave_up(void **state)
{
	int status = -1;

	(void)state;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	(void)close(channel);
	return 0;
}

/* The next event, which is of that kind. */
static struct channel_event await(uint32_t kind)
{
	struct pollfd fd = { .fd = channel, .events = POLLIN };
	struct channel_event event;

	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	assert_int_equal(channel_receive_event(channel, &event), 1);
	assert_int_equal(event.kind, kind);
	return event;
}

static void ask(uint32_t kind)
{
	struct channel_request request = { .kind = kind };

	assert_int_equal(channel_send_request(channel, &request, -1), 0);
}

static struct channel_report report(void)
{
	ask(CHANNEL_REPORT);
	(void)await(CHANNEL_PEER_REPORT);
	return await(CHANNEL_REPORT_END).report;
}

/* A UDP socket on loopback and where it is. */
static int open_socket(union address_socket *address)
{
	socklen_t length = sizeof *address;
	int fd;

	*address = (union address_socket){ .v4 = { .sin_family = AF_INET,
		                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	assert_int_equal(sockets_open(address, &fd), 0);
	assert_int_equal(getsockname(fd, &address->any, &length), 0);
	return fd;
}

static void hand_over_socket(int fd)
{
	struct channel_request request = { .kind = CHANNEL_ADD_SOCKET, .family = AF_INET };

	assert_int_equal(channel_send_request(channel, &request, fd), 0);
}

static void add_bob(uint32_t serial)
{
	struct channel_request add = { .kind = CHANNEL_ADD_PEER, .serial = serial, .peer.discover = 1 };
	struct shared_key key = read_public("bob.pk");
	int fd = shared_key_open(&key);

	assert_true(fd >= 0);
	assert_int_equal(channel_send_request(channel, &add, fd), 0);
	(void)close(fd);
	shared_key_release(&key);
}

/* A peer that is to be called at that address. */
static void hand_over_peer(const union address_socket *address)
{
	struct channel_request addresses = { .kind = CHANNEL_SET_ADDRESSES, .serial = 1 };

	add_bob(1);
	addresses.addresses.count = 1;
	addresses.addresses.list[0] = *address;
	assert_int_equal(channel_send_request(channel, &addresses, -1), 0);
}

/* Whatever order peers and sockets come in: before BEGIN nothing is read and nothing is sent. */
static void test_waits_for_begin(void **state)
{
	static const uint8_t nonsense[64];
	union address_socket own;
	union address_socket peers;
	uint8_t answer[ROSENPASS_DATAGRAM_MAX_BYTES];
	int engines_fd = open_socket(&own);
	int peers_fd = open_socket(&peers);
	struct pollfd heard = { .fd = peers_fd, .events = POLLIN };
	struct channel_report seen;

	(void)state;
	(void)await(CHANNEL_READY);
	hand_over_socket(engines_fd);
	assert_int_equal(sendto(peers_fd, nonsense, sizeof nonsense, 0, &own.any, sizeof own.v4),
	                 (ssize_t)sizeof nonsense);
	hand_over_peer(&peers);
	/* All of that was taken by the time that these are answered. */
	for (int i = 0; i < 3; i++) {
		ask(CHANNEL_PING);
		(void)await(CHANNEL_PONG);
	}
	seen = report();
	assert_int_equal(seen.received[verdict_index(ROSENPASS_DROPPED_SIZE)], 0);
	assert_int_equal(seen.sent, 0);
	assert_int_equal(poll(&heard, 1, 0), 0);

	ask(CHANNEL_BEGIN);
	(void)await(CHANNEL_BEGUN);
	assert_int_equal(poll(&heard, 1, PATIENCE_MS), 1);
	assert_true(recv(peers_fd, answer, sizeof answer, 0) > 0);
	assert_int_equal(answer[0], INIT_HELLO);
	for (int i = 0; i < 1000 && seen.received[verdict_index(ROSENPASS_DROPPED_SIZE)] == 0; i++)
		seen = report();
	assert_int_equal(seen.received[verdict_index(ROSENPASS_DROPPED_SIZE)], 1);
	assert_true(seen.sent >= 1);
	(void)close(engines_fd);
	(void)close(peers_fd);
}

static void test_place_is_taken(void **state)
{
	(void)state;
	(void)await(CHANNEL_READY);
	add_bob(1);
	add_bob(2);
}

static void test_nonsense(void **state)
{
	(void)state;
	(void)await(CHANNEL_READY);
	assert_int_equal(send(channel, "nonsense", 8, 0), 8);
}

/* A peer whose key cannot be read keeps its place, and the monitor hears of it. */
static void test_key_that_cannot_be_mapped(void **state)
{
	struct channel_request add = { .kind = CHANNEL_ADD_PEER, .serial = 1 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	(void)await(CHANNEL_READY);
	assert_true(fd >= 0);
	assert_int_equal(channel_send_request(channel, &add, fd), 0);
	assert_int_equal(await(CHANNEL_PEER_FAILED).error, ROSENPASS_E_MEMORY);
	(void)close(fd);
}

/* A request for a peer that was in the same place before concerns nobody. */
static void test_request_for_the_predecessor(void **state)
{
	struct channel_request request = { .kind = CHANNEL_REMOVE_PEER, .serial = 1 };

	(void)state;
	(void)await(CHANNEL_READY);
	add_bob(2);
	assert_int_equal(channel_send_request(channel, &request, -1), 0);
	(void)report();
	request.serial = 2;
	assert_int_equal(channel_send_request(channel, &request, -1), 0);
	ask(CHANNEL_REPORT);
	(void)await(CHANNEL_REPORT_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waits_for_begin, start, stop),
		cmocka_unit_test_setup_teardown(test_place_is_taken, start, gave_up),
		cmocka_unit_test_setup_teardown(test_nonsense, start, gave_up),
		cmocka_unit_test_setup_teardown(test_key_that_cannot_be_mapped, start, stop),
		cmocka_unit_test_setup_teardown(test_request_for_the_predecessor, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
