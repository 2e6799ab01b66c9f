#include "crypto/mceliece460896/decode.h"

#include <assert.h>
#include <string.h>

#include "crypto/bytes.h"
#include "crypto/ct.h"
#include "crypto/mceliece460896/benes.h"
#include "crypto/mceliece460896/bm.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/fft.h"

/*
 * A word of the code is one of the Goppa code of g and, as g has no square factor, one of
 * that of g^2: the sums of w(a) a^i / g(a)^2, i < 192, over all elements a of the support
 * are zero. For other words w these sums are the syndrome. They satisfy the recurrence
 * whose polynomial is the product of 1 - a x for all a in error, if there are up to 96.
 */

typedef struct mceliece_gf_vec gf_vec;

#define M MCELIECE_M
#define T MCELIECE_T
#define WORDS MCELIECE_FFT_VALUE_WORDS
#define ERROR_WORDS (MCELIECE_N / 64)
#define SYNDROME_WORDS 3
#define BLOCK 32 /* vectors per inversion */

static_assert(SYNDROME_WORDS * 64 == 2 * T && SYNDROME_WORDS == MCELIECE_BM_SEQUENCE_WORDS &&
                      SYNDROME_WORDS <= MCELIECE_FFT_SUM_WORDS,
              "a syndrome fills whole words");

/*
 * inverse = 1 / g^2 at all points. A block has a single inversion: of the product of all
 * its values, from which the products of each value with those before it lead back. The g
 * of a key has no roots. Not inlined, to have its frame off the stack again.
 */
__attribute__((noinline)) static void inverse_squares(gf_vec inverse[static WORDS],
                                                      const uint8_t goppa[static MCELIECE_GOPPA_BYTES])
{
	gf_vec product[BLOCK];
	gf_vec g[MCELIECE_FFT_COEFFICIENT_WORDS];
	gf_vec rest;
	uint16_t coefficients[T + 1];

	for (unsigned i = 0; i < T; i++)
		coefficients[i] = mceliece_bytes_load_u16(goppa + 2 * i);
	coefficients[T] = 1;
	mceliece_gf_vec_load(&g[0], coefficients, 64);
	mceliece_gf_vec_load(&g[1], coefficients + 64, T + 1 - 64);
	mceliece_fft(inverse, g);

	for (gf_vec *block = inverse; block < inverse + WORDS; block += BLOCK) {
		mceliece_gf_vec_sqr(&block[0], &block[0]);
		product[0] = block[0];
		for (unsigned i = 1; i < BLOCK; i++) {
			mceliece_gf_vec_sqr(&block[i], &block[i]);
			mceliece_gf_vec_mul(&product[i], &product[i - 1], &block[i]);
		}
		mceliece_gf_vec_inv(&rest, &product[BLOCK - 1]);
		for (unsigned i = BLOCK; i-- > 1;) {
			mceliece_gf_vec_mul(&product[i], &product[i - 1], &rest);
			mceliece_gf_vec_mul(&rest, &rest, &block[i]);
			block[i] = product[i];
		}
		block[0] = rest;
	}
	ct_wipe(product, sizeof product);
	ct_wipe(g, sizeof g);
	ct_wipe(&rest, sizeof rest);
	ct_wipe(coefficients, sizeof coefficients);
}

static uint64_t reverse_bits(uint64_t x)
{
	static const uint64_t low[] = { 0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
		                        0x00ff00ff00ff00ff, 0x0000ffff0000ffff };

	for (unsigned k = 0; k < sizeof low / sizeof *low; k++)
		x = (x >> (1U << k) & low[k]) | (x & low[k]) << (1U << k);
	return x >> 32 | x << 32;
}

/* Coefficient i of the locator, whose roots are the points in error, is number 96 - i of the connection. */
static void make_locator(gf_vec locator[static MCELIECE_FFT_COEFFICIENT_WORDS],
                         const gf_vec connection[static MCELIECE_BM_CONNECTION_WORDS])
{
	unsigned excess = 127 - T;

	for (unsigned b = 0; b < M; b++) {
		uint64_t low = reverse_bits(connection[1].bit[b]);
		uint64_t high = reverse_bits(connection[0].bit[b]);

		locator[0].bit[b] = low >> excess | high << (64 - excess);
		locator[1].bit[b] = high >> excess;
	}
}

/*
 * All ones if the weight of the first 4608 bits is 96. The locator, which is not zero and
 * of degree 96 at most, has no roots left for the points behind them.
 */
static uint64_t has_weight(const uint64_t word[static ERROR_WORDS])
{
	uint64_t weight = 0;

	for (unsigned w = 0; w < ERROR_WORDS; w++) {
		uint64_t x = word[w];

		x = (x & 0x5555555555555555) + (x >> 1 & 0x5555555555555555);
		x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
		x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
		x += x >> 8;
		x += x >> 16;
		x += x >> 32;
		weight += x & 0x7f;
	}
	return ct_mask_equal_u64(weight, T);
}

uint64_t mceliece_decode(uint8_t e[static MCELIECE_ERROR_BYTES],
                         const uint8_t c0[static MCELIECE_SYNDROME_BYTES],
                         const uint8_t goppa[static MCELIECE_GOPPA_BYTES],
                         const uint8_t control[static MCELIECE_BENES_BYTES])
{
	gf_vec inverse[WORDS];
	gf_vec received[MCELIECE_FFT_SUM_WORDS];
	gf_vec found[MCELIECE_FFT_SUM_WORDS];
	gf_vec connection[MCELIECE_BM_CONNECTION_WORDS];
	gf_vec locator[MCELIECE_FFT_COEFFICIENT_WORDS];
	uint64_t word[WORDS] = { 0 };
	uint64_t valid;

	/* C0 followed by zeros is a word with the same syndrome as e, as H = (I | T). */
	for (unsigned i = 0; i < MCELIECE_SYNDROME_BYTES; i++)
		word[i / 8] |= (uint64_t)c0[i] << (8 * (i % 8));
	mceliece_benes_apply_inverse(word, control);
	inverse_squares(inverse, goppa);
	mceliece_fft_transposed(received, inverse, word);

	(void)mceliece_bm(connection, received);
	make_locator(locator, connection);
	mceliece_fft_roots(word, locator);

	/* Whatever the recurrence was: e is right if it has the weight and the syndrome. */
	mceliece_fft_transposed(found, inverse, word);
	valid = ct_equal(received, found, SYNDROME_WORDS * sizeof *found);
	mceliece_benes_apply(word, control);
	valid &= has_weight(word);
	for (unsigned w = 0; w < ERROR_WORDS; w++)
		bytes_store64(e + 8 * w, word[w]);

	ct_wipe(inverse, sizeof inverse);
	ct_wipe(received, sizeof received);
	ct_wipe(found, sizeof found);
	ct_wipe(connection, sizeof connection);
	ct_wipe(locator, sizeof locator);
	ct_wipe(word, sizeof word);
	return valid;
}
