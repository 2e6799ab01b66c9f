/* The engine: finding the peer's dialect, and handshakes that cross each other. */

#include "engine_steps.h"

#include "protocol/state.h"

/* --- dialects --- */

static void test_finds_the_dialect(void **state)
{
	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		struct world world;
		struct packet packet;
		uint64_t start;

		pair(&world, ALL, ONLY(dialect));
		start = world.now;
		world_run(&world, start + 5 * SECOND);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(world.hosts[ALICE].dialect[BOB], dialect);
		/* It is remembered: the next handshake begins with it. */
		assert_int_equal(rosenpass_peer_initiate(world.hosts[ALICE].engine,
		                                         world.hosts[ALICE].peers[BOB], world.now),
		                 0);
		host_expire(&world, ALICE);
		packet = host_take(&world, ALICE);
		assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
		world_settle(&world);
		/* Bob is replaced by a program that speaks only the next dialect. */
		assert_int_equal(
			rosenpass_peer_remove(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE]), 0);
		host_add(&world, BOB, ALICE, false, ONLY((dialect + 1) % ROSENPASS_DIALECT_COUNT));
		world.hosts[BOB].keys[ALICE] = 0;
		world_run(&world, world.now + 200 * SECOND);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(world.hosts[ALICE].dialect[BOB], (dialect + 1) % ROSENPASS_DIALECT_COUNT);
		world_teardown(&world);
	}
}

/* An answer to an earlier dialect still counts when the next one was tried meanwhile. */
static void test_answer_to_earlier_dialect(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet packet;

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	packet = host_take(&world, BOB);
	world.now += SECOND;
	host_expire(&world, ALICE);
	assert_int_not_equal(host_take(&world, ALICE).length, hello.length);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

/* --- both start at once --- */

static void test_crossed_start(void **state)
{
	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		uint8_t ids[2][ROSENPASS_PEER_ID_BYTES];
		enum host_name greater;
		enum host_name lesser;
		struct packet hello[2];
		struct packet packet;
		struct world world;

		for (int i = 0; i < 2; i++)
			rosenpass_peer_id(ids[i], host_public_key((enum host_name)i),
			                  (enum rosenpass_dialect)dialect);
		greater = memcmp(ids[ALICE], ids[BOB], sizeof ids[0]) > 0 ? ALICE : BOB;
		lesser = greater == ALICE ? BOB : ALICE;

		both_ways(&world, ONLY(dialect));
		host_expire(&world, ALICE);
		host_expire(&world, BOB);
		hello[ALICE] = host_take(&world, ALICE);
		hello[BOB] = host_take(&world, BOB);
		assert_int_equal(host_receive(&world, greater, &hello[lesser]), ROSENPASS_ANSWERED);
		assert_int_equal(host_receive(&world, lesser, &hello[greater]), ROSENPASS_CROSSED);
		assert_int_equal(world.hosts[lesser].outbox_used, 0);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(world.hosts[greater].role[lesser], ROSENPASS_RESPONDER);
		assert_int_equal(world.hosts[ALICE].keys[BOB] + world.hosts[BOB].keys[ALICE], 2);
		world_teardown(&world);

		/* Only the greater side's messages get through: the lesser answers after a while. */
		both_ways(&world, ONLY(dialect));
		host_expire(&world, lesser);
		host_drop(&world, lesser);
		host_expire(&world, greater);
		packet = host_take(&world, greater);
		assert_int_equal(host_receive(&world, lesser, &packet), ROSENPASS_CROSSED);
		world.now += 3 * SECOND / 2 - 1;
		assert_int_equal(host_receive(&world, lesser, &packet), ROSENPASS_CROSSED);
		world.now++;
		/* The same InitHello does not count as a copy of the one of a moment ago. */
		memset(&world.hosts[lesser].engine->replays, 0, sizeof world.hosts[lesser].engine->replays);
		assert_int_equal(host_receive(&world, lesser, &packet), ROSENPASS_ANSWERED);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(world.hosts[greater].role[lesser], ROSENPASS_INITIATOR);
		world_teardown(&world);
	}
}

