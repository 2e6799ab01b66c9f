#include "crypto/mceliece460896/gf.h"

#include <string.h>

#include "crypto/mceliece460896/gf_product.h"

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

#define PRODUCT(i, j) (a->bit[i] & b->bit[j])
#define TWO_PRODUCTS(i, j) (PRODUCT(i, j) ^ (c->bit[i] & d->bit[j]))

void mceliece_gf_vec_mul(gf_vec *out, const gf_vec *a, const gf_vec *b)
{
	MCELIECE_GF_PRODUCT(uint64_t, out->bit, =, PRODUCT);
}

void mceliece_gf_vec_mul_add(gf_vec *out, const gf_vec *a, const gf_vec *b)
{
	MCELIECE_GF_PRODUCT(uint64_t, out->bit, ^=, PRODUCT);
}

void mceliece_gf_vec_mul_sum(gf_vec *out, const gf_vec *a, const gf_vec *b, const gf_vec *c, const gf_vec *d)
{
	MCELIECE_GF_PRODUCT(uint64_t, out->bit, =, TWO_PRODUCTS);
}

/* Coefficient i falls on z^(2 i), reduced. */
void mceliece_gf_vec_sqr(gf_vec *out, const gf_vec *a)
{
	MCELIECE_GF_SQUARE(uint64_t, out->bit, a->bit);
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
