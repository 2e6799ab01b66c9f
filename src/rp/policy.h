#ifndef ROSENPASS_RP_POLICY_H
#define ROSENPASS_RP_POLICY_H

/*
 * Policy routing for a tunnel that takes all packets. Its routes are in a table of their own, and packets
 * look there unless they carry the mark of WireGuard's packets and of ours. The main table goes before it,
 * without its default routes: neighbours stay neighbours.
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
	uint32_t mark; /* also the number of the table; 0: not chosen yet */
	struct policy_family families[POLICY_FAMILIES];
	bool has_settings; /* the kernel's settings were seen to */
};

/*
 * Chooses the mark: the one that is wanted, else the one that the interface has, else the first number, from
 * that of wg-quick on, whose table is empty and without a rule. 0 or negative errno.
 */
int policy_choose(struct policy *policy, uint32_t wanted, uint32_t present)
	__attribute__((warn_unused_result));

/* Makes the rules of a family that are not there. Problems are said once. Returns how many were made. */
size_t policy_keep(struct policy *policy, uint16_t family, struct guard *guard);

#endif
