#include "crypto/keyed_hash.h"

#include "crypto/blake2b.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"

#ifdef ROSENPASS_TESTING
uint64_t keyed_hash_long_count;
#endif

static void with_blake2b(uint8_t *out, const uint8_t *key, const uint8_t *data, size_t data_len)
{
	uint8_t inner_key[BLAKE2B_KEY_BYTES];
	uint8_t outer_key[BLAKE2B_KEY_BYTES];
	uint8_t inner[BLAKE2B_OUT_BYTES];

	for (int i = 0; i < BLAKE2B_KEY_BYTES; i++) {
		inner_key[i] = key[i] ^ 0x36;
		outer_key[i] = key[i] ^ 0x5c;
	}
	blake2b_keyed(inner, inner_key, data, data_len);
	blake2b_keyed(out, outer_key, inner, sizeof inner);
	ct_wipe(inner_key, sizeof inner_key);
	ct_wipe(outer_key, sizeof outer_key);
	ct_wipe(inner, sizeof inner);
}

static void with_shake256(uint8_t *out, const uint8_t *key, const uint8_t *data, size_t data_len)
{
	struct keccak_shake shake;

	keccak_shake256_init(&shake);
	keccak_shake_absorb(&shake, key, KEYED_HASH_KEY_BYTES);
	keccak_shake_absorb(&shake, data, data_len);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, out, KEYED_HASH_OUT_BYTES);
	ct_wipe(&shake, sizeof shake);
}

void keyed_hash(enum keyed_hash hash, uint8_t out[static KEYED_HASH_OUT_BYTES],
                const uint8_t key[static KEYED_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
#ifdef ROSENPASS_TESTING
	if (data_len >= KEYED_HASH_LONG_BYTES)
		keyed_hash_long_count++;
#endif
	if (hash == KEYED_HASH_SHAKE256)
		with_shake256(out, key, data, data_len);
	else
		with_blake2b(out, key, data, data_len);
}

/*
 * The reference for every backend. A backend for a kind of CPU stands beside this
 * file (keyed_hash_avx2.c, say), is offered the lanes here first, and declines what
 * it is no faster at.
 */
void keyed_hash_lanes(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                      size_t data_len)
{
	for (size_t i = 0; i < lane_count; i++)
		keyed_hash(hash, lanes[i].out, lanes[i].key, lanes[i].data, data_len);
}
