#include "protocol/endpoint.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/outbox.h"

/*
 * A genuine message says who made it. It does not say who sent it from the address that it came from:
 * anybody on the way can forward a copy from an address of his own, and be faster.
 *
 * - The endpoint moves only when a handshake is complete: by InitConf to the responder, by EmptyData to the
 *   initiator. RespHello moves nothing. InitConf goes to where RespHello came from and to where the peer was
 *   before, until EmptyData decides.
 * - The first copy of InitConf or EmptyData may still be a forwarded one. If another copy comes from the
 *   endpoint of before within RECALL_NS, or from the address that the caller gave, the endpoint moves back,
 *   once. Another address is remembered.
 * - Somebody who forwards everything for a while, and then stops, has become the endpoint. After
 *   FALLBACK_TRANSMISSIONS without an answer, messages also go to the address that the caller gave, to the
 *   others where the peer was seen, and, if the caller discovers addresses, to all that the caller knows.
 */
#define RECALL_NS (10 * ENGINE_SECOND_NS)
#define FALLBACK_TRANSMISSIONS 2
/*
 * After ENGINE_HANDSHAKE_NS without an answer, only every fifth transmission goes to the other addresses too.
 * (The number has no factor in common with those in which initiate.c changes dialects.)
 */
#define ABSENT_FALLBACK_EVERY 5

static const struct rosenpass_address nowhere;

bool endpoint_is_same(const struct rosenpass_address *a, const struct rosenpass_address *b)
{
	return a->length > 0 && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

void endpoint_set(struct peer *peer, const struct rosenpass_address *address)
{
	endpoint_lose(peer);
	peer->endpoint = *address;
	peer->home = *address;
	if (address->length == 0)
		peer->own.candidate_count = 0;
}

void endpoint_lose(struct peer *peer)
{
	peer->endpoint = nowhere;
	memset(peer->others, 0, sizeof peer->others);
	peer->moved_until_ns = 0;
}

/* Makes the address the endpoint and tells the caller. */
static void move(struct rosenpass *engine, struct peer *peer, const struct rosenpass_address *to)
{
	peer->endpoint = *to;
	outbox_endpoint(engine, peer);
}

bool endpoint_authenticated(struct rosenpass *engine, struct peer *peer, const struct rosenpass_address *from,
                            const uint8_t identity[static KEYED_HASH_OUT_BYTES])
{
	peer->moved_until_ns = 0;
	if (from->length == 0 || endpoint_is_same(&peer->endpoint, from))
		return false;
	peer->others[0] = peer->endpoint;
	peer->others[1] = nowhere;
	memcpy(peer->moved_by, identity, sizeof peer->moved_by);
	if (!endpoint_is_same(&peer->home, from))
		peer->moved_until_ns = engine->now_ns + RECALL_NS;
	move(engine, peer, from);
	return true;
}

bool endpoint_repeated(struct rosenpass *engine, struct peer *peer, const struct rosenpass_address *from,
                       const uint8_t identity[static KEYED_HASH_OUT_BYTES])
{
	if (engine->now_ns >= peer->moved_until_ns || from->length == 0 ||
	    !ct_is_set(ct_equal(identity, peer->moved_by, sizeof peer->moved_by)) ||
	    endpoint_is_same(&peer->endpoint, from))
		return false;
	if (endpoint_is_same(&peer->others[0], from) || endpoint_is_same(&peer->home, from)) {
		peer->others[0] = peer->endpoint;
		peer->moved_until_ns = 0;
		move(engine, peer, from);
		return true;
	}
	if (peer->others[1].length > 0)
		return false;
	peer->others[1] = *from;
	return true;
}

bool endpoint_add_candidate(struct peer *peer, const struct rosenpass_address *from)
{
	struct own_handshake *own = &peer->own;

	if (from->length == 0 || own->candidate_count == ENGINE_CANDIDATES)
		return false;
	for (size_t i = 0; i < own->candidate_count; i++) {
		if (endpoint_is_same(&own->candidates[i], from))
			return false;
	}
	own->candidates[own->candidate_count++] = *from;
	return true;
}

bool endpoint_can_reach(const struct peer *peer)
{
	return peer->endpoint.length > 0 || peer->discover;
}

bool endpoint_has_way(const struct peer *peer)
{
	return endpoint_ways(peer) > 0;
}

size_t endpoint_ways(const struct peer *peer)
{
	size_t ways = peer->own.candidate_count;

	if (peer->endpoint.length > 0)
		ways++;
	if (peer->home.length > 0)
		ways++;
	if (peer->discover)
		ways++;
	for (size_t i = 0; i < ENGINE_OTHERS; i++) {
		if (peer->others[i].length > 0)
			ways++;
	}
	return ways;
}

/* Whether the endpoint has been silent for so long that other addresses are tried as well. */
static bool is_silent(struct rosenpass *engine, const struct peer *peer)
{
	if (peer->unanswered < FALLBACK_TRANSMISSIONS)
		return false;
	return engine->now_ns - peer->trying_since_ns < ENGINE_HANDSHAKE_NS ||
	       peer->unanswered % ABSENT_FALLBACK_EVERY == 0;
}

/* The endpoint, those of InitConf, the caller's, others, and "everywhere". */
#define WAYS_MAX (1 + ENGINE_CANDIDATES + 1 + ENGINE_OTHERS + 1)

static size_t add_way(struct rosenpass_address ways[static WAYS_MAX], size_t count,
                      const struct rosenpass_address *address)
{
	if (address->length == 0)
		return count;
	for (size_t i = 0; i < count; i++) {
		if (endpoint_is_same(&ways[i], address))
			return count;
	}
	ways[count] = *address;
	return count + 1;
}

void endpoint_send(struct rosenpass *engine, struct peer *peer, uint8_t *message, size_t length,
                   enum keyed_hash hash, bool repeated)
{
	struct rosenpass_address ways[WAYS_MAX];
	bool fall_back = is_silent(engine, peer);
	size_t count = add_way(ways, 0, &peer->endpoint);

	for (size_t i = 0; i < peer->own.candidate_count; i++)
		count = add_way(ways, count, &peer->own.candidates[i]);
	if (fall_back)
		count = add_way(ways, count, &peer->home);
	for (size_t i = 0; i < ENGINE_OTHERS && fall_back; i++)
		count = add_way(ways, count, &peer->others[i]);
	if (peer->discover && (peer->endpoint.length == 0 || fall_back))
		ways[count++] = nowhere;
	for (size_t i = 0; i < count; i++)
		outbox_send(engine, peer, message, length, hash, &ways[i], repeated);
}
