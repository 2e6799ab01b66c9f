/* The engine: counters, times and limits, and what changes between two messages of a handshake. */

#include "engine_steps.h"

#include "protocol/peer_table.h"

static struct peer *peer_of(const struct world *world, enum host_name host, enum host_name peer)
{
	return peer_table_by_handle(world->hosts[host].engine, world->hosts[host].peers[peer]);
}

static int change(struct world *world, enum host_name host, enum host_name peer, uint32_t dialects,
                  const uint8_t *psk)
{
	const struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = host_public_key(peer),
		.psk = psk,
		.dialects = dialects,
		.endpoint = host_address(peer),
		.user = &world->hosts[peer],
	};

	return rosenpass_peer_change(world->hosts[host].engine, world->hosts[host].peers[peer], &config,
	                             world->now);
}

static void test_counters(void **state)
{
	struct world world;
	struct rosenpass_stats stats = { .size = sizeof stats };
	struct packet packets[4];
	uint64_t bytes = 0;

	(void)state;
	pair_started(&world);
	for (size_t i = 0; i < 4; i++) {
		packets[i] = host_take(&world, i % 2 == 0 ? ALICE : BOB);
		(void)host_receive(&world, i % 2 == 0 ? BOB : ALICE, &packets[i]);
		bytes += i % 2 == 0 ? packets[i].length : 0;
	}
	assert_int_equal(rosenpass_get_stats(world.hosts[ALICE].engine, &stats), 0);
	assert_int_equal(stats.sent, 2);
	assert_int_equal(stats.sent_bytes, bytes);
	assert_int_equal(received(&world, ALICE, ROSENPASS_ACCEPTED), 1);
	assert_int_equal(received(&world, ALICE, ROSENPASS_CONFIRMED), 1);
	assert_int_equal(received(&world, BOB, ROSENPASS_ANSWERED), 1);
	assert_int_equal(info_of(&world, ALICE, BOB).exchanges, 1);
	assert_int_equal(info_of(&world, BOB, ALICE).exchanges, 1);
	assert_int_equal(info_of(&world, ALICE, BOB).timeouts, 0);
	/* The next handshake, two minutes later, is not answered: it ends after three, and another begins. */
	(void)world_run_deaf(&world, ALICE, world.now + 135 * SECOND);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_INIT_HELLO);
	assert_int_equal(info_of(&world, ALICE, BOB).timeouts, 0);
	(void)world_run_deaf(&world, ALICE, world.now + 230 * SECOND);
	assert_int_equal(info_of(&world, ALICE, BOB).timeouts, 1);
	assert_int_equal(world.hosts[ALICE].timeouts[BOB], 1);
	world_teardown(&world);
}

/* Who answered renews first, ten seconds before the other or somewhat sooner. */
static void test_renewal_times(void **state)
{
	struct world world;
	uint64_t start;

	(void)state;
	both_ways(&world, ONLY(ROSENPASS_BLAKE2B_188));
	host_expire(&world, ALICE);
	start = world.now;
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(info_of(&world, ALICE, BOB).renewal_ns, start + 130 * SECOND);
	assert_in_range(info_of(&world, BOB, ALICE).renewal_ns, start + 100 * SECOND, start + 120 * SECOND);
	world_teardown(&world);
}

/* Numbers of biscuits are more than a byte. */
static void test_many_biscuits(void **state)
{
	static const uint64_t used[] = { 0xff, 0xffff, 0xffffffff, 0xffffffffffff };

	(void)state;
	for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
		struct world world;

		pair(&world, ALL, ALL);
		world.hosts[BOB].engine->biscuit_counter = used[i];
		peer_of(&world, BOB, ALICE)->biscuit_used = used[i];
		host_expire(&world, ALICE);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(peer_of(&world, BOB, ALICE)->biscuit_used, used[i] + 1);
		world_teardown(&world);
	}
}

/* A key that is not confirmed in its lifetime is never given out. */
static void test_confirmation_too_late(void **state)
{
	static const struct rosenpass_address nowhere = { 0 };
	struct world world;
	struct packet packet = message_of_step(&world, 3);

	(void)state;
	world.now += 180 * SECOND - 1;
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_CONFIRMED);
	world_teardown(&world);

	packet = message_of_step(&world, 3);
	world.now += 180 * SECOND;
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_SESSION);
	host_expire(&world, ALICE);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 0);
	world_teardown(&world);

	/* Nor do its secrets stay where there is nobody to ask for another. */
	packet = message_of_step(&world, 2);
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                             &nowhere, world.now),
	                 0);
	(void)world_run_deaf(&world, ALICE, world.now + 180 * SECOND - 1);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_INIT_CONF);
	(void)world_run_deaf(&world, ALICE, world.now + 1);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
	world_teardown(&world);
}

/* A key that is reported without EmptyData is as old as its handshake, not as its report. */
static void test_unconfirmed_key_ages(void **state)
{
	struct world world;
	uint64_t start;

	(void)state;
	(void)message_of_step(&world, 2);
	start = world.now;
	(void)world_run_deaf(&world, ALICE, start + 180 * SECOND - 1);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 0);
	(void)world_run_deaf(&world, ALICE, start + 180 * SECOND);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 1);
	world_teardown(&world);
}

