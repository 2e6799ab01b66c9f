#include "protocol/engine.h"

#include <string.h>

#include "crypto/ct.h"

/*
 * Both sides may start at the same moment. Then two handshakes run between the same
 * peers, each side could complete both, and each could end up with another key. So one
 * of them is given way: that of the side with the greater peer id.
 *
 * - InitHello while ours waits for RespHello. The greater side yields: it answers, and
 *   holds its own handshake for HOLD_NS (neither sending nor accepting for it). The
 *   lesser side passes over the first PASS_HELLOS InitHellos, then yields as well: its
 *   own may not get through. An InitHello from elsewhere than our endpoint is answered
 *   at once, and ours goes on: the endpoint may be an old one. Holding instead of
 *   dropping, and only once a handshake, keeps a replayed InitHello (which proves
 *   nothing about now) from doing harm.
 * - InitConf while ours waits for EmptyData: both handshakes got that far. The greater
 *   side passes over PASS_CONFS_GREATER of them, the lesser over more, and none after
 *   PASS_CONFS_NS: a peer that lost its state does not wait long. Then the peer's key
 *   is taken and our handshake ends. But the peer may at the same moment have taken ours,
 *   and nothing that can still arrive would tell: one more handshake soon, begun by the
 *   lesser side (by the greater, if nothing comes), makes the keys the same for certain.
 *   That holds for a peer that always lets the last InitConf win, too. The same is done
 *   when EmptyData came first, but the InitConf answers a biscuit from before it, and when
 *   an InitConf of ours was given up for a new handshake not long ago.
 */
#define HOLD_NS (3 * ENGINE_SECOND_NS)
#define PASS_HELLOS 2
#define PASS_CONFS_GREATER 2
#define PASS_CONFS_LESSER 5
#define PASS_CONFS_NS (8 * ENGINE_SECOND_NS)
#define SETTLE_LESSER_NS (ENGINE_SECOND_NS / 2)
#define SETTLE_GREATER_NS (5 * ENGINE_SECOND_NS)

/* InitHellos of one peer at shorter intervals are charged like those of strangers; see budget.h. */
#define HELLO_NS (5 * ENGINE_SECOND_NS)

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

/* Whether our peer id is greater than the peer's. Peer ids are public. */
static bool is_greater(struct rosenpass *engine, struct peer *peer, enum keyed_hash hash)
{
	return memcmp(public_key_fact(&engine->own, hash, PUBLIC_KEY_PEER_ID),
	              public_key_fact(&peer->key, hash, PUBLIC_KEY_PEER_ID), PUBLIC_KEY_FACT_BYTES) > 0;
}

/*
 * By which ids two crossing handshakes are weighed: both sides must choose alike. Where
 * they are in dialects of different hashes each side sees the other one's message, so
 * that neither hash of a message will do.
 */
static enum keyed_hash weighing_hash(const struct own_handshake *own, enum keyed_hash received)
{
	return messages_dialect_hash(own->dialect) == received ? received : KEYED_HASH_BLAKE2B;
}

/* true: the peer's authenticated InitHello is to be passed over. */
static bool goes_before_hello(struct rosenpass *engine, struct peer *peer, enum keyed_hash hash,
                              const struct rosenpass_address *from)
{
	struct own_handshake *own = &peer->own;
	bool is_greater_side = is_greater(engine, peer, weighing_hash(own, hash));

	if (own->state != ROSENPASS_STATE_INIT_HELLO || own->yielded)
		return false;
	/* The peer is elsewhere, and ours may never get there. */
	if (!is_greater_side && peer->endpoint.length > 0 && !endpoint_is_same(&peer->endpoint, from))
		return false;
	if (!is_greater_side && own->crossed < PASS_HELLOS) {
		own->crossed++;
		/* The peer is there: what was a long wait for an absent one is over. */
		if (own->next_send_ns > engine->now_ns + ENGINE_SECOND_NS) {
			own->next_send_ns = engine->now_ns + ENGINE_SECOND_NS;
			peer->trying_since_ns = engine->now_ns;
			peer->unanswered = 0;
			peers_schedule(engine, peer);
		}
		return true;
	}
	own->yielded = true;
	own->hold_until_ns = engine->now_ns + HOLD_NS;
	if (own->next_send_ns < own->hold_until_ns)
		own->next_send_ns = own->hold_until_ns;
	peers_schedule(engine, peer);
	return false;
}

