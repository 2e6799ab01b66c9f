#ifndef ROSENPASS_CRYPTO_VECTOR_H
#define ROSENPASS_CRYPTO_VECTOR_H

/*
 * Vectors of 64-bit words, one for each of VECTOR_LANES computations that do the same on different data. The
 * file that includes this one defines VECTOR_LANES and tells the compiler which CPU it is for; everything
 * else is C as gcc and clang extend it. Only for little-endian CPUs.
 *
 * Functions that take or give vectors are inlined, since how these are passed depends on the CPU.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "crypto/bytes.h"

#if VECTOR_LANES != 4
#error "no rotations and no transposition for this number of lanes"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words are loaded as they lie in memory"
#endif

#define VECTOR_BYTES (8 * VECTOR_LANES)
#define VECTOR_INLINE static inline __attribute__((always_inline))

typedef uint64_t vector __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t vector_halves __attribute__((vector_size(VECTOR_BYTES)));
typedef uint8_t vector_octets __attribute__((vector_size(VECTOR_BYTES)));

/* Elements of a, then those of b, by number. type: of the numbers, with as many bits as the elements. */
#ifdef __clang__
#define VECTOR_PICK(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define VECTOR_PICK(type, a, b, ...) __builtin_shuffle(a, b, (type){ __VA_ARGS__ })
#endif

/* The numbers of the octets of word w, rotated to the right by n octets. */
#define VECTOR_OCTET(w, n, i) (8 * (w) + (((n) + (i)) & 7))
#define VECTOR_WORD(w, n)                                                                           \
	VECTOR_OCTET(w, n, 0), VECTOR_OCTET(w, n, 1), VECTOR_OCTET(w, n, 2), VECTOR_OCTET(w, n, 3), \
		VECTOR_OCTET(w, n, 4), VECTOR_OCTET(w, n, 5), VECTOR_OCTET(w, n, 6), VECTOR_OCTET(w, n, 7)
#define VECTOR_WORDS(n) VECTOR_WORD(0, n), VECTOR_WORD(1, n), VECTOR_WORD(2, n), VECTOR_WORD(3, n)

/* Rotations of each word to the right, by whole octets and by any number of bits from 1 to 63. */
#define VECTOR_ROTATE_OCTETS(x, n) \
	((vector)VECTOR_PICK(vector_octets, (vector_octets)(x), (vector_octets)(x), VECTOR_WORDS(n)))
#define VECTOR_ROTATE_32(x) \
	((vector)VECTOR_PICK(vector_halves, (vector_halves)(x), (vector_halves)(x), 1, 0, 3, 2, 5, 4, 7, 6))
#define VECTOR_ROTATE(x, n) ((x) >> (n) | (x) << (64 - (n)))

VECTOR_INLINE vector vector_broadcast(uint64_t x)
{
	return (vector){ 0 } + x;
}

VECTOR_INLINE vector vector_load_row(const uint8_t *p)
{
	vector x;

	memcpy(&x, p, sizeof x);
	return x;
}

/* Takes four words from each lane: out[i] holds word i of every lane. */
VECTOR_INLINE void vector_load_square(vector *out, const uint8_t *const lanes[VECTOR_LANES], size_t offset)
{
	vector a = vector_load_row(lanes[0] + offset);
	vector b = vector_load_row(lanes[1] + offset);
	vector c = vector_load_row(lanes[2] + offset);
	vector d = vector_load_row(lanes[3] + offset);
	vector even_ab = VECTOR_PICK(vector, a, b, 0, 4, 2, 6);
	vector odd_ab = VECTOR_PICK(vector, a, b, 1, 5, 3, 7);
	vector even_cd = VECTOR_PICK(vector, c, d, 0, 4, 2, 6);
	vector odd_cd = VECTOR_PICK(vector, c, d, 1, 5, 3, 7);

	out[0] = VECTOR_PICK(vector, even_ab, even_cd, 0, 1, 4, 5);
	out[1] = VECTOR_PICK(vector, odd_ab, odd_cd, 0, 1, 4, 5);
	out[2] = VECTOR_PICK(vector, even_ab, even_cd, 2, 3, 6, 7);
	out[3] = VECTOR_PICK(vector, odd_ab, odd_cd, 2, 3, 6, 7);
}

/*
 * Loads words of each lane from offset on, in bytes: out[i] holds word i of every lane. same: all lanes are
 * the first one.
 */
VECTOR_INLINE void vector_load(vector *out, const uint8_t *const lanes[VECTOR_LANES], size_t offset,
                               size_t words, bool same)
{
	const size_t in_squares = words - words % VECTOR_LANES;

	if (same) {
		for (size_t i = 0; i < words; i++)
			out[i] = vector_broadcast(bytes_load64(lanes[0] + offset + 8 * i));
		return;
	}
	for (size_t i = 0; i < in_squares; i += VECTOR_LANES)
		vector_load_square(out + i, lanes, offset + 8 * i);
	for (size_t i = in_squares; i < words; i++) {
		for (size_t lane = 0; lane < VECTOR_LANES; lane++)
			out[i][lane] = bytes_load64(lanes[lane] + offset + 8 * i);
	}
}

/* Stores one lane's words. */
VECTOR_INLINE void vector_store_lane(uint8_t *out, const vector *in, size_t lane, size_t words)
{
	for (size_t i = 0; i < words; i++)
		bytes_store64(out + 8 * i, in[i][lane]);
}

#endif
