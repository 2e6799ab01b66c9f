#ifndef ROSENPASS_CRYPTO_MCELIECE460896_FFT_CONSTANTS_H
#define ROSENPASS_CRYPTO_MCELIECE460896_FFT_CONSTANTS_H

/*
 * What the additive FFT and its transpose have in common.
 *
 * Level k of the FFT evaluates polynomials on the span of 13 - k field elements, its
 * basis. Level 0 has the basis z^12, .. z, 1; that of level k + 1 is made of b^2 + b for
 * each element b of the basis of level k but the last one, divided by the last of these
 * numbers, the scale of level k + 1. So every basis ends with 1. Point p of a level is
 * the sum of those elements i of its basis for which bit i of p is set.
 */

#include <stdint.h>

#include "crypto/mceliece460896/gf.h"

#define MCELIECE_FFT_LEVELS 8

/* The 7 bits of p in the opposite order: the word for the polynomial number p of level 7. */
static inline unsigned mceliece_fft_word(unsigned p)
{
	p = (p & 0x55) << 1 | (p & 0xaa) >> 1;
	p = (p & 0x33) << 2 | (p & 0xcc) >> 2;
	return (p & 0x0f) << 3 | p >> 5;
}

extern const uint16_t mceliece_fft_basis[MCELIECE_FFT_LEVELS][MCELIECE_M];

/* Points 0 .. 63 of a level below 7; of level 7 points 0 .. 31, twice. */
void mceliece_fft_points(struct mceliece_gf_vec *points, unsigned level);

/*
 * Multiplies coefficient i of 64 words coefficients by the power floor(i / 2^level) of
 * the scale of the level, 1 to 7; words is up to 4.
 */
void mceliece_fft_twist(struct mceliece_gf_vec *coefficients, unsigned words, unsigned level);

#endif
