#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets_fixture.h"

static bool has_v6;

/* A port that was free a moment ago, in both families. */
static uint16_t free_port(void)
{
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("0.0.0.0", 0);
	uint16_t port;

	assert_int_equal(sockets_listen(&sockets, &any), 0);
	port = port_of(sockets.fd[0]);
	sockets_close(&sockets);
	return port;
}

static int set_up(void **state)
{
	union address_socket loopback = v6("::1", 0);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	has_v6 = fd >= 0 && bind(fd, &loopback.any, address_length(&loopback)) == 0;
	if (fd >= 0)
		(void)close(fd);
	return 0;
}

/* One wildcard of IPv6 takes IPv4 along, on the same port, by a socket of its own. */
static void test_wildcard(void **state)
{
	struct sockets sockets = { .count = 0 };
	uint16_t port = free_port();
	union address_socket any6 = v6("::", port);
	union address_socket any4 = v4("0.0.0.0", port);
	union address_socket ours;
	union address_socket theirs;

	(void)state;
	if (!has_v6)
		skip();
	assert_int_equal(sockets_listen(&sockets, &any6), 0);
	assert_int_equal(sockets.count, 2);
	assert_int_equal(sockets.family[0], AF_INET6);
	assert_int_equal(sockets.family[1], AF_INET);
	for (size_t i = 0; i < sockets.count; i++) {
		assert_int_equal(port_of(sockets.fd[i]), port);
		assert_int_equal(fcntl(sockets.fd[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(fcntl(sockets.fd[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	}
	/* Said explicitly too, it is no error; once more it is, for IPv6. */
	assert_int_equal(sockets_listen(&sockets, &any4), 0);
	assert_int_equal(sockets.count, 2);
	assert_int_equal(sockets_listen(&sockets, &any6), -EADDRINUSE);
	assert_int_equal(sockets.count, 2);

	ours = v6("::1", port);
	theirs = v6("::1", 0);
	check_exchange(&sockets, 0, &ours, &theirs);
	ours = v4("127.0.0.1", port);
	theirs = v4("127.0.0.1", 0);
	check_exchange(&sockets, 1, &ours, &theirs);
	sockets_close(&sockets);
	assert_int_equal(sockets.count, 0);
}

/* The other way round, and where somebody has the port of IPv4 already. */
static void test_wildcard_beside(void **state)
{
	struct sockets sockets = { .count = 0 };
	uint16_t port = free_port();
	union address_socket any6 = v6("::", port);
	union address_socket any4 = v4("0.0.0.0", port);
	int other;

	(void)state;
	if (!has_v6)
		skip();
	assert_int_equal(sockets_listen(&sockets, &any4), 0);
	assert_int_equal(sockets_listen(&sockets, &any6), 0);
	assert_int_equal(sockets.count, 2);
	sockets_close(&sockets);

	other = open_other(&any4);
	assert_int_equal(sockets_listen(&sockets, &any6), 0);
	assert_int_equal(sockets.count, 1);
	assert_int_equal(sockets.family[0], AF_INET6);
	assert_int_equal(sockets_listen(&sockets, &any4), -EADDRINUSE);
	sockets_close(&sockets);
	(void)close(other);
}

/* Both families can have a port each for themselves: neither takes the other's datagrams. */
static void test_one_port(void **state)
{
	struct sockets sockets = { .count = 0 };
	uint16_t port = free_port();
	union address_socket ours6 = v6("::1", port);
	union address_socket ours4 = v4("127.0.0.1", port);
	union address_socket theirs6 = v6("::1", 0);
	union address_socket theirs4 = v4("127.0.0.1", 0);

	(void)state;
	if (!has_v6)
		skip();
	assert_int_equal(sockets_listen(&sockets, &ours6), 0);
	assert_int_equal(sockets.count, 1);
	assert_int_equal(sockets_listen(&sockets, &ours4), 0);
	assert_int_equal(sockets.count, 2);
	check_exchange(&sockets, 0, &ours6, &theirs6);
	check_exchange(&sockets, 1, &ours4, &theirs4);
	assert_int_equal(sockets_receive(&sockets, 0, packets), 0);
	assert_int_equal(sockets_receive(&sockets, 1, packets), 0);
	sockets_close(&sockets);
}

/* A host with several addresses answers from the one that was asked, else others drop the answer. */
static void test_answers_from_asked(void **state)
{
	static const char *const hosts[] = { "127.0.0.2", "127.0.0.1", "127.200.3.4" };
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("0.0.0.0", 0);
	union address_socket theirs = v4("127.0.0.1", 0);

	(void)state;
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(hosts); i++) {
		union address_socket ours = v4(hosts[i], port_of(sockets.fd[0]));

		check_exchange(&sockets, 0, &ours, &theirs);
	}
	sockets_close(&sockets);
}

/* A path without an address of ours, or with one that we do not have any more, still leads there. */
static void test_unknown_local(void **state)
{
	static const uint8_t data[] = "x";
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("0.0.0.0", 0);
	union address_socket theirs = v4("127.0.0.1", 0);
	int other = open_other(&theirs);
	struct sockets_message message = { .data = data, .length = sizeof data };

	(void)state;
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	message.path.remote = v4("127.0.0.1", port_of(other));
	for (int i = 0; i < 2; i++) {
		uint8_t got[8];

		/* Kept for documentation: no host has it. */
		if (i == 1)
			message.path.local = v4("192.0.2.77", 0);
		assert_int_equal(sockets_send(&sockets, &message), 0);
		wait_for(other);
		assert_int_equal(recv(other, got, sizeof got, 0), sizeof data);
	}
	sockets_close(&sockets);
	(void)close(other);
}

/* As long as messages are, one byte more, and far more: only the first is as long as it seems. */
static void test_lengths(void **state)
{
	static const struct {
		size_t sent;
		size_t seen;
	} cases[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ ROSENPASS_DATAGRAM_MAX_BYTES - 1, ROSENPASS_DATAGRAM_MAX_BYTES - 1 },
		{ ROSENPASS_DATAGRAM_MAX_BYTES, ROSENPASS_DATAGRAM_MAX_BYTES },
		{ ROSENPASS_DATAGRAM_MAX_BYTES + 1, ROSENPASS_DATAGRAM_MAX_BYTES + 1 },
		{ ROSENPASS_DATAGRAM_MAX_BYTES + 2, ROSENPASS_DATAGRAM_MAX_BYTES + 1 },
		{ 60000, ROSENPASS_DATAGRAM_MAX_BYTES + 1 },
	};
	static uint8_t data[60000];
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("127.0.0.1", 0);
	union address_socket ours;
	uint64_t seed = 3;
	int other = open_other(&any);

	(void)state;
	fixture_fill(&seed, data, sizeof data);
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	ours = v4("127.0.0.1", port_of(sockets.fd[0]));
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		assert_int_equal(sendto(other, data, cases[i].sent, 0, &ours.any, address_length(&ours)),
		                 cases[i].sent);
		wait_for(sockets.fd[0]);
		assert_int_equal(sockets_receive(&sockets, 0, packets), 1);
		assert_int_equal(packets[0].length, cases[i].seen);
		assert_memory_equal(packets[0].data, data, cases[i].seen);
	}
	sockets_close(&sockets);
	(void)close(other);
}

/* More than a batch waits: the batches follow one another in order, and then there is nothing. */
static void test_batches(void **state)
{
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("127.0.0.1", 0);
	union address_socket ours;
	int other = open_other(&any);
	char from[ADDRESS_TEXT_BYTES];
	uint8_t next = 0;

	(void)state;
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	assert_int_equal(sockets_receive(&sockets, 0, packets), 0);
	ours = v4("127.0.0.1", port_of(sockets.fd[0]));
	for (uint8_t i = 0; i < 2 * SOCKETS_BATCH + 5; i++)
		assert_int_equal(sendto(other, &i, 1, 0, &ours.any, address_length(&ours)), 1);
	(void)snprintf(from, sizeof from, "127.0.0.1:%u", port_of(other));
	for (int batch = 0; batch < 3; batch++) {
		int expected = batch < 2 ? SOCKETS_BATCH : 5;

		wait_for(sockets.fd[0]);
		assert_int_equal(sockets_receive(&sockets, 0, packets), expected);
		for (int i = 0; i < expected; i++) {
			assert_int_equal(packets[i].length, 1);
			assert_int_equal(packets[i].data[0], next++);
			check_address(&packets[i].path.remote, from);
		}
	}
	assert_int_equal(sockets_receive(&sockets, 0, packets), 0);
	sockets_close(&sockets);
	(void)close(other);
}

static void test_send_errors(void **state)
{
	static uint8_t data[70000];
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("127.0.0.1", 0);
	struct sockets_message message = { .data = data, .length = 1 };

	(void)state;
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	/* The other family, no family, no such socket. */
	message.path.remote = v6("::1", 9);
	assert_int_equal(sockets_send(&sockets, &message), -EAFNOSUPPORT);
	message.path.remote.any.sa_family = AF_UNSPEC;
	assert_int_equal(sockets_send(&sockets, &message), -EAFNOSUPPORT);
	message.path.remote = v4("127.0.0.1", 9);
	message.path.socket = 1;
	assert_int_equal(sockets_send(&sockets, &message), -EAFNOSUPPORT);
	message.path.socket = UINT16_MAX;
	assert_int_equal(sockets_send(&sockets, &message), -EAFNOSUPPORT);
	/* What the kernel refuses. */
	message.path.socket = 0;
	message.length = sizeof data;
	assert_int_equal(sockets_send(&sockets, &message), -EMSGSIZE);
	message.length = 1;
	message.path.remote = v4("127.0.0.1", 0);
	assert_int_equal(sockets_send(&sockets, &message), -EINVAL);
	sockets_close(&sockets);
	assert_int_equal(sockets_send(&sockets, &message), -EAFNOSUPPORT);
}

/* A descriptor that is closed, or no socket, is an error and no endless silence. */
static void test_receive_errors(void **state)
{
	struct sockets sockets = { .count = 1, .family = { AF_INET } };
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	sockets.fd[0] = ends[0];
	assert_int_equal(sockets_receive(&sockets, 0, packets), -ENOTSOCK);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(sockets_receive(&sockets, 0, packets), -EBADF);
}

/* Nobody there: the answer "port unreachable" does no harm to the socket. */
static void test_unreachable(void **state)
{
	static const uint8_t data[] = "x";
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("127.0.0.1", 0);
	union address_socket ours;
	struct sockets_message message = { .data = data, .length = sizeof data };

	(void)state;
	message.path.remote = v4("127.0.0.1", free_port());
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sockets_send(&sockets, &message), 0);
	assert_int_equal(sockets_receive(&sockets, 0, packets), 0);
	ours = v4("127.0.0.1", port_of(sockets.fd[0]));
	check_exchange(&sockets, 0, &ours, &any);
	sockets_close(&sockets);
}

/* Which datagram an ICMP message is about; and what is sent next to another host is not refused for it. */
static void test_icmp_errors(void **state)
{
	static const uint8_t data[] = "x";
	struct sockets sockets = { .count = 0 };
	struct sockets_error errors[4];
	union address_socket any = v4("127.0.0.1", 0);
	struct sockets_message closed = { .data = data, .length = sizeof data };
	struct sockets_message open = closed;
	int other;
	int results[2];

	(void)state;
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	assert_int_equal(sockets_receive_errors(&sockets, 0, errors, 4), 0);
	assert_int_equal(sockets_receive_errors(&sockets, 1, errors, 4), 0);
	assert_int_equal(sockets_receive_errors(&sockets, SOCKETS_MAX, errors, 4), 0);
	assert_int_equal(sockets_open(&any, &other), 0);
	open.path.remote = v4("127.0.0.1", port_of(other));
	closed.path.remote = v4("127.0.0.1", free_port());
	assert_int_equal(sockets_send(&sockets, &closed), 0);
	sockets_send_many(&sockets, &open, 1, results);
	assert_int_equal(results[0], 0);
	assert_int_equal(sockets_receive_errors(&sockets, 0, errors, 4), 1);
	assert_int_equal(errors[0].error, ECONNREFUSED);
	assert_true(address_equal(&errors[0].remote, &closed.path.remote));
	assert_int_equal(sockets_receive_errors(&sockets, 0, errors, 4), 0);
	(void)close(other);
	sockets_close(&sockets);
}

static void test_listen_errors(void **state)
{
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("127.0.0.1", 0);
	union address_socket foreign = v4("192.0.2.77", 0);
	union address_socket same;
	int before = dup(STDERR_FILENO);
	int after;

	(void)state;
	(void)close(before);
	assert_int_equal(sockets_listen(&sockets, &foreign), -EADDRNOTAVAIL);
	assert_int_equal(sockets.count, 0);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		assert_int_equal(sockets_listen(&sockets, &any), 0);
	assert_int_equal(sockets_listen(&sockets, &any), -EMFILE);
	assert_int_equal(sockets.count, SOCKETS_MAX);
	sockets.count--;
	(void)close(sockets.fd[sockets.count]);
	same = v4("127.0.0.1", port_of(sockets.fd[0]));
	assert_int_equal(sockets_listen(&sockets, &same), -EADDRINUSE);
	sockets_close(&sockets);
	sockets_close(&sockets);
	after = dup(STDERR_FILENO);
	(void)close(after);
	assert_int_equal(before, after);
}

/* Without an address: one socket of each family. */
static void test_anywhere(void **state)
{
	struct sockets sockets = { .count = 0 };
	union address_socket ours;
	union address_socket theirs;

	(void)state;
	if (!has_v6)
		skip();
	assert_int_equal(sockets_listen_anywhere(&sockets), 0);
	assert_int_equal(sockets.count, 2);
	assert_int_equal(sockets.family[0], AF_INET6);
	assert_int_equal(sockets.family[1], AF_INET);
	ours = v6("::1", port_of(sockets.fd[0]));
	theirs = v6("::1", 0);
	check_exchange(&sockets, 0, &ours, &theirs);
	ours = v4("127.0.0.1", port_of(sockets.fd[1]));
	theirs = v4("127.0.0.1", 0);
	check_exchange(&sockets, 1, &ours, &theirs);
	sockets_close(&sockets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wildcard),       cmocka_unit_test(test_wildcard_beside),
		cmocka_unit_test(test_one_port),       cmocka_unit_test(test_answers_from_asked),
		cmocka_unit_test(test_unknown_local),  cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_batches),        cmocka_unit_test(test_send_errors),
		cmocka_unit_test(test_receive_errors), cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_icmp_errors),    cmocka_unit_test(test_listen_errors),
		cmocka_unit_test(test_anywhere),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
