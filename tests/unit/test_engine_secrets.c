/* What the engine keeps of secrets, and when it does not keep them any more. */

#include "engine_steps.h"
#include "fixture.h"
#include "protocol/cookie.h"
#include "protocol/peer_table.h"

/* Of a secret, no piece of this length is left. */
#define PIECE_BYTES 16

static struct peer *peer_of(const struct world *world, enum host_name host, enum host_name peer)
{
	return peer_table_by_handle(world->hosts[host].engine, world->hosts[host].peers[peer]);
}

static bool holds(const void *place, size_t place_bytes, const uint8_t *secret, size_t secret_bytes)
{
	for (size_t from = 0; from + PIECE_BYTES <= secret_bytes; from += PIECE_BYTES) {
		if (memmem(place, place_bytes, secret + from, PIECE_BYTES) != NULL)
			return true;
	}
	return false;
}

static void check_work(const struct world *world)
{
	for (int i = 0; i < HOST_COUNT; i++) {
		const struct rosenpass *engine = world->hosts[i].engine;

		assert_true(engine == NULL || fixture_is_zero(&engine->work, sizeof engine->work));
	}
}

/* What messages are built and read with does not outlive the call. */
static void test_work_is_wiped(void **state)
{
	struct world world;
	struct packet packet;

	(void)state;
	pair_started(&world);
	check_work(&world);
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
	check_work(&world);
	packet.data[200] ^= 1;
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_DROPPED_MAC);
	check_work(&world);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
	check_work(&world);
	world_teardown(&world);
}

/* Each step ends the secrets that the next one does not need. */
static void check_own_handshake(enum rosenpass_dialect dialect)
{
	uint8_t seed[KYBER512_KEYGEN_SEED_BYTES];
	uint8_t ck[CHAIN_BYTES];
	uint8_t txkr[CHAIN_BYTES];
	struct world world;
	struct packet packet;
	struct peer *peer;

	pair(&world, ONLY(dialect), ALL);
	host_expire(&world, ALICE);
	peer = peer_of(&world, ALICE, BOB);
	memcpy(seed, peer->own.ephemeral_seed, sizeof seed);
	memcpy(ck, peer->own.ck[peer->own.dialect], sizeof ck);
	assert_true(holds(peer, sizeof *peer, seed, sizeof seed));
	assert_true(holds(peer, sizeof *peer, ck, sizeof ck));
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
	assert_false(holds(peer, sizeof *peer, seed, sizeof seed));
	assert_false(holds(peer, sizeof *peer, ck, sizeof ck));

	memcpy(txkr, peer->own.txkr, sizeof txkr);
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_EXCHANGED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_CONFIRMED);
	assert_false(holds(peer, sizeof *peer, txkr, sizeof txkr));
	assert_false(holds(peer, sizeof *peer, world.hosts[ALICE].key[BOB], ROSENPASS_KEY_BYTES));
	assert_int_equal(peer->own.state, ROSENPASS_STATE_IDLE);
	peer->own.state = 0;
	assert_true(fixture_is_zero(&peer->own, sizeof peer->own));
	world_teardown(&world);
}

static void test_own_handshake(void **state)
{
	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++)
		check_own_handshake((enum rosenpass_dialect)dialect);
}

/* A dialect that an earlier handshake asked in is not one that the present one asked in. */
static void test_tried_dialects_end(void **state)
{
	struct world world;
	struct peer *peer;

	(void)state;
	pair(&world, ALL, ALL);
	peer = peer_of(&world, ALICE, BOB);
	while (peer->own.state == ROSENPASS_STATE_IDLE || peer->own.tried != ALL)
		(void)world_run_deaf(&world, ALICE, world.now + SECOND);
	while (info_of(&world, ALICE, BOB).timeouts == 0)
		(void)world_run_deaf(&world, ALICE, world.now + SECOND);
	assert_true(peer->own.tried != ALL && peer->own.tried != 0);
	world_teardown(&world);
}

static void test_old_cookie(void **state)
{
	static const uint8_t zeros[COOKIE_VALUE_BYTES];
	struct world world;
	struct peer *peer;

	(void)state;
	pair(&world, ALL, ALL);
	peer = peer_of(&world, ALICE, BOB);
	peer->has_cookie = true;
	peer->cookie_since_ns = world.now;
	memset(peer->cookie, 0x5a, sizeof peer->cookie);
	(void)world_run_deaf(&world, ALICE, world.now + COOKIE_LIFETIME_NS - SECOND);
	assert_true(peer->has_cookie);
	(void)world_run_deaf(&world, ALICE, world.now + 60 * SECOND);
	assert_false(peer->has_cookie);
	assert_memory_equal(peer->cookie, zeros, sizeof zeros);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work_is_wiped),
		cmocka_unit_test(test_own_handshake),
		cmocka_unit_test(test_tried_dialects_end),
		cmocka_unit_test(test_old_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
