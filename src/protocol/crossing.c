#include "protocol/crossing.h"

#include <string.h>

#include "protocol/endpoint.h"

/*
 * Both sides may start at the same moment. Then two handshakes run between the same peers, each side could
 * complete both, and each could end up with another key. The handshake of the side with the lesser peer id
 * goes first.
 *
 * - InitHello proves nothing about now: it may be a recorded one, and without a preshared key anybody
 *   can make one. So it changes nothing here. Almost always it is answered, and our own handshake goes
 *   on. Only the lesser side does not answer within PASS_HELLOS_NS of the beginning of its own
 *   handshake, or of RespHello: its own is then under way, and the peer answers it. The peer's
 *   InitHello comes again, and after that time it is answered, since ours may not get through. An
 *   InitHello from elsewhere than our endpoint is always answered: the endpoint may be an old one.
 * - InitConf and EmptyData prove that the peer takes part now. An InitConf while ours waits for RespHello is
 *   taken, and ours ends.
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
#define PASS_HELLOS_NS (3 * ENGINE_SECOND_NS / 2)
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
	const struct own_handshake *own = &peer->own;
	uint64_t since_ns = own->state == ROSENPASS_STATE_INIT_CONF ? own->established_ns : own->started_ns;

	if (own->state == ROSENPASS_STATE_IDLE || engine->now_ns - since_ns >= PASS_HELLOS_NS)
		return false;
	if (peer->endpoint.length > 0 && !endpoint_is_same(&peer->endpoint, from))
		return false;
	return !is_greater(engine, peer, weighing_hash(own, hash));
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
