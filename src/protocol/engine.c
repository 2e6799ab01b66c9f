/*
 * The public calls about the engine as a whole: create, receive, expire, next. What arrives is sorted by the
 * inbox and handed to the initiator's or the responder's side.
 */
#include "rosenpass.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/complete.h"
#include "protocol/inbox.h"
#include "protocol/initiate.h"
#include "protocol/peer_table.h"
#include "protocol/respond.h"
#include "protocol/state.h"

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
	peer_table_release(engine);
	memory_put(&memory, engine, sizeof *engine);
}

/* How many messages of the first one's type follow each other. */
static size_t run_of_type(const struct inbox_message *messages, size_t count)
{
	size_t run = 1;

	while (run < count && messages[run].type == messages[0].type)
		run++;
	return run;
}

/* Hands over messages of one type. Those with long hashes are worked through together. */
static void hand_over(struct rosenpass *engine, struct inbox_message *messages, size_t count)
{
	switch (messages[0].type) {
	case MESSAGE_RESP_HELLO:
		complete_resp_hellos(engine, messages, count);
		break;
	case MESSAGE_INIT_HELLO:
		respond_init_hellos(engine, messages, count);
		break;
	case MESSAGE_INIT_CONF:
		for (size_t i = 0; i < count; i++)
			respond_init_conf(engine, &messages[i]);
		break;
	case MESSAGE_EMPTY_DATA:
		for (size_t i = 0; i < count; i++)
			complete_empty_data(engine, &messages[i]);
		break;
	case MESSAGE_COOKIE_REPLY:
		for (size_t i = 0; i < count; i++)
			complete_cookie_reply(engine, &messages[i]);
		break;
	}
}

static void receive_batch(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count)
{
	struct inbox_message messages[HANDSHAKE_BATCH_MAX];
	size_t used = inbox_sort(engine, datagrams, count, messages);
	size_t run;

	for (size_t i = 0; i < used; i += run) {
		run = run_of_type(&messages[i], used - i);
		hand_over(engine, &messages[i], run);
	}
	for (size_t i = 0; i < count; i++)
		engine->stats.received[datagrams[i].verdict]++;
}

size_t rosenpass_receive(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                         uint64_t now_ns)
{
	size_t taken = 0;

	state_advance(engine, now_ns);
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
	uint64_t peers = peer_table_deadline(engine);
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
	state_advance(engine, now_ns);
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
