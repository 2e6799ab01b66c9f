#include "protocol/complete.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/endpoint.h"
#include "protocol/initiate.h"
#include "protocol/outbox.h"
#include "protocol/peer_table.h"

/*
 * A RespHello for a handshake that has one already. A copy of that one, from elsewhere, shows another address
 * where the peer may be: whoever forwarded the first copy must not be the only one to get InitConf.
 */
static enum rosenpass_verdict repeat_conf(struct rosenpass *engine, struct peer *peer,
                                          const struct rosenpass_datagram *datagram)
{
	struct own_handshake *own = &peer->own;
	uint8_t identity[KEYED_HASH_OUT_BYTES];

	inbox_identity(engine, identity, datagram->data, datagram->length);
	if (!ct_is_set(ct_equal(identity, own->accepted, sizeof identity)) ||
	    !endpoint_add_candidate(peer, &datagram->from))
		return ROSENPASS_DROPPED_SESSION;
	outbox_send(engine, peer, own->message, own->length, messages_dialect_hash(own->dialect),
	            &datagram->from, true);
	return ROSENPASS_REPEATED;
}

/*
 * Whoever sees our InitHello can make RespHellos that are found false only by the costly work. Those who
 * flood a handshake of ours are cut off before they fill the share for that, so that others find room;
 * RespHellos from where the peer is known to be, and from elsewhere, are counted apart.
 */
static struct usage_bucket *false_answers(const struct rosenpass *engine, struct peer *peer,
                                          const struct rosenpass_address *from)
{
	return &peer->own.false_answers[peer_table_is_near(engine, peer, from) ? 0 : 1];
}

static bool has_time_for_answer(struct rosenpass *engine, struct peer *peer,
                                const struct rosenpass_address *from)
{
	uint64_t usage = usage_amount(false_answers(engine, peer, from), engine->now_ns);

	return share_has_room(&engine->false_share, usage, engine->now_ns);
}

static void charge_false_answer(struct rosenpass *engine, struct peer *peer,
                                const struct rosenpass_address *from, uint64_t cost_ns)
{
	usage_amount_add(false_answers(engine, peer, from), engine->now_ns);
	share_charge(&engine->false_share, engine->clock != NULL ? cost_ns : ENGINE_HANDSHAKE_COST_NS);
}

/* Sets a work item up for a RespHello that one of our handshakes waits for; else NULL and the verdict. */
static struct peer *admit(struct rosenpass *engine, const struct inbox_message *message,
                          struct handshake_completion *w)
{
	struct rosenpass_datagram *datagram = message->datagram;
	struct peer *peer;

	datagram->verdict = ROSENPASS_DROPPED_SESSION;
	w->dialect = message->dialect;
	if (handshake_completion_prepare(w, datagram->data, datagram->length) != 0)
		return NULL;
	peer = peer_table_by_sid(engine, w->in.sidi);
	if (peer != NULL && peer->own.state == ROSENPASS_STATE_INIT_CONF) {
		datagram->verdict = repeat_conf(engine, peer, datagram);
		if (datagram->verdict == ROSENPASS_REPEATED)
			datagram->peer = peer->handle;
		return NULL;
	}
	if (peer == NULL)
		return NULL;
	datagram->verdict = ROSENPASS_DROPPED_DIALECT;
	if ((peer->own.tried & ROSENPASS_DIALECT_BIT(w->dialect)) == 0)
		return NULL;
	datagram->verdict = ROSENPASS_DROPPED_LOAD;
	if (!has_time_for_answer(engine, peer, &datagram->from))
		return NULL;
	w->own = &engine->own;
	w->own_secret_key = engine->secret_key;
	handshake_completion_make_ephemeral(w, peer->own.ephemeral_seed);
	chain_start(&w->chain, message->hash, peer->own.ck[w->dialect]);
	return peer;
}

/*
 * The responder is authenticated: InitConf goes out, the key waits for EmptyData. So does the endpoint: the
 * message says who made it, and not who has sent it from that address.
 */
