#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_BM_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_BM_H

/*
 * The algorithm of bm.h; see vector.h for who includes this. Constant time.
 *
 * Step n of bm.c needs the discrepancy, coefficient n of the product of the connection and the sequence. Here
 * the product is kept instead: it changes as the connection does, by linear combination with the product
 * of the previous connection (Sarwate and Shanbhag, "High-speed architectures for Reed-Solomon decoders",
 * 2001).
 * A row of elements holds coefficients n .. 191 of the product followed by the connection, so that in step n
 * the discrepancy is at 0 and coefficient 0 of the connection at 192 - n. After each step the row moves down.
 * The row for the previous connection stays, which multiplies that by x.
 *
 * A row is multiplied by one element at a time, with tables for groups of 4, 3, 4 and 2 bits of the other
 * factor. Bits 0 to 6 of an element are in one byte and bits 7 to 12 in another one.
 */

#include <string.h>

#include "crypto/mceliece460896/vector_bytes.h"
#include "crypto/mceliece460896/vector_gf.h"

#define MCELIECE_VECTOR_BM_TERMS (2 * MCELIECE_T)
#define MCELIECE_VECTOR_BM_LOW_BITS 7
/* Elements of a row, as long as the connection has not got all of its coefficients. */
#define MCELIECE_VECTOR_BM_LENGTH (MCELIECE_VECTOR_BM_TERMS + 2)
#define MCELIECE_VECTOR_BM_VECTORS ((MCELIECE_VECTOR_BM_LENGTH + VECTOR_BYTES - 1) / VECTOR_BYTES)

typedef uint16_t mceliece_vector_u16 __attribute__((vector_size(VECTOR_BYTES)));

struct mceliece_vector_bm_row {
	vector_octets low[MCELIECE_VECTOR_BM_VECTORS + 1];
	vector_octets high[MCELIECE_VECTOR_BM_VECTORS + 1];
};

/* low[g] and high[g]: the bytes of the products of an element and the values of group g of bits. */
struct mceliece_vector_bm_tables {
	vector_octets low[4];
	vector_octets high[4];
};

/* The products of z^n and elements, n = 3 or 4 */
VECTOR_INLINE mceliece_vector_u16 mceliece_vector_bm_times_z(mceliece_vector_u16 x, unsigned n)
{
	/* i (z^4 + z^3 + z + 1) for i < 16 */
	static const uint8_t reduced[VECTOR_BYTES] = { 0x00, 0x1b, 0x36, 0x2d, 0x6c, 0x77, 0x5a, 0x41,
		                                       0xd8, 0xc3, 0xee, 0xf5, 0xb4, 0xaf, 0x82, 0x99,
		                                       0x00, 0x1b, 0x36, 0x2d, 0x6c, 0x77, 0x5a, 0x41,
		                                       0xd8, 0xc3, 0xee, 0xf5, 0xb4, 0xaf, 0x82, 0x99 };
	vector_octets table = (vector_octets)vector_load_row(reduced);
	vector_octets over = (vector_octets)(x >> (MCELIECE_M - n));

	return ((x << n) & (MCELIECE_Q - 1)) ^ (mceliece_vector_u16)mceliece_vector_lookup(table, over);
}

/* The tables for an element of which all bytes of low and high are the parts. */
VECTOR_INLINE void mceliece_vector_bm_make(struct mceliece_vector_bm_tables *tables, vector_octets low,
                                           vector_octets high)
{
	const mceliece_vector_u16 number = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	mceliece_vector_u16 x = ((mceliece_vector_u16)low & 0x7f) | ((mceliece_vector_u16)high & 0x3f)
	                                                                    << MCELIECE_VECTOR_BM_LOW_BITS;
	mceliece_vector_u16 product[4];

	/* Times 0 to 15. */
	product[0] = (x & (mceliece_vector_u16)((number & 1) == 1)) ^
	             ((x << 1) & (mceliece_vector_u16)((number & 2) == 2)) ^
	             (((x << 2) & (mceliece_vector_u16)((number & 4) == 4)) ^
	              ((x << 3) & (mceliece_vector_u16)((number & 8) == 8)));
	product[1] = product[0] >> MCELIECE_M;
	product[0] &= MCELIECE_Q - 1;
	product[0] ^= product[1] ^ product[1] << 1 ^ product[1] << 3 ^ product[1] << 4;
	product[1] = mceliece_vector_bm_times_z(product[0], 4);
	product[2] = mceliece_vector_bm_times_z(product[1], 3);
	product[3] = mceliece_vector_bm_times_z(product[2], 4);
	MCELIECE_VECTOR_UNROLL
	for (unsigned g = 0; g < 4; g++) {
		vector_octets parts = (vector_octets)((product[g] & 0x7f) | ((product[g] << 1) & 0x3f00));

		tables->low[g] = VECTOR_PICK(vector_octets, parts, parts, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18,
		                             20, 22, 24, 26, 28, 30, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20,
		                             22, 24, 26, 28, 30);
		tables->high[g] = VECTOR_PICK(vector_octets, parts, parts, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19,
		                              21, 23, 25, 27, 29, 31, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21,
		                              23, 25, 27, 29, 31);
	}
}

