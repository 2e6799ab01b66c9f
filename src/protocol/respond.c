#include "protocol/respond.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/crossing.h"
#include "protocol/endpoint.h"
#include "protocol/outbox.h"
#include "protocol/peer_table.h"

/* InitHellos of one peer at shorter intervals are charged like those of strangers; see budget.h. */
#define HELLO_NS (5 * ENGINE_SECOND_NS)
/* While the budget is scarce, InitHellos that name one peer are dropped beyond this. */
#define HELLOS_BURST 5
#define HELLOS_INTERVAL_NS ENGINE_SECOND_NS

/* The byte of a biscuit's number that tells the dialect; the eight before it count. */
#define NUMBER_DIALECT 8

static void encode_number(uint8_t number[static BISCUIT_NUMBER_BYTES], uint64_t counter,
                          enum rosenpass_dialect dialect)
{
	memset(number, 0, BISCUIT_NUMBER_BYTES);
	for (int i = 0; i < NUMBER_DIALECT; i++)
		number[i] = (uint8_t)(counter >> (8 * i));
	number[NUMBER_DIALECT] = (uint8_t)dialect;
}

static uint64_t decode_counter(const uint8_t number[static BISCUIT_NUMBER_BYTES])
{
	uint64_t counter = 0;

	for (int i = 0; i < NUMBER_DIALECT; i++)
		counter |= (uint64_t)number[i] << (8 * i);
	return counter;
}

/* Sets a work item up for an admitted InitHello. false: the verdict is set. */
static bool prepare(struct rosenpass *engine, const struct inbox_message *message,
                    struct handshake_response *w)
{
	struct rosenpass_datagram *datagram = message->datagram;

	w->dialect = message->dialect;
	w->own = &engine->own;
	w->own_secret_key = engine->secret_key;
	datagram->verdict = ROSENPASS_DROPPED_SIZE;
	return handshake_response_prepare(w, datagram->data, datagram->length) == 0;
}

/* What becomes of the i-th of the batch. true: it goes on; false: the verdict is set. */
typedef bool batch_step(struct rosenpass *engine, struct respond_batch *batch, size_t i);

/* Moves the i-th of the batch to a place that is free, or stays. */
static void keep(struct respond_batch *batch, size_t i, size_t kept)
{
	batch->ws[kept] = batch->ws[i];
	batch->datagrams[kept] = batch->datagrams[i];
	batch->in_budget[kept] = batch->in_budget[i];
	batch->peers[kept] = batch->peers[i];
}

static void keep_those(struct rosenpass *engine, struct respond_batch *batch, batch_step *step)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++) {
		if (step(engine, batch, i))
			keep(batch, i, kept++);
	}
	batch->count = kept;
}

/*
 * Limits what InitHellos of one peer cost while the budget is scarce. Anybody who has the public keys can
 * name a peer. So InitHellos from where the peer is known to be and those from elsewhere have a limit each,
 * and a sender with a valid cookie has none here: it has one in rate_limit.h.
 */
static bool is_within_limit(struct rosenpass *engine, struct peer *peer,
                            const struct rosenpass_datagram *datagram, bool in_budget)
{
	bool is_near = peer_table_is_near(engine, peer, &datagram->from);
	uint64_t *full_ns = &peer->hellos_full_ns[is_near ? 0 : 1];

	if (!in_budget || engine->load_until_ns == 0)
		return true;
	if (*full_ns < engine->now_ns)
		*full_ns = engine->now_ns;
	if (*full_ns - engine->now_ns > (HELLOS_BURST - 1) * HELLOS_INTERVAL_NS)
		return false;
	*full_ns += HELLOS_INTERVAL_NS;
	return true;
}