/*
 * The lesser side calls at an old address, where nobody is, while the greater one calls it from a new one: it
 * need not be asked three times. Where both calls arrive, both end with the same key.
 */
static void test_hello_from_elsewhere(void **state)
{
	uint8_t ids[2][ROSENPASS_PEER_ID_BYTES];
	enum host_name greater;
	enum host_name lesser;

	(void)state;
	for (int i = 0; i < 2; i++)
		rosenpass_peer_id(ids[i], host_public_key((enum host_name)i), ROSENPASS_BLAKE2B_188);
	greater = memcmp(ids[ALICE], ids[BOB], sizeof ids[0]) > 0 ? ALICE : BOB;
	lesser = greater == ALICE ? BOB : ALICE;
	for (int arrives = 0; arrives < 2; arrives++) {
		const struct rosenpass_address old = host_address(CAROL);
		struct world world;
		struct packet packet;

		both_ways(&world, ONLY(ROSENPASS_BLAKE2B_188));
		assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[lesser].engine,
		                                             world.hosts[lesser].peers[greater], &old,
		                                             world.now),
		                 0);
		host_expire(&world, lesser);
		host_expire(&world, greater);
		packet = host_take(&world, lesser);
		if (arrives == 1)
			(void)host_receive(&world, greater, &packet);
		packet = host_take(&world, greater);
		assert_int_equal(host_receive(&world, lesser, &packet), ROSENPASS_ANSWERED);
		world_settle(&world);
		if (arrives == 0)
			assert_same_key(&world, ALICE, BOB);
		world_run(&world, world.now + 30 * SECOND);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
		assert_int_equal(info_of(&world, BOB, ALICE).state, ROSENPASS_STATE_IDLE);
		world_teardown(&world);
	}
}

/* Replaying an old InitHello for ever cannot keep us from completing our own handshake. */
static void test_replayed_hello_cannot_block(void **state)
{
	(void)state;
	for (int replayer = 0; replayer < 2; replayer++) {
		enum host_name victim = replayer == 0 ? ALICE : BOB;
		enum host_name other = victim == ALICE ? BOB : ALICE;
		struct world world;
		struct packet old;

		both_ways(&world, ONLY(ROSENPASS_BLAKE2B_188));
		host_expire(&world, other);
		old = host_take(&world, other);
		world_run(&world, world.now + 30 * SECOND);
		assert_same_key(&world, ALICE, BOB);
		world.hosts[victim].keys[other] = 0;
		assert_int_equal(rosenpass_peer_initiate(world.hosts[victim].engine,
		                                         world.hosts[victim].peers[other], world.now),
		                 0);
		host_expire(&world, victim);
		for (int i = 0; i < 80 && world.hosts[victim].keys[other] == 0; i++) {
			old.from = CAROL;
			(void)host_receive(&world, victim, &old);
			/* What answers the replay goes nowhere; the rest arrives. */
			for (size_t left = world.hosts[victim].outbox_used; left > 0; left--) {
				struct packet packet = host_take(&world, victim);
				struct rosenpass_address nowhere = host_address(CAROL);

				if (memcmp(&packet.to, &nowhere, sizeof nowhere) != 0)
					(void)host_receive(&world, other, &packet);
			}
			while (world.hosts[other].outbox_used > 0) {
				struct packet packet = host_take(&world, other);

				(void)host_receive(&world, victim, &packet);
			}
			world.now += SECOND / 10;
			host_expire(&world, victim);
		}
		assert_true(world.hosts[victim].keys[other] > 0);
		assert_same_key(&world, ALICE, BOB);
		world_teardown(&world);
	}
}

/* What was recorded before a peer was removed is worth nothing when it is added again. */
static void test_replay_after_removal(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_EXCHANGED);
	host_drop(&world, BOB);
	assert_int_equal(rosenpass_peer_remove(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE]), 0);
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_DROPPED_PEER);
	host_add(&world, BOB, ALICE, false, ALL);
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_DROPPED_REPLAY);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 1);
	world_teardown(&world);
}

