/* The engine: cookies, peers that come and go at run time, and failures of what it is lent. */

#include "engine_steps.h"

#include "protocol/peer_table.h"

/* Here copies of one InitHello stand for as many InitHellos of different peers. */
static void forget_copies(struct world *world, enum host_name host)
{
	struct replay_filter *filter = &world->hosts[host].engine->replays;

	memset(filter->entries, 0, sizeof filter->entries);
	for (int i = 0; i < HOST_COUNT; i++) {
		struct peer *peer =
			peer_table_by_handle(world->hosts[host].engine, world->hosts[host].peers[i]);

		if (peer != NULL)
			memset(peer->hellos_full_ns, 0, sizeof peer->hellos_full_ns);
	}
}

/* --- cookies --- */

static void test_cookies(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet reply;
	struct packet with_cookie;
	struct packet packet;

	(void)state;
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_COOKIE_SENT);
	reply = host_take(&world, BOB);
	assert_int_equal(reply.length, hello.length);
	assert_int_equal(reply.data[0], MESSAGE_COOKIE_REPLY);

	/* A damaged reply, and one to another message, are nothing. */
	packet = reply;
	packet.data[20] ^= 1;
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_AUTH);
	packet = reply;
	packet.data[4] ^= 1;
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_SESSION);
	assert_int_equal(world.hosts[ALICE].outbox_used, 0);

	assert_int_equal(host_receive(&world, ALICE, &reply), ROSENPASS_COOKIE_TAKEN);
	with_cookie = host_take(&world, ALICE);
	assert_memory_equal(with_cookie.data, hello.data, hello.length - MESSAGE_COOKIE_BYTES);
	/* One transmission out of turn, not one for each copy of the reply. */
	assert_int_equal(host_receive(&world, ALICE, &reply), ROSENPASS_COOKIE_TAKEN);
	assert_int_equal(world.hosts[ALICE].outbox_used, 0);

	/* The cookie holds for the address that it was given to, and for that alone. */
	packet = with_cookie;
	packet.from = CAROL;
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_COOKIE_SENT);
	host_drop(&world, BOB);
	assert_int_equal(host_receive(&world, BOB, &with_cookie), ROSENPASS_ANSWERED);
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);

	/* Not for ever. */
	world.now += 241 * SECOND;
	assert_int_equal(host_receive(&world, BOB, &with_cookie), ROSENPASS_COOKIE_SENT);
	host_drop(&world, BOB);
	/* A wrong mac gets no answer at all. */
	hello.data[9] ^= 1;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_DROPPED_MAC);
	assert_int_equal(world.hosts[BOB].outbox_used, 0);
	world_teardown(&world);
}

static void test_cookie_buys_a_share_only(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet packet;
	unsigned answered = 0;

	(void)state;
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_COOKIE_SENT);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_COOKIE_TAKEN);
	hello = host_take(&world, ALICE);
	for (int i = 0; i < 100; i++) {
		enum rosenpass_verdict verdict;

		forget_copies(&world, BOB);
		verdict = host_receive(&world, BOB, &hello);

		answered += verdict == ROSENPASS_ANSWERED;
		assert_true(verdict == ROSENPASS_ANSWERED || verdict == ROSENPASS_DROPPED_LOAD);
		host_drop(&world, BOB);
	}
	assert_int_equal(answered, RATE_LIMIT_BURST);
	rosenpass_set_under_load(world.hosts[BOB].engine, false);
	forget_copies(&world, BOB);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	world_teardown(&world);
}

/* InitConf and what our own handshakes wait for go on under load. */
static void test_load_does_not_stop_us(void **state)
{
	struct world world;

	(void)state;
	both_ways(&world, ALL);
	rosenpass_set_under_load(world.hosts[ALICE].engine, true);
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	world_run(&world, world.now + 1200 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	assert_true(world.hosts[ALICE].keys[BOB] >= 9);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 0);
	world_teardown(&world);
}

/* --- the budget of those who show no cookie --- */

/* Time passes only while random bytes are drawn: for each answer, for each cookie, and for nothing else. */
static uint64_t draws_take_time(void *context)
{
	const struct host *host = context;

	return 1000 * SECOND + host->random_calls * (SECOND / 1000);
}

