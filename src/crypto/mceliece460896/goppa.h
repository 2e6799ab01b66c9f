#ifndef ROSENPASS_CRYPTO_MCELIECE460896_GOPPA_H
#define ROSENPASS_CRYPTO_MCELIECE460896_GOPPA_H

/*
 * The Goppa polynomial of a key and the parity check matrix that it makes, as in the
 * Classic McEliece specification (round 4), "Irreducible" and "MatGen". Constant time.
 */

#include <stdint.h>

#include "crypto/mceliece460896/elimination.h"
#include "crypto/mceliece460896/gf.h"
#include "crypto/mceliece460896/params.h"

/* 96 field elements and more, bitsliced: element i is bit i % 64 of each word of half[i / 64]. */
struct mceliece_goppa_vector {
	struct mceliece_gf_vec half[2];
};

/* The sequence of 192 elements is made of 16 giant steps of 12 baby steps. */
#define MCELIECE_GOPPA_BABY_STEPS 12
#define MCELIECE_GOPPA_GIANT_STEPS 16

/* Working memory; the caller wipes it. */
struct mceliece_goppa_scratch {
	struct mceliece_goppa_vector multiples[MCELIECE_T];
	struct mceliece_goppa_vector power[MCELIECE_GOPPA_BABY_STEPS + 1];
	struct mceliece_goppa_vector functional[2];
	uint16_t sequence[MCELIECE_GOPPA_BABY_STEPS * MCELIECE_GOPPA_GIANT_STEPS];
};

/*
 * g = the minimal polynomial over GF(2^13) of beta, an element of the ring
 * GF(2^13)[y] / (y^96 + y^10 + y^9 + y^6 + 1), coefficients in ascending order, without
 * the leading 1 of y^96. Returns a mask: whether its degree is 96. If not, g is garbage.
 */
uint64_t mceliece_goppa_minimal_polynomial(uint16_t g[static MCELIECE_T],
                                           const uint16_t beta[static MCELIECE_T],
                                           struct mceliece_goppa_scratch *scratch);

/*
 * Puts 64 columns of the parity check matrix into one word of each of the first 1248 rows
 * of strip: for each point a, row 13 i + b has bit b of a^i / g(a).
 */
void mceliece_goppa_columns(struct mceliece_elimination_strip *strip, unsigned word,
                            const uint16_t g[static MCELIECE_T], const uint16_t points[static 64]);

#endif
