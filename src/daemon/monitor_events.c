#include "daemon/monitor_parts.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"

/* So many at a time; then others have their turn. */
#define EVENTS_A_TURN 256
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

static void take_moved(struct monitor *monitor, struct monitor_peer *peer,
                       const union address_socket *address, uint64_t now_ns)
{
	char text[ADDRESS_TEXT_BYTES];

	if (peer->last.any.sa_family != AF_UNSPEC && address_equal(&peer->last, address))
		return;
	peer->last = *address;
	monitor_state_note(monitor, peer, now_ns);
	address_format(text, address);
	say_moved(peer, text, now_ns);
}

static void take_failed(struct monitor_peer *peer, int error, uint64_t now_ns)
{
	log_error("%s: the engine process cannot take it: %s; trying again", peer->label,
	          rosenpass_error_name(error));
	(void)snprintf(peer->last_error, sizeof peer->last_error, "%s", rosenpass_error_name(error));
	backoff_next(&peer->announce, now_ns, ANNOUNCE_FIRST_NS, ANNOUNCE_MOST_NS);
}

static void take_peer_event(struct monitor *monitor, struct monitor_peer *peer,
                            const struct channel_event *event)
{
	uint64_t now_ns = clock_now_ns();

	switch (event->kind) {
	case CHANNEL_KEY:
		take_key(monitor, peer, &event->key, now_ns);
		break;
	case CHANNEL_STALE:
		peer->role = event->key.role;
		peer->dialect = event->key.dialect;
		monitor_events_stale(peer);
		break;
	case CHANNEL_MOVED:
		take_moved(monitor, peer, &event->moved, now_ns);
		break;
	case CHANNEL_TIMED_OUT:
		/* Once, until it is back. */
		log_write(peer->troubled || peer->silence_is_said ? LOG_DEBUG : LOG_INFO,
		          "%s: no answer; trying on", peer->label);
		(void)snprintf(peer->last_error, sizeof peer->last_error, "it did not answer");
		peer->troubled = true;
		monitor_names_ask_again(peer);
		break;
	case CHANNEL_SILENCE:
		monitor_silence_take(monitor, peer, &event->silence, now_ns);
		break;
	case CHANNEL_PEER_FAILED:
		take_failed(peer, event->error, now_ns);
		break;
	default:
		peer->report = event->peer;
		peer->has_report = true;
		break;
	}
}

static void take_event(struct monitor *monitor, const struct channel_event *event)
{
	struct monitor_peer *peer;

	/* Keys of many peers for a slow disk keep us from an answer that stands behind them. */
	notify_busy(clock_now_ns());
	switch (event->kind) {
	case CHANNEL_READY:
		/* Once; later on it could be anybody who says so. */
		if (!monitor->is_ready)
			monitor->ready = event->ready;
		monitor->is_ready = true;
		break;
	case CHANNEL_BEGUN:
		monitor->has_begun = true;
		break;
	case CHANNEL_PONG:
		monitor->pong_ns = MONITOR_NEVER;
		notify_send("WATCHDOG=1");
		break;
	case CHANNEL_REPORT_END:
		monitor->report = event->report;
		commands_report(monitor->commands);
		break;
	case CHANNEL_REJECTED:
		monitor_silence_take_rejected(monitor, event, clock_now_ns());
		break;
	default:
		/* One that was removed meanwhile has nothing to say. */
		peer = monitor_peers_get(monitor, event->slot, event->serial);
		if (peer != NULL)
			take_peer_event(monitor, peer, event);
		break;
	}
}

int monitor_events_serve(struct monitor *monitor)
{
	for (int i = 0; i < EVENTS_A_TURN && monitor->engine_pid != 0; i++) {
		struct channel_event event;
		int result = channel_receive_event(monitor->channel, &event);

		if (result == 0)
			return 0;
		if (result == -EPROTO)
			monitor_give_up(monitor, "sends what it should not");
		if (result < 0)
			return -1;
		take_event(monitor, &event);
		sodium_memzero(&event, sizeof event);
	}
	return 0;
}
