#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_BYTES_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_BYTES_H

/* Bytes in vectors, and their ways from and to bits; see vector.h for who includes this. Constant time. */

#include <string.h>

#include "crypto/mceliece460896/elimination.h"
#include "crypto/mceliece460896/vector_gf.h"

typedef char mceliece_vector_char __attribute__((vector_size(VECTOR_BYTES)));

/*
 * Byte i of the result is byte n of table, where n is in bits 0 to 3 of byte i of index. It is 0 if bit 7 of
 * that byte is set.
 */
VECTOR_INLINE vector_octets mceliece_vector_lookup(vector_octets table, vector_octets index)
{
	return (vector_octets)__builtin_ia32_pshufb256((mceliece_vector_char)table,
	                                               (mceliece_vector_char)index);
}

/* Bit i of the result: bit 7 of byte i. */
VECTOR_INLINE uint64_t mceliece_vector_signs(vector x)
{
	return (uint32_t)__builtin_ia32_pmovmskb256((mceliece_vector_char)x);
}

/* Byte i of the result: 0xff if bit i of x is set, else 0. */
VECTOR_INLINE vector_octets mceliece_vector_spread_bits(uint32_t x)
{
	const vector_octets byte = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
		                     2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3 };
	const vector bit = vector_broadcast(0x8040201008040201);
	vector_octets bytes =
		mceliece_vector_lookup((vector_octets)((vector_halves){ 0 } + x), byte) & (vector_octets)bit;

	return (vector_octets)(bytes == (vector_octets)bit);
}

/* The same 8 bytes of each half of a and b, in turn. */
#define MCELIECE_VECTOR_LOW(a, b)                                                                            \
	VECTOR_PICK(vector_octets, a, b, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 16, 48, 17, \
	            49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55)
#define MCELIECE_VECTOR_HIGH(a, b)                                                                         \
	VECTOR_PICK(vector_octets, a, b, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47, 24, \
	            56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63)

/*
 * Exchanges byte i of vector j and byte j of vector i, in each half of 16 bytes. Each of the four turns takes
 * bytes from the first and the second half of all bytes in turn, which moves the highest bit of a byte's
 * number to the lowest place.
 */
static void mceliece_vector_transpose_bytes(vector_octets x[static 16])
{
	vector_octets y[16];

	for (unsigned turn = 0; turn < 4; turn++) {
		MCELIECE_VECTOR_UNROLL
		for (unsigned i = 0; i < 8; i++) {
			y[2 * i] = MCELIECE_VECTOR_LOW(x[i], x[i + 8]);
			y[2 * i + 1] = MCELIECE_VECTOR_HIGH(x[i], x[i + 8]);
		}
		memcpy(x, y, sizeof y);
	}
	ct_wipe(y, sizeof y);
}

/* Rows first to first + 15, of 32 bytes each, into as many columns. */
static void mceliece_vector_store_columns(uint8_t (*column)[MCELIECE_ELIMINATION_ROWS], unsigned first,
                                          vector_octets x[static 16])
{
	mceliece_vector_transpose_bytes(x);
	for (unsigned c = 0; c < 16; c++) {
		memcpy(column[c] + first, &x[c], 16);
		memcpy(column[16 + c] + first, (const uint8_t *)&x[c] + 16, 16);
	}
}

/* The other way, into the rows of a public key from out on. */
static void mceliece_vector_load_columns(uint8_t *out, const uint8_t (*column)[MCELIECE_ELIMINATION_ROWS],
                                         unsigned columns)
{
	vector_octets x[16];

	for (unsigned first = 0; first < MCELIECE_ROWS; first += 16) {
		for (unsigned c = 0; c < 16; c++) {
			memcpy(&x[c], column[c] + first, 16);
			memcpy((uint8_t *)&x[c] + 16, column[16 + c] + first, 16);
		}
		mceliece_vector_transpose_bytes(x);
		for (unsigned i = 0; i < 16; i++)
			memcpy(out + (size_t)MCELIECE_ROW_BYTES * (first + i), &x[i], columns);
	}
}

/* 256 points, bitsliced. */
static void mceliece_vector_load_points(struct mceliece_vector_gf *out, const uint16_t points[static 256])
{
	uint32_t words[MCELIECE_M][VECTOR_BYTES / 4];

	for (unsigned i = 0; i < 256; i += VECTOR_BYTES) {
		vector_octets a = (vector_octets)vector_load_row((const uint8_t *)(points + i));
		vector_octets b =
			(vector_octets)vector_load_row((const uint8_t *)(points + i + VECTOR_BYTES / 2));
		vector low = (vector)VECTOR_PICK(vector_octets, a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20,
		                                 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50,
		                                 52, 54, 56, 58, 60, 62);
		vector high = (vector)VECTOR_PICK(vector_octets, a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21,
		                                  23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51,
		                                  53, 55, 57, 59, 61, 63);

		for (unsigned bit = 8; bit-- > 0; low <<= 1)
			words[bit][i / VECTOR_BYTES] = (uint32_t)mceliece_vector_signs(low);
		high <<= 16 - MCELIECE_M;
		for (unsigned bit = MCELIECE_M; bit-- > 8; high <<= 1)
			words[bit][i / VECTOR_BYTES] = (uint32_t)mceliece_vector_signs(high);
	}
	memcpy(out, words, sizeof words);
	ct_wipe(words, sizeof words);
}

#endif
