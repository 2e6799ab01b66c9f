#include "crypto/mceliece460896/fft.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/fft_constants.h"

/*
 * Every step of the FFT of fft.c is a linear map. Their transposes, in the opposite
 * order, are the transpose of the FFT. There is one more level than in fft.c, as there
 * are 256 coefficients and not 128; the points that it combines are in the same word.
 * After level 0 the even and the odd coefficients have nothing to do with each other, so
 * that one half of the values at a time is enough.
 */

typedef struct mceliece_gf_vec gf_vec;

#define M MCELIECE_M
#define WORDS MCELIECE_FFT_VALUE_WORDS
#define HALF (WORDS / 2)
#define LAST_LEVEL 7
#define HIGH_HALF 0xffffffff00000000

/* offset[i]: the point number 64 i. */
static void word_offsets(uint16_t *offset, unsigned words, unsigned level)
{
	offset[0] = 0;
	for (unsigned k = 0, n = 1; n < words; k++, n *= 2)
		for (unsigned i = 0; i < n; i++)
			offset[n + i] = offset[i] ^ mceliece_fft_basis[level][6 + k];
}

/*
 * Level 0: (f0, f1) -> (f0 + a f1, f0 + (a + 1) f1), transposed, so that (u, v) becomes
 * (u + v, a (u + v) + v): the first of these for the even coefficients, the other one for
 * the odd ones.
 */
static void first_level(gf_vec out[static HALF], const gf_vec values[static WORDS],
                        const uint64_t word[static WORDS], unsigned odd)
{
	uint16_t offset[HALF];
	gf_vec points;
	gf_vec point;

	mceliece_fft_points(&points, 0);
	word_offsets(offset, HALF, 0);
	for (unsigned i = 0; i < HALF; i++) {
		const gf_vec *u = &values[i];
		const gf_vec *v = &values[i + HALF];

		for (unsigned b = 0; b < M; b++)
			out[i].bit[b] = (u->bit[b] & word[i]) ^ (v->bit[b] & word[i + HALF]);
		if (odd) {
			mceliece_gf_vec_set_all(&point, offset[i]);
			mceliece_gf_vec_add_to(&point, &points);
			mceliece_gf_vec_mul(&out[i], &out[i], &point);
			for (unsigned b = 0; b < M; b++)
				out[i].bit[b] ^= v->bit[b] & word[i + HALF];
		}
	}
}

/* The same for levels 1 to 6. */
static void separate(gf_vec values[static HALF], unsigned level)
{
	unsigned distance = WORDS >> (level + 1);
	uint16_t offset[HALF / 2];
	gf_vec points;
	gf_vec point;

	mceliece_fft_points(&points, level);
	word_offsets(offset, distance, level);
	for (unsigned i = 0; i < distance; i++) {
		mceliece_gf_vec_set_all(&point, offset[i]);
		mceliece_gf_vec_add_to(&point, &points);
		for (unsigned j = i; j < HALF; j += 2 * distance) {
			mceliece_gf_vec_add_to(&values[j], &values[j + distance]);
			mceliece_gf_vec_mul_add(&values[j + distance], &point, &values[j]);
		}
	}
}

/*
 * The same for the last level, whose pairs are 32 positions apart in a word: the 32 sums
 * of words a and b go to a, and the 32 other numbers of both to b.
 */
static void separate_halves(gf_vec *a, gf_vec *b, const gf_vec *points)
{
	gf_vec high;

	for (unsigned i = 0; i < M; i++) {
		uint64_t x = a->bit[i];
		uint64_t y = b->bit[i];

		high.bit[i] = x >> 32 | (y & HIGH_HALF);
		a->bit[i] = high.bit[i] ^ ((x & ~HIGH_HALF) | y << 32);
	}
	*b = high;
	mceliece_gf_vec_mul_add(b, points, a);
	ct_wipe(&high, sizeof high);
}

/* Of each 2^(k + 1) bits the low ones. */
static const uint64_t low_bits[] = { 0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
	                             0x00ff00ff00ff00ff, 0x0000ffff0000ffff };

/* Each 2^(k + 1) bits of both words are added up to 2^k bits; those of a go to the low bits. */
static uint64_t merge(uint64_t a, uint64_t b, unsigned k)
{
	unsigned n = 1U << k;

	return ((a ^ a >> n) & low_bits[k]) | ((b ^ b << n) & ~low_bits[k]);
}

