#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_FFT_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_FFT_H

/*
 * The additive FFT of fft.h for 256 points at a time; see vector.h for who includes this.
 *
 * Of the 128 words of the values in fft.h a vector has four, whose numbers differ in two bits only. Level k
 * combines pairs of words whose numbers differ in bit 6 - k, and these should be in different vectors. So
 * the words of a vector differ in high bits while the level is high ("apart"), and in low bits while it
 * is low ("together"). The layouts below say which words are where.
 */

#include <stdbool.h>
#include <string.h>

#include "crypto/mceliece460896/fft_constants.h"
#include "crypto/mceliece460896/vector_gf.h"
#include "crypto/mceliece460896/vector_twists.h"

#define MCELIECE_VECTOR_VALUES 32
#define MCELIECE_VECTOR_HALF (MCELIECE_VECTOR_VALUES / 2)
#define MCELIECE_VECTOR_WORD_BITS 6
#define MCELIECE_VECTOR_APART MCELIECE_M

/*
 * The first word of vector i is number start + low (i % 4) + high (i / 4). Bits within and within + 1 of the
 * numbers are those in which the words of a vector differ; they are of no importance if these are apart.
 */
struct mceliece_vector_layout {
	unsigned count; /* of vectors */
	unsigned low;
	unsigned high;
	unsigned within;
	unsigned start;
};

/* All words; results and arguments are together. */
static const struct mceliece_vector_layout mceliece_vector_all_apart = { 32, 1, 4, MCELIECE_VECTOR_APART, 0 };
static const struct mceliece_vector_layout mceliece_vector_all_together = { 32, 32, 4, 0, 0 };
/* Those with even or, when start is 1, with odd numbers: a half for the roots. */
static const struct mceliece_vector_layout mceliece_vector_odd_apart = { 16, 2, 8, MCELIECE_VECTOR_APART, 0 };
static const struct mceliece_vector_layout mceliece_vector_odd_together = { 16, 32, 8, 1, 0 };
/* Those below 64: after level 0 of the transposed FFT, for the even or the odd coefficients. */
static const struct mceliece_vector_layout mceliece_vector_low_apart = { 16, 1, 4, MCELIECE_VECTOR_APART, 0 };
static const struct mceliece_vector_layout mceliece_vector_low_together = { 16, 16, 4, 0, 0 };

VECTOR_INLINE unsigned mceliece_vector_word(const struct mceliece_vector_layout *layout, unsigned i)
{
	return layout->start + layout->low * (i % 4) + layout->high * (i / 4);
}

/* From words that are apart to the same words together, or back. */
static void mceliece_vector_reorder(struct mceliece_vector_gf *values, unsigned count)
{
	for (unsigned i = 0; i < count; i += 4) {
		MCELIECE_VECTOR_UNROLL
		for (unsigned b = 0; b < MCELIECE_M; b++) {
			vector x[4] = { values[i].bit[b], values[i + 1].bit[b], values[i + 2].bit[b],
				        values[i + 3].bit[b] };

			mceliece_vector_transpose(x);
			values[i].bit[b] = x[0];
			values[i + 1].bit[b] = x[1];
			values[i + 2].bit[b] = x[2];
			values[i + 3].bit[b] = x[3];
		}
	}
}

/* Those elements whose number has bit k set. */
static const uint64_t mceliece_vector_bit_is_set[8][4] __attribute__((aligned(32))) = {
	{ 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaaa },
	{ 0xcccccccccccccccc, 0xcccccccccccccccc, 0xcccccccccccccccc, 0xcccccccccccccccc },
	{ 0xf0f0f0f0f0f0f0f0, 0xf0f0f0f0f0f0f0f0, 0xf0f0f0f0f0f0f0f0, 0xf0f0f0f0f0f0f0f0 },
	{ 0xff00ff00ff00ff00, 0xff00ff00ff00ff00, 0xff00ff00ff00ff00, 0xff00ff00ff00ff00 },
	{ 0xffff0000ffff0000, 0xffff0000ffff0000, 0xffff0000ffff0000, 0xffff0000ffff0000 },
	{ 0xffffffff00000000, 0xffffffff00000000, 0xffffffff00000000, 0xffffffff00000000 },
	{ 0, 0xffffffffffffffff, 0, 0xffffffffffffffff },
	{ 0, 0, 0xffffffffffffffff, 0xffffffffffffffff },
};

