#ifndef ROSENPASS_CRYPTO_MCELIECE460896_ENCAPSULATE_PARTS_H
#define ROSENPASS_CRYPTO_MCELIECE460896_ENCAPSULATE_PARTS_H

/* The two long computations of encapsulation, in C: see backend.h. Constant time in random and e. */

#include <stddef.h>
#include <stdint.h>

#include "crypto/mceliece460896/params.h"

/* The part of mceliece_encapsulate_sample() after the seed was expanded: 8 random bytes per position. */
void mceliece_encapsulate_place(uint8_t e[static MCELIECE_ERROR_BYTES],
                                const uint8_t random[static MCELIECE_RANDOM_BYTES]);

/*
 * Sets bit b of out[i] to the parity of row 8 i + b and the last 3360 bits of e. rows holds 8 out_len rows of
 * 420 bytes.
 */
void mceliece_encapsulate_parities(uint8_t *out, size_t out_len, const uint8_t *rows,
                                   const uint8_t e[static MCELIECE_ERROR_BYTES]);

#endif
