#ifndef ROSENPASS_RP_WAYS_H
#define ROSENPASS_RP_WAYS_H

/* The addresses of an interface, and the routes through it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wireguard/wireguard.h"

struct way {
	struct wireguard_allowed_ip prefix;
	bool is_route; /* else an address of ours */
	bool is_ours;  /* we made it */
	int problem;   /* negative errno that was said; 0: none */
};

struct ways {
	struct way *all; /* allocated */
	size_t count;
	bool warned_default; /* said that a default route is none of ours */
};

/* Adds one to the list. No route is made for a prefix of no bits. -ENOMEM. */
int ways_add(struct ways *ways, const struct wireguard_allowed_ip *prefix, bool is_route)
	__attribute__((warn_unused_result));

/*
 * Makes those that are not there; a route needs an interface that is up. replace: also in the place of
 * routes to the same prefix that somebody else has made. Problems are said in the log, each once. Returns
 * how many were made.
 */
size_t ways_make(struct ways *ways, const char *name, uint32_t index, bool replace);

/* Takes those away that we made. */
void ways_withdraw(struct ways *ways, uint32_t index);

/* The interface that had them is gone. */
void ways_lost(struct ways *ways);

void ways_release(struct ways *ways);

#endif
