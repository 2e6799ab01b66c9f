/*
 * The ranges of the number-theoretic transform, layer by layer: from coefficients in the range before a
 * layer come coefficients in the range after it, and no difference or sum leaves 16 bits. The reductions
 * are replaced by what prove_kyber512_reduce.c proves of them: in the range that they take, which is
 * checked at each call, they give any value of the range that they give. So it is the ranges that are
 * proved here, not the values.
 */

#include "crypto/kyber512_reduce.h"
#include "prove.h"

#define MONTGOMERY_LIMIT (KYBER512_Q * 32768)

static int16_t any_within(int limit)
{
	int16_t value = nondet_i16();

	ASSUME(value >= -limit && value <= limit);
	return value;
}

/* Then a * b is below q * 2^15 in size, as a is one of 16 bits. */
static int16_t multiply_range(int16_t a, int16_t b)
{
	(void)a;
	CHECK(b > -KYBER512_Q && b < KYBER512_Q);
	return any_within(KYBER512_Q - 1);
}

static int16_t montgomery_range(int32_t a)
{
	CHECK(a > -MONTGOMERY_LIMIT && a < MONTGOMERY_LIMIT);
	return any_within(KYBER512_Q - 1);
}

#define kyber512_multiply multiply_range
#define kyber512_montgomery montgomery_range
#include "crypto/kyber512_ntt.c"

static struct kyber512_poly poly;

/* kyber512_barrett() of each coefficient: it takes every value. */
void kyber512_poly_reduce(struct kyber512_poly *reduced)
{
	for (int i = 0; i < KYBER512_N; i++)
		reduced->coeffs[i] = any_within(KYBER512_Q / 2);
}

static void any_poly(int limit)
{
	for (int i = 0; i < KYBER512_N; i++)
		poly.coeffs[i] = any_within(limit);
}

static void check_poly(int limit)
{
	for (int i = 0; i < KYBER512_N; i++)
		CHECK(poly.coeffs[i] >= -limit && poly.coeffs[i] <= limit);
}

/*
 * Layer number n of the forward transform: it adds at most q - 1, so that n (q - 1) become (n + 1) (q - 1).
 */
static void check_split(int distance, int n)
{
	any_poly(n * (KYBER512_Q - 1));
	split(poly.coeffs, distance);
	check_poly((n + 1) * (KYBER512_Q - 1));
}

/* A layer of the inverse at most doubles; products are below q. */
static void check_join(int distance, int limit)
{
	any_poly(limit);
	join(poly.coeffs, distance);
	check_poly(2 * limit > KYBER512_Q - 1 ? 2 * limit : KYBER512_Q - 1);
}

/*
 * prove: ntt_layers unwind=257
 * fault: src/crypto/kyber512_ntt.c
 *     s/low\[i\] = (int16_t)(low\[i\] + product)/low[i] = (int16_t)(low[i] + product + root)/
 *
 * The seven layers of kyber512_ntt(), from below q in size to at most 8 (q - 1) < 2^15, in the order in
 * which it calls them. Then every 16-bit number is allowed, and the reduction gives [-q/2, q/2].
 */
PROOF(ntt_layers)
{
	check_split(128, 1);
	check_split(64, 2);
	check_split(32, 3);
	check_split(16, 4);
	check_split(8, 5);
	check_split(4, 6);
	check_split(2, 7);
}

/*
 * prove: ntt_inverse_layers unwind=257
 * fault: src/crypto/kyber512_ntt.c s/(int16_t)(low\[i\] + high\[i\])/(int16_t)(2 * low[i] + high[i])/
 *
 * The seven layers of kyber512_ntt_inverse(): three from (-q, q) to at most 8 (q - 1), three from a half of
 * q to 4 q, the last one from a half of q.
 */
PROOF(ntt_inverse_layers)
{
	check_join(2, KYBER512_Q - 1);
	check_join(4, 2 * (KYBER512_Q - 1));
	check_join(8, 4 * (KYBER512_Q - 1));
	check_join(16, KYBER512_Q / 2);
	check_join(32, KYBER512_Q - 1);
	check_join(64, 2 * (KYBER512_Q - 1));
	check_join(128, KYBER512_Q / 2);
}