/* The same InitHello that often; how many were answered. */
static unsigned send_again(struct world *world, const struct packet *hello, unsigned times,
                           enum rosenpass_verdict otherwise)
{
	unsigned answered = 0;

	for (unsigned i = 0; i < times; i++) {
		enum rosenpass_verdict verdict;

		forget_copies(world, BOB);
		verdict = host_receive(world, BOB, hello);

		answered += verdict == ROSENPASS_ANSWERED;
		assert_true(verdict == ROSENPASS_ANSWERED || verdict == otherwise);
		host_drop(world, BOB);
	}
	return answered;
}

static void test_cookie_only_beyond_the_budget(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet reply;
	struct packet with_cookie;
	struct rosenpass_stats stats = { .size = sizeof stats };
	unsigned served;

	(void)state;
	rosenpass_set_clock(world.hosts[BOB].engine, draws_take_time, &world.hosts[BOB]);
	served = send_again(&world, &hello, 100, ROSENPASS_COOKIE_SENT);
	assert_in_range(served, 20, 80);
	rosenpass_get_stats(world.hosts[BOB].engine, &stats);
	assert_true(stats.under_load);

	/* A sender with the cookie is served outside of the budget, within the share of its network. */
	while (forget_copies(&world, BOB), host_receive(&world, BOB, &hello) != ROSENPASS_COOKIE_SENT)
		host_drop(&world, BOB);
	reply = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &reply), ROSENPASS_COOKIE_TAKEN);
	with_cookie = host_take(&world, ALICE);
	served = send_again(&world, &with_cookie, RATE_LIMIT_BURST, ROSENPASS_DROPPED_LOAD);
	assert_int_equal(served, RATE_LIMIT_BURST);

	/* The state ends by itself, and asks to be ended. */
	assert_int_equal(rosenpass_deadline(world.hosts[BOB].engine), world.now + ENGINE_CALM_NS);
	world.now += ENGINE_CALM_NS;
	host_expire(&world, BOB);
	rosenpass_get_stats(world.hosts[BOB].engine, &stats);
	assert_false(stats.under_load);
	assert_true(rosenpass_deadline(world.hosts[BOB].engine) > world.now);
	world_teardown(&world);
}

/* Nothing but InitHellos costs anything of it, and without a clock there is none. */
static void test_no_budget_without_a_clock(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);

	(void)state;
	assert_int_equal(send_again(&world, &hello, 100, ROSENPASS_ANSWERED), 100);
	rosenpass_set_clock(world.hosts[BOB].engine, draws_take_time, &world.hosts[BOB]);
	assert_true(send_again(&world, &hello, 100, ROSENPASS_COOKIE_SENT) < 80);
	rosenpass_set_clock(world.hosts[BOB].engine, NULL, NULL);
	assert_int_equal(send_again(&world, &hello, 100, ROSENPASS_ANSWERED), 100);
	world_teardown(&world);
}

/* What is turned away before anything is drawn takes none of the budget. */
static void test_turned_away_costs_no_budget(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet foreign = hello;
	unsigned served;

	(void)state;
	foreign.data[9] ^= 1;
	rosenpass_set_clock(world.hosts[BOB].engine, draws_take_time, &world.hosts[BOB]);
	served = send_again(&world, &hello, 10, ROSENPASS_COOKIE_SENT);
	assert_int_equal(served, 10);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(host_receive(&world, BOB, &foreign), ROSENPASS_DROPPED_MAC);
	forget_copies(&world, BOB);
	assert_true(host_receive(&world, BOB, &hello) == ROSENPASS_ANSWERED);
	world_teardown(&world);
}

/* --- peers at run time --- */

