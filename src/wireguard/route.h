#ifndef ROSENPASS_WIREGUARD_ROUTE_H
#define ROSENPASS_WIREGUARD_ROUTE_H

/* Routes by rtnetlink. Results: 0 or negative errno. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/address.h"
#include "wireguard/wireguard.h"

#define ROUTE_TABLE_MAIN 254
/* A message about a route; longer ones, with very many next hops, are not kept. */
#define ROUTE_SAVED_BYTES 1024
#define ROUTE_WORDS_BYTES 160
#define ROUTE_PREFIX_BYTES 64
#define ROUTE_KEY_BYTES 23

/* A route of ours: to a prefix through an interface. Bits beyond the prefix are dropped. */
struct route {
	struct ip_prefix prefix;
	uint32_t table;
	uint32_t index; /* of the interface */
};

/* What makes a route again, as the kernel had it. */
struct route_saved {
	uint16_t length; /* 0: it was too long */
	uint8_t bytes[ROUTE_SAVED_BYTES];
};

/* A route that the kernel has. */
struct route_seen {
	struct ip_prefix prefix;
	uint32_t table;
	uint32_t metric;
	uint8_t tos;
	uint8_t type;                 /* RTN_UNICAST, ... */
	uint32_t index;               /* of the interface, or of the first one of several; 0: none */
	union address_socket gateway; /* AF_UNSPEC: none */
	uint32_t mtu;                 /* that the route sets; 0: none */
	struct route_saved saved;
};

/* -EEXIST: a route to the same prefix, with the same metric, is in that table. */
int route_add(const struct route *route) __attribute__((warn_unused_result));
/* In the place of such a route. */
int route_replace(const struct route *route) __attribute__((warn_unused_result));
/* -ESRCH: there is none. */
int route_delete(const struct route *route) __attribute__((warn_unused_result));

/* The metric of our routes, which is that of the kernel where none is given. */
uint32_t route_metric(int family);

/*
 * The prefix, without bits beyond it, and the table as bytes to compare. The kernel takes two routes for the
 * same if these are equal, and their metrics and types of service too.
 */
void route_key(uint8_t out[static ROUTE_KEY_BYTES], const struct ip_prefix *prefix, uint32_t table);

/*
 * Hands each route of a table to take, which returns 0, or a negative errno to give up. A table that does not
 * exist is an empty one.
 */
int route_list(int family, uint32_t table, int (*take)(void *context, const struct route_seen *seen),
               void *context) __attribute__((warn_unused_result));

/* Reads the payload of a message about a route. -EBADMSG. */
int route_read(struct route_seen *seen, const uint8_t *payload, size_t length)
	__attribute__((warn_unused_result));

/* Reads a route that is kept. -EBADMSG. */
int route_read_saved(struct route_seen *seen, const struct route_saved *saved)
	__attribute__((warn_unused_result));

/* Makes a route again. -EEXIST: another one has taken its place. */
int route_restore(const struct route_saved *saved) __attribute__((warn_unused_result));

/* As "192.0.2.0/24". */
void route_format_prefix(char out[static ROUTE_PREFIX_BYTES], const struct ip_prefix *prefix);

/* In words, as "dev eth0 via 192.0.2.1 metric 100". */
void route_format(char out[static ROUTE_WORDS_BYTES], const struct route_seen *seen);

/* The route that packets with that mark take to an address, with the prefix that matched. */
int route_path(const union address_socket *to, uint32_t mark, struct route_seen *seen)
	__attribute__((warn_unused_result));

/*
 * The MTU of the path to an address for packets with that mark: that of the route, else of its interface.
 * *index: the interface. What the kernel has learned by ICMP does not count.
 */
int route_path_mtu(const union address_socket *to, uint32_t mark, uint32_t *mtu, uint32_t *index)
	__attribute__((warn_unused_result));

/* The same for the default route of the main table; -ESRCH: there is none. */
int route_default_mtu(int family, uint32_t *mtu) __attribute__((warn_unused_result));

#endif
