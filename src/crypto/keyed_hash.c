#include "crypto/keyed_hash.h"

#include <stdbool.h>

#include "crypto/blake2b.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/keyed_hash_backend.h"

/* Several blocks of each hash, and a part of one. */
#define SELF_TEST_BYTES 421

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

/* The reference for every backend. */
static void compute(enum keyed_hash hash, uint8_t *out, const uint8_t *key, const uint8_t *data,
                    size_t data_len)
{
	if (hash == KEYED_HASH_SHAKE256)
		with_shake256(out, key, data, data_len);
	else
		with_blake2b(out, key, data, data_len);
}

void keyed_hash(enum keyed_hash hash, uint8_t out[static KEYED_HASH_OUT_BYTES],
                const uint8_t key[static KEYED_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
#ifdef ROSENPASS_TESTING
	if (data_len >= KEYED_HASH_LONG_BYTES)
		__atomic_fetch_add(&keyed_hash_long_count, 1, __ATOMIC_RELAXED);
#endif
	compute(hash, out, key, data, data_len);
}

static void one_by_one(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                       size_t data_len)
{
	for (size_t i = 0; i < lane_count; i++)
		compute(hash, lanes[i].out, lanes[i].key, lanes[i].data, data_len);
}

static bool always(void)
{
	return true;
}

static const struct keyed_hash_backend portable = {
	.name = "portable",
	.lanes = 1,
	.is_supported = always,
	.compute = one_by_one,
};

const struct keyed_hash_backend *const keyed_hash_backends[] = {
#ifdef KEYED_HASH_HAS_AVX2
	&keyed_hash_avx2,
#endif
	&portable,
	NULL,
};

bool keyed_hash_backend_works(const struct keyed_hash_backend *backend)
{
	uint8_t messages[KEYED_HASH_BACKEND_LANES_MAX][SELF_TEST_BYTES];
	uint8_t keys[KEYED_HASH_BACKEND_LANES_MAX][KEYED_HASH_KEY_BYTES];
	uint8_t outs[KEYED_HASH_BACKEND_LANES_MAX][KEYED_HASH_OUT_BYTES];
	struct keyed_hash_lane lanes[KEYED_HASH_BACKEND_LANES_MAX];
	uint8_t expected[KEYED_HASH_OUT_BYTES];
	bool works = true;

	for (int round = 0; round < 2 * KEYED_HASH_COUNT; round++) {
		enum keyed_hash hash = (enum keyed_hash)(round / 2);
		/* 0: all lanes have the first message. */
		size_t spread = (size_t)round % 2;

		for (size_t i = 0; i < backend->lanes; i++) {
			for (size_t j = 0; j < SELF_TEST_BYTES; j++)
				messages[i][j] = (uint8_t)(j * 59 + i * 101 + j / 7);
			for (size_t j = 0; j < KEYED_HASH_KEY_BYTES; j++)
				keys[i][j] = (uint8_t)(j * 83 + i * 29 + 5);
			lanes[i].key = keys[i];
			lanes[i].data = messages[i * spread];
			lanes[i].out = outs[i];
		}
		backend->compute(hash, lanes, backend->lanes, SELF_TEST_BYTES);
		for (size_t i = 0; i < backend->lanes; i++) {
			compute(hash, expected, lanes[i].key, lanes[i].data, SELF_TEST_BYTES);
			works = works && ct_equal(expected, outs[i], sizeof expected) != 0;
		}
	}
	return works;
}

const struct keyed_hash_backend *keyed_hash_backend(void)
{
	static const struct keyed_hash_backend *chosen;
	const struct keyed_hash_backend *backend = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

	/* Threads that come here at the same time find the same one. */
	if (backend == NULL) {
		size_t i = 0;

		while (!keyed_hash_backends[i]->is_supported() ||
		       !keyed_hash_backend_works(keyed_hash_backends[i]))
			i++;
		backend = keyed_hash_backends[i];
		__atomic_store_n(&chosen, backend, __ATOMIC_RELAXED);
	}
	return backend;
}

size_t keyed_hash_lane_count(void)
{
	return keyed_hash_backend()->lanes;
}

void keyed_hash_lanes(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                      size_t data_len)
{
	const struct keyed_hash_backend *backend = lane_count > 1 ? keyed_hash_backend() : &portable;

#ifdef ROSENPASS_TESTING
	if (data_len >= KEYED_HASH_LONG_BYTES)
		__atomic_fetch_add(&keyed_hash_long_count, lane_count, __ATOMIC_RELAXED);
#endif
	/* One lane alone is quicker without vectors. */
	while (lane_count > 1) {
		size_t count = lane_count < backend->lanes ? lane_count : backend->lanes;

		backend->compute(hash, lanes, count, data_len);
		lanes += count;
		lane_count -= count;
	}
	one_by_one(hash, lanes, lane_count, data_len);
}
