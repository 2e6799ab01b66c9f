/* The engine: messages by whoever knows public keys, has a genuine message, or comes at the wrong moment. */

#include "engine_steps.h"

#include "protocol/handshake.h"
#include "protocol/peer_table.h"

static struct peer *peer_of(const struct world *world, enum host_name host, enum host_name peer)
{
	return peer_table_by_handle(world->hosts[host].engine, world->hosts[host].peers[peer]);
}

/* The mac needs no secret: whoever knows the receiver's public key makes it right again. */
static void seal(struct packet *packet, enum host_name to, enum rosenpass_dialect dialect)
{
	enum keyed_hash hash = messages_dialect_hash(dialect);
	struct public_key key;

	public_key_init(&key, host_public_key(to));
	messages_seal_mac(packet->data, packet->length, hash,
	                  public_key_fact(&key, hash, PUBLIC_KEY_MAC_KEY));
}

/* Random bytes, as good as any for a forger. */
static int fill(void *context, uint8_t *out, size_t out_len)
{
	uint64_t *number = context;

	for (size_t i = 0; i < out_len; i++) {
		*number = *number * UINT64_C(6364136223846793005) + 1442695040888963407;
		out[i] = (uint8_t)(*number >> 56);
	}
	return 0;
}

/* An answer to an InitHello of Alice's, made of public keys and of a chaining key that the forger guesses. */
static struct packet forge_resp_hello(const struct packet *hello, enum rosenpass_dialect asked,
                                      enum rosenpass_dialect dialect, const uint8_t ck[static CHAIN_BYTES])
{
	static struct handshake_response response;
	struct handshake_response *responses[] = { &response };
	uint64_t number = 4;
	const struct random_source random = { fill, &number };
	struct packet packet = { .from = BOB };
	struct packet copy = *hello;
	struct public_key alice;
	struct public_key any;

	memset(&response, 0, sizeof response);
	public_key_init(&alice, host_public_key(ALICE));
	public_key_init(&any, host_public_key(BOB));
	assert_int_equal(messages_init_hello(&response.in, asked, copy.data, copy.length), 0);
	response.dialect = dialect;
	response.own = &any;
	response.peer = &alice;
	response.length = messages_resp_hello_bytes(dialect);
	assert_int_equal(messages_resp_hello(&response.out, dialect, response.message, response.length), 0);
	messages_set_type(response.message, MESSAGE_RESP_HELLO);
	assert_int_equal(handshake_response_draw(&response, &random), 0);
	chain_start(&response.chain, messages_dialect_hash(dialect), ck);
	handshake_respond(responses, 1);
	packet.length = response.length;
	memcpy(packet.data, response.message, response.length);
	seal(&packet, ALICE, dialect);
	return packet;
}

/* In each dialect, asked in or not, with the chaining key that nobody has set. */
static void test_forged_resp_hello(void **state)
{
	static const uint8_t zeros[CHAIN_BYTES];

	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		struct world world;
		struct packet packet;
		enum rosenpass_dialect asked;

		pair_started(&world);
		packet = host_take(&world, ALICE);
		asked = peer_of(&world, ALICE, BOB)->own.dialect;
		packet = forge_resp_hello(&packet, asked, (enum rosenpass_dialect)dialect, zeros);
		assert_int_equal(host_receive(&world, ALICE, &packet),
		                 (enum rosenpass_dialect)dialect == asked ? ROSENPASS_DROPPED_AUTH
		                                                          : ROSENPASS_DROPPED_DIALECT);
		(void)world_run_deaf(&world, ALICE, world.now + 3 * SECOND);
		assert_int_equal(world.hosts[ALICE].keys[BOB], 0);
		world_teardown(&world);
	}
}

