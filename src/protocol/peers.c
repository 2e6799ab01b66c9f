#include "protocol/engine.h"

#include <assert.h>
#include <string.h>

#include "crypto/ct.h"

#define FIRST_SLOTS 16

static const uint8_t no_psk[HANDSHAKE_PSK_BYTES];

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

struct peer *peers_by_handle(const struct rosenpass *engine, rosenpass_peer handle)
{
	uint32_t slot = (uint32_t)handle;

	if (slot >= engine->slot_capacity || engine->slots[slot].generation != handle >> 32)
		return NULL;
	return engine->slots[slot].peer;
}

struct peer *peers_by_id(struct rosenpass *engine, enum keyed_hash hash,
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

struct peer *peers_by_sid(const struct rosenpass *engine, const uint8_t sid[static MESSAGE_SID_BYTES])
{
	size_t position = SIZE_MAX;
	uint32_t slot = index_next(&engine->by_sid, sid_key(sid), &position);

	return slot == INDEX_NONE ? NULL : engine->slots[slot].peer;
}

bool peers_can_reach(const struct peer *peer)
{
	return peer->endpoint.length > 0 || peer->discover;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void peers_schedule(struct rosenpass *engine, struct peer *peer)
{
	uint64_t at = ROSENPASS_NEVER;

	if (peer->has_key)
		at = earlier(at, peer->key_since_ns + ENGINE_STALE_NS);
	if (peer->own.state != ROSENPASS_STATE_IDLE && endpoint_has_way(peer))
		at = earlier(at, peer->own.next_send_ns);
	if (peer->own.state == ROSENPASS_STATE_INIT_CONF)
		at = earlier(at, earlier(peer->own.report_ns, peer->own.established_ns + ENGINE_STALE_NS));
	if (peer->own.state == ROSENPASS_STATE_INIT_HELLO && !peers_can_reach(peer))
		at = earlier(at, peer->own.started_ns + ENGINE_HANDSHAKE_NS);
	if (peer->own.state != ROSENPASS_STATE_INIT_HELLO && peers_can_reach(peer))
		at = earlier(at, peer->renewal_ns);
	timers_set(&engine->timers, peer->slot, at);
}

void peers_abort_handshake(struct rosenpass *engine, struct peer *peer)
{
	if (peer->own.state != ROSENPASS_STATE_IDLE)
		index_remove(&engine->by_sid, sid_key(peer->own.sidi), peer->slot);
	ct_wipe(&peer->own, sizeof peer->own);
	peer->own.state = ROSENPASS_STATE_IDLE;
}

static int check_config(const struct rosenpass_peer_config *config)
{
	if (config->public_key == NULL || (config->dialects & ~ROSENPASS_DIALECTS_ALL) != 0 ||
	    config->endpoint.length > ROSENPASS_ADDRESS_MAX_BYTES ||
	    config->endpoint.group_length > config->endpoint.length)
		return ROSENPASS_E_ARGUMENT;
	if ((config->osk_organization != NULL) != (config->osk_label_count > 0))
		return ROSENPASS_E_ARGUMENT;
	return 0;
}

/* Everything of a configuration but the public key. */
static void apply_config(struct peer *peer, const struct rosenpass_peer_config *config)
{
	peer->user = config->user;
	peer->dialects = config->dialects != 0 ? config->dialects : ROSENPASS_DIALECTS_ALL;
	peer->discover = config->discover;
	if (config->endpoint.length > 0)
		endpoint_set(peer, &config->endpoint);
	memcpy(peer->psk, config->psk != NULL ? config->psk : no_psk, sizeof peer->psk);
	ct_secret(peer->psk, sizeof peer->psk);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		uint8_t *label = peer->osk_label[hash];
		enum keyed_hash h = (enum keyed_hash)hash;

		if (config->osk_organization == NULL) {
			memcpy(label, labels[hash][LABEL_WIREGUARD_PSK], LABEL_BYTES);
			continue;
		}
		keyed_hash(h, label, labels[hash][LABEL_USER], (const uint8_t *)config->osk_organization,
		           strlen(config->osk_organization));
		for (size_t i = 0; i < config->osk_label_count; i++)
			keyed_hash(h, label, label, (const uint8_t *)config->osk_labels[i],
			           strlen(config->osk_labels[i]));
	}
}

/* Puts the peer where the ids of its dialects are looked up. Room is reserved. */
static void list_ids(struct rosenpass *engine, struct peer *peer)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		enum keyed_hash h = (enum keyed_hash)hash;

		if (uses_hash(peer->dialects, h))
			index_insert(&engine->by_id[hash],
			             id_key(public_key_fact(&peer->key, h, PUBLIC_KEY_PEER_ID)), peer->slot);
	}
}

