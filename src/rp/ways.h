#ifndef ROSENPASS_RP_WAYS_H
#define ROSENPASS_RP_WAYS_H

/* The addresses of an interface, and the routes through it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rp/guard.h"
#include "system/address.h"
#include "wireguard/wireguard.h"

#define WAYS_SAID_BYTES 256

struct way {
	struct ip_prefix prefix;
	bool is_route;              /* else an address of ours */
	bool is_wide;               /* a route for all packets, for half of them, or for those to a peer: */
				    /* in a table of its own */
	bool is_in_main;            /* we made it in the main table */
	bool is_ours;               /* we made it */
	int problem;                /* negative errno that was said; 0: none */
	char said[WAYS_SAID_BYTES]; /* about other routes to the prefix */
};

struct ways {
	struct way *all; /* allocated */
	size_t count;
	bool replace;        /* also routes that somebody else has made, until the end */
	uint32_t wide_table; /* of the wide ones; 0: they are not made yet */
	bool is_settled;     /* the wide ones have been made there */
	bool is_table_taken; /* after ways_make(): they could not be, since somebody else was faster */
};

/* What is to be done for the ways. */
struct ways_target {
	const char *name; /* of the interface */
	uint32_t index;
	bool is_ours; /* it takes addresses and routes with it when it goes */
	struct guard *guard;
};

/* Adds one to the list. -ENOMEM. */
int ways_add(struct ways *ways, const struct ip_prefix *prefix, bool is_route)
	__attribute__((warn_unused_result));

/*
 * Makes those that are not there; a route needs an interface that is up. A route to the same prefix that
 * somebody else has made stays, and is a problem, unless ways->replace. Problems are said in the log, each
 * once. Returns how many were made. *conflict, where it is not NULL: a route of somebody else stands in the
 * way.
 */
size_t ways_make(struct ways *ways, const struct ways_target *target, bool *conflict);

/*
 * Packets to that address of a peer must not go into the tunnel with that index: makes the routes wide that
 * would lead them there, as no route of others is longer. true: there is one that was not.
 */
bool ways_keep_out(struct ways *ways, const union address_socket *peer, uint32_t index);

/* Takes the wide ones out of their table, which is somebody else's. */
void ways_leave_table(struct ways *ways, const struct ways_target *target);

/* Whether a route to that prefix is a wide one, whatever the peers' addresses. */
bool ways_is_wide(const struct ip_prefix *prefix);

/* Whether there are wide routes of that family. *bits, where it is not NULL: length of the shortest one. */
bool ways_has_wide(const struct ways *ways, uint16_t family, uint8_t *bits);

/* The interface that had them is gone. */
void ways_lost(struct ways *ways);

void ways_release(struct ways *ways);

#endif