/* The points of a vector whose first word is number 0; within: as in a layout. */
static void mceliece_vector_points(struct mceliece_vector_gf *points, unsigned level, unsigned within)
{
	unsigned in_word = level < MCELIECE_M - 1 - MCELIECE_VECTOR_WORD_BITS ? MCELIECE_VECTOR_WORD_BITS
	                                                                      : MCELIECE_M - 1 - level;
	unsigned bits = within == MCELIECE_VECTOR_APART ? in_word : MCELIECE_VECTOR_WORD_BITS + 2;

	mceliece_vector_gf_set_all(points, 0);
	for (unsigned k = 0; k < bits; k++) {
		struct mceliece_vector_gf element;
		vector mask = vector_load_row((const uint8_t *)mceliece_vector_bit_is_set[k]);
		unsigned number = k < MCELIECE_VECTOR_WORD_BITS ? k : k + within;

		mceliece_vector_gf_set_all(&element, mceliece_fft_basis[level][number]);
		for (unsigned i = 0; i < MCELIECE_M; i++)
			points->bit[i] ^= element.bit[i] & mask;
	}
}

/* Adds the point number 64 word of a level, where word has bits 0 to 5 - level alone. */
VECTOR_INLINE void mceliece_vector_move(struct mceliece_vector_gf *point,
                                        const struct mceliece_vector_gf *points, unsigned level,
                                        unsigned word)
{
	uint16_t offset = 0;

	for (unsigned k = 0; k < 6 - level; k++)
		offset ^= (uint16_t)(mceliece_fft_basis[level][6 + k] & (0U - (word >> k & 1)));
	mceliece_vector_gf_set_all(point, offset);
	mceliece_vector_gf_add_to(point, points);
}

/* All pairs of a level: what combine() does in fft.c or, transposed, separate() in fft_transposed.c. */
VECTOR_INLINE void mceliece_vector_pairs(struct mceliece_vector_gf *values,
                                         const struct mceliece_vector_layout *layout, unsigned level,
                                         bool transposed)
{
	unsigned bit = 64U >> level;
	bool is_low = bit >= layout->low && bit < 4 * layout->low;
	unsigned distance = is_low ? bit / layout->low : 4 * bit / layout->high;
	struct mceliece_vector_gf points;
	struct mceliece_vector_gf point;

	mceliece_vector_points(&points, level, layout->within);
	for (unsigned i = 0; i < layout->count; i++) {
		unsigned word = mceliece_vector_word(layout, i);
		struct mceliece_vector_gf *lower = &values[i];
		struct mceliece_vector_gf *upper = lower;

		if (word & bit)
			continue;
		upper += distance;
		mceliece_vector_move(&point, &points, level, word);
		if (transposed) {
			mceliece_vector_gf_add_to(lower, upper);
			mceliece_vector_gf_mul_add(upper, &point, lower);
		} else {
			mceliece_vector_gf_mul_add(lower, &point, upper);
			mceliece_vector_gf_add_to(upper, lower);
		}
	}
}

MCELIECE_VECTOR_OUTLINE void mceliece_vector_combine(struct mceliece_vector_gf *values,
                                                     const struct mceliece_vector_layout *layout,
                                                     unsigned level)
{
	mceliece_vector_pairs(values, layout, level, false);
}

MCELIECE_VECTOR_OUTLINE void mceliece_vector_separate(struct mceliece_vector_gf *values,
                                                      const struct mceliece_vector_layout *layout,
                                                      unsigned level)
{
	mceliece_vector_pairs(values, layout, level, true);
}

VECTOR_INLINE void mceliece_vector_twist(struct mceliece_vector_gf *f, unsigned level)
{
	mceliece_vector_gf_mul(f, f, (const struct mceliece_vector_gf *)mceliece_vector_twists[level - 1]);
}

/* Within a word: the length of a quarter of a block, and the positions of the last three quarters. */
struct mceliece_vector_quarters {
	unsigned distance;
	uint64_t second;
	uint64_t third;
	uint64_t fourth;
};