/* Where there is nothing else to do, the engine still wakes to take a key out of use. */
static void test_wakes_for_a_stale_key(void **state)
{
	static const struct rosenpass_address nowhere = { 0 };
	struct world world;

	(void)state;
	pair(&world, ALL, ALL);
	world_run(&world, world.now + SECOND);
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                             &nowhere, world.now),
	                 0);
	(void)world_run_deaf(&world, ALICE, world.now + 181 * SECOND);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 1);
	world_teardown(&world);
}

/* Keys that are exchanged while the clock is behind are as old as if it had stood still. */
static void test_key_from_before(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);
	uint64_t start = world.now;

	(void)state;
	world.now = start - 175 * SECOND;
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_EXCHANGED);
	world.now = start + 10 * SECOND;
	host_expire(&world, BOB);
	assert_int_equal(world.hosts[BOB].stales[ALICE], 0);
	world_teardown(&world);
}

/* Not at once: the same source would be asked again and again. */
static void test_random_source_that_fails(void **state)
{
	struct world world;
	uint64_t deadline;

	(void)state;
	pair(&world, ALL, ALL);
	world.hosts[ALICE].random_fails_at = world.hosts[ALICE].random_calls + 1;
	host_expire(&world, ALICE);
	assert_int_equal(world.hosts[ALICE].outbox_used, 0);
	deadline = rosenpass_deadline(world.hosts[ALICE].engine);
	assert_in_range(deadline - world.now, SECOND / 4, SECOND);
	world.now = deadline;
	host_expire(&world, ALICE);
	assert_int_equal(world.hosts[ALICE].outbox_used, 1);
	world_teardown(&world);
}

/* After a sleep the peer is not one that has been away for as long. */
static void test_asks_often_after_sleep(void **state)
{
	struct world world;

	(void)state;
	pair_started(&world);
	(void)world_run_deaf(&world, ALICE, world.now + 20 * SECOND);
	world.now += 8 * 3600 * SECOND;
	host_expire(&world, ALICE);
	assert_true(rosenpass_deadline(world.hosts[ALICE].engine) <= world.now + 10 * SECOND);
	world_teardown(&world);
}

/* What Bob forbids while Alice's InitConf is under way is forbidden. */
static void test_dialect_forbidden_meanwhile(void **state)
{
	struct world world;
	struct packet packet = message_of_step(&world, 2);

	(void)state;
	assert_int_equal(change(&world, BOB, ALICE, ONLY(ROSENPASS_BLAKE2B_156), NULL), 0);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_DROPPED_DIALECT);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 0);
	world_teardown(&world);
}

/* The same with a preshared key, on both sides. */
static void test_other_psk_meanwhile(void **state)
{
	static const uint8_t psk[ROSENPASS_PSK_BYTES] = { 1 };
	struct world world;
	struct packet packet = message_of_step(&world, 2);

	(void)state;
	assert_int_equal(change(&world, BOB, ALICE, ALL, psk), 0);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_DROPPED_REPLAY);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 0);
	world_teardown(&world);

	packet = message_of_step(&world, 1);
	assert_int_equal(change(&world, ALICE, BOB, ALL, psk), 0);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_SESSION);
	world_teardown(&world);
}

/* Bob's InitConf is under way while Alice's own handshake is confirmed: the answer of before is outdated. */
static void test_outdated_by_confirmation(void **state)
{
	struct world world;
	struct packet packet;
	struct packet conf;

	(void)state;
	both_ways(&world, ONLY(ROSENPASS_BLAKE2B_188));
	host_expire(&world, BOB);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ANSWERED);
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ACCEPTED);
	conf = host_take(&world, BOB);
	/* Bob has begun anew, and only answers. */
	assert_int_equal(rosenpass_peer_remove(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE]), 0);
	host_add(&world, BOB, ALICE, false, ALL);
	host_expire(&world, ALICE);
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(host_receive(&world, ALICE, &conf), ROSENPASS_DROPPED_REPLAY);
	world_teardown(&world);
}

/* Of a peer that was removed nothing is left: no timer, no session, no handle. */
static void test_removed(void **state)
{
	struct world world;
	struct rosenpass_peer_info info = { .size = sizeof info };
	rosenpass_peer before = 0;

	(void)state;
	world_setup(&world);
	for (int i = 0; i < 50; i++) {
		host_add(&world, ALICE, BOB, true, ALL);
		if (i > 0)
			assert_int_equal(rosenpass_peer_get(world.hosts[ALICE].engine, before, &info),
			                 ROSENPASS_E_NO_PEER);
		before = world.hosts[ALICE].peers[BOB];
		assert_int_equal(rosenpass_peer_get(world.hosts[ALICE].engine, before, &info), 0);
		host_expire(&world, ALICE);
		host_drop(&world, ALICE);
		assert_true(rosenpass_deadline(world.hosts[ALICE].engine) < ROSENPASS_NEVER);
		assert_int_equal(rosenpass_peer_remove(world.hosts[ALICE].engine, before), 0);
		assert_int_equal(rosenpass_deadline(world.hosts[ALICE].engine), ROSENPASS_NEVER);
		assert_int_equal(rosenpass_peer_remove(world.hosts[ALICE].engine, before),
		                 ROSENPASS_E_NO_PEER);
	}
	world_teardown(&world);
}

