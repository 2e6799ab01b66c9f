#include "protocol/initiate.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/endpoint.h"
#include "protocol/outbox.h"
#include "protocol/peer_table.h"

/* Until the next transmission, at most; half as long at least. */
#define FIRST_DELAY_NS (ENGINE_SECOND_NS / 2)
#define LONGEST_DELAY_NS (10 * ENGINE_SECOND_NS)
/*
 * A peer without an endpoint for us cannot call when it starts, and nothing tells us that it has started. In
 * the first minute without an answer an InitHello is therefore sent at most this long after the last one.
 * After that minute the delay grows by 1 s in 8 s.
 */
#define STEADY_DELAY_NS (3 * ENGINE_SECOND_NS / 4)
#define STEADY_NS (60 * ENGINE_SECOND_NS)
#define STEADY_GROWTH 8
/*
 * All peers together get so many transmissions that come sooner than a doubling delay allows: steady
 * retries of 50 peers, or 125 kB/s. A hub does not flood the network with calls to thousands of absent peers.
 */
#define EARLY_INTERVAL_NS (ENGINE_SECOND_NS / 100)
#define EARLY_BURST 100
/*
 * A peer that has not answered for ENGINE_HANDSHAKE_NS is asked this often: 1.25
 * InitHellos in 45 s are 2.6 MB a day, and it is back within 50 s.
 */
#define ABSENT_DELAY_NS (45 * ENGINE_SECOND_NS)
/* A transmission that comes so late was held up by a suspend; the peer may well be there. */
#define LATE_NS (30 * ENGINE_SECOND_NS)
/* So often, a peer whose dialect is known is asked in another one too: it may have been replaced. */
#define EXTRA_DIALECT_EVERY 4
#define SID_DRAWS_MAX 8

static uint32_t count_dialects(uint32_t dialects)
{
	uint32_t count = 0;

	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++)
		count += dialects >> i & 1;
	return count;
}

/* The n-th of the dialects, round and round. */
static enum rosenpass_dialect pick_dialect(uint32_t dialects, uint32_t n)
{
	n %= count_dialects(dialects);
	for (int i = 0;; i++) {
		if ((dialects >> i & 1) == 0)
			continue;
		if (n-- == 0)
			return (enum rosenpass_dialect)i;
	}
}

/* The dialect that worked last, as a bit; 0 when there is none that is still allowed. */
static uint32_t known_dialect(const struct peer *peer)
{
	return peer->ever ? ROSENPASS_DIALECT_BIT(peer->dialect) & peer->dialects : 0;
}

static enum rosenpass_dialect choose_dialect(const struct peer *peer, bool fresh)
{
	uint32_t known = known_dialect(peer);

	if (known == 0)
		return pick_dialect(peer->dialects, peer->unanswered);
	if (!fresh && peer->own.extra_dialect)
		return pick_dialect(peer->dialects & ~known, peer->unanswered / EXTRA_DIALECT_EVERY);
	return peer->dialect;
}

/* u in [0, 1) in 32-bit steps; without random bytes the middle will do. */
static uint64_t jitter(struct rosenpass *engine, uint64_t range_ns)
{
	uint32_t u;

	if (random_bytes(&engine->random, (uint8_t *)&u, sizeof u) != 0)
		return range_ns / 2;
	ct_declassify(&u, sizeof u);
	return (range_ns >> 32) * u + ((range_ns & UINT32_MAX) * u >> 32);
}

/* Takes one of the early transmissions. Returns false if they are used up at present. */
static bool take_early(struct rosenpass *engine)
{
	if (engine->early_until_ns < engine->now_ns)
		engine->early_until_ns = engine->now_ns;
	if (engine->early_until_ns - engine->now_ns > (EARLY_BURST - 1) * EARLY_INTERVAL_NS)
		return false;
	engine->early_until_ns += EARLY_INTERVAL_NS;
	return true;
}

/* Returns the longest delay of an InitHello to a peer that has been tried for that long. */
static uint64_t steady_delay(uint64_t tried_ns)
{
	return STEADY_DELAY_NS + (tried_ns > STEADY_NS ? (tried_ns - STEADY_NS) / STEADY_GROWTH : 0);
}

/* Returns the time until the next transmission. */
static uint64_t delay_after(struct rosenpass *engine, const struct peer *peer)
{
	uint64_t tried_ns = engine->now_ns - peer->trying_since_ns;
	uint32_t before = peer->unanswered - 1;
	uint64_t delay = LONGEST_DELAY_NS;

	if (tried_ns >= ENGINE_HANDSHAKE_NS)
		return ABSENT_DELAY_NS / 10 * 9 + jitter(engine, ABSENT_DELAY_NS / 5);
	if (before < 5)
		delay = FIRST_DELAY_NS << before;
	/* InitConf goes to a peer that has just answered: only a lost datagram has to be made good. */
	if (peer->own.state == ROSENPASS_STATE_INIT_HELLO && steady_delay(tried_ns) < delay &&
	    take_early(engine))
		delay = steady_delay(tried_ns);
	return delay / 2 + jitter(engine, delay / 2);
}

