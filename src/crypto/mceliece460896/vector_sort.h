#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_SORT_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_SORT_H

/*
 * The networks of sort.h with vectors; see vector.h for who includes this. Constant time.
 *
 * The merge of stride p compares element i + p with elements i + q, for q from the greatest power of two down
 * to 2 p and all i without the bit p. As element i + q is compared again with a later i and a smaller q only,
 * all comparisons of one i may be made at once, with element i + p in a register.
 */

#include <string.h>

#include "crypto/mceliece460896/sort.h"
#include "crypto/mceliece460896/vector_gf.h"

/* Lengths, strides and offsets are in bytes. wide: elements have 64 bits, and else 32. */
#define MCELIECE_VECTOR_ELEMENT(wide) ((wide) ? sizeof(int64_t) : sizeof(int32_t))

typedef int32_t mceliece_vector_i32 __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t mceliece_vector_i64 __attribute__((vector_size(VECTOR_BYTES)));

#ifdef __clang__
#define MCELIECE_VECTOR_MIN(a, b) __builtin_elementwise_min(a, b)
#define MCELIECE_VECTOR_MAX(a, b) __builtin_elementwise_max(a, b)
#define MCELIECE_VECTOR_MIN_4(a, b) __builtin_elementwise_min(a, b)
#define MCELIECE_VECTOR_MAX_4(a, b) __builtin_elementwise_max(a, b)
#else
#define MCELIECE_VECTOR_MIN(a, b) ((mceliece_vector_i32)__builtin_ia32_pminsd256(a, b))
#define MCELIECE_VECTOR_MAX(a, b) ((mceliece_vector_i32)__builtin_ia32_pmaxsd256(a, b))
#define MCELIECE_VECTOR_MIN_4(a, b) ((ct_vector)__builtin_ia32_pminsd128(a, b))
#define MCELIECE_VECTOR_MAX_4(a, b) ((ct_vector)__builtin_ia32_pmaxsd128(a, b))
#endif

/* Orders the elements of a and those in memory. */
VECTOR_INLINE void mceliece_vector_order(vector *a, uint8_t *memory, bool wide)
{
	vector b = vector_load_row(memory);
	vector d;

	if (wide) {
		d = (*a ^ b) & (vector)((mceliece_vector_i64)*a > (mceliece_vector_i64)b);
		*a ^= d;
		b ^= d;
	} else {
		d = (vector)MCELIECE_VECTOR_MAX((mceliece_vector_i32)*a, (mceliece_vector_i32)b);
		*a = (vector)MCELIECE_VECTOR_MIN((mceliece_vector_i32)*a, (mceliece_vector_i32)b);
		b = d;
	}
	memcpy(memory, &b, sizeof b);
}

/* Orders element j of a and element j of b, for length bytes of them. */
VECTOR_INLINE void mceliece_vector_order_run(uint8_t *a, uint8_t *b, size_t length, bool wide)
{
	for (size_t j = 0; j < length; j += VECTOR_BYTES) {
		vector x = vector_load_row(a + j);

		mceliece_vector_order(&x, b + j, wide);
		memcpy(a + j, &x, sizeof x);
	}
}

/* The merge of stride p, which is a vector or more. */
VECTOR_INLINE void mceliece_vector_merge_wide(uint8_t *x, size_t length, size_t p, bool wide)
{
	for (size_t i = 0; i < length; i += 2 * p)
		mceliece_vector_order_run(x + i, x + i + p, p, wide);
	for (size_t i = 0; i < length; i += 2 * p) {
		size_t greatest = length / 2;

		while (i + greatest >= length)
			greatest /= 2;
		for (size_t j = i; greatest > p && j < i + p; j += VECTOR_BYTES) {
			vector a = vector_load_row(x + j + p);

			for (size_t q = greatest; q > p; q /= 2)
				mceliece_vector_order(&a, x + j + q, wide);
			memcpy(x + j + p, &a, sizeof a);
		}
	}
}

