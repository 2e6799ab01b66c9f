/* The engine seen from outside: what each kind of message does, when, and what it does not. */

#include "engine_steps.h"

_Static_assert(sizeof(struct peer) < 4096, "a peer's state stays below 4 KiB");

/* --- the exchange --- */

static void test_exchange_in_every_dialect(void **state)
{
	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		struct world world;
		struct packet packet;

		pair(&world, ONLY(dialect), ALL);
		host_expire(&world, ALICE);
		packet = host_take(&world, ALICE);
		assert_int_equal(packet.length, messages_init_hello_bytes((enum rosenpass_dialect)dialect));
		assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
		packet = host_take(&world, BOB);
		assert_int_equal(packet.length, messages_resp_hello_bytes((enum rosenpass_dialect)dialect));
		assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
		assert_int_equal(world.hosts[ALICE].keys[BOB], 0);
		packet = host_take(&world, ALICE);
		assert_int_equal(packet.length, MESSAGE_INIT_CONF_BYTES);
		assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_EXCHANGED);
		assert_int_equal(world.hosts[BOB].keys[ALICE], 1);
		packet = host_take(&world, BOB);
		assert_int_equal(packet.length, MESSAGE_EMPTY_DATA_BYTES);
		assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_CONFIRMED);
		assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(world.hosts[ALICE].role[BOB], ROSENPASS_INITIATOR);
		assert_int_equal(world.hosts[BOB].role[ALICE], ROSENPASS_RESPONDER);
		assert_int_equal(world.hosts[ALICE].dialect[BOB], dialect);
		assert_int_equal(world.hosts[BOB].dialect[ALICE], dialect);
		assert_int_equal(world.hosts[BOB].moves[ALICE], 1);
		assert_int_equal(world.hosts[ALICE].moves[BOB], 0);
		assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
		assert_int_equal(world.hosts[ALICE].outbox_used + world.hosts[BOB].outbox_used, 0);
		world_teardown(&world);
	}
}

static void test_psk_must_match(void **state)
{
	static const uint8_t psk[ROSENPASS_PSK_BYTES] = { 1 };
	static const uint8_t other[ROSENPASS_PSK_BYTES] = { 2 };
	const uint8_t *bobs[] = { psk, other, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof bobs / sizeof bobs[0]; i++) {
		struct world world;

		world_setup(&world);
		assert_int_equal(host_try_add(&world, ALICE, BOB, true, ALL, psk), 0);
		assert_int_equal(host_try_add(&world, BOB, ALICE, false, ALL, bobs[i]), 0);
		world_run(&world, world.now + 30 * SECOND);
		if (bobs[i] == psk) {
			assert_same_key(&world, ALICE, BOB);
		} else {
			assert_int_equal(world.hosts[ALICE].keys[BOB] + world.hosts[BOB].keys[ALICE], 0);
			assert_true(received(&world, BOB, ROSENPASS_DROPPED_AUTH) > 0);
		}
		world_teardown(&world);
	}
}

/* Organisation and labels separate keys of the same exchange; the default is that of WireGuard. */
static void test_osk_labels_separate(void **state)
{
	static const char *const named[] = { "wireguard psk" };
	static const char *const other[] = { "mine", "too" };
	struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = host_public_key(ALICE),
		.osk_organization = "rosenpass.eu",
		.osk_labels = named,
		.osk_label_count = 1,
	};
	struct world world;

	(void)state;
	world_setup(&world);
	config.user = &world.hosts[ALICE];
	host_add(&world, ALICE, BOB, true, ALL);
	assert_int_equal(rosenpass_peer_add(world.hosts[BOB].engine, &config, world.now,
	                                    &world.hosts[BOB].peers[ALICE]),
	                 0);
	world_run(&world, world.now + SECOND);
	assert_same_key(&world, ALICE, BOB);
	config.osk_labels = other;
	config.osk_label_count = 2;
	assert_int_equal(rosenpass_peer_change(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE],
	                                       &config, world.now),
	                 0);
	assert_int_equal(
		rosenpass_peer_initiate(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB], world.now),
		0);
	world_run(&world, world.now + 3 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 2);
	assert_memory_not_equal(world.hosts[ALICE].key[BOB], world.hosts[BOB].key[ALICE],
	                        ROSENPASS_KEY_BYTES);
	config.osk_label_count = 0;
	assert_int_equal(rosenpass_peer_change(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE],
	                                       &config, world.now),
	                 ROSENPASS_E_ARGUMENT);
	world_teardown(&world);
}

