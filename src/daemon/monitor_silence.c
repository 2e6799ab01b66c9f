#include "daemon/monitor_parts.h"

#include <stdio.h>
#include <string.h>

#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"

/* The engine process limits itself; should it not, a peer gets one line in this time. */
#define SAY_AGAIN_NS (50 * CLOCK_SECOND_NS)
/*
 * A dialect that is not allowed is one of several that a caller tries: no news before it goes on for so
 * long.
 */
#define DIALECT_NS (10 * CLOCK_SECOND_NS)

/* Log lines about callers, for each reason: five at once, then one a minute; the same caller once a day. */
static const struct rejects_limits limits = {
	.burst = 5,
	.interval_ns = 60 * CLOCK_SECOND_NS,
	.repeat_ns = 86400 * CLOCK_SECOND_NS,
};

const char *monitor_silence_own_id(struct monitor *monitor, enum rosenpass_dialect dialect)
{
	char *id = monitor->own_ids[dialect == ROSENPASS_SHAKE256_156];

	if (id[0] == '\0' && monitor->public_key.bytes != NULL) {
		uint8_t bytes[ROSENPASS_PEER_ID_BYTES];

		rosenpass_peer_id(bytes, monitor->public_key.bytes, dialect);
		base64_encode_key(id, bytes);
	}
	return id;
}

void monitor_silence_new_own_key(struct monitor *monitor)
{
	memset(monitor->own_ids, 0, sizeof monitor->own_ids);
}

static struct explain_own own_settings(struct monitor *monitor, const struct peer *peer,
                                       enum rosenpass_dialect dialect)
{
	return (struct explain_own){
		.id = monitor_silence_own_id(monitor, dialect),
		.psk = peer == NULL ? NULL : peer_config(peer)->pre_shared_key,
		.is_rp = monitor->options.ensure != NULL,
	};
}

static bool is_silent(struct peer *peer)
{
	return peer_silence(peer)->now.reason > CHANNEL_SILENCE_ENDED;
}

