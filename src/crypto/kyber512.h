#ifndef ROSENPASS_CRYPTO_KYBER512_H
#define ROSENPASS_CRYPTO_KYBER512_H

/*
 * Kyber-512 as submitted to round 3 of the NIST process (specification 3.02,
 * not FIPS 203): the ephemeral KEM of the handshake. Constant time in
 * everything but the public matrix seed and the public lengths.
 */

#include <stdint.h>

#include "crypto/random.h"

#define KYBER512_PUBLIC_KEY_BYTES 800
#define KYBER512_SECRET_KEY_BYTES 1632
#define KYBER512_CIPHERTEXT_BYTES 768
#define KYBER512_SHARED_SECRET_BYTES 32
#define KYBER512_KEYGEN_SEED_BYTES 64 /* d || z */
#define KYBER512_ENCAPSULATE_SEED_BYTES 32

/* Deterministic key generation from d || z. Cannot fail. */
void kyber512_keygen_from_seed(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                               uint8_t sk[static KYBER512_SECRET_KEY_BYTES],
                               const uint8_t seed[static KYBER512_KEYGEN_SEED_BYTES]);

/* A fresh key pair. -1 when the random source fails; pk and sk are then wiped. */
int kyber512_keygen(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                    uint8_t sk[static KYBER512_SECRET_KEY_BYTES], const struct random_source *random)
	__attribute__((warn_unused_result));

/* Deterministic encapsulation with the given coin (hashed first, as round 3 does). Cannot fail. */
void kyber512_encapsulate_from_seed(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                                    uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                                    const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                                    const uint8_t seed[static KYBER512_ENCAPSULATE_SEED_BYTES]);

/* -1 when the random source fails; ct and ss are then wiped. */
int kyber512_encapsulate(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                         uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                         const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                         const struct random_source *random) __attribute__((warn_unused_result));

/*
 * The shared secret of ct; for a ciphertext that was not made by an honest
 * encapsulation a pseudorandom one (implicit rejection). Cannot fail.
 */
void kyber512_decapsulate(uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                          const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                          const uint8_t sk[static KYBER512_SECRET_KEY_BYTES]);

#endif
