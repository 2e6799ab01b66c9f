#include "protocol/peer_table.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/endpoint.h"

#define FIRST_SLOTS 16

static uint64_t id_key(const uint8_t id[static PUBLIC_KEY_FACT_BYTES])
{
	uint64_t key;

	memcpy(&key, id, sizeof key);
	return key;
}

static uint64_t sid_key(const uint8_t sid[static MESSAGE_SID_BYTES])
{
	uint32_t key;

	memcpy(&key, sid, sizeof key);
	return key;
}

static bool uses_hash(uint32_t dialects, enum keyed_hash hash)
{
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		if ((dialects & ROSENPASS_DIALECT_BIT(i)) != 0 &&
		    messages_dialect_hash((enum rosenpass_dialect)i) == hash)
			return true;
	}
	return false;
}

int peer_table_reserve(struct rosenpass *engine)
{
	size_t capacity = engine->slot_capacity;
	size_t larger = capacity == 0 ? FIRST_SLOTS : 2 * capacity;
	struct peer_slot *slots;

	if (engine->first_free != INDEX_NONE)
		return 0;
	/* All slots are taken: there will be twice as many. */
	if (larger >= INDEX_NONE || heap_reserve(&engine->timers, larger, &engine->memory) != 0)
		return ROSENPASS_E_MEMORY;
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		if (index_reserve(&engine->by_id[hash], larger, &engine->memory) != 0)
			return ROSENPASS_E_MEMORY;
	}
	if (index_reserve(&engine->by_sid, larger, &engine->memory) != 0 ||
	    sources_reserve(&engine->sources, PEER_SOURCES * larger, &engine->memory) != 0)
		return ROSENPASS_E_MEMORY;
	slots = memory_get(&engine->memory, larger * sizeof *slots);
	if (slots == NULL)
		return ROSENPASS_E_MEMORY;
	for (size_t i = 0; i < capacity; i++)
		slots[i] = engine->slots[i];
	for (size_t i = capacity; i < larger; i++)
		slots[i] = (struct peer_slot){ NULL, 1, i + 1 < larger ? (uint32_t)(i + 1) : INDEX_NONE };
	memory_put(&engine->memory, engine->slots, capacity * sizeof *slots);
	engine->slots = slots;
	engine->slot_capacity = larger;
	engine->first_free = (uint32_t)capacity;
	return 0;
}

void peer_table_add(struct rosenpass *engine, struct peer *peer)
{
	struct peer_slot *slot = &engine->slots[engine->first_free];

	peer->slot = engine->first_free;
	peer->handle = (uint64_t)slot->generation << 32 | peer->slot;
	engine->first_free = slot->next_free;
	slot->peer = peer;
	engine->stats.peers++;
}

void peer_table_list_ids(struct rosenpass *engine, struct peer *peer)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		enum keyed_hash h = (enum keyed_hash)hash;

		if (uses_hash(peer->dialects, h))
			index_insert(&engine->by_id[hash],
			             id_key(public_key_fact(&peer->key, h, PUBLIC_KEY_PEER_ID)), peer->slot);
	}
}

void peer_table_unlist_ids(struct rosenpass *engine, struct peer *peer)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		enum keyed_hash h = (enum keyed_hash)hash;

		if (uses_hash(peer->dialects, h))
			index_remove(&engine->by_id[hash],
			             id_key(public_key_fact(&peer->key, h, PUBLIC_KEY_PEER_ID)), peer->slot);
	}
}

void peer_table_list_sid(struct rosenpass *engine, const struct peer *peer)
{
	index_insert(&engine->by_sid, sid_key(peer->own.sidi), peer->slot);
}

void peer_table_abort_handshake(struct rosenpass *engine, struct peer *peer)
{
	if (peer->own.state != ROSENPASS_STATE_IDLE)
		index_remove(&engine->by_sid, sid_key(peer->own.sidi), peer->slot);
	ct_wipe(&peer->own, sizeof peer->own);
	peer->own.state = ROSENPASS_STATE_IDLE;
}

void peer_table_remove(struct rosenpass *engine, struct peer *peer)
{
	struct peer_slot *slot = &engine->slots[peer->slot];

	peer_table_abort_handshake(engine, peer);
	peer_table_unlist_ids(engine, peer);
	peer_table_unschedule(engine, peer);
	for (size_t i = 0; i < PEER_SOURCES; i++)
		sources_remove(&engine->sources, peer->sources[i]);
	outputs_drop_peer(&engine->outputs, peer->handle);
	slot->peer = NULL;
	slot->generation++;
	slot->next_free = engine->first_free;
	engine->first_free = peer->slot;
	engine->stats.peers--;
	memory_put(&engine->memory, peer, sizeof *peer);
}

void peer_table_release(struct rosenpass *engine)
{
	for (size_t i = 0; i < engine->slot_capacity; i++) {
		if (engine->slots[i].peer != NULL)
			peer_table_remove(engine, engine->slots[i].peer);
	}
	memory_put(&engine->memory, engine->slots, engine->slot_capacity * sizeof *engine->slots);
	heap_release(&engine->timers, &engine->memory);
	index_release(&engine->by_sid, &engine->memory);
	sources_release(&engine->sources, &engine->memory);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++)
		index_release(&engine->by_id[hash], &engine->memory);
}

