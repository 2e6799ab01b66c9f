#include "crypto/mceliece460896/elimination.h"

#include <stddef.h>
#include <string.h>

#include "crypto/ct.h"

#define ROWS MCELIECE_ELIMINATION_ROWS
#define PANELS MCELIECE_ELIMINATION_PANELS
#define STRIP_WORDS MCELIECE_ELIMINATION_STRIP_WORDS
#define WINDOW_WORDS MCELIECE_ELIMINATION_WINDOW_WORDS

/*
 * Panel p is the 64 columns from 64 p on. Its pivots are put into rows 64 p .. 64 p + 63
 * by adding rows of a window to each other: these 64 rows and the 64 that follow. What
 * is added to what is recorded in transform[p], so that the new pivot rows are transform
 * times the window, with the identity in the panel. Any other row then gets its panel
 * cleared by adding the pivot rows that its own panel bits name: multiplier[p] is the
 * panel, row by row, as it was before.
 *
 * For a full search of pivots the window would have to reach down to the last row. With
 * 64 rows to spare an invertible matrix is taken for a singular one with a chance of
 * about 2^-64 per panel, which costs another try and nothing else.
 */
#define WINDOW_ROWS ((size_t)64 * WINDOW_WORDS)

/*
 * sum ^= the rows whose bit is set. The inner loop of key generation: four words in four
 * variables are what compilers turn into vectors at any level of optimisation.
 */
static inline void add_selected(uint64_t sum[static STRIP_WORDS], uint64_t bits,
                                const uint64_t (*rows)[STRIP_WORDS])
{
	uint64_t s0 = sum[0];
	uint64_t s1 = sum[1];
	uint64_t s2 = sum[2];
	uint64_t s3 = sum[3];

	for (size_t i = 0; i < 64; i++) {
		uint64_t mask = ct_mask_bit_u64(bits);

		bits >>= 1;
		s0 ^= mask & rows[i][0];
		s1 ^= mask & rows[i][1];
		s2 ^= mask & rows[i][2];
		s3 ^= mask & rows[i][3];
	}
	sum[0] = s0;
	sum[1] = s1;
	sum[2] = s2;
	sum[3] = s3;
}

/* A row of the window: its 64 panel bits, then which rows of the window are in it. */
struct window_row {
	uint64_t word[1 + WINDOW_WORDS];
};

static inline void add_row(struct window_row *to, const struct window_row *from, uint64_t bit)
{
	uint64_t mask = ct_mask_bit_u64(bit);

	for (size_t w = 0; w < 1 + WINDOW_WORDS; w++)
		to->word[w] ^= mask & from->word[w];
}

/* Finds transform[panel] from multiplier[panel]. A mask: whether all pivots were found. */
static uint64_t factor_panel(struct mceliece_elimination *e, size_t panel)
{
	size_t first = 64 * panel;
	size_t rows = ROWS - first < WINDOW_ROWS ? ROWS - first : WINDOW_ROWS;
	struct window_row window[WINDOW_ROWS];
	uint64_t found = 1;

	memset(window, 0, sizeof window);
	for (size_t j = 0; j < rows; j++) {
		window[j].word[0] = e->multiplier[panel][first + j];
		window[j].word[1 + j / 64] = (uint64_t)1 << (j % 64);
	}
	for (size_t i = 0; i < 64; i++) {
		struct window_row *pivot = &window[i];

		/* The first row below with the bit is added if the pivot row lacks it. */
		for (size_t j = i + 1; j < rows; j++)
			add_row(pivot, &window[j], (~pivot->word[0] & window[j].word[0]) >> i);
		found &= pivot->word[0] >> i;
		for (size_t j = 0; j < i; j++)
			add_row(&window[j], pivot, window[j].word[0] >> i);
		for (size_t j = i + 1; j < rows; j++)
			add_row(&window[j], pivot, window[j].word[0] >> i);
	}
	for (size_t i = 0; i < 64; i++)
		memcpy(e->transform[panel][i], &window[i].word[1], sizeof e->transform[panel][i]);
	ct_wipe(window, sizeof window);
	return ct_mask_bit_u64(found);
}

/* Does to a strip what makes the panel's pivot rows and clears the panel below them. */
static void forward(const struct mceliece_elimination *e, size_t panel,
                    struct mceliece_elimination_strip *strip)
{
	size_t first = 64 * panel;
	uint64_t pivots[64][STRIP_WORDS];

	memset(pivots, 0, sizeof pivots);
	for (size_t i = 0; i < 64; i++)
		for (size_t w = 0; w < WINDOW_WORDS && first + 64 * w < ROWS; w++)
			add_selected(pivots[i], e->transform[panel][i][w], &strip->row[first + 64 * w]);
	for (size_t k = first + 64; k < ROWS; k++)
		add_selected(strip->row[k], e->multiplier[panel][k], pivots);
	memcpy(strip->row[first], pivots, sizeof pivots);
	ct_wipe(pivots, sizeof pivots);
}

/* Clears the panel above its pivots. */
static void backward(const struct mceliece_elimination *e, size_t panel,
                     struct mceliece_elimination_strip *strip)
{
	size_t first = 64 * panel;

	for (size_t k = 0; k < first; k++)
		add_selected(strip->row[k], e->multiplier[panel][k], &strip->row[first]);
}

bool mceliece_elimination_factor(struct mceliece_elimination *elimination,
                                 struct mceliece_elimination_strip *strip, unsigned number)
{
	size_t panel = (size_t)number * STRIP_WORDS;

	for (size_t p = 0; p < panel; p++)
		forward(elimination, p, strip);
	for (size_t w = 0; w < STRIP_WORDS; w++, panel++) {
		for (size_t k = 0; k < ROWS; k++)
			elimination->multiplier[panel][k] = strip->row[k][w];
		if (!ct_is_set(factor_panel(elimination, panel)))
			return false;
		if (w + 1 < STRIP_WORDS)
			forward(elimination, panel, strip);
	}
	return true;
}

void mceliece_elimination_solve(const struct mceliece_elimination *elimination,
                                struct mceliece_elimination_strip *strip)
{
	for (size_t panel = 0; panel < PANELS; panel++)
		forward(elimination, panel, strip);
	for (size_t panel = PANELS - 1; panel > 0; panel--)
		backward(elimination, panel, strip);
}