/* Behind a mac that is right each tag decides alone. offset: from the end of the message. */
static void test_wrong_tags(void **state)
{
	static const struct {
		int step;
		int offset;
		enum rosenpass_verdict verdict;
	} cases[] = {
		/* The tag of the peer id, the last one. */
		{ 0, -MESSAGE_TRAILER_BYTES - MESSAGE_AUTH_BYTES - 1, ROSENPASS_DROPPED_AUTH },
		{ 0, -MESSAGE_TRAILER_BYTES - 1, ROSENPASS_DROPPED_AUTH },
		{ 1, -MESSAGE_TRAILER_BYTES - MESSAGE_BISCUIT_CT_BYTES - 1, ROSENPASS_DROPPED_AUTH },
		{ 1, -MESSAGE_TRAILER_BYTES - 1, ROSENPASS_DROPPED_AUTH },
		{ 2, -MESSAGE_TRAILER_BYTES - MESSAGE_AUTH_BYTES - 1, ROSENPASS_DROPPED_BISCUIT },
		{ 2, -MESSAGE_TRAILER_BYTES - 1, ROSENPASS_DROPPED_AUTH },
		{ 3, -MESSAGE_TRAILER_BYTES - 1, ROSENPASS_DROPPED_AUTH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world world;
		struct packet genuine = message_of_step(&world, cases[i].step);
		struct packet packet = genuine;
		enum host_name to = cases[i].step % 2 == 0 ? BOB : ALICE;
		enum host_name from = to == BOB ? ALICE : BOB;
		unsigned before = world.hosts[to].keys[from];

		packet.data[(int)packet.length + cases[i].offset] ^= 1;
		seal(&packet, to, ROSENPASS_BLAKE2B_188);
		assert_int_equal(host_receive(&world, to, &packet), cases[i].verdict);
		assert_int_equal(world.hosts[to].outbox_used, 0);
		assert_int_equal(world.hosts[to].keys[from], before);
		assert_int_equal(world.hosts[to].moves[from], 0);
		/* It has done no harm. */
		assert_true(host_receive(&world, to, &genuine) < ROSENPASS_DROPPED);
		world_teardown(&world);
	}
}

/* A mac that is wrong in its last byte is wrong, in each dialect and message. */
static void test_wrong_mac(void **state)
{
	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		struct world world;
		struct packet packet;

		pair(&world, ONLY(dialect), ALL);
		host_expire(&world, ALICE);
		for (int step = 0; step < 4; step++) {
			enum host_name from = step % 2 == 0 ? ALICE : BOB;
			enum host_name to = from == ALICE ? BOB : ALICE;
			struct packet wrong;

			packet = host_take(&world, from);
			wrong = packet;
			wrong.data[wrong.length - MESSAGE_COOKIE_BYTES - 1] ^= 1;
			assert_int_equal(host_receive(&world, to, &wrong), ROSENPASS_DROPPED_MAC);
			assert_true(host_receive(&world, to, &packet) < ROSENPASS_DROPPED);
		}
		assert_same_key(&world, ALICE, BOB);
		world_teardown(&world);
	}
}

/* An InitHello under another preshared key says whom it claims to be from, and nobody has sent it. */
static void test_claim(void **state)
{
	static const uint8_t psk[ROSENPASS_PSK_BYTES] = { 1 };
	struct world world;
	struct packet hello;
	struct rosenpass_datagram datagram = { .size = sizeof datagram, .from = host_address(ALICE) };

	(void)state;
	world_setup(&world);
	assert_int_equal(host_try_add(&world, ALICE, BOB, true, ALL, psk), 0);
	host_add(&world, BOB, ALICE, false, ALL);
	host_expire(&world, ALICE);
	hello = host_take(&world, ALICE);
	datagram.data = hello.data;
	datagram.length = hello.length;
	assert_int_equal(rosenpass_receive(world.hosts[BOB].engine, &datagram, 1, world.now), 1);
	assert_int_equal(datagram.verdict, ROSENPASS_DROPPED_AUTH);
	assert_int_equal(datagram.peer, 0);
	assert_true(datagram.has_claim);
	assert_int_equal(datagram.claimed_peer, world.hosts[BOB].peers[ALICE]);
	world_teardown(&world);
}

