#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sockets_fixture.h"

/*
 * Stands in for the C library's: on that descriptor the kernel takes so many messages and then says this,
 * as often as told. A full buffer cannot be had on the loopback interface.
 */
static struct {
	int fd;
	unsigned takes;
	int error;
	unsigned times;
	unsigned calls;
} pretended = { .fd = -1 };

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	pretended.calls++;
	if (fd == pretended.fd && pretended.times > 0) {
		if (pretended.takes == 0) {
			pretended.times--;
			errno = pretended.error;
			return -1;
		}
		if (count > pretended.takes)
			count = pretended.takes;
		pretended.takes -= count;
	}
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
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

static int open_one(const union address_socket *address)
{
	int fd = -1;

	assert_int_equal(sockets_open(address, &fd), 0);
	assert_true(fd >= 0);
	return fd;
}

/* Slots are given by the caller, may be empty, and can be used again. */
static void test_slots(void **state)
{
	struct sockets sockets;
	union address_socket any = v4("127.0.0.1", 0);
	union address_socket ours;
	size_t before = count_descriptors();
	int fd;

	(void)state;
	sockets_clear(&sockets);
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		assert_int_equal(sockets.fd[i], -1);
		assert_int_equal(sockets_receive(&sockets, i, packets), -EBADF);
	}
	assert_int_equal(sockets_adopt(&sockets, 5, open_one(&any), AF_INET), 0);
	assert_int_equal(sockets_adopt(&sockets, SOCKETS_MAX - 1, open_one(&any), AF_INET), 0);
	assert_int_equal(sockets.count, SOCKETS_MAX);
	ours = v4("127.0.0.1", port_of(sockets.fd[5]));
	check_exchange(&sockets, 5, &ours, &any);
	ours = v4("127.0.0.1", port_of(sockets.fd[SOCKETS_MAX - 1]));
	check_exchange(&sockets, SOCKETS_MAX - 1, &ours, &any);

	/* What is refused stays the caller's. */
	fd = open_one(&any);
	assert_int_equal(sockets_adopt(&sockets, 5, fd, AF_INET), -EEXIST);
	assert_int_equal(sockets_adopt(&sockets, SOCKETS_MAX, fd, AF_INET), -EINVAL);
	assert_int_equal(sockets_adopt(&sockets, SIZE_MAX, fd, AF_INET), -EINVAL);
	assert_int_equal(sockets_adopt(&sockets, 6, fd, AF_UNIX), -EINVAL);
	assert_int_equal(sockets_adopt(&sockets, 6, fd, AF_UNSPEC), -EINVAL);
	assert_int_equal(sockets_adopt(&sockets, 6, -1, AF_INET), -EINVAL);
	assert_int_equal(sockets.family[6], 0);

	sockets_drop(&sockets, SOCKETS_MAX - 1);
	assert_int_equal(sockets.count, 6);
	assert_int_equal(sockets.fd[SOCKETS_MAX - 1], -1);
	sockets_drop(&sockets, SOCKETS_MAX - 1);
	sockets_drop(&sockets, SOCKETS_MAX);
	sockets_drop(&sockets, SIZE_MAX);
	sockets_drop(&sockets, 5);
	assert_int_equal(sockets.count, 0);
	assert_int_equal(sockets_adopt(&sockets, 5, fd, AF_INET), 0);
	ours = v4("127.0.0.1", port_of(fd));
	check_exchange(&sockets, 5, &ours, &any);
	sockets_close(&sockets);
	assert_int_equal(sockets.count, 0);
	assert_int_equal(count_descriptors(), before);
}

static void test_open_errors(void **state)
{
	union address_socket foreign = v4("192.0.2.77", 0);
	union address_socket none = { .any = { .sa_family = AF_UNSPEC } };
	size_t before = count_descriptors();
	int fd = -7;

	(void)state;
	assert_int_equal(sockets_open(&foreign, &fd), -EADDRNOTAVAIL);
	assert_true(sockets_open(&none, &fd) < 0);
	assert_int_equal(fd, -7);
	assert_int_equal(count_descriptors(), before);
}

#define MANY (2 * SOCKETS_BATCH + 9)

/*
 * Messages for two sockets of ours in changing runs, among them ones that cannot be sent: each has its own
 * result, and all the others arrive, in order.
 */
