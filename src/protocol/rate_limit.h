#ifndef ROSENPASS_PROTOCOL_RATE_LIMIT_H
#define ROSENPASS_PROTOCOL_RATE_LIMIT_H

/*
 * Token buckets, one per source network, in constant memory: what a source with a
 * valid cookie may cost us while we are under load. Sources are spread over the
 * buckets by a keyed hash, so that nobody can choose whose bucket to share.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/keyed_hash.h"

#define RATE_LIMIT_BUCKETS 1024
#define RATE_LIMIT_BURST 20                        /* handshakes at once */
#define RATE_LIMIT_INTERVAL_NS UINT64_C(100000000) /* then one in this time */

struct rate_limit {
	uint8_t key[KEYED_HASH_KEY_BYTES];    /* random */
	uint64_t full_ns[RATE_LIMIT_BUCKETS]; /* when the bucket will be full again */
};

/* Takes a token of the source's bucket. false: there is none. */
bool rate_limit_take(struct rate_limit *limit, const uint8_t *source, size_t source_len, uint64_t now_ns);

#endif
