#include "monitor/peer_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* The engine process reports an old key after 180 s. If it does not, the key is taken out of use here. */
#define STALE_NS (190 * CLOCK_SECOND_NS)
/* Moves of a peer that are logged: this many at once, and one more after each interval. */
#define MOVES_BURST 4
#define MOVES_EVERY_NS (3600 * CLOCK_SECOND_NS)

/* --- keys ----------------------------------------------------------------------------------------- */

/* key NULL: a random one. */
static void put_key(struct peer *peer, const uint8_t *key, const char *reason)
{
	struct key_origin origin = peer->origin;

	origin.reason = reason;
	if (delivery_put(peer->delivery, key, &origin) == 0)
		peer->origin.reason = reason;
}

static void take_key(struct peer *peer, const struct channel_key *key)
{
	const char *what = peer->report.ever != 0 ? "exchanged another key" : "exchanged a key";
	enum rosenpass_role role = (enum rosenpass_role)key->role;
	char again[PEER_RETURN_BYTES];
	bool is_back = peer->env->events->answers(peer->env->owner, peer, role, again);

	/* Log the first key and recoveries at info, renewals every two minutes at debug level. */
	log_write(is_back || peer->is_failing || peer->report.ever == 0 ? LOG_INFO : LOG_DEBUG,
	          "%s: %s%s%s (%s, %s)", peer->label, is_back ? again : "", is_back ? "; " : "", what,
	          rosenpass_dialect_name((enum rosenpass_dialect)key->dialect),
	          key->role == ROSENPASS_INITIATOR ? "initiator" : "responder");
	peer->report.ever = 1;
	peer->is_failing = false;
	peer->origin.role = role;
	peer->origin.dialect = (enum rosenpass_dialect)key->dialect;
	peer_set_timer(peer, PEER_TIMER_STALE, peer_now_ns(peer) + STALE_NS);
	put_key(peer, key->key, "exchanged");
}

void peer_become_stale(void *owner)
{
	struct peer *peer = owner;

	peer_set_timer(peer, PEER_TIMER_STALE, LOOP_NEVER);
	/* The engine process and our own clock may both say so. */
	if (peer->origin.reason != NULL && !peer_has_exchanged_key(peer))
		return;
	log_warn("%s: the key is too old and was erased; a random one takes its place", peer->label);
	(void)snprintf(peer->last_error, sizeof peer->last_error, "its key became too old");
	peer->is_failing = true;
	hostname_recheck(peer->hostname);
	put_key(peer, NULL, "stale");
}

void peer_randomize(struct peer *peer)
{
	/* A peer that is leaving has got a random key already, and so has one whose key was too old. */
	if (peer->is_leaving || !peer_has_exchanged_key(peer))
		return;
	peer_set_timer(peer, PEER_TIMER_STALE, LOOP_NEVER);
	put_key(peer, NULL, "stale");
}

void peer_drop_held(struct peer *peer)
{
	secret_memory_release(NULL, peer->held_key, ROSENPASS_KEY_BYTES);
	peer->held_key = NULL;
	peer_set_timer(peer, PEER_TIMER_HELD, LOOP_NEVER);
}

/* Keeps a key for later. Returns false if there is no memory for that. */
static bool hold_key(struct peer *peer, const struct channel_key *key)
{
	if (peer->held_key == NULL)
		peer->held_key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
	if (peer->held_key == NULL)
		return false;
	memcpy(peer->held_key, key->key, ROSENPASS_KEY_BYTES);
	peer->held_role = key->role;
	peer->held_dialect = key->dialect;
	peer_set_timer(peer, PEER_TIMER_HELD, event_limit_next_ns(&peer->limits.key));
	return true;
}

void peer_take_held(void *owner)
{
	struct peer *peer = owner;
	struct channel_key key = { .role = peer->held_role, .dialect = peer->held_dialect };
	uint32_t left_out;

	(void)event_limit_take(&peer->limits.key, peer_now_ns(peer));
	left_out = event_limit_left_out(&peer->limits.key);
	if (left_out > 1)
		log_warn("%s: the engine process has told of %u keys too quickly; the last one is used",
		         peer->label, left_out);
	memcpy(key.key, peer->held_key, sizeof key.key);
	peer_drop_held(peer);
	take_key(peer, &key);
	sodium_memzero(&key, sizeof key);
}

