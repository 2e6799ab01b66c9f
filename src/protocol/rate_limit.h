#ifndef ROSENPASS_PROTOCOL_RATE_LIMIT_H
#define ROSENPASS_PROTOCOL_RATE_LIMIT_H

/*
 * Token buckets for networks, in constant memory: what a source with a valid cookie may cost us while we are
 * under load. There are three levels of networks (see usage.h), and a source needs a token at each: at the
 * lowest the RATE_LIMIT numbers below apply, and at each further level RATE_LIMIT_LEVEL_FACTOR times as many.
 * Sources are spread over the buckets by a keyed hash, so that nobody can choose whose bucket to share.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/usage.h"

#define RATE_LIMIT_LEVELS USAGE_LEVELS
#define RATE_LIMIT_BUCKETS 1024
#define RATE_LIMIT_BURST 20                        /* handshakes at once */
#define RATE_LIMIT_INTERVAL_NS UINT64_C(100000000) /* then one in this time */
#define RATE_LIMIT_LEVEL_FACTOR 4

struct rate_limit {
	uint8_t key[SHORT_HASH_KEY_BYTES];                       /* random */
	uint64_t full_ns[RATE_LIMIT_LEVELS][RATE_LIMIT_BUCKETS]; /* when the bucket will be full again */
};

/* Takes a token at each level. Returns false, and takes none, if one is missing. */
bool rate_limit_take(struct rate_limit *limit, const struct rosenpass_address *source, uint64_t now_ns);

#endif
