/*
 * Where the engine believes a peer to be. Carol stands for an observer on the way between Alice and Bob: she
 * reads all and forwards copies from her own address, but can neither make messages nor stop them.
 */

#include "engine_steps.h"

static const struct rosenpass_address nowhere;

static bool is_address(const struct rosenpass_address *a, const struct rosenpass_address *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* How many packets in the outbox go to that address. */
static size_t sent_to(const struct world *world, enum host_name host, const struct rosenpass_address *to)
{
	size_t count = 0;

	for (size_t i = 0; i < world->hosts[host].outbox_used; i++)
		count += is_address(&world->hosts[host].outbox[i].to, to);
	return count;
}

static size_t sent_to_host(const struct world *world, enum host_name host, enum host_name to)
{
	struct rosenpass_address address = host_address(to);

	return sent_to(world, host, &address);
}

static void assert_endpoint(const struct world *world, enum host_name host, enum host_name peer,
                            enum host_name where)
{
	struct rosenpass_address expected = host_address(where);
	struct rosenpass_address endpoint = info_of(world, host, peer).endpoint;

	assert_true(is_address(&endpoint, &expected));
}

/* Bob looks for nobody; Alice discovers where he is. */
static void pair_discovering(struct world *world)
{
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = host_public_key(BOB),
		                                .discover = true };

	world_setup(world);
	config.user = &world->hosts[BOB];
	assert_int_equal(rosenpass_peer_add(world->hosts[ALICE].engine, &config, world->now,
	                                    &world->hosts[ALICE].peers[BOB]),
	                 0);
	host_add(world, BOB, ALICE, false, ALL);
	host_expire(world, ALICE);
}

static enum rosenpass_verdict receive_from(struct world *world, enum host_name host,
                                           const struct packet *packet, enum host_name from)
{
	struct packet copy = *packet;

	copy.from = from;
	return host_receive(world, host, &copy);
}

/* Bob's RespHello to Alice's first InitHello. */
static struct packet answer(struct world *world)
{
	struct packet packet = host_take(world, ALICE);

	assert_int_equal(host_receive(world, BOB, &packet), ROSENPASS_ANSWERED);
	return host_take(world, BOB);
}

static void initiate(struct world *world, enum host_name host, enum host_name peer)
{
	assert_int_equal(rosenpass_peer_initiate(world->hosts[host].engine, world->hosts[host].peers[peer],
	                                         world->now),
	                 0);
	host_expire(world, host);
}

/* Alice's messages reach Bob and Bob's reach Alice. What goes to Carol, or everywhere, is lost. */
static void settle_without_carol(struct world *world)
{
	while (world->hosts[ALICE].outbox_used + world->hosts[BOB].outbox_used > 0) {
		enum host_name from = world->hosts[ALICE].outbox_used > 0 ? ALICE : BOB;
		struct packet packet = host_take(world, from);
		enum host_name to = from == ALICE ? BOB : ALICE;
		struct rosenpass_address address = host_address(to);

		if (is_address(&packet.to, &address))
			(void)host_receive(world, to, &packet);
	}
}

/* --- RespHello, which proves its maker only --- */

static void test_forwarded_resp_hello_moves_nothing(void **state)
{
	struct world world;
	struct packet packet;

	(void)state;
	pair_started(&world);
	packet = answer(&world);
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_ACCEPTED);
	assert_endpoint(&world, ALICE, BOB, BOB);
	assert_int_equal(sent_to_host(&world, ALICE, BOB), 1);
	assert_int_equal(sent_to_host(&world, ALICE, CAROL), 1);
	assert_int_equal(world.hosts[ALICE].outbox_used, 2);
	/* The next transmission goes to both as well. */
	host_drop(&world, ALICE);
	world.now += SECOND;
	host_expire(&world, ALICE);
	assert_int_equal(sent_to_host(&world, ALICE, BOB), 1);
	assert_int_equal(sent_to_host(&world, ALICE, CAROL), 1);
	settle_without_carol(&world);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(world.hosts[ALICE].moves[BOB], 0);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
	world_teardown(&world);
}

