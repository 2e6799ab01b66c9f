#ifndef ROSENPASS_DELIVERY_TUNNEL_ENDPOINT_H
#define ROSENPASS_DELIVERY_TUNNEL_ENDPOINT_H

/* Where WireGuard should send: from its endpoint in the configuration, and what is known of the peer. */

#include <stdbool.h>
#include <stddef.h>

#include "system/address.h"

/* Where a peer's Rosenpass is. */
struct tunnel_place {
	const union address_socket *addresses; /* of its endpoint, by name; borrowed */
	size_t address_count;
	union address_socket authenticated; /* where the peer has proved who it is; AF_UNSPEC: not yet */
	union address_socket remembered;    /* where WireGuard heard it in an earlier run; likewise */
};

/* Returns true if both "HOST:PORT" have the same host. rosenpass NULL: false. */
bool tunnel_endpoint_is_beside(const char *endpoint, const char *rosenpass);

/*
 * Chooses the address for an endpoint "HOST:PORT" on the host where the peer's Rosenpass is. present: the
 * endpoint that WireGuard has. Returns false if the address is not known yet.
 */
bool tunnel_endpoint_beside(union address_socket *out, const char *endpoint, const struct tunnel_place *place,
                            const union address_socket *present);

/* Reads an endpoint, or takes the first of the addresses that its name has. Returns false likewise. */
bool tunnel_endpoint_own(union address_socket *out, const char *endpoint,
                         const union address_socket *addresses, size_t count);

#endif
