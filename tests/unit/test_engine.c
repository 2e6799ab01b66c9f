/* The engine seen from outside: what each kind of message does, when, and what it does not. */

#include "engine_fixture.h"

#include <string.h>

#include "crypto/keyed_hash.h"
#include "protocol/engine.h"
#include "protocol/messages.h"

_Static_assert(sizeof(struct peer) < 4096, "a peer's state stays below 4 KiB");

#define ALL ROSENPASS_DIALECTS_ALL
#define ONLY(dialect) ROSENPASS_DIALECT_BIT(dialect)

static void assert_same_key(const struct world *world, enum host_name a, enum host_name b)
{
	assert_true(world->hosts[a].keys[b] > 0);
	assert_true(world->hosts[b].keys[a] > 0);
	assert_memory_equal(world->hosts[a].key[b], world->hosts[b].key[a], ROSENPASS_KEY_BYTES);
}

/* Alice knows where Bob is; Bob waits. */
static void pair(struct world *world, uint32_t alices, uint32_t bobs)
{
	world_setup(world);
	host_add(world, ALICE, BOB, true, alices);
	host_add(world, BOB, ALICE, false, bobs);
}

/* The same, and Alice's first InitHello is in her outbox. */
static void pair_started(struct world *world)
{
	pair(world, ALL, ALL);
	host_expire(world, ALICE);
}

static struct rosenpass_peer_info info_of(const struct world *world, enum host_name host, enum host_name peer)
{
	struct rosenpass_peer_info info;

	assert_int_equal(rosenpass_peer_get(world->hosts[host].engine, world->hosts[host].peers[peer], &info),
	                 0);
	return info;
}

static uint64_t received(const struct world *world, enum host_name host, enum rosenpass_verdict verdict)
{
	struct rosenpass_stats stats;

	rosenpass_get_stats(world->hosts[host].engine, &stats);
	return stats.received[verdict];
}

/* --- the exchange ------------------------------------------------------------------------ */

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

/* Many datagrams handed over together give what they give one by one; outputs that are not taken hold up the rest. */
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
			.data = i % 5 == 4 ? junk : hello[i % 2].data,
			.length = i % 5 == 4 ? sizeof junk : hello[i % 2].length,
			.from = host_address(hello[i % 2].from),
		};
	}
	taken = rosenpass_receive(world.hosts[CAROL].engine, datagrams, COUNT, world.now);
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
		                 i % 5 == 4 ? ROSENPASS_DROPPED_SIZE : ROSENPASS_ANSWERED);
	world_settle(&world);
	assert_same_key(&world, ALICE, CAROL);
	assert_same_key(&world, BOB, CAROL);
	world_teardown(&world);
}

/* --- what must have no effect --------------------------------------------------------------- */

/* Runs an exchange up to the step-th message (0 InitHello .. 3 EmptyData) and gives that message. */
static struct packet message_of_step(struct world *world, int step)
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

/* --- repetitions ------------------------------------------------------------------------------ */

