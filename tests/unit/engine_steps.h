#ifndef TESTS_UNIT_ENGINE_STEPS_H
#define TESTS_UNIT_ENGINE_STEPS_H

/* What the tests of the engine do again and again. */

#include "engine_fixture.h"

#include <string.h>

#include "crypto/keyed_hash.h"
#include "protocol/state.h"
#include "protocol/messages.h"

#define ALL ROSENPASS_DIALECTS_ALL
#define ONLY(dialect) ROSENPASS_DIALECT_BIT(dialect)

static inline void assert_same_key(const struct world *world, enum host_name a, enum host_name b)
{
	assert_true(world->hosts[a].keys[b] > 0);
	assert_true(world->hosts[b].keys[a] > 0);
	assert_memory_equal(world->hosts[a].key[b], world->hosts[b].key[a], ROSENPASS_KEY_BYTES);
}

/* Alice knows where Bob is; Bob waits. */
static inline void pair(struct world *world, uint32_t alices, uint32_t bobs)
{
	world_setup(world);
	host_add(world, ALICE, BOB, true, alices);
	host_add(world, BOB, ALICE, false, bobs);
}

/* The same, and Alice's first InitHello is in her outbox. */
static inline void pair_started(struct world *world)
{
	pair(world, ALL, ALL);
	host_expire(world, ALICE);
}

static inline struct rosenpass_peer_info info_of(const struct world *world, enum host_name host,
                                                 enum host_name peer)
{
	struct rosenpass_peer_info info = { .size = sizeof info };

	assert_int_equal(rosenpass_peer_get(world->hosts[host].engine, world->hosts[host].peers[peer], &info),
	                 0);
	return info;
}

static inline uint64_t received(const struct world *world, enum host_name host,
                                enum rosenpass_verdict verdict)
{
	return rosenpass_count_received(world->hosts[host].engine, verdict);
}

/* Runs an exchange up to the step-th message (0 InitHello .. 3 EmptyData) and gives that message. */
static inline struct packet message_of_step(struct world *world, int step)
{
	struct packet packet;

	pair_started(world);
	packet = host_take(world, ALICE);
	for (int i = 0; i < step; i++) {
		enum host_name to = i % 2 == 0 ? BOB : ALICE;

		assert_true(host_receive(world, to, &packet) < ROSENPASS_DROPPED);
		packet = host_take(world, to);
	}
	return packet;
}

static inline void both_ways(struct world *world, uint32_t dialects)
{
	world_setup(world);
	host_add(world, ALICE, BOB, true, dialects);
	host_add(world, BOB, ALICE, true, dialects);
}

#endif