static void establish(struct rosenpass *engine, struct peer *peer, const struct handshake_completion *w,
                      const struct rosenpass_datagram *datagram)
{
	struct own_handshake *own = &peer->own;
	enum keyed_hash hash = w->chain.hash;

	ct_wipe(own->ephemeral_seed, sizeof own->ephemeral_seed);
	ct_wipe(own->ck, sizeof own->ck);
	own->tried = 0;
	chain_extract(&w->chain, own->osk, peer->osk_label[hash]);
	chain_extract(&w->chain, own->txkr, labels[hash][LABEL_RES_ENC]);
	own->sent = false;
	own->state = ROSENPASS_STATE_INIT_CONF;
	own->dialect = w->dialect;
	own->extra_dialect = false;
	own->crossed = 0;
	own->established_ns = engine->now_ns;
	own->report_ns = engine->now_ns + ENGINE_REPORT_NS;
	own->biscuit_mark = engine->biscuit_counter;
	memcpy(own->message, w->message, sizeof w->message);
	own->length = sizeof w->message;
	peer->trying_since_ns = engine->now_ns;
	peer->unanswered = 0;
	peer->renewal_ns = engine->now_ns + ENGINE_RENEW_INITIATOR_NS;
	inbox_identity(engine, own->accepted, datagram->data, datagram->length);
	(void)endpoint_add_candidate(peer, &datagram->from);
	initiate_send(engine, peer);
	peer_table_schedule(engine, peer);
}

static void complete(void *ws, size_t first, size_t count)
{
	handshake_complete((struct handshake_completion **)ws + first, count);
}

static void work_off(struct rosenpass *engine, struct rosenpass_datagram *const datagrams[],
                     struct peer *const peers[], size_t count)
{
	struct handshake_completion *ws[HANDSHAKE_BATCH_MAX] = { NULL };
	uint64_t from_ns;
	uint64_t to_ns;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		ws[i] = &engine->work.completions[i];
	from_ns = state_clock_ns(engine);
	workers_run(&engine->workers, complete, ws, count);
	to_ns = state_clock_ns(engine);
	for (size_t i = 0; i < count; i++) {
		datagrams[i]->verdict = ROSENPASS_DROPPED_AUTH;
		if (ws[i]->failed != 0) {
			datagrams[i]->claimed_peer = peers[i]->handle;
			charge_false_answer(engine, peers[i], &datagrams[i]->from,
			                    to_ns > from_ns ? (to_ns - from_ns) / count : 0);
			continue;
		}
		establish(engine, peers[i], ws[i], datagrams[i]);
		datagrams[i]->verdict = ROSENPASS_ACCEPTED;
		datagrams[i]->peer = peers[i]->handle;
	}
}

static bool contains(struct peer *const peers[], size_t count, const struct peer *peer)
{
	for (size_t i = 0; i < count; i++) {
		if (peers[i] == peer)
			return true;
	}
	return false;
}

void complete_resp_hellos(struct rosenpass *engine, const struct inbox_message *messages, size_t count)
{
	struct rosenpass_datagram *waiting[HANDSHAKE_BATCH_MAX] = { NULL };
	struct peer *peers[HANDSHAKE_BATCH_MAX] = { NULL };
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		struct peer *peer = admit(engine, &messages[i], &engine->work.completions[used]);

		/* A second answer to the same handshake counts only if the first was false. */
		if (peer != NULL && contains(peers, used, peer)) {
			work_off(engine, waiting, peers, used);
			used = 0;
			peer = admit(engine, &messages[i], &engine->work.completions[0]);
		}
		if (peer == NULL)
			continue;
		waiting[used] = messages[i].datagram;
		peers[used++] = peer;
	}
	work_off(engine, waiting, peers, used);
	ct_wipe(engine->work.completions, sizeof engine->work.completions);
}

/* Remembers which session an EmptyData has ended that moved the peer: the true sender's copy may follow. */
static void remember_session(struct rosenpass *engine, const struct peer *peer,
                             const uint8_t sid[static MESSAGE_SID_BYTES])
{
	struct moved_session *session = &engine->moved_sessions[engine->moved_session_next];

	memcpy(session->sid, sid, sizeof session->sid);
	session->peer = peer->handle;
	engine->moved_session_next = (engine->moved_session_next + 1) % ENGINE_MOVED_SESSIONS;
}

