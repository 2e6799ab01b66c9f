#ifndef ROSENPASS_CRYPTO_MCELIECE460896_GF_H
#define ROSENPASS_CRYPTO_MCELIECE460896_GF_H

/*
 * The field GF(2^13) = GF(2)[z] / (z^13 + z^4 + z^3 + z + 1), for single elements and
 * for vectors of 64. An element is a number below 8192 whose bit i is the coefficient
 * of z^i. Constant time. Outputs may be inputs.
 */

#include <stdint.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/params.h"

/* 64 elements, bitsliced: bit j of bit[i] is the coefficient of z^i in element j. */
struct mceliece_gf_vec {
	uint64_t bit[MCELIECE_M];
};

uint16_t mceliece_gf_mul(uint16_t a, uint16_t b);

/* 1 / a, and 0 for 0. */
uint16_t mceliece_gf_inv(uint16_t a);

/* The 13 bits in the opposite order. */
uint16_t mceliece_gf_reverse_bits(uint16_t a);

/* The same of each of the 64 pairs of elements. */
void mceliece_gf_vec_mul(struct mceliece_gf_vec *out, const struct mceliece_gf_vec *a,
                         const struct mceliece_gf_vec *b);
/* out += a b; out is none of the inputs. */
void mceliece_gf_vec_mul_add(struct mceliece_gf_vec *out, const struct mceliece_gf_vec *a,
                             const struct mceliece_gf_vec *b);

/* out = a b + c d */
void mceliece_gf_vec_mul_sum(struct mceliece_gf_vec *out, const struct mceliece_gf_vec *a,
                             const struct mceliece_gf_vec *b, const struct mceliece_gf_vec *c,
                             const struct mceliece_gf_vec *d);
void mceliece_gf_vec_sqr(struct mceliece_gf_vec *out, const struct mceliece_gf_vec *a);
void mceliece_gf_vec_inv(struct mceliece_gf_vec *out, const struct mceliece_gf_vec *a);

/* sum += a. Unrolled, as the end of so short a loop is often mispredicted. */
static inline void mceliece_gf_vec_add_to(struct mceliece_gf_vec *sum, const struct mceliece_gf_vec *a)
{
	sum->bit[0] ^= a->bit[0];
	sum->bit[1] ^= a->bit[1];
	sum->bit[2] ^= a->bit[2];
	sum->bit[3] ^= a->bit[3];
	sum->bit[4] ^= a->bit[4];
	sum->bit[5] ^= a->bit[5];
	sum->bit[6] ^= a->bit[6];
	sum->bit[7] ^= a->bit[7];
	sum->bit[8] ^= a->bit[8];
	sum->bit[9] ^= a->bit[9];
	sum->bit[10] ^= a->bit[10];
	sum->bit[11] ^= a->bit[11];
	sum->bit[12] ^= a->bit[12];
}

/* 64 times the element a. */
static inline void mceliece_gf_vec_set_all(struct mceliece_gf_vec *out, uint16_t a)
{
	for (unsigned i = 0; i < MCELIECE_M; i++)
		out->bit[i] = ct_mask_bit_u64((uint64_t)(a >> i));
}

/* Element j of a; j < 64 is public. */
static inline uint16_t mceliece_gf_vec_element(const struct mceliece_gf_vec *a, unsigned j)
{
	uint64_t element = 0;

	for (unsigned i = 0; i < MCELIECE_M; i++)
		element |= (a->bit[i] >> j & 1) << i;
	return (uint16_t)element;
}

/*
 * The first count <= 64 elements from an array, of each only the lower 13 bits; the others
 * are 0. count is public.
 */
void mceliece_gf_vec_load(struct mceliece_gf_vec *out, const uint16_t *elements, unsigned count);

#endif
