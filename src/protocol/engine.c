/*
 * The public calls about the engine as a whole: create, receive, expire, next. What arrives is sorted by the
 * inbox and handed to the initiator's or the responder's side.
 */
#include "rosenpass.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/ct.h"
#include "protocol/complete.h"
#include "protocol/environment.h"
#include "protocol/inbox.h"
#include "protocol/initiate.h"
#include "protocol/peer_table.h"
#include "protocol/respond.h"
#include "protocol/sized.h"
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

/* Draws the keys of the tables that strangers fill. -1: no random bytes. */
static int draw_table_keys(struct rosenpass *engine)
{
	uint8_t *const keys[] = {
		engine->usage.key,   engine->cookie_usage.key, engine->sources.key,
		engine->replays.key, engine->rate_limit.key,   engine->jitter_key,
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (random_bytes(&engine->random, keys[i], SHORT_HASH_KEY_BYTES) != 0)
			return -1;
		/* A place in a table is no secret worth constant time, as long as nobody can foresee it. */
		ct_declassify(keys[i], SHORT_HASH_KEY_BYTES);
	}
	return 0;
}

int rosenpass_create(struct rosenpass **out, const struct rosenpass_config *callers)
{
	struct rosenpass_config config;
	struct rosenpass_environment environment;
	struct memory memory;
	struct rosenpass *engine;

	if (out == NULL || !sized_read(&config, sizeof config, SIZED_CONFIG, callers) ||
	    config.public_key == NULL || config.secret_key == NULL ||
	    environment_read(&environment, config.environment) != 0)
		return ROSENPASS_E_ARGUMENT;
	if (aead_init() != 0)
		return ROSENPASS_E_RANDOM;
	memory = environment_memory(&environment);
	engine = memory_get(&memory, sizeof *engine);
	if (engine == NULL)
		return ROSENPASS_E_MEMORY;
	engine->memory = memory;
	engine->caller_random = (struct random_source){ environment.random, environment.random_context };
	engine->random = (struct random_source){ state_fill_random, engine };
	engine->first_free = INDEX_NONE;
	if (random_bytes(&engine->random, engine->identity_key, sizeof engine->identity_key) != 0 ||
	    draw_table_keys(engine) != 0) {
		rosenpass_destroy(engine);
		return ROSENPASS_E_RANDOM;
	}
	memcpy(engine->secret_key, config.secret_key, sizeof engine->secret_key);
	ct_secret(engine->secret_key, sizeof engine->secret_key);
	public_key_init(&engine->own, config.public_key);
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

/* Counts what became of a datagram, for all and for the peer that it came from or named. */
static void count_verdict(struct rosenpass *engine, const struct rosenpass_datagram *datagram)
{
	size_t index = verdict_index(datagram->verdict);
	struct peer *peer;

	if (index < VERDICT_INDEX_COUNT)
		engine->stats.received[index]++;
	if (datagram->verdict < ROSENPASS_DROPPED)
		return;
	peer = peer_table_by_handle(engine, datagram->peer != 0 ? datagram->peer : datagram->claimed_peer);
	if (peer == NULL)
		return;
	peer->has_dropped = true;
	peer->dropped = datagram->verdict;
	peer->dropped_ns = engine->now_ns;
}

/* A batch of datagrams in our form. */
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
		count_verdict(engine, &datagrams[i]);
}

/* The caller's i-th datagram, in the caller's form. */
static void *datagram_at(struct rosenpass_datagram *datagrams, size_t i)
{
	return (char *)datagrams + i * datagrams->size;
}

static bool can_read(struct rosenpass_datagram *datagrams, size_t count)
{
	struct rosenpass_datagram own;

	if (datagrams == NULL)
		return count == 0;
	for (size_t i = 0; i < count; i++) {
		if (!sized_read(&own, sizeof own, SIZED_DATAGRAM, datagram_at(datagrams, i)) ||
		    own.size != datagrams->size || (own.data == NULL && own.length > 0))
			return false;
	}
	return true;
}

