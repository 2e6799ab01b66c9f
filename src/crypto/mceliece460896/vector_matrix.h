#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_MATRIX_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_MATRIX_H

/*
 * mceliece_matrix() with vectors: the elimination of elimination.c, whose comments say why it works; see
 * vector.h for who includes this. Constant time but for the answer.
 *
 * A strip is kept by columns of bytes: byte r of column c has bits 8 c to 8 c + 7 of row r, so that a vector
 * has 8 bits of each of 32 rows. To add the rows that 4 bits of another matrix select, the 16 sums of such
 * rows are kept in a register for each column, and looked up by these bits for 32 rows at a time. The time of
 * a look-up within a register does not depend on the bits.
 */

#include <assert.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/matrix.h"
#include "crypto/mceliece460896/vector_bytes.h"
#include "crypto/mceliece460896/vector_gf.h"

#define MCELIECE_VECTOR_ROWS MCELIECE_ELIMINATION_ROWS
#define MCELIECE_VECTOR_ROW_GROUPS (MCELIECE_VECTOR_ROWS / VECTOR_BYTES)
#define MCELIECE_VECTOR_STRIP (MCELIECE_ELIMINATION_STRIP_COLUMNS / 8)
#define MCELIECE_VECTOR_PANEL 8
#define MCELIECE_VECTOR_PANELS MCELIECE_ELIMINATION_PANELS
#define MCELIECE_VECTOR_NIBBLES 16 /* of 64 bits */
#define MCELIECE_VECTOR_WINDOW (64 * MCELIECE_ELIMINATION_WINDOW_WORDS)

/* For 32 rows: 4 bits of each in a byte. */
struct mceliece_vector_nibbles {
	vector_octets nibble[MCELIECE_VECTOR_NIBBLES];
};

struct mceliece_vector_matrix {
	/* Panels as they were before, for all rows. */
	uint8_t multiplier[MCELIECE_VECTOR_PANELS][MCELIECE_VECTOR_PANEL][MCELIECE_VECTOR_ROWS]
		__attribute__((aligned(VECTOR_BYTES)));
	/* For each 64 rows of the window, which of them are in the 64 pivot rows. */
	struct mceliece_vector_nibbles transform[MCELIECE_VECTOR_PANELS][MCELIECE_ELIMINATION_WINDOW_WORDS]
						[2];
	uint8_t strip[MCELIECE_VECTOR_STRIP][MCELIECE_VECTOR_ROWS] __attribute__((aligned(VECTOR_BYTES)));
	struct mceliece_vector_nibbles nibbles[MCELIECE_VECTOR_ROW_GROUPS]; /* of one panel's multiplier */
};

static_assert(sizeof(struct mceliece_vector_matrix) <= MCELIECE_MATRIX_VECTOR_BYTES,
              "the scratch memory is large enough");

/* --- products -------------------------------------------------------------------------- */

/* Sums of the bytes 4 i to 4 i + 3 of 16 bytes, in the order of the four bits that select them. */
VECTOR_INLINE vector_octets mceliece_vector_sums(vector_octets bytes, unsigned i)
{
	/* Byte k for the numbers whose bit k is set, and nothing for the others. */
	static const uint8_t select[4][VECTOR_BYTES] __attribute__((aligned(VECTOR_BYTES))) = {
#define ONE(k, b, n) ((n) >> (k)&1 ? (b) + (k) : 0x80)
#define FOUR(k, b, n) ONE(k, b, n), ONE(k, b, (n) + 1), ONE(k, b, (n) + 2), ONE(k, b, (n) + 3)
#define SIXTEEN(k, b) FOUR(k, b, 0), FOUR(k, b, 4), FOUR(k, b, 8), FOUR(k, b, 12)
		{ SIXTEEN(0, 0), SIXTEEN(0, 4) },
		{ SIXTEEN(1, 0), SIXTEEN(1, 4) },
		{ SIXTEEN(2, 0), SIXTEEN(2, 4) },
		{ SIXTEEN(3, 0), SIXTEEN(3, 4) },
#undef SIXTEEN
#undef FOUR
#undef ONE
	};
	vector_octets sum = { 0 };

	/* Bit 7 of a byte that selects nothing stays set. */
	MCELIECE_VECTOR_UNROLL
	for (unsigned k = 0; k < 4; k++)
		sum ^= mceliece_vector_lookup(bytes,
		                              (vector_octets)vector_load_row(select[k]) + (uint8_t)(4 * i));
	return sum;
}