/*
 * The last level and, as the transpose of a broadcast, the sums of 32 bits. Those of the
 * even coefficients are kept as sums of 2 bits until those of the odd ones come in between.
 */
static void collect(gf_vec sums[static MCELIECE_FFT_SUM_WORDS], gf_vec values[static HALF], unsigned odd)
{
	gf_vec points;
	gf_vec *first[16];
	uint64_t x[16] = { 0 };

	mceliece_fft_points(&points, LAST_LEVEL);
	for (unsigned w = 0; w < 2; w++) {
		for (unsigned i = 0; i < 16; i++) {
			/* Coefficients p, and p + 32: in the opposite order the bit of 32 is that of 2. */
			unsigned p = 64 * w + 2 * i + odd;

			first[i] = &values[mceliece_fft_word(p) % HALF];
			separate_halves(first[i], first[i] + 2, &points);
		}
		for (unsigned n = 0; n < 2 * M; n++) {
			unsigned b = n / 2;
			uint64_t *sum = &sums[2 * (n % 2) + w].bit[b];

			for (unsigned i = 0; i < 16; i++)
				x[i] = first[i][2 * (n % 2)].bit[b];
			for (unsigned k = 4; k > 0; k--)
				for (unsigned i = 0; i < 1U << (k - 1); i++)
					x[i] = merge(x[i], x[i + (1U << (k - 1))], k);
			*sum = odd ? merge(*sum, x[0], 0) : x[0];
		}
	}
	ct_wipe(x, sizeof x);
}

/* Within a word: the length of a quarter of a block, and the positions of the second and third quarters. */
struct quarters {
	unsigned distance;
	uint64_t second;
	uint64_t third;
};

static const struct quarters quarters[] = {
	{ 1, 0x2222222222222222, 0x4444444444444444 },  { 2, 0x0c0c0c0c0c0c0c0c, 0x3030303030303030 },
	{ 4, 0x00f000f000f000f0, 0x0f000f000f000f00 },  { 8, 0x0000ff000000ff00, 0x00ff000000ff0000 },
	{ 16, 0x00000000ffff0000, 0x0000ffff00000000 },
};

/* (q0, q1, q2, q3) -> (q0, q1 + q2 + q3, q2 + q3, q3), transposed, from the small blocks to the large one. */
static void radix_conversion(gf_vec f[static MCELIECE_FFT_SUM_WORDS], unsigned level)
{
	for (unsigned b = 0; b < M; b++) {
		for (unsigned i = level; i < sizeof quarters / sizeof *quarters; i++) {
			const struct quarters *q = &quarters[i];

			for (unsigned w = 0; w < MCELIECE_FFT_SUM_WORDS; w++) {
				uint64_t x = f[w].bit[b];

				x ^= (x & q->second) << q->distance;
				x ^= (x & q->third) << q->distance;
				f[w].bit[b] = x;
			}
		}
		for (unsigned w = 0; level < 6 && w < MCELIECE_FFT_SUM_WORDS; w += 2) {
			f[w + 1].bit[b] ^= f[w].bit[b] >> 32;
			f[w + 1].bit[b] ^= f[w + 1].bit[b] << 32;
		}
		f[2].bit[b] ^= f[1].bit[b];
		f[3].bit[b] ^= f[2].bit[b];
	}
}

void mceliece_fft_transposed(gf_vec sums[static MCELIECE_FFT_SUM_WORDS], const gf_vec values[static WORDS],
                             const uint64_t word[static WORDS])
{
	gf_vec half[HALF];

	for (unsigned odd = 0; odd < 2; odd++) {
		first_level(half, values, word, odd);
		for (unsigned level = 1; level < LAST_LEVEL; level++)
			separate(half, level);
		collect(sums, half, odd);
	}
	mceliece_fft_twist(sums, MCELIECE_FFT_SUM_WORDS, LAST_LEVEL);
	for (unsigned level = LAST_LEVEL; level-- > 0;) {
		radix_conversion(sums, level);
		if (level > 0)
			mceliece_fft_twist(sums, MCELIECE_FFT_SUM_WORDS, level);
	}
	ct_wipe(half, sizeof half);
}
