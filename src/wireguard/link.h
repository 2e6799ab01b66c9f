#ifndef ROSENPASS_WIREGUARD_LINK_H
#define ROSENPASS_WIREGUARD_LINK_H

/* Network interfaces by rtnetlink. Results: 0 or negative errno. */

#include <stdbool.h>
#include <stdint.h>

#include "wireguard/wireguard.h"

struct link {
	uint32_t index;
	bool is_up;        /* set up by somebody, whether or not anything is connected */
	bool is_wireguard; /* of the kernel */
};

/* An interface by its name or its index; -ENODEV. */
int link_look(const char *name, struct link *link) __attribute__((warn_unused_result));
int link_look_index(uint32_t index, struct link *link) __attribute__((warn_unused_result));
int link_find(const char *name, uint32_t *index) __attribute__((warn_unused_result));

/* Makes a WireGuard interface of the kernel. -EEXIST: the name is taken; -EOPNOTSUPP: no WireGuard there. */
int link_create_wireguard(const char *name) __attribute__((warn_unused_result));

/* The same for any kind that needs no more than its name. */
int link_create(const char *name, const char *kind) __attribute__((warn_unused_result));

int link_set_up(uint32_t index) __attribute__((warn_unused_result));
int link_set_mtu(uint32_t index, uint32_t mtu) __attribute__((warn_unused_result));
int link_delete(uint32_t index) __attribute__((warn_unused_result));

/* An address with its prefix. -EEXIST: it has it already. */
int link_add_address(uint32_t index, const struct wireguard_allowed_ip *address)
	__attribute__((warn_unused_result));
/* -EADDRNOTAVAIL: there is none. */
int link_delete_address(uint32_t index, const struct wireguard_allowed_ip *address)
	__attribute__((warn_unused_result));

/*
 * A route to a prefix through the interface, in the main table. Bits beyond the prefix are dropped. One to
 * the same prefix: -EEXIST, or it is replaced. Deleting: -ESRCH: there is none.
 */
int link_add_route(uint32_t index, const struct wireguard_allowed_ip *prefix)
	__attribute__((warn_unused_result));
int link_replace_route(uint32_t index, const struct wireguard_allowed_ip *prefix)
	__attribute__((warn_unused_result));
int link_delete_route(uint32_t index, const struct wireguard_allowed_ip *prefix)
	__attribute__((warn_unused_result));

#endif