static const struct mceliece_vector_quarters mceliece_vector_quarters[] = {
	{ 16, 0x00000000ffff0000, 0x0000ffff00000000, 0xffff000000000000 },
	{ 8, 0x0000ff000000ff00, 0x00ff000000ff0000, 0xff000000ff000000 },
	{ 4, 0x00f000f000f000f0, 0x0f000f000f000f00, 0xf000f000f000f000 },
	{ 2, 0x0c0c0c0c0c0c0c0c, 0x3030303030303030, 0xc0c0c0c0c0c0c0c0 },
	{ 1, 0x2222222222222222, 0x4444444444444444, 0x8888888888888888 },
};
#define MCELIECE_VECTOR_QUARTERS (sizeof mceliece_vector_quarters / sizeof *mceliece_vector_quarters)

/* The same as radix_conversion() in fft.c, of 128 coefficients in the first two words. */
VECTOR_INLINE void mceliece_vector_radix(struct mceliece_vector_gf *f, unsigned level)
{
	const vector zero = { 0 };

	for (unsigned b = 0; b < MCELIECE_M; b++) {
		vector x = f->bit[b];

		x ^= VECTOR_PICK(vector, x, zero, 4, 1, 4, 4) >> 32;
		x ^= VECTOR_PICK(vector, x, zero, 1, 4, 4, 4) << 32;
		MCELIECE_VECTOR_UNROLL
		for (unsigned i = 0; i < MCELIECE_VECTOR_QUARTERS; i++) {
			const struct mceliece_vector_quarters *q = &mceliece_vector_quarters[i];

			if (i + level < MCELIECE_VECTOR_QUARTERS) {
				x ^= (x & q->fourth) >> q->distance;
				x ^= (x & q->third) >> q->distance;
			}
		}
		f->bit[b] = x;
	}
}

/* The same as radix_conversion() in fft_transposed.c. */
VECTOR_INLINE void mceliece_vector_radix_transposed(struct mceliece_vector_gf *f, unsigned level)
{
	const vector zero = { 0 };

	for (unsigned b = 0; b < MCELIECE_M; b++) {
		vector x = f->bit[b];

		MCELIECE_VECTOR_UNROLL
		for (unsigned i = MCELIECE_VECTOR_QUARTERS; i-- > 0;) {
			const struct mceliece_vector_quarters *q = &mceliece_vector_quarters[i];

			if (i + level < MCELIECE_VECTOR_QUARTERS) {
				x ^= (x & q->second) << q->distance;
				x ^= (x & q->third) << q->distance;
			}
		}
		if (level < MCELIECE_VECTOR_WORD_BITS) {
			x ^= VECTOR_PICK(vector, x, zero, 4, 0, 4, 2) >> 32;
			x ^= VECTOR_PICK(vector, x, zero, 4, 1, 4, 3) << 32;
		}
		x ^= VECTOR_PICK(vector, x, zero, 4, 4, 1, 4);
		x ^= VECTOR_PICK(vector, x, zero, 4, 4, 4, 2);
		f->bit[b] = x;
	}
}

/* From 128 coefficients, in the first two words, to 128 constants, the polynomials of level 7. */
static void mceliece_vector_reduce(struct mceliece_vector_gf *f)
{
	mceliece_vector_radix(f, 0);
	for (unsigned level = 1; level < 7; level++) {
		mceliece_vector_twist(f, level);
		if (level < 6)
			mceliece_vector_radix(f, level);
	}
}

/* The values of constants at the points of words that are 32 apart, the first of which is number word. */
VECTOR_INLINE void mceliece_vector_spread(struct mceliece_vector_gf *value,
                                          const struct mceliece_vector_gf *f, unsigned word)
{
	typedef int64_t vector_signed __attribute__((vector_size(VECTOR_BYTES)));
	/* These words are for constants p, p + 2, p + 1 and p + 3. */
	unsigned p = mceliece_fft_word(word);
	vector to_sign = (vector){ 63, 61, 62, 60 } - p % 64;

	MCELIECE_VECTOR_UNROLL
	for (unsigned b = 0; b < MCELIECE_M; b++) {
		vector x = vector_broadcast(f->bit[b][p / 64]) << to_sign;

		value->bit[b] = (vector)((vector_signed)x < 0);
	}
}