/* sum += the products of 32 elements and that of tables */
VECTOR_INLINE void mceliece_vector_bm_add_products(vector_octets *sum_low, vector_octets *sum_high,
                                                   const struct mceliece_vector_bm_tables *tables,
                                                   vector_octets low, vector_octets high)
{
	vector_octets low_end = (vector_octets)((mceliece_vector_u16)low >> 4) & 7;
	vector_octets high_end = (vector_octets)((mceliece_vector_u16)high >> 4) & 7;

	*sum_low ^= mceliece_vector_lookup(tables->low[0], low);
	*sum_low ^= mceliece_vector_lookup(tables->low[1], low_end);
	*sum_low ^= mceliece_vector_lookup(tables->low[2], high);
	*sum_low ^= mceliece_vector_lookup(tables->low[3], high_end);
	*sum_high ^= mceliece_vector_lookup(tables->high[0], low);
	*sum_high ^= mceliece_vector_lookup(tables->high[1], low_end);
	*sum_high ^= mceliece_vector_lookup(tables->high[2], high);
	*sum_high ^= mceliece_vector_lookup(tables->high[3], high_end);
}

/* Bytes of the one or of the other: those of mask are 0 or 0xff. */
VECTOR_INLINE vector_octets mceliece_vector_select(vector_octets mask, vector_octets if_set,
                                                   vector_octets if_clear)
{
	return (vector_octets)__builtin_ia32_pblendvb256(
		(mceliece_vector_char)if_clear, (mceliece_vector_char)if_set, (mceliece_vector_char)mask);
}

/* Elements 1 to 32 of those in two vectors. */
VECTOR_INLINE vector_octets mceliece_vector_bm_next(vector_octets a, vector_octets b)
{
	return VECTOR_PICK(vector_octets, a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	                   19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32);
}

