#include "daemon/monitor_parts.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/secret_memory.h"

/* The engine process says so after 180 s. Should it not, the key is taken out of use all the same. */
#define STALE_NS (190 * CLOCK_SECOND_NS)
/* Moves of a peer that are logged: this many at once, and one more after each interval. */
#define MOVES_BURST 4
#define MOVES_EVERY_NS (3600 * CLOCK_SECOND_NS)
#define ANNOUNCE_FIRST_NS (5 * CLOCK_SECOND_NS)
#define ANNOUNCE_MOST_NS (300 * CLOCK_SECOND_NS)

static void take_key(struct monitor *monitor, struct monitor_peer *peer, const struct channel_key *key,
                     uint64_t now_ns)
{
	const char *words = peer->report.ever != 0 ? "exchanged another key" : "exchanged a key";
	char again[EXPLAIN_BYTES];
	bool is_back = monitor_silence_ends(monitor, peer, (enum rosenpass_role)key->role, now_ns, again);
	bool is_first = peer->reason == NULL || strcmp(peer->reason, "exchanged") != 0;

	/* Log the first key and recoveries at info, renewals every two minutes at debug level. */
	log_write(is_back || peer->troubled || peer->report.ever == 0 ? LOG_INFO : LOG_DEBUG,
	          "%s: %s%s%s (%s, %s)", peer->label, is_back ? again : "", is_back ? "; " : "", words,
	          rosenpass_dialect_name((enum rosenpass_dialect)key->dialect),
	          key->role == ROSENPASS_INITIATOR ? "initiator" : "responder");
	peer->report.ever = 1;
	peer->troubled = false;
	peer->role = key->role;
	peer->dialect = key->dialect;
	peer->stale_ns = now_ns + STALE_NS;
	monitor_delivery_start(peer, key->key, "exchanged");
	monitor_tunnel_key(peer, is_first, now_ns);
}

void monitor_events_stale(struct monitor_peer *peer)
{
	peer->stale_ns = MONITOR_NEVER;
	/* The engine process and our own clock may both say so. */
	if (peer->reason != NULL && strcmp(peer->reason, "stale") == 0)
		return;
	log_warn("%s: the key is too old and was erased; a random one takes its place", peer->label);
	(void)snprintf(peer->last_error, sizeof peer->last_error, "its key became too old");
	peer->troubled = true;
	monitor_names_ask_again(peer);
	monitor_delivery_start(peer, NULL, "stale");
}

/*
 * Logs where the peer is. A peer behind an address translator may come from another port at each handshake,
 * every two minutes.
 */
static void say_moved(struct monitor_peer *peer, const char *address, uint64_t now_ns)
{
	bool is_news = peer->moves_full_ns <= now_ns + (MOVES_BURST - 1) * MOVES_EVERY_NS;
	char more[64] = "";

	if (is_news && peer->moves_unsaid > 0)
		(void)snprintf(more, sizeof more, "; it has moved %u times more since that was last logged",
		               peer->moves_unsaid);
	log_write(is_news ? LOG_INFO : LOG_DEBUG, "%s: is at %s%s", peer->label, address, more);
	if (is_news)
		peer->moves_full_ns =
			(peer->moves_full_ns > now_ns ? peer->moves_full_ns : now_ns) + MOVES_EVERY_NS;
	peer->moves_unsaid = is_news ? 0 : peer->moves_unsaid + 1;
}

/* Whether one more event of that kind may be acted upon. Says how many could not since the last time. */
static bool may_take(const struct monitor_peer *peer, struct event_limit *limit, const char *what,
                     uint64_t now_ns)
{
	uint32_t left_out;

	if (!event_limit_take(limit, now_ns))
		return false;
	left_out = event_limit_left_out(limit);
	if (left_out > 0)
		log_warn("%s: the engine process has said %u times too often that %s", peer->label, left_out,
		         what);
	return true;
}

void monitor_events_drop_held(struct monitor_peer *peer)
{
	secret_memory_release(NULL, peer->held_key, ROSENPASS_KEY_BYTES);
	peer->held_key = NULL;
}

/* Keeps a key for later. If there is no memory, it is taken now. */
static bool hold_key(struct monitor_peer *peer, const struct channel_key *key)
{
	if (peer->held_key == NULL)
		peer->held_key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
	if (peer->held_key == NULL)
		return false;
	memcpy(peer->held_key, key->key, ROSENPASS_KEY_BYTES);
	peer->held_role = key->role;
	peer->held_dialect = key->dialect;
	return true;
}

uint64_t monitor_events_serve_held(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns)
{
	struct channel_key key;
	uint32_t left_out;

	if (peer->held_key == NULL)
		return MONITOR_NEVER;
	if (!event_limit_take(&peer->limits.key, now_ns)) {
		/* This was no event. */
		peer->limits.key.left_out--;
		return event_limit_next_ns(&peer->limits.key);
	}
	left_out = event_limit_left_out(&peer->limits.key);
	if (left_out > 1)
		log_warn("%s: the engine process has told of %u keys too quickly; the last one is used",
		         peer->label, left_out);
	key = (struct channel_key){ .role = peer->held_role, .dialect = peer->held_dialect };
	memcpy(key.key, peer->held_key, sizeof key.key);
	monitor_events_drop_held(peer);
	take_key(monitor, peer, &key, now_ns);
	sodium_memzero(&key, sizeof key);
	return MONITOR_NEVER;
}

/* --- the callbacks ------------------------------------------------------------------------------- */