static void test_late_confirmation(void **state)
{
	struct world world;
	struct packet late = message_of_step(&world, 3);
	unsigned keys;

	(void)state;
	/* Nothing is sent any more, and nothing of the handshake outlives its key. */
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                             &(struct rosenpass_address){ 0 }, world.now),
	                 0);
	world_run_deaf(&world, ALICE, world.now + 179 * SECOND);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_INIT_CONF);
	keys = world.hosts[ALICE].keys[BOB];
	world.now += 2 * SECOND;
	assert_int_equal(host_receive(&world, ALICE, &late), ROSENPASS_DROPPED_SESSION);
	host_expire(&world, ALICE);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
	assert_int_equal(world.hosts[ALICE].keys[BOB], keys);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 1);
	assert_true(rosenpass_deadline(world.hosts[ALICE].engine) == ROSENPASS_NEVER);
	world_teardown(&world);
}

static void test_unreachable_hello_ends(void **state)
{
	struct world world;

	(void)state;
	pair_started(&world);
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                             &(struct rosenpass_address){ 0 }, world.now),
	                 0);
	world_run_deaf(&world, ALICE, world.now + 181 * SECOND);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
	world_teardown(&world);
}

/* Another handshake is asked for before the first is confirmed: its key is not lost. */
static void test_initiate_before_confirmation(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_EXCHANGED);
	host_drop(&world, BOB);
	assert_int_equal(
		rosenpass_peer_initiate(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB], world.now),
		0);
	host_expire(&world, ALICE);
	assert_same_key(&world, ALICE, BOB);
	world_settle(&world);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

/*
 * Both handshakes get as far as InitConf. Whichever way the messages then arrive, both
 * sides end with the same key as soon as they hear from each other again.
 */
static void test_crossed_init_confs(void **state)
{
	(void)state;
	for (int order = 0; order < 4; order++) {
		struct world world;
		struct packet hello[2];
		struct packet resp[2];
		struct packet conf[2];

		both_ways(&world, ONLY(ROSENPASS_BLAKE2B_188));
		for (int i = 0; i < 2; i++) {
			host_expire(&world, (enum host_name)i);
			hello[i] = host_take(&world, (enum host_name)i);
		}
		/* Each side answers the other, as after long loss. */
		world.now += 2 * SECOND;
		for (int i = 0; i < 2; i++) {
			enum host_name other = i == ALICE ? BOB : ALICE;

			assert_int_equal(host_receive(&world, (enum host_name)i, &hello[other]),
			                 ROSENPASS_ANSWERED);
			resp[i] = host_take(&world, (enum host_name)i);
		}
		for (int i = 0; i < 2; i++) {
			enum host_name other = i == ALICE ? BOB : ALICE;

			assert_int_equal(host_receive(&world, (enum host_name)i, &resp[other]),
			                 ROSENPASS_ACCEPTED);
			conf[i] = host_take(&world, (enum host_name)i);
		}
		if (order & 1)
			(void)host_receive(&world, ALICE, &conf[BOB]);
		if (order & 2)
			(void)host_receive(&world, BOB, &conf[ALICE]);
		world_run(&world, world.now + 30 * SECOND);
		assert_same_key(&world, ALICE, BOB);
		world_run(&world, world.now + 40 * SECOND);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
		assert_int_equal(info_of(&world, BOB, ALICE).state, ROSENPASS_STATE_IDLE);
		world_teardown(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_dialect),
		cmocka_unit_test(test_answer_to_earlier_dialect),
		cmocka_unit_test(test_crossed_start),
		cmocka_unit_test(test_hello_from_elsewhere),
		cmocka_unit_test(test_replayed_hello_cannot_block),
		cmocka_unit_test(test_replay_after_removal),
		cmocka_unit_test(test_late_confirmation),
		cmocka_unit_test(test_unreachable_hello_ends),
		cmocka_unit_test(test_initiate_before_confirmation),
		cmocka_unit_test(test_crossed_init_confs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