/* Reads one of the caller's datagrams, which can be read. Returns its group length as it is there. */
static uint8_t take_over(struct rosenpass_datagram *own, void *callers)
{
	uint8_t group_length;

	(void)!sized_read(own, sizeof *own, SIZED_DATAGRAM, callers);
	group_length = own->from.group_length;
	if (group_length == 0)
		own->from.group_length = own->from.length;
	return group_length;
}

static void give_back(struct rosenpass_datagram *own, void *callers, uint8_t group_length)
{
	own->from.group_length = group_length;
	sized_write(callers, own, sizeof *own);
}

/* A batch of the caller's datagrams, which can be read. */
static void receive_callers(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t first,
                            size_t count)
{
	struct rosenpass_datagram own[HANDSHAKE_BATCH_MAX];
	uint8_t group_lengths[HANDSHAKE_BATCH_MAX];

	for (size_t i = 0; i < count; i++)
		group_lengths[i] = take_over(&own[i], datagram_at(datagrams, first + i));
	receive_batch(engine, own, count);
	for (size_t i = 0; i < count; i++)
		give_back(&own[i], datagram_at(datagrams, first + i), group_lengths[i]);
}

/* The batch is done: the verdicts of its datagrams are final. */
static void end_begun(struct rosenpass *engine)
{
	struct begun *begun = &engine->begun;

	for (size_t i = 0; i < begun->count; i++) {
		count_verdict(engine, &begun->own[i]);
		give_back(&begun->own[i], begun->callers[i], begun->group_lengths[i]);
	}
	begun->count = 0;
}

/* Makes way for another batch. Returns false if there is no room for the outputs of the present one. */
static bool finish_begun(struct rosenpass *engine)
{
	while (respond_step(engine))
		continue;
	if (respond_is_busy(engine))
		return false;
	end_begun(engine);
	return true;
}

/* Returns true if one of the datagrams may be an InitHello. */
static bool has_hello(struct rosenpass_datagram *datagrams, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rosenpass_datagram *datagram = datagram_at(datagrams, i);

		if (datagram->length > 0 && datagram->data[0] == MESSAGE_INIT_HELLO)
			return true;
	}
	return false;
}

int rosenpass_receive(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                      uint64_t now_ns)
{
	size_t taken = 0;

	if (engine == NULL || !can_read(datagrams, count))
		return ROSENPASS_E_ARGUMENT;
	state_advance(engine, now_ns);
	outputs_begin(&engine->outputs);
	if (respond_is_busy(engine) && has_hello(datagrams, count) && !finish_begun(engine))
		return 0;
	while (taken < count) {
		size_t batch = outputs_room(&engine->outputs) / ENGINE_OUTPUTS_MAX;

		if (batch > HANDSHAKE_BATCH_MAX)
			batch = HANDSHAKE_BATCH_MAX;
		if (batch > count - taken)
			batch = count - taken;
		if (batch == 0)
			break;
		receive_callers(engine, datagrams, taken, batch);
		taken += batch;
	}
	return (int)taken;
}

/* Takes one of the caller's datagrams: an InitHello that is admitted goes into the batch. */
static void begin(struct rosenpass *engine, void *callers)
{
	struct begun *begun = &engine->begun;
	struct rosenpass_datagram *own = &begun->own[begun->count];
	uint8_t group_length = take_over(own, callers);
	struct inbox_message message;

	if (inbox_sort(engine, own, 1, &message) == 1) {
		if (message.type != MESSAGE_INIT_HELLO) {
			hand_over(engine, &message, 1);
		} else if (respond_add(engine, &message)) {
			begun->callers[begun->count] = callers;
			begun->group_lengths[begun->count++] = group_length;
			return;
		}
	}
	count_verdict(engine, own);
	give_back(own, callers, group_length);
}