VECTOR_INLINE void mceliece_vector_order_4(ct_vector *a, int32_t *memory)
{
	ct_vector b;
	ct_vector max;

	memcpy(&b, memory, sizeof b);
	max = MCELIECE_VECTOR_MAX_4(*a, b);
	*a = MCELIECE_VECTOR_MIN_4(*a, b);
	memcpy(memory, &max, sizeof max);
}

/* The merge of stride 4 of 32-bit elements. */
static void mceliece_vector_merge_4(int32_t *x, size_t len)
{
	ct_vector a;

	for (size_t i = 0; i < len; i += 8) {
		memcpy(&a, x + i, sizeof a);
		mceliece_vector_order_4(&a, x + i + 4);
		memcpy(x + i, &a, sizeof a);
	}
	for (size_t i = 0; i < len; i += 8) {
		memcpy(&a, x + i + 4, sizeof a);
		for (size_t q = len / 2; q > 4; q /= 2) {
			if (i + q < len)
				mceliece_vector_order_4(&a, x + i + q);
		}
		memcpy(x + i + 4, &a, sizeof a);
	}
}

/* The four lists of merge_narrow() in sort.c. Behind each is room for a vector of the greatest numbers. */
struct mceliece_vector_lists {
	uint8_t *list[4];
	size_t length;
};

/*
 * Elements 4 i + c of four vectors to vector c, or back. In each half of the vectors, 32-bit elements are
 * transposed as a square of four times four.
 */
VECTOR_INLINE void mceliece_vector_deal_four(vector x[static 4], bool wide, bool back)
{
	vector_halves y[4];

	if (wide) {
		mceliece_vector_transpose(x);
		return;
	}
	MCELIECE_VECTOR_UNROLL
	for (unsigned c = 0; c < 4; c++) {
		y[c] = (vector_halves)x[c];
		if (back)
			y[c] = VECTOR_PICK(vector_halves, y[c], y[c], 0, 2, 4, 6, 1, 3, 5, 7);
	}
	x[0] = (vector)VECTOR_PICK(vector_halves, y[0], y[1], 0, 8, 1, 9, 4, 12, 5, 13);
	x[1] = (vector)VECTOR_PICK(vector_halves, y[0], y[1], 2, 10, 3, 11, 6, 14, 7, 15);
	x[2] = (vector)VECTOR_PICK(vector_halves, y[2], y[3], 0, 8, 1, 9, 4, 12, 5, 13);
	x[3] = (vector)VECTOR_PICK(vector_halves, y[2], y[3], 2, 10, 3, 11, 6, 14, 7, 15);
	y[0] = (vector_halves)VECTOR_PICK(vector, x[0], x[2], 0, 4, 2, 6);
	y[1] = (vector_halves)VECTOR_PICK(vector, x[0], x[2], 1, 5, 3, 7);
	y[2] = (vector_halves)VECTOR_PICK(vector, x[1], x[3], 0, 4, 2, 6);
	y[3] = (vector_halves)VECTOR_PICK(vector, x[1], x[3], 1, 5, 3, 7);
	MCELIECE_VECTOR_UNROLL
	for (unsigned c = 0; c < 4; c++) {
		if (!back)
			y[c] = VECTOR_PICK(vector_halves, y[c], y[c], 0, 4, 1, 5, 2, 6, 3, 7);
		x[c] = (vector)y[c];
	}
}

/* Takes elements from x in turn, or gives them back. */
VECTOR_INLINE void mceliece_vector_deal(const struct mceliece_vector_lists *lists, uint8_t *x, bool wide,
                                        bool back)
{
	const vector greatest = vector_broadcast(wide ? 0x7fffffffffffffff : 0x7fffffff7fffffff);
	vector four[4];

	for (size_t j = 0; j < lists->length; j += VECTOR_BYTES) {
		MCELIECE_VECTOR_UNROLL
		for (unsigned c = 0; c < 4; c++)
			four[c] = vector_load_row(back ? lists->list[c] + j
			                               : x + 4 * j + (size_t)VECTOR_BYTES * c);
		mceliece_vector_deal_four(four, wide, back);
		MCELIECE_VECTOR_UNROLL
		for (unsigned c = 0; c < 4; c++)
			memcpy(back ? x + 4 * j + (size_t)VECTOR_BYTES * c : lists->list[c] + j, &four[c],
			       VECTOR_BYTES);
	}
	for (unsigned c = 0; c < 4; c++)
		memcpy(lists->list[c] + lists->length, &greatest, sizeof greatest);
}

