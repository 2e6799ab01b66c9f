/* The public calls about peers: add, change, remove, look up. */
#include "rosenpass.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/endpoint.h"
#include "protocol/peer_table.h"
#include "protocol/respond.h"
#include "protocol/sized.h"
#include "protocol/state.h"

static const uint8_t no_psk[HANDSHAKE_PSK_BYTES];

/* Reads and checks the caller's configuration. */
static int read_config(struct rosenpass_peer_config *config, const struct rosenpass_peer_config *callers)
{
	if (!sized_read(config, sizeof *config, SIZED_PEER_CONFIG, callers) || config->public_key == NULL ||
	    (config->dialects & ~ROSENPASS_DIALECTS_ALL) != 0 ||
	    config->endpoint.length > ROSENPASS_ADDRESS_MAX_BYTES ||
	    config->endpoint.group_length > config->endpoint.length)
		return ROSENPASS_E_ARGUMENT;
	if ((config->osk_organization != NULL) != (config->osk_label_count > 0) ||
	    (config->osk_label_count > 0 && config->osk_labels == NULL))
		return ROSENPASS_E_ARGUMENT;
	for (size_t i = 0; i < config->osk_label_count; i++) {
		if (config->osk_labels[i] == NULL)
			return ROSENPASS_E_ARGUMENT;
	}
	return 0;
}

static void make_labels(uint8_t osk_label[static KEYED_HASH_COUNT][LABEL_BYTES],
                        const struct rosenpass_peer_config *config)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		uint8_t *label = osk_label[hash];
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

/* Applies what keys are made of: preshared key, labels, dialects. Returns true if any of it has changed. */
static bool apply_terms(struct peer *peer, const struct rosenpass_peer_config *config)
{
	const uint8_t *psk = config->psk != NULL ? config->psk : no_psk;
	uint32_t dialects = config->dialects != 0 ? config->dialects : ROSENPASS_DIALECTS_ALL;
	uint8_t osk_label[KEYED_HASH_COUNT][LABEL_BYTES];
	bool is_same = ct_is_set(ct_equal(peer->psk, psk, sizeof peer->psk));

	make_labels(osk_label, config);
	is_same = is_same && peer->dialects == dialects &&
	          memcmp(peer->osk_label, osk_label, sizeof osk_label) == 0;
	memcpy(peer->osk_label, osk_label, sizeof osk_label);
	memcpy(peer->psk, psk, sizeof peer->psk);
	ct_secret(peer->psk, sizeof peer->psk);
	/* Whether there is a preshared key is no secret. */
	peer->has_psk = !ct_is_set(ct_equal(peer->psk, no_psk, sizeof peer->psk));
	peer->dialects = dialects;
	return !is_same;
}

/* Applies what a handshake in progress does not depend on. */
static void apply_place(struct peer *peer, const struct rosenpass_peer_config *config)
{
	peer->user = config->user;
	peer->discover = config->discover;
	if (config->endpoint.length > 0)
		endpoint_set(peer, &config->endpoint);
}

/* Whether a key is our own or that of a peer. */
static bool is_known_key(struct rosenpass *engine, struct public_key *key)
{
	const uint8_t *own = public_key_fact(&engine->own, KEYED_HASH_BLAKE2B, PUBLIC_KEY_PEER_ID);
	const uint8_t *id = public_key_fact(key, KEYED_HASH_BLAKE2B, PUBLIC_KEY_PEER_ID);

	return ct_is_set(ct_equal(id, own, PUBLIC_KEY_FACT_BYTES)) || peer_table_by_key(engine, key) != NULL;
}

