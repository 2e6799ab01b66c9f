#ifndef ROSENPASS_CRYPTO_KECCAK_LANES_H
#define ROSENPASS_CRYPTO_KECCAK_LANES_H

/* SHAKE256 of VECTOR_LANES messages of one length at once; vector.h tells who includes this. */

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/keccak_constants.h"
#include "crypto/keccak_lanes_permute.h"
#include "crypto/vector.h"

#define KEY_BYTES 32
#define OUT_BYTES 32
#define RATE_WORDS (KECCAK_SHAKE256_RATE / 8)
#define FIRST_BYTES (KECCAK_SHAKE256_RATE - KEY_BYTES)

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