/* table[n]: the sums of rows 4 n to 4 n + 3 of 64 rows, in both halves of the vector. */
VECTOR_INLINE void mceliece_vector_tables(vector_octets table[static MCELIECE_VECTOR_NIBBLES],
                                          const uint8_t rows[static 64])
{
	MCELIECE_VECTOR_UNROLL
	for (unsigned n = 0; n < MCELIECE_VECTOR_NIBBLES; n += 4) {
		vector bytes = vector_load_row(rows + 16 * (n / 8 * 2));

		if (n / 4 % 2 == 0)
			bytes = VECTOR_PICK(vector, bytes, bytes, 0, 1, 0, 1);
		else
			bytes = VECTOR_PICK(vector, bytes, bytes, 2, 3, 2, 3);
		MCELIECE_VECTOR_UNROLL
		for (unsigned i = 0; i < 4; i += 2) {
			vector two = (vector)mceliece_vector_sums((vector_octets)bytes, i);

			table[n + i] = (vector_octets)VECTOR_PICK(vector, two, two, 0, 1, 0, 1);
			table[n + i + 1] = (vector_octets)VECTOR_PICK(vector, two, two, 2, 3, 2, 3);
		}
	}
}

/* Adds to groups of 32 rows those of 64 rows that their nibbles select. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_add_product(uint8_t *sum,
                                                         const struct mceliece_vector_nibbles *nibbles,
                                                         unsigned groups, const uint8_t rows[static 64])
{
	vector_octets table[MCELIECE_VECTOR_NIBBLES];

	mceliece_vector_tables(table, rows);
	/* In two turns, for which the tables fit into registers. */
	for (unsigned from = 0; from < MCELIECE_VECTOR_NIBBLES; from += 8) {
		const vector_octets t0 = table[from], t1 = table[from + 1];
		const vector_octets t2 = table[from + 2], t3 = table[from + 3];
		const vector_octets t4 = table[from + 4], t5 = table[from + 5];
		const vector_octets t6 = table[from + 6], t7 = table[from + 7];

		for (unsigned g = 0; g < groups; g++) {
			const vector_octets *n = nibbles[g].nibble + from;
			vector_octets x = (vector_octets)vector_load_row(sum + VECTOR_BYTES * g);
			vector_octets y = mceliece_vector_lookup(t1, n[1]);

			x ^= mceliece_vector_lookup(t0, n[0]);
			y ^= mceliece_vector_lookup(t3, n[3]);
			x ^= mceliece_vector_lookup(t2, n[2]);
			y ^= mceliece_vector_lookup(t5, n[5]);
			x ^= mceliece_vector_lookup(t4, n[4]);
			y ^= mceliece_vector_lookup(t7, n[7]);
			x ^= mceliece_vector_lookup(t6, n[6]) ^ y;
			memcpy(sum + VECTOR_BYTES * g, &x, sizeof x);
		}
	}
	ct_wipe(table, sizeof table);
}

/* The nibbles of a panel's multiplier for groups from on. */
static void mceliece_vector_split(struct mceliece_vector_matrix *m, unsigned panel, unsigned from,
                                  unsigned to)
{
	for (unsigned g = from; g < to; g++) {
		MCELIECE_VECTOR_UNROLL
		for (unsigned c = 0; c < MCELIECE_VECTOR_PANEL; c++) {
			vector x = vector_load_row(m->multiplier[panel][c] + VECTOR_BYTES * g);

			m->nibbles[g].nibble[2 * c] = (vector_octets)(x & 0x0f0f0f0f0f0f0f0f);
			m->nibbles[g].nibble[2 * c + 1] = (vector_octets)(x >> 4 & 0x0f0f0f0f0f0f0f0f);
		}
	}
}