static void test_send_many(void **state)
{
	static struct sockets_message messages[MANY];
	static uint8_t data[MANY];
	static uint8_t large[70000];
	struct sockets sockets;
	union address_socket any = v4("127.0.0.1", 0);
	int results[MANY];
	int expected[MANY];
	int others[2];

	(void)state;
	sockets_clear(&sockets);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sockets_adopt(&sockets, 3 + 4 * (size_t)i, open_one(&any), AF_INET), 0);
		others[i] = open_other(&any);
		assert_int_equal(fcntl(others[i], F_SETFL, O_NONBLOCK), 0);
	}
	for (size_t i = 0; i < MANY; i++) {
		int to = i == 1 || i == 2 || i == MANY - 1 ? 1 : 0;

		data[i] = (uint8_t)i;
		results[i] = 99;
		expected[i] = 0;
		messages[i] = (struct sockets_message){
			.data = &data[i],
			.length = 1,
			.path = { .remote = v4("127.0.0.1", port_of(others[to])),
			          .socket = (uint16_t)(3 + 4 * to) },
		};
		/* Every third says where it came in; every ninth of them came in where we are no more. */
		if (i % 3 == 0)
			messages[i].path.local = v4(i % 9 == 0 ? "192.0.2.77" : "127.0.0.1", 0);
	}
	messages[5].path.socket = 4;
	expected[5] = -EAFNOSUPPORT;
	messages[6].path.remote = v6("::1", 9);
	expected[6] = -EAFNOSUPPORT;
	messages[7].data = large;
	messages[7].length = sizeof large;
	expected[7] = -EMSGSIZE;
	messages[8].path.remote.v4.sin_port = 0;
	expected[8] = -EINVAL;
	messages[10].path.socket = 0;
	messages[10].path.remote.any.sa_family = AF_UNSPEC;
	expected[10] = -EAFNOSUPPORT;
	messages[MANY - 2].path.socket = UINT16_MAX;
	expected[MANY - 2] = -EAFNOSUPPORT;
	messages[9].path.remote.any.sa_family = AF_UNSPEC;
	expected[9] = -EAFNOSUPPORT;

	sockets_send_many(&sockets, messages, MANY, results);
	for (size_t i = 0; i < MANY; i++) {
		int to = messages[i].path.socket == 7 ? 1 : 0;
		uint8_t got;

		assert_int_equal(results[i], expected[i]);
		if (expected[i] != 0)
			continue;
		wait_for(others[to]);
		assert_int_equal(recv(others[to], &got, 1, 0), 1);
		assert_int_equal(got, data[i]);
	}
	sockets_send_many(&sockets, messages, 0, NULL);
	for (int i = 0; i < 2; i++) {
		uint8_t got;

		assert_int_equal(recv(others[i], &got, 1, 0), -1);
		(void)close(others[i]);
	}
	sockets_close(&sockets);
}

static void make_many(struct sockets_message messages[SOCKETS_BATCH], int to, const uint8_t *data)
{
	for (size_t i = 0; i < SOCKETS_BATCH; i++) {
		messages[i] = (struct sockets_message){ .data = data + i, .length = 1 };
		messages[i].path.remote = v4("127.0.0.1", port_of(to));
	}
}

static size_t drain(int fd)
{
	uint8_t got;
	size_t count = 0;

	while (recv(fd, &got, 1, MSG_DONTWAIT) == 1)
		count++;
	return count;
}

/* A full buffer: what follows on that socket is not tried, what follows on another is sent. */
static void test_send_many_full(void **state)
{
	static const uint8_t data[SOCKETS_BATCH];
	static struct sockets_message messages[SOCKETS_BATCH];
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("127.0.0.1", 0);
	int results[SOCKETS_BATCH];
	int other = open_other(&any);

	(void)state;
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	make_many(messages, other, data);
	for (size_t i = 20; i < SOCKETS_BATCH; i++)
		messages[i].path.socket = 1;
	pretended.fd = sockets.fd[0];
	pretended.takes = 5;
	pretended.error = EAGAIN;
	pretended.times = 1;
	pretended.calls = 0;
	sockets_send_many(&sockets, messages, SOCKETS_BATCH, results);
	for (size_t i = 0; i < SOCKETS_BATCH; i++)
		assert_int_equal(results[i], i >= 5 && i < 20 ? -EAGAIN : 0);
	assert_int_equal(drain(other), SOCKETS_BATCH - 15);
	/* Five of the first, none of it, all of the second. */
	assert_int_equal(pretended.calls, 3);
	pretended.fd = -1;
	sockets_close(&sockets);
	(void)close(other);
}

/* A signal costs nothing; an error costs one message, or none where another of our addresses will do. */
static void test_send_many_errors(void **state)
{
	static const struct {
		int error;
		bool from_local;
		int result;
	} cases[] = {
		{ EINTR, false, 0 },         { EPERM, false, -EPERM },
		{ EPERM, true, -EPERM },     { ENETUNREACH, false, -ENETUNREACH },
		{ ENETUNREACH, true, 0 },    { EADDRNOTAVAIL, true, 0 },
		{ EINVAL, true, 0 },         { EINVAL, false, -EINVAL },
		{ ENOBUFS, true, -ENOBUFS },
	};
	static const uint8_t data[SOCKETS_BATCH];
	static struct sockets_message messages[SOCKETS_BATCH];
	struct sockets sockets = { .count = 0 };
	union address_socket any = v4("127.0.0.1", 0);
	int results[SOCKETS_BATCH];
	int other = open_other(&any);

	(void)state;
	assert_int_equal(sockets_listen(&sockets, &any), 0);
	for (size_t c = 0; c < FIXTURE_COUNT(cases); c++) {
		make_many(messages, other, data);
		for (size_t i = 0; i < SOCKETS_BATCH && cases[c].from_local; i++)
			messages[i].path.local = v4("127.0.0.1", 0);
		pretended.fd = sockets.fd[0];
		pretended.takes = 7;
		pretended.error = cases[c].error;
		pretended.times = 1;
		sockets_send_many(&sockets, messages, SOCKETS_BATCH, results);
		for (size_t i = 0; i < SOCKETS_BATCH; i++)
			assert_int_equal(results[i], i == 7 ? cases[c].result : 0);
		assert_int_equal(pretended.times, 0);
		assert_int_equal(drain(other), SOCKETS_BATCH - (cases[c].result == 0 ? 0 : 1));
	}
	pretended.fd = -1;
	sockets_close(&sockets);
	(void)close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_send_many),
		cmocka_unit_test(test_send_many_full),
		cmocka_unit_test(test_send_many_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
