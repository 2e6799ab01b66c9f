#ifndef ROSENPASS_CRYPTO_KYBER512_NTT_H
#define ROSENPASS_CRYPTO_KYBER512_NTT_H

/*
 * The number-theoretic transform of the round-3 specification, section 1.1: a
 * polynomial modulo X^256 + 1 as its 128 remainders modulo X^2 - zeta^(2 br(i) + 1),
 * where zeta = 17 and br turns the order of 7 bits around. Constant time.
 */

#include "crypto/kyber512_poly.h"

/* R^2 mod q, and R^2 / 128 mod q. */
#define KYBER512_R_SQUARED 1353
#define KYBER512_R_SQUARED_BY_128 1441

/* 17^br(i) * R mod q, centered. */
extern const int16_t kyber512_roots[128];

/* In place, from coefficients below q in size to coefficients in [-q/2, q/2]. */
void kyber512_ntt(struct kyber512_poly *poly);

/* The inverse times R, in place: it takes up the 1/R of a product. In and out in (-q, q). */
void kyber512_ntt_inverse(struct kyber512_poly *poly);

/*
 * out = (a[0] * b[0] + a[1] * b[1]) / R in the transformed domain, in (-q, q), for
 * coefficients of a up to 4095 in size and of b up to q / 2.
 */
void kyber512_ntt_inner_product(struct kyber512_poly *out, const struct kyber512_vector *a,
                                const struct kyber512_vector *b);

/* poly = R * poly, in place, in (-q, q), for any coefficients: takes up the 1/R where no inverse follows. */
void kyber512_ntt_times_r(struct kyber512_poly *poly);

#endif