static void test_repeated_init_hello(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet first;
	struct packet second;

	(void)state;
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	first = host_take(&world, BOB);
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

/* --- loss and time ------------------------------------------------------------------------------ */

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
	world_run(&world, start + 119 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	/* The responder of the last exchange begins the next, ten seconds before the other would. */
	world_run(&world, start + 121 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
	assert_int_equal(world.hosts[ALICE].role[BOB], ROSENPASS_RESPONDER);
	assert_same_key(&world, ALICE, BOB);
	world_run(&world, start + 24 * 3600 * SECOND);
	assert_true(world.hosts[ALICE].keys[BOB] >= 24 * 30 - 1 &&
	            world.hosts[ALICE].keys[BOB] <= 24 * 30 + 1);
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

/* --- dialects ------------------------------------------------------------------------------------- */

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

/* --- both start at once ------------------------------------------------------------------------------ */

static void both_ways(struct world *world, uint32_t dialects)
{
	world_setup(world);
	host_add(world, ALICE, BOB, true, dialects);
	host_add(world, BOB, ALICE, true, dialects);
}

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

		/* Only the greater side's messages get through: the lesser yields at the third. */
		both_ways(&world, ONLY(dialect));
		host_expire(&world, lesser);
		host_drop(&world, lesser);
		host_expire(&world, greater);
		packet = host_take(&world, greater);
		assert_int_equal(host_receive(&world, lesser, &packet), ROSENPASS_CROSSED);
		assert_int_equal(host_receive(&world, lesser, &packet), ROSENPASS_CROSSED);
		assert_int_equal(host_receive(&world, lesser, &packet), ROSENPASS_ANSWERED);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(world.hosts[greater].role[lesser], ROSENPASS_INITIATOR);
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
		/* Let each side answer the other, as after long loss: yield, then wait until the hold is over. */
		for (int i = 0; i < 2; i++) {
			enum host_name other = i == ALICE ? BOB : ALICE;

			while (host_receive(&world, (enum host_name)i, &hello[other]) == ROSENPASS_CROSSED)
				continue;
			resp[i] = host_take(&world, (enum host_name)i);
		}
		world.now += 4 * SECOND;
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

/* --- cookies -------------------------------------------------------------------------------------------- */

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
		enum rosenpass_verdict verdict = host_receive(&world, BOB, &hello);

		answered += verdict == ROSENPASS_ANSWERED;
		assert_true(verdict == ROSENPASS_ANSWERED || verdict == ROSENPASS_DROPPED_LOAD);
		host_drop(&world, BOB);
	}
	assert_int_equal(answered, RATE_LIMIT_BURST);
	rosenpass_set_under_load(world.hosts[BOB].engine, false);
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

/* --- peers at run time ------------------------------------------------------------------------------------ */

static void test_peers_come_and_go(void **state)
{
	struct world world;
	rosenpass_peer old;
	rosenpass_peer unused;
	struct rosenpass_peer_config own_key = { .public_key = host_public_key(ALICE) };
	struct rosenpass_peer_config bad_bit = { .public_key = host_public_key(CAROL), .dialects = 8 };

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
	struct rosenpass_peer_config config = { .public_key = host_public_key(BOB), .psk = psk };
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
	world_run(&world, world.now + 130 * SECOND);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 2);
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
	struct rosenpass_peer_config config = { .public_key = host_public_key(BOB), .discover = true };
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
	assert_int_equal(world.hosts[ALICE].moves[BOB], 1);
	packet = host_take(&world, ALICE);
	assert_int_equal(packet.to.length, host_address(BOB).length);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_EXCHANGED);
	/* Gone stale, it is looked for anew. */
	world_run_deaf(&world, ALICE, world.now + 190 * SECOND);
	assert_int_equal(info_of(&world, ALICE, BOB).endpoint.length, 0);
	world_teardown(&world);
}

/* --- failures ------------------------------------------------------------------------------------------------ */

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
		cmocka_unit_test(test_finds_the_dialect),
		cmocka_unit_test(test_answer_to_earlier_dialect),
		cmocka_unit_test(test_crossed_start),
		cmocka_unit_test(test_replayed_hello_cannot_block),
		cmocka_unit_test(test_replay_after_removal),
		cmocka_unit_test(test_late_confirmation),
		cmocka_unit_test(test_unreachable_hello_ends),
		cmocka_unit_test(test_initiate_before_confirmation),
		cmocka_unit_test(test_crossed_init_confs),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_cookie_buys_a_share_only),
		cmocka_unit_test(test_load_does_not_stop_us),
		cmocka_unit_test(test_peers_come_and_go),
		cmocka_unit_test(test_change_keeps_the_session),
		cmocka_unit_test(test_without_endpoint),
		cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_failing_random),
		cmocka_unit_test(test_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