int rosenpass_peer_add(struct rosenpass *engine, const struct rosenpass_peer_config *callers, uint64_t now_ns,
                       rosenpass_peer *handle)
{
	struct rosenpass_peer_config config;
	struct peer *peer = NULL;
	int result;

	if (engine == NULL || handle == NULL)
		return ROSENPASS_E_ARGUMENT;
	result = read_config(&config, callers);
	if (result == 0)
		result = peer_table_reserve(engine);
	if (result != 0)
		return result;
	peer = memory_get(&engine->memory, sizeof *peer);
	if (peer == NULL)
		return ROSENPASS_E_MEMORY;
	public_key_init(&peer->key, config.public_key);
	if (is_known_key(engine, &peer->key)) {
		memory_put(&engine->memory, peer, sizeof *peer);
		return ROSENPASS_E_EXISTS;
	}
	state_advance(engine, now_ns);
	peer_table_add(engine, peer);
	peer->own.state = ROSENPASS_STATE_IDLE;
	/* A biscuit of an earlier peer with this key is outdated. */
	peer->biscuit_used = engine->biscuit_counter;
	(void)apply_terms(peer, &config);
	apply_place(peer, &config);
	peer_table_list_ids(engine, peer);
	peer->renewal_ns = engine->now_ns;
	peer_table_schedule(engine, peer);
	*handle = peer->handle;
	return 0;
}

/* A new reason to believe that the peer answers: transmissions follow each other fast again. */
static void try_afresh(struct rosenpass *engine, struct peer *peer)
{
	peer->trying_since_ns = engine->now_ns;
	peer->unanswered = 0;
	peer->own.extra_dialect = false;
	peer->own.next_send_ns = engine->now_ns;
}

/*
 * Ends whatever could still lead to a key on the terms of before: our own handshake, the peer's InitConf that
 * answers a RespHello of ours, and the EmptyData for an InitConf taken before. A new handshake follows.
 */
static void end_handshakes(struct rosenpass *engine, struct peer *peer)
{
	if (peer->own.state == ROSENPASS_STATE_INIT_CONF)
		peer->unconfirmed_until_ns = engine->now_ns + ENGINE_UNCONFIRMED_NS;
	peer_table_abort_handshake(engine, peer);
	peer->biscuit_used = engine->biscuit_counter;
	peer->answered = false;
	ct_wipe(peer->answered_conf, sizeof peer->answered_conf);
	ct_wipe(peer->answer, sizeof peer->answer);
	peer->has_cookie = false;
	ct_wipe(peer->cookie, sizeof peer->cookie);
	peer->renewal_ns = engine->now_ns;
}

int rosenpass_peer_change(struct rosenpass *engine, rosenpass_peer handle,
                          const struct rosenpass_peer_config *callers, uint64_t now_ns)
{
	struct rosenpass_peer_config config;
	struct peer *peer;
	struct public_key key;
	bool is_elsewhere;
	bool could_reach;
	int result;

	if (engine == NULL)
		return ROSENPASS_E_ARGUMENT;
	peer = peer_table_by_handle(engine, handle);
	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	result = read_config(&config, callers);
	if (result != 0)
		return result;
	public_key_init(&key, config.public_key);
	if (!ct_is_set(ct_equal(public_key_fact(&key, KEYED_HASH_BLAKE2B, PUBLIC_KEY_PEER_ID),
	                        public_key_fact(&peer->key, KEYED_HASH_BLAKE2B, PUBLIC_KEY_PEER_ID),
	                        PUBLIC_KEY_FACT_BYTES)))
		return ROSENPASS_E_ARGUMENT;
	state_advance(engine, now_ns);
	peer_table_unlist_ids(engine, peer);
	peer->key.bytes = config.public_key;
	is_elsewhere = config.endpoint.length > 0 && !endpoint_is_same(&config.endpoint, &peer->endpoint);
	could_reach = endpoint_can_reach(peer);
	apply_place(peer, &config);
	if (apply_terms(peer, &config))
		end_handshakes(engine, peer);
	else if (peer->own.state == ROSENPASS_STATE_INIT_HELLO &&
	         (is_elsewhere || (!could_reach && endpoint_can_reach(peer))))
		try_afresh(engine, peer);
	outputs_set_user(&engine->outputs, handle, config.user);
	peer_table_list_ids(engine, peer);
	peer_table_schedule(engine, peer);
	return 0;
}