static uint64_t age(uint64_t since_ns, uint64_t now_ns)
{
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

bool monitor_silence_explain(struct monitor *monitor, struct peer *peer, uint64_t now_ns,
                             char words[static EXPLAIN_BYTES])
{
	struct explain_own own;

	words[0] = '\0';
	if (!is_silent(peer))
		return false;
	own = own_settings(monitor, peer, peer_shown_dialect(peer));
	explain_silence(words, &peer_silence(peer)->now, age(peer_silence(peer)->now.since_ns, now_ns), &own,
	                peer_config(peer)->endpoint, peer_resolve_problem(peer));
	return true;
}

/* "answers again after 2 minutes" */
static void explain_return(struct peer *peer, uint64_t now_ns, char words[static EXPLAIN_BYTES])
{
	char duration[EXPLAIN_BYTES];

	explain_duration(duration, age(peer_silence(peer)->now.since_ns, now_ns));
	if (peer_silence(peer)->now.reason == CHANNEL_SILENCE_UNCONFIRMED)
		(void)snprintf(words, EXPLAIN_BYTES, "has confirmed the key after %.64s", duration);
	else
		(void)snprintf(words, EXPLAIN_BYTES, "answers %s after %.64s",
		               peer_report(peer)->ever != 0 ? "again" : "now", duration);
}

static void clear(struct peer *peer)
{
	struct peer_silence *silence = peer_silence(peer);

	memset(&silence->now, 0, sizeof silence->now);
	silence->is_logged = false;
}

void monitor_silence_take(struct monitor *monitor, struct peer *peer, const struct channel_silence *silence,
                          uint64_t now_ns)
{
	char words[EXPLAIN_BYTES];
	bool is_news =
		peer_silence(peer)->logged_ns == 0 || now_ns >= peer_silence(peer)->logged_ns + SAY_AGAIN_NS;

	if (silence->reason <= CHANNEL_SILENCE_ENDED) {
		if (is_silent(peer) && silence->reason == CHANNEL_SILENCE_OVER) {
			explain_return(peer, now_ns, words);
			log_write(peer_silence(peer)->is_logged ? LOG_INFO : LOG_DEBUG, "%s: %s",
			          peer_label(peer), words);
		}
		clear(peer);
		return;
	}
	peer_silence(peer)->now = *silence;
	(void)monitor_silence_explain(monitor, peer, now_ns, words);
	log_write(is_news ? LOG_INFO : LOG_DEBUG, "%s: %s", peer_label(peer), words);
	if (!is_news)
		return;
	peer_silence(peer)->logged_ns = now_ns;
	peer_silence(peer)->is_logged = true;
}

bool monitor_silence_ends(struct monitor *monitor, struct peer *peer, enum rosenpass_role role,
                          uint64_t now_ns, char words[static EXPLAIN_BYTES])
{
	bool was_said = peer_silence(peer)->is_logged;

	rejects_forget_peer(&monitor->rejects[CHANNEL_REJECTED_AUTH], peer_ref(peer).serial);
	rejects_forget_peer(&monitor->rejects[CHANNEL_REJECTED_DIALECT], peer_ref(peer).serial);
	/* Confirmed or not: the engine process tells. */
	if (peer_silence(peer)->now.reason == CHANNEL_SILENCE_UNCONFIRMED && role == ROSENPASS_INITIATOR)
		return false;
	explain_return(peer, now_ns, words);
	clear(peer);
	return was_said;
}

void monitor_silence_forget(struct monitor *monitor, struct peer *peer)
{
	clear(peer);
	for (size_t i = 0; i < CHANNEL_REJECTED_COUNT; i++)
		rejects_forget_peer(&monitor->rejects[i], peer_ref(peer).serial);
}

void monitor_silence_explain_rejected(struct monitor *monitor, const struct rejects_caller *caller,
                                      const struct peer *peer, char words[static EXPLAIN_BYTES])
{
	struct explain_own own = own_settings(monitor, peer, (enum rosenpass_dialect)caller->last.dialect);

	explain_rejected(words, &caller->last, &own);
}

/* Logs what the limits allow. */
static void say_rejected(struct monitor *monitor, struct rejects *rejects, uint64_t now_ns)
{
	struct rejects_caller *caller;

	while ((caller = rejects_next(rejects, &limits, now_ns)) != NULL) {
		const struct peer *peer =
			peer_set_get(monitor->peers, (struct peer_ref){ caller->slot, caller->serial });
		char words[EXPLAIN_BYTES];

		if (caller->last.reason == CHANNEL_REJECTED_DIALECT &&
		    caller->last_ns - caller->first_ns < DIALECT_NS)
			return;
		monitor_silence_explain_rejected(monitor, caller, peer, words);
		log_info("%s%s%s", peer == NULL ? "" : peer_label(peer), peer == NULL ? "" : ": ", words);
		rejects_told(rejects, &limits, caller, now_ns);
	}
}

void monitor_silence_take_rejected(struct monitor *monitor, struct peer_ref ref,
                                   const struct channel_rejected *rejected, uint64_t now_ns)
{
	struct rejects *rejects = &monitor->rejects[rejected->reason];
	bool names_peer =
		rejected->reason == CHANNEL_REJECTED_AUTH || rejected->reason == CHANNEL_REJECTED_DIALECT;
	const struct peer *peer = peer_set_get(monitor->peers, ref);

	if (names_peer && peer == NULL)
		return;
	/* A peer that we have a key with has found a dialect that it may use. */
	if (rejected->reason == CHANNEL_REJECTED_DIALECT && peer_is_responding(peer))
		return;
	rejects_note(rejects, rejected, names_peer ? ref.slot : 0, names_peer ? ref.serial : 0, now_ns);
	say_rejected(monitor, rejects, now_ns);
}

void monitor_silence_look(const struct peer *peer, struct monitor_wireguard *wireguard, bool has_key,
                          uint64_t now_ns)
{
	const struct tunnel_sight sight = {
		.has_key = has_key && wireguard->is_exchanged && !peer_is_leaving(peer),
		.is_up = wireguard->is_up,
		/* Another one for each handshake, and 0 for none. */
		.last_handshake_seconds =
			wireguard->handshake.told_seconds == 0 ? 0 : 1 + wireguard->handshake.at_seconds,
		.received_bytes = wireguard->received_bytes,
		.sent_bytes = wireguard->sent_bytes,
	};
	char words[EXPLAIN_BYTES];

	switch (tunnel_look(&wireguard->tunnel, &sight, now_ns)) {
	case TUNNEL_NEWS_SILENT:
		explain_tunnel(words, wireguard->tunnel.state, peer_config(peer)->device,
		               &wireguard->present_endpoint);
		log_info("%s: %s", peer_label(peer), words);
		break;
	case TUNNEL_NEWS_UP:
		log_info("%s: WireGuard's %s has had a handshake", peer_label(peer),
		         peer_config(peer)->device);
		break;
	case TUNNEL_NO_NEWS:
		break;
	}
}
