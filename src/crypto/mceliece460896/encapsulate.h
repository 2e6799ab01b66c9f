#ifndef ROSENPASS_CRYPTO_MCELIECE460896_ENCAPSULATE_H
#define ROSENPASS_CRYPTO_MCELIECE460896_ENCAPSULATE_H

/* The parts of encapsulation. Constant time in e, seed and ss. */

#include <stddef.h>
#include <stdint.h>

#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/params.h"

/* e = a vector of weight 96, all but uniformly distributed over these. */
void mceliece_encapsulate_sample(uint8_t e[static MCELIECE_ERROR_BYTES],
                                 const uint8_t seed[static MCELIECE460896_SEED_BYTES]);

/* The part of mceliece_encapsulate_sample() after the seed was expanded: 8 random bytes per position. */
void mceliece_encapsulate_place(uint8_t e[static MCELIECE_ERROR_BYTES],
                                const uint8_t random[static MCELIECE_RANDOM_BYTES]);

/*
 * Sets bit b of out[i] to the parity of row 8 i + b and the last 3360 bits of e. rows holds 8 out_len rows of
 * 420 bytes.
 */
void mceliece_encapsulate_parities(uint8_t *out, size_t out_len, const uint8_t *rows,
                                   const uint8_t e[static MCELIECE_ERROR_BYTES]);

/* Encapsulation with the error vector e of weight 96. Declassifies ct. */
void mceliece_encapsulate_error(uint8_t *ct, size_t ct_len,
                                uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                const uint8_t e[static MCELIECE_ERROR_BYTES]);

#endif
