#include "crypto/mceliece460896/matrix.h"

#include <stddef.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/goppa.h"

#define ROWS MCELIECE_ROWS
#define ROW_BYTES MCELIECE_ROW_BYTES
#define STRIP_WORDS MCELIECE_ELIMINATION_STRIP_WORDS
#define STRIP_BYTES (8 * STRIP_WORDS)

/*
 * The left part. False if the first m t columns are not independent. The square
 * matrix is padded with the identity to a multiple of 64.
 */
static bool factor_square(const uint16_t goppa[static MCELIECE_T], const uint16_t *point,
                          struct mceliece_matrix_scratch *s)
{
	struct mceliece_elimination_strip *strip = &s->strip;
	size_t column = 0;

	for (unsigned number = 0; number < MCELIECE_ELIMINATION_SQUARE_STRIPS; number++) {
		memset(strip, 0, sizeof *strip);
		for (unsigned w = 0; w < STRIP_WORDS; w++, column += 64)
			mceliece_goppa_columns(strip, w, goppa, point + column);
		if (column > ROWS) {
			for (size_t i = 0; i < ROWS; i++)
				strip->row[i][STRIP_WORDS - 1] &= ((uint64_t)1 << ROWS % 64) - 1;
			for (size_t i = ROWS; i < MCELIECE_ELIMINATION_ROWS; i++)
				strip->row[i][STRIP_WORDS - 1] = (uint64_t)1 << i % 64;
		}
		if (!mceliece_elimination_factor(&s->elimination, strip, number))
			return false;
	}
	return true;
}

/* The right part: pk = T, a strip of columns at a time, and public from here on. */
static void public_key(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                       const uint16_t goppa[static MCELIECE_T], const uint16_t *point,
                       struct mceliece_matrix_scratch *s)
{
	struct mceliece_elimination_strip *strip = &s->strip;

	for (size_t done = 0; done < ROW_BYTES; done += STRIP_BYTES) {
		size_t take = ROW_BYTES - done < STRIP_BYTES ? ROW_BYTES - done : STRIP_BYTES;

		memset(strip, 0, sizeof *strip);
		for (unsigned w = 0; w < STRIP_WORDS; w++)
			mceliece_goppa_columns(strip, w, goppa, point + ROWS + 8 * done + 64 * w);
		mceliece_elimination_solve(&s->elimination, strip);
		for (size_t i = 0; i < ROWS; i++)
			for (size_t j = 0; j < take; j++)
				pk[ROW_BYTES * i + done + j] =
					(uint8_t)(strip->row[i][j / 8] >> (8 * (j % 8)));
	}
	ct_declassify(pk, MCELIECE460896_PUBLIC_KEY_BYTES);
}

bool mceliece_matrix(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                     const uint16_t goppa[static MCELIECE_T], const uint16_t point[static MCELIECE_Q],
                     struct mceliece_matrix_scratch *scratch)
{
	if (!factor_square(goppa, point, scratch))
		return false;
	public_key(pk, goppa, point, scratch);
	return true;
}