static void test_forwarded_resp_hello_with_discovery(void **state)
{
	struct world world;
	struct packet packet;

	(void)state;
	pair_discovering(&world);
	packet = answer(&world);
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_ACCEPTED);
	assert_int_equal(info_of(&world, ALICE, BOB).endpoint.length, 0);
	assert_int_equal(sent_to(&world, ALICE, &nowhere), 1);
	assert_int_equal(sent_to_host(&world, ALICE, CAROL), 1);
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_EXCHANGED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_CONFIRMED);
	assert_endpoint(&world, ALICE, BOB, BOB);
	assert_int_equal(world.hosts[ALICE].moves[BOB], 1);
	world_teardown(&world);
}

/* Nobody answers any more. In any minute of an hour something goes to all known addresses. */
static void test_forwarded_resp_hello_blacks_nothing_out(void **state)
{
	struct world world;
	struct packet packet;
	uint64_t last;
	uint64_t end;

	(void)state;
	pair_discovering(&world);
	packet = answer(&world);
	last = world.now;
	end = world.now + 3600 * SECOND;
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_ACCEPTED);
	while (world.now < end) {
		uint64_t deadline = rosenpass_deadline(world.hosts[ALICE].engine);

		if (sent_to(&world, ALICE, &nowhere) > 0)
			last = world.now;
		assert_true(world.now - last < 60 * SECOND);
		host_drop(&world, ALICE);
		world.now = deadline > world.now ? deadline : world.now;
		host_expire(&world, ALICE);
	}
	world_teardown(&world);
}

/* The true sender's copy comes second, from an address that Alice does not know: it gets InitConf, too. */
static void test_second_resp_hello(void **state)
{
	struct rosenpass_address old = { .length = 6, .group_length = 4, .bytes = { 9, 9 } };
	struct world world;
	struct packet first;
	struct packet damaged;

	(void)state;
	world_setup(&world);
	host_add(&world, ALICE, BOB, true, ALL);
	host_add(&world, BOB, ALICE, false, ALL);
	host_expire(&world, ALICE);
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                             &old, world.now),
	                 0);
	first = answer(&world);
	assert_int_equal(receive_from(&world, ALICE, &first, CAROL), ROSENPASS_ACCEPTED);
	host_drop(&world, ALICE);
	damaged = first;
	damaged.data[20] ^= 1;
	assert_true(host_receive(&world, ALICE, &damaged) >= ROSENPASS_DROPPED);
	assert_int_equal(world.hosts[ALICE].outbox_used, 0);
	assert_int_equal(host_receive(&world, ALICE, &first), ROSENPASS_REPEATED);
	assert_int_equal(world.hosts[ALICE].outbox_used, 1);
	assert_int_equal(sent_to_host(&world, ALICE, BOB), 1);
	/* Known addresses have no effect; a third one neither, or an observer could ask for any number. */
	for (int i = 0; i < HOST_COUNT; i++)
		assert_int_equal(receive_from(&world, ALICE, &first, (enum host_name)i),
		                 ROSENPASS_DROPPED_SESSION);
	assert_int_equal(world.hosts[ALICE].outbox_used, 1);
	host_drop(&world, ALICE);
	world.now += SECOND;
	host_expire(&world, ALICE);
	assert_int_equal(sent_to_host(&world, ALICE, BOB), 1);
	assert_int_equal(sent_to_host(&world, ALICE, CAROL), 1);
	assert_int_equal(sent_to(&world, ALICE, &old), 1);
	assert_int_equal(world.hosts[ALICE].outbox_used, 3);
	settle_without_carol(&world);
	assert_same_key(&world, ALICE, BOB);
	assert_endpoint(&world, ALICE, BOB, BOB);
	assert_int_equal(world.hosts[ALICE].moves[BOB], 1);
	world_teardown(&world);
}

