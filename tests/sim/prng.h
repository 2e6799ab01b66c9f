#ifndef TESTS_SIM_PRNG_H
#define TESTS_SIM_PRNG_H

/*
 * Repeatable numbers (splitmix64). Each user has its own stream, so that one more
 * draw here changes nothing there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct prng {
	uint64_t state;
};

static inline uint64_t prng_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t prng_next(struct prng *prng)
{
	prng->state += UINT64_C(0x9e3779b97f4a7c15);
	return prng_mix(prng->state);
}

/* A stream that depends on the seed and on what it is for. */
static inline struct prng prng_make(uint64_t seed, uint64_t purpose)
{
	return (struct prng){ prng_mix(prng_mix(seed + 1) ^ prng_mix(~purpose)) };
}

/* In [0, bound); bound is not 0 and small enough that the bias does not matter. */
static inline uint64_t prng_below(struct prng *prng, uint64_t bound)
{
	return prng_next(prng) % bound;
}

/* In [low, high]. */
static inline uint64_t prng_between(struct prng *prng, uint64_t low, uint64_t high)
{
	return low + prng_below(prng, high - low + 1);
}

static inline bool prng_chance(struct prng *prng, uint32_t permille)
{
	return prng_below(prng, 1000) < permille;
}

static inline void prng_fill(struct prng *prng, uint8_t *out, size_t out_len)
{
	while (out_len > 0) {
		uint64_t x = prng_next(prng);
		size_t n = out_len < sizeof x ? out_len : sizeof x;

		memcpy(out, &x, n);
		out += n;
		out_len -= n;
	}
}

#endif
