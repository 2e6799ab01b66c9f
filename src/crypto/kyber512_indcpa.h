#ifndef ROSENPASS_CRYPTO_KYBER512_INDCPA_H
#define ROSENPASS_CRYPTO_KYBER512_INDCPA_H

/*
 * Kyber.CPAPKE (round-3 specification, algorithms 4 to 6): the public-key encryption
 * under the KEM, secure against passive attackers only. Constant time in everything
 * but the matrix seed.
 */

#include <stdint.h>

#include "crypto/kyber512.h"
#include "crypto/kyber512_poly.h"
#include "crypto/kyber512_sample.h"

#define KYBER512_INDCPA_SECRET_KEY_BYTES (KYBER512_K * KYBER512_POLY_BYTES)

/* A key pair from the 32 bytes d. */
void kyber512_indcpa_keygen(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                            uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES],
                            const uint8_t seed[static KYBER512_SEED_BYTES]);

/* Encrypts the message with the coins, from which all noise is made. */
void kyber512_indcpa_encrypt(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                             const uint8_t message[static KYBER512_MESSAGE_BYTES],
                             const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                             const uint8_t coins[static KYBER512_SEED_BYTES]);

/* Some message for every ciphertext. */
void kyber512_indcpa_decrypt(uint8_t message[static KYBER512_MESSAGE_BYTES],
                             const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                             const uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES]);

#endif