/* Another RespHello of the same handshake is no copy of the accepted one. */
static void test_other_resp_hello(void **state)
{
	struct world world;
	struct packet hello;
	struct packet answers[2];

	(void)state;
	hello = message_of_step(&world, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
		answers[i] = host_take(&world, BOB);
		world.now += SECOND / 4;
	}
	assert_int_equal(host_receive(&world, ALICE, &answers[0]), ROSENPASS_ACCEPTED);
	host_drop(&world, ALICE);
	assert_int_equal(receive_from(&world, ALICE, &answers[1], CAROL), ROSENPASS_DROPPED_SESSION);
	assert_int_equal(world.hosts[ALICE].outbox_used, 0);
	world_teardown(&world);
}

/* The caller forgets the endpoint: not even those who sent RespHello are sent anything. */
static void test_forgotten_while_waiting(void **state)
{
	struct world world;
	struct packet packet;

	(void)state;
	pair_started(&world);
	packet = answer(&world);
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_ACCEPTED);
	host_drop(&world, ALICE);
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                             &nowhere, world.now),
	                 0);
	for (int i = 0; i < 100; i++) {
		world.now += SECOND;
		host_expire(&world, ALICE);
		assert_int_equal(world.hosts[ALICE].outbox_used, 0);
	}
	world_teardown(&world);
}

/* --- EmptyData and InitConf, which complete a handshake --- */

static void test_forwarded_empty_data(void **state)
{
	struct world world;
	struct packet packet = message_of_step(&world, 3);

	(void)state;
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_CONFIRMED);
	assert_endpoint(&world, ALICE, BOB, CAROL);
	assert_int_equal(world.hosts[ALICE].moves[BOB], 1);
	/* Bob's own copy comes second, and counts: he was there before. */
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_REPEATED);
	assert_endpoint(&world, ALICE, BOB, BOB);
	assert_int_equal(world.hosts[ALICE].moves[BOB], 2);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	/* That is decided now. */
	for (int i = 0; i < HOST_COUNT; i++)
		assert_int_equal(receive_from(&world, ALICE, &packet, (enum host_name)i),
		                 ROSENPASS_DROPPED_SESSION);
	assert_endpoint(&world, ALICE, BOB, BOB);
	world_teardown(&world);
}

static void test_late_or_damaged_copy_of_empty_data(void **state)
{
	struct world world;
	struct packet packet = message_of_step(&world, 3);
	struct packet damaged = packet;

	(void)state;
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_CONFIRMED);
	damaged.data[20] ^= 1;
	assert_true(host_receive(&world, ALICE, &damaged) >= ROSENPASS_DROPPED);
	/* A recording that is played back later says nothing about now. */
	world.now += 10 * SECOND;
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_SESSION);
	assert_endpoint(&world, ALICE, BOB, CAROL);
	world_teardown(&world);
}

static void test_forwarded_init_conf(void **state)
{
	struct world world;
	struct packet conf;

	(void)state;
	both_ways(&world, ALL);
	host_expire(&world, ALICE);
	conf = answer(&world);
	assert_int_equal(host_receive(&world, ALICE, &conf), ROSENPASS_ACCEPTED);
	conf = host_take(&world, ALICE);
	assert_int_equal(receive_from(&world, BOB, &conf, CAROL), ROSENPASS_EXCHANGED);
	assert_endpoint(&world, BOB, ALICE, CAROL);
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_REPEATED);
	assert_endpoint(&world, BOB, ALICE, ALICE);
	assert_int_equal(world.hosts[BOB].moves[ALICE], 2);
	assert_int_equal(receive_from(&world, BOB, &conf, CAROL), ROSENPASS_REPEATED);
	assert_endpoint(&world, BOB, ALICE, ALICE);
	assert_int_equal(world.hosts[BOB].moves[ALICE], 2);
	world_teardown(&world);
}