/* --- steps of the elimination ---------------------------------------------------------- */

/* forward() of elimination.c, for columns from to to - 1 of the strip. */
static void mceliece_vector_forward(struct mceliece_vector_matrix *m, unsigned panel, unsigned from,
                                    unsigned to)
{
	const unsigned first = 64 * panel;
	const unsigned group = (first + 64) / VECTOR_BYTES;
	/* The last panel has no rows to spare. */
	const unsigned windows = panel + 1 < MCELIECE_VECTOR_PANELS ? MCELIECE_ELIMINATION_WINDOW_WORDS : 1;
	uint8_t pivots[64] __attribute__((aligned(VECTOR_BYTES)));

	mceliece_vector_split(m, panel, group, MCELIECE_VECTOR_ROW_GROUPS);
	for (unsigned c = from; c < to; c++) {
		uint8_t *column = m->strip[c];

		memset(pivots, 0, sizeof pivots);
		for (unsigned w = 0; w < windows; w++)
			mceliece_vector_add_product(pivots, m->transform[panel][w], 2,
			                            column + first + (size_t)64 * w);
		mceliece_vector_add_product(column + first + 64, m->nibbles + group,
		                            MCELIECE_VECTOR_ROW_GROUPS - group, pivots);
		memcpy(column + first, pivots, sizeof pivots);
	}
	ct_wipe(pivots, sizeof pivots);
}

/* backward() of elimination.c, for the first columns of the strip. */
static void mceliece_vector_backward(struct mceliece_vector_matrix *m, unsigned panel, unsigned columns)
{
	const unsigned first = 64 * panel;

	mceliece_vector_split(m, panel, 0, first / VECTOR_BYTES);
	for (unsigned c = 0; c < columns; c++)
		mceliece_vector_add_product(m->strip[c], m->nibbles, first / VECTOR_BYTES,
		                            m->strip[c] + first);
}

/*
 * The window of factor_panel() in elimination.c by columns, of 128 rows each: those of the panel and then
 * those of the transform. low has rows 0 to 63, high the others.
 */
#define MCELIECE_VECTOR_WINDOW_COLUMNS (64 + MCELIECE_VECTOR_WINDOW)
struct mceliece_vector_window {
	uint64_t low[MCELIECE_VECTOR_WINDOW_COLUMNS] __attribute__((aligned(VECTOR_BYTES)));
	uint64_t high[MCELIECE_VECTOR_WINDOW_COLUMNS] __attribute__((aligned(VECTOR_BYTES)));
};

/* Rows behind the last one are zero, also in the transform. */
static void mceliece_vector_window_load(struct mceliece_vector_window *window,
                                        const uint8_t (*panel)[MCELIECE_VECTOR_ROWS], unsigned first)
{
	memset(window, 0, sizeof *window);
	for (unsigned c = 0; c < MCELIECE_VECTOR_PANEL; c++) {
		for (unsigned group = 0; group < 4 && first + VECTOR_BYTES * group < MCELIECE_VECTOR_ROWS;
		     group++) {
			uint64_t *out = (group < 2 ? window->low : window->high) + 8 * c;
			vector x = vector_load_row(panel[c] + first + VECTOR_BYTES * group);

			for (unsigned b = 8; b-- > 0; x <<= 1)
				out[b] |= mceliece_vector_signs(x) << (VECTOR_BYTES * (group % 2));
		}
	}
	for (unsigned i = 0; i < 64; i++) {
		window->low[64 + i] = (uint64_t)1 << i;
		window->high[128 + i] = (uint64_t)1 << i;
	}
}