/* values: those of a polynomial at all field elements. Its 128 coefficients are in two words. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_fft(
	struct mceliece_vector_gf values[static MCELIECE_VECTOR_VALUES],
	const struct mceliece_vector_gf *coefficients)
{
	const struct mceliece_vector_layout *together = &mceliece_vector_all_together;
	struct mceliece_vector_gf f = *coefficients;

	mceliece_vector_reduce(&f);
	for (unsigned i = 0; i < MCELIECE_VECTOR_VALUES; i++)
		mceliece_vector_spread(&values[i], &f, i);
	for (unsigned level = 7; level-- > 2;)
		mceliece_vector_combine(values, &mceliece_vector_all_apart, level);
	mceliece_vector_reorder(values, MCELIECE_VECTOR_VALUES);
	mceliece_vector_combine(values, together, 1);
	mceliece_vector_combine(values, together, 0);
	ct_wipe(&f, sizeof f);
}

/*
 * values: those at the words with odd or even numbers, of reduced coefficients. Only the products of level 6
 * are made twice if both halves are.
 */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_fft_half(
	struct mceliece_vector_gf values[static MCELIECE_VECTOR_HALF], const struct mceliece_vector_gf *f,
	unsigned odd)
{
	struct mceliece_vector_layout apart = mceliece_vector_odd_apart;
	struct mceliece_vector_layout together = mceliece_vector_odd_together;
	struct mceliece_vector_gf points;
	struct mceliece_vector_gf high;

	apart.start = together.start = odd;
	mceliece_vector_points(&points, 6, MCELIECE_VECTOR_APART);
	if (odd)
		points.bit[0] = ~points.bit[0];
	for (unsigned i = 0; i < MCELIECE_VECTOR_HALF; i++) {
		mceliece_vector_spread(&values[i], f, 2 * i);
		mceliece_vector_spread(&high, f, 2 * i + 1);
		mceliece_vector_gf_mul_add(&values[i], &high, &points);
	}
	for (unsigned level = 6; level-- > 2;)
		mceliece_vector_combine(values, &apart, level);
	mceliece_vector_reorder(values, MCELIECE_VECTOR_HALF);
	mceliece_vector_combine(values, &together, 1);
	mceliece_vector_combine(values, &together, 0);
	ct_wipe(&high, sizeof high);
}

/* Sets those bits of word whose field elements are roots of a polynomial, and clears the others. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_fft_roots(
	uint64_t word[static MCELIECE_Q / 64], const struct mceliece_vector_gf *coefficients,
	struct mceliece_vector_gf work[static MCELIECE_VECTOR_HALF])
{
	struct mceliece_vector_gf f = *coefficients;

	mceliece_vector_reduce(&f);
	for (unsigned odd = 0; odd < 2; odd++) {
		mceliece_vector_fft_half(work, &f, odd);
		for (unsigned i = 0; i < MCELIECE_VECTOR_HALF; i++) {
			uint64_t *first = word + odd + mceliece_vector_word(&mceliece_vector_odd_together, i);
			vector nonzero = { 0 };

			MCELIECE_VECTOR_UNROLL
			for (unsigned b = 0; b < MCELIECE_M; b++)
				nonzero |= work[i].bit[b];
			for (unsigned w = 0; w < 4; w++)
				first[2 * w] = ~nonzero[w];
		}
	}
	ct_wipe(&f, sizeof f);
}

/* The same as separate_halves() in fft_transposed.c, for vectors i and i + 2. */
static void mceliece_vector_separate_halves(struct mceliece_vector_gf values[static MCELIECE_VECTOR_HALF])
{
	const uint64_t high_half = 0xffffffff00000000;
	struct mceliece_vector_gf points;

	mceliece_vector_points(&points, 7, MCELIECE_VECTOR_APART);
	for (unsigned n = 0; n < MCELIECE_VECTOR_HALF / 2; n++) {
		struct mceliece_vector_gf *a = &values[n % 2 + 4 * (n / 2)];
		struct mceliece_vector_gf *b = a + 2;

		MCELIECE_VECTOR_UNROLL
		for (unsigned i = 0; i < MCELIECE_M; i++) {
			vector x = a->bit[i];
			vector y = b->bit[i];
			vector high = x >> 32 | (y & high_half);

			a->bit[i] = high ^ ((x & ~high_half) | y << 32);
			b->bit[i] = high;
		}
		mceliece_vector_gf_mul_add(b, &points, a);
	}
}

/* The same as merge() in fft_transposed.c. */
VECTOR_INLINE vector mceliece_vector_merge(vector a, vector b, unsigned k)
{
	static const uint64_t low_bits[] = { 0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
		                             0x00ff00ff00ff00ff, 0x0000ffff0000ffff };
	unsigned n = 1U << k;

	return ((a ^ a >> n) & low_bits[k]) | ((b ^ b << n) & ~low_bits[k]);
}