/* true: the peer's authenticated InitConf is to be passed over. */
static bool goes_before_conf(struct rosenpass *engine, struct peer *peer, enum keyed_hash hash)
{
	struct own_handshake *own = &peer->own;
	uint32_t limit =
		is_greater(engine, peer, weighing_hash(own, hash)) ? PASS_CONFS_GREATER : PASS_CONFS_LESSER;

	if (own->state != ROSENPASS_STATE_INIT_CONF || own->crossed >= limit ||
	    engine->now_ns - own->established_ns >= PASS_CONFS_NS)
		return false;
	own->crossed++;
	return true;
}

/* Answers with a cookie of the size of the InitHello. false: no random bytes. */
static bool send_cookie(struct rosenpass *engine, const struct rosenpass_datagram *datagram)
{
	uint8_t value[COOKIE_VALUE_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];
	uint8_t message[MESSAGE_MAX_BYTES];
	struct cookie_reply out;
	struct output_slot *slot;

	/* The padding stays random; header, session id and sealed cookie are written over its beginning. */
	if (messages_cookie_reply(&out, message, datagram->length) != 0 ||
	    random_bytes(&engine->random, message, datagram->length) != 0 ||
	    random_bytes(&engine->random, nonce, sizeof nonce) != 0)
		return false;
	messages_set_type(message, MESSAGE_COOKIE_REPLY);
	memcpy(out.sid, datagram->data + MESSAGE_HEADER_BYTES, MESSAGE_SID_BYTES);
	cookie_value(value, engine->cookie_secrets.secret[0], datagram->from.bytes, datagram->from.length);
	cookie_reply_seal(out.sealed,
	                  public_key_fact(&engine->own, KEYED_HASH_SHAKE256, PUBLIC_KEY_COOKIE_KEY), nonce,
	                  value, datagram->data + messages_mac_offset(datagram->length));
	ct_declassify(message, datagram->length);
	slot = outputs_add(&engine->outputs, ROSENPASS_OUTPUT_SEND, message, datagram->length);
	slot->output.address = datagram->from;
	engine->stats.sent++;
	engine->stats.sent_bytes += datagram->length;
	ct_wipe(value, sizeof value);
	return true;
}

/*
 * Returns true if an InitHello may cost a handshake now, else sets the verdict. A sender with a valid cookie
 * has a share of its own. A sender without a cookie, or beyond its share, takes from the budget. A cookie is
 * demanded only when the budget is used up, because software that ignores CookieReply has no other way in.
 */
static bool admit_by_load(struct rosenpass *engine, struct rosenpass_datagram *datagram, bool *in_budget)
{
	bool has_cookie;

	*in_budget = false;
	if (!engine->under_load && engine->clock == NULL)
		return true;
	has_cookie = cookie_is_right(&engine->cookie_secrets, engine->now_ns, datagram->from.bytes,
	                             datagram->from.length, datagram->data, datagram->length);
	if (has_cookie && rate_limit_take(&engine->rate_limit, datagram->from.bytes,
	                                  datagram->from.group_length, engine->now_ns))
		return true;
	if (!engine->under_load) {
		*in_budget = budget_take(&engine->budget);
		if (*in_budget)
			return true;
		engine->load_until_ns = engine->now_ns + ENGINE_CALM_NS;
	}
	datagram->verdict = ROSENPASS_DROPPED_LOAD;
	if (has_cookie)
		return false;
	datagram->verdict = ROSENPASS_DROPPED_FAILURE;
	if (cookie_secrets_renew(&engine->cookie_secrets, engine->now_ns, &engine->random) == 0 &&
	    send_cookie(engine, datagram))
		datagram->verdict = ROSENPASS_COOKIE_SENT;
	return false;
}

