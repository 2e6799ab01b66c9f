#include "crypto/mceliece460896/gf.h"

#include <string.h>

#define M MCELIECE_M

typedef struct mceliece_gf_vec gf_vec;

uint16_t mceliece_gf_mul(uint16_t a, uint16_t b)
{
	uint32_t product = 0;

	for (unsigned i = 0; i < M; i++) {
		uint32_t mask = ct_mask_bit_u32((uint32_t)b >> i);

		product ^= ((uint32_t)a << i) & mask;
	}
	/* z^13 = z^4 + z^3 + z + 1; twice, because the first time gives up to z^15. */
	for (unsigned i = 0; i < 2; i++) {
		uint32_t high = product >> M;

		product = (product & (MCELIECE_Q - 1)) ^ high ^ high << 1 ^ high << 3 ^ high << 4;
	}
	return (uint16_t)product;
}

/* a^(2^k) */
static uint16_t power_of_two(uint16_t a, unsigned k)
{
	for (; k > 0; k--)
		a = mceliece_gf_mul(a, a);
	return a;
}

/* a^(2^13 - 2), by a^(2^k - 1) for k = 2, 3, 6, 12. */
uint16_t mceliece_gf_inv(uint16_t a)
{
	uint16_t x = mceliece_gf_mul(power_of_two(a, 1), a);

	x = mceliece_gf_mul(power_of_two(x, 1), a);
	x = mceliece_gf_mul(power_of_two(x, 3), x);
	x = mceliece_gf_mul(power_of_two(x, 6), x);
	return power_of_two(x, 1);
}

uint16_t mceliece_gf_reverse_bits(uint16_t a)
{
	uint32_t reversed = 0;

	for (unsigned i = 0; i < M; i++)
		reversed |= ((uint32_t)a >> i & 1) << (M - 1 - i);
	return (uint16_t)reversed;
}

/*
 * SUM_n(P, i, j): the sum of n products P(i, j), P(i + 1, j - 1), .. of the coefficients
 * i of one factor and j of the other.
 */
#define SUM_1(P, i, j) P(i, j)
#define SUM_2(P, i, j) (P(i, j) ^ SUM_1(P, i + 1, j - 1))
#define SUM_3(P, i, j) (P(i, j) ^ SUM_2(P, i + 1, j - 1))
#define SUM_4(P, i, j) (P(i, j) ^ SUM_3(P, i + 1, j - 1))
#define SUM_5(P, i, j) (P(i, j) ^ SUM_4(P, i + 1, j - 1))
#define SUM_6(P, i, j) (P(i, j) ^ SUM_5(P, i + 1, j - 1))
#define SUM_7(P, i, j) (P(i, j) ^ SUM_6(P, i + 1, j - 1))
#define SUM_8(P, i, j) (P(i, j) ^ SUM_7(P, i + 1, j - 1))
#define SUM_9(P, i, j) (P(i, j) ^ SUM_8(P, i + 1, j - 1))
#define SUM_10(P, i, j) (P(i, j) ^ SUM_9(P, i + 1, j - 1))
#define SUM_11(P, i, j) (P(i, j) ^ SUM_10(P, i + 1, j - 1))
#define SUM_12(P, i, j) (P(i, j) ^ SUM_11(P, i + 1, j - 1))
#define SUM_13(P, i, j) (P(i, j) ^ SUM_12(P, i + 1, j - 1))

/*
 * Schoolbook, from the highest coefficient of the product to the lowest. Those from t24
 * to t13 fall on the coefficients that are 13, 12, 10 and 9 below them. An output is
 * written when no input at or above its index is needed any more: it may be an input.
 */
