#include "crypto/mceliece460896/fft.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/fft_constants.h"

typedef struct mceliece_gf_vec gf_vec;

#define WORDS MCELIECE_FFT_VALUE_WORDS
#define HALF (WORDS / 2)
#define LEVELS 7 /* from degree below 128 to constants */

/* Within a word: the length of a quarter of a block, and the positions of the third and fourth quarters. */
struct quarters {
	unsigned distance;
	uint64_t third;
	uint64_t fourth;
};

static const struct quarters quarters[] = {
	{ 16, 0x0000ffff00000000, 0xffff000000000000 }, { 8, 0x00ff000000ff0000, 0xff000000ff000000 },
	{ 4, 0x0f000f000f000f00, 0xf000f000f000f000 },  { 2, 0x3030303030303030, 0xc0c0c0c0c0c0c0c0 },
	{ 1, 0x4444444444444444, 0x8888888888888888 },
};

/*
 * Writes each polynomial f of a level as f0(x^2 + x) + x f1(x^2 + x): the coefficients of
 * f0 replace the even ones of f, and those of f1 the odd ones. With X = x^(n / 4) for a
 * block of n coefficients and Y = (x^2 + x)^(n / 4) = X^2 + X, the block
 *     q0 + q1 X + q2 X^2 + q3 X^3  is  (q0 + (q1 + q2 + q3) X) + (q2 + q3 + q3 X) Y,
 * after which the same is done to both halves. Level k has 2^k polynomials, interleaved.
 */
static void radix_conversion(gf_vec f[static 2], unsigned level)
{
	for (unsigned b = 0; b < MCELIECE_M; b++) {
		uint64_t low = f[0].bit[b];
		uint64_t high = f[1].bit[b];

		high ^= high >> 32;
		low ^= high << 32;
		for (unsigned i = 0; i < sizeof quarters / sizeof *quarters - level; i++) {
			const struct quarters *q = &quarters[i];

			low ^= (low & q->fourth) >> q->distance;
			low ^= (low & q->third) >> q->distance;
			high ^= (high & q->fourth) >> q->distance;
			high ^= (high & q->third) >> q->distance;
		}
		f[0].bit[b] = low;
		f[1].bit[b] = high;
	}
}

/* From the coefficients of a polynomial to 128 constants, the polynomials of level 7. */
static void reduce(gf_vec f[static MCELIECE_FFT_COEFFICIENT_WORDS])
{
	radix_conversion(f, 0);
	for (unsigned level = 1; level < LEVELS; level++) {
		mceliece_fft_twist(f, MCELIECE_FFT_COEFFICIENT_WORDS, level);
		if (level < LEVELS - 1)
			radix_conversion(f, level);
	}
}

/* The value of the constant number p at 64 points. */
static void broadcast(gf_vec *value, const gf_vec f[static MCELIECE_FFT_COEFFICIENT_WORDS], unsigned p)
{
	for (unsigned b = 0; b < MCELIECE_M; b++)
		value->bit[b] = ct_mask_bit_u64(f[p / 64].bit[b] >> (p % 64));
}

/*
 * From the values of f0 and f1 on the points of the level below, which are a^2 + a for the
 * points a and a + 1 of this level, to f(a) = f0 + a f1 and f(a + 1) = f(a) + f1. The word
 * number i of each polynomial has the points of word 0 plus start plus those elements k of
 * basis for which bit k of i is set.
 */
static void combine(gf_vec *values, unsigned words, unsigned level, uint16_t start, const uint16_t *basis)
{
	unsigned distance = words >> (level + 1);
	uint16_t offset[HALF];
	gf_vec points;
	gf_vec point;

	mceliece_fft_points(&points, level);
	offset[0] = start;
	for (unsigned k = 0, n = 1; n < distance; k++, n *= 2)
		for (unsigned i = 0; i < n; i++)
			offset[n + i] = offset[i] ^ basis[k];

	for (unsigned i = 0; i < distance; i++) {
		mceliece_gf_vec_set_all(&point, offset[i]);
		mceliece_gf_vec_add_to(&point, &points);
		for (unsigned j = i; j < words; j += 2 * distance) {
			mceliece_gf_vec_mul_add(&values[j], &point, &values[j + distance]);
			mceliece_gf_vec_add_to(&values[j + distance], &values[j]);
		}
	}
}

void mceliece_fft(gf_vec values[static WORDS],
                  const gf_vec coefficients[static MCELIECE_FFT_COEFFICIENT_WORDS])
{
	gf_vec f[MCELIECE_FFT_COEFFICIENT_WORDS];

	memcpy(f, coefficients, sizeof f);
	reduce(f);
	for (unsigned p = 0; p < WORDS; p++)
		broadcast(&values[mceliece_fft_word(p)], f, p);
	for (unsigned level = LEVELS; level-- > 0;)
		combine(values, WORDS, level, 0, &mceliece_fft_basis[level][6]);
	ct_wipe(f, sizeof f);
}

/*
 * The values at the words with even numbers, and then with odd ones: for half the memory,
 * only the products of level 6, which combines two such words, are made twice.
 */
void mceliece_fft_roots(uint64_t word[static WORDS],
                        const gf_vec coefficients[static MCELIECE_FFT_COEFFICIENT_WORDS])
{
	gf_vec f[MCELIECE_FFT_COEFFICIENT_WORDS];
	gf_vec values[HALF];
	gf_vec points;
	gf_vec high;

	memcpy(f, coefficients, sizeof f);
	reduce(f);
	mceliece_fft_points(&points, LEVELS - 1);
	for (unsigned odd = 0; odd < 2; odd++) {
		for (unsigned p = 0; p < HALF; p++) {
			gf_vec *value = &values[mceliece_fft_word(p) / 2];

			broadcast(value, f, p);
			broadcast(&high, f, p + HALF);
			mceliece_gf_vec_mul_add(value, &high, &points);
		}
		for (unsigned level = LEVELS - 1; level-- > 0;)
			combine(values, HALF, level, odd ? mceliece_fft_basis[level][6] : 0,
			        &mceliece_fft_basis[level][7]);
		for (unsigned i = 0; i < HALF; i++) {
			uint64_t nonzero = 0;

			for (unsigned b = 0; b < MCELIECE_M; b++)
				nonzero |= values[i].bit[b];
			word[2 * i + odd] = ~nonzero;
		}
		/* Word 1 has the points of word 0 plus 1, the last element of the basis of level 6. */
		points.bit[0] = ~points.bit[0];
	}
	ct_wipe(f, sizeof f);
	ct_wipe(values, sizeof values);
	ct_wipe(&high, sizeof high);
}