static bool find_peer(struct rosenpass *engine, struct respond_batch *batch, size_t i)
{
	struct handshake_response *w = batch->ws[i];
	struct rosenpass_datagram *datagram = batch->datagrams[i];
	struct peer *peer;

	datagram->verdict = ROSENPASS_DROPPED_AUTH;
	if (w->failed != 0)
		return false;
	/* Who asks decides what we do next: the peer id is no secret between the two of us. */
	ct_declassify(w->pidi, sizeof w->pidi);
	memcpy(datagram->claimed_id, w->pidi, sizeof datagram->claimed_id);
	datagram->claimed_dialect = w->dialect;
	datagram->has_claim = true;
	datagram->verdict = ROSENPASS_DROPPED_PEER;
	peer = peer_table_by_id(engine, w->chain.hash, w->pidi);
	if (peer == NULL)
		return false;
	datagram->claimed_peer = peer->handle;
	datagram->verdict = ROSENPASS_DROPPED_DIALECT;
	if ((peer->dialects & ROSENPASS_DIALECT_BIT(w->dialect)) == 0)
		return false;
	datagram->verdict = ROSENPASS_DROPPED_LOAD;
	if (!is_within_limit(engine, peer, datagram, batch->in_budget[i]))
		return false;
	batch->peers[i] = peer;
	w->peer = &peer->key;
	w->psk = peer->psk;
	return true;
}

static bool decide(struct rosenpass *engine, struct respond_batch *batch, size_t i)
{
	struct handshake_response *w = batch->ws[i];
	struct rosenpass_datagram *datagram = batch->datagrams[i];

	datagram->verdict = ROSENPASS_DROPPED_AUTH;
	if (w->failed != 0)
		return false;
	/* The preshared key proves who made the message, though not when. Without one, nothing is proved. */
	if (batch->peers[i]->has_psk) {
		datagram->has_claim = false;
		datagram->claimed_peer = 0;
		datagram->peer = batch->peers[i]->handle;
	}
	datagram->verdict = ROSENPASS_CROSSED;
	if (crossing_goes_before_hello(engine, batch->peers[i], w->chain.hash, &datagram->from))
		return false;
	datagram->verdict = ROSENPASS_DROPPED_FAILURE;
	if (biscuit_keys_renew(&engine->biscuit_keys, engine->now_ns, &engine->random) != 0 ||
	    handshake_response_draw(w, &engine->random) != 0)
		return false;
	memcpy(w->biscuit_key, engine->biscuit_keys.key[0], sizeof w->biscuit_key);
	encode_number(w->biscuit_number, ++engine->biscuit_counter, w->dialect);
	return true;
}

/* Returns true if this InitHello gets the lower price of a peer. Repetitions of a recorded one do not. */
static bool is_first_for_long(const struct rosenpass *engine, struct peer *peer)
{
	if (peer->hello_ns != 0 && engine->now_ns - peer->hello_ns < HELLO_NS)
		return false;
	peer->hello_ns = engine->now_ns;
	return true;
}

static void identify(void *ws, size_t first, size_t count)
{
	handshake_identify((struct handshake_response **)ws + first, count);
}

static void authenticate(void *ws, size_t first, size_t count)
{
	handshake_authenticate((struct handshake_response **)ws + first, count);
}

static void respond(void *ws, size_t first, size_t count)
{
	handshake_respond((struct handshake_response **)ws + first, count);
}

static void send_answers(struct rosenpass *engine, struct respond_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct rosenpass_datagram *datagram = batch->datagrams[i];

		outbox_send(engine, batch->peers[i], batch->ws[i]->message, batch->ws[i]->length,
		            batch->ws[i]->chain.hash, &datagram->from, false);
		datagram->verdict = ROSENPASS_ANSWERED;
		if (batch->in_budget[i] && is_first_for_long(engine, batch->peers[i]))
			batch->work.peers++;
	}
	batch->count = 0;
}

