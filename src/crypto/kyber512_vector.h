#ifndef ROSENPASS_CRYPTO_KYBER512_VECTOR_H
#define ROSENPASS_CRYPTO_KYBER512_VECTOR_H

/*
 * Sixteen coefficients at a time: arithmetic modulo q, the transform, and polynomials as bytes. The twins of
 * kyber512_reduce.h, kyber512_ntt.h and kyber512_poly.h: ranges and the order in memory are the same.
 * vector.h tells who includes this, for AVX2 alone.
 */

#include <stdint.h>
#include <string.h>

#include "crypto/bytes.h"
#include "crypto/kyber512_ntt.h"
#include "crypto/kyber512_poly.h"
#include "crypto/kyber512_reduce.h"
#include "crypto/vector.h"

#define COEFFS 16 /* of a vector */

typedef int16_t kyber512_coeffs __attribute__((vector_size(32)));
typedef uint16_t kyber512_words __attribute__((vector_size(32)));
typedef char kyber512_chars __attribute__((vector_size(32)));
typedef char kyber512_sixteen_chars __attribute__((vector_size(16)));
typedef uint64_t kyber512_two_words __attribute__((vector_size(16)));
typedef int32_t kyber512_pairs __attribute__((vector_size(32)));

#define BROADCAST(x) ((kyber512_coeffs){ 0 } + (int16_t)(x))
#define PICK_COEFFS(x, ...) VECTOR_PICK(kyber512_coeffs, x, x, __VA_ARGS__)
#define PICK_OCTETS(x, ...) VECTOR_PICK(vector_octets, x, x, __VA_ARGS__)

/* All ones in every second coefficient, from the first one on. */
#define EVEN ((kyber512_coeffs){ -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0 })

VECTOR_INLINE kyber512_coeffs kyber512_load(const int16_t *p)
{
	kyber512_coeffs x;

	memcpy(&x, p, sizeof x);
	return x;
}

VECTOR_INLINE void kyber512_store(int16_t *p, kyber512_coeffs x)
{
	memcpy(p, &x, sizeof x);
}

/* Logical shifts and products modulo 2^16. */
VECTOR_INLINE kyber512_coeffs kyber512_shift_right(kyber512_coeffs x, int bits)
{
	return (kyber512_coeffs)((kyber512_words)x >> (uint16_t)bits);
}

VECTOR_INLINE kyber512_coeffs kyber512_multiply_low(kyber512_coeffs a, kyber512_coeffs b)
{
	return (kyber512_coeffs)((kyber512_words)a * (kyber512_words)b);
}

/* The upper halves of the products; sums of two products; products divided by 2^15 and rounded. */
#define MULTIPLY_HIGH(a, b) ((kyber512_coeffs)__builtin_ia32_pmulhw256(a, b))
#define MULTIPLY_PAIRS(a, b) ((kyber512_pairs)__builtin_ia32_pmaddwd256(a, b))
#define MULTIPLY_ROUND(a, b) ((kyber512_coeffs)__builtin_ia32_pmulhrsw256(a, b))

VECTOR_INLINE kyber512_coeffs kyber512_multiply_vector(kyber512_coeffs a, kyber512_coeffs b)
{
	kyber512_coeffs quotient =
		kyber512_multiply_low(kyber512_multiply_low(a, b), BROADCAST(KYBER512_Q_INVERSE));

	return MULTIPLY_HIGH(a, b) - MULTIPLY_HIGH(quotient, BROADCAST(KYBER512_Q));
}

/* kyber512_barrett(): the bits of the product below 2^16 do not change the quotient. */
VECTOR_INLINE kyber512_coeffs kyber512_barrett_vector(kyber512_coeffs a)
{
	kyber512_coeffs quotient = (MULTIPLY_HIGH(a, BROADCAST(20159)) + BROADCAST(1 << 9)) >> BROADCAST(10);

	return (kyber512_coeffs)((kyber512_words)a -
	                         (kyber512_words)kyber512_multiply_low(quotient, BROADCAST(KYBER512_Q)));
}

VECTOR_INLINE kyber512_coeffs kyber512_canonical_vector(kyber512_coeffs a)
{
	kyber512_coeffs centered = kyber512_barrett_vector(a);

	return centered + ((centered >> BROADCAST(15)) & BROADCAST(KYBER512_Q));
}