/* --- what the engine process reports -------------------------------------------------------------- */

/* Whether one more event of that kind may be acted upon. Logs how many could not since the last time. */
static bool may_take(const struct peer *peer, struct event_limit *limit, const char *what)
{
	uint32_t left_out;

	if (!event_limit_take(limit, peer_now_ns(peer)))
		return false;
	left_out = event_limit_left_out(limit);
	if (left_out > 0)
		log_warn("%s: the engine process has said %u times too often that %s", peer->label, left_out,
		         what);
	return true;
}

void peer_on_key(struct peer *peer, const struct channel_key *key)
{
	if (!event_limit_take(&peer->limits.key, peer_now_ns(peer)) && hold_key(peer, key))
		return;
	peer_drop_held(peer);
	take_key(peer, key);
}

void peer_on_stale(struct peer *peer, const struct channel_key *key)
{
	peer_drop_held(peer);
	peer->origin.role = (enum rosenpass_role)key->role;
	peer->origin.dialect = (enum rosenpass_dialect)key->dialect;
	peer_become_stale(peer);
}

/*
 * Logs where the peer is. A peer behind an address translator may come from another port at each handshake,
 * every two minutes.
 */
static void log_moved(struct peer *peer)
{
	uint64_t now_ns = peer_now_ns(peer);
	bool is_news = peer->moves_full_ns <= now_ns + (MOVES_BURST - 1) * MOVES_EVERY_NS;
	char address[ADDRESS_TEXT_BYTES];
	char more[64] = "";

	address_format(address, &peer->last);
	if (is_news && peer->moves_not_logged > 0)
		(void)snprintf(more, sizeof more, "; it has moved %u times more since that was last logged",
		               peer->moves_not_logged);
	log_write(is_news ? LOG_INFO : LOG_DEBUG, "%s: is at %s%s", peer->label, address, more);
	if (is_news)
		peer->moves_full_ns =
			(peer->moves_full_ns > now_ns ? peer->moves_full_ns : now_ns) + MOVES_EVERY_NS;
	peer->moves_not_logged = is_news ? 0 : peer->moves_not_logged + 1;
}

void peer_on_moved(struct peer *peer, const union address_socket *address)
{
	if (peer->last.any.sa_family != AF_UNSPEC && address_equal(&peer->last, address))
		return;
	peer->last = *address;
	peer_memory_note(peer->env->memory, &peer->remembered, address, NULL);
	if (may_take(peer, &peer->limits.moved, "it has moved"))
		log_moved(peer);
}

void peer_note_wireguard(struct peer *peer, const union address_socket *endpoint)
{
	peer_memory_note(peer->env->memory, &peer->remembered, NULL, endpoint);
}

void peer_on_unanswered(struct peer *peer)
{
	if (!may_take(peer, &peer->limits.unanswered, "it does not answer"))
		return;
	/* Once, until the peer is back. */
	log_write(peer->is_failing || peer->silence.is_logged ? LOG_DEBUG : LOG_INFO,
	          "%s: no answer; trying on", peer->label);
	(void)snprintf(peer->last_error, sizeof peer->last_error, "it did not answer");
	peer->is_failing = true;
	hostname_recheck(peer->hostname);
}

void peer_on_silence(struct peer *peer, const struct channel_silence *silence)
{
	if (may_take(peer, &peer->limits.silence, "it is silent"))
		peer->env->events->silent(peer->env->owner, peer, silence);
}

void peer_on_failed(struct peer *peer, int error)
{
	if (!may_take(peer, &peer->limits.failed, "it cannot take it"))
		return;
	log_error("%s: the engine process cannot take it: %s; trying again", peer->label,
	          rosenpass_error_name(error));
	(void)snprintf(peer->last_error, sizeof peer->last_error, "%s", rosenpass_error_name(error));
	peer_announce_later(peer);
}

void peer_on_report(struct peer *peer, const struct channel_peer_report *report)
{
	peer->report = *report;
	peer->has_report = true;
}
