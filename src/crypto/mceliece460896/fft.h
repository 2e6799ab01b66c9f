#ifndef ROSENPASS_CRYPTO_MCELIECE460896_FFT_H
#define ROSENPASS_CRYPTO_MCELIECE460896_FFT_H

/*
 * The additive FFT of Gao and Mateer ("Additive fast Fourier transforms over finite
 * fields", 2010) for all points of GF(2^13), and its transpose, bitsliced as in Bernstein,
 * Chou and Schwabe, "McBits" (2013). Constant time.
 *
 * A value for each field element is kept in 128 vectors: that of the element whose bits
 * in the opposite order are the number p is element p % 64 of vector p / 64. This is the
 * order of the Benes network.
 */

#include "crypto/mceliece460896/gf.h"

#define MCELIECE_FFT_VALUE_WORDS (MCELIECE_Q / 64)
#define MCELIECE_FFT_COEFFICIENT_WORDS 2 /* degree below 128 */
#define MCELIECE_FFT_SUM_WORDS 4         /* 256 power sums */

/* values = the values of a polynomial at all field elements. */
void mceliece_fft(struct mceliece_gf_vec values[static MCELIECE_FFT_VALUE_WORDS],
                  const struct mceliece_gf_vec coefficients[static MCELIECE_FFT_COEFFICIENT_WORDS]);

/* Sets those bits of word whose field elements are roots of a polynomial, and clears the others. */
void mceliece_fft_roots(uint64_t word[static MCELIECE_FFT_VALUE_WORDS],
                        const struct mceliece_gf_vec coefficients[static MCELIECE_FFT_COEFFICIENT_WORDS]);

/*
 * sums: element i is the sum of a^i times the value for a, over those field elements a
 * whose bits in word are set.
 */
void mceliece_fft_transposed(struct mceliece_gf_vec sums[static MCELIECE_FFT_SUM_WORDS],
                             const struct mceliece_gf_vec values[static MCELIECE_FFT_VALUE_WORDS],
                             const uint64_t word[static MCELIECE_FFT_VALUE_WORDS]);

#endif
