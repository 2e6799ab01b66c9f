#ifndef TESTS_UNIT_STATE_FIXTURE_H
#define TESTS_UNIT_STATE_FIXTURE_H

/*
 * An engine without keys, for tests of one file of src/protocol at a time. Wherever the engine would hash a
 * public key, the hash is chosen by the test instead, so nothing long is computed.
 */

#include "fixture.h"

#include "protocol/peer_table.h"
#include "protocol/state.h"

#define START_NS (1000 * ENGINE_SECOND_NS)

static struct rosenpass engine;
static struct fixture_memory memory;
static struct fixture_random randomness;

/* Sets a fact of a key, whose first byte is `first` and whose others are `rest`. */
static inline void set_fact(struct public_key *key, enum keyed_hash hash, enum public_key_fact fact,
                            uint8_t first, uint8_t rest)
{
	memset(key->facts[hash][fact], rest, PUBLIC_KEY_FACT_BYTES);
	key->facts[hash][fact][0] = first;
	key->known[hash][fact] = true;
}

/* Sets all facts of a key to values that no other number gives. */
static inline void set_facts(struct public_key *key, uint8_t number)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		for (int fact = 0; fact < PUBLIC_KEY_FACT_COUNT; fact++)
			set_fact(key, (enum keyed_hash)hash, (enum public_key_fact)fact, number,
			         (uint8_t)(0x80 | hash << 4 | fact));
	}
}

static inline int engine_setup(void **state)
{
	(void)state;
	memset(&engine, 0, sizeof engine);
	memset(&memory, 0, sizeof memory);
	memset(&randomness, 0, sizeof randomness);
	engine.memory = fixture_memory_source(&memory);
	engine.random = fixture_random_source(&randomness);
	engine.first_free = INDEX_NONE;
	engine.now_ns = START_NS;
	engine.has_time = true;
	engine.caller_ns = START_NS;
	memset(engine.identity_key, 0x5a, sizeof engine.identity_key);
	set_facts(&engine.own, 100);
	return 0;
}

static inline int engine_teardown(void **state)
{
	(void)state;
	peer_table_release(&engine);
	fixture_memory_check(&memory);
	return 0;
}

/* Adds a peer that may speak these dialects and has the facts of that number. */
static inline struct peer *add_peer(uint8_t number, uint32_t dialects)
{
	struct peer *peer;

	assert_int_equal(peer_table_reserve(&engine), 0);
	peer = memory_get(&engine.memory, sizeof *peer);
	assert_non_null(peer);
	peer->dialects = dialects;
	peer->user = &engine;
	peer->own.state = ROSENPASS_STATE_IDLE;
	set_facts(&peer->key, number);
	peer_table_add(&engine, peer);
	peer_table_list_ids(&engine, peer);
	return peer;
}

static inline struct rosenpass_address address_of(uint8_t number)
{
	return (struct rosenpass_address){ .bytes = { 10, 0, 0, number, 0, 99 },
		                           .length = 6,
		                           .group_length = 4 };
}

#endif