void initiate_send(struct rosenpass *engine, struct peer *peer)
{
	struct own_handshake *own = &peer->own;
	bool was_extra = own->extra_dialect;

	endpoint_send(engine, peer, own->message, own->length, messages_dialect_hash(own->dialect),
	              own->sent);
	own->sent = true;
	own->cookie_resend = true;
	own->extra_dialect = false;
	if (!was_extra) {
		uint32_t known = known_dialect(peer);

		peer->unanswered++;
		own->extra_dialect = own->state == ROSENPASS_STATE_INIT_HELLO && known != 0 &&
		                     (peer->dialects & ~known) != 0 &&
		                     peer->unanswered % EXTRA_DIALECT_EVERY == 0;
	}
	own->next_send_ns = engine->now_ns;
	if (!own->extra_dialect)
		own->next_send_ns += delay_after(engine, peer);
}

/* One InitHello that is being built. */
struct job {
	struct peer *peer;
	bool fresh; /* begins a handshake: new session id, new ephemeral key */
};

static bool sid_is_free(const struct rosenpass *engine, const struct handshake_initiation *w, size_t index)
{
	if (peer_table_by_sid(engine, w->fields.sidi) != NULL)
		return false;
	for (size_t i = 0; i < index; i++) {
		if (ct_is_set(ct_equal(engine->work.initiations[i].fields.sidi, w->fields.sidi,
		                       MESSAGE_SID_BYTES)))
			return false;
	}
	return true;
}

static int draw_sid(struct rosenpass *engine, struct handshake_initiation *w, size_t index)
{
	for (int i = 0; i < SID_DRAWS_MAX; i++) {
		if (random_bytes(&engine->random, w->fields.sidi, MESSAGE_SID_BYTES) != 0)
			return -1;
		ct_declassify(w->fields.sidi, MESSAGE_SID_BYTES);
		if (sid_is_free(engine, w, index))
			return 0;
	}
	return -1;
}

/* Fills the index-th work item with all that is drawn. -1: no random bytes; the peer is as before. */
static int prepare(struct rosenpass *engine, const struct job *job, size_t index)
{
	struct handshake_initiation *w = &engine->work.initiations[index];
	struct own_handshake *own = &job->peer->own;

	w->dialect = choose_dialect(job->peer, job->fresh);
	w->own = &engine->own;
	w->peer = &job->peer->key;
	w->psk = job->peer->psk;
	handshake_initiation_prepare(w);
	/* Computed now, since a step may run on another thread. */
	(void)public_key_fact(w->peer, messages_dialect_hash(w->dialect), PUBLIC_KEY_CK_INIT);
	if (job->fresh) {
		if (draw_sid(engine, w, index) != 0 ||
		    handshake_initiation_draw_ephemeral(w, &engine->random) != 0)
			return -1;
	} else {
		struct init_hello last;

		if (messages_init_hello(&last, own->dialect, own->message, own->length) != 0)
			return -1;
		memcpy(w->fields.sidi, last.sidi, MESSAGE_SID_BYTES);
		memcpy(w->fields.epki, last.epki, KYBER512_PUBLIC_KEY_BYTES);
	}
	return handshake_initiation_draw_static(w, &engine->random);
}

/* Reports the key of our own handshake before EmptyData, unless that was done or it is outdated. */
static void report_unconfirmed(struct rosenpass *engine, struct peer *peer)
{
	struct own_handshake *own = &peer->own;

	if (own->reported || engine->now_ns >= own->established_ns + ENGINE_STALE_NS)
		return;
	outbox_key(engine, peer, own->osk, ROSENPASS_INITIATOR, own->dialect, own->established_ns, false);
	own->reported = true;
}

static void start_handshake(struct rosenpass *engine, struct peer *peer, const struct handshake_initiation *w)
{
	struct own_handshake *own = &peer->own;

	if (own->state == ROSENPASS_STATE_INIT_CONF) {
		report_unconfirmed(engine, peer);
		peer->unconfirmed_until_ns = engine->now_ns + ENGINE_UNCONFIRMED_NS;
	}
	if (own->state == ROSENPASS_STATE_INIT_HELLO) {
		outbox_timeout(engine, peer);
	} else {
		peer->trying_since_ns = engine->now_ns;
		peer->unanswered = 0;
	}
	peer_table_abort_handshake(engine, peer);
	own->state = ROSENPASS_STATE_INIT_HELLO;
	own->started_ns = engine->now_ns;
	own->report_ns = ROSENPASS_NEVER;
	memcpy(own->sidi, w->fields.sidi, sizeof own->sidi);
	memcpy(own->ephemeral_seed, w->ephemeral_seed, sizeof own->ephemeral_seed);
	peer_table_list_sid(engine, peer);
}