static void test_peers_come_and_go(void **state)
{
	struct world world;
	rosenpass_peer old;
	rosenpass_peer unused;
	struct rosenpass_peer_config own_key = { .size = sizeof own_key,
		                                 .public_key = host_public_key(ALICE) };
	struct rosenpass_peer_config bad_bit = { .size = sizeof bad_bit,
		                                 .public_key = host_public_key(CAROL),
		                                 .dialects = 8 };

	(void)state;
	pair(&world, ALL, ALL);
	assert_int_equal(host_try_add(&world, ALICE, BOB, true, ALL, NULL), ROSENPASS_E_EXISTS);
	assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &own_key, world.now, &unused),
	                 ROSENPASS_E_EXISTS);
	assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &bad_bit, world.now, &unused),
	                 ROSENPASS_E_ARGUMENT);
	world_run(&world, world.now + SECOND);
	host_add(&world, ALICE, CAROL, true, ALL);
	host_add(&world, CAROL, ALICE, false, ALL);
	old = world.hosts[ALICE].peers[BOB];
	world_run(&world, world.now + SECOND);
	assert_same_key(&world, ALICE, CAROL);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);

	/* What waits for a removed peer is never given out. */
	assert_int_equal(rosenpass_peer_initiate(world.hosts[ALICE].engine, old, world.now), 0);
	rosenpass_expire(world.hosts[ALICE].engine, world.now);
	assert_int_equal(rosenpass_peer_remove(world.hosts[ALICE].engine, old), 0);
	assert_false(rosenpass_next(world.hosts[ALICE].engine, &(struct rosenpass_output){ 0 }));
	assert_int_equal(rosenpass_peer_remove(world.hosts[ALICE].engine, old), ROSENPASS_E_NO_PEER);
	assert_int_equal(rosenpass_peer_initiate(world.hosts[ALICE].engine, old, world.now),
	                 ROSENPASS_E_NO_PEER);

	/* The same key again is another peer. */
	host_add(&world, ALICE, BOB, true, ALL);
	assert_int_not_equal(world.hosts[ALICE].peers[BOB], old);
	world_run(&world, world.now + 5 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(world.hosts[ALICE].keys[CAROL], 1);
	world_teardown(&world);
}

static void test_change_keeps_the_session(void **state)
{
	static const uint8_t psk[ROSENPASS_PSK_BYTES] = { 7 };
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = host_public_key(BOB),
		                                .psk = psk };
	struct world world;

	(void)state;
	pair(&world, ALL, ALL);
	world_run(&world, world.now + SECOND);
	config.user = &world.hosts[BOB];
	config.dialects = ONLY(ROSENPASS_SHAKE256_156);
	assert_int_equal(rosenpass_peer_change(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                       &config, world.now),
	                 0);
	assert_true(info_of(&world, ALICE, BOB).has_key);
	config.public_key = host_public_key(ALICE);
	config.user = &world.hosts[ALICE];
	assert_int_equal(rosenpass_peer_change(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE],
	                                       &config, world.now),
	                 0);
	config.public_key = host_public_key(CAROL);
	assert_int_equal(rosenpass_peer_change(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE],
	                                       &config, world.now),
	                 ROSENPASS_E_ARGUMENT);
	/* A key on the new terms is made at once. */
	world_run(&world, world.now + SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
	world_run(&world, world.now + 130 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 3);
	assert_int_equal(world.hosts[ALICE].dialect[BOB], ROSENPASS_SHAKE256_156);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

static void test_without_endpoint(void **state)
{
	struct world world;
	struct rosenpass_address where = host_address(BOB);

	(void)state;
	world_setup(&world);
	host_add(&world, ALICE, BOB, false, ALL);
	host_add(&world, BOB, ALICE, false, ALL);
	assert_true(rosenpass_deadline(world.hosts[ALICE].engine) == ROSENPASS_NEVER);
	host_expire(&world, ALICE);
	assert_int_equal(world.hosts[ALICE].outbox_used, 0);
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                             &where, world.now),
	                 0);
	assert_true(rosenpass_deadline(world.hosts[ALICE].engine) <= world.now);
	world_run(&world, world.now + SECOND);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

