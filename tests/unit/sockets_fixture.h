#ifndef TESTS_UNIT_SOCKETS_FIXTURE_H
#define TESTS_UNIT_SOCKETS_FIXTURE_H

/* What the tests of sockets share: addresses, and somebody on the other side of the loopback interface. */

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include "fixture.h"
#include "system/sockets.h"

/* Nobody on the loopback interface needs so long. */
#define WAIT_MS 5000

static struct sockets_packet packets[SOCKETS_BATCH];

static inline union address_socket v4(const char *host, uint16_t port)
{
	union address_socket address = { .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };

	assert_int_equal(inet_pton(AF_INET, host, &address.v4.sin_addr), 1);
	return address;
}

static inline union address_socket v6(const char *host, uint16_t port)
{
	union address_socket address = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };

	assert_int_equal(inet_pton(AF_INET6, host, &address.v6.sin6_addr), 1);
	return address;
}

static inline uint16_t port_of(int fd)
{
	union address_socket address = { 0 };
	socklen_t length = sizeof address;

	assert_int_equal(getsockname(fd, &address.any, &length), 0);
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* A bare socket of somebody else, bound to that address. */
static inline int open_other(const union address_socket *address)
{
	int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &address->any, address_length(address)), 0);
	return fd;
}

static inline void wait_for(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	if (poll(&wanted, 1, WAIT_MS) != 1)
		fail_msg("nothing arrives");
}

static inline void check_address(const union address_socket *address, const char *text)
{
	char got[ADDRESS_TEXT_BYTES];

	address_format(got, address);
	assert_string_equal(got, text);
}

/* Sends to that address of ours, takes it in, answers, and looks at where the answer comes from. */
static inline void check_exchange(const struct sockets *sockets, size_t socket,
                                  const union address_socket *ours, const union address_socket *theirs)
{
	static const uint8_t question[] = "question";
	static const uint8_t answer[] = "the answer";
	int other = open_other(theirs);
	union address_socket from = { 0 };
	socklen_t from_length = sizeof from;
	char expected[ADDRESS_TEXT_BYTES];
	char got[ADDRESS_TEXT_BYTES];
	uint8_t data[64];
	union address_socket local = { 0 };

	assert_int_equal(sendto(other, question, sizeof question, 0, &ours->any, address_length(ours)),
	                 sizeof question);
	wait_for(sockets->fd[socket]);
	memset(packets, 0x55, sizeof packets);
	assert_int_equal(sockets_receive(sockets, socket, packets), 1);
	assert_int_equal(packets[0].length, sizeof question);
	assert_memory_equal(packets[0].data, question, sizeof question);
	assert_int_equal(packets[0].path.socket, socket);
	assert_int_equal(packets[0].path.remote.any.sa_family, theirs->any.sa_family);
	/* Our own address, without a port. */
	local = *ours;
	if (ours->any.sa_family == AF_INET6)
		local.v6.sin6_port = 0;
	else
		local.v4.sin_port = 0;
	assert_memory_equal(&packets[0].path.local, &local, sizeof local);

	assert_int_equal(
		sockets_send(sockets, &(struct sockets_message){ packets[0].path, answer, sizeof answer }),
		0);
	wait_for(other);
	assert_int_equal(recvfrom(other, data, sizeof data, 0, &from.any, &from_length), sizeof answer);
	assert_memory_equal(data, answer, sizeof answer);
	address_format(expected, ours);
	address_format(got, &from);
	assert_string_equal(got, expected);
	(void)close(other);
}

#endif
