/* The engine beside floods: what they may cost, and who still gets through. */

#include "engine_steps.h"

#define MS (SECOND / 1000)

static struct rosenpass_address elsewhere(uint32_t number)
{
	struct rosenpass_address address = { .length = 18, .group_length = 8, .bytes = { 0x20, 1, 2, 3 } };

	memcpy(address.bytes + 4, &number, sizeof number);
	return address;
}

static enum rosenpass_verdict give(struct world *world, enum host_name to, const struct packet *packet,
                                   struct rosenpass_address from)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram, .data = packet->data, .length = packet->length, .from = from
	};

	assert_int_equal(rosenpass_receive(world->hosts[to].engine, &datagram, 1, world->now), 1);
	host_collect(world, to);
	return datagram.verdict;
}

/* One recorded InitHello, replayed a thousand times a second from many networks, while there is no load. */
static void test_replayed_init_hello(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	unsigned answered = 0;

	(void)state;
	assert_int_equal(give(&world, BOB, &hello, host_address(ALICE)), ROSENPASS_ANSWERED);
	host_drop(&world, BOB);
	for (uint32_t i = 0; i < 10000; i++) {
		enum rosenpass_verdict verdict;

		world.now += MS;
		verdict = give(&world, BOB, &hello, elsewhere(i % 64));
		answered += verdict == ROSENPASS_ANSWERED;
		assert_true(verdict == ROSENPASS_ANSWERED || verdict == ROSENPASS_DROPPED_REPLAY);
		host_drop(&world, BOB);
		/* Alice's retransmissions are answered all the same. */
		if (i == 300 || i == 1000 || i == 3000 || i == 7000)
			assert_int_equal(give(&world, BOB, &hello, host_address(ALICE)), ROSENPASS_ANSWERED);
		host_drop(&world, BOB);
	}
	assert_in_range(answered, 1, REPLAY_COPIES);
	world_teardown(&world);
}

/* A mac field alone suppresses nothing: only what was verified is remembered. */
static void test_forged_mac_field(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet forged = hello;

	(void)state;
	forged.data[100] ^= 1;
	for (int i = 0; i < 100; i++)
		assert_int_equal(give(&world, BOB, &forged, host_address(ALICE)), ROSENPASS_DROPPED_MAC);
	assert_int_equal(give(&world, BOB, &hello, host_address(ALICE)), ROSENPASS_ANSWERED);
	/* What is no work of ours is no reason either to drop the next copy. */
	world.now += SECOND;
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	assert_int_equal(give(&world, BOB, &hello, host_address(ALICE)), ROSENPASS_COOKIE_SENT);
	assert_int_equal(give(&world, BOB, &hello, host_address(ALICE)), ROSENPASS_COOKIE_SENT);
	world_teardown(&world);
}

/* A RespHello to Alice's handshake as somebody makes it who has seen her session id. */
static struct packet forged_answer(struct world *world, const struct packet *hello, uint32_t number)
{
	struct packet forged = { .from = CAROL, .length = messages_resp_hello_bytes(ROSENPASS_BLAKE2B_188) };
	struct rosenpass *alice = world->hosts[ALICE].engine;

	messages_set_type(forged.data, MESSAGE_RESP_HELLO);
	memcpy(forged.data + 8, hello->data + MESSAGE_HEADER_BYTES, MESSAGE_SID_BYTES);
	memcpy(forged.data + 100, &number, sizeof number);
	messages_seal_mac(forged.data, forged.length, KEYED_HASH_BLAKE2B,
	                  public_key_fact(&alice->own, KEYED_HASH_BLAKE2B, PUBLIC_KEY_MAC_KEY));
	return forged;
}

/* False RespHellos cost a tenth of the time, and the true one comes through from where Bob is. */
static void test_forged_resp_hellos(void **state)
{
	struct world world;
	struct packet hello;
	struct packet answer;
	unsigned tried = 0;

	(void)state;
	pair(&world, ONLY(ROSENPASS_BLAKE2B_188), ALL);
	host_expire(&world, ALICE);
	hello = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	answer = host_take(&world, BOB);
	for (uint32_t i = 0; i < 2000; i++) {
		struct packet forged = forged_answer(&world, &hello, i);
		enum rosenpass_verdict verdict = give(&world, ALICE, &forged, elsewhere(i));

		tried += verdict == ROSENPASS_DROPPED_AUTH;
		assert_true(verdict == ROSENPASS_DROPPED_AUTH || verdict == ROSENPASS_DROPPED_LOAD);
		world.now += MS;
	}
	/* Two seconds, of which 200 ms and the burst, at a millisecond each as long as there is no clock. */
	assert_in_range(tried, 150, 225);
	assert_int_equal(give(&world, ALICE, &answer, host_address(BOB)), ROSENPASS_ACCEPTED);
	world_teardown(&world);
}