/* The cheap checks; sets a work item up. false: the verdict is set. */
static bool admit(struct rosenpass *engine, struct rosenpass_datagram *datagram, struct handshake_response *w,
                  bool *in_budget)
{
	uint32_t dialects = messages_classify(datagram->data, datagram->length);
	int hash = engine_mac_hash(engine, datagram->data, datagram->length, dialects);

	datagram->verdict = ROSENPASS_DROPPED_MAC;
	if (hash < 0)
		return false;
	if (!admit_by_load(engine, datagram, in_budget))
		return false;
	datagram->verdict = ROSENPASS_DROPPED_SIZE;
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		w->dialect = (enum rosenpass_dialect)i;
		if ((dialects & ROSENPASS_DIALECT_BIT(i)) != 0 &&
		    messages_dialect_hash(w->dialect) == (enum keyed_hash)hash)
			break;
	}
	w->own = &engine->own;
	w->own_secret_key = engine->secret_key;
	return handshake_response_prepare(w, datagram->data, datagram->length) == 0;
}

/* A batch of InitHellos on its way through the steps; each step leaves out what failed. */
struct batch {
	size_t count;
	struct handshake_response *ws[HANDSHAKE_BATCH_MAX];
	struct rosenpass_datagram *datagrams[HANDSHAKE_BATCH_MAX];
	struct peer *peers[HANDSHAKE_BATCH_MAX];
	bool in_budget[HANDSHAKE_BATCH_MAX];
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
		batch->datagrams[kept] = batch->datagrams[i];
		batch->in_budget[kept] = batch->in_budget[i];
		batch->peers[kept++] = batch->peers[i];
	}
	batch->count = kept;
}

static bool find_peer(struct rosenpass *engine, struct batch *batch, size_t i)
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
	peer = peers_by_id(engine, w->chain.hash, w->pidi);
	if (peer == NULL)
		return false;
	datagram->claimed_peer = peer->handle;
	datagram->verdict = ROSENPASS_DROPPED_DIALECT;
	if ((peer->dialects & ROSENPASS_DIALECT_BIT(w->dialect)) == 0)
		return false;
	batch->peers[i] = peer;
	w->peer = &peer->key;
	w->psk = peer->psk;
	return true;
}

static bool decide(struct rosenpass *engine, struct batch *batch, size_t i)
{
	struct handshake_response *w = batch->ws[i];
	struct rosenpass_datagram *datagram = batch->datagrams[i];

	datagram->verdict = ROSENPASS_DROPPED_AUTH;
	if (w->failed != 0)
		return false;
	/* From here on the claim is proven. */
	datagram->has_claim = false;
	datagram->claimed_peer = 0;
	datagram->peer = batch->peers[i]->handle;
	datagram->verdict = ROSENPASS_CROSSED;
	if (goes_before_hello(engine, batch->peers[i], w->chain.hash, &datagram->from))
		return false;
	datagram->verdict = ROSENPASS_DROPPED_FAILURE;
	if (biscuit_keys_renew(&engine->biscuit_keys, engine->now_ns, &engine->random) != 0 ||
	    handshake_response_draw(w, &engine->random) != 0)
		return false;
	w->biscuit_key = engine->biscuit_keys.key[0];
	encode_number(w->biscuit_number, ++engine->biscuit_counter, w->dialect);
	return true;
}

/* The time on the caller's clock; 0 without one. */
static uint64_t read_clock(const struct rosenpass *engine)
{
	return engine->clock == NULL ? 0 : engine->clock(engine->clock_context);
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
	uint64_t from_ns = read_clock(engine);
	uint64_t to_ns;

	work->count = batch->count;
	handshake_identify(batch->ws, batch->count);
	keep_those(engine, batch, find_peer);
	handshake_authenticate(batch->ws, batch->count);
	keep_those(engine, batch, decide);
	handshake_respond(batch->ws, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		engine_send(engine, batch->peers[i], batch->ws[i]->message, batch->ws[i]->length,
		            batch->ws[i]->chain.hash, &batch->datagrams[i]->from, false);
		batch->datagrams[i]->verdict = ROSENPASS_ANSWERED;
		if (batch->in_budget[i] && is_first_for_long(engine, batch->peers[i]))
			work->peers++;
	}
	to_ns = read_clock(engine);
	work->spent_ns = to_ns > from_ns ? to_ns - from_ns : 0;
}

