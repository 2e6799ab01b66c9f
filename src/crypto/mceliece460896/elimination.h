#ifndef ROSENPASS_CRYPTO_MCELIECE460896_ELIMINATION_H
#define ROSENPASS_CRYPTO_MCELIECE460896_ELIMINATION_H

/*
 * The systematic form of a secret binary matrix (A | B): decides whether the square
 * part A is invertible and computes A^-1 B, a strip of columns at a time, so that no
 * more than a strip of the matrix is ever in memory. Constant time but for the answer.
 *
 * The 1248 rows are padded to 1280, 20 panels of 64: the caller puts the identity into
 * the 32 padding rows and columns of A, and zero into the padding rows of B.
 */

#include <stdbool.h>
#include <stdint.h>

#define MCELIECE_ELIMINATION_ROWS 1280
#define MCELIECE_ELIMINATION_PANELS (MCELIECE_ELIMINATION_ROWS / 64)
#define MCELIECE_ELIMINATION_STRIP_WORDS 4
#define MCELIECE_ELIMINATION_STRIP_COLUMNS (64 * MCELIECE_ELIMINATION_STRIP_WORDS)
#define MCELIECE_ELIMINATION_SQUARE_STRIPS (MCELIECE_ELIMINATION_ROWS / MCELIECE_ELIMINATION_STRIP_COLUMNS)
#define MCELIECE_ELIMINATION_WINDOW_WORDS 2

/* Bit j of word w of a row is the column 64 w + j of the strip. */
struct mceliece_elimination_strip {
	uint64_t row[MCELIECE_ELIMINATION_ROWS][MCELIECE_ELIMINATION_STRIP_WORDS];
};

/* What is known of A. The caller wipes it. */
struct mceliece_elimination {
	uint64_t multiplier[MCELIECE_ELIMINATION_PANELS][MCELIECE_ELIMINATION_ROWS];
	uint64_t transform[MCELIECE_ELIMINATION_PANELS][64][MCELIECE_ELIMINATION_WINDOW_WORDS];
};

/*
 * Takes the strips of A from left to right: number 0 .. SQUARE_STRIPS - 1. Returns false
 * when A is not invertible, as far as this strip can tell; nothing more may be done with
 * this A then. Declassifies that answer. Overwrites strip.
 */
bool mceliece_elimination_factor(struct mceliece_elimination *elimination,
                                 struct mceliece_elimination_strip *strip, unsigned number);

/* After all strips of A: replaces a strip of B by the same strip of A^-1 B. */
void mceliece_elimination_solve(const struct mceliece_elimination *elimination,
                                struct mceliece_elimination_strip *strip);

#endif
