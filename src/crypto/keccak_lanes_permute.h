#ifndef ROSENPASS_CRYPTO_KECCAK_LANES_PERMUTE_H
#define ROSENPASS_CRYPTO_KECCAK_LANES_PERMUTE_H

/* Keccak-f[1600] of VECTOR_LANES states at once; vector.h tells who includes this. */

#include "crypto/keccak.h"
#include "crypto/keccak_constants.h"
#include "crypto/vector.h"

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
	vector other[KECCAK_STATE_WORDS];       /* of every second round */
	vector block[KECCAK_SHAKE256_RATE / 8]; /* to be absorbed: of no importance here */
};

static void keccak_lanes_permute(struct keccak_lanes *state)
{
	for (int i = 0; i < 24; i += 2) {
		keccak_lanes_round(state->other, state->words, keccak_round_constants[i]);
		keccak_lanes_round(state->words, state->other, keccak_round_constants[i + 1]);
	}
}

#endif
