#ifndef ROSENPASS_CRYPTO_BLAKE2B_LANES_H
#define ROSENPASS_CRYPTO_BLAKE2B_LANES_H

/* BLAKE2b of VECTOR_LANES messages of one length at once; vector.h tells who includes this. */

#include "crypto/blake2b_rounds.h"
#include "crypto/ct.h"
#include "crypto/vector.h"

/* A step for one row of the state, four columns or diagonals wide. */
#define ADD(a, b) a##0 += b##0, a##1 += b##1, a##2 += b##2, a##3 += b##3
#define ADD_WORDS(s0, s1, s2, s3) a0 += m[s0], a1 += m[s1], a2 += m[s2], a3 += m[s3]
#define XOR_ROTATE(x, y, ROTATE)                                                            \
	x##0 = ROTATE(x##0 ^ y##0), x##1 = ROTATE(x##1 ^ y##1), x##2 = ROTATE(x##2 ^ y##2), \
	x##3 = ROTATE(x##3 ^ y##3)

#define RIGHT_24(x) VECTOR_ROTATE_OCTETS(x, 3)
#define RIGHT_16(x) VECTOR_ROTATE_OCTETS(x, 2)
#define RIGHT_63(x) VECTOR_ROTATE(x, 63)

/* G four times. That the four go step by step keeps the CPU's vector units busy. */
#define FOUR_G(s0, s1, s2, s3, s4, s5, s6, s7)      \
	do {                                        \
		ADD_WORDS(s0, s2, s4, s6);          \
		ADD(a, b);                          \
		XOR_ROTATE(d, a, VECTOR_ROTATE_32); \
		ADD(c, d);                          \
		XOR_ROTATE(b, c, RIGHT_24);         \
		ADD_WORDS(s1, s3, s5, s7);          \
		ADD(a, b);                          \
		XOR_ROTATE(d, a, RIGHT_16);         \
		ADD(c, d);                          \
		XOR_ROTATE(b, c, RIGHT_63);         \
	} while (0)

/* Turns a row by one place: what was in column 1 comes to column 0. Only names change: no instruction. */
#define TURN(x)                                                      \
	do {                                                         \
		vector first = x##0;                                 \
		x##0 = x##1, x##1 = x##2, x##2 = x##3, x##3 = first; \
	} while (0)

/* Columns, then diagonals, which turned rows make columns of. */
#define LANES_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
	do {                                                                              \
		FOUR_G(s0, s1, s2, s3, s4, s5, s6, s7);                                   \
		TURN(b);                                                                  \
		TURN(c);                                                                  \
		TURN(c);                                                                  \
		TURN(d);                                                                  \
		TURN(d);                                                                  \
		TURN(d);                                                                  \
		FOUR_G(s8, s9, s10, s11, s12, s13, s14, s15);                             \
		TURN(b);                                                                  \
		TURN(b);                                                                  \
		TURN(b);                                                                  \
		TURN(c);                                                                  \
		TURN(c);                                                                  \
		TURN(d);                                                                  \
	} while (0)

struct blake2b_lanes {
	vector h[8];
	vector m[16];
};

/* The compression function F of the block in m. */
static void blake2b_lanes_compress(struct blake2b_lanes *state, uint64_t counter, uint64_t last)
{
	vector *h = state->h;
	const vector *m = state->m;
	vector a0 = h[0], a1 = h[1], a2 = h[2], a3 = h[3];
	vector b0 = h[4], b1 = h[5], b2 = h[6], b3 = h[7];
	vector c0 = vector_broadcast(blake2b_iv[0]), c1 = vector_broadcast(blake2b_iv[1]);
	vector c2 = vector_broadcast(blake2b_iv[2]), c3 = vector_broadcast(blake2b_iv[3]);
	vector d0 = vector_broadcast(blake2b_iv[4] ^ counter), d1 = vector_broadcast(blake2b_iv[5]);
	vector d2 = vector_broadcast(blake2b_iv[6] ^ last), d3 = vector_broadcast(blake2b_iv[7]);

	BLAKE2B_ROUNDS(LANES_ROUND);
	h[0] ^= a0 ^ c0, h[1] ^= a1 ^ c1, h[2] ^= a2 ^ c2, h[3] ^= a3 ^ c3;
	h[4] ^= b0 ^ d0, h[5] ^= b1 ^ d1, h[6] ^= b2 ^ d2, h[7] ^= b3 ^ d3;
}

#undef ADD
#undef ADD_WORDS
#undef XOR_ROTATE
#undef RIGHT_24
#undef RIGHT_16
#undef RIGHT_63
#undef FOUR_G
#undef TURN
#undef LANES_ROUND

/* out[i] = blake2b_keyed() of key[i] and data[i]. out[i] may overlap key[i] and data[i]. */
static void blake2b_lanes(uint8_t *const out[VECTOR_LANES], const uint8_t *const key[VECTOR_LANES],
                          const uint8_t *const data[VECTOR_LANES], size_t data_len)
{
	struct blake2b_lanes state;
	uint8_t blocks[VECTOR_LANES][BLAKE2B_BLOCK_BYTES] = { { 0 } };
	const uint8_t *block[VECTOR_LANES];
	size_t offset = 0;
	bool same = true;

	for (size_t i = 0; i < VECTOR_LANES; i++) {
		block[i] = blocks[i];
		memcpy(blocks[i], key[i], BLAKE2B_KEY_BYTES);
		same = same && data[i] == data[0];
	}
	for (int i = 0; i < 8; i++)
		state.h[i] = vector_broadcast(blake2b_iv[i] ^ (i == 0 ? BLAKE2B_PARAMETERS : 0));
	vector_load(state.m, block, 0, 16, false);
	blake2b_lanes_compress(&state, BLAKE2B_BLOCK_BYTES, data_len == 0 ? UINT64_MAX : 0);
	for (; data_len - offset > BLAKE2B_BLOCK_BYTES; offset += BLAKE2B_BLOCK_BYTES) {
		vector_load(state.m, data, offset, 16, same);
		blake2b_lanes_compress(&state, offset + 2 * BLAKE2B_BLOCK_BYTES, 0);
	}
	if (offset < data_len) {
		memset(blocks, 0, sizeof blocks);
		for (size_t i = 0; i < VECTOR_LANES; i++)
			memcpy(blocks[i], data[i] + offset, data_len - offset);
		vector_load(state.m, block, 0, 16, same);
		blake2b_lanes_compress(&state, BLAKE2B_BLOCK_BYTES + data_len, UINT64_MAX);
	}
	for (size_t i = 0; i < VECTOR_LANES; i++)
		vector_store_lane(out[i], state.h, i, BLAKE2B_OUT_BYTES / 8);
	ct_wipe(&state, sizeof state);
	ct_wipe(blocks, sizeof blocks);
}

#endif
