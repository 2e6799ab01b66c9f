#ifndef ROSENPASS_SYSTEM_ADDRESS_H
#define ROSENPASS_SYSTEM_ADDRESS_H

/* Internet addresses: as people write them, as the kernel has them, as the engine keeps them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "rosenpass.h"

union address_socket {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Where a datagram came in or goes out: remote address, our own (AF_UNSPEC: not known), which socket. */
struct address_path {
	union address_socket remote;
	union address_socket local; /* without port */
	uint16_t socket;
};

#define ADDRESS_TEXT_BYTES 80

/* Length of the address for system calls. */
socklen_t address_length(const union address_socket *address);

/* The same family, address, port and scope. */
bool address_equal(const union address_socket *a, const union address_socket *b);

/*
 * Whether this is "1.2.3.4:PORT", "[v6]:PORT" or "[v6%scope]:PORT", which needs no resolver. The interface
 * that a scope names need not be there.
 */
bool address_is_literal(const char *text);

/*
 * Reads a literal (scope: name or number of an interface; kept where the kernel looks at it, that is for
 * link-local addresses). ::ffff:1.2.3.4 is the IPv4 address, as our IPv6 sockets speak IPv6 alone. 0, or an
 * English reason in *problem and -1.
 */
int address_parse(const char *text, union address_socket *out, const char **problem)
	__attribute__((warn_unused_result));

/*
 * Resolves "HOST:PORT" or a literal to at most max addresses, none of them twice. Waits for name servers. 0
 * and *count, or an English reason in *problem (which lives until the next call) and -1.
 */
int address_resolve(const char *text, union address_socket *out, size_t max, size_t *count,
                    const char **problem) __attribute__((warn_unused_result));

/* "1.2.3.4:5" or "[v6%scope]:5". */
void address_format(char out[static ADDRESS_TEXT_BYTES], const union address_socket *address);

/*
 * The same with the interface's number as scope: its name has to be asked for, which a sandboxed process
 * may not.
 */
void address_format_numeric(char out[static ADDRESS_TEXT_BYTES], const union address_socket *address);

/* To and from the engine's form; its group is the IPv4 address or the /64. -1 for what is no packed path. */
void address_pack(struct rosenpass_address *out, const struct address_path *path);
int address_unpack(struct address_path *out, const struct rosenpass_address *in)
	__attribute__((warn_unused_result));

#endif