/* What belongs to another state, or comes when all is over, is of no session. */
static void test_wrong_states(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct packet cookie;
	struct packet packet = { .from = BOB, .length = MESSAGE_EMPTY_DATA_BYTES };

	(void)state;
	/* EmptyData while ours waits for RespHello, by whoever has seen the InitHello. */
	messages_set_type(packet.data, MESSAGE_EMPTY_DATA);
	memcpy(packet.data + MESSAGE_HEADER_BYTES, hello.data + MESSAGE_HEADER_BYTES, MESSAGE_SID_BYTES);
	seal(&packet, ALICE, ROSENPASS_BLAKE2B_188);
	/* In the first seconds of the engine, so that no time is over. */
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_SESSION);
	peer_of(&world, ALICE, BOB)->own.established_ns = world.now;
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_SESSION);
	peer_of(&world, ALICE, BOB)->own.established_ns = 0;

	/* A CookieReply while ours waits for EmptyData. */
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_COOKIE_SENT);
	cookie = host_take(&world, BOB);
	rosenpass_set_under_load(world.hosts[BOB].engine, false);
	assert_int_equal(host_receive(&world, BOB, &hello), ROSENPASS_ANSWERED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
	assert_int_equal(host_receive(&world, ALICE, &cookie), ROSENPASS_DROPPED_SESSION);
	assert_false(peer_of(&world, ALICE, BOB)->has_cookie);
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);
	/* And when all is over. */
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_DROPPED_SESSION);
	world_teardown(&world);
}

static enum rosenpass_verdict verdict_from(struct world *world, const struct packet *packet, uint8_t length,
                                           uint8_t group_length)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram,
		.data = packet->data,
		.length = packet->length,
		.from = host_address(packet->from),
	};

	datagram.from.length = length;
	datagram.from.group_length = group_length;
	assert_int_equal(rosenpass_receive(world->hosts[BOB].engine, &datagram, 1, world->now), 1);
	return datagram.verdict;
}

static void test_impossible_address(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);

	(void)state;
	assert_int_equal(verdict_from(&world, &hello, ROSENPASS_ADDRESS_MAX_BYTES + 1, 4),
	                 ROSENPASS_DROPPED_SIZE);
	assert_int_equal(verdict_from(&world, &hello, 6, 7), ROSENPASS_DROPPED_SIZE);
	assert_int_equal(
		verdict_from(&world, &hello, ROSENPASS_ADDRESS_MAX_BYTES, ROSENPASS_ADDRESS_MAX_BYTES),
		ROSENPASS_ANSWERED);
	world_teardown(&world);
}

/* What the caller has left in a datagram does not count. */
static void test_verdicts_begin_anew(void **state)
{
	struct world world;
	struct packet hello = message_of_step(&world, 0);
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram,
		.data = hello.data,
		.length = hello.length,
		.from = host_address(ALICE),
		.verdict = ROSENPASS_CONFIRMED,
		.peer = 77,
		.has_claim = true,
		.claimed_peer = 78,
	};

	(void)state;
	hello.data[20] ^= 1;
	assert_int_equal(rosenpass_receive(world.hosts[BOB].engine, &datagram, 1, world.now), 1);
	assert_int_equal(datagram.verdict, ROSENPASS_DROPPED_MAC);
	assert_int_equal(datagram.peer, 0);
	assert_int_equal(datagram.claimed_peer, 0);
	assert_false(datagram.has_claim);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged_resp_hello),
		cmocka_unit_test(test_wrong_tags),
		cmocka_unit_test(test_wrong_states),
		cmocka_unit_test(test_wrong_mac),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_impossible_address),
		cmocka_unit_test(test_verdicts_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
