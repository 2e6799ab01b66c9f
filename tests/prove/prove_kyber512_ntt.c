/*
 * The ranges of the number-theoretic transform, layer by layer: from coefficients in the range before a
 * layer come coefficients in the range after it, and no difference or sum leaves 16 bits. The reductions
 * are replaced by what prove_kyber512_reduce.c and every_input.c show of them: for every input of the range
 * that they take, which is checked at each call, they give some value of the range that they give. So
 * ranges are proved here, not values.
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

static bool is_within(int16_t value, int limit)
{
	return value >= -limit && value <= limit;
}

/* --- one layer -------------------------------------------------------------------------------- */

/*
 * prove: ntt_butterflies unwind=2
 * fault: src/crypto/kyber512_ntt.c s/(int16_t)(high\[i\] - low\[i\])/(int16_t)(2 * high[i] - low[i])/
 *
 * NTT: one butterfly stays within 16 bits and the range of its layer.
 *
 * One pair of coefficients in a layer, with any root. In layer n of the forward transform, from 1 to 7,
 * they are at most n (q - 1) in size before and (n + 1) (q - 1) after it. A layer of the inverse at most
 * doubles the limit, unless the product is larger, which is below q: so it is for each limit that
 * join_bound() below lets through.
 */
PROOF(ntt_butterflies)
{
	int n = nondet_u8() % 7 + 1;
	int limit = nondet_bool() ? KYBER512_Q / 2 : (KYBER512_Q - 1) << nondet_u8() % 3;
	int after = 2 * limit > KYBER512_Q - 1 ? 2 * limit : KYBER512_Q - 1;
	int16_t root = any_within(KYBER512_Q / 2);
	int16_t low = any_within(n * (KYBER512_Q - 1));
	int16_t high = any_within(n * (KYBER512_Q - 1));

	split_one(&low, &high, root, 1);
	CHECK(is_within(low, (n + 1) * (KYBER512_Q - 1)) && is_within(high, (n + 1) * (KYBER512_Q - 1)));

	low = any_within(limit);
	high = any_within(limit);
	join_one(&low, &high, root, 1);
	CHECK(is_within(low, after) && is_within(high, after));
}

static uint8_t visits[KYBER512_N];

void visit(int16_t *low, int16_t *high, int16_t root, int distance);

void visit(int16_t *low, int16_t *high, int16_t root, int distance)
{
	CHECK(is_within(root, KYBER512_Q / 2));
	CHECK(high == low + distance);
	CHECK_WRITABLE(low, 2 * (size_t)distance * sizeof *low);
	for (int i = 0; i < 2 * distance; i++)
		visits[low - poly.coeffs + i]++;
}

/*
 * prove: ntt_layers_are_complete unwind=257 replace=split_one:visit,join_one:visit
 * fault: src/crypto/kyber512_ntt.c s/coeffs + 2 \* distance \* i/coeffs + distance * i/
 *
 * NTT: each layer visits each coefficient once and nothing outside.
 *
 * Each of the seven layers, in both directions, hands each coefficient to one butterfly and nothing outside
 * of the polynomial, with roots from the table that are at most q / 2 in size.
 */
PROOF(ntt_layers_are_complete)
{
	for (int distance = 128; distance >= 2; distance /= 2) {
		split(poly.coeffs, distance);
		join(poly.coeffs, distance);
	}
	for (int i = 0; i < KYBER512_N; i++)
		CHECK(visits[i] == 14);
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
	/* 1 for 128 to 7 for 2: the limits that ntt_butterflies assumes. */
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
 * NTT: each layer, and what follows, is given the range that it needs.
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
 * fault: src/crypto/kyber512_ntt.h s/R_SQUARED 1353/R_SQUARED 4682/
 *
 * NTT: products with R stay in range.
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
 * fault: src/crypto/kyber512_ntt.c s/int32_t square = 0;/int32_t square = 100000000;/
 *
 * NTT: inner products stay in range.
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
		CHECK(kyber512_roots[i] >= -(KYBER512_Q / 2) && kyber512_roots[i] <= KYBER512_Q / 2);
	CHECK((2 * 4095 + KYBER512_Q) * (KYBER512_Q / 2) < MONTGOMERY_LIMIT);
	check_poly(KYBER512_Q - 1);
}
