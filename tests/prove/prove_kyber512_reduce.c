/*
 * The ranges of reductions modulo q, for every input of the range that kyber512_reduce.h names. A SAT
 * solver takes too long to find that a Montgomery reduction is the right number of its range: every_input.c
 * tries all inputs.
 */

#include "crypto/kyber512_reduce.h"
#include "prove.h"

/* q * 2^15 */
#define MONTGOMERY_LIMIT (KYBER512_Q * 32768)

/*
 * prove: montgomery_reduction unwind=1 without=unsigned-overflow,conversion
 * fault: src/crypto/kyber512_reduce.h /kyber512_montgomery(int32_t a)/,/^}/s/>> 16/>> 15/
 *
 * Kyber: Montgomery's reduction stays in range.
 *
 * For every |a| < q * 2^15: no signed number overflows, and the result is at most q in size. It is never q
 * itself, see every_input.c. Low halves are taken on purpose, by unsigned products that wrap and
 * conversions that cut.
 */
PROOF(montgomery_reduction)
{
	int32_t a = nondet_i32();
	int16_t r;

	ASSUME(a > -MONTGOMERY_LIMIT && a < MONTGOMERY_LIMIT);
	r = kyber512_montgomery(a);
	CHECK(r >= -KYBER512_Q && r <= KYBER512_Q);
}

/*
 * prove: multiplication unwind=1 without=unsigned-overflow,conversion
 * fault: src/crypto/kyber512_reduce.h
 *     /kyber512_multiply(int16_t a/,/^}/s/int32_t)a \* b) >> 16/int32_t)a * b) >> 15/
 *
 * Kyber: products stay in range.
 *
 * The same for all a and b of 16 bits with |b| < q, so that |a * b| < q * 2^15.
 */
PROOF(multiplication)
{
	int16_t a = nondet_i16();
	int16_t b = nondet_i16();
	int16_t r;

	ASSUME(b > -KYBER512_Q && b < KYBER512_Q);
	r = kyber512_multiply(a, b);
	CHECK(r >= -KYBER512_Q && r <= KYBER512_Q);
}

/*
 * prove: barrett_reduction unwind=1
 * fault: src/crypto/kyber512_reduce.h s/20159 + (1 << 25)/20159 + (1 << 20)/
 *
 * Kyber: Barrett's reduction is right and in range.
 *
 * For every a of 16 bits: the result lies in [-q/2, q/2], and differs from a by a multiple of q. No
 * intermediate value overflows or is cut.
 */
PROOF(barrett_reduction)
{
	int16_t a = nondet_i16();
	int16_t r = kyber512_barrett(a);

	CHECK(r >= -(KYBER512_Q / 2) && r <= KYBER512_Q / 2);
	CHECK((a - r) % KYBER512_Q == 0);
}

/*
 * prove: canonical_form unwind=1 without=conversion
 * fault: src/crypto/kyber512_reduce.h s/ct_mask_negative_i32(centered)/ct_mask_negative_i32(centered + 1)/
 *
 * Kyber: canonical coefficients are right and in range.
 *
 * For every a of 16 bits: the result lies in [0, q), and is that of kyber512_barrett(), or q more. A mask
 * is all ones, which is also -1.
 */
PROOF(canonical_form)
{
	int16_t a = nondet_i16();
	int16_t r = kyber512_barrett(a);
	uint16_t canonical = kyber512_canonical(a);

	CHECK(canonical < KYBER512_Q && (canonical == r || canonical == r + KYBER512_Q));
}

/*
 * prove: exact_division unwind=1
 * fault: src/crypto/kyber512_reduce.h s/10321340) >> 35/10321339) >> 35/
 *
 * Kyber: division by q is exact.
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