/* 32 times element 1. */
VECTOR_INLINE vector_octets mceliece_vector_bm_second(vector_octets a)
{
	return VECTOR_PICK(vector_octets, a, a, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	                   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
}

/* Element i is the number i. */
VECTOR_INLINE vector_octets mceliece_vector_bm_numbers(void)
{
	return (vector_octets){ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
		                16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
}

/* The state between steps. length, the length of the recurrence, is that many times in 32 bits. */
struct mceliece_vector_bm {
	struct mceliece_vector_bm_row current;
	struct mceliece_vector_bm_row previous;
	struct mceliece_vector_bm_row sum;
	struct mceliece_vector_bm_tables previous_discrepancy;
	vector_octets is_zero; /* the discrepancy */
	vector_halves length;
};

/* Makes tables for the discrepancy; low and high: 32 times its bytes. */
VECTOR_INLINE void mceliece_vector_bm_discrepancy(struct mceliece_vector_bm *bm,
                                                  struct mceliece_vector_bm_tables *tables, vector_octets low,
                                                  vector_octets high)
{
	bm->is_zero = (vector_octets)((low | high) == 0);
	mceliece_vector_bm_make(tables, low, high);
}

/*
 * Adds the multiple of the previous row to that of the current one in vectors from to to - 1. longer: whether
 * what was the current row becomes the previous one, without the element after the end of the product.
 */
VECTOR_INLINE void mceliece_vector_bm_combine(struct mceliece_vector_bm *bm,
                                              const struct mceliece_vector_bm_tables *discrepancy,
                                              vector_octets longer, unsigned from, unsigned to)
{
	const struct mceliece_vector_bm_tables tables = *discrepancy;
	struct mceliece_vector_bm_row *current = &bm->current;
	struct mceliece_vector_bm_row *previous = &bm->previous;
	struct mceliece_vector_bm_row *sum = &bm->sum;

	MCELIECE_VECTOR_UNROLL
	for (unsigned v = from; v < to; v++) {
		vector_octets low = previous->low[v];
		vector_octets high = previous->high[v];

		mceliece_vector_bm_add_products(&sum->low[v], &sum->high[v], &tables, low, high);
		previous->low[v] = mceliece_vector_select(longer, current->low[v], low);
		previous->high[v] = mceliece_vector_select(longer, current->high[v], high);
	}
}

/*
 * Step n, with vectors that hold all elements in use. The tables for the next discrepancy are made as soon as
 * that is known, as this takes long and does not need much of the CPU.
 */
VECTOR_INLINE void mceliece_vector_bm_step(struct mceliece_vector_bm *bm,
                                           const struct mceliece_vector_bm_tables *discrepancy,
                                           struct mceliece_vector_bm_tables *next, unsigned n,
                                           unsigned vectors)
{
	typedef int32_t vector_signed __attribute__((vector_size(VECTOR_BYTES)));
	struct mceliece_vector_bm_tables kept = bm->previous_discrepancy;
	struct mceliece_vector_bm_row *current = &bm->current;
	struct mceliece_vector_bm_row *sum = &bm->sum;
	/* That of coefficient 0 of the previous connection in the next step. */
	unsigned cleared = MCELIECE_VECTOR_BM_TERMS - 1 - n;
	vector_octets others =
		(vector_octets)(mceliece_vector_bm_numbers() != (uint8_t)(cleared % VECTOR_BYTES));
	vector_octets zero = { 0 };
	vector_octets longer =
		(vector_octets)((vector_signed)(2 * bm->length) < (int32_t)n + 1) & ~bm->is_zero;

	MCELIECE_VECTOR_UNROLL
	for (unsigned v = 0; v < vectors; v++) {
		sum->low[v] = zero;
		sum->high[v] = zero;
		mceliece_vector_bm_add_products(&sum->low[v], &sum->high[v], &kept, current->low[v],
		                                current->high[v]);
	}
	mceliece_vector_bm_combine(bm, discrepancy, longer, 0, 1);
	mceliece_vector_bm_discrepancy(bm, next, mceliece_vector_bm_second(sum->low[0]),
	                               mceliece_vector_bm_second(sum->high[0]));
	mceliece_vector_bm_combine(bm, discrepancy, longer, 1, vectors);
	bm->previous.low[cleared / VECTOR_BYTES] &= others;
	bm->previous.high[cleared / VECTOR_BYTES] &= others;

	sum->low[vectors] = zero;
	sum->high[vectors] = zero;
	MCELIECE_VECTOR_UNROLL
	for (unsigned v = 0; v < vectors; v++) {
		current->low[v] = mceliece_vector_bm_next(sum->low[v], sum->low[v + 1]);
		current->high[v] = mceliece_vector_bm_next(sum->high[v], sum->high[v + 1]);
	}
	MCELIECE_VECTOR_UNROLL
	for (unsigned g = 0; g < 4; g++) {
		bm->previous_discrepancy.low[g] =
			mceliece_vector_select(longer, discrepancy->low[g], kept.low[g]);
		bm->previous_discrepancy.high[g] =
			mceliece_vector_select(longer, discrepancy->high[g], kept.high[g]);
	}
	bm->length ^= (vector_halves)longer & (bm->length ^ (n + 1 - bm->length));
}

/* Steps from to to - 1, an even number of them, with two tables in turn. */
VECTOR_INLINE void mceliece_vector_bm_steps(struct mceliece_vector_bm *bm,
                                            struct mceliece_vector_bm_tables tables[static 2], unsigned from,
                                            unsigned to, unsigned vectors)
{
	for (unsigned n = from; n < to; n += 2) {
		mceliece_vector_bm_step(bm, &tables[0], &tables[1], n, vectors);
		mceliece_vector_bm_step(bm, &tables[1], &tables[0], n + 1, vectors);
	}
}

/* From bitsliced elements to bytes: 32 bits to as many bytes of which bit is set or not. */
VECTOR_INLINE vector_octets mceliece_vector_bm_spread(uint32_t bits, unsigned bit)
{
	const vector_octets one_each = (vector_octets)vector_broadcast(0x8040201008040201);
	vector_octets x = (vector_octets)((vector_halves){ 0 } + bits);

	x = VECTOR_PICK(vector_octets, x, x, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
	                2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
	return (vector_octets)((x & one_each) == one_each) & (uint8_t)(1U << bit);
}

static void mceliece_vector_bm_load(struct mceliece_vector_bm_row *row,
                                    const struct mceliece_vector_gf *sequence)
{
	MCELIECE_VECTOR_UNROLL
	for (unsigned v = 0; v < MCELIECE_VECTOR_BM_TERMS / VECTOR_BYTES; v++) {
		vector_octets low = { 0 };
		vector_octets high = { 0 };

		MCELIECE_VECTOR_UNROLL
		for (unsigned b = 0; b < MCELIECE_M; b++) {
			uint32_t bits = (uint32_t)(sequence->bit[b][v / 2] >> (v % 2 * 32));

			if (b < MCELIECE_VECTOR_BM_LOW_BITS)
				low |= mceliece_vector_bm_spread(bits, b);
			else
				high |= mceliece_vector_bm_spread(bits, b - MCELIECE_VECTOR_BM_LOW_BITS);
		}
		row->low[v] = low;
		row->high[v] = high;
	}
}

/* The other way round, of the first two words. */
VECTOR_INLINE vector mceliece_vector_bm_gather(const vector_octets x[static 4], unsigned bit)
{
	uint64_t words[2] = { 0 };

	MCELIECE_VECTOR_UNROLL
	for (unsigned v = 0; v < 4; v++) {
		vector to_sign = (vector)x[v] << (7 - bit);
		uint32_t bits = (uint32_t)__builtin_ia32_pmovmskb256((mceliece_vector_char)to_sign);

		words[v / 2] |= (uint64_t)bits << (v % 2 * 32);
	}
	return (vector){ words[0], words[1], 0, 0 };
}

VECTOR_INLINE vector_octets mceliece_vector_bm_reverse(const uint8_t *from)
{
	vector_octets x = (vector_octets)vector_load_row(from);

	return VECTOR_PICK(vector_octets, x, x, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
	                   16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* Elements 96 down to 0 of one byte of a row, and zeros. */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_bm_turn(vector_octets out[static 4], const vector_octets *row)
{
	uint8_t padded[VECTOR_BYTES + 4 * VECTOR_BYTES] = { 0 };

	memcpy(padded + VECTOR_BYTES, row, (size_t)4 * VECTOR_BYTES);
	MCELIECE_VECTOR_UNROLL
	for (unsigned v = 0; v < 4; v++)
		out[v] = mceliece_vector_bm_reverse(padded + MCELIECE_T + 1 - VECTOR_BYTES * v);
	ct_wipe(padded, sizeof padded);
}

/*
 * The locator of the sequence of 192 elements: element i is number 96 - i of the connection that bm.h has. If
 * the length of the recurrence is above 96, it is of no use, but not zero.
 */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_bm(struct mceliece_vector_gf *locator,
                                                const struct mceliece_vector_gf *sequence)
{
	struct mceliece_vector_bm bm;
	struct mceliece_vector_bm_tables tables[2];
	vector_octets low[4];
	vector_octets high[4];
	vector_octets one = { 1 };
	vector_octets zero = { 0 };
	const unsigned last = MCELIECE_VECTOR_BM_VECTORS - 1;

	memset(&bm, 0, sizeof bm);
	mceliece_vector_bm_load(&bm.current, sequence);
	/* The connection is 1, and the previous one is x. */
	memcpy((uint8_t *)bm.previous.low + 1, bm.current.low, MCELIECE_VECTOR_BM_TERMS - 1);
	memcpy((uint8_t *)bm.previous.high + 1, bm.current.high, MCELIECE_VECTOR_BM_TERMS - 1);
	bm.current.low[last] = one;
	bm.previous.low[last] =
		VECTOR_PICK(vector_octets, one, one, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	                    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
	mceliece_vector_bm_make(&bm.previous_discrepancy, zero + 1, zero);
	mceliece_vector_bm_discrepancy(&bm, &tables[0], zero + ((const uint8_t *)bm.current.low)[0],
	                               zero + ((const uint8_t *)bm.current.high)[0]);

	/* The connection has up to 97 coefficients, and one more while it is multiplied by x. */
	mceliece_vector_bm_steps(&bm, tables, 0, 98, 7);
	mceliece_vector_bm_steps(&bm, tables, 98, 130, 6);
	mceliece_vector_bm_steps(&bm, tables, 130, 162, 5);
	mceliece_vector_bm_steps(&bm, tables, 162, MCELIECE_VECTOR_BM_TERMS, 4);

	mceliece_vector_bm_turn(low, bm.current.low);
	mceliece_vector_bm_turn(high, bm.current.high);
	for (unsigned b = 0; b < MCELIECE_VECTOR_BM_LOW_BITS; b++)
		locator->bit[b] = mceliece_vector_bm_gather(low, b);
	for (unsigned b = MCELIECE_VECTOR_BM_LOW_BITS; b < MCELIECE_M; b++)
		locator->bit[b] = mceliece_vector_bm_gather(high, b - MCELIECE_VECTOR_BM_LOW_BITS);
	ct_wipe(&bm, sizeof bm);
	ct_wipe(tables, sizeof tables);
	ct_wipe(low, sizeof low);
	ct_wipe(high, sizeof high);
}

#endif
