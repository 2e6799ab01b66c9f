#include "crypto/mceliece460896/control_bits.h"

#include <stddef.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/sort.h"

#define LOG_POINTS MCELIECE_M
#define POINTS MCELIECE_Q
#define LAYERS MCELIECE_BENES_LAYERS
#define LAYER_BYTES (POINTS / 16)

/* Up to this many bits, a key and two values fit into the 31 bits of a sorted word. */
#define LOG_PACKED 10
#define PACKED_MASK 0x3ff

/*
 * The network is built from the outside to the inside. At level w there are
 * lanes = 2^(13 - w) permutations of 2^w points each, and all are worked on side by
 * side: point x of permutation s is at index x * lanes + s of every array. The two
 * halves of a permutation, its even and its odd points, are then where the next level
 * wants them, without being moved. The partner of x is x ^ 1, lanes indices away.
 */
struct level {
	unsigned log_points;
	size_t lanes;
	struct mceliece_control_bits_scratch *scratch;
};

static inline size_t partner(const struct level *level, size_t index)
{
	return index ^ level->lanes;
}

static inline int32_t point(const struct level *level, size_t index)
{
	return (int32_t)(index >> (LOG_POINTS - level->log_points));
}

static inline int32_t lower(int32_t a, int32_t b)
{
	int32_t d = b - a;

	return a + (d & ct_mask_negative_i32(d));
}

/* Moves each value to the point that its key names: value'[key[x]] = value[x]. */
static void route(const struct level *level, const int32_t *restrict key, int32_t *restrict value)
{
	int32_t *restrict sorted = level->scratch->sorted;

	for (size_t i = 0; i < POINTS; i++)
		sorted[i] = key[i] << 16 | value[i];
	mceliece_backend()->sort_u31(sorted, POINTS, level->lanes, level->scratch->sort_work);
	for (size_t i = 0; i < POINTS; i++)
		value[i] = sorted[i] & 0xffff;
}

/* The same for two arrays of values, with one sort where the points are small enough. */
static void route_two(const struct level *level, const int32_t *restrict key, int32_t *restrict first,
                      int32_t *restrict second)
{
	int32_t *restrict sorted = level->scratch->sorted;

	if (level->log_points > LOG_PACKED) {
		route(level, key, first);
		route(level, key, second);
		return;
	}
	for (size_t i = 0; i < POINTS; i++)
		sorted[i] = key[i] << (2 * LOG_PACKED) | first[i] << LOG_PACKED | second[i];
	mceliece_backend()->sort_u31(sorted, POINTS, level->lanes, level->scratch->sort_work);
	for (size_t i = 0; i < POINTS; i++) {
		first[i] = sorted[i] >> LOG_PACKED & PACKED_MASK;
		second[i] = sorted[i] & PACKED_MASK;
	}
}

/* A layer takes the low bit of the value at the lower point of each pair. */
static void store_layer(const struct level *level, uint8_t layer[static LAYER_BYTES], const int32_t *value)
{
	size_t position = 0;

	memset(layer, 0, LAYER_BYTES);
	for (size_t pair = 0; pair < POINTS; pair += 2 * level->lanes)
		for (size_t i = pair; i < pair + level->lanes; i++, position++)
			layer[position / 8] |= (uint8_t)((value[i] & 1) << (position % 8));
}

/*
 * key = the inverse of power. Both X: x -> x ^ 1 and its conjugate are involutions, and
 * power is a power of their product; exchanging the two inverts it, so that the inverse
 * is X power X and needs no sort.
 */
static void invert_power(const struct level *level)
{
	const int32_t *restrict power = level->scratch->power;
	int32_t *restrict key = level->scratch->key;

	for (size_t pair = 0; pair < POINTS; pair += 2 * level->lanes) {
		for (size_t i = pair; i < pair + level->lanes; i++) {
			key[i] = power[i + level->lanes] ^ 1;
			key[i + level->lanes] = power[i] ^ 1;
		}
	}
}

/*
 * With X: x -> x ^ 1, leader[x] = the least point of the cycle of x under p = π X π⁻¹ X,
 * found by doubling: once leader is the minimum over 2^i points of the cycle, its minimum
 * with itself at p^(2^i) is that over 2^(i + 1). No cycle is longer than half the points.
 * Leaves X-shifted π⁻¹ in inverse: inverse[x] = π⁻¹(x ^ 1). Destroys permutation.
 */
static void find_leaders(const struct level *level)
{
	struct mceliece_control_bits_scratch *s = level->scratch;
	int32_t *moved = s->permutation;

	for (size_t i = 0; i < POINTS; i++) {
		s->key[i] = s->permutation[i] ^ 1;
		s->power[i] = s->permutation[partner(level, i)];
		s->inverse[i] = point(level, i);
	}
	route_two(level, s->key, s->power, s->inverse);
	for (size_t i = 0; i < POINTS; i++)
		s->leader[i] = lower(point(level, i), s->power[i]);

	if (level->log_points > 2) {
		invert_power(level);
		route(level, s->key, s->power);
	}
	for (unsigned covered = 1; covered + 1 < level->log_points; covered++) {
		invert_power(level);
		memcpy(moved, s->leader, sizeof s->leader);
		if (covered + 2 < level->log_points)
			route_two(level, s->key, s->power, moved);
		else
			route(level, s->key, moved);
		for (size_t i = 0; i < POINTS; i++)
			s->leader[i] = lower(s->leader[i], moved[i]);
	}
}

/*
 * Splits each π of this level into F M L, where F and L exchange partners according to
 * the layers first and last, and M keeps even points even and odd points odd. The two
 * halves of M become the permutations of the next level.
 */
static void split(const struct level *level, uint8_t first[static LAYER_BYTES],
                  uint8_t last[static LAYER_BYTES])
{
	struct mceliece_control_bits_scratch *s = level->scratch;
	int32_t *joined = s->permutation; /* F π */

	find_leaders(level);
	store_layer(level, first, s->leader);

	for (size_t i = 0; i < POINTS; i++) {
		size_t even = i & ~level->lanes;

		s->key[i] = s->inverse[partner(level, i)];
		joined[i] = point(level, i) ^ (s->leader[even] & 1);
	}
	route(level, s->key, joined);
	store_layer(level, last, joined);

	for (size_t pair = 0; pair < POINTS; pair += 2 * level->lanes) {
		for (size_t i = pair; i < pair + level->lanes; i++) {
			int32_t *even = joined + i;
			int32_t *odd = joined + partner(level, i);
			int32_t d = (*even ^ *odd) & (int32_t)ct_mask_bit_u32((uint32_t)*even);

			*even = (*even ^ d) >> 1;
			*odd = (*odd ^ d) >> 1;
		}
	}
}

void mceliece_control_bits(uint8_t out[static MCELIECE_BENES_BYTES], const uint16_t *permutation,
                           struct mceliece_control_bits_scratch *scratch)
{
	struct level level = { .log_points = LOG_POINTS, .lanes = 1, .scratch = scratch };
	uint8_t *first = out;
	uint8_t *last = out + (LAYERS - 1) * LAYER_BYTES;

	for (size_t i = 0; i < POINTS; i++)
		scratch->permutation[i] = permutation[i];
	while (level.log_points > 1) {
		split(&level, first, last);
		level.log_points--;
		level.lanes *= 2;
		first += LAYER_BYTES;
		last -= LAYER_BYTES;
	}
	store_layer(&level, first, scratch->permutation);
}
