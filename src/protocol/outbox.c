#include "protocol/outbox.h"

#include "crypto/ct.h"
#include "crypto/short_hash.h"

/* Queues an output about the peer. */
static struct output_slot *add(struct rosenpass *engine, const struct peer *peer,
                               enum rosenpass_output_kind kind, const uint8_t *data, size_t length)
{
	struct output_slot *slot = outputs_add(&engine->outputs, kind, data, length);

	slot->output.peer = peer->handle;
	slot->output.user = peer->user;
	return slot;
}

static void count_sent(struct rosenpass *engine, size_t length)
{
	engine->stats.sent++;
	engine->stats.sent_bytes += length;
}

void outbox_send(struct rosenpass *engine, struct peer *peer, uint8_t *message, size_t length,
                 enum keyed_hash hash, const struct rosenpass_address *to, bool repeated)
{
	struct output_slot *slot;

	if (peer->has_cookie && engine->now_ns - peer->cookie_since_ns >= COOKIE_LIFETIME_NS) {
		ct_wipe(peer->cookie, sizeof peer->cookie);
		peer->has_cookie = false;
	}
	messages_seal_mac(message, length, hash, public_key_fact(&peer->key, hash, PUBLIC_KEY_MAC_KEY));
	cookie_seal(message, length, peer->has_cookie ? peer->cookie : NULL);
	ct_declassify(message, length);
	slot = add(engine, peer, ROSENPASS_OUTPUT_SEND, message, length);
	slot->output.address = *to;
	slot->output.repeated = repeated;
	count_sent(engine, length);
}

void outbox_reply(struct rosenpass *engine, const uint8_t *message, size_t length,
                  const struct rosenpass_address *to)
{
	struct output_slot *slot = outputs_add(&engine->outputs, ROSENPASS_OUTPUT_SEND, message, length);

	slot->output.address = *to;
	count_sent(engine, length);
}

/* Returns a time up to ENGINE_RENEW_SPREAD_NS that nobody can foresee, for the peer's present key. */
static uint64_t renewal_spread_ns(const struct rosenpass *engine, const struct peer *peer)
{
	uint64_t facts[] = { peer->handle, peer->exchanges, peer->key_since_ns };

	return short_hash(engine->jitter_key, (const uint8_t *)facts, sizeof facts) % ENGINE_RENEW_SPREAD_NS;
}

void outbox_key(struct rosenpass *engine, struct peer *peer, const uint8_t osk[static ROSENPASS_KEY_BYTES],
                enum rosenpass_role role, enum rosenpass_dialect dialect, uint64_t established_ns,
                bool confirmed)
{
	struct output_slot *slot = add(engine, peer, ROSENPASS_OUTPUT_KEY, osk, ROSENPASS_KEY_BYTES);

	slot->output.role = role;
	slot->output.dialect = dialect;
	slot->output.confirmed = confirmed;
	peer->has_key = true;
	peer->confirmed = confirmed;
	peer->ever = true;
	peer->key_since_ns = established_ns;
	peer->role = role;
	peer->dialect = dialect;
	peer->exchanges++;
	peer->renewal_ns = established_ns + ENGINE_RENEW_INITIATOR_NS;
	if (role == ROSENPASS_RESPONDER)
		peer->renewal_ns =
			established_ns + ENGINE_RENEW_RESPONDER_NS - renewal_spread_ns(engine, peer);
}

/* Queues an output about the key in use. */
static void add_about_key(struct rosenpass *engine, const struct peer *peer, enum rosenpass_output_kind kind)
{
	struct output_slot *slot = add(engine, peer, kind, NULL, 0);

	slot->output.role = peer->role;
	slot->output.dialect = peer->dialect;
}

void outbox_confirmed(struct rosenpass *engine, struct peer *peer)
{
	add_about_key(engine, peer, ROSENPASS_OUTPUT_CONFIRMED);
	peer->confirmed = true;
}

void outbox_stale(struct rosenpass *engine, struct peer *peer)
{
	add_about_key(engine, peer, ROSENPASS_OUTPUT_STALE);
	peer->has_key = false;
	peer->confirmed = false;
}

void outbox_endpoint(struct rosenpass *engine, struct peer *peer)
{
	add(engine, peer, ROSENPASS_OUTPUT_ENDPOINT, NULL, 0)->output.address = peer->endpoint;
}

void outbox_timeout(struct rosenpass *engine, struct peer *peer)
{
	(void)add(engine, peer, ROSENPASS_OUTPUT_TIMEOUT, NULL, 0);
	peer->timeouts++;
}
