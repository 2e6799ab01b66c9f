#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_DECODE_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_DECODE_H

/*
 * mceliece_decode() with vectors; decode.c says how it works, and vector.h who includes this. Constant time.
 * Needs 24 KiB of stack.
 */

#include <string.h>

#include "crypto/bytes.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/vector_benes.h"
#include "crypto/mceliece460896/vector_bm.h"
#include "crypto/mceliece460896/vector_fft.h"

#define MCELIECE_VECTOR_WORDS (MCELIECE_Q / 64)
#define MCELIECE_VECTOR_ERROR_WORDS (MCELIECE_N / 64)

/* The Goppa polynomial, bitsliced: 96 coefficients and the leading 1. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_load_goppa(struct mceliece_vector_gf *g,
                                                        const uint8_t goppa[static MCELIECE_GOPPA_BYTES])
{
	uint64_t words[MCELIECE_M][VECTOR_LANES] = { 0 };

	for (unsigned i = 0; i < MCELIECE_T; i++) {
		uint64_t coefficient = mceliece_bytes_load_u16(goppa + 2 * i);

		for (unsigned b = 0; b < MCELIECE_M; b++)
			words[b][i / 64] |= (coefficient >> b & 1) << (i % 64);
	}
	words[0][MCELIECE_T / 64] |= (uint64_t)1 << (MCELIECE_T % 64);
	memcpy(g, words, sizeof words);
	ct_wipe(words, sizeof words);
}

/* Replaces all values by the inverses of their squares; see inverse_squares() in decode.c. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_inverse_squares(
	struct mceliece_vector_gf values[static MCELIECE_VECTOR_VALUES],
	struct mceliece_vector_gf product[static MCELIECE_VECTOR_HALF])
{
	struct mceliece_vector_gf rest;

	for (unsigned n = 0; n < MCELIECE_VECTOR_VALUES; n += MCELIECE_VECTOR_HALF) {
		struct mceliece_vector_gf *block = values + n;

		mceliece_vector_gf_sqr(&block[0], &block[0]);
		product[0] = block[0];
		for (unsigned i = 1; i < MCELIECE_VECTOR_HALF; i++) {
			mceliece_vector_gf_sqr(&block[i], &block[i]);
			mceliece_vector_gf_mul(&product[i], &product[i - 1], &block[i]);
		}
		mceliece_vector_gf_inv(&rest, &product[MCELIECE_VECTOR_HALF - 1]);
		for (unsigned i = MCELIECE_VECTOR_HALF; i-- > 1;) {
			mceliece_vector_gf_mul(&product[i], &product[i - 1], &rest);
			mceliece_vector_gf_mul(&rest, &rest, &block[i]);
			block[i] = product[i];
		}
		block[0] = rest;
	}
	ct_wipe(&rest, sizeof rest);
}

/* All ones if the weight of the first 4608 bits is 96. */
static uint64_t mceliece_vector_has_weight(const uint64_t word[static MCELIECE_VECTOR_ERROR_WORDS])
{
	uint64_t weight = 0;

	for (unsigned w = 0; w < MCELIECE_VECTOR_ERROR_WORDS; w++)
		weight += (uint64_t)__builtin_popcountll(word[w]);
	return ct_mask_equal_u64(weight, MCELIECE_T);
}

/* All ones if the first 192 elements are the same. */
static uint64_t mceliece_vector_same(const struct mceliece_vector_gf *a, const struct mceliece_vector_gf *b)
{
	vector difference = { 0 };

	for (unsigned i = 0; i < MCELIECE_M; i++)
		difference |= a->bit[i] ^ b->bit[i];
	return ct_mask_zero_u64(difference[0] | difference[1] | difference[2]);
}

static uint64_t mceliece_vector_decode(uint8_t e[static MCELIECE_ERROR_BYTES],
                                       const uint8_t c0[static MCELIECE_SYNDROME_BYTES],
                                       const uint8_t goppa[static MCELIECE_GOPPA_BYTES],
                                       const uint8_t control[static MCELIECE_BENES_BYTES])
{
	struct mceliece_vector_gf inverse[MCELIECE_VECTOR_VALUES];
	struct mceliece_vector_gf work[MCELIECE_VECTOR_HALF];
	struct mceliece_vector_gf received;
	struct mceliece_vector_gf polynomial;
	uint64_t word[MCELIECE_VECTOR_WORDS] = { 0 };
	uint64_t valid;

	for (unsigned i = 0; i < MCELIECE_SYNDROME_BYTES; i++)
		word[i / 8] |= (uint64_t)c0[i] << (8 * (i % 8));
	mceliece_vector_benes(word, control, true);
	mceliece_vector_load_goppa(&polynomial, goppa);
	mceliece_vector_fft(inverse, &polynomial);
	mceliece_vector_inverse_squares(inverse, work);
	mceliece_vector_fft_transposed(&received, inverse, word, work);

	mceliece_vector_bm(&polynomial, &received);
	mceliece_vector_fft_roots(word, &polynomial, work);

	mceliece_vector_fft_transposed(&polynomial, inverse, word, work);
	valid = mceliece_vector_same(&received, &polynomial);
	mceliece_vector_benes(word, control, false);
	valid &= mceliece_vector_has_weight(word);
	for (unsigned w = 0; w < MCELIECE_VECTOR_ERROR_WORDS; w++)
		bytes_store64(e + 8 * w, word[w]);

	ct_wipe(inverse, sizeof inverse);
	ct_wipe(work, sizeof work);
	ct_wipe(&received, sizeof received);
	ct_wipe(&polynomial, sizeof polynomial);
	ct_wipe(word, sizeof word);
	return valid;
}

#endif