/* Alice's own InitConf comes first: copies from elsewhere are answered, and that is all. */
static void test_repeated_init_conf_does_not_move(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_EXCHANGED);
	for (int i = 0; i < 5; i++)
		assert_int_equal(receive_from(&world, BOB, &conf, CAROL), ROSENPASS_REPEATED);
	assert_endpoint(&world, BOB, ALICE, ALICE);
	assert_int_equal(world.hosts[BOB].moves[ALICE], 1);
	world_teardown(&world);
}

/* --- silence --- */

/* Carol has forwarded a whole exchange, and stops: the third transmission reaches Bob again. */
static void test_silent_endpoint(void **state)
{
	struct world world;
	struct packet packet = message_of_step(&world, 3);
	uint64_t start;

	(void)state;
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_CONFIRMED);
	world.now += 20 * SECOND;
	initiate(&world, ALICE, BOB);
	start = world.now;
	assert_int_equal(sent_to_host(&world, ALICE, CAROL), 1);
	assert_int_equal(world.hosts[ALICE].outbox_used, 1);
	host_drop(&world, ALICE);
	while (world.hosts[ALICE].keys[BOB] == 1) {
		assert_true(world.now - start < 3 * SECOND);
		world.now = rosenpass_deadline(world.hosts[ALICE].engine);
		host_expire(&world, ALICE);
		settle_without_carol(&world);
	}
	assert_endpoint(&world, ALICE, BOB, BOB);
	assert_same_key(&world, ALICE, BOB);
	/* It answers again: one datagram to one address. */
	world.now += 20 * SECOND;
	initiate(&world, ALICE, BOB);
	assert_int_equal(world.hosts[ALICE].outbox_used, 1);
	world_teardown(&world);
}

/* Bob met Alice at her true address only as the sender of a second copy. */
static void test_other_sender_is_remembered(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);
	bool found = false;

	(void)state;
	assert_int_equal(receive_from(&world, BOB, &conf, CAROL), ROSENPASS_EXCHANGED);
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_REPEATED);
	assert_endpoint(&world, BOB, ALICE, CAROL);
	world.now += 20 * SECOND;
	host_drop(&world, BOB);
	initiate(&world, BOB, ALICE);
	for (uint64_t end = world.now + 3 * SECOND; world.now < end && !found;) {
		found = sent_to_host(&world, BOB, ALICE) > 0;
		host_drop(&world, BOB);
		world.now = rosenpass_deadline(world.hosts[BOB].engine);
		host_expire(&world, BOB);
	}
	assert_true(found);
	world_teardown(&world);
}

/* However often and from wherever Carol forwards, the address that the caller gave stays within reach. */
static void test_given_address_is_kept(void **state)
{
	struct world world;
	struct packet packet;
	bool found = false;

	(void)state;
	pair_started(&world);
	for (int round = 0; round < 4; round++) {
		struct rosenpass_datagram datagram;

		packet = host_take(&world, ALICE);
		host_drop(&world, ALICE);
		for (int step = 0; step < 3; step++) {
			enum host_name to = step % 2 == 0 ? BOB : ALICE;

			assert_true(receive_from(&world, to, &packet, CAROL) < ROSENPASS_DROPPED);
			packet = host_take(&world, to);
		}
		datagram = (struct rosenpass_datagram){
			.size = sizeof(struct rosenpass_datagram),
			.data = packet.data,
			.length = packet.length,
			.from = { .length = 6, .group_length = 4, .bytes = { 66, (uint8_t)round } },
		};
		assert_int_equal(rosenpass_receive(world.hosts[ALICE].engine, &datagram, 1, world.now), 1);
		host_collect(&world, ALICE);
		assert_int_equal(datagram.verdict, ROSENPASS_CONFIRMED);
		host_drop(&world, ALICE);
		host_drop(&world, BOB);
		world.now += 20 * SECOND;
		initiate(&world, ALICE, BOB);
	}
	for (uint64_t end = world.now + 3 * SECOND; world.now < end && !found;) {
		found = sent_to_host(&world, ALICE, BOB) > 0;
		host_drop(&world, ALICE);
		world.now = rosenpass_deadline(world.hosts[ALICE].engine);
		host_expire(&world, ALICE);
	}
	assert_true(found);
	world_teardown(&world);
}