/* kyber512_montgomery() of 32-bit numbers. The results are in the upper halves; ignore the lower ones. */
VECTOR_INLINE kyber512_pairs kyber512_montgomery_pairs(kyber512_pairs a)
{
	kyber512_coeffs quotient =
		kyber512_multiply_low((kyber512_coeffs)a, BROADCAST(KYBER512_Q_INVERSE) & EVEN);

	return a - MULTIPLY_PAIRS(quotient, BROADCAST(KYBER512_Q) & EVEN);
}

/* --- the transform ----------------------------- */

VECTOR_INLINE void kyber512_split(kyber512_coeffs *low, kyber512_coeffs *high, kyber512_coeffs root)
{
	kyber512_coeffs product = kyber512_multiply_vector(*high, root);

	*high = *low - product;
	*low = *low + product;
}

VECTOR_INLINE void kyber512_join(kyber512_coeffs *low, kyber512_coeffs *high, kyber512_coeffs root)
{
	kyber512_coeffs difference = *high - *low;

	*low = *low + *high;
	*high = kyber512_multiply_vector(difference, root);
}

/* Two, four or eight roots, as often as they fit. */
VECTOR_INLINE kyber512_coeffs kyber512_two_roots(const int16_t *roots)
{
	uint32_t two;

	memcpy(&two, roots, sizeof two);
	return (kyber512_coeffs)((vector_halves){ 0 } + two);
}

VECTOR_INLINE kyber512_coeffs kyber512_four_roots(const int16_t *roots)
{
	return (kyber512_coeffs)vector_broadcast(bytes_load64((const uint8_t *)roots));
}

VECTOR_INLINE kyber512_coeffs kyber512_eight_roots(const int16_t *roots)
{
	uint64_t first = bytes_load64((const uint8_t *)roots);
	uint64_t second = bytes_load64((const uint8_t *)(roots + 4));

	return (kyber512_coeffs)(vector){ first, second, first, second };
}

/*
 * Shuffles between the layers of distances 8, 4 and 2, within two vectors: coefficients that a layer
 * brings together come to the same places of the two. The first two of these undo themselves.
 */
VECTOR_INLINE void kyber512_pair_8(kyber512_coeffs *a, kyber512_coeffs *b)
{
	vector low = VECTOR_PICK(vector, (vector)*a, (vector)*b, 0, 1, 4, 5);
	vector high = VECTOR_PICK(vector, (vector)*a, (vector)*b, 2, 3, 6, 7);

	*a = (kyber512_coeffs)low;
	*b = (kyber512_coeffs)high;
}

VECTOR_INLINE void kyber512_pair_4(kyber512_coeffs *a, kyber512_coeffs *b)
{
	vector low = VECTOR_PICK(vector, (vector)*a, (vector)*b, 0, 4, 2, 6);
	vector high = VECTOR_PICK(vector, (vector)*a, (vector)*b, 1, 5, 3, 7);

	*a = (kyber512_coeffs)low;
	*b = (kyber512_coeffs)high;
}

VECTOR_INLINE void kyber512_pair_2(kyber512_coeffs *a, kyber512_coeffs *b)
{
	vector_halves x = (vector_halves)*a, y = (vector_halves)*b;

	*a = (kyber512_coeffs)VECTOR_PICK(vector_halves, x, y, 0, 2, 8, 10, 4, 6, 12, 14);
	*b = (kyber512_coeffs)VECTOR_PICK(vector_halves, x, y, 1, 3, 9, 11, 5, 7, 13, 15);
}

VECTOR_INLINE void kyber512_unpair_2(kyber512_coeffs *a, kyber512_coeffs *b)
{
	vector_halves x = (vector_halves)*a, y = (vector_halves)*b;

	*a = (kyber512_coeffs)VECTOR_PICK(vector_halves, x, y, 0, 8, 1, 9, 4, 12, 5, 13);
	*b = (kyber512_coeffs)VECTOR_PICK(vector_halves, x, y, 2, 10, 3, 11, 6, 14, 7, 15);
}

