#ifndef TESTS_SIM_STANDIN_H
#define TESTS_SIM_STANDIN_H

/* What the stand-ins for the two KEMs share. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "crypto/keyed_hash.h"

/* Decapsulations with the static KEM so far: in a simulation of load, each takes time. */
extern unsigned long standin_decapsulations;

/* out = the hash of data under a key that only names the purpose. */
static inline void standin_hash(uint8_t out[static KEYED_HASH_OUT_BYTES], uint8_t purpose,
                                const uint8_t *data, size_t data_len)
{
	uint8_t key[KEYED_HASH_KEY_BYTES] = { purpose };

	keyed_hash(KEYED_HASH_BLAKE2B, out, key, data, data_len);
}

/* out_len bytes that follow from the 32 bytes of seed. */
static inline void standin_expand(uint8_t *out, size_t out_len, uint8_t purpose,
                                  const uint8_t seed[static KEYED_HASH_KEY_BYTES])
{
	uint8_t block[KEYED_HASH_OUT_BYTES];

	for (uint8_t i = 0; out_len > 0; i++) {
		uint8_t which[2] = { purpose, i };
		size_t n = out_len < sizeof block ? out_len : sizeof block;

		keyed_hash(KEYED_HASH_BLAKE2B, block, seed, which, sizeof which);
		memcpy(out, block, n);
		out += n;
		out_len -= n;
	}
}

#endif
