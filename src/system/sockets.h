#ifndef ROSENPASS_SYSTEM_SOCKETS_H
#define ROSENPASS_SYSTEM_SOCKETS_H

/*
 * The UDP sockets of a daemon. IPv6 sockets take IPv6 alone, so that both families can
 * have the same port; answers leave from the address that the question came to.
 */

#include <stddef.h>
#include <stdint.h>

#include "system/address.h"

#define SOCKETS_MAX 32
#define SOCKETS_BATCH 32
/* One byte more than the longest message: longer datagrams stay recognisable. */
#define SOCKETS_DATAGRAM_BYTES (ROSENPASS_DATAGRAM_MAX_BYTES + 1)

struct sockets {
	int fd[SOCKETS_MAX];
	int family[SOCKETS_MAX];
	size_t count;
};

struct sockets_packet {
	struct address_path path;
	size_t length;
	uint8_t data[SOCKETS_DATAGRAM_BYTES];
};

/* What is to be sent; data belongs to the caller. */
struct sockets_message {
	struct address_path path;
	const uint8_t *data;
	size_t length;
};

/*
 * Adds a socket bound to the address. 0 or negative errno. An IPv6 wildcard takes the same
 * port of IPv4 along where that is free, as one socket for both families would.
 */
int sockets_listen(struct sockets *sockets, const union address_socket *address)
	__attribute__((warn_unused_result));

/* Adds one socket of each family on a port of the kernel's choice. Negative errno only when neither works. */
int sockets_listen_anywhere(struct sockets *sockets) __attribute__((warn_unused_result));

void sockets_close(struct sockets *sockets);

/* Takes up to SOCKETS_BATCH waiting packets from a socket. Their number; 0: none; negative errno. */
int sockets_receive(const struct sockets *sockets, size_t socket,
                    struct sockets_packet packets[static SOCKETS_BATCH]);

/* Sends one. 0 or negative errno; -EAGAIN when the socket's buffer is full. */
int sockets_send(const struct sockets *sockets, const struct sockets_message *message);

#endif
