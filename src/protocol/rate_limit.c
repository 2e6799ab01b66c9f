#include "protocol/rate_limit.h"

#include <string.h>

bool rate_limit_take(struct rate_limit *limit, const uint8_t *source, size_t source_len, uint64_t now_ns)
{
	uint8_t hash[KEYED_HASH_OUT_BYTES];
	uint32_t index;
	uint64_t *full_ns;

	keyed_hash(KEYED_HASH_BLAKE2B, hash, limit->key, source, source_len);
	memcpy(&index, hash, sizeof index);
	full_ns = &limit->full_ns[index % RATE_LIMIT_BUCKETS];
	if (*full_ns < now_ns)
		*full_ns = now_ns;
	/* A bucket that needs n intervals to be full lacks n tokens. */
	if (*full_ns - now_ns > (RATE_LIMIT_BURST - 1) * RATE_LIMIT_INTERVAL_NS)
		return false;
	*full_ns += RATE_LIMIT_INTERVAL_NS;
	return true;
}