/* --- the order of layers ---------------------------------------------------------------------- */

/* No coefficient is larger. The layers are replaced by what the two proofs above say of them. */
static int bound;

void split_bound(int16_t *coeffs, int distance);
void join_bound(int16_t *coeffs, int distance);
void reduce_bound(struct kyber512_poly *reduced);

void split_bound(int16_t *coeffs, int distance)
{
	(void)coeffs;
	/* 1 for 128 to 7 for 2: the layers that ntt_layers looks at. */
	CHECK(bound <= (8 - __builtin_ctz((unsigned)distance)) * (KYBER512_Q - 1));
	bound += KYBER512_Q - 1;
	CHECK(bound <= INT16_MAX);
}

void join_bound(int16_t *coeffs, int distance)
{
	(void)coeffs;
	switch (distance) {
	case 2:
	case 32:
		CHECK(bound <= KYBER512_Q - 1);
		break;
	case 4:
	case 64:
		CHECK(bound <= 2 * (KYBER512_Q - 1));
		break;
	case 8:
		CHECK(bound <= 4 * (KYBER512_Q - 1));
		break;
	default:
		CHECK(bound <= KYBER512_Q / 2);
	}
	bound = 2 * bound > KYBER512_Q - 1 ? 2 * bound : KYBER512_Q - 1;
	CHECK(bound <= INT16_MAX);
	/* What the products after the last layer are given. */
	if (distance == 128)
		any_poly(bound);
}

void reduce_bound(struct kyber512_poly *reduced)
{
	(void)reduced;
	CHECK(bound <= INT16_MAX);
	bound = KYBER512_Q / 2;
}

/*
 * prove: ntt_order unwind=257 replace=split:split_bound,join:join_bound,kyber512_poly_reduce:reduce_bound
 * fault: src/crypto/kyber512_ntt.c /^void kyber512_ntt_inverse/,/^}/{/join(poly->coeffs, 64);/{n;d}}
 *
 * kyber512_ntt() and kyber512_ntt_inverse() as a whole: each layer is given what the proofs above assume of
 * it, and the results are in [-q/2, q/2] and in (-q, q).
 */
PROOF(ntt_order)
{
	bound = KYBER512_Q - 1;
	kyber512_ntt(&poly);
	CHECK(bound == KYBER512_Q / 2);

	bound = KYBER512_Q - 1;
	kyber512_ntt_inverse(&poly);
	check_poly(KYBER512_Q - 1);
}

/* --- products --------------------------------------------------------------------------------- */

/*
 * prove: ntt_times_r unwind=257
 * fault: src/crypto/kyber512_ntt.c s/define R_SQUARED 1353/define R_SQUARED 4682/
 *
 * Any coefficients of 16 bits.
 */
PROOF(ntt_times_r)
{
	any_poly(INT16_MAX);
	poly.coeffs[nondet_u8()] = INT16_MIN;
	kyber512_ntt_times_r(&poly);
	check_poly(KYBER512_Q - 1);
}

/*
 * prove: ntt_inner_product unwind=129 sizes=KYBER512_N:4
 * fault: src/crypto/kyber512_ntt.c s/int32_t square = 0;/int32_t square = 70000000;/
 *
 * Coefficients of a up to 4095 in size and of b up to q / 2: no sum overflows, each is in the range of the
 * Montgomery reduction, and the results are in (-q, q). Proved for the first two pairs of coefficients; the
 * others have other roots, whose size is all that matters.
 */
PROOF(ntt_inner_product)
{
	struct kyber512_vector a;
	struct kyber512_vector b;

	for (int i = 0; i < KYBER512_N; i++) {
		for (int j = 0; j < KYBER512_K; j++) {
			a.polys[j].coeffs[i] = any_within(4095);
			b.polys[j].coeffs[i] = any_within(KYBER512_Q / 2);
		}
	}
	kyber512_ntt_inner_product(&poly, &a, &b);
	for (int i = 0; i < 128; i++)
		CHECK(roots[i] >= -(KYBER512_Q / 2) && roots[i] <= KYBER512_Q / 2);
	CHECK((2 * 4095 + KYBER512_Q) * (KYBER512_Q / 2) < MONTGOMERY_LIMIT);
	check_poly(KYBER512_Q - 1);
}