/* 64-bit words that are not zero: all ones. */
VECTOR_INLINE vector mceliece_vector_nonzero(vector x)
{
	return ~(vector)(x == (vector){ 0 });
}

/*
 * Makes column i of the panel a unit vector: if row i lacks the bit, adds to it the first row below that has
 * the bit, and then adds row i to all others that have the bit. Returns the bit of row i: whether there was
 * a pivot.
 */
static uint64_t mceliece_vector_pivot(struct mceliece_vector_window *window, unsigned i)
{
	const uint64_t row = (uint64_t)1 << i;
	uint64_t lacks = ~ct_mask_nonzero_u64(window->low[i] & row);
	uint64_t below = window->low[i] & ~(row | (row - 1));
	uint64_t low = lacks & below & ((uint64_t)0 - below);
	uint64_t high = lacks & ct_mask_zero_u64(below) & window->high[i] & ((uint64_t)0 - window->high[i]);
	uint64_t found = (window->low[i] & row) | (ct_mask_nonzero_u64(low | high) & row);
	/* The rows other than i that have the bit: they do not change when row i does. */
	const vector to_low = vector_broadcast(window->low[i] & ~row);
	const vector to_high = vector_broadcast(window->high[i]);
	const vector from_low = vector_broadcast(low);
	const vector from_high = vector_broadcast(high);
	const vector rows = vector_broadcast(row);

	for (unsigned c = i - i % VECTOR_LANES; c < MCELIECE_VECTOR_WINDOW_COLUMNS; c += VECTOR_LANES) {
		vector x = vector_load_row((const uint8_t *)&window->low[c]);
		vector y = vector_load_row((const uint8_t *)&window->high[c]);
		vector has;

		x ^= mceliece_vector_nonzero((x & from_low) | (y & from_high)) & rows;
		has = mceliece_vector_nonzero(x & rows);
		x ^= has & to_low;
		y ^= has & to_high;
		memcpy(&window->low[c], &x, sizeof x);
		memcpy(&window->high[c], &y, sizeof y);
	}
	return found;
}

/* factor_panel() of elimination.c. A mask: whether all pivots were found. */
MCELIECE_VECTOR_OUTLINE uint64_t mceliece_vector_factor(struct mceliece_vector_matrix *m, unsigned panel)
{
	struct mceliece_vector_window window;
	uint64_t found = 0;

	mceliece_vector_window_load(&window, (const uint8_t(*)[MCELIECE_VECTOR_ROWS])m->multiplier[panel],
	                            64 * panel);
	for (unsigned i = 0; i < 64; i++)
		found |= mceliece_vector_pivot(&window, i);
	for (unsigned k = 0; k < MCELIECE_VECTOR_WINDOW; k++) {
		const unsigned bit = k % 4;

		for (unsigned half = 0; half < 2; half++) {
			vector_octets *nibble = &m->transform[panel][k / 64][half].nibble[k % 64 / 4];
			vector_octets mask =
				mceliece_vector_spread_bits((uint32_t)(window.low[64 + k] >> (32 * half)));

			mask &= (uint8_t)(1U << bit);
			*nibble = bit == 0 ? mask : *nibble | mask;
		}
	}
	ct_wipe(&window, sizeof window);
	return ct_mask_zero_u64(~found);
}

/* --- the matrix ------------------------------------------------------------------------ */

