#include "monitor/silence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

struct silence {
	struct silence_env env;
	struct rejects rejects[CHANNEL_REJECTED_COUNT];
	char own_ids[2][PEER_ID_BYTES]; /* by hash; empty: not computed yet */
};

int silence_create(struct silence **out, const struct silence_env *env)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return -ENOMEM;
	(*out)->env = *env;
	return 0;
}

void silence_destroy(struct silence *silence)
{
	free(silence);
}

void silence_set_own_key(struct silence *silence, const uint8_t *public_key)
{
	silence->env.public_key = public_key;
	memset(silence->own_ids, 0, sizeof silence->own_ids);
}

const char *silence_own_id(struct silence *silence, enum rosenpass_dialect dialect)
{
	char *id = silence->own_ids[dialect == ROSENPASS_SHAKE256_156];

	if (id[0] == '\0' && silence->env.public_key != NULL) {
		uint8_t bytes[ROSENPASS_PEER_ID_BYTES];

		rosenpass_peer_id(bytes, silence->env.public_key, dialect);
		base64_encode_key(id, bytes);
	}
	return id;
}

static struct explain_own own_settings(struct silence *silence, const struct peer *peer,
                                       enum rosenpass_dialect dialect)
{
	return (struct explain_own){
		.id = silence_own_id(silence, dialect),
		.psk = peer == NULL ? NULL : peer_config(peer)->pre_shared_key,
		.is_rp = silence->env.is_rp,
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

bool silence_explain(struct silence *silence, struct peer *peer, uint64_t now_ns,
                     char words[static EXPLAIN_BYTES])
{
	struct explain_own own;

	words[0] = '\0';
	if (!is_silent(peer))
		return false;
	own = own_settings(silence, peer, peer_shown_dialect(peer));
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
	struct peer_silence *known = peer_silence(peer);

	memset(&known->now, 0, sizeof known->now);
	known->is_logged = false;
}

void silence_take(struct silence *silence, struct peer *peer, const struct channel_silence *reported,
                  uint64_t now_ns)
{
	char words[EXPLAIN_BYTES];
	bool is_news =
		peer_silence(peer)->logged_ns == 0 || now_ns >= peer_silence(peer)->logged_ns + SAY_AGAIN_NS;

	if (reported->reason <= CHANNEL_SILENCE_ENDED) {
		if (is_silent(peer) && reported->reason == CHANNEL_SILENCE_OVER) {
			explain_return(peer, now_ns, words);
			log_write(peer_silence(peer)->is_logged ? LOG_INFO : LOG_DEBUG, "%s: %s",
			          peer_label(peer), words);
		}
		clear(peer);
		return;
	}
	peer_silence(peer)->now = *reported;
	(void)silence_explain(silence, peer, now_ns, words);
	log_write(is_news ? LOG_INFO : LOG_DEBUG, "%s: %s", peer_label(peer), words);
	if (!is_news)
		return;
	peer_silence(peer)->logged_ns = now_ns;
	peer_silence(peer)->is_logged = true;
}

bool silence_ends(struct silence *silence, struct peer *peer, enum rosenpass_role role, uint64_t now_ns,
                  char words[static EXPLAIN_BYTES])
{
	bool was_said = peer_silence(peer)->is_logged;

	rejects_forget_peer(&silence->rejects[CHANNEL_REJECTED_AUTH], peer_ref(peer).serial);
	rejects_forget_peer(&silence->rejects[CHANNEL_REJECTED_DIALECT], peer_ref(peer).serial);
	/* Confirmed or not: the engine process tells. */
	if (peer_silence(peer)->now.reason == CHANNEL_SILENCE_UNCONFIRMED && role == ROSENPASS_INITIATOR)
		return false;
	explain_return(peer, now_ns, words);
	clear(peer);
	return was_said;
}

void silence_forget(struct silence *silence, struct peer *peer)
{
	clear(peer);
	for (size_t i = 0; i < CHANNEL_REJECTED_COUNT; i++)
		rejects_forget_peer(&silence->rejects[i], peer_ref(peer).serial);
}

void silence_explain_rejected(struct silence *silence, const struct rejects_caller *caller,
                              const struct peer *peer, char words[static EXPLAIN_BYTES])
{
	struct explain_own own = own_settings(silence, peer, (enum rosenpass_dialect)caller->last.dialect);

	explain_rejected(words, &caller->last, &own);
}

/* Logs what the limits allow. */
static void say_rejected(struct silence *silence, struct rejects *rejects, uint64_t now_ns)
{
	struct rejects_caller *caller;

	while ((caller = rejects_next(rejects, &limits, now_ns)) != NULL) {
		const struct peer *peer =
			peer_set_get(silence->env.peers, (struct peer_ref){ caller->slot, caller->serial });
		char words[EXPLAIN_BYTES];

		if (caller->last.reason == CHANNEL_REJECTED_DIALECT &&
		    caller->last_ns - caller->first_ns < DIALECT_NS)
			return;
		silence_explain_rejected(silence, caller, peer, words);
		log_info("%s%s%s", peer == NULL ? "" : peer_label(peer), peer == NULL ? "" : ": ", words);
		rejects_told(rejects, &limits, caller, now_ns);
	}
}

void silence_take_rejected(struct silence *silence, struct peer_ref ref,
                           const struct channel_rejected *rejected, uint64_t now_ns)
{
	struct rejects *rejects = &silence->rejects[rejected->reason];
	bool names_peer =
		rejected->reason == CHANNEL_REJECTED_AUTH || rejected->reason == CHANNEL_REJECTED_DIALECT;
	const struct peer *peer = peer_set_get(silence->env.peers, ref);

	if (names_peer && peer == NULL)
		return;
	/* A peer that we have a key with has found a dialect that it may use. */
	if (rejected->reason == CHANNEL_REJECTED_DIALECT && peer_is_responding(peer))
		return;
	rejects_note(rejects, rejected, names_peer ? ref.slot : 0, names_peer ? ref.serial : 0, now_ns);
	say_rejected(silence, rejects, now_ns);
}

const struct rejects *silence_rejected(const struct silence *silence, enum channel_rejected_reason reason)
{
	return &silence->rejects[reason];
}