static void commit(struct rosenpass *engine, const struct job *job, const struct handshake_initiation *w)
{
	struct own_handshake *own = &job->peer->own;

	if (job->fresh)
		start_handshake(engine, job->peer, w);
	own->dialect = w->dialect;
	own->tried |= ROSENPASS_DIALECT_BIT(w->dialect);
	memcpy(own->ck[w->dialect], w->chain.ck, CHAIN_BYTES);
	memcpy(own->message, w->message, w->length);
	own->length = w->length;
	initiate_send(engine, job->peer);
}

static void initiate(void *ws, size_t first, size_t count)
{
	handshake_initiate((struct handshake_initiation **)ws + first, count);
}

static void build_and_send(struct rosenpass *engine, const struct job *jobs, size_t count)
{
	struct handshake_initiation *ws[HANDSHAKE_BATCH_MAX] = { NULL };
	struct job drawn[HANDSHAKE_BATCH_MAX];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		struct peer *peer = jobs[i].peer;

		if (prepare(engine, &jobs[i], used) != 0) {
			if (peer->own.state == ROSENPASS_STATE_INIT_HELLO)
				peer->own.next_send_ns = engine->now_ns + ENGINE_RETRY_NS;
			else
				peer->renewal_ns = engine->now_ns + ENGINE_RETRY_NS;
			continue;
		}
		ws[used] = &engine->work.initiations[used];
		drawn[used++] = jobs[i];
	}
	workers_run(&engine->workers, initiate, ws, used);
	for (size_t i = 0; i < used; i++)
		commit(engine, &drawn[i], ws[i]);
	ct_wipe(&engine->work.initiations, sizeof engine->work.initiations[0] * count);
	for (size_t i = 0; i < count; i++)
		peer_table_schedule(engine, jobs[i].peer);
}

static void expire_keys(struct rosenpass *engine, struct peer *peer)
{
	struct own_handshake *own = &peer->own;

	if (peer->has_key && engine->now_ns >= peer->key_since_ns + ENGINE_STALE_NS) {
		outbox_stale(engine, peer);
		/* Where the peer was it does not answer; the caller may know other places. */
		if (peer->discover)
			endpoint_lose(peer);
	}
	if (own->state == ROSENPASS_STATE_INIT_CONF && engine->now_ns >= own->report_ns) {
		own->report_ns = ROSENPASS_NEVER;
		report_unconfirmed(engine, peer);
	}
	/* Whether or not it can be sent: its secrets do not outlive the key. */
	if (own->state == ROSENPASS_STATE_INIT_CONF &&
	    engine->now_ns >= own->established_ns + ENGINE_STALE_NS)
		peer_table_abort_handshake(engine, peer);
	if (own->state == ROSENPASS_STATE_INIT_HELLO && !endpoint_can_reach(peer) &&
	    engine->now_ns >= own->started_ns + ENGINE_HANDSHAKE_NS) {
		peer_table_abort_handshake(engine, peer);
		peer->renewal_ns = engine->now_ns;
	}
}

/* Does what needs no building. true: an InitHello is to be built, as *fresh says. */
static bool expire_handshake(struct rosenpass *engine, struct peer *peer, bool *fresh)
{
	struct own_handshake *own = &peer->own;

	*fresh = true;
	if (endpoint_can_reach(peer) && own->state != ROSENPASS_STATE_INIT_HELLO &&
	    engine->now_ns >= peer->renewal_ns)
		return true;
	if (own->state == ROSENPASS_STATE_IDLE || !endpoint_has_way(peer) ||
	    engine->now_ns < own->next_send_ns)
		return false;
	if (engine->now_ns - own->next_send_ns >= LATE_NS) {
		peer->trying_since_ns = engine->now_ns;
		peer->unanswered = 0;
		own->extra_dialect = false;
	}
	if (own->state == ROSENPASS_STATE_INIT_HELLO) {
		if (engine->now_ns - own->started_ns >= ENGINE_HANDSHAKE_NS)
			return true;
		*fresh = false;
		if (choose_dialect(peer, false) != own->dialect)
			return true;
	}
	initiate_send(engine, peer);
	return false;
}

void initiate_expire(struct rosenpass *engine)
{
	const size_t most = workers_slice(&engine->workers);
	struct job jobs[HANDSHAKE_BATCH_MAX];
	size_t count = 0;
	size_t reserved = 0; /* outputs that the jobs will need */

	while (count < most) {
		struct peer *peer = peer_table_due(engine);
		size_t needed;

		if (peer == NULL)
			break;
		needed = ENGINE_DUE_EVENTS_MAX + endpoint_ways(peer);
		if (outputs_room(&engine->outputs) < reserved + needed)
			break;
		expire_keys(engine, peer);
		jobs[count].peer = peer;
		if (expire_handshake(engine, peer, &jobs[count].fresh)) {
			peer_table_unschedule(engine, peer);
			reserved += needed;
			count++;
		} else {
			peer_table_schedule(engine, peer);
		}
	}
	build_and_send(engine, jobs, count);
}
