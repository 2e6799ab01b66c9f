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

/* A batch of InitHellos on its way through the steps; each step leaves out what failed. */
struct batch {
	size_t count;
	struct handshake_response *ws[HANDSHAKE_BATCH_MAX];
	struct inbox_message *messages[HANDSHAKE_BATCH_MAX];
	struct peer *peers[HANDSHAKE_BATCH_MAX];
};

/* What becomes of the i-th of the batch. true: it goes on; false: the verdict is set. */
typedef bool batch_step(struct rosenpass *engine, struct batch *batch, size_t i);

static void keep_those(struct rosenpass *engine, struct batch *batch, batch_step *step)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++) {
		if (!step(engine, batch, i))
			continue;
		batch->ws[kept] = batch->ws[i];
		batch->messages[kept] = batch->messages[i];
		batch->peers[kept++] = batch->peers[i];
	}
	batch->count = kept;
}

/*
 * Limits what InitHellos of one peer cost while the budget is scarce. Anybody who has the public keys can
 * name a peer. So InitHellos from where the peer is known to be and those from elsewhere have a limit each,
 * and a sender with a valid cookie has none here: it has one in rate_limit.h.
 */
static bool is_within_limit(struct rosenpass *engine, struct peer *peer, const struct inbox_message *message)
{
	bool is_near = peer_table_is_near(engine, peer, &message->datagram->from);
	uint64_t *full_ns = &peer->hellos_full_ns[is_near ? 0 : 1];

	if (!message->in_budget || engine->load_until_ns == 0)
		return true;
	if (*full_ns < engine->now_ns)
		*full_ns = engine->now_ns;
	if (*full_ns - engine->now_ns > (HELLOS_BURST - 1) * HELLOS_INTERVAL_NS)
		return false;
	*full_ns += HELLOS_INTERVAL_NS;
	return true;
}

static bool find_peer(struct rosenpass *engine, struct batch *batch, size_t i)
{
	struct handshake_response *w = batch->ws[i];
	struct rosenpass_datagram *datagram = batch->messages[i]->datagram;
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
	if (!is_within_limit(engine, peer, batch->messages[i]))
		return false;
	batch->peers[i] = peer;
	w->peer = &peer->key;
	w->psk = peer->psk;
	return true;
}

static bool decide(struct rosenpass *engine, struct batch *batch, size_t i)
{
	struct handshake_response *w = batch->ws[i];
	struct rosenpass_datagram *datagram = batch->messages[i]->datagram;

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
	w->biscuit_key = engine->biscuit_keys.key[0];
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

static void work_through(struct rosenpass *engine, struct batch *batch, struct budget_work *work)
{
	uint64_t from_ns = state_clock_ns(engine);
	uint64_t to_ns;

	work->count = batch->count;
	handshake_identify(batch->ws, batch->count);
	keep_those(engine, batch, find_peer);
	handshake_authenticate(batch->ws, batch->count);
	keep_those(engine, batch, decide);
	handshake_respond(batch->ws, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		struct rosenpass_datagram *datagram = batch->messages[i]->datagram;

		outbox_send(engine, batch->peers[i], batch->ws[i]->message, batch->ws[i]->length,
		            batch->ws[i]->chain.hash, &datagram->from, false);
		datagram->verdict = ROSENPASS_ANSWERED;
		if (batch->messages[i]->in_budget && is_first_for_long(engine, batch->peers[i]))
			work->peers++;
	}
	to_ns = state_clock_ns(engine);
	work->spent_ns = to_ns > from_ns ? to_ns - from_ns : 0;
}

void respond_init_hellos(struct rosenpass *engine, struct inbox_message *messages, size_t count)
{
	struct batch batch = { 0 };
	struct budget_work work = { 0 };

	budget_advance(&engine->budget, state_clock_ns(engine));
	for (size_t i = 0; i < count; i++) {
		struct handshake_response *w = &engine->work.responses[batch.count];

		if (!inbox_admit_hello(engine, &messages[i]) || !prepare(engine, &messages[i], w))
			continue;
		batch.ws[batch.count] = w;
		batch.messages[batch.count++] = &messages[i];
	}
	work_through(engine, &batch, &work);
	budget_charge(&engine->budget, &work, state_clock_ns(engine));
	ct_wipe(&engine->work.responses, sizeof engine->work.responses[0] * work.count);
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
