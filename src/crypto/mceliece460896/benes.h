#ifndef ROSENPASS_CRYPTO_MCELIECE460896_BENES_H
#define ROSENPASS_CRYPTO_MCELIECE460896_BENES_H

/*
 * The Benes network of a secret key. Its control bits define a permutation pi of
 * 0 .. 8191; field element i of the support is pi(i) with its 13 bits in the opposite
 * order. Control bits as in the Classic McEliece specification: layer i swaps at the
 * distance 2^i for i <= 12 and 2^(24 - i) after that; bit j of a layer is for the pair
 * whose lower position is the j-th. Constant time.
 */

#include <stdint.h>

#include "crypto/mceliece460896/params.h"

#define MCELIECE_BENES_WORDS (MCELIECE_Q / 64)

/* Bit i of the result is bit pi(i) of the input. Bit i is bit i % 64 of word i / 64. */
void mceliece_benes_apply(uint64_t bits[static MCELIECE_BENES_WORDS],
                          const uint8_t control[static MCELIECE_BENES_BYTES]);

/* Bit pi(i) of the result is bit i of the input. */
void mceliece_benes_apply_inverse(uint64_t bits[static MCELIECE_BENES_WORDS],
                                  const uint8_t control[static MCELIECE_BENES_BYTES]);

#endif