/* The columns for 256 points: columns() of goppa.c into the first 1248 rows of the strip. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_columns(struct mceliece_vector_matrix *m,
                                                     const uint16_t g[static MCELIECE_T],
                                                     const uint16_t points[static 256])
{
	struct mceliece_vector_gf x;
	struct mceliece_vector_gf value;
	struct mceliece_vector_gf coefficient;
	vector_octets rows[16];
	unsigned done = 0;

	mceliece_vector_load_points(&x, points);
	mceliece_vector_gf_set_all(&value, 1);
	for (unsigned i = MCELIECE_T; i-- > 0;) {
		mceliece_vector_gf_mul(&value, &value, &x);
		mceliece_vector_gf_set_all(&coefficient, g[i]);
		mceliece_vector_gf_add_to(&value, &coefficient);
	}
	mceliece_vector_gf_inv(&value, &value);
	for (unsigned i = 0; i < MCELIECE_T; i++) {
		for (unsigned b = 0; b < MCELIECE_M; b++, done++) {
			rows[done % 16] = (vector_octets)value.bit[b];
			if (done % 16 == 15)
				mceliece_vector_store_columns(m->strip, done - 15, rows);
		}
		mceliece_vector_gf_mul(&value, &value, &x);
	}
	ct_wipe(&x, sizeof x);
	ct_wipe(&value, sizeof value);
	ct_wipe(&coefficient, sizeof coefficient);
	ct_wipe(rows, sizeof rows);
}

/* The left part: false if the first m t columns are not independent. */
static bool mceliece_vector_square(struct mceliece_vector_matrix *m, const uint16_t g[static MCELIECE_T],
                                   const uint16_t *points)
{
	unsigned panel = 0;

	for (unsigned number = 0; number < MCELIECE_ELIMINATION_SQUARE_STRIPS; number++) {
		memset(m->strip, 0, sizeof m->strip);
		mceliece_vector_columns(m, g, points + (size_t)256 * number);
		if (number + 1 == MCELIECE_ELIMINATION_SQUARE_STRIPS) {
			/* The identity in the padding. */
			for (unsigned i = MCELIECE_ROWS; i < MCELIECE_VECTOR_ROWS; i++) {
				uint8_t *column = m->strip[i / 8 % MCELIECE_VECTOR_STRIP];

				if (i % 8 == 0)
					memset(column, 0, MCELIECE_VECTOR_ROWS);
				column[i] = (uint8_t)(1U << i % 8);
			}
		}
		for (unsigned p = 0; p < panel; p++)
			mceliece_vector_forward(m, p, 0, MCELIECE_VECTOR_STRIP);
		for (unsigned c = 0; c < MCELIECE_VECTOR_STRIP; c += MCELIECE_VECTOR_PANEL, panel++) {
			memcpy(m->multiplier[panel], m->strip[c], sizeof m->multiplier[panel]);
			if (!ct_is_set(mceliece_vector_factor(m, panel)))
				return false;
			mceliece_vector_forward(m, panel, c + MCELIECE_VECTOR_PANEL, MCELIECE_VECTOR_STRIP);
		}
	}
	return true;
}

/* mceliece_matrix() */
static bool mceliece_vector_matrix(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                   const uint16_t g[static MCELIECE_T],
                                   const uint16_t points[static MCELIECE_Q],
                                   struct mceliece_matrix_scratch *scratch)
{
	struct mceliece_vector_matrix *m = (struct mceliece_vector_matrix *)scratch->vectors;

	if (!mceliece_vector_square(m, g, points))
		return false;
	for (unsigned done = 0; done < MCELIECE_ROW_BYTES; done += MCELIECE_VECTOR_STRIP) {
		unsigned left = MCELIECE_ROW_BYTES - done;
		unsigned columns = left < MCELIECE_VECTOR_STRIP ? left : MCELIECE_VECTOR_STRIP;

		memset(m->strip, 0, sizeof m->strip);
		mceliece_vector_columns(m, g, points + MCELIECE_ROWS + (size_t)8 * done);
		for (unsigned panel = 0; panel < MCELIECE_VECTOR_PANELS; panel++)
			mceliece_vector_forward(m, panel, 0, columns);
		for (unsigned panel = MCELIECE_VECTOR_PANELS; panel-- > 1;)
			mceliece_vector_backward(m, panel, columns);
		mceliece_vector_load_columns(pk + done, (const uint8_t(*)[MCELIECE_VECTOR_ROWS])m->strip,
		                             columns);
	}
	ct_declassify(pk, MCELIECE460896_PUBLIC_KEY_BYTES);
	return true;
}

#endif
