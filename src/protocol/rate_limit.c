#include "protocol/rate_limit.h"

bool rate_limit_take(struct rate_limit *limit, const struct rosenpass_address *source, uint64_t now_ns)
{
	uint64_t *buckets[RATE_LIMIT_LEVELS];
	uint64_t interval_ns = RATE_LIMIT_INTERVAL_NS;

	for (int level = 0; level < RATE_LIMIT_LEVELS; level++) {
		uint64_t hash = short_hash(limit->key, source->bytes, usage_network_bytes(source, level));

		buckets[level] = &limit->full_ns[level][hash % RATE_LIMIT_BUCKETS];
		if (*buckets[level] < now_ns)
			*buckets[level] = now_ns;
		/* A bucket that needs n intervals to be full lacks n tokens. */
		if (*buckets[level] - now_ns > RATE_LIMIT_BURST * RATE_LIMIT_INTERVAL_NS - interval_ns)
			return false;
		interval_ns /= RATE_LIMIT_LEVEL_FACTOR;
	}
	interval_ns = RATE_LIMIT_INTERVAL_NS;
	for (int level = 0; level < RATE_LIMIT_LEVELS; level++) {
		*buckets[level] += interval_ns;
		interval_ns /= RATE_LIMIT_LEVEL_FACTOR;
	}
	return true;
}