static void unlist_ids(struct rosenpass *engine, struct peer *peer)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		enum keyed_hash h = (enum keyed_hash)hash;

		if (uses_hash(peer->dialects, h))
			index_remove(&engine->by_id[hash],
			             id_key(public_key_fact(&peer->key, h, PUBLIC_KEY_PEER_ID)), peer->slot);
	}
}

/* Doubles the slots when none is free. */
static int reserve_slot(struct rosenpass *engine)
{
	size_t capacity = engine->slot_capacity;
	size_t larger = capacity == 0 ? FIRST_SLOTS : 2 * capacity;
	struct peer_slot *slots;

	if (engine->first_free != INDEX_NONE)
		return 0;
	if (larger >= INDEX_NONE || timers_reserve(&engine->timers, larger, &engine->memory) != 0)
		return ROSENPASS_E_MEMORY;
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		if (index_reserve(&engine->by_id[hash], larger, &engine->memory) != 0)
			return ROSENPASS_E_MEMORY;
	}
	if (index_reserve(&engine->by_sid, larger, &engine->memory) != 0)
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

/*
 * Whether a key is our own or that of a peer. Peers are listed only under the
 * hashes that they may use, so every id that they share counts.
 */
static bool is_known_key(struct rosenpass *engine, struct public_key *key)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		enum keyed_hash h = (enum keyed_hash)hash;
		const uint8_t *id = public_key_fact(key, h, PUBLIC_KEY_PEER_ID);

		if (ct_is_set(ct_equal(id, public_key_fact(&engine->own, h, PUBLIC_KEY_PEER_ID),
		                       PUBLIC_KEY_FACT_BYTES)) ||
		    peers_by_id(engine, h, id) != NULL)
			return true;
	}
	return false;
}

int rosenpass_peer_add(struct rosenpass *engine, const struct rosenpass_peer_config *config, uint64_t now_ns,
                       rosenpass_peer *handle)
{
	struct peer_slot *slot;
	struct peer *peer = NULL;
	int result;

	result = check_config(config);
	if (result == 0)
		result = reserve_slot(engine);
	if (result != 0)
		return result;
	peer = memory_get(&engine->memory, sizeof *peer);
	if (peer == NULL)
		return ROSENPASS_E_MEMORY;
	public_key_init(&peer->key, config->public_key);
	if (is_known_key(engine, &peer->key)) {
		memory_put(&engine->memory, peer, sizeof *peer);
		return ROSENPASS_E_EXISTS;
	}
	engine_advance(engine, now_ns);
	peer->slot = engine->first_free;
	slot = &engine->slots[peer->slot];
	engine->first_free = slot->next_free;
	slot->peer = peer;
	peer->handle = (uint64_t)slot->generation << 32 | peer->slot;
	peer->own.state = ROSENPASS_STATE_IDLE;
	/* A biscuit of an earlier peer with this key is outdated. */
	peer->biscuit_used = engine->biscuit_counter;
	apply_config(peer, config);
	list_ids(engine, peer);
	peer->renewal_ns = engine->now_ns;
	peers_schedule(engine, peer);
	engine->stats.peers++;
	*handle = peer->handle;
	return 0;
}

int rosenpass_peer_change(struct rosenpass *engine, rosenpass_peer handle,
                          const struct rosenpass_peer_config *config, uint64_t now_ns)
{
	struct peer *peer = peers_by_handle(engine, handle);
	struct public_key key;
	int result;

	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	result = check_config(config);
	if (result != 0)
		return result;
	public_key_init(&key, config->public_key);
	if (!ct_is_set(ct_equal(public_key_fact(&key, KEYED_HASH_BLAKE2B, PUBLIC_KEY_PEER_ID),
	                        public_key_fact(&peer->key, KEYED_HASH_BLAKE2B, PUBLIC_KEY_PEER_ID),
	                        PUBLIC_KEY_FACT_BYTES)))
		return ROSENPASS_E_ARGUMENT;
	engine_advance(engine, now_ns);
	unlist_ids(engine, peer);
	if (!ct_is_set(ct_equal(peer->psk, config->psk != NULL ? config->psk : no_psk, sizeof peer->psk))) {
		/* What was answered under the other preshared key cannot be completed any more. */
		peer->biscuit_used = engine->biscuit_counter;
	}
	if (peer->own.state == ROSENPASS_STATE_INIT_HELLO) {
		peers_abort_handshake(engine, peer);
		peer->renewal_ns = engine->now_ns;
	}
	peer->key.bytes = config->public_key;
	apply_config(peer, config);
	outputs_set_user(&engine->outputs, handle, config->user);
	list_ids(engine, peer);
	peers_schedule(engine, peer);
	return 0;
}

