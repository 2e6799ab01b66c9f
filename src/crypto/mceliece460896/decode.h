#ifndef ROSENPASS_CRYPTO_MCELIECE460896_DECODE_H
#define ROSENPASS_CRYPTO_MCELIECE460896_DECODE_H

/*
 * Decoding of binary Goppa codes, "Decode" of the Classic McEliece specification.
 * Constant time. Needs 24 KiB of stack.
 */

#include <stdint.h>

#include "crypto/mceliece460896/params.h"

/*
 * Writes to e the one error vector of weight 96 with the syndrome C0 = H e and returns
 * all ones, or returns 0 if there is none; e is then garbage. The key is the Goppa
 * polynomial and the control bits.
 */
uint64_t mceliece_decode(uint8_t e[static MCELIECE_ERROR_BYTES],
                         const uint8_t c0[static MCELIECE_SYNDROME_BYTES],
                         const uint8_t goppa[static MCELIECE_GOPPA_BYTES],
                         const uint8_t control[static MCELIECE_BENES_BYTES]);

#endif