#define MULTIPLY(ASSIGN, P)                                                   \
	do {                                                                  \
		uint64_t t24 = SUM_1(P, 12, 12);                              \
		uint64_t t23 = SUM_2(P, 11, 12);                              \
		uint64_t t22 = SUM_3(P, 10, 12);                              \
		uint64_t t21 = SUM_4(P, 9, 12);                               \
		uint64_t t20 = SUM_5(P, 8, 12);                               \
		uint64_t t19 = SUM_6(P, 7, 12);                               \
		uint64_t t18 = SUM_7(P, 6, 12);                               \
		uint64_t t17 = SUM_8(P, 5, 12);                               \
		uint64_t t16 = SUM_9(P, 4, 12);                               \
		uint64_t t15 = SUM_10(P, 3, 12) ^ t24;                        \
		uint64_t t14 = SUM_11(P, 2, 12) ^ t23 ^ t24;                  \
		uint64_t t13 = SUM_12(P, 1, 12) ^ t22 ^ t23;                  \
                                                                              \
		out->bit[12] ASSIGN SUM_13(P, 0, 12) ^ t21 ^ t22 ^ t24;       \
		out->bit[11] ASSIGN SUM_12(P, 0, 11) ^ t20 ^ t21 ^ t23 ^ t24; \
		out->bit[10] ASSIGN SUM_11(P, 0, 10) ^ t19 ^ t20 ^ t22 ^ t23; \
		out->bit[9] ASSIGN SUM_10(P, 0, 9) ^ t18 ^ t19 ^ t21 ^ t22;   \
		out->bit[8] ASSIGN SUM_9(P, 0, 8) ^ t17 ^ t18 ^ t20 ^ t21;    \
		out->bit[7] ASSIGN SUM_8(P, 0, 7) ^ t16 ^ t17 ^ t19 ^ t20;    \
		out->bit[6] ASSIGN SUM_7(P, 0, 6) ^ t15 ^ t16 ^ t18 ^ t19;    \
		out->bit[5] ASSIGN SUM_6(P, 0, 5) ^ t14 ^ t15 ^ t17 ^ t18;    \
		out->bit[4] ASSIGN SUM_5(P, 0, 4) ^ t13 ^ t14 ^ t16 ^ t17;    \
		out->bit[3] ASSIGN SUM_4(P, 0, 3) ^ t13 ^ t15 ^ t16;          \
		out->bit[2] ASSIGN SUM_3(P, 0, 2) ^ t14 ^ t15;                \
		out->bit[1] ASSIGN SUM_2(P, 0, 1) ^ t13 ^ t14;                \
		out->bit[0] ASSIGN SUM_1(P, 0, 0) ^ t13;                      \
	} while (0)

#define PRODUCT(i, j) (a->bit[i] & b->bit[j])
#define TWO_PRODUCTS(i, j) (PRODUCT(i, j) ^ (c->bit[i] & d->bit[j]))

void mceliece_gf_vec_mul(gf_vec *out, const gf_vec *a, const gf_vec *b)
{
	MULTIPLY(=, PRODUCT);
}

void mceliece_gf_vec_mul_add(gf_vec *out, const gf_vec *a, const gf_vec *b)
{
	MULTIPLY(^=, PRODUCT);
}

void mceliece_gf_vec_mul_sum(gf_vec *out, const gf_vec *a, const gf_vec *b, const gf_vec *c, const gf_vec *d)
{
	MULTIPLY(=, TWO_PRODUCTS);
}

/* Coefficient i falls on z^(2 i), reduced. */
void mceliece_gf_vec_sqr(gf_vec *out, const gf_vec *a)
{
	uint64_t a7 = a->bit[7];
	uint64_t a8 = a->bit[8];
	uint64_t a9 = a->bit[9];
	uint64_t a10 = a->bit[10];
	uint64_t a11 = a->bit[11];
	uint64_t a12 = a->bit[12];

	out->bit[12] = a->bit[6] ^ a11 ^ a12;
	out->bit[11] = a10 ^ a12;
	out->bit[10] = a->bit[5] ^ a10 ^ a11;
	out->bit[9] = a9 ^ a11;
	out->bit[8] = a->bit[4] ^ a9 ^ a10;
	out->bit[7] = a8 ^ a10;
	out->bit[6] = a->bit[3] ^ a8 ^ a9 ^ a12;
	out->bit[5] = a7 ^ a9;
	out->bit[4] = a->bit[2] ^ a7 ^ a8 ^ a11 ^ a12;
	out->bit[3] = a8 ^ a11 ^ a12;
	out->bit[2] = a->bit[1] ^ a7;
	out->bit[1] = a7 ^ a11 ^ a12;
	out->bit[0] = a->bit[0] ^ a11;
}

static void vec_power_of_two(gf_vec *out, const gf_vec *a, unsigned k)
{
	mceliece_gf_vec_sqr(out, a);
	for (; k > 1; k--)
		mceliece_gf_vec_sqr(out, out);
}

void mceliece_gf_vec_inv(gf_vec *out, const gf_vec *a)
{
	gf_vec x;
	gf_vec y;

	vec_power_of_two(&y, a, 1);
	mceliece_gf_vec_mul(&x, &y, a);
	vec_power_of_two(&y, &x, 1);
	mceliece_gf_vec_mul(&x, &y, a);
	vec_power_of_two(&y, &x, 3);
	mceliece_gf_vec_mul(&x, &y, &x);
	vec_power_of_two(&y, &x, 6);
	mceliece_gf_vec_mul(&x, &y, &x);
	mceliece_gf_vec_sqr(out, &x);
	ct_wipe(&x, sizeof x);
	ct_wipe(&y, sizeof y);
}

void mceliece_gf_vec_load(gf_vec *out, const uint16_t *elements, unsigned count)
{
	memset(out, 0, sizeof *out);
	for (unsigned j = 0; j < count; j++)
		for (unsigned i = 0; i < M; i++)
			out->bit[i] |= (uint64_t)(elements[j] >> i & 1) << j;
}