struct peer *peer_table_by_handle(const struct rosenpass *engine, rosenpass_peer handle)
{
	uint32_t slot = (uint32_t)handle;

	if (slot >= engine->slot_capacity || engine->slots[slot].generation != handle >> 32)
		return NULL;
	return engine->slots[slot].peer;
}

struct peer *peer_table_by_id(struct rosenpass *engine, enum keyed_hash hash,
                              const uint8_t id[static PUBLIC_KEY_FACT_BYTES])
{
	size_t position = SIZE_MAX;
	uint32_t slot;

	while ((slot = index_next(&engine->by_id[hash], id_key(id), &position)) != INDEX_NONE) {
		struct peer *peer = engine->slots[slot].peer;

		if (ct_is_set(ct_equal(public_key_fact(&peer->key, hash, PUBLIC_KEY_PEER_ID), id,
		                       PUBLIC_KEY_FACT_BYTES)))
			return peer;
	}
	return NULL;
}

/* Peers are listed only under the hashes that they may use. */
struct peer *peer_table_by_key(struct rosenpass *engine, struct public_key *key)
{
	struct peer *peer = NULL;

	for (int hash = 0; hash < KEYED_HASH_COUNT && peer == NULL; hash++)
		peer = peer_table_by_id(engine, (enum keyed_hash)hash,
		                        public_key_fact(key, (enum keyed_hash)hash, PUBLIC_KEY_PEER_ID));
	return peer;
}

struct peer *peer_table_from(const struct rosenpass *engine, size_t *slot)
{
	for (; *slot < engine->slot_capacity; ++*slot) {
		if (engine->slots[*slot].peer != NULL)
			return engine->slots[*slot].peer;
	}
	return NULL;
}

struct peer *peer_table_by_sid(const struct rosenpass *engine, const uint8_t sid[static MESSAGE_SID_BYTES])
{
	size_t position = SIZE_MAX;
	uint32_t slot = index_next(&engine->by_sid, sid_key(sid), &position);

	return slot == INDEX_NONE ? NULL : engine->slots[slot].peer;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Counts the networks where the peer is now, instead of those where it was. */
static void list_sources(struct rosenpass *engine, struct peer *peer)
{
	uint64_t hashes[PEER_SOURCES] = { sources_hash(&engine->sources, &peer->endpoint),
		                          sources_hash(&engine->sources, &peer->home) };

	/* A peer has one share, even if both are the same. */
	if (hashes[1] == hashes[0])
		hashes[1] = 0;
	if (memcmp(hashes, peer->sources, sizeof hashes) == 0)
		return;
	for (size_t i = 0; i < PEER_SOURCES; i++)
		sources_remove(&engine->sources, peer->sources[i]);
	for (size_t i = 0; i < PEER_SOURCES; i++)
		sources_add(&engine->sources, hashes[i]);
	memcpy(peer->sources, hashes, sizeof hashes);
}

bool peer_table_is_near(const struct rosenpass *engine, const struct peer *peer,
                        const struct rosenpass_address *address)
{
	uint64_t hash = sources_hash(&engine->sources, address);

	for (size_t i = 0; i < PEER_SOURCES; i++) {
		if (hash != 0 && peer->sources[i] == hash)
			return true;
	}
	return false;
}

void peer_table_schedule(struct rosenpass *engine, struct peer *peer)
{
	uint64_t at = ROSENPASS_NEVER;

	list_sources(engine, peer);
	if (peer->has_key)
		at = earlier(at, peer->key_since_ns + ENGINE_STALE_NS);
	if (peer->own.state != ROSENPASS_STATE_IDLE && endpoint_has_way(peer))
		at = earlier(at, peer->own.next_send_ns);
	if (peer->own.state == ROSENPASS_STATE_INIT_CONF)
		at = earlier(at, earlier(peer->own.report_ns, peer->own.established_ns + ENGINE_STALE_NS));
	if (peer->own.state == ROSENPASS_STATE_INIT_HELLO && !endpoint_can_reach(peer))
		at = earlier(at, peer->own.started_ns + ENGINE_HANDSHAKE_NS);
	if (peer->own.state != ROSENPASS_STATE_INIT_HELLO && endpoint_can_reach(peer))
		at = earlier(at, peer->renewal_ns);
	heap_set(&engine->timers, &peer->timer, at);
}

void peer_table_unschedule(struct rosenpass *engine, struct peer *peer)
{
	heap_set(&engine->timers, &peer->timer, HEAP_NEVER);
}

struct peer *peer_table_due(const struct rosenpass *engine)
{
	struct heap_node *first = heap_first(&engine->timers);

	return first != NULL && first->at_ns <= engine->now_ns ? HEAP_OWNER(first, struct peer, timer) : NULL;
}

uint64_t peer_table_deadline(const struct rosenpass *engine)
{
	_Static_assert(HEAP_NEVER == ROSENPASS_NEVER, "no deadline is the same to both");
	return heap_deadline(&engine->timers);
}