/* One datagram to Alice; outputs are left where they are. */
static enum rosenpass_verdict hand_in(struct world *world, const struct packet *packet,
                                      const struct rosenpass_address *from)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram,
		.data = packet->data,
		.length = packet->length,
		.from = *from,
	};

	assert_int_equal(rosenpass_receive(world->hosts[ALICE].engine, &datagram, 1, world->now), 1);
	return datagram.verdict;
}

/* A transmission to four addresses waits until there is room for it. */
static void test_room_for_all_ways(void **state)
{
	const struct rosenpass_address elsewhere = { .length = 6, .group_length = 4, .bytes = { 66 } };
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = host_public_key(BOB),
		                                .discover = true };
	struct rosenpass_address carol = host_address(CAROL);
	struct world world;
	struct packet packet = message_of_step(&world, 3);

	(void)state;
	config.user = &world.hosts[BOB];
	assert_int_equal(rosenpass_peer_change(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
	                                       &config, world.now),
	                 0);
	assert_int_equal(receive_from(&world, ALICE, &packet, CAROL), ROSENPASS_CONFIRMED);
	assert_int_equal(hand_in(&world, &packet, &elsewhere), ROSENPASS_REPEATED);
	initiate(&world, ALICE, BOB);
	for (int i = 0; i < 2; i++) {
		host_drop(&world, ALICE);
		world.now = rosenpass_deadline(world.hosts[ALICE].engine);
		host_expire(&world, ALICE);
	}
	assert_int_equal(world.hosts[ALICE].outbox_used, 4);
	assert_int_equal(sent_to_host(&world, ALICE, CAROL) + sent_to_host(&world, ALICE, BOB), 2);
	assert_int_equal(sent_to(&world, ALICE, &elsewhere) + sent_to(&world, ALICE, &nowhere), 2);
	host_drop(&world, ALICE);
	/* Answers to Carol's InitHello leave room for three. */
	host_add(&world, CAROL, ALICE, true, ALL);
	host_add(&world, ALICE, CAROL, false, ALL);
	host_expire(&world, CAROL);
	packet = host_take(&world, CAROL);
	for (size_t i = 0; i < OUTPUTS_CAPACITY - 3; i++) {
		struct replay_filter *filter = &world.hosts[ALICE].engine->replays;

		memset(filter->entries, 0, sizeof filter->entries);
		assert_int_equal(hand_in(&world, &packet, &carol), ROSENPASS_ANSWERED);
	}
	world.now = rosenpass_deadline(world.hosts[ALICE].engine);
	rosenpass_expire(world.hosts[ALICE].engine, world.now);
	assert_true(rosenpass_deadline(world.hosts[ALICE].engine) <= world.now);
	host_collect(&world, ALICE);
	assert_int_equal(world.hosts[ALICE].outbox_used, OUTPUTS_CAPACITY - 3);
	host_drop(&world, ALICE);
	host_expire(&world, ALICE);
	assert_true(world.hosts[ALICE].outbox_used >= 4);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forwarded_resp_hello_moves_nothing),
		cmocka_unit_test(test_forwarded_resp_hello_with_discovery),
		cmocka_unit_test(test_forwarded_resp_hello_blacks_nothing_out),
		cmocka_unit_test(test_second_resp_hello),
		cmocka_unit_test(test_other_resp_hello),
		cmocka_unit_test(test_forgotten_while_waiting),
		cmocka_unit_test(test_forwarded_empty_data),
		cmocka_unit_test(test_late_or_damaged_copy_of_empty_data),
		cmocka_unit_test(test_forwarded_init_conf),
		cmocka_unit_test(test_repeated_init_conf_does_not_move),
		cmocka_unit_test(test_silent_endpoint),
		cmocka_unit_test(test_other_sender_is_remembered),
		cmocka_unit_test(test_given_address_is_kept),
		cmocka_unit_test(test_room_for_all_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
