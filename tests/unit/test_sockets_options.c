#include "fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets_fixture.h"

static int option(int fd, int level, int name)
{
	socklen_t length = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
	return value;
}

/* No datagram forbids fragments, and no ICMP message changes how long ours may be. */
static void test_fragments_v4(void **state)
{
	union address_socket any = v4("127.0.0.1", 0);
	int fd;

	(void)state;
	assert_int_equal(sockets_open(&any, &fd), 0);
	assert_int_equal(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
	(void)close(fd);
}

static void test_fragments_v6(void **state)
{
	union address_socket any = v6("::1", 0);
	int fd;

	(void)state;
	if (sockets_open(&any, &fd) != 0)
		skip();
	assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_OMIT);
	assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_DONTFRAG), 0);
	(void)close(fd);
}

static void test_mark(void **state)
{
	union address_socket any = v4("127.0.0.1", 0);
	int result;
	int fd;

	(void)state;
	assert_int_equal(sockets_open(&any, &fd), 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_MARK), 0);
	result = sockets_mark(fd, 0xfedcba98);
	if (result == -EPERM) {
		(void)close(fd);
		skip();
	}
	assert_int_equal(result, 0);
	assert_int_equal((uint32_t)option(fd, SOL_SOCKET, SO_MARK), 0xfedcba98);
	assert_int_equal(sockets_mark(fd, 0), 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_MARK), 0);
	(void)close(fd);
	assert_int_equal(sockets_mark(fd, 1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments_v4),
		cmocka_unit_test(test_fragments_v6),
		cmocka_unit_test(test_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
