#ifndef ROSENPASS_RP_MTU_H
#define ROSENPASS_RP_MTU_H

/* The MTU of a tunnel, from that of the paths to its peers. */

#include <stdint.h>

#include "system/address.h"

/* What the largest of these paths leaves for packets; zeroed memory has none. */
struct mtu {
	uint32_t largest;
};

/* A path to a peer, for packets with that mark. One through the interface itself does not count. */
void mtu_take(struct mtu *mtu, const union address_socket *endpoint, uint32_t mark, uint32_t own_index);

/* The MTU of the tunnel; without any path, that of the default route counts, and without that Ethernet's. */
uint32_t mtu_of_tunnel(const struct mtu *mtu);

#endif
