#ifndef ROSENPASS_WIREGUARD_LINK_H
#define ROSENPASS_WIREGUARD_LINK_H

/* Network interfaces by rtnetlink. Results: 0 or negative errno. */

#include <stdbool.h>
#include <stdint.h>

#include "wireguard/wireguard.h"

struct link {
	char name[WIREGUARD_NAME_BYTES];
	uint32_t index;
	uint32_t mtu;
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
int link_add_address(uint32_t index, const struct ip_prefix *address) __attribute__((warn_unused_result));
/* -EADDRNOTAVAIL: there is none. */
int link_delete_address(uint32_t index, const struct ip_prefix *address) __attribute__((warn_unused_result));

#endif
