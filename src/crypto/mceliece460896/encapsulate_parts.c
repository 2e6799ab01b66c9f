#include "crypto/mceliece460896/encapsulate_parts.h"

#include <assert.h>
#include <string.h>

#include "crypto/bytes.h"
#include "crypto/ct.h"

#define T MCELIECE_T
#define N MCELIECE_N
#define ERROR_WORDS (N / 64)

/* 1 << k for k < 64, k secret. */
static uint64_t power_of_two(uint64_t k)
{
	uint64_t x = 1;

	for (unsigned i = 0; i < 6; i++) {
		uint64_t mask = ct_mask_bit_u64(k >> i);

		x ^= mask & (x ^ x << (1U << i));
	}
	return x;
}

/* floor(r k / 2^64) for k < 2^32 */
static uint64_t high_product(uint64_t r, uint32_t k)
{
	return ((r >> 32) * k + ((r & 0xffffffff) * k >> 32)) >> 32;
}

/*
 * Sendrier, "Secure sampling of constant-weight words: application to BIKE" (2021): for i
 * from 95 down to 0 a uniform position of i .. N - 1, or i itself if that position was
 * taken before. Every set of positions has the same probability, and nothing is rejected.
 *
 * The position is i + floor(r k / 2^64) with k = N - i and a uniform r of 64 bits. At most
 * ceil(2^64 / k) numbers r give the same one, so that it has a probability of up to
 * 1/k + 1/2^64 = (1 + k / 2^64) / k, with k / 2^64 below 2^-51. For all 96 positions, and
 * for a set of them, the factor is below (1 + 2^-51.8)^96 < 1 + 2^-45 < 1 + 2^-44: no
 * attack gains more than this factor over one on exactly uniform error vectors.
 */
static void sample_positions(uint16_t position[static T], const uint8_t random[static MCELIECE_RANDOM_BYTES])
{
	for (unsigned i = T; i-- > 0;) {
		uint64_t x = i + high_product(bytes_load64(random + 8 * i), N - i);
		uint64_t taken = 0;

		for (unsigned j = i + 1; j < T; j++)
			taken |= ct_mask_equal_u64(x, position[j]);
		position[i] = (uint16_t)(x ^ (taken & (x ^ i)));
	}
}

void mceliece_encapsulate_place(uint8_t e[static MCELIECE_ERROR_BYTES],
                                const uint8_t random[static MCELIECE_RANDOM_BYTES])
{
	uint16_t position[T];
	uint64_t words[ERROR_WORDS] = { 0 };

	sample_positions(position, random);
	for (unsigned i = 0; i < T; i++) {
		uint64_t bit = power_of_two(position[i] % 64);
		uint64_t word = position[i] / 64;

		for (unsigned w = 0; w < ERROR_WORDS; w++)
			words[w] |= bit & ct_mask_equal_u64(word, w);
	}
	for (unsigned w = 0; w < ERROR_WORDS; w++)
		bytes_store64(e + 8 * w, words[w]);
	ct_wipe(position, sizeof position);
	ct_wipe(words, sizeof words);
}

/* A row of T: 52 words and a half. The byte order of words is of no importance for a parity. */
#define ROW_WORDS (MCELIECE_ROW_BYTES / 8)

static_assert(MCELIECE_ROW_BYTES == 8 * ROW_WORDS + 4 && ROW_WORDS % 4 == 0, "a row ends with half a word");

static uint64_t load_word(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return x;
}

static uint64_t load_half(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof x);
	return x;
}

/* Bit 0 of the result: the parity of row & e. */
static uint64_t row_parity(const uint8_t row[static MCELIECE_ROW_BYTES],
                           const uint64_t e[static ROW_WORDS + 1])
{
	uint64_t x = load_half(row + 8 * ROW_WORDS) & e[ROW_WORDS];

	for (unsigned w = 0; w < ROW_WORDS; w += 4) {
		x ^= load_word(row + 8 * w) & e[w];
		x ^= load_word(row + 8 * w + 8) & e[w + 1];
		x ^= load_word(row + 8 * w + 16) & e[w + 2];
		x ^= load_word(row + 8 * w + 24) & e[w + 3];
	}
	x ^= x >> 32;
	x ^= x >> 16;
	x ^= x >> 8;
	x ^= x >> 4;
	x ^= x >> 2;
	x ^= x >> 1;
	return x & 1;
}

void mceliece_encapsulate_parities(uint8_t *out, size_t out_len, const uint8_t *rows,
                                   const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	uint64_t words[ROW_WORDS + 1];

	for (unsigned w = 0; w < ROW_WORDS; w++)
		words[w] = load_word(e + MCELIECE_SYNDROME_BYTES + 8 * w);
	words[ROW_WORDS] = load_half(e + MCELIECE_SYNDROME_BYTES + 8 * ROW_WORDS);

	for (size_t i = 0; i < out_len; i++) {
		uint64_t byte = 0;

		for (unsigned b = 0; b < 8; b++, rows += MCELIECE_ROW_BYTES)
			byte |= row_parity(rows, words) << b;
		out[i] = (uint8_t)byte;
	}
	ct_wipe(words, sizeof words);
}