static void test_three_whole_key_hashes(void **state)
{
	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		struct world world;
		struct packet packet;
		uint64_t before;
		uint64_t alices = 0;
		uint64_t bobs = 0;

		pair(&world, ONLY(dialect), ONLY(dialect));
		world_run(&world, world.now + SECOND);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(rosenpass_peer_initiate(world.hosts[ALICE].engine,
		                                         world.hosts[ALICE].peers[BOB], world.now),
		                 0);
		before = keyed_hash_long_count;
		host_expire(&world, ALICE);
		alices += keyed_hash_long_count - before;
		packet = host_take(&world, ALICE);
		before = keyed_hash_long_count;
		assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
		bobs += keyed_hash_long_count - before;
		packet = host_take(&world, BOB);
		before = keyed_hash_long_count;
		assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
		alices += keyed_hash_long_count - before;
		packet = host_take(&world, ALICE);
		before = keyed_hash_long_count;
		assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_EXCHANGED);
		bobs += keyed_hash_long_count - before;
		packet = host_take(&world, BOB);
		before = keyed_hash_long_count;
		assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_CONFIRMED);
		alices += keyed_hash_long_count - before;
		assert_int_equal(alices, 3);
		assert_int_equal(bobs, 3);
		world_teardown(&world);
	}
}

/* Many datagrams together give what they give one by one; outputs that are not taken hold up the rest. */
static void test_batch(void **state)
{
	enum {
		COUNT = 100
	};
	static const uint8_t junk[7] = { 0x81 };
	struct world world;
	struct packet hello[2];
	struct rosenpass_datagram datagrams[COUNT];
	size_t taken;

	(void)state;
	world_setup(&world);
	host_add(&world, ALICE, CAROL, true, ONLY(ROSENPASS_SHAKE256_156));
	host_add(&world, BOB, CAROL, true, ONLY(ROSENPASS_BLAKE2B_188));
	host_add(&world, CAROL, ALICE, false, ALL);
	host_add(&world, CAROL, BOB, false, ALL);
	host_expire(&world, ALICE);
	host_expire(&world, BOB);
	hello[0] = host_take(&world, ALICE);
	hello[1] = host_take(&world, BOB);
	for (size_t i = 0; i < COUNT; i++) {
		datagrams[i] = (struct rosenpass_datagram){
			.size = sizeof(struct rosenpass_datagram),
			.data = i % 5 == 4 ? junk : hello[i % 2].data,
			.length = i % 5 == 4 ? sizeof junk : hello[i % 2].length,
			.from = host_address(hello[i % 2].from),
		};
	}
	/* Copies are no work, but each is answered by a cookie if that is demanded. */
	rosenpass_set_under_load(world.hosts[CAROL].engine, true);
	taken = (size_t)rosenpass_receive(world.hosts[CAROL].engine, datagrams, COUNT, world.now);
	assert_true(taken > 16 && taken < COUNT);
	assert_int_equal(
		rosenpass_receive(world.hosts[CAROL].engine, datagrams + taken, COUNT - taken, world.now), 0);
	host_collect(&world, CAROL);
	assert_int_equal(world.hosts[CAROL].outbox_used, taken - taken / 5);
	host_drop(&world, CAROL);
	assert_int_equal(
		rosenpass_receive(world.hosts[CAROL].engine, datagrams + taken, COUNT - taken, world.now),
		COUNT - taken);
	host_collect(&world, CAROL);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(datagrams[i].verdict,
		                 i % 5 == 4 ? ROSENPASS_DROPPED_SIZE : ROSENPASS_COOKIE_SENT);
	host_drop(&world, CAROL);
	rosenpass_set_under_load(world.hosts[CAROL].engine, false);
	assert_int_equal(rosenpass_receive(world.hosts[CAROL].engine, datagrams, COUNT, world.now), COUNT);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(datagrams[i].verdict, i % 5 == 4 ? ROSENPASS_DROPPED_SIZE
		                                       : i < 2    ? ROSENPASS_ANSWERED
		                                                  : ROSENPASS_DROPPED_REPLAY);
	host_collect(&world, CAROL);
	world_settle(&world);
	assert_same_key(&world, ALICE, CAROL);
	assert_same_key(&world, BOB, CAROL);
	world_teardown(&world);
}

