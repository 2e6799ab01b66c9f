#include "crypto/mceliece460896/sort.h"

#include <string.h>

#include "crypto/ct.h"

/*
 * A pair is ordered by its difference d = b - a, which cannot overflow for values of
 * this range: the sign of d, spread over the word, selects d, and moving d from one to
 * the other swaps them.
 */
static inline void exchange_u31(int32_t *a, int32_t *b)
{
	int32_t d = *b - *a;

	d &= ct_mask_negative_i32(d);
	*a += d;
	*b -= d;
}

static inline void exchange_u63(int64_t *a, int64_t *b)
{
	int64_t d = *b - *a;

	d &= ct_mask_negative_i64(d);
	*a += d;
	*b -= d;
}

/* Orders a[j], b[j] for all j below run: four at a time, then the rest. */
static inline void exchange_run(int32_t *a, int32_t *b, size_t run)
{
	size_t j = 0;

	for (; j + 4 <= run; j += 4) {
		ct_vector low;
		ct_vector high;
		ct_vector d;
		ct_vector mask;

		memcpy(&low, a + j, sizeof low);
		memcpy(&high, b + j, sizeof high);
		d = high - low;
		mask = d;
		ct_mask_negative_vector(&mask);
		d &= mask;
		low += d;
		high -= d;
		memcpy(a + j, &low, sizeof low);
		memcpy(b + j, &high, sizeof high);
	}
	for (; j < run; j++)
		exchange_u31(a + j, b + j);
}

/*
 * The last merges, of strides 2 and 1, compare every second pair or element: they run on
 * x dealt out into four lists, where list c holds x[4j + c], so that what is compared
 * stands in runs here as well. The distances q - p become q / 4 in another list.
 */
static void merge_narrow(int32_t *x, size_t len, size_t lanes, int32_t *work)
{
	size_t n = len / 4;
	int32_t *x0 = work;
	int32_t *x1 = x0 + n;
	int32_t *x2 = x1 + n;
	int32_t *x3 = x2 + n;

	for (size_t j = 0; j < n; j++) {
		x0[j] = x[4 * j];
		x1[j] = x[4 * j + 1];
		x2[j] = x[4 * j + 2];
		x3[j] = x[4 * j + 3];
	}

	exchange_run(x0, x2, n);
	exchange_run(x1, x3, n);
	for (size_t d = n / 2; d >= 1; d /= 2) {
		exchange_run(x2, x0 + d, n - d);
		exchange_run(x3, x1 + d, n - d);
	}
	if (lanes == 1) {
		exchange_run(x0, x1, n);
		exchange_run(x2, x3, n);
		for (size_t d = n / 2; d >= 1; d /= 2) {
			exchange_run(x1, x0 + d, n - d);
			exchange_run(x3, x2 + d, n - d);
		}
		exchange_run(x1, x2, n);
		exchange_run(x3, x0 + 1, n - 1);
	}

	for (size_t j = 0; j < n; j++) {
		x[4 * j] = x0[j];
		x[4 * j + 1] = x1[j];
		x[4 * j + 2] = x2[j];
		x[4 * j + 3] = x3[j];
	}
}

/*
 * The strides come in powers of two from len / 2 down, so stopping at the number of
 * lanes sorts the interleaved lists and never joins them.
 */
void mceliece_sort_u31(int32_t *x, size_t len, size_t lanes, int32_t *work)
{
	size_t last = lanes < 4 ? 4 : lanes;

	for (size_t p = len / 2; p >= last; p /= 2) {
		size_t d = p;
		size_t r = 0;

		for (size_t q = len / 2;; q /= 2) {
			for (size_t i = r; i + d < len; i += 2 * p)
				exchange_run(x + i, x + i + d, p);
			if (q == p)
				break;
			d = q - p;
			r = p;
		}
	}
	if (lanes < 4)
		merge_narrow(x, len, lanes, work);
}

void mceliece_sort_u63(int64_t *x, size_t len, int64_t *work)
{
	(void)work;
	for (size_t p = len / 2; p >= 1; p /= 2) {
		size_t d = p;
		size_t r = 0;

		for (size_t q = len / 2;; q /= 2) {
			for (size_t i = r; i + d < len; i += 2 * p)
				for (size_t j = i; j < i + p; j++)
					exchange_u63(x + j, x + j + d);
			if (q == p)
				break;
			d = q - p;
			r = p;
		}
	}
}