static void test_discovery(void **state)
{
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = host_public_key(BOB),
		                                .discover = true };
	struct world world;
	struct packet packet;

	(void)state;
	world_setup(&world);
	config.user = &world.hosts[BOB];
	assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &config, world.now,
	                                    &world.hosts[ALICE].peers[BOB]),
	                 0);
	host_add(&world, BOB, ALICE, false, ALL);
	host_expire(&world, ALICE);
	packet = host_take(&world, ALICE);
	assert_int_equal(packet.to.length, 0);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
	/* Who has forwarded RespHello is not known: InitConf goes there, and everywhere. */
	assert_int_equal(world.hosts[ALICE].moves[BOB], 0);
	packet = host_take(&world, ALICE);
	assert_int_equal(packet.to.length, host_address(BOB).length);
	assert_int_equal(host_take(&world, ALICE).to.length, 0);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_EXCHANGED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_CONFIRMED);
	assert_int_equal(world.hosts[ALICE].moves[BOB], 1);
	assert_int_equal(info_of(&world, ALICE, BOB).endpoint.length, host_address(BOB).length);
	/* Gone stale, it is looked for anew. */
	world_run_deaf(&world, ALICE, world.now + 190 * SECOND);
	assert_int_equal(info_of(&world, ALICE, BOB).endpoint.length, 0);
	world_teardown(&world);
}

/* --- failures --- */

/* The random source of each host fails at its i-th call, for every i: the exchange succeeds all the same. */
static void test_failing_random(void **state)
{
	(void)state;
	for (int host = 0; host < 2; host++) {
		unsigned calls = 0;

		/* The first round fails nowhere and counts the calls. */
		for (unsigned i = 0; i <= calls; i++) {
			struct world world;

			pair(&world, ALL, ALL);
			world.hosts[host].random_calls = 0;
			world.hosts[host].random_fails_at = i;
			world_run(&world, world.now + 10 * SECOND);
			assert_same_key(&world, ALICE, BOB);
			if (i == 0)
				calls = world.hosts[host].random_calls;
			assert_true(calls >= 4 && world.hosts[host].random_calls >= i);
			world.hosts[host].random_fails_at = world.hosts[host].random_calls + i;
			world_run(&world, world.now + 140 * SECOND);
			assert_same_key(&world, ALICE, BOB);
			assert_true(world.hosts[ALICE].keys[BOB] >= 2);
			world_teardown(&world);
		}
	}
	for (unsigned i = 1; i <= 2; i++) {
		struct world world;

		world_setup(&world);
		rosenpass_destroy(world.hosts[CAROL].engine);
		world.hosts[CAROL].engine = NULL;
		world.hosts[CAROL].random_fails_at = world.hosts[CAROL].random_calls + i;
		assert_int_equal(host_create(&world.hosts[CAROL]), ROSENPASS_E_RANDOM);
		assert_null(world.hosts[CAROL].engine);
		assert_int_equal(world.hosts[CAROL].live_allocations, 0);
		world_teardown(&world);
	}
}

/* Adding a peer fails at its i-th allocation, for every i: nothing has changed, and adding again works. */
static void test_failing_allocation(void **state)
{
	bool failed = true;

	(void)state;
	for (unsigned i = 1; failed; i++) {
		struct world world;

		world_setup(&world);
		world.hosts[ALICE].allocation_fails_at = world.hosts[ALICE].allocations + i;
		failed = host_try_add(&world, ALICE, BOB, true, ALL, NULL) != 0;
		world.hosts[ALICE].allocation_fails_at = 0;
		assert_true(failed || i > 5);
		if (failed) {
			assert_true(rosenpass_deadline(world.hosts[ALICE].engine) == ROSENPASS_NEVER);
			host_add(&world, ALICE, BOB, true, ALL);
		}
		host_add(&world, BOB, ALICE, false, ALL);
		world_run(&world, world.now + SECOND);
		assert_same_key(&world, ALICE, BOB);
		world_teardown(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_cookie_buys_a_share_only),
		cmocka_unit_test(test_load_does_not_stop_us),
		cmocka_unit_test(test_cookie_only_beyond_the_budget),
		cmocka_unit_test(test_no_budget_without_a_clock),
		cmocka_unit_test(test_turned_away_costs_no_budget),
		cmocka_unit_test(test_peers_come_and_go),
		cmocka_unit_test(test_change_keeps_the_session),
		cmocka_unit_test(test_without_endpoint),
		cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_failing_random),
		cmocka_unit_test(test_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
