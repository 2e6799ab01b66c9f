#ifndef ROSENPASS_CRYPTO_KYBER512_REDUCE_H
#define ROSENPASS_CRYPTO_KYBER512_REDUCE_H

/*
 * Arithmetic modulo q = 3329 without a division. Coefficients are signed 16-bit
 * numbers that stand for their class modulo q; each function names the range it
 * takes and the range it gives. R = 2^16 is the Montgomery factor.
 */

#include <stdint.h>

#include "crypto/ct.h"

#define KYBER512_Q 3329

/* q^-1 mod 2^16, signed. */
#define KYBER512_Q_INVERSE (-3327)

/*
 * a * b / R mod q, in (-q, q), for |a * b| < q * 2^15. The low halves of both
 * products are the same, so the difference of the high halves is exact: all is
 * 16-bit, which a compiler can do many at a time.
 */
static inline int16_t kyber512_multiply(int16_t a, int16_t b)
{
	int16_t high = (int16_t)(((int32_t)a * b) >> 16);
	int16_t low = (int16_t)((uint16_t)a * (uint32_t)(uint16_t)b);
	int16_t quotient = (int16_t)((uint16_t)low * (uint32_t)(uint16_t)KYBER512_Q_INVERSE);

	return (int16_t)(high - (int16_t)(((int32_t)quotient * KYBER512_Q) >> 16));
}

/* a / R mod q, in (-q, q), for |a| < q * 2^15. */
static inline int16_t kyber512_montgomery(int32_t a)
{
	int16_t quotient = (int16_t)((uint16_t)a * (uint32_t)(uint16_t)KYBER512_Q_INVERSE);

	return (int16_t)((a - (int32_t)quotient * KYBER512_Q) >> 16);
}

/* a mod q, in [-q/2, q/2], for every a: subtracts q times a / q, rounded with 20159 = round(2^26 / q). */
static inline int16_t kyber512_barrett(int16_t a)
{
	int32_t quotient = ((int32_t)a * 20159 + (1 << 25)) >> 26;

	return (int16_t)(a - quotient * KYBER512_Q);
}

/* a mod q, in [0, q), for every a. */
static inline uint16_t kyber512_canonical(int16_t a)
{
	int16_t centered = kyber512_barrett(a);

	return (uint16_t)(centered + (ct_mask_negative_i32(centered) & KYBER512_Q));
}

/* The whole part of a / q, exact for a < 2^22: 10321340 * q exceeds 2^35 by less than 2^12. */
static inline uint32_t kyber512_divide(uint32_t a)
{
	return (uint32_t)(((uint64_t)a * 10321340) >> 35);
}

#endif