/* A handshake that is flooded does not stop others, wherever their answers come from. */
static void test_forged_resp_hellos_of_another_handshake(void **state)
{
	struct world world;
	struct packet hello;
	struct packet answer;

	(void)state;
	world_setup(&world);
	host_add(&world, ALICE, BOB, true, ONLY(ROSENPASS_BLAKE2B_188));
	host_add(&world, ALICE, CAROL, true, ONLY(ROSENPASS_BLAKE2B_188));
	host_add(&world, CAROL, ALICE, false, ALL);
	host_expire(&world, ALICE);
	hello = host_take(&world, ALICE);
	answer = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, CAROL, &answer), ROSENPASS_ANSWERED);
	answer = host_take(&world, CAROL);
	for (uint32_t i = 0; i < 500; i++) {
		struct packet forged = forged_answer(&world, &hello, i);

		(void)give(&world, ALICE, &forged, host_address(BOB));
	}
	assert_int_equal(give(&world, ALICE, &answer, elsewhere(1)), ROSENPASS_ACCEPTED);
	world_teardown(&world);
}

/* Cookies have a share of the time, too, and a flood from one network does not use up that of others. */
static void test_cookies_are_limited(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	unsigned sent = 0;

	(void)state;
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	for (uint32_t i = 0; i < 50000; i++) {
		sent += give(&world, BOB, &hello, elsewhere(1)) == ROSENPASS_COOKIE_SENT;
		host_drop(&world, BOB);
		world.now += SECOND / 50000;
		if (i % 5000 == 4999)
			assert_int_equal(give(&world, BOB, &hello, host_address(ALICE)),
			                 ROSENPASS_COOKIE_SENT);
		host_drop(&world, BOB);
	}
	assert_in_range(sent, 9000, 12500);
	/* Wrong cookies cost as much as new ones. */
	hello.data[hello.length - 1] ^= 1;
	sent = 0;
	for (uint32_t i = 0; i < 50000; i++) {
		sent += give(&world, BOB, &hello, elsewhere(1)) == ROSENPASS_COOKIE_SENT;
		host_drop(&world, BOB);
		world.now += SECOND / 50000;
	}
	assert_in_range(sent, 0, 6000);
	world_teardown(&world);
}

/* Peers that got their keys together come apart: a responder renews at any time from 110 to 120 s. */
static void test_renewals_are_spread(void **state)
{
	struct world world;
	unsigned seen[10] = { 0 };
	uint64_t last_ns = 0;

	(void)state;
	both_ways(&world, ALL);
	for (int i = 0; i < 3600; i++) {
		struct rosenpass_peer_info info = { .size = sizeof info };
		uint64_t after_ns;

		world_run(&world, world.now + 10 * SECOND);
		info = info_of(&world, ALICE, BOB);
		if (!info.has_key || info.state != ROSENPASS_STATE_IDLE || info.key_since_ns == last_ns)
			continue;
		last_ns = info.key_since_ns;
		after_ns = info.renewal_ns - info.key_since_ns;
		if (info.role == ROSENPASS_INITIATOR) {
			assert_int_equal(after_ns, 130 * SECOND);
			continue;
		}
		assert_in_range(after_ns, 110 * SECOND + 1, 120 * SECOND);
		seen[(after_ns - 110 * SECOND - 1) / SECOND]++;
	}
	for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
		assert_true(seen[i] > 0);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replayed_init_hello),
		cmocka_unit_test(test_forged_mac_field),
		cmocka_unit_test(test_forged_resp_hellos),
		cmocka_unit_test(test_forged_resp_hellos_of_another_handshake),
		cmocka_unit_test(test_cookies_are_limited),
		cmocka_unit_test(test_renewals_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