void respond_init_hellos(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count)
{
	struct batch batch = { 0 };
	struct budget_work work = { 0 };

	budget_advance(&engine->budget, read_clock(engine));
	for (size_t i = 0; i < count; i++) {
		struct handshake_response *w = &engine->work.responses[batch.count];

		if (datagrams[i].verdict == ROSENPASS_DROPPED_SIZE ||
		    datagrams[i].data[0] != MESSAGE_INIT_HELLO ||
		    !admit(engine, &datagrams[i], w, &batch.in_budget[batch.count]))
			continue;
		batch.ws[batch.count] = w;
		batch.datagrams[batch.count++] = &datagrams[i];
	}
	work_through(engine, &batch, &work);
	budget_charge(&engine->budget, &work, read_clock(engine));
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
	struct own_handshake *own = &peer->own;
	bool crossed = own->state == ROSENPASS_STATE_INIT_CONF ||
	               peer->biscuit_used <= peer->biscuit_confirmed ||
	               engine->now_ns < peer->unconfirmed_until_ns;

	chain_extract(chain, osk, peer->osk_label[chain->hash]);
	chain_extract(chain, txkr, labels[chain->hash][LABEL_RES_ENC]);
	if (own->state != ROSENPASS_STATE_IDLE)
		peers_abort_handshake(engine, peer);
	peer->trying_since_ns = engine->now_ns;
	peer->unanswered = 0;
	engine_report_key(engine, peer, osk, ROSENPASS_RESPONDER, dialect, engine->now_ns);
	peer->unconfirmed_until_ns = 0;
	if (crossed)
		peer->renewal_ns =
			engine->now_ns +
			(is_greater(engine, peer, KEYED_HASH_BLAKE2B) ? SETTLE_GREATER_NS : SETTLE_LESSER_NS);
	(void)endpoint_authenticated(engine, peer, from, peer->answered_conf);

	memset(peer->answer, 0, sizeof peer->answer);
	messages_set_type(peer->answer, MESSAGE_EMPTY_DATA);
	if (messages_empty_data(&out, peer->answer, sizeof peer->answer) == 0) {
		/* The counter is that of the session, which begins here: 0. */
		memcpy(out.sid, sidi, MESSAGE_SID_BYTES);
		handshake_seal_empty_data(&out, txkr);
	}
	engine_send(engine, peer, peer->answer, sizeof peer->answer, chain->hash, from, false);
	ct_wipe(osk, sizeof osk);
	ct_wipe(txkr, sizeof txkr);
}

void respond_init_conf(struct rosenpass *engine, struct rosenpass_datagram *datagram)
{
	uint8_t message[MESSAGE_INIT_CONF_BYTES];
	uint8_t ad[KEYED_HASH_OUT_BYTES];
	uint8_t identity[KEYED_HASH_OUT_BYTES];
	struct biscuit biscuit = { 0 };
	struct chain chain = { 0 };
	struct init_conf in;
	struct peer *peer;
	enum rosenpass_dialect dialect;
	enum keyed_hash hash;
	int found = engine_mac_hash(engine, datagram->data, datagram->length, ROSENPASS_DIALECTS_ALL);

	datagram->verdict = ROSENPASS_DROPPED_MAC;
	if (found < 0)
		return;
	hash = (enum keyed_hash)found;
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
	peer = peers_by_id(engine, hash, biscuit.pidi);
	if (peer == NULL)
		goto done;
	datagram->verdict = ROSENPASS_DROPPED_DIALECT;
	dialect = (enum rosenpass_dialect)biscuit.number[NUMBER_DIALECT];
	if ((peer->dialects & ROSENPASS_DIALECT_BIT(dialect)) == 0)
		goto done;

	engine_identity(engine, identity, message, sizeof message);
	if (peer->answered && ct_is_set(ct_equal(identity, peer->answered_conf, sizeof identity))) {
		(void)endpoint_repeated(engine, peer, &datagram->from, identity);
		engine_send(engine, peer, peer->answer, sizeof peer->answer, hash, &datagram->from, true);
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
	if (goes_before_conf(engine, peer, hash))
		goto done;
	peer->biscuit_used = decode_counter(biscuit.number);
	memcpy(peer->answered_conf, identity, sizeof identity);
	peer->answered = true;
	enter_live(engine, peer, &chain, dialect, in.sidi, &datagram->from);
	peers_schedule(engine, peer);
	datagram->verdict = ROSENPASS_EXCHANGED;
done:
	ct_wipe(&biscuit, sizeof biscuit);
	ct_wipe(&chain, sizeof chain);
	ct_wipe(identity, sizeof identity);
}