/* Two layers at a time, of distances 2 * distance and distance, which is a number of whole vectors. */
VECTOR_INLINE void kyber512_split_twice(int16_t *coeffs, int distance)
{
	for (int i = 0; i < KYBER512_N; i += 4 * distance) {
		int number = KYBER512_N / 4 / distance + i / 4 / distance;
		kyber512_coeffs root = BROADCAST(kyber512_roots[number]);
		kyber512_coeffs first_root = BROADCAST(kyber512_roots[2 * number]);
		kyber512_coeffs second_root = BROADCAST(kyber512_roots[2 * number + 1]);

		for (int16_t *p = coeffs + i; p < coeffs + i + distance; p += COEFFS) {
			kyber512_coeffs a = kyber512_load(p), b = kyber512_load(p + distance);
			kyber512_coeffs c = kyber512_load(p + 2 * distance),
					d = kyber512_load(p + 3 * distance);

			kyber512_split(&a, &c, root);
			kyber512_split(&b, &d, root);
			kyber512_split(&a, &b, first_root);
			kyber512_split(&c, &d, second_root);
			kyber512_store(p, a), kyber512_store(p + distance, b);
			kyber512_store(p + 2 * distance, c), kyber512_store(p + 3 * distance, d);
		}
	}
}

/* The last three layers, and the reduction. */
VECTOR_INLINE void kyber512_split_thrice(int16_t *coeffs)
{
	for (int i = 0; i < KYBER512_N / (2 * COEFFS); i++) {
		int16_t *p = coeffs + 2 * COEFFS * i;
		kyber512_coeffs a = kyber512_load(p), b = kyber512_load(p + COEFFS);
		kyber512_coeffs roots_8 = kyber512_two_roots(kyber512_roots + 16 + 2 * i);
		kyber512_coeffs roots_4 = kyber512_four_roots(kyber512_roots + 32 + 4 * i);
		kyber512_coeffs roots_2 = kyber512_eight_roots(kyber512_roots + 64 + 8 * i);

		kyber512_pair_8(&a, &b);
		kyber512_split(&a, &b, PICK_COEFFS(roots_8, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9));
		kyber512_pair_4(&a, &b);
		kyber512_split(&a, &b,
		               PICK_COEFFS(roots_4, 0, 0, 0, 0, 1, 1, 1, 1, 10, 10, 10, 10, 11, 11, 11, 11));
		kyber512_pair_2(&a, &b);
		kyber512_split(&a, &b,
		               PICK_COEFFS(roots_2, 0, 0, 2, 2, 1, 1, 3, 3, 12, 12, 14, 14, 13, 13, 15, 15));
		a = kyber512_barrett_vector(a), b = kyber512_barrett_vector(b);
		kyber512_unpair_2(&a, &b);
		kyber512_pair_4(&a, &b);
		kyber512_pair_8(&a, &b);
		kyber512_store(p, a), kyber512_store(p + COEFFS, b);
	}
}

static void kyber512_ntt_vector(struct kyber512_poly *poly)
{
	kyber512_split_twice(poly->coeffs, 64);
	kyber512_split_twice(poly->coeffs, 16);
	kyber512_split_thrice(poly->coeffs);
}

/* The first three layers of the inverse, and a reduction. */
VECTOR_INLINE void kyber512_join_thrice(int16_t *coeffs)
{
	for (int i = 0; i < KYBER512_N / (2 * COEFFS); i++) {
		int16_t *p = coeffs + 2 * COEFFS * i;
		kyber512_coeffs a = kyber512_load(p), b = kyber512_load(p + COEFFS);
		/* Backwards. */
		kyber512_coeffs roots_8 = kyber512_two_roots(kyber512_roots + 30 - 2 * i);
		kyber512_coeffs roots_4 = kyber512_four_roots(kyber512_roots + 60 - 4 * i);
		kyber512_coeffs roots_2 = kyber512_eight_roots(kyber512_roots + 120 - 8 * i);

		kyber512_pair_8(&a, &b);
		kyber512_pair_4(&a, &b);
		kyber512_pair_2(&a, &b);
		kyber512_join(&a, &b,
		              PICK_COEFFS(roots_2, 7, 7, 5, 5, 6, 6, 4, 4, 11, 11, 9, 9, 10, 10, 8, 8));
		kyber512_unpair_2(&a, &b);
		kyber512_join(&a, &b, PICK_COEFFS(roots_4, 3, 3, 3, 3, 2, 2, 2, 2, 9, 9, 9, 9, 8, 8, 8, 8));
		kyber512_pair_4(&a, &b);
		kyber512_join(&a, &b, PICK_COEFFS(roots_8, 1, 1, 1, 1, 1, 1, 1, 1, 8, 8, 8, 8, 8, 8, 8, 8));
		kyber512_pair_8(&a, &b);
		kyber512_store(p, kyber512_barrett_vector(a));
		kyber512_store(p + COEFFS, kyber512_barrett_vector(b));
	}
}

