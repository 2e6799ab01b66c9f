#ifndef ROSENPASS_CRYPTO_MCELIECE460896_ENCAPSULATE_H
#define ROSENPASS_CRYPTO_MCELIECE460896_ENCAPSULATE_H

/* Encapsulation from a seed or an error vector. Constant time in e, seed and ss. */

#include <stddef.h>
#include <stdint.h>

#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/params.h"

/* e = a vector of weight 96, all but uniformly distributed over these. */
void mceliece_encapsulate_sample(uint8_t e[static MCELIECE_ERROR_BYTES],
                                 const uint8_t seed[static MCELIECE460896_SEED_BYTES]);

/* Encapsulation with the error vector e of weight 96. Declassifies ct. */
void mceliece_encapsulate_error(uint8_t *ct, size_t ct_len,
                                uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                const uint8_t e[static MCELIECE_ERROR_BYTES]);

#endif
