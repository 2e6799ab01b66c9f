#include "protocol/engine.h"

#include <string.h>

#include "crypto/ct.h"

/* Beyond this no deadline could be added without wrapping; it is 292 years. */
#define LATEST_NS (UINT64_MAX / 2)

void engine_advance(struct rosenpass *engine, uint64_t now_ns)
{
	if (now_ns > LATEST_NS)
		now_ns = LATEST_NS;
	if (now_ns > engine->now_ns)
		engine->now_ns = now_ns;
	if (engine->load_until_ns <= engine->now_ns)
		engine->load_until_ns = 0;
}

/* Our own facts are wanted by the first packet: computed before it can come. */
static void prepare_own_key(struct public_key *own)
{
	static const enum public_key_fact facts[] = {
		PUBLIC_KEY_MAC_KEY,
		PUBLIC_KEY_PEER_ID,
		PUBLIC_KEY_CK_INIT,
		PUBLIC_KEY_BISCUIT_AD,
	};

	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
			public_key_fact(own, (enum keyed_hash)hash, facts[i]);
	}
	public_key_fact(own, KEYED_HASH_SHAKE256, PUBLIC_KEY_COOKIE_KEY);
}

int rosenpass_create(struct rosenpass **out, const struct rosenpass_config *config)
{
	struct memory memory;
	struct rosenpass *engine;

	if (config->public_key == NULL || config->secret_key == NULL || config->environment.random == NULL ||
	    (config->environment.allocate != NULL && config->environment.release == NULL))
		return ROSENPASS_E_ARGUMENT;
	memory = memory_from_environment(&config->environment);
	engine = memory_get(&memory, sizeof *engine);
	if (engine == NULL)
		return ROSENPASS_E_MEMORY;
	engine->memory = memory;
	engine->random =
		(struct random_source){ config->environment.random, config->environment.random_context };
	engine->first_free = INDEX_NONE;
	if (random_bytes(&engine->random, engine->identity_key, sizeof engine->identity_key) != 0 ||
	    random_bytes(&engine->random, engine->rate_limit.key, sizeof engine->rate_limit.key) != 0) {
		rosenpass_destroy(engine);
		return ROSENPASS_E_RANDOM;
	}
	/* Where a bucket lies is no secret worth constant time; that it cannot be foreseen is enough. */
	ct_declassify(engine->rate_limit.key, sizeof engine->rate_limit.key);
	memcpy(engine->secret_key, config->secret_key, sizeof engine->secret_key);
	ct_secret(engine->secret_key, sizeof engine->secret_key);
	public_key_init(&engine->own, config->public_key);
	prepare_own_key(&engine->own);
	*out = engine;
	return 0;
}

void rosenpass_destroy(struct rosenpass *engine)
{
	struct memory memory;

	if (engine == NULL)
		return;
	memory = engine->memory;
	peers_release(engine);
	memory_put(&memory, engine, sizeof *engine);
}

int engine_mac_hash(struct rosenpass *engine, const uint8_t *message, size_t length, uint32_t dialects)
{
	uint32_t tried = 0;

	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		enum keyed_hash hash = messages_dialect_hash((enum rosenpass_dialect)i);

		if ((dialects & ROSENPASS_DIALECT_BIT(i)) == 0 || (tried & (1u << hash)) != 0)
			continue;
		tried |= 1u << hash;
		if (messages_mac_is_right(message, length, hash,
		                          public_key_fact(&engine->own, hash, PUBLIC_KEY_MAC_KEY)))
			return (int)hash;
	}
	return -1;
}

void engine_identity(const struct rosenpass *engine, uint8_t identity[static KEYED_HASH_OUT_BYTES],
                     const uint8_t *message, size_t length)
{
	keyed_hash(KEYED_HASH_BLAKE2B, identity, engine->identity_key, message,
	           messages_cookie_offset(length));
}

void engine_send(struct rosenpass *engine, struct peer *peer, uint8_t *message, size_t length,
                 enum keyed_hash hash, const struct rosenpass_address *to, bool repeated)
{
	struct output_slot *slot;

	if (peer->has_cookie && engine->now_ns - peer->cookie_since_ns >= COOKIE_LIFETIME_NS) {
		ct_wipe(peer->cookie, sizeof peer->cookie);
		peer->has_cookie = false;
	}
	messages_seal_mac(message, length, hash, public_key_fact(&peer->key, hash, PUBLIC_KEY_MAC_KEY));
	cookie_seal(message, length, peer->has_cookie ? peer->cookie : NULL);
	ct_declassify(message, length);
	slot = outputs_add(&engine->outputs, ROSENPASS_OUTPUT_SEND, message, length);
	slot->output.peer = peer->handle;
	slot->output.user = peer->user;
	slot->output.address = *to;
	slot->output.repeated = repeated;
	engine->stats.sent++;
	engine->stats.sent_bytes += length;
}