int rosenpass_peer_remove(struct rosenpass *engine, rosenpass_peer handle)
{
	struct peer *peer;

	if (engine == NULL)
		return ROSENPASS_E_ARGUMENT;
	peer = peer_table_by_handle(engine, handle);
	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	respond_forget(engine, peer);
	peer_table_remove(engine, peer);
	return 0;
}

int rosenpass_peer_set_endpoint(struct rosenpass *engine, rosenpass_peer handle,
                                const struct rosenpass_address *endpoint, uint64_t now_ns)
{
	struct peer *peer;

	if (engine == NULL || endpoint == NULL)
		return ROSENPASS_E_ARGUMENT;
	peer = peer_table_by_handle(engine, handle);
	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	if (endpoint->length > ROSENPASS_ADDRESS_MAX_BYTES || endpoint->group_length > endpoint->length)
		return ROSENPASS_E_ARGUMENT;
	state_advance(engine, now_ns);
	endpoint_set(peer, endpoint);
	if (endpoint->length > 0 && peer->own.state == ROSENPASS_STATE_INIT_HELLO)
		try_afresh(engine, peer);
	peer_table_schedule(engine, peer);
	return 0;
}

int rosenpass_peer_initiate(struct rosenpass *engine, rosenpass_peer handle, uint64_t now_ns)
{
	struct peer *peer;

	if (engine == NULL)
		return ROSENPASS_E_ARGUMENT;
	peer = peer_table_by_handle(engine, handle);
	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	state_advance(engine, now_ns);
	if (peer->own.state == ROSENPASS_STATE_INIT_HELLO)
		try_afresh(engine, peer);
	peer->renewal_ns = engine->now_ns;
	peer_table_schedule(engine, peer);
	return 0;
}

int rosenpass_peer_get(const struct rosenpass *engine, rosenpass_peer handle,
                       struct rosenpass_peer_info *info)
{
	const struct peer *peer;
	struct rosenpass_peer_info own;

	if (engine == NULL || !sized_can_write(info, SIZED_PEER_INFO))
		return ROSENPASS_E_ARGUMENT;
	peer = peer_table_by_handle(engine, handle);
	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	own = (struct rosenpass_peer_info){
		.user = peer->user,
		.state = peer->own.state,
		.has_key = peer->has_key,
		.key_since_ns = peer->has_key ? state_caller_time(engine, peer->key_since_ns) : 0,
		.renewal_ns = endpoint_can_reach(peer) ? state_caller_time(engine, peer->renewal_ns)
		                                       : ROSENPASS_NEVER,
		.role = peer->role,
		.dialect = peer->dialect,
		.ever = peer->ever,
		.waiting_since_ns = state_caller_time(engine, peer->trying_since_ns),
		.retransmissions = peer->unanswered > 0 ? peer->unanswered - 1 : 0,
		.exchanges = peer->exchanges,
		.timeouts = peer->timeouts,
		.endpoint = peer->endpoint,
		.confirmed = peer->confirmed,
		.has_dropped = peer->has_dropped,
		.dropped = peer->dropped,
		.dropped_ns = peer->dropped_ns,
	};
	sized_write(info, &own, sizeof own);
	return 0;
}

int rosenpass_peer_find(struct rosenpass *engine, const uint8_t public_key[ROSENPASS_PUBLIC_KEY_BYTES],
                        rosenpass_peer *handle)
{
	struct public_key key;
	const struct peer *peer;

	if (engine == NULL || public_key == NULL || handle == NULL)
		return ROSENPASS_E_ARGUMENT;
	public_key_init(&key, public_key);
	peer = peer_table_by_key(engine, &key);
	if (peer == NULL)
		return ROSENPASS_E_NO_PEER;
	*handle = peer->handle;
	return 0;
}

rosenpass_peer rosenpass_peer_next(const struct rosenpass *engine, rosenpass_peer handle)
{
	/* The handle's lower half is the slot, whether or not the peer is still there. */
	size_t slot = handle == 0 ? 0 : (size_t)(uint32_t)handle + 1;
	const struct peer *peer = engine != NULL ? peer_table_from(engine, &slot) : NULL;

	return peer != NULL ? peer->handle : 0;
}
