#ifndef ROSENPASS_CRYPTO_MCELIECE460896_SORT_H
#define ROSENPASS_CRYPTO_MCELIECE460896_SORT_H

/*
 * Constant-time sorting: Batcher's merge exchange network (Knuth, The Art of
 * Computer Programming volume 3, algorithm 5.2.2M). Which positions are compared
 * depends on the lengths alone.
 */

#include <stddef.h>
#include <stdint.h>

/* How many values more than those to be sorted the working memory has room for. */
#define MCELIECE_SORT_EXTRA 32

/*
 * Sorts lanes independent lists at once, each in ascending order. len >= 8 and lanes
 * are powers of two, 1 <= lanes < len; element j of list s is x[j * lanes + s], so
 * each list has len / lanes elements. All values must be in 0 .. 2^31 - 1. work holds
 * len + MCELIECE_SORT_EXTRA values; it is left with copies of the data.
 */
void mceliece_sort_u31(int32_t *x, size_t len, size_t lanes, int32_t *work);

/*
 * Sorts x in ascending order; len is a power of two, all values are in 0 .. 2^63 - 1. work is for backends,
 * and as large as above.
 */
void mceliece_sort_u63(int64_t *x, size_t len, int64_t *work);

#endif
