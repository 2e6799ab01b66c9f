#ifndef ROSENPASS_RP_INPUTS_H
#define ROSENPASS_RP_INPUTS_H

/* Files that rp reads beside those of the daemon: no key of an exchange may be written there. */

#include <stddef.h>

#include "config/rp_config.h"
#include "monitor/claims.h"

struct inputs {
	struct claims_input *all; /* allocated, and their paths */
	size_t count;
};

/* The configuration, and WireGuard's keys. -1: no memory; it is to be released all the same. */
int inputs_collect(struct inputs *inputs, const struct rp_config *config) __attribute__((warn_unused_result));

void inputs_release(struct inputs *inputs);

#endif
