#ifndef ROSENPASS_SYSTEM_SOCKETS_H
#define ROSENPASS_SYSTEM_SOCKETS_H

/*
 * The UDP sockets of a daemon. IPv6 sockets take IPv6 alone, so that both families can
 * have the same port; answers leave from the address that the question came to.
 *
 * One process can open them and another use them: receiving and sending ask nothing of the kernel but
 * recvmmsg(), sendmsg() and sendmmsg().
 */

#include <stddef.h>
#include <stdint.h>

#include "system/address.h"

#define SOCKETS_MAX 32
#define SOCKETS_BATCH 32
/* One byte more than the longest message: longer datagrams stay recognisable. */
#define SOCKETS_DATAGRAM_BYTES (ROSENPASS_DATAGRAM_MAX_BYTES + 1)

/* A table of slots, some of which can be empty. Zeroed memory is one without sockets. */
struct sockets {
	int fd[SOCKETS_MAX];     /* -1 in an empty slot that was in use */
	int family[SOCKETS_MAX]; /* 0: the slot is empty */
	size_t count;            /* from here on all slots are empty */
};

struct sockets_packet {
	struct address_path path;
	size_t length;
	uint8_t data[SOCKETS_DATAGRAM_BYTES];
};

/* What ICMP or the kernel said of a datagram that was sent earlier. */
struct sockets_error {
	union address_socket remote; /* where the datagram was sent to */
	int error;                   /* errno, as ECONNREFUSED for "port unreachable" */
};

/* What is to be sent; data belongs to the caller. */
struct sockets_message {
	struct address_path path;
	const uint8_t *data;
	size_t length;
};

/*
 * A socket bound to the address, with everything set that it needs. Its datagrams may be fragmented on the
 * way. 0 or negative errno.
 */
int sockets_open(const union address_socket *address, int *fd) __attribute__((warn_unused_result));

/*
 * Sets the mark (fwmark) that a socket's datagrams carry from now on, also where another process uses the
 * socket; 0 for none. 0 or negative errno; -EPERM without CAP_NET_ADMIN.
 */
int sockets_mark(int fd, uint32_t mark) __attribute__((warn_unused_result));

/* Empties the table without closing anything. */
void sockets_clear(struct sockets *sockets);

/*
 * Puts a socket that sockets_open() made for an address of that family into a slot; the table owns it then.
 * 0; -EINVAL: no such slot or family, or no descriptor; -EEXIST: the slot is in use.
 */
int sockets_adopt(struct sockets *sockets, size_t slot, int fd, int family)
	__attribute__((warn_unused_result));

/* Closes the socket in a slot. Nothing happens when there is none. */
void sockets_drop(struct sockets *sockets, size_t slot);

/*
 * Adds a socket bound to the address. 0 or negative errno. An IPv6 wildcard takes the same
 * port of IPv4 along where that is free, as one socket for both families would.
 */
int sockets_listen(struct sockets *sockets, const union address_socket *address)
	__attribute__((warn_unused_result));

/* Adds one socket of each family on a port of the kernel's choice. Negative errno only when neither works. */
int sockets_listen_anywhere(struct sockets *sockets) __attribute__((warn_unused_result));

/* Closes all. */
void sockets_close(struct sockets *sockets);

/*
 * Takes up to SOCKETS_BATCH waiting packets from a socket. Their number; 0: none; negative errno, -EBADF for
 * an empty slot.
 */
int sockets_receive(const struct sockets *sockets, size_t socket,
                    struct sockets_packet packets[static SOCKETS_BATCH]);

/*
 * Takes up to max errors that wait on a socket. Returns their number. A socket with such errors is always
 * ready for poll(), so they have to be taken. ICMP is not authenticated: anybody can have sent it.
 */
size_t sockets_receive_errors(const struct sockets *sockets, size_t socket, struct sockets_error *errors,
                              size_t max);

/*
 * Sends one. 0 or negative errno; -EAGAIN when the socket's buffer is full, -EAFNOSUPPORT when the slot is
 * empty or its socket of another family. When our address has gone since, it leaves from another.
 */
int sockets_send(const struct sockets *sockets, const struct sockets_message *message);

/*
 * Sends all, in order, with few system calls where neighbours have the same socket. results[i] is as from
 * sockets_send(). After the first -EAGAIN the neighbours on that socket are not tried and get the same.
 */
void sockets_send_many(const struct sockets *sockets, const struct sockets_message *messages, size_t count,
                       int results[]);

#endif
