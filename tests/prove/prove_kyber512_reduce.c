/*
 * The reductions modulo q, for every input of the range that kyber512_reduce.h names. They take the low
 * halves of products on purpose (arithmetic modulo R = 2^16), so that unsigned products wrap and
 * conversions cut.
 */

#include "crypto/kyber512_ntt.c"
#include "crypto/kyber512_reduce.h"
#include "prove.h"

/* q * 2^15 */
#define MONTGOMERY_LIMIT (KYBER512_Q * 32768)

/*
 * prove: montgomery_reduction unwind=1 without=unsigned-overflow,conversion
 * fault: src/crypto/kyber512_reduce.h s/KYBER512_Q_INVERSE (-3327)/KYBER512_Q_INVERSE (-3329)/
 *
 * For every |a| < q * 2^15: the result r lies in (-q, q), no signed number overflows, and r * R = a mod q:
 * a - r * R is the multiple of q with the quotient that the function uses.
 */
PROOF(montgomery_reduction)
{
	int32_t a = nondet_i32();
	int16_t quotient = (int16_t)((uint32_t)a * (uint32_t)KYBER512_Q_INVERSE);
	int16_t r;

	ASSUME(a > -MONTGOMERY_LIMIT && a < MONTGOMERY_LIMIT);
	r = kyber512_montgomery(a);
	CHECK(r > -KYBER512_Q && r < KYBER512_Q);
	CHECK((int64_t)a - (int64_t)r * 65536 == (int64_t)quotient * KYBER512_Q);
}

static void check_multiplication(int16_t a, int16_t b)
{
	int16_t r = kyber512_multiply(a, b);

	CHECK(r > -KYBER512_Q && r < KYBER512_Q);
	CHECK(r == kyber512_montgomery(a * b));
}

/*
 * prove: multiplication unwind=129 without=unsigned-overflow,conversion
 * fault: src/crypto/kyber512_reduce.h s/return (int16_t)(high - /return (int16_t)(1 + high - /
 *
 * For every a of 16 bits and every factor that the transform uses: the result lies in (-q, q), and is that
 * of the Montgomery reduction of a * b. For all a and b at once this is too much for a SAT solver.
 */
PROOF(multiplication)
{
	for (int i = 0; i < 128; i++)
		check_multiplication(nondet_i16(), roots[i]);
	check_multiplication(nondet_i16(), R_SQUARED);
	check_multiplication(nondet_i16(), R_SQUARED_BY_128);
}

/*
 * prove: barrett_reduction unwind=1
 * fault: src/crypto/kyber512_reduce.h s/20159 + (1 << 25)/20159 + (1 << 20)/
 *
 * For every a of 16 bits: the result lies in [-q/2, q/2], or in [0, q) for the canonical form, and differs
 * from a by a multiple of q. No intermediate value overflows or is cut.
 */
PROOF(barrett_reduction)
{
	int16_t a = nondet_i16();
	int16_t r = kyber512_barrett(a);
	uint16_t canonical = kyber512_canonical(a);

	CHECK(r >= -(KYBER512_Q / 2) && r <= KYBER512_Q / 2);
	CHECK((a - r) % KYBER512_Q == 0);
	CHECK(canonical < KYBER512_Q && (canonical == r || canonical == r + KYBER512_Q));
}

/*
 * prove: exact_division unwind=1
 * fault: src/crypto/kyber512_reduce.h s/10321340) >> 35/10321339) >> 35/
 *
 * For every a < 2^22: the whole part of a / q.
 */
PROOF(exact_division)
{
	uint32_t a = nondet_u32();
	uint32_t quotient;

	ASSUME(a < 1U << 22);
	quotient = kyber512_divide(a);
	CHECK(quotient <= (1U << 22) / KYBER512_Q);
	CHECK(quotient * KYBER512_Q <= a && a - quotient * KYBER512_Q < KYBER512_Q);
}