static void release_peer(struct rosenpass *engine, struct peer *peer)
{
	struct peer_slot *slot = &engine->slots[peer->slot];

	peers_abort_handshake(engine, peer);
	unlist_ids(engine, peer);
	timers_set(&engine->timers, peer->slot, ROSENPASS_NEVER);
	outputs_drop_peer(&engine->outputs, peer->handle);
	slot->peer = NULL;
	slot->generation++;
	slot->next_free = engine->first_free;
	engine->first_free = peer->slot;
	engine->stats.peers--;
	memory_put(&engine->memory, peer, sizeof *peer);
}

int rosenpass_peer_remove(struct rosenpass *engine, rosenpass_peer handle)
{
	struct peer *peer = peers_by_handle(engine, handle);

	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	release_peer(engine, peer);
	return 0;
}

void peers_release(struct rosenpass *engine)
{
	for (size_t i = 0; i < engine->slot_capacity; i++) {
		if (engine->slots[i].peer != NULL)
			release_peer(engine, engine->slots[i].peer);
	}
	memory_put(&engine->memory, engine->slots, engine->slot_capacity * sizeof *engine->slots);
	timers_release(&engine->timers, &engine->memory);
	index_release(&engine->by_sid, &engine->memory);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++)
		index_release(&engine->by_id[hash], &engine->memory);
}

/* A new reason to believe that the peer answers: transmissions follow each other fast again. */
static void try_afresh(struct rosenpass *engine, struct peer *peer)
{
	peer->trying_since_ns = engine->now_ns;
	peer->unanswered = 0;
	peer->own.extra_dialect = false;
	peer->own.next_send_ns = engine->now_ns;
}

int rosenpass_peer_set_endpoint(struct rosenpass *engine, rosenpass_peer handle,
                                const struct rosenpass_address *endpoint, uint64_t now_ns)
{
	struct peer *peer = peers_by_handle(engine, handle);

	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	if (endpoint->length > ROSENPASS_ADDRESS_MAX_BYTES || endpoint->group_length > endpoint->length)
		return ROSENPASS_E_ARGUMENT;
	engine_advance(engine, now_ns);
	endpoint_set(peer, endpoint);
	if (endpoint->length > 0 && peer->own.state == ROSENPASS_STATE_INIT_HELLO)
		try_afresh(engine, peer);
	peers_schedule(engine, peer);
	return 0;
}

int rosenpass_peer_initiate(struct rosenpass *engine, rosenpass_peer handle, uint64_t now_ns)
{
	struct peer *peer = peers_by_handle(engine, handle);

	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	engine_advance(engine, now_ns);
	if (peer->own.state == ROSENPASS_STATE_INIT_HELLO)
		try_afresh(engine, peer);
	peer->renewal_ns = engine->now_ns;
	peers_schedule(engine, peer);
	return 0;
}

int rosenpass_peer_get(const struct rosenpass *engine, rosenpass_peer handle,
                       struct rosenpass_peer_info *info)
{
	const struct peer *peer = peers_by_handle(engine, handle);

	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	*info = (struct rosenpass_peer_info){
		.user = peer->user,
		.state = peer->own.state,
		.has_key = peer->has_key,
		.key_since_ns = peer->key_since_ns,
		.renewal_ns = peers_can_reach(peer) ? peer->renewal_ns : ROSENPASS_NEVER,
		.role = peer->role,
		.dialect = peer->dialect,
		.ever = peer->ever,
		.waiting_since_ns = peer->trying_since_ns,
		.retransmissions = peer->unanswered > 0 ? peer->unanswered - 1 : 0,
		.exchanges = peer->exchanges,
		.timeouts = peer->timeouts,
		.endpoint = peer->endpoint,
	};
	return 0;
}