void engine_report_key(struct rosenpass *engine, struct peer *peer,
                       const uint8_t osk[static ROSENPASS_KEY_BYTES], enum rosenpass_role role,
                       enum rosenpass_dialect dialect, uint64_t established_ns)
{
	struct output_slot *slot =
		outputs_add(&engine->outputs, ROSENPASS_OUTPUT_KEY, osk, ROSENPASS_KEY_BYTES);

	slot->output.peer = peer->handle;
	slot->output.user = peer->user;
	slot->output.role = role;
	slot->output.dialect = dialect;
	peer->has_key = true;
	peer->ever = true;
	peer->key_since_ns = established_ns;
	peer->role = role;
	peer->dialect = dialect;
	peer->exchanges++;
	peer->renewal_ns = established_ns + (role == ROSENPASS_RESPONDER ? ENGINE_RENEW_RESPONDER_NS
	                                                                 : ENGINE_RENEW_INITIATOR_NS);
}

static bool has_type(const struct rosenpass_datagram *datagram, uint8_t type)
{
	return datagram->verdict != ROSENPASS_DROPPED_SIZE && datagram->data[0] == type;
}

/*
 * Short work first, then what our own handshakes wait for, then other people's
 * wishes: a RespHello that is here already ends the wait that an InitHello of the
 * same peer would have to be weighed against.
 */
static void receive_batch(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rosenpass_datagram *datagram = &datagrams[i];

		datagram->peer = 0;
		datagram->has_claim = false;
		datagram->claimed_peer = 0;
		datagram->verdict = ROSENPASS_DROPPED_SIZE;
		if (datagram->from.length > ROSENPASS_ADDRESS_MAX_BYTES ||
		    datagram->from.group_length > datagram->from.length ||
		    messages_classify(datagram->data, datagram->length) == 0)
			continue;
		datagram->verdict = ROSENPASS_DROPPED_FAILURE;
		switch (datagram->data[0]) {
		case MESSAGE_INIT_CONF:
			respond_init_conf(engine, datagram);
			break;
		case MESSAGE_EMPTY_DATA:
			complete_empty_data(engine, datagram);
			break;
		case MESSAGE_COOKIE_REPLY:
			complete_cookie_reply(engine, datagram);
			break;
		default: /* the two long ones follow */
			break;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (has_type(&datagrams[i], MESSAGE_RESP_HELLO)) {
			complete_resp_hellos(engine, datagrams, count);
			break;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (has_type(&datagrams[i], MESSAGE_INIT_HELLO)) {
			respond_init_hellos(engine, datagrams, count);
			break;
		}
	}
	for (size_t i = 0; i < count; i++)
		engine->stats.received[datagrams[i].verdict]++;
}

size_t rosenpass_receive(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                         uint64_t now_ns)
{
	size_t taken = 0;

	engine_advance(engine, now_ns);
	outputs_begin(&engine->outputs);
	while (taken < count) {
		size_t batch = outputs_room(&engine->outputs) / ENGINE_OUTPUTS_MAX;

		if (batch > HANDSHAKE_BATCH_MAX)
			batch = HANDSHAKE_BATCH_MAX;
		if (batch > count - taken)
			batch = count - taken;
		if (batch == 0)
			break;
		receive_batch(engine, datagrams + taken, batch);
		taken += batch;
	}
	return taken;
}

uint64_t rosenpass_deadline(const struct rosenpass *engine)
{
	uint32_t slot;
	uint64_t peers = timers_first(&engine->timers, &slot);
	uint64_t biscuits = biscuit_keys_deadline(&engine->biscuit_keys);
	uint64_t cookies = cookie_secrets_deadline(&engine->cookie_secrets);
	uint64_t deadline = biscuits < cookies ? biscuits : cookies;

	if (peers < deadline)
		deadline = peers;
	if (engine->load_until_ns != 0 && engine->load_until_ns < deadline)
		deadline = engine->load_until_ns;
	return deadline;
}

void rosenpass_expire(struct rosenpass *engine, uint64_t now_ns)
{
	engine_advance(engine, now_ns);
	outputs_begin(&engine->outputs);
	biscuit_keys_expire(&engine->biscuit_keys, engine->now_ns);
	cookie_secrets_expire(&engine->cookie_secrets, engine->now_ns);
	while (initiate_expire(engine))
		continue;
}

void rosenpass_set_under_load(struct rosenpass *engine, bool under_load)
{
	engine->under_load = under_load;
}

void rosenpass_set_clock(struct rosenpass *engine, rosenpass_clock_fn *clock, void *context)
{
	engine->clock = clock;
	engine->clock_context = context;
	engine->load_until_ns = 0;
	if (clock != NULL)
		budget_start(&engine->budget, clock(context));
}

bool rosenpass_next(struct rosenpass *engine, struct rosenpass_output *output)
{
	return outputs_next(&engine->outputs, output);
}

void rosenpass_get_stats(const struct rosenpass *engine, struct rosenpass_stats *stats)
{
	*stats = engine->stats;
	stats->under_load = engine->under_load || engine->load_until_ns != 0;
}