/* Does the step that is next, and says which one follows. */
static void do_step(struct rosenpass *engine, struct respond_batch *batch)
{
	switch (batch->step) {
	case RESPOND_IDLE:
		break;
	case RESPOND_IDENTIFY:
		workers_run(&engine->workers, identify, batch->ws, batch->count);
		keep_those(engine, batch, find_peer);
		batch->step = RESPOND_AUTHENTICATE;
		break;
	case RESPOND_AUTHENTICATE:
		workers_run(&engine->workers, authenticate, batch->ws, batch->count);
		keep_those(engine, batch, decide);
		batch->step = RESPOND_ANSWER;
		break;
	case RESPOND_ANSWER:
		workers_run(&engine->workers, respond, batch->ws, batch->count);
		send_answers(engine, batch);
		break;
	}
}

bool respond_add(struct rosenpass *engine, struct inbox_message *message)
{
	struct respond_batch *batch = &engine->batch;
	struct handshake_response *w = &batch->responses[batch->count];

	if (batch->count == 0)
		budget_advance(&engine->budget, state_clock_ns(engine));
	if (!inbox_admit_hello(engine, message) || !prepare(engine, message, w))
		return false;
	batch->ws[batch->count] = w;
	batch->datagrams[batch->count] = message->datagram;
	batch->in_budget[batch->count] = message->in_budget;
	batch->peers[batch->count++] = NULL;
	batch->work.count++;
	batch->step = RESPOND_IDENTIFY;
	return true;
}

bool respond_is_busy(const struct rosenpass *engine)
{
	return engine->batch.step != RESPOND_IDLE;
}

bool respond_step(struct rosenpass *engine)
{
	struct respond_batch *batch = &engine->batch;
	uint64_t from_ns = state_clock_ns(engine);
	uint64_t to_ns;

	if (batch->step == RESPOND_IDLE || outputs_room(&engine->outputs) < batch->count)
		return false;
	do_step(engine, batch);
	to_ns = state_clock_ns(engine);
	batch->work.spent_ns += to_ns > from_ns ? to_ns - from_ns : 0;
	if (batch->count > 0)
		return true;
	budget_charge(&engine->budget, &batch->work, to_ns);
	ct_wipe(batch->responses, sizeof batch->responses[0] * batch->work.count);
	batch->work = (struct budget_work){ 0 };
	batch->step = RESPOND_IDLE;
	return true;
}

void respond_init_hellos(struct rosenpass *engine, struct inbox_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)respond_add(engine, &messages[i]);
	while (respond_step(engine))
		continue;
}

void respond_forget(struct rosenpass *engine, const struct peer *peer)
{
	struct respond_batch *batch = &engine->batch;
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++) {
		if (batch->peers[i] == peer)
			batch->datagrams[i]->verdict = ROSENPASS_DROPPED_PEER;
		else
			keep(batch, i, kept++);
	}
	batch->count = kept;
}

/* The new key, EmptyData, and what is remembered for an InitConf that comes again. */
static void enter_live(struct rosenpass *engine, struct peer *peer, const struct chain *chain,
                       enum rosenpass_dialect dialect, const uint8_t sidi[static MESSAGE_SID_BYTES],
                       const struct rosenpass_address *from)
{
	uint8_t osk[ROSENPASS_KEY_BYTES];
	uint8_t txkr[CHAIN_BYTES];
	struct empty_data out;
	bool is_crossed = crossing_is_open(engine, peer);

	chain_extract(chain, osk, peer->osk_label[chain->hash]);
	chain_extract(chain, txkr, labels[chain->hash][LABEL_RES_ENC]);
	if (peer->own.state != ROSENPASS_STATE_IDLE)
		peer_table_abort_handshake(engine, peer);
	peer->trying_since_ns = engine->now_ns;
	peer->unanswered = 0;
	outbox_key(engine, peer, osk, ROSENPASS_RESPONDER, dialect, engine->now_ns, true);
	peer->unconfirmed_until_ns = 0;
	if (is_crossed)
		crossing_settle(engine, peer);
	(void)endpoint_authenticated(engine, peer, from, peer->answered_conf);

	memset(peer->answer, 0, sizeof peer->answer);
	messages_set_type(peer->answer, MESSAGE_EMPTY_DATA);
	if (messages_empty_data(&out, peer->answer, sizeof peer->answer) == 0) {
		/* The counter is that of the session, which begins here: 0. */
		memcpy(out.sid, sidi, MESSAGE_SID_BYTES);
		handshake_seal_empty_data(&out, txkr);
	}
	outbox_send(engine, peer, peer->answer, sizeof peer->answer, chain->hash, from, false);
	ct_wipe(osk, sizeof osk);
	ct_wipe(txkr, sizeof txkr);
}