/*
 * Orders elements of a list and those at distances behind them in another list, from half of the length down:
 * for distances of a vector and more all at once for an element, and then for one after the other, since a
 * vector that was stored is not loaded well in pieces.
 */
VECTOR_INLINE void mceliece_vector_order_behind(uint8_t *list, uint8_t *other, size_t length, bool wide)
{
	for (size_t j = 0; j < length; j += VECTOR_BYTES) {
		vector a = vector_load_row(list + j);

		for (size_t d = length / 2; d >= VECTOR_BYTES; d /= 2) {
			if (j + d < length)
				mceliece_vector_order(&a, other + j + d, wide);
		}
		memcpy(list + j, &a, sizeof a);
	}
	for (size_t d = VECTOR_BYTES / 2; d >= MCELIECE_VECTOR_ELEMENT(wide); d /= 2)
		mceliece_vector_order_run(list, other + d, length, wide);
}

/* The merges of strides 2 and, if there is one list to be sorted, 1. */
VECTOR_INLINE void mceliece_vector_merge_narrow(const struct mceliece_vector_lists *lists, bool is_one,
                                                bool wide)
{
	const size_t length = lists->length;
	uint8_t *const *list = lists->list;

	mceliece_vector_order_run(list[0], list[2], length, wide);
	mceliece_vector_order_run(list[1], list[3], length, wide);
	mceliece_vector_order_behind(list[2], list[0], length, wide);
	mceliece_vector_order_behind(list[3], list[1], length, wide);
	if (!is_one)
		return;
	mceliece_vector_order_run(list[0], list[1], length, wide);
	mceliece_vector_order_run(list[2], list[3], length, wide);
	mceliece_vector_order_behind(list[1], list[0], length, wide);
	mceliece_vector_order_behind(list[3], list[2], length, wide);
	mceliece_vector_order_run(list[1], list[2], length, wide);
	mceliece_vector_order_run(list[3], list[0] + MCELIECE_VECTOR_ELEMENT(wide), length, wide);
}

VECTOR_INLINE void mceliece_vector_sort(uint8_t *x, size_t length, size_t last, unsigned lanes, uint8_t *work,
                                        bool wide)
{
	struct mceliece_vector_lists lists = { .length = length / 4 };

	for (size_t p = length / 2; p >= last; p /= 2)
		mceliece_vector_merge_wide(x, length, p, wide);
	if (!wide && lanes <= 4)
		mceliece_vector_merge_4((int32_t *)x, length / sizeof(int32_t));
	if (lanes > 2)
		return;
	for (unsigned c = 0; c < 4; c++)
		lists.list[c] = work + c * (lists.length + VECTOR_BYTES);
	mceliece_vector_deal(&lists, x, wide, false);
	mceliece_vector_merge_narrow(&lists, lanes == 1, wide);
	mceliece_vector_deal(&lists, x, wide, true);
}

/* mceliece_sort_u31() for 64 elements and more */
static void mceliece_vector_sort_u31(int32_t *x, size_t len, size_t lanes, int32_t *work)
{
	size_t last = sizeof *x * lanes;

	mceliece_vector_sort((uint8_t *)x, sizeof *x * len, last < VECTOR_BYTES ? VECTOR_BYTES : last,
	                     lanes < 8 ? (unsigned)lanes : 8, (uint8_t *)work, false);
}

/* mceliece_sort_u63() for 64 elements and more */
static void mceliece_vector_sort_u63(int64_t *x, size_t len, int64_t *work)
{
	mceliece_vector_sort((uint8_t *)x, sizeof *x * len, VECTOR_BYTES, 1, (uint8_t *)work, true);
}

#endif
