#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_ENCAPSULATE_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_ENCAPSULATE_H

/* The parts of encapsulate.h that have backends; see vector.h for who includes this. Constant time. */

#include <string.h>

#include "crypto/bytes.h"
#include "crypto/mceliece460896/vector_bytes.h"
#include "crypto/mceliece460896/vector_gf.h"

/* --- the error vector ------------------------------------------------------------------ */

#define MCELIECE_VECTOR_SHORTS (VECTOR_BYTES / 2)
#define MCELIECE_VECTOR_DRAWN (MCELIECE_T / MCELIECE_VECTOR_SHORTS)
#define MCELIECE_VECTOR_ERROR_VECTORS (MCELIECE_ERROR_BYTES / VECTOR_BYTES)

typedef uint16_t mceliece_vector_shorts __attribute__((vector_size(VECTOR_BYTES)));

/* What draws positions: vectors for 16 of the 96 each. */
struct mceliece_vector_draw {
	mceliece_vector_shorts drawn[MCELIECE_VECTOR_DRAWN];
	mceliece_vector_shorts taken[MCELIECE_VECTOR_DRAWN]; /* masks */
	mceliece_vector_shorts position[MCELIECE_VECTOR_DRAWN];
};

VECTOR_INLINE mceliece_vector_shorts mceliece_vector_numbers(void)
{
	return (mceliece_vector_shorts){ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
}

/* From i .. 4607 the position number floor(r (4608 - i) / 2^64). */
static void mceliece_vector_draw_all(struct mceliece_vector_draw *draw,
                                     const uint8_t random[static MCELIECE_RANDOM_BYTES])
{
	uint16_t *drawn = (uint16_t *)draw->drawn;

	for (unsigned i = 0; i < MCELIECE_T; i++) {
		uint64_t r = bytes_load64(random + 8 * i);
		uint64_t k = MCELIECE_N - i;

		drawn[i] = (uint16_t)(i + (((r >> 32) * k + ((r & 0xffffffff) * k >> 32)) >> 32));
	}
}

/*
 * Chooses positions from the last one to the first: number i itself if what was drawn for it is one of those
 * that were chosen before, and what was drawn otherwise. Each that was chosen is compared with all that are
 * still to be chosen.
 */
static void mceliece_vector_choose(struct mceliece_vector_draw *draw)
{
	const mceliece_vector_shorts numbers = mceliece_vector_numbers();
	const uint16_t *chosen = (const uint16_t *)draw->position;

	memset(draw->taken, 0, sizeof draw->taken);
	for (unsigned v = MCELIECE_VECTOR_DRAWN; v-- > 0;) {
		mceliece_vector_shorts own = (uint16_t)(MCELIECE_VECTOR_SHORTS * v) + numbers;
		mceliece_vector_shorts drawn = draw->drawn[v];
		mceliece_vector_shorts taken = draw->taken[v];

		for (unsigned k = MCELIECE_VECTOR_SHORTS; k-- > 0;) {
			mceliece_vector_shorts one = { 0 };

			draw->position[v] = drawn ^ (taken & (drawn ^ own));
			one += chosen[MCELIECE_VECTOR_SHORTS * v + k];
			taken |= (mceliece_vector_shorts)(drawn == one) &
			         (mceliece_vector_shorts)(numbers < (uint16_t)k);
			for (unsigned u = 0; u < v; u++)
				draw->taken[u] |= (mceliece_vector_shorts)(draw->drawn[u] == one);
		}
	}
}

/* 2^n for the numbers n < 16 in the vectors; bit 15 is set in addition to n, and is of no importance. */
VECTOR_INLINE mceliece_vector_shorts mceliece_vector_power_of_two(mceliece_vector_shorts n)
{
	const vector_octets powers = { 1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0,
		                       1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0 };
	/* A byte whose bit 7 is set looks up 0. */
	mceliece_vector_shorts low = n | 0x8000;
	mceliece_vector_shorts high = n << 8 ^ 0x0880;

	return (mceliece_vector_shorts)mceliece_vector_lookup(powers, (vector_octets)low) |
	       (mceliece_vector_shorts)mceliece_vector_lookup(powers, (vector_octets)high);
}

/*
 * Makes three vectors of e, from number on, in words of 16 bits: entry i sets bit[i] in word number word[i].
 * Three sums stay in registers and leave nothing on the stack.
 */
#define MCELIECE_VECTOR_PART 3
VECTOR_INLINE void mceliece_vector_set_bits(uint8_t *e, unsigned number,
                                            const uint16_t word[static MCELIECE_T],
                                            const uint16_t bit[static MCELIECE_T])
{
	const mceliece_vector_shorts first =
		(uint16_t)(MCELIECE_VECTOR_SHORTS * number) + mceliece_vector_numbers();
	const mceliece_vector_shorts second = first + MCELIECE_VECTOR_SHORTS;
	const mceliece_vector_shorts third = second + MCELIECE_VECTOR_SHORTS;
	mceliece_vector_shorts a = { 0 };
	mceliece_vector_shorts b = { 0 };
	mceliece_vector_shorts c = { 0 };

	for (unsigned i = 0; i < MCELIECE_T; i++) {
		mceliece_vector_shorts words = { 0 };
		mceliece_vector_shorts bits = { 0 };

		words += word[i];
		bits += bit[i];
		a |= (mceliece_vector_shorts)(first == words) & bits;
		b |= (mceliece_vector_shorts)(second == words) & bits;
		c |= (mceliece_vector_shorts)(third == words) & bits;
	}
	memcpy(e + VECTOR_BYTES * number, &a, sizeof a);
	memcpy(e + VECTOR_BYTES * (number + 1), &b, sizeof b);
	memcpy(e + VECTOR_BYTES * (number + 2), &c, sizeof c);
}

/* mceliece_encapsulate_place() */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_place(uint8_t e[static MCELIECE_ERROR_BYTES],
                                                   const uint8_t random[static MCELIECE_RANDOM_BYTES])
{
	struct mceliece_vector_draw draw;
	const uint16_t *word = (const uint16_t *)draw.drawn;
	const uint16_t *bit = (const uint16_t *)draw.position;

	mceliece_vector_draw_all(&draw, random);
	mceliece_vector_choose(&draw);
	for (unsigned v = 0; v < MCELIECE_VECTOR_DRAWN; v++) {
		draw.drawn[v] = draw.position[v] >> 4;
		draw.position[v] = mceliece_vector_power_of_two(draw.position[v] & 15);
	}
	for (unsigned v = 0; v < MCELIECE_VECTOR_ERROR_VECTORS; v += MCELIECE_VECTOR_PART)
		mceliece_vector_set_bits(e, v, word, bit);
	ct_wipe(&draw, sizeof draw);
}

/* --- the syndrome ---------------------------------------------------------------------- */

/* A row: whole vectors, and a last one that ends with the row. */
#define MCELIECE_VECTOR_ROW_VECTORS (MCELIECE_ROW_BYTES / VECTOR_BYTES)
#define MCELIECE_VECTOR_ROW_END (MCELIECE_ROW_BYTES - VECTOR_BYTES)

/* Words 0 to 3: the sums of the words of a, b, c and d. */
VECTOR_INLINE vector mceliece_vector_sum_words(vector a, vector b, vector c, vector d)
{
	vector ab = VECTOR_PICK(vector, a, b, 0, 4, 2, 6) ^ VECTOR_PICK(vector, a, b, 1, 5, 3, 7);
	vector cd = VECTOR_PICK(vector, c, d, 0, 4, 2, 6) ^ VECTOR_PICK(vector, c, d, 1, 5, 3, 7);

	return VECTOR_PICK(vector, ab, cd, 0, 1, 4, 5) ^ VECTOR_PICK(vector, ab, cd, 2, 3, 6, 7);
}

/* Bit i of the result: the parity of all bits of sum[i]. */
VECTOR_INLINE uint8_t mceliece_vector_parity(const vector sum[static 8])
{
	typedef float vector_float __attribute__((vector_size(VECTOR_BYTES)));
	vector even = mceliece_vector_sum_words(sum[0], sum[2], sum[4], sum[6]);
	vector odd = mceliece_vector_sum_words(sum[1], sum[3], sum[5], sum[7]);
	vector_halves x;

	even ^= even >> 32;
	odd ^= odd << 32;
	x = (vector_halves)((even & 0xffffffff) | (odd & 0xffffffff00000000));
	x ^= x << 16;
	x ^= x << 8;
	x ^= x << 4;
	x ^= x << 2;
	x ^= x << 1;
	return (uint8_t)__builtin_ia32_movmskps256((vector_float)x);
}

/* sum[b] += row b of 8 from offset on, where e has bits */
VECTOR_INLINE void mceliece_vector_add_rows(vector sum[static 8], const uint8_t *rows, size_t offset,
                                            const vector *e)
{
	const vector word = *e;

	MCELIECE_VECTOR_UNROLL
	for (unsigned b = 0; b < 8; b++)
		sum[b] ^= vector_load_row(rows + MCELIECE_ROW_BYTES * b + offset) & word;
}

/*
 * mceliece_encapsulate_parities(). A vector of e is used for 8 rows and loaded again for the next ones: there
 * are too many to stay in registers.
 */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_parities(uint8_t *out, size_t out_len, const uint8_t *rows,
                                                      const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	vector words[MCELIECE_VECTOR_ROW_VECTORS + 1];

	for (unsigned i = 0; i < MCELIECE_VECTOR_ROW_VECTORS; i++)
		words[i] = vector_load_row(e + MCELIECE_SYNDROME_BYTES + VECTOR_BYTES * i);
	/* Only the last 32 bits are not in a vector before. */
	words[MCELIECE_VECTOR_ROW_VECTORS] = vector_load_row(e + MCELIECE_ERROR_BYTES - VECTOR_BYTES) &
	                                     (vector){ 0, 0, 0, 0xffffffff00000000 };
	for (size_t i = 0; i < out_len; i++, rows += (size_t)8 * MCELIECE_ROW_BYTES) {
		vector sum[8] = { { 0 } };

		for (unsigned k = 0; k < MCELIECE_VECTOR_ROW_VECTORS; k++)
			mceliece_vector_add_rows(sum, rows, VECTOR_BYTES * k, &words[k]);
		mceliece_vector_add_rows(sum, rows, MCELIECE_VECTOR_ROW_END,
		                         &words[MCELIECE_VECTOR_ROW_VECTORS]);
		out[i] = mceliece_vector_parity(sum);
	}
	ct_wipe(words, sizeof words);
}

#endif
