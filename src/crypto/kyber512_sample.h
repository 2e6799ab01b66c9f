#ifndef ROSENPASS_CRYPTO_KYBER512_SAMPLE_H
#define ROSENPASS_CRYPTO_KYBER512_SAMPLE_H

/* Sampling of polynomials from seeds (round-3 specification, section 1.1). */

#include <stdint.h>

#include "crypto/kyber512_poly.h"

#define KYBER512_SEED_BYTES 32

/*
 * The polynomial Parse(XOF(seed || first || second)), uniform in [0, q). Not constant
 * time: the seed is a public part of the public key, and is declassified here.
 */
void kyber512_sample_uniform(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                             uint8_t first, uint8_t second);

/*
 * The polynomial CBD_eta(PRF(seed, nonce)) with coefficients in [-eta, eta]; eta is 3
 * for secrets and the errors of key generation, 2 for the errors of encryption.
 */
void kyber512_sample_noise3(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                            uint8_t nonce);
void kyber512_sample_noise2(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                            uint8_t nonce);

#endif