/* Two layers of the inverse, of distances distance and 2 * distance, and a reduction. */
VECTOR_INLINE void kyber512_join_twice(int16_t *coeffs, int distance)
{
	for (int i = 0; i < KYBER512_N; i += 4 * distance) {
		int number = KYBER512_N / 2 / distance - 1 - i / 4 / distance;
		kyber512_coeffs root = BROADCAST(kyber512_roots[number]);
		int last = KYBER512_N / distance - 1 - i / 2 / distance;
		kyber512_coeffs first_root = BROADCAST(kyber512_roots[last]);
		kyber512_coeffs second_root = BROADCAST(kyber512_roots[last - 1]);

		for (int16_t *p = coeffs + i; p < coeffs + i + distance; p += COEFFS) {
			kyber512_coeffs a = kyber512_load(p), b = kyber512_load(p + distance);
			kyber512_coeffs c = kyber512_load(p + 2 * distance),
					d = kyber512_load(p + 3 * distance);

			kyber512_join(&a, &b, first_root);
			kyber512_join(&c, &d, second_root);
			kyber512_join(&a, &c, root);
			kyber512_join(&b, &d, root);
			kyber512_store(p, kyber512_barrett_vector(a));
			kyber512_store(p + distance, kyber512_barrett_vector(b));
			kyber512_store(p + 2 * distance, kyber512_barrett_vector(c));
			kyber512_store(p + 3 * distance, kyber512_barrett_vector(d));
		}
	}
}

static void kyber512_ntt_inverse_vector(struct kyber512_poly *poly)
{
	kyber512_join_thrice(poly->coeffs);
	kyber512_join_twice(poly->coeffs, 16);
	kyber512_join_twice(poly->coeffs, 64);
	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		kyber512_coeffs x = kyber512_load(poly->coeffs + i);

		kyber512_store(poly->coeffs + i,
		               kyber512_multiply_vector(x, BROADCAST(KYBER512_R_SQUARED_BY_128)));
	}
}

static void kyber512_ntt_times_r_vector(struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		kyber512_coeffs x = kyber512_load(poly->coeffs + i);

		kyber512_store(poly->coeffs + i, kyber512_multiply_vector(x, BROADCAST(KYBER512_R_SQUARED)));
	}
}

static void kyber512_ntt_inner_product_vector(struct kyber512_poly *out, const struct kyber512_vector *a,
                                              const struct kyber512_vector *b)
{
	/* Modulo X^2 - root for even, X^2 + root for odd pairs. */
	const kyber512_coeffs signs = { 0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1 };

	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		kyber512_coeffs roots = kyber512_four_roots(kyber512_roots + 64 + i / 4);
		kyber512_pairs constant = { 0 };
		kyber512_pairs linear = { 0 };

		roots = PICK_COEFFS(roots, 0, 0, 0, 0, 1, 1, 1, 1, 10, 10, 10, 10, 11, 11, 11, 11);
		roots = kyber512_multiply_low(roots, signs);
		/* Every sum stays below 5 * 4095 * q < q * 2^15. */
		for (int j = 0; j < KYBER512_K; j++) {
			kyber512_coeffs x = kyber512_load(&a->polys[j].coeffs[i]);
			kyber512_coeffs y = kyber512_load(&b->polys[j].coeffs[i]);
			kyber512_coeffs wrapped = kyber512_multiply_vector(y, roots);

			constant += MULTIPLY_PAIRS(x, (y & EVEN) | (wrapped & ~EVEN));
			linear += MULTIPLY_PAIRS(
				x, PICK_COEFFS(y, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
		}
		constant = kyber512_montgomery_pairs(constant) >> 16;
		linear = kyber512_montgomery_pairs(linear);
		kyber512_store(&out->coeffs[i],
		               ((kyber512_coeffs)constant & EVEN) | ((kyber512_coeffs)linear & ~EVEN));
	}
}

/* --- bytes ----------------------------- */

/* So many bytes from p on to each half of a vector, from 8 to 16. */
VECTOR_INLINE vector_octets kyber512_load_halves(const uint8_t *p, size_t bytes)
{
	uint64_t first = 0, second = 0;

	memcpy(&first, p + 8, bytes - 8);
	memcpy(&second, p + bytes + 8, bytes - 8);
	return (vector_octets)(vector){ bytes_load64(p), first, bytes_load64(p + bytes), second };
}

VECTOR_INLINE void kyber512_store_halves(uint8_t *p, vector_octets x, size_t bytes)
{
	vector words = (vector)x;
	uint64_t first = words[1], second = words[3];

	bytes_store64(p, words[0]);
	memcpy(p + 8, &first, bytes - 8);
	bytes_store64(p + bytes, words[2]);
	memcpy(p + bytes + 8, &second, bytes - 8);
}

static void kyber512_poly_to_bytes_vector(uint8_t *out, const struct kyber512_poly *poly)
{
	/* The second of two coefficients comes 12 bits above the first. */
	const kyber512_coeffs places = (BROADCAST(1) & EVEN) | (BROADCAST(1 << 12) & ~EVEN);

	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		kyber512_coeffs x = kyber512_canonical_vector(kyber512_load(&poly->coeffs[i]));
		vector_octets pairs = (vector_octets)MULTIPLY_PAIRS(x, places);

		pairs = PICK_OCTETS(pairs, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 3, 3, 3, 16, 17, 18, 20,
		                    21, 22, 24, 25, 26, 28, 29, 30, 19, 19, 19, 19);
		kyber512_store_halves(out + i / 2 * 3, pairs, 12);
	}
}

