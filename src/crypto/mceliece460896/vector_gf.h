#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_GF_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_GF_H

/*
 * 256 elements of GF(2^13) at a time, bitsliced as in gf.h. The file that includes this one tells the
 * compiler which CPU it is for; see vector.h. Constant time. Outputs may be inputs.
 */

#define VECTOR_LANES 4

#include "crypto/ct.h"
#include "crypto/mceliece460896/gf_product.h"
#include "crypto/mceliece460896/params.h"
#include "crypto/vector.h"

/* Functions whose frame is to be off the stack again when they are done. */
#define MCELIECE_VECTOR_OUTLINE __attribute__((noinline)) static

#define MCELIECE_VECTOR_PRODUCT(i, j) (a->bit[i] & b->bit[j])

/* Before a short loop without branches: makes it straight code, at every level of optimisation. */
#ifdef __clang__
#define MCELIECE_VECTOR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define MCELIECE_VECTOR_UNROLL _Pragma("GCC unroll 32")
#endif

/* Elements 64 w to 64 w + 63 are in word w of each vector. */
struct mceliece_vector_gf {
	vector bit[MCELIECE_M];
};

/* Exchanges element i of vector j and element j of vector i. */
VECTOR_INLINE void mceliece_vector_transpose(vector x[static 4])
{
	vector even_ab = VECTOR_PICK(vector, x[0], x[1], 0, 4, 2, 6);
	vector odd_ab = VECTOR_PICK(vector, x[0], x[1], 1, 5, 3, 7);
	vector even_cd = VECTOR_PICK(vector, x[2], x[3], 0, 4, 2, 6);
	vector odd_cd = VECTOR_PICK(vector, x[2], x[3], 1, 5, 3, 7);

	x[0] = VECTOR_PICK(vector, even_ab, even_cd, 0, 1, 4, 5);
	x[1] = VECTOR_PICK(vector, odd_ab, odd_cd, 0, 1, 4, 5);
	x[2] = VECTOR_PICK(vector, even_ab, even_cd, 2, 3, 6, 7);
	x[3] = VECTOR_PICK(vector, odd_ab, odd_cd, 2, 3, 6, 7);
}

MCELIECE_VECTOR_OUTLINE void mceliece_vector_gf_mul(struct mceliece_vector_gf *out,
                                                    const struct mceliece_vector_gf *a,
                                                    const struct mceliece_vector_gf *b)
{
	MCELIECE_GF_PRODUCT(vector, out->bit, =, MCELIECE_VECTOR_PRODUCT);
}

/* out += a b; out is none of the inputs. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_gf_mul_add(struct mceliece_vector_gf *out,
                                                        const struct mceliece_vector_gf *a,
                                                        const struct mceliece_vector_gf *b)
{
	MCELIECE_GF_PRODUCT(vector, out->bit, ^=, MCELIECE_VECTOR_PRODUCT);
}

/* sum += a */
VECTOR_INLINE void mceliece_vector_gf_add_to(struct mceliece_vector_gf *sum,
                                             const struct mceliece_vector_gf *a)
{
	MCELIECE_VECTOR_UNROLL
	for (unsigned i = 0; i < MCELIECE_M; i++)
		sum->bit[i] ^= a->bit[i];
}

/* 256 times the element a. */
VECTOR_INLINE void mceliece_vector_gf_set_all(struct mceliece_vector_gf *out, uint16_t a)
{
	typedef int64_t vector_signed __attribute__((vector_size(VECTOR_BYTES)));
	const vector x = vector_broadcast(a);

	MCELIECE_VECTOR_UNROLL
	for (unsigned i = 0; i < MCELIECE_M; i++)
		out->bit[i] = (vector)((vector_signed)(x << (63 - i)) < 0);
}

/* Coefficient i falls on z^(2 i), reduced. */
VECTOR_INLINE void mceliece_vector_gf_sqr(struct mceliece_vector_gf *out, const struct mceliece_vector_gf *a)
{
	MCELIECE_GF_SQUARE(vector, out->bit, a->bit);
}

VECTOR_INLINE void mceliece_vector_gf_power_of_two(struct mceliece_vector_gf *out,
                                                   const struct mceliece_vector_gf *a, unsigned k)
{
	mceliece_vector_gf_sqr(out, a);
	for (; k > 1; k--)
		mceliece_vector_gf_sqr(out, out);
}

/* 1 / a, and 0 for 0: a^(2^13 - 2), by a^(2^k - 1) for k = 2, 3, 6, 12. */
static void mceliece_vector_gf_inv(struct mceliece_vector_gf *out, const struct mceliece_vector_gf *a)
{
	struct mceliece_vector_gf x;
	struct mceliece_vector_gf y;

	mceliece_vector_gf_power_of_two(&y, a, 1);
	mceliece_vector_gf_mul(&x, &y, a);
	mceliece_vector_gf_power_of_two(&y, &x, 1);
	mceliece_vector_gf_mul(&x, &y, a);
	mceliece_vector_gf_power_of_two(&y, &x, 3);
	mceliece_vector_gf_mul(&x, &y, &x);
	mceliece_vector_gf_power_of_two(&y, &x, 6);
	mceliece_vector_gf_mul(&x, &y, &x);
	mceliece_vector_gf_sqr(out, &x);
	ct_wipe(&x, sizeof x);
	ct_wipe(&y, sizeof y);
}

#endif
