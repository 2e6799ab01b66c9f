#ifndef ROSENPASS_CONFIG_PREFIX_CLAIMS_H
#define ROSENPASS_CONFIG_PREFIX_CLAIMS_H

/* Which peer gets which prefix as allowed IPs: a WireGuard device takes it from one to give it to another. */

#include <stdbool.h>
#include <stddef.h>

#include "base/ip_prefix.h"

#define PREFIX_CLAIMS_TEXT_BYTES 64

struct prefix_claim {
	const char *device; /* of the caller */
	size_t peer;
	struct ip_prefix prefix;
};

struct prefix_claims {
	struct prefix_claim *all; /* allocated */
	size_t count;
};

/* -1: no memory. */
int prefix_claims_add(struct prefix_claims *claims, const char *device, size_t peer,
                      const struct ip_prefix *prefixes, size_t count) __attribute__((warn_unused_result));

/* Whether two peers claim the same on one device: the first two, by number, and what. Sorts the claims. */
bool prefix_claims_collide(struct prefix_claims *claims, size_t *first, size_t *second,
                           char prefix[static PREFIX_CLAIMS_TEXT_BYTES]);

void prefix_claims_release(struct prefix_claims *claims);

#endif