/* --- what must have no effect --- */

static void test_damaged_messages(void **state)
{
	(void)state;
	for (int step = 0; step < 4; step++) {
		struct world world;
		struct packet packet = message_of_step(&world, step);
		enum host_name to = step % 2 == 0 ? BOB : ALICE;
		unsigned keys = world.hosts[to].keys[packet.from];
		size_t cookie = packet.length - MESSAGE_COOKIE_BYTES;

		for (size_t i = 0; i < packet.length; i++) {
			struct packet damaged = packet;

			if (i >= cookie)
				break; /* means nothing while we are not under load */
			damaged.data[i] ^= (uint8_t)(1u << i % 8);
			assert_true(host_receive(&world, to, &damaged) >= ROSENPASS_DROPPED);
			assert_int_equal(world.hosts[to].outbox_used, 0);
			assert_int_equal(world.hosts[to].keys[packet.from], keys);
		}
		for (size_t length = 0; length <= packet.length + 1; length++) {
			struct packet cut = packet;

			if (length == packet.length || length > sizeof cut.data)
				continue;
			cut.length = length;
			assert_true(host_receive(&world, to, &cut) >= ROSENPASS_DROPPED);
			assert_int_equal(world.hosts[to].outbox_used, 0);
		}
		/* After all that the genuine one still does its work. */
		assert_true(host_receive(&world, to, &packet) < ROSENPASS_DROPPED);
		world_teardown(&world);
	}
}

static void test_foreign_messages(void **state)
{
	struct world world;
	struct packet packet;

	(void)state;
	world_setup(&world);
	host_add(&world, ALICE, BOB, true, ALL);
	host_add(&world, CAROL, ALICE, false, ALL);
	host_expire(&world, ALICE);
	packet = host_take(&world, ALICE);
	/* Meant for Bob, seen by Carol; meant for Bob, who does not know Alice. */
	assert_int_equal(host_receive(&world, CAROL, &packet), ROSENPASS_DROPPED_MAC);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_DROPPED_PEER);
	assert_int_equal(world.hosts[BOB].outbox_used + world.hosts[CAROL].outbox_used, 0);
	packet.data[0] = 0x85;
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_DROPPED_SIZE);
	world_teardown(&world);
}

static void test_dialect_not_allowed(void **state)
{
	struct world world;
	struct packet packet;

	(void)state;
	pair(&world, ONLY(ROSENPASS_BLAKE2B_156), ONLY(ROSENPASS_BLAKE2B_188) | ONLY(ROSENPASS_SHAKE256_156));
	host_expire(&world, ALICE);
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_DROPPED_DIALECT);
	assert_int_equal(world.hosts[BOB].outbox_used, 0);
	world_teardown(&world);
}

/* --- repetitions --- */

static void test_repeated_init_hello(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet first;
	struct packet second;

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	first = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_DROPPED_REPLAY);
	world.now += SECOND / 4;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	second = host_take(&world, BOB);
	/* Nothing was kept: each answer is a new one, and either can be completed. */
	assert_memory_not_equal(first.data, second.data, first.length);
	assert_int_equal(host_receive(&world, ALICE, &second), ROSENPASS_ACCEPTED);
	assert_int_equal(host_receive(&world, ALICE, &first), ROSENPASS_DROPPED_SESSION);
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

static void test_repeated_init_conf(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);
	struct packet first;
	struct packet again;

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_EXCHANGED);
	first = host_take(&world, BOB);
	for (int i = 0; i < 3; i++) {
		/* From elsewhere, and with another cookie field: that makes it no other message. */
		conf.from = CAROL;
		conf.data[conf.length - 1] ^= 1;
		assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_REPEATED);
		again = host_take(&world, BOB);
		assert_memory_equal(first.data, again.data, first.length);
		assert_true(again.repeated);
	}
	assert_int_equal(world.hosts[BOB].keys[ALICE], 1);
	assert_int_equal(world.hosts[BOB].moves[ALICE], 1);
	assert_int_equal(host_receive(&world, ALICE, &again), ROSENPASS_CONFIRMED);
	assert_int_equal(host_receive(&world, ALICE, &first), ROSENPASS_DROPPED_SESSION);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

