#ifndef ROSENPASS_RP_POLICY_H
#define ROSENPASS_RP_POLICY_H

/*
 * Policy routing for a tunnel that takes all packets, or those to a peer's own address. Its routes are in a
 * table of their own, and packets look there unless they carry the mark of WireGuard's packets and of ours.
 * The main table goes before it, without its default routes, or without all that are shorter than ours:
 * neighbours stay neighbours.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rp/guard.h"

#define POLICY_FAMILIES 2

struct policy_family {
	bool is_by_others; /* the rules were there */
	uint32_t priority; /* of our rules: this one and the one before; 0: not chosen yet */
	int problem;       /* negative errno that was said; 0: none */
};

/* Zeroed memory is one without rules. */
struct policy {
	uint32_t mark;  /* 0: not chosen yet */
	uint32_t table; /* 0: not chosen yet */
	struct policy_family families[POLICY_FAMILIES];
	bool is_filtering_said; /* that strict filtering is in the way */
};

/*
 * Chooses the mark: the one that is wanted, else the one that the interface has, else that of another full
 * tunnel, so that neither takes the other's packets, else the number of the table. And the table: that of a
 * rule for the mark, else the one of the mark's number, if that is not in use, else the first one from that
 * of wg-quick on that is not. What was chosen stays. 0 or negative errno.
 */
int policy_choose(struct policy *policy, uint32_t wanted, uint32_t present)
	__attribute__((warn_unused_result));

/* Chooses another table: somebody else has that one. 0 or negative errno. */
int policy_choose_again(struct policy *policy) __attribute__((warn_unused_result));

/*
 * Makes the rules of a family that are not there, for routes of bits or more. Problems are said once. Returns
 * how many were made.
 */
size_t policy_keep(struct policy *policy, uint16_t family, uint8_t bits, struct guard *guard);

#endif
