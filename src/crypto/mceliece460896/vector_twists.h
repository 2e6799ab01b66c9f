#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_TWISTS_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_TWISTS_H

/*
 * What mceliece_fft_twist() multiplies 256 coefficients by, of levels 1 to 7 of the FFT, bitsliced: bit b of
 * the factor of coefficient 64 w + j is bit j of [level - 1][b][w].
 */

#include <stdint.h>

#include "crypto/mceliece460896/params.h"

#define MCELIECE_VECTOR_TWISTS 7

/* Aligned as vectors are, which they are used as without a copy. */
extern const uint64_t mceliece_vector_twists[MCELIECE_VECTOR_TWISTS][MCELIECE_M][4]
	__attribute__((aligned(32)));

#endif
