#include "protocol/crossing.h"

#include <string.h>

#include "protocol/endpoint.h"
#include "protocol/peer_table.h"

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

bool crossing_goes_before_hello(struct rosenpass *engine, struct peer *peer, enum keyed_hash hash,
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
			peer_table_schedule(engine, peer);
		}
		return true;
	}
	own->yielded = true;
	own->hold_until_ns = engine->now_ns + HOLD_NS;
	if (own->next_send_ns < own->hold_until_ns)
		own->next_send_ns = own->hold_until_ns;
	peer_table_schedule(engine, peer);
	return false;
}

bool crossing_goes_before_conf(struct rosenpass *engine, struct peer *peer, enum keyed_hash hash)
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

bool crossing_is_held(const struct rosenpass *engine, const struct peer *peer)
{
	return engine->now_ns < peer->own.hold_until_ns;
}

bool crossing_is_open(const struct rosenpass *engine, const struct peer *peer)
{
	return peer->own.state == ROSENPASS_STATE_INIT_CONF ||
	       peer->biscuit_used <= peer->biscuit_confirmed || engine->now_ns < peer->unconfirmed_until_ns;
}

void crossing_settle(struct rosenpass *engine, struct peer *peer)
{
	peer->renewal_ns = engine->now_ns + (is_greater(engine, peer, KEYED_HASH_BLAKE2B) ? SETTLE_GREATER_NS
	                                                                                  : SETTLE_LESSER_NS);
}