/* Two biscuits of which the newer is used first: the older is worth nothing any more. */
static void test_outdated_biscuit(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet old_conf;
	struct packet packet;

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
	old_conf = host_take(&world, ALICE);
	assert_int_equal(
		rosenpass_peer_initiate(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB], world.now),
		0);
	host_expire(&world, ALICE);
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 1);
	assert_int_equal(host_receive(&world, BOB, &old_conf), ROSENPASS_DROPPED_REPLAY);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 1);
	assert_int_equal(world.hosts[BOB].outbox_used, 0);
	world_teardown(&world);
}

static void test_expired_biscuit(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);

	(void)state;
	world.now += 600 * SECOND;
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_DROPPED_BISCUIT);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 0);
	world_teardown(&world);
}

static void test_late_resp_hello(void **state)
{
	struct world world;
	struct packet late = message_of_step(&world, 1);

	(void)state;
	world_run_deaf(&world, ALICE, world.now + 181 * SECOND);
	/* That handshake was given up; another goes on. */
	assert_int_equal(world.hosts[ALICE].timeouts[BOB], 0);
	world_run_deaf(&world, ALICE, world.now + 60 * SECOND);
	assert_int_equal(world.hosts[ALICE].timeouts[BOB], 1);
	assert_int_equal(host_receive(&world, ALICE, &late), ROSENPASS_DROPPED_SESSION);
	world_run(&world, world.now + 60 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

/* --- loss and time --- */

static void test_lost_confirmation(void **state)
{
	struct world world;
	struct packet conf = message_of_step(&world, 2);
	uint64_t start = world.now;

	(void)state;
	/* InitConf is lost: Alice reports after two seconds all the same, and goes on sending. */
	world_run_deaf(&world, ALICE, start + 2 * SECOND - 1);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 0);
	world_run_deaf(&world, ALICE, start + 2 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_INIT_CONF);
	world_run(&world, start + 15 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	assert_int_equal(world.hosts[BOB].keys[ALICE], 1);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
	assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_REPEATED);
	world_teardown(&world);
}

static void test_retransmission_times(void **state)
{
	struct world world;
	uint64_t last;
	double delay = 0.5;

	(void)state;
	pair(&world, ONLY(ROSENPASS_BLAKE2B_188), ALL);
	host_expire(&world, ALICE);
	last = world.now;
	for (int n = 0; n < 12; n++) {
		struct packet packet = host_take(&world, ALICE);
		uint64_t next = rosenpass_deadline(world.hosts[ALICE].engine);
		double passed = (double)(next - last) / (double)SECOND;

		assert_int_equal(packet.repeated, n > 0);
		assert_true(passed >= 0.5 * delay && passed <= delay);
		delay = delay * 2 < 10 ? delay * 2 : 10;
		last = world.now = next;
		host_expire(&world, ALICE);
	}
	world_teardown(&world);
}

static void test_renewal(void **state)
{
	struct world world;
	uint64_t start;

	(void)state;
	world_setup(&world);
	host_add(&world, ALICE, BOB, true, ALL);
	host_add(&world, BOB, ALICE, false, ALL);
	start = world.now;
	world_run(&world, start + 109 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	/* The responder of the last exchange begins the next, at least ten seconds before the other would. */
	world_run(&world, start + 121 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
	assert_int_equal(world.hosts[ALICE].role[BOB], ROSENPASS_RESPONDER);
	assert_same_key(&world, ALICE, BOB);
	world_run(&world, start + 24 * 3600 * SECOND);
	/* One in 115 s, give or take five; the mean of many is not far from the middle. */
	assert_in_range(world.hosts[ALICE].keys[BOB], 24 * 3600 / 116, 24 * 3600 / 114);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(world.hosts[ALICE].stales[BOB] + world.hosts[BOB].stales[ALICE], 0);
	world_teardown(&world);
}

static void test_initiator_renews_when_responder_does_not(void **state)
{
	struct world world;
	uint64_t start;

	(void)state;
	pair(&world, ALL, ALL);
	start = world.now;
	world_run(&world, start + 100 * SECOND);
	assert_int_equal(rosenpass_peer_set_endpoint(world.hosts[BOB].engine, world.hosts[BOB].peers[ALICE],
	                                             &(struct rosenpass_address){ 0 }, world.now),
	                 0);
	world_run(&world, start + 129 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	world_run(&world, start + 131 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
	assert_int_equal(world.hosts[ALICE].role[BOB], ROSENPASS_INITIATOR);
	world_teardown(&world);
}

static void test_stale(void **state)
{
	struct world world;
	uint64_t start;

	(void)state;
	pair(&world, ALL, ALL);
	start = world.now;
	world_run(&world, start + SECOND);
	world_run_deaf(&world, ALICE, start + 179 * SECOND);
	assert_int_equal(world.hosts[ALICE].stales[BOB] + world.hosts[BOB].stales[ALICE], 0);
	assert_true(info_of(&world, BOB, ALICE).has_key);
	world_run_deaf(&world, ALICE, start + 182 * SECOND);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 1);
	assert_int_equal(world.hosts[BOB].stales[ALICE], 1);
	assert_false(info_of(&world, ALICE, BOB).has_key);
	world_run_deaf(&world, ALICE, start + 3600 * SECOND);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 1);
	world_run(&world, world.now + 60 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

static void test_suspend(void **state)
{
	struct world world;

	(void)state;
	pair(&world, ALL, ALL);
	world_run(&world, world.now + 10 * SECOND);
	world.now += 8 * 3600 * SECOND;
	world_run(&world, world.now + SECOND);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 1);
	assert_int_equal(world.hosts[BOB].stales[ALICE], 1);
	assert_same_key(&world, ALICE, BOB);
	assert_true(info_of(&world, ALICE, BOB).has_key && info_of(&world, BOB, ALICE).has_key);
	world_teardown(&world);
}

static void test_time_does_not_go_back(void **state)
{
	struct world world;

	(void)state;
	pair(&world, ALL, ALL);
	world_run(&world, world.now + 10 * SECOND);
	world.now -= 500 * SECOND;
	host_expire(&world, ALICE);
	host_expire(&world, BOB);
	assert_int_equal(world.hosts[ALICE].outbox_used + world.hosts[BOB].outbox_used, 0);
	assert_int_equal(world.hosts[ALICE].stales[BOB], 0);
	world_run(&world, world.now + 700 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

static void test_unreachable_peer_costs_little(void **state)
{
	struct world world;
	uint64_t bytes;
	uint64_t back;
	unsigned keys;

	(void)state;
	pair(&world, ALL, ALL);
	world_run(&world, world.now + 10 * SECOND);
	world_run_deaf(&world, ALICE, world.now + 3600 * SECOND);
	bytes = world_run_deaf(&world, ALICE, world.now + 24 * 3600 * SECOND);
	/* With 28 bytes of UDP and IP on each datagram of 1060 and more. */
	assert_true(bytes + bytes / 1060 * 28 < 3000000);
	assert_true(bytes > 1000000);
	for (int i = 0; i < 5; i++) {
		keys = world.hosts[ALICE].keys[BOB];
		back = world.now + 60 * SECOND;
		world_run(&world, back);
		assert_true(world.hosts[ALICE].keys[BOB] > keys);
		assert_same_key(&world, ALICE, BOB);
		world_run_deaf(&world, ALICE, world.now + 1000 * SECOND + (uint64_t)i * 7 * SECOND);
	}
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange_in_every_dialect),
		cmocka_unit_test(test_psk_must_match),
		cmocka_unit_test(test_osk_labels_separate),
		cmocka_unit_test(test_three_whole_key_hashes),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_damaged_messages),
		cmocka_unit_test(test_foreign_messages),
		cmocka_unit_test(test_dialect_not_allowed),
		cmocka_unit_test(test_repeated_init_hello),
		cmocka_unit_test(test_repeated_init_conf),
		cmocka_unit_test(test_outdated_biscuit),
		cmocka_unit_test(test_expired_biscuit),
		cmocka_unit_test(test_late_resp_hello),
		cmocka_unit_test(test_lost_confirmation),
		cmocka_unit_test(test_retransmission_times),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_initiator_renews_when_responder_does_not),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_suspend),
		cmocka_unit_test(test_time_does_not_go_back),
		cmocka_unit_test(test_unreachable_peer_costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