/*
 * The last level, and the sums of 32 elements: those of coefficient 64 j + i to bit i of word j. Sums for
 * even coefficients are kept as those of two bits until those for the odd ones come in between.
 */
static void mceliece_vector_collect(struct mceliece_vector_gf *sums,
                                    struct mceliece_vector_gf values[static MCELIECE_VECTOR_HALF],
                                    unsigned odd)
{
	vector x[4];

	mceliece_vector_separate_halves(values);
	for (unsigned b = 0; b < MCELIECE_M; b++) {
		MCELIECE_VECTOR_UNROLL
		for (unsigned n = 0; n < 4; n++) {
			/* Bits 16 and 8 of the coefficient are bits 4 and 8 of the vector's number. */
			const struct mceliece_vector_gf *v = &values[n];
			vector y = mceliece_vector_merge(v[0].bit[b], v[4].bit[b], 4);

			x[n] = mceliece_vector_merge(y, mceliece_vector_merge(v[8].bit[b], v[12].bit[b], 4),
			                             3);
		}
		mceliece_vector_transpose(x);
		x[0] = mceliece_vector_merge(x[0], x[1], 2);
		x[2] = mceliece_vector_merge(x[2], x[3], 2);
		x[0] = mceliece_vector_merge(x[0], x[2], 1);
		sums->bit[b] = odd ? mceliece_vector_merge(sums->bit[b], x[0], 0) : x[0];
	}
	ct_wipe(x, sizeof x);
}

/* The same as first_level() in fft_transposed.c. */
static void mceliece_vector_first_level(struct mceliece_vector_gf out[static MCELIECE_VECTOR_HALF],
                                        const struct mceliece_vector_gf values[static MCELIECE_VECTOR_VALUES],
                                        const uint64_t word[static MCELIECE_Q / 64], unsigned odd)
{
	struct mceliece_vector_gf points;
	struct mceliece_vector_gf point;

	mceliece_vector_points(&points, 0, mceliece_vector_low_together.within);
	for (unsigned i = 0; i < MCELIECE_VECTOR_HALF; i++) {
		/* The vectors that begin with word and with word + 64. */
		unsigned number = mceliece_vector_word(&mceliece_vector_low_together, i);
		const struct mceliece_vector_gf *u = &values[number % 32 + number / 32];
		const struct mceliece_vector_gf *v = u + 2;
		vector u_mask = vector_load_row((const uint8_t *)(word + number));
		vector v_mask = vector_load_row((const uint8_t *)(word + number + 64));

		MCELIECE_VECTOR_UNROLL
		for (unsigned b = 0; b < MCELIECE_M; b++)
			out[i].bit[b] = (u->bit[b] & u_mask) ^ (v->bit[b] & v_mask);
		if (odd) {
			mceliece_vector_move(&point, &points, 0, number);
			mceliece_vector_gf_mul(&out[i], &out[i], &point);
			MCELIECE_VECTOR_UNROLL
			for (unsigned b = 0; b < MCELIECE_M; b++)
				out[i].bit[b] ^= v->bit[b] & v_mask;
		}
	}
}

/*
 * sums: element i is the sum of a^i times the value for a, over those field elements a whose bits in word are
 * set. work is left with secrets.
 */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_fft_transposed(
	struct mceliece_vector_gf *sums,
	const struct mceliece_vector_gf values[static MCELIECE_VECTOR_VALUES],
	const uint64_t word[static MCELIECE_Q / 64],
	struct mceliece_vector_gf work[static MCELIECE_VECTOR_HALF])
{
	for (unsigned odd = 0; odd < 2; odd++) {
		mceliece_vector_first_level(work, values, word, odd);
		mceliece_vector_separate(work, &mceliece_vector_low_together, 1);
		mceliece_vector_separate(work, &mceliece_vector_low_together, 2);
		mceliece_vector_reorder(work, MCELIECE_VECTOR_HALF);
		for (unsigned level = 3; level < 7; level++)
			mceliece_vector_separate(work, &mceliece_vector_low_apart, level);
		mceliece_vector_collect(sums, work, odd);
	}
	for (unsigned level = 7; level > 0; level--) {
		mceliece_vector_twist(sums, level);
		mceliece_vector_radix_transposed(sums, level - 1);
	}
}

#endif