/* The eight numbers of twelve bits in the first twelve octets of each half. */
VECTOR_INLINE kyber512_coeffs kyber512_twelve_bits(vector_octets octets)
{
	kyber512_coeffs x =
		(kyber512_coeffs)PICK_OCTETS(octets, 0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11, 16,
	                                     17, 17, 18, 19, 20, 20, 21, 22, 23, 23, 24, 25, 26, 26, 27);

	return (x & BROADCAST(0xfff) & EVEN) | (kyber512_shift_right(x, 4) & ~EVEN);
}

static void kyber512_poly_from_bytes_vector(struct kyber512_poly *poly, const uint8_t *in)
{
	for (int i = 0; i < KYBER512_N; i += COEFFS)
		kyber512_store(&poly->coeffs[i],
		               kyber512_twelve_bits(kyber512_load_halves(in + i / 2 * 3, 12)));
}

/*
 * round(2^bits / q * x) for x in [0, q), for 10 and 4 bits. factor is 2^(16 + bits) / q, rounded down: the
 * quotient is at most 1 too small, as the remainder tells.
 */
VECTOR_INLINE kyber512_coeffs kyber512_round(kyber512_coeffs x, int bits, int16_t factor)
{
	kyber512_coeffs quotient = MULTIPLY_HIGH(x, BROADCAST(factor));
	kyber512_coeffs numerator =
		kyber512_multiply_low(x, BROADCAST(1 << bits)); /* less q / 2, and modulo 2^16 */
	kyber512_words remainder = (kyber512_words)numerator + (uint16_t)(KYBER512_Q / 2) -
	                           (kyber512_words)kyber512_multiply_low(quotient, BROADCAST(KYBER512_Q));
	kyber512_coeffs missing = (BROADCAST(KYBER512_Q - 1) - (kyber512_coeffs)remainder) >> BROADCAST(15);

	return (quotient - missing) & BROADCAST((1 << bits) - 1);
}

static void kyber512_poly_compress10_vector(uint8_t *out, const struct kyber512_poly *poly)
{
	const kyber512_coeffs places = (BROADCAST(1) & EVEN) | (BROADCAST(1 << 10) & ~EVEN);

	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		kyber512_coeffs x = kyber512_canonical_vector(kyber512_load(&poly->coeffs[i]));
		vector pairs = (vector)MULTIPLY_PAIRS(kyber512_round(x, 10, 20158), places);
		vector fours = (pairs & 0xfffff) | (pairs >> 32) << 20;
		vector_octets octets = (vector_octets)fours;

		octets = PICK_OCTETS(octets, 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 5, 5, 5, 5, 5, 5, 16, 17, 18,
		                     19, 20, 24, 25, 26, 27, 28, 21, 21, 21, 21, 21, 21);
		kyber512_store_halves(out + i / 4 * 5, octets, 10);
	}
}