void respond_init_conf(struct rosenpass *engine, const struct inbox_message *received)
{
	struct rosenpass_datagram *datagram = received->datagram;
	enum keyed_hash hash = received->hash;
	uint8_t message[MESSAGE_INIT_CONF_BYTES];
	uint8_t ad[KEYED_HASH_OUT_BYTES];
	uint8_t identity[KEYED_HASH_OUT_BYTES];
	struct biscuit biscuit = { 0 };
	struct chain chain = { 0 };
	struct init_conf in;
	struct peer *peer;
	enum rosenpass_dialect dialect;

	memcpy(message, datagram->data, sizeof message);
	datagram->verdict = ROSENPASS_DROPPED_SIZE;
	if (messages_init_conf(&in, message, sizeof message) != 0)
		return;

	datagram->verdict = ROSENPASS_DROPPED_BISCUIT;
	biscuit_keys_expire(&engine->biscuit_keys, engine->now_ns);
	biscuit_additional_data(ad, hash, public_key_fact(&engine->own, hash, PUBLIC_KEY_BISCUIT_AD), in.sidi,
	                        in.sidr);
	if (biscuit_open(&biscuit, &engine->biscuit_keys, in.biscuit_ct, ad) != 0)
		goto done;
	ct_declassify(biscuit.pidi, sizeof biscuit.pidi);
	ct_declassify(biscuit.number, sizeof biscuit.number);
	datagram->verdict = ROSENPASS_DROPPED_PEER;
	peer = peer_table_by_id(engine, hash, biscuit.pidi);
	if (peer == NULL)
		goto done;
	datagram->verdict = ROSENPASS_DROPPED_DIALECT;
	dialect = (enum rosenpass_dialect)biscuit.number[NUMBER_DIALECT];
	if ((peer->dialects & ROSENPASS_DIALECT_BIT(dialect)) == 0)
		goto done;

	inbox_identity(engine, identity, message, sizeof message);
	if (peer->answered && ct_is_set(ct_equal(identity, peer->answered_conf, sizeof identity))) {
		(void)endpoint_repeated(engine, peer, &datagram->from, identity);
		outbox_send(engine, peer, peer->answer, sizeof peer->answer, hash, &datagram->from, true);
		datagram->verdict = ROSENPASS_REPEATED;
		datagram->peer = peer->handle;
		goto done;
	}
	datagram->verdict = ROSENPASS_DROPPED_REPLAY;
	if (decode_counter(biscuit.number) <= peer->biscuit_used)
		goto done;
	datagram->verdict = ROSENPASS_DROPPED_AUTH;
	if (handshake_confirm(&chain, hash, &in, &biscuit) != 0)
		goto done;
	datagram->peer = peer->handle;
	datagram->verdict = ROSENPASS_CROSSED;
	if (crossing_goes_before_conf(engine, peer, hash))
		goto done;
	peer->biscuit_used = decode_counter(biscuit.number);
	memcpy(peer->answered_conf, identity, sizeof identity);
	peer->answered = true;
	enter_live(engine, peer, &chain, dialect, in.sidi, &datagram->from);
	peer_table_schedule(engine, peer);
	datagram->verdict = ROSENPASS_EXCHANGED;
done:
	ct_wipe(&biscuit, sizeof biscuit);
	ct_wipe(&chain, sizeof chain);
	ct_wipe(identity, sizeof identity);
}