/* An EmptyData of no session in progress: a copy of what has just moved a peer may move it back. */
static void repeat_empty_data(struct rosenpass *engine, struct rosenpass_datagram *datagram,
                              const uint8_t sid[static MESSAGE_SID_BYTES])
{
	uint8_t identity[KEYED_HASH_OUT_BYTES];

	for (size_t i = 0; i < ENGINE_MOVED_SESSIONS; i++) {
		const struct moved_session *session = &engine->moved_sessions[i];
		struct peer *peer = peer_table_by_handle(engine, session->peer);

		if (peer == NULL || memcmp(session->sid, sid, sizeof session->sid) != 0)
			continue;
		inbox_identity(engine, identity, datagram->data, datagram->length);
		if (!endpoint_repeated(engine, peer, &datagram->from, identity))
			continue;
		datagram->verdict = ROSENPASS_REPEATED;
		datagram->peer = peer->handle;
	}
}

void complete_empty_data(struct rosenpass *engine, const struct inbox_message *received)
{
	struct rosenpass_datagram *datagram = received->datagram;
	uint8_t message[MESSAGE_EMPTY_DATA_BYTES];
	uint8_t identity[KEYED_HASH_OUT_BYTES];
	struct empty_data in;
	struct peer *peer;
	struct own_handshake *own;

	datagram->verdict = ROSENPASS_DROPPED_SESSION;
	memcpy(message, datagram->data, sizeof message);
	if (messages_empty_data(&in, message, sizeof message) != 0)
		return;
	peer = peer_table_by_sid(engine, in.sid);
	if (peer == NULL)
		repeat_empty_data(engine, datagram, in.sid);
	if (peer == NULL || peer->own.state != ROSENPASS_STATE_INIT_CONF ||
	    engine->now_ns >= peer->own.established_ns + ENGINE_STALE_NS)
		return;
	own = &peer->own;
	datagram->verdict = ROSENPASS_DROPPED_AUTH;
	if (messages_dialect_hash(own->dialect) != received->hash ||
	    handshake_open_empty_data(&in, own->txkr) != 0)
		return;
	/*
	 * The responder took our InitConf after every InitConf of its own that answers a
	 * biscuit older than our RespHello: such a one, still on its way, comes too late.
	 */
	if (peer->biscuit_used < own->biscuit_mark)
		peer->biscuit_used = own->biscuit_mark;
	peer->biscuit_confirmed = engine->biscuit_counter;
	peer->unconfirmed_until_ns = 0;
	if (own->reported)
		outbox_confirmed(engine, peer);
	else
		outbox_key(engine, peer, own->osk, ROSENPASS_INITIATOR, own->dialect, own->established_ns,
		           true);
	peer->trying_since_ns = engine->now_ns;
	peer->unanswered = 0;
	inbox_identity(engine, identity, message, sizeof message);
	if (endpoint_authenticated(engine, peer, &datagram->from, identity))
		remember_session(engine, peer, in.sid);
	peer_table_abort_handshake(engine, peer);
	peer_table_schedule(engine, peer);
	datagram->verdict = ROSENPASS_CONFIRMED;
	datagram->peer = peer->handle;
}

void complete_cookie_reply(struct rosenpass *engine, const struct inbox_message *received)
{
	struct rosenpass_datagram *datagram = received->datagram;
	uint8_t message[MESSAGE_COOKIE_REPLY_MIN_BYTES];
	uint8_t value[COOKIE_VALUE_BYTES] = { 0 };
	struct cookie_reply in;
	struct peer *peer;
	struct own_handshake *own;

	datagram->verdict = ROSENPASS_DROPPED_SESSION;
	memcpy(message, datagram->data, sizeof message);
	if (messages_cookie_reply(&in, message, sizeof message) != 0)
		return;
	peer = peer_table_by_sid(engine, in.sid);
	if (peer == NULL || peer->own.state != ROSENPASS_STATE_INIT_HELLO)
		return;
	own = &peer->own;
	datagram->verdict = ROSENPASS_DROPPED_AUTH;
	if (cookie_reply_open(value, public_key_fact(&peer->key, KEYED_HASH_SHAKE256, PUBLIC_KEY_COOKIE_KEY),
	                      in.sealed, own->message + messages_mac_offset(own->length)) != 0)
		return;
	memcpy(peer->cookie, value, sizeof peer->cookie);
	peer->has_cookie = true;
	peer->cookie_since_ns = engine->now_ns;
	if (own->cookie_resend && endpoint_can_reach(peer)) {
		own->cookie_resend = false;
		outbox_send(engine, peer, own->message, own->length, messages_dialect_hash(own->dialect),
		            &peer->endpoint, true);
	}
	datagram->verdict = ROSENPASS_COOKIE_TAKEN;
	datagram->peer = peer->handle;
	ct_wipe(value, sizeof value);
}