static void kyber512_poly_decompress10_vector(struct kyber512_poly *poly, const uint8_t *in)
{
	/* Bring ten bits to the top of sixteen. */
	const kyber512_coeffs places = { 64, 16, 4, 1, 64, 16, 4, 1, 64, 16, 4, 1, 64, 16, 4, 1 };

	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		vector_octets octets = kyber512_load_halves(in + i / 4 * 5, 10);
		kyber512_coeffs x = (kyber512_coeffs)PICK_OCTETS(octets, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7,
		                                                 7, 8, 8, 9, 16, 17, 17, 18, 18, 19, 19, 20,
		                                                 21, 22, 22, 23, 23, 24, 24, 25);

		/* Times 32 / 2^15, rounded: divided by 2^10. */
		x = kyber512_shift_right(kyber512_multiply_low(x, places), 1) & BROADCAST(0x3ff << 5);
		kyber512_store(&poly->coeffs[i], MULTIPLY_ROUND(x, BROADCAST(KYBER512_Q)));
	}
}

static void kyber512_poly_compress4_vector(uint8_t *out, const struct kyber512_poly *poly)
{
	const kyber512_coeffs places = (BROADCAST(1) & EVEN) | (BROADCAST(1 << 4) & ~EVEN);

	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		kyber512_coeffs x = kyber512_canonical_vector(kyber512_load(&poly->coeffs[i]));
		vector_octets pairs = (vector_octets)MULTIPLY_PAIRS(kyber512_round(x, 4, 314), places);
		vector_halves halves = (vector_halves)PICK_OCTETS(pairs, 0, 4, 8, 12, 1, 1, 1, 1, 1, 1, 1, 1,
		                                                  1, 1, 1, 1, 16, 20, 24, 28, 17, 17, 17, 17,
		                                                  17, 17, 17, 17, 17, 17, 17, 17);

		bytes_store64(out + i / 2, halves[0] | (uint64_t)halves[4] << 32);
	}
}

/* The sixteen numbers of four bits in a word. */
VECTOR_INLINE kyber512_coeffs kyber512_nibbles(uint64_t word)
{
	vector_octets octets = (vector_octets)vector_broadcast(word);
	kyber512_coeffs x =
		(kyber512_coeffs)PICK_OCTETS(octets, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 20, 20,
	                                     20, 20, 21, 21, 21, 21, 22, 22, 22, 22, 23, 23, 23, 23);

	return ((x & EVEN) | (kyber512_shift_right(x, 4) & ~EVEN)) & BROADCAST(0xf);
}

static void kyber512_poly_decompress4_vector(struct kyber512_poly *poly, const uint8_t *in)
{
	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		kyber512_coeffs x = kyber512_nibbles(bytes_load64(in + i / 2));

		x = kyber512_multiply_low(x, BROADCAST(KYBER512_Q)) + BROADCAST(1 << 3);
		kyber512_store(&poly->coeffs[i], kyber512_shift_right(x, 4));
	}
}

static void kyber512_poly_from_message_vector(struct kyber512_poly *poly, const uint8_t *message)
{
	const kyber512_coeffs places = { -1 - 0x7fff, 1 << 14, 1 << 13, 1 << 12, 1 << 11, 1 << 10,
		                         1 << 9,      1 << 8,  1 << 7,  1 << 6,  1 << 5,  1 << 4,
		                         1 << 3,      1 << 2,  1 << 1,  1 };

	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		uint16_t bits;
		kyber512_coeffs mask;

		memcpy(&bits, message + i / 8, sizeof bits);
		mask = kyber512_multiply_low((kyber512_coeffs)((kyber512_words){ 0 } + bits), places);
		mask = mask >> BROADCAST(15);
		kyber512_store(&poly->coeffs[i], mask & BROADCAST((KYBER512_Q + 1) / 2));
	}
}

/* All ones for coefficients nearer to q / 2 than to 0. */
VECTOR_INLINE kyber512_coeffs kyber512_far_from_zero(const int16_t *p)
{
	kyber512_coeffs x = kyber512_canonical_vector(kyber512_load(p));

	return ((BROADCAST(KYBER512_Q / 4) - x) & (x - BROADCAST(KYBER512_Q * 3 / 4 + 1))) >> BROADCAST(15);
}

static void kyber512_poly_to_message_vector(uint8_t *message, const struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i += 2 * COEFFS) {
		kyber512_coeffs first = kyber512_far_from_zero(&poly->coeffs[i]);
		kyber512_coeffs second = kyber512_far_from_zero(&poly->coeffs[i + COEFFS]);
		vector octets = (vector)__builtin_ia32_packsswb256(first, second);
		uint32_t bits;

		octets = VECTOR_PICK(vector, octets, octets, 0, 2, 1, 3);
		bits = (uint32_t)__builtin_ia32_pmovmskb256((kyber512_chars)octets);
		memcpy(message + i / 8, &bits, sizeof bits);
	}
}

#endif