/* The peer that an event of the present engine process is about; NULL: none, and the event is dropped. */
static struct monitor_peer *find(const struct monitor_engine *engine, struct peer_ref ref)
{
	/* Keys of many peers for a slow disk keep us from an answer that stands behind them. */
	notify_busy(clock_now_ns());
	if (engine != engine->monitor->engine)
		return NULL;
	/* What follows from it, as a program to be started, is due at once. */
	monitor_wake(engine->monitor);
	/* One that was removed meanwhile has nothing to say. */
	return monitor_peers_get(engine->monitor, ref.slot, ref.serial);
}

static void on_ready(void *owner, const struct channel_ready *ready)
{
	struct monitor_engine *engine = owner;

	engine->ready = *ready;
	engine->is_ready = true;
}

static void on_begun(void *owner)
{
	struct monitor_engine *engine = owner;

	engine->has_begun = true;
}

static void on_key(void *owner, struct peer_ref ref, const struct channel_key *key)
{
	const struct monitor_engine *engine = owner;
	struct monitor_peer *peer = find(engine, ref);
	uint64_t now_ns = clock_now_ns();

	if (peer == NULL)
		return;
	if (!event_limit_take(&peer->limits.key, now_ns) && hold_key(peer, key))
		return;
	monitor_events_drop_held(peer);
	take_key(engine->monitor, peer, key, now_ns);
}

static void on_stale(void *owner, struct peer_ref ref, const struct channel_key *key)
{
	const struct monitor_engine *engine = owner;
	struct monitor_peer *peer = find(engine, ref);

	if (peer == NULL)
		return;
	monitor_events_drop_held(peer);
	peer->role = key->role;
	peer->dialect = key->dialect;
	monitor_events_stale(peer);
}

static void on_moved(void *owner, struct peer_ref ref, const union address_socket *address)
{
	const struct monitor_engine *engine = owner;
	struct monitor_peer *peer = find(engine, ref);
	uint64_t now_ns = clock_now_ns();
	char text[ADDRESS_TEXT_BYTES];

	if (peer == NULL || (peer->last.any.sa_family != AF_UNSPEC && address_equal(&peer->last, address)))
		return;
	peer->last = *address;
	monitor_state_note(engine->monitor, peer, now_ns);
	if (!may_take(peer, &peer->limits.moved, "it has moved", now_ns))
		return;
	address_format(text, address);
	say_moved(peer, text, now_ns);
}

static void on_unanswered(void *owner, struct peer_ref ref)
{
	const struct monitor_engine *engine = owner;
	struct monitor_peer *peer = find(engine, ref);
	uint64_t now_ns = clock_now_ns();

	if (peer == NULL || !may_take(peer, &peer->limits.unanswered, "it does not answer", now_ns))
		return;
	/* Once, until it is back. */
	log_write(peer->troubled || peer->silence_is_said ? LOG_DEBUG : LOG_INFO, "%s: no answer; trying on",
	          peer->label);
	(void)snprintf(peer->last_error, sizeof peer->last_error, "it did not answer");
	peer->troubled = true;
	monitor_names_ask_again(peer);
}

static void on_silence(void *owner, struct peer_ref ref, const struct channel_silence *silence)
{
	const struct monitor_engine *engine = owner;
	struct monitor_peer *peer = find(engine, ref);
	uint64_t now_ns = clock_now_ns();

	if (peer != NULL && may_take(peer, &peer->limits.silence, "it is silent", now_ns))
		monitor_silence_take(engine->monitor, peer, silence, now_ns);
}

static void on_failed(void *owner, struct peer_ref ref, int error)
{
	const struct monitor_engine *engine = owner;
	struct monitor_peer *peer = find(engine, ref);
	uint64_t now_ns = clock_now_ns();

	if (peer == NULL || !may_take(peer, &peer->limits.failed, "it cannot take it", now_ns))
		return;
	log_error("%s: the engine process cannot take it: %s; trying again", peer->label,
	          rosenpass_error_name(error));
	(void)snprintf(peer->last_error, sizeof peer->last_error, "%s", rosenpass_error_name(error));
	backoff_next(&peer->announce, now_ns, ANNOUNCE_FIRST_NS, ANNOUNCE_MOST_NS);
}

static void on_rejected(void *owner, struct peer_ref ref, const struct channel_rejected *rejected)
{
	const struct monitor_engine *engine = owner;

	if (engine == engine->monitor->engine)
		monitor_silence_take_rejected(engine->monitor, ref, rejected, clock_now_ns());
}

static void on_peer_report(void *owner, struct peer_ref ref, const struct channel_peer_report *report)
{
	struct monitor_peer *peer = find(owner, ref);

	if (peer == NULL)
		return;
	peer->report = *report;
	peer->has_report = true;
}

static void on_report_end(void *owner, const struct channel_report *report)
{
	const struct monitor_engine *engine = owner;

	if (engine != engine->monitor->engine)
		return;
	engine->monitor->report = *report;
	commands_report(engine->monitor->commands);
	monitor_wake(engine->monitor);
}

static void on_alive(void *owner)
{
	(void)owner;
	notify_send("WATCHDOG=1");
}

static void on_lost(void *owner, enum engine_link_loss loss)
{
	struct monitor_engine *engine = owner;

	monitor_engine_lost(engine, loss);
	monitor_wake(engine->monitor);
}

const struct engine_link_events monitor_events = {
	.ready = on_ready,
	.begun = on_begun,
	.key = on_key,
	.stale = on_stale,
	.moved = on_moved,
	.unanswered = on_unanswered,
	.silence = on_silence,
	.failed = on_failed,
	.rejected = on_rejected,
	.peer_report = on_peer_report,
	.report_end = on_report_end,
	.alive = on_alive,
	.lost = on_lost,
};
