#include "crypto/kyber512_ntt.h"

#include "crypto/kyber512_reduce.h"

const int16_t kyber512_roots[128] = {
	-1044, -758,  -359,  -1517, 1493,  1422,  287,   202,   -171,  622,   1577,  182,   962,
	-1202, -1474, 1468,  573,   -1325, 264,   383,   -829,  1458,  -1602, -130,  -681,  1017,
	732,   608,   -1542, 411,   -205,  -1571, 1223,  652,   -552,  1015,  -1293, 1491,  -282,
	-1544, 516,   -8,    -320,  -666,  -1618, -1162, 126,   1469,  -853,  -90,   -271,  830,
	107,   -1421, -247,  -951,  -398,  961,   -1508, -725,  448,   -1065, 677,   -1275, -1103,
	430,   555,   843,   -1251, 871,   1550,  105,   422,   587,   177,   -235,  -291,  -460,
	1574,  1653,  -246,  778,   1159,  -147,  -777,  1483,  -602,  1119,  -1590, 644,   -872,
	349,   418,   329,   -156,  -75,   817,   1097,  603,   610,   1322,  -1285, -1465, 384,
	-1215, -136,  1218,  -1335, -874,  220,   -1187, -1659, -1185, -1530, -1278, 794,   -1510,
	-854,  -870,  478,   -108,  -308,  996,   991,   958,   -1460, 1522,  1628,
};

/*
 * The polynomial low + high * X^distance, with 2 * distance coefficients, becomes its two
 * remainders modulo X^distance - root and X^distance + root.
 */
static inline void split_one(int16_t *restrict low, int16_t *restrict high, int16_t root, int distance)
{
	for (int i = 0; i < distance; i++) {
		int16_t product = kyber512_multiply(high[i], root);

		high[i] = (int16_t)(low[i] - product);
		low[i] = (int16_t)(low[i] + product);
	}
}

/*
 * The inverse of split_one(), times 2, for the root whose negative is the inverse of that
 * one: hence high - low.
 */
static inline void join_one(int16_t *restrict low, int16_t *restrict high, int16_t root, int distance)
{
	for (int i = 0; i < distance; i++) {
		int16_t difference = (int16_t)(high[i] - low[i]);

		low[i] = (int16_t)(low[i] + high[i]);
		high[i] = kyber512_multiply(difference, root);
	}
}

/* One layer of either direction. Always inline, so that a compiler knows the distance and can vectorise. */
static inline __attribute__((always_inline)) void split(int16_t *coeffs, int distance)
{
	int first_root = KYBER512_N / 2 / distance;

	for (int i = 0; i < first_root; i++) {
		int16_t *low = coeffs + 2 * distance * i;

		split_one(low, low + distance, kyber512_roots[first_root + i], distance);
	}
}

/* The roots of a layer in opposite order are the negative inverses. */
static inline __attribute__((always_inline)) void join(int16_t *coeffs, int distance)
{
	int count = KYBER512_N / 2 / distance;

	for (int i = 0; i < count; i++) {
		int16_t *low = coeffs + 2 * distance * i;

		join_one(low, low + distance, kyber512_roots[2 * count - 1 - i], distance);
	}
}

void kyber512_ntt(struct kyber512_poly *poly)
{
	/* Each layer adds less than q: after seven it is below 8 q < 2^15. */
	split(poly->coeffs, 128);
	split(poly->coeffs, 64);
	split(poly->coeffs, 32);
	split(poly->coeffs, 16);
	split(poly->coeffs, 8);
	split(poly->coeffs, 4);
	split(poly->coeffs, 2);
	kyber512_poly_reduce(poly);
}

void kyber512_ntt_inverse(struct kyber512_poly *poly)
{
	/* A layer at most doubles: below 8 q < 2^15 after three of them. */
	join(poly->coeffs, 2);
	join(poly->coeffs, 4);
	join(poly->coeffs, 8);
	kyber512_poly_reduce(poly);
	join(poly->coeffs, 16);
	join(poly->coeffs, 32);
	join(poly->coeffs, 64);
	kyber512_poly_reduce(poly);
	join(poly->coeffs, 128);
	for (int i = 0; i < KYBER512_N; i++)
		poly->coeffs[i] = kyber512_multiply(poly->coeffs[i], KYBER512_R_SQUARED_BY_128);
}

void kyber512_ntt_inner_product(struct kyber512_poly *out, const struct kyber512_vector *a,
                                const struct kyber512_vector *b)
{
	for (int i = 0; i < KYBER512_N; i += 2) {
		/* Modulo X^2 - root for even, X^2 + root for odd pairs. */
		int16_t root = kyber512_roots[64 + i / 4];
		int16_t signed_root = i % 4 == 0 ? root : (int16_t)-root;
		int32_t constant = 0;
		int32_t linear = 0;
		int32_t square = 0;

		/* Every sum stays below 5 * 4095 * q / 2 < q * 2^15. */
		for (int j = 0; j < KYBER512_K; j++) {
			const int16_t *x = &a->polys[j].coeffs[i];
			const int16_t *y = &b->polys[j].coeffs[i];

			constant += (int32_t)x[0] * y[0];
			linear += (int32_t)x[0] * y[1] + (int32_t)x[1] * y[0];
			square += (int32_t)x[1] * y[1];
		}
		constant += (int32_t)kyber512_montgomery(square) * signed_root;
		out->coeffs[i] = kyber512_montgomery(constant);
		out->coeffs[i + 1] = kyber512_montgomery(linear);
	}
}

void kyber512_ntt_times_r(struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i++)
		poly->coeffs[i] = kyber512_multiply(poly->coeffs[i], KYBER512_R_SQUARED);
}