int rosenpass_receive_begin(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                            uint64_t now_ns)
{
	size_t taken = 0;
	size_t most;

	if (engine == NULL || !can_read(datagrams, count))
		return ROSENPASS_E_ARGUMENT;
	if (respond_is_busy(engine))
		return 0;
	state_advance(engine, now_ns);
	outputs_begin(&engine->outputs);
	most = workers_slice(&engine->workers);
	while (taken < count && engine->begun.count < most &&
	       outputs_room(&engine->outputs) >= ENGINE_OUTPUTS_MAX)
		begin(engine, datagram_at(datagrams, taken++));
	return (int)taken;
}

bool rosenpass_receive_step(struct rosenpass *engine, uint64_t now_ns)
{
	if (engine == NULL || !respond_is_busy(engine))
		return false;
	state_advance(engine, now_ns);
	outputs_begin(&engine->outputs);
	(void)respond_step(engine);
	if (respond_is_busy(engine))
		return true;
	end_begun(engine);
	return false;
}

size_t rosenpass_slice(const struct rosenpass *engine)
{
	return engine != NULL ? workers_slice(&engine->workers) : 0;
}

void rosenpass_set_workers(struct rosenpass *engine, rosenpass_run_fn *run, void *context, size_t threads)
{
	if (engine == NULL)
		return;
	engine->workers = (struct workers){ .run = run, .context = context, .threads = threads };
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t rosenpass_deadline(const struct rosenpass *engine)
{
	uint64_t deadline = ROSENPASS_NEVER;

	if (engine == NULL)
		return deadline;
	deadline = earlier(deadline, peer_table_deadline(engine));
	deadline = earlier(deadline, biscuit_keys_deadline(&engine->biscuit_keys));
	deadline = earlier(deadline, cookie_secrets_deadline(&engine->cookie_secrets));
	if (engine->load_until_ns != 0)
		deadline = earlier(deadline, engine->load_until_ns);
	return state_deadline(engine, deadline);
}

void rosenpass_expire(struct rosenpass *engine, uint64_t now_ns)
{
	if (engine == NULL)
		return;
	state_advance(engine, now_ns);
	outputs_begin(&engine->outputs);
	biscuit_keys_expire(&engine->biscuit_keys, engine->now_ns);
	cookie_secrets_expire(&engine->cookie_secrets, engine->now_ns);
	initiate_expire(engine);
}

void rosenpass_set_under_load(struct rosenpass *engine, bool under_load)
{
	if (engine == NULL)
		return;
	engine->under_load = under_load;
}

void rosenpass_set_clock(struct rosenpass *engine, rosenpass_clock_fn *clock, void *context)
{
	if (engine == NULL)
		return;
	engine->clock = clock;
	engine->clock_context = context;
	engine->load_until_ns = 0;
	if (clock != NULL)
		budget_start(&engine->budget, clock(context));
}

bool rosenpass_next(struct rosenpass *engine, struct rosenpass_output *output)
{
	return engine != NULL && outputs_next(&engine->outputs, output);
}

int rosenpass_get_stats(const struct rosenpass *engine, struct rosenpass_stats *stats)
{
	struct rosenpass_stats own;

	if (engine == NULL || !sized_can_write(stats, SIZED_STATS))
		return ROSENPASS_E_ARGUMENT;
	own = (struct rosenpass_stats){
		.sent = engine->stats.sent,
		.sent_bytes = engine->stats.sent_bytes,
		.peers = engine->stats.peers,
		.under_load = engine->under_load || engine->load_until_ns != 0,
		.random_failing = engine->stats.random_failing,
		.random_failures = engine->stats.random_failures,
	};
	sized_write(stats, &own, sizeof own);
	return 0;
}

uint64_t rosenpass_count_received(const struct rosenpass *engine, enum rosenpass_verdict verdict)
{
	size_t index = verdict_index(verdict);

	return engine != NULL && index < VERDICT_INDEX_COUNT ? engine->stats.received[index] : 0;
}
