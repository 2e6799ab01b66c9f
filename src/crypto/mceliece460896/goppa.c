#include "crypto/mceliece460896/goppa.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/bm.h"

#define BITS MCELIECE_M
#define DEGREE MCELIECE_T
#define BABY_STEPS MCELIECE_GOPPA_BABY_STEPS
#define GIANT_STEPS MCELIECE_GOPPA_GIANT_STEPS

static_assert(BABY_STEPS * GIANT_STEPS == MCELIECE_BM_TERMS &&
                      MCELIECE_BM_TERMS == 64 * MCELIECE_BM_SEQUENCE_WORDS,
              "the sequence is what determines a recurrence of length 96");

/* Elements 64 .. 95 of a vector. */
#define UPPER_HALF 0xffffffff

/* y^96 = y^10 + y^9 + y^6 + 1. */
#define RING_TAIL ((uint64_t)1 << 10 | (uint64_t)1 << 9 | (uint64_t)1 << 6 | 1)

typedef struct mceliece_gf_vec gf_vec;
typedef struct mceliece_goppa_vector vector;

static uint16_t element(const vector *v, size_t i)
{
	return mceliece_gf_vec_element(&v->half[i / 64], (unsigned)(i % 64));
}

/* sum += a v. */
static void add_multiple(vector *sum, uint16_t a, const vector *v)
{
	gf_vec factor;
	gf_vec product;

	mceliece_gf_vec_set_all(&factor, a);
	for (unsigned h = 0; h < 2; h++) {
		mceliece_gf_vec_mul(&product, &factor, &v->half[h]);
		mceliece_gf_vec_add_to(&sum->half[h], &product);
	}
	ct_wipe(&factor, sizeof factor);
	ct_wipe(&product, sizeof product);
}

/* The sum of the products of the elements of u and v. */
static uint16_t inner_product(const vector *u, const vector *v)
{
	gf_vec low;
	gf_vec high;
	uint32_t sum = 0;

	mceliece_gf_vec_mul(&low, &u->half[0], &v->half[0]);
	mceliece_gf_vec_mul(&high, &u->half[1], &v->half[1]);
	for (unsigned b = 0; b < BITS; b++) {
		uint64_t x = low.bit[b] ^ high.bit[b];

		for (unsigned distance = 32; distance > 0; distance /= 2)
			x ^= x >> distance;
		sum |= (uint32_t)(x & 1) << b;
	}
	ct_wipe(&low, sizeof low);
	ct_wipe(&high, sizeof high);
	return (uint16_t)sum;
}

/* Moves every element to the next index; the last one drops out, first comes in. */
static void shift(vector *v, uint16_t first)
{
	for (unsigned b = 0; b < BITS; b++) {
		uint64_t low = v->half[0].bit[b];

		v->half[1].bit[b] = v->half[1].bit[b] << 1 | low >> 63;
		v->half[0].bit[b] = low << 1 | (uint64_t)(first >> b & 1);
	}
}

/* multiples[i] = y^i v in the ring: the matrix of the multiplication by v. */
static void ring_multiples(vector multiples[static DEGREE], const vector *v)
{
	multiples[0] = *v;
	for (size_t i = 1; i < DEGREE; i++) {
		multiples[i] = multiples[i - 1];
		shift(&multiples[i], 0);
		for (unsigned b = 0; b < BITS; b++) {
			uint64_t *high = &multiples[i].half[1].bit[b];
			uint64_t carry = ct_mask_bit_u64(*high >> (DEGREE - 64));

			multiples[i].half[0].bit[b] ^= carry & RING_TAIL;
			*high &= UPPER_HALF;
		}
	}
}

/*
 * sequence[i] = coefficient 0 of beta^i, for i < 192. Powers are needed only up to 12:
 * the functional that reads coefficient 0 of beta^12k v off v comes from the one for
 * k - 1 by the transposed multiplication by beta^12.
 */
static void power_sequence(struct mceliece_goppa_scratch *s, const uint16_t beta[static DEGREE])
{
	vector *functional = &s->functional[0];
	vector *next = &s->functional[1];

	memset(s->power, 0, sizeof s->power);
	s->power[0].half[0].bit[0] = 1;
	mceliece_gf_vec_load(&s->power[1].half[0], beta, 64);
	mceliece_gf_vec_load(&s->power[1].half[1], beta + 64, DEGREE - 64);
	ring_multiples(s->multiples, &s->power[1]);
	for (size_t j = 2; j <= BABY_STEPS; j++)
		for (size_t i = 0; i < DEGREE; i++)
			add_multiple(&s->power[j], element(&s->power[j - 1], i), &s->multiples[i]);

	ring_multiples(s->multiples, &s->power[BABY_STEPS]);
	memset(functional, 0, sizeof *functional);
	functional->half[0].bit[0] = 1;
	for (size_t k = 0; k < GIANT_STEPS; k++) {
		for (size_t j = 0; j < BABY_STEPS; j++)
			s->sequence[BABY_STEPS * k + j] = inner_product(functional, &s->power[j]);
		memset(next, 0, sizeof *next);
		for (size_t i = DEGREE; i-- > 0;)
			shift(next, inner_product(functional, &s->multiples[i]));
		*functional = *next;
	}
}

/*
 * The ring is a field, so the minimal polynomial of beta is irreducible and is also that
 * of any nonzero linear sequence of its powers.
 */
uint64_t mceliece_goppa_minimal_polynomial(uint16_t g[static DEGREE], const uint16_t beta[static DEGREE],
                                           struct mceliece_goppa_scratch *scratch)
{
	vector *connection = &scratch->functional[0];
	gf_vec sequence[MCELIECE_BM_SEQUENCE_WORDS];
	uint64_t length;
	uint16_t scale;

	power_sequence(scratch, beta);
	for (size_t w = 0; w < MCELIECE_BM_SEQUENCE_WORDS; w++)
		mceliece_gf_vec_load(&sequence[w], scratch->sequence + 64 * w, 64);
	length = mceliece_bm(connection->half, sequence);
	scale = mceliece_gf_inv(element(connection, 0));
	for (size_t i = 0; i < DEGREE; i++)
		g[i] = mceliece_gf_mul(scale, element(connection, DEGREE - i));
	ct_wipe(sequence, sizeof sequence);
	return ct_mask_equal_u64(length, DEGREE);
}

void mceliece_goppa_columns(struct mceliece_elimination_strip *strip, unsigned word,
                            const uint16_t g[static DEGREE], const uint16_t points[static 64])
{
	gf_vec x;
	gf_vec coefficient;
	gf_vec value;

	mceliece_gf_vec_load(&x, points, 64);
	mceliece_gf_vec_set_all(&value, 1);
	for (size_t i = DEGREE; i-- > 0;) {
		mceliece_gf_vec_mul(&value, &value, &x);
		mceliece_gf_vec_set_all(&coefficient, g[i]);
		mceliece_gf_vec_add_to(&value, &coefficient);
	}
	mceliece_gf_vec_inv(&value, &value);
	for (size_t i = 0; i < DEGREE; i++) {
		for (unsigned b = 0; b < BITS; b++)
			strip->row[BITS * i + b][word] = value.bit[b];
		mceliece_gf_vec_mul(&value, &value, &x);
	}
	ct_wipe(&x, sizeof x);
	ct_wipe(&coefficient, sizeof coefficient);
	ct_wipe(&value, sizeof value);
}