/* In a batch, what ends a handshake goes before what begins one. */
static void test_order_of_a_batch(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);
	struct packet hello;
	struct rosenpass_datagram datagrams[2];
	struct rosenpass_output output = { .size = sizeof output };

	(void)state;
	host_add(&world, BOB, CAROL, false, ALL);
	host_add(&world, CAROL, BOB, true, ALL);
	host_expire(&world, CAROL);
	hello = host_take(&world, CAROL);
	datagrams[0] = (struct rosenpass_datagram){ .size = sizeof datagrams[0],
		                                    .data = hello.data,
		                                    .length = hello.length,
		                                    .from = host_address(CAROL) };
	datagrams[1] = (struct rosenpass_datagram){ .size = sizeof datagrams[1],
		                                    .data = conf.data,
		                                    .length = conf.length,
		                                    .from = host_address(ALICE) };
	assert_int_equal(rosenpass_receive(world.hosts[BOB].engine, datagrams, 2, world.now), 2);
	assert_int_equal(datagrams[0].verdict, ROSENPASS_ANSWERED);
	assert_int_equal(datagrams[1].verdict, ROSENPASS_EXCHANGED);
	assert_true(rosenpass_next(world.hosts[BOB].engine, &output));
	assert_int_equal(output.peer, world.hosts[BOB].peers[ALICE]);
	world_teardown(&world);
}

/* A random source that says the same again does not make two sessions of one name. */
static void test_session_ids_differ(void **state)
{
	struct world world;
	uint64_t before;

	(void)state;
	world_setup(&world);
	host_add(&world, ALICE, BOB, true, ALL);
	before = world.hosts[ALICE].random_state;
	host_expire(&world, ALICE);
	host_drop(&world, ALICE);
	host_add(&world, ALICE, CAROL, true, ALL);
	world.hosts[ALICE].random_state = before;
	host_expire(&world, ALICE);
	assert_memory_not_equal(peer_of(&world, ALICE, BOB)->own.sidi,
	                        peer_of(&world, ALICE, CAROL)->own.sidi, MESSAGE_SID_BYTES);
	world_teardown(&world);
}

static uint64_t stands_still(void *context)
{
	(void)context;
	return 1000 * SECOND;
}

/* A recorded InitHello that is sent again and again has the lower price of a peer once in five seconds. */
static void test_price_of_repetitions(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	uint64_t start = world.now;

	(void)state;
	rosenpass_set_clock(world.hosts[BOB].engine, stands_still, NULL);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	assert_int_equal(peer_of(&world, BOB, ALICE)->hello_ns, start);
	world.now = start + 5 * SECOND - 1;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	assert_int_equal(peer_of(&world, BOB, ALICE)->hello_ns, start);
	world.now = start + 6 * SECOND;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	assert_int_equal(peer_of(&world, BOB, ALICE)->hello_ns, start + 6 * SECOND);
	world_teardown(&world);
}

static void test_wrong_configurations(void **state)
{
	static const char *const words[] = { "label" };
	const struct rosenpass_peer_config good = { .size = sizeof good, .public_key = host_public_key(BOB) };
	struct rosenpass_peer_config configs[7];
	struct world world;
	rosenpass_peer peer;

	(void)state;
	world_setup(&world);
	for (size_t i = 0; i < 7; i++)
		configs[i] = good;
	configs[0].public_key = NULL;
	configs[1].dialects = ROSENPASS_DIALECTS_ALL + 1;
	configs[2].endpoint.length = ROSENPASS_ADDRESS_MAX_BYTES + 1;
	configs[3].endpoint.group_length = 1;
	configs[4].osk_organization = "organization";
	configs[5].osk_labels = words;
	configs[5].osk_label_count = 1;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &configs[i], world.now, &peer),
		                 ROSENPASS_E_ARGUMENT);
	}
	assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &configs[6], world.now, &peer), 0);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_renewal_times),
		cmocka_unit_test(test_many_biscuits),
		cmocka_unit_test(test_confirmation_too_late),
		cmocka_unit_test(test_unconfirmed_key_ages),
		cmocka_unit_test(test_wakes_for_a_stale_key),
		cmocka_unit_test(test_key_from_before),
		cmocka_unit_test(test_random_source_that_fails),
		cmocka_unit_test(test_asks_often_after_sleep),
		cmocka_unit_test(test_dialect_forbidden_meanwhile),
		cmocka_unit_test(test_other_psk_meanwhile),
		cmocka_unit_test(test_outdated_by_confirmation),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_order_of_a_batch),
		cmocka_unit_test(test_session_ids_differ),
		cmocka_unit_test(test_price_of_repetitions),
		cmocka_unit_test(test_wrong_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
