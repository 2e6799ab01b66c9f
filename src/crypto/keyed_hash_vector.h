#ifndef ROSENPASS_CRYPTO_KEYED_HASH_VECTOR_H
#define ROSENPASS_CRYPTO_KEYED_HASH_VECTOR_H

/* keyed_hash() of VECTOR_LANES messages of one length at once; see vector.h for who includes this. */

#include "crypto/blake2b_lanes.h"
#include "crypto/ct.h"
#include "crypto/keccak_lanes.h"
#include "crypto/keyed_hash.h"

static void keyed_hash_vector_blake2b(uint8_t *const out[VECTOR_LANES],
                                      const uint8_t *const key[VECTOR_LANES],
                                      const uint8_t *const data[VECTOR_LANES], size_t data_len)
{
	uint8_t inner_key[VECTOR_LANES][BLAKE2B_KEY_BYTES];
	uint8_t outer_key[VECTOR_LANES][BLAKE2B_KEY_BYTES];
	uint8_t inner[VECTOR_LANES][BLAKE2B_OUT_BYTES];
	const uint8_t *inner_keys[VECTOR_LANES], *outer_keys[VECTOR_LANES], *inner_data[VECTOR_LANES];
	uint8_t *inners[VECTOR_LANES];

	for (size_t i = 0; i < VECTOR_LANES; i++) {
		for (int j = 0; j < BLAKE2B_KEY_BYTES; j++) {
			inner_key[i][j] = key[i][j] ^ 0x36;
			outer_key[i][j] = key[i][j] ^ 0x5c;
		}
		inner_keys[i] = inner_key[i];
		outer_keys[i] = outer_key[i];
		inner_data[i] = inners[i] = inner[i];
	}
	blake2b_lanes(inners, inner_keys, data, data_len);
	blake2b_lanes(out, outer_keys, inner_data, BLAKE2B_OUT_BYTES);
	ct_wipe(inner_key, sizeof inner_key);
	ct_wipe(outer_key, sizeof outer_key);
	ct_wipe(inner, sizeof inner);
}

/* keyed_hash_backend.compute. Lanes that nobody wants repeat the first one, and their results are dropped. */
static void keyed_hash_vector(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                              size_t data_len)
{
	uint8_t unwanted[KEYED_HASH_OUT_BYTES];
	const uint8_t *key[VECTOR_LANES], *data[VECTOR_LANES];
	uint8_t *out[VECTOR_LANES];

	for (size_t i = 0; i < VECTOR_LANES; i++) {
		const struct keyed_hash_lane *lane = &lanes[i < lane_count ? i : 0];

		key[i] = lane->key;
		data[i] = lane->data;
		out[i] = i < lane_count ? lane->out : unwanted;
	}
	if (hash == KEYED_HASH_SHAKE256)
		keccak_lanes_shake256(out, key, data, data_len);
	else
		keyed_hash_vector_blake2b(out, key, data, data_len);
	ct_wipe(unwanted, sizeof unwanted);
}

#endif
