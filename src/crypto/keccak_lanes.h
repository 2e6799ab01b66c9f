#ifndef ROSENPASS_CRYPTO_KECCAK_LANES_H
#define ROSENPASS_CRYPTO_KECCAK_LANES_H

/* SHAKE256 of VECTOR_LANES messages of one length at once; vector.h tells who includes this. */

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/keccak_constants.h"
#include "crypto/vector.h"

#define KEY_BYTES 32
#define OUT_BYTES 32
#define RATE_WORDS (KECCAK_SHAKE256_RATE / 8)
#define FIRST_BYTES (KECCAK_SHAKE256_RATE - KEY_BYTES)

/* Rotations to the left; those of 8 and 56 bits are whole octets. */
#define LEFT(x, n) VECTOR_ROTATE(x, 64 - (n))
#define LEFT_8(x) VECTOR_ROTATE_OCTETS(x, 7)
#define LEFT_56(x) VECTOR_ROTATE_OCTETS(x, 1)

/* chi of one row */
#define ROW(out, first, word0, word1, word2, word3, word4)                                                  \
	do {                                                                                                \
		vector b0 = (word0), b1 = (word1), b2 = (word2), b3 = (word3), b4 = (word4);                \
		(out)[(first) + 0] = b0 ^ (~b1 & b2), (out)[(first) + 1] = b1 ^ (~b2 & b3),                 \
				(out)[(first) + 2] = b2 ^ (~b3 & b4), (out)[(first) + 3] = b3 ^ (~b4 & b0), \
				(out)[(first) + 4] = b4 ^ (~b0 & b1);                                       \
	} while (0)

/* One round, row by row: theta, rho and pi bring the words of a row together; then chi and iota. */
VECTOR_INLINE void keccak_lanes_round(vector *restrict out, const vector *restrict in, uint64_t constant)
{
	vector c0 = in[0] ^ in[5] ^ in[10] ^ in[15] ^ in[20];
	vector c1 = in[1] ^ in[6] ^ in[11] ^ in[16] ^ in[21];
	vector c2 = in[2] ^ in[7] ^ in[12] ^ in[17] ^ in[22];
	vector c3 = in[3] ^ in[8] ^ in[13] ^ in[18] ^ in[23];
	vector c4 = in[4] ^ in[9] ^ in[14] ^ in[19] ^ in[24];
	vector d0 = c4 ^ LEFT(c1, 1);
	vector d1 = c0 ^ LEFT(c2, 1);
	vector d2 = c1 ^ LEFT(c3, 1);
	vector d3 = c2 ^ LEFT(c4, 1);
	vector d4 = c3 ^ LEFT(c0, 1);

	ROW(out, 0, in[0] ^ d0, LEFT(in[6] ^ d1, 44), LEFT(in[12] ^ d2, 43), LEFT(in[18] ^ d3, 21),
	    LEFT(in[24] ^ d4, 14));
	out[0] ^= vector_broadcast(constant);
	ROW(out, 5, LEFT(in[3] ^ d3, 28), LEFT(in[9] ^ d4, 20), LEFT(in[10] ^ d0, 3), LEFT(in[16] ^ d1, 45),
	    LEFT(in[22] ^ d2, 61));
	ROW(out, 10, LEFT(in[1] ^ d1, 1), LEFT(in[7] ^ d2, 6), LEFT(in[13] ^ d3, 25), LEFT_8(in[19] ^ d4),
	    LEFT(in[20] ^ d0, 18));
	ROW(out, 15, LEFT(in[4] ^ d4, 27), LEFT(in[5] ^ d0, 36), LEFT(in[11] ^ d1, 10), LEFT(in[17] ^ d2, 15),
	    LEFT_56(in[23] ^ d3));
	ROW(out, 20, LEFT(in[2] ^ d2, 62), LEFT(in[8] ^ d3, 55), LEFT(in[14] ^ d4, 39), LEFT(in[15] ^ d0, 41),
	    LEFT(in[21] ^ d1, 2));
}

#undef LEFT
#undef LEFT_8
#undef LEFT_56
#undef ROW

struct keccak_lanes {
	vector words[KECCAK_STATE_WORDS];
	vector other[KECCAK_STATE_WORDS]; /* of every second round */
	vector block[RATE_WORDS];
};

static void keccak_lanes_permute(struct keccak_lanes *state)
{
	for (int i = 0; i < 24; i += 2) {
		keccak_lanes_round(state->other, state->words, keccak_round_constants[i]);
		keccak_lanes_round(state->words, state->other, keccak_round_constants[i + 1]);
	}
}

/* Absorbs a whole block. */
VECTOR_INLINE void keccak_lanes_absorb(struct keccak_lanes *state, const uint8_t *const lanes[VECTOR_LANES],
                                       size_t offset, bool same)
{
	vector_load(state->block, lanes, offset, RATE_WORDS, same);
	for (size_t i = 0; i < RATE_WORDS; i++)
		state->words[i] ^= state->block[i];
	keccak_lanes_permute(state);
}

/*
 * out[i] = the first 32 bytes of SHAKE256 of the 32 bytes at key[i], then data[i]. out[i] may overlap key[i]
 * and data[i].
 */
static void keccak_lanes_shake256(uint8_t *const out[VECTOR_LANES], const uint8_t *const key[VECTOR_LANES],
                                  const uint8_t *const data[VECTOR_LANES], size_t data_len)
{
	struct keccak_lanes state = { .words = { { 0 } } };
	uint8_t blocks[VECTOR_LANES][KECCAK_SHAKE256_RATE] = { { 0 } };
	const uint8_t *block[VECTOR_LANES];
	/* Of the data, in the block that begins with the key. */
	const size_t first = data_len < FIRST_BYTES ? data_len : FIRST_BYTES;
	size_t used; /* of the last block */
	bool same = true;

	for (size_t i = 0; i < VECTOR_LANES; i++) {
		block[i] = blocks[i];
		memcpy(blocks[i], key[i], KEY_BYTES);
		if (first > 0)
			memcpy(blocks[i] + KEY_BYTES, data[i], first);
		same = same && data[i] == data[0];
	}
	if (first < FIRST_BYTES) {
		used = KEY_BYTES + first;
	} else {
		size_t offset = first;

		keccak_lanes_absorb(&state, block, 0, false);
		for (; data_len - offset >= KECCAK_SHAKE256_RATE; offset += KECCAK_SHAKE256_RATE)
			keccak_lanes_absorb(&state, data, offset, same);
		used = data_len - offset;
		memset(blocks, 0, sizeof blocks);
		for (size_t i = 0; i < VECTOR_LANES; i++)
			memcpy(blocks[i], data[i] + offset, used);
	}
	for (size_t i = 0; i < VECTOR_LANES; i++) {
		blocks[i][used] = KECCAK_DOMAIN_SHAKE;
		blocks[i][KECCAK_SHAKE256_RATE - 1] |= 0x80;
	}
	keccak_lanes_absorb(&state, block, 0, false);
	for (size_t i = 0; i < VECTOR_LANES; i++)
		vector_store_lane(out[i], state.words, i, OUT_BYTES / 8);
	ct_wipe(&state, sizeof state);
	ct_wipe(blocks, sizeof blocks);
}

#undef KEY_BYTES
#undef OUT_BYTES
#undef FIRST_BYTES
#undef RATE_WORDS

#endif
