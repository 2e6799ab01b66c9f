#include "state_fixture.h"

#include "protocol/crossing.h"

/* As in crossing.c. */
#define PASS_HELLOS_NS (3 * ENGINE_SECOND_NS / 2)
#define BLAKE2B KEYED_HASH_BLAKE2B
#define SHAKE256 KEYED_HASH_SHAKE256

static struct peer *peer;

static int setup(void **state)
{
	(void)engine_setup(state);
	peer = add_peer(1, ROSENPASS_DIALECTS_ALL);
	peer->endpoint = address_of(1);
	return 0;
}

/* Our id and the peer's under a hash, of which ours is the greater one, or not. */
static void set_ids(enum keyed_hash hash, bool is_greater)
{
	set_fact(&engine.own, hash, PUBLIC_KEY_PEER_ID, 5, is_greater ? 8 : 7);
	set_fact(&peer->key, hash, PUBLIC_KEY_PEER_ID, 5, is_greater ? 7 : 8);
}

/* Our handshake is in this state and dialect and was sent a moment ago. */
static void set_own(enum rosenpass_peer_state state, enum rosenpass_dialect dialect)
{
	memset(&peer->own, 0, sizeof peer->own);
	peer->own.state = state;
	peer->own.dialect = dialect;
	peer->own.next_send_ns = engine.now_ns + ENGINE_SECOND_NS / 2;
	peer->own.established_ns = engine.now_ns;
	peer->own.report_ns = ROSENPASS_NEVER;
}

static void test_hello_verdicts(void **state)
{
	enum side {
		LESSER,
		GREATER,
	};
	static const struct {
		enum rosenpass_peer_state state;
		enum side side;
		uint8_t endpoint; /* 0: not known; the InitHello comes from 1 */
		uint64_t after_ns;
		bool is_passed_over;
	} rows[] = {
		/* There is nothing of ours to weigh. */
		{ ROSENPASS_STATE_IDLE, LESSER, 1, 0, false },
		/* The lesser side passes over what comes soon after its own start, or after its RespHello. */
		{ ROSENPASS_STATE_INIT_HELLO, LESSER, 1, 0, true },
		{ ROSENPASS_STATE_INIT_HELLO, LESSER, 1, PASS_HELLOS_NS - 1, true },
		{ ROSENPASS_STATE_INIT_HELLO, LESSER, 1, PASS_HELLOS_NS, false },
		{ ROSENPASS_STATE_INIT_CONF, LESSER, 1, 0, true },
		{ ROSENPASS_STATE_INIT_CONF, LESSER, 1, PASS_HELLOS_NS - 1, true },
		{ ROSENPASS_STATE_INIT_CONF, LESSER, 1, PASS_HELLOS_NS, false },
		/* The greater side answers. */
		{ ROSENPASS_STATE_INIT_HELLO, GREATER, 1, 0, false },
		{ ROSENPASS_STATE_INIT_CONF, GREATER, 1, 0, false },
		/* The peer is elsewhere: both answer. */
		{ ROSENPASS_STATE_INIT_HELLO, LESSER, 2, 0, false },
		{ ROSENPASS_STATE_INIT_HELLO, LESSER, 0, 0, true },
		{ ROSENPASS_STATE_INIT_HELLO, GREATER, 2, 0, false },
	};
	const struct rosenpass_address from = address_of(1);
	static struct peer before;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		uint64_t now_ns = engine.now_ns;

		set_ids(BLAKE2B, rows[i].side == GREATER);
		set_own(rows[i].state, ROSENPASS_BLAKE2B_156);
		peer->own.started_ns = now_ns;
		peer->own.established_ns = now_ns;
		/* A message that waits for the peer counts from RespHello alone. */
		if (rows[i].state == ROSENPASS_STATE_INIT_CONF)
			peer->own.started_ns = now_ns - 2 * PASS_HELLOS_NS;
		memset(&peer->endpoint, 0, sizeof peer->endpoint);
		if (rows[i].endpoint != 0)
			peer->endpoint = address_of(rows[i].endpoint);
		engine.now_ns = now_ns + rows[i].after_ns;
		before = *peer;
		assert_int_equal(crossing_goes_before_hello(&engine, peer, BLAKE2B, &from),
		                 rows[i].is_passed_over);
		/* Nothing changes by it. */
		before.key = peer->key;
		assert_memory_equal(&before, peer, sizeof before);
		engine.now_ns = now_ns;
	}
}

static void test_conf_verdicts(void **state)
{
	static const struct {
		enum rosenpass_peer_state state;
		bool is_greater;
		uint32_t crossed;
		uint64_t age_ns;
		bool is_passed_over;
	} rows[] = {
		{ ROSENPASS_STATE_IDLE, false, 0, 0, false },
		{ ROSENPASS_STATE_INIT_HELLO, false, 0, 0, false },
		{ ROSENPASS_STATE_INIT_CONF, true, 0, 0, true },
		{ ROSENPASS_STATE_INIT_CONF, true, 1, 0, true },
		{ ROSENPASS_STATE_INIT_CONF, true, 2, 0, false },
		{ ROSENPASS_STATE_INIT_CONF, false, 2, 0, true },
		{ ROSENPASS_STATE_INIT_CONF, false, 4, 0, true },
		{ ROSENPASS_STATE_INIT_CONF, false, 5, 0, false },
		{ ROSENPASS_STATE_INIT_CONF, false, 0, 8 * ENGINE_SECOND_NS - 1, true },
		{ ROSENPASS_STATE_INIT_CONF, false, 0, 8 * ENGINE_SECOND_NS, false },
		{ ROSENPASS_STATE_INIT_CONF, true, 0, 8 * ENGINE_SECOND_NS, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		set_ids(BLAKE2B, rows[i].is_greater);
		set_own(rows[i].state, ROSENPASS_BLAKE2B_156);
		peer->own.crossed = rows[i].crossed;
		peer->own.established_ns = engine.now_ns - rows[i].age_ns;
		assert_int_equal(crossing_goes_before_conf(&engine, peer, BLAKE2B), rows[i].is_passed_over);
		assert_int_equal(peer->own.crossed, rows[i].crossed + rows[i].is_passed_over);
	}
}

/* Both sides must weigh by the same ids: those of the hash of both messages, else those of BLAKE2b. */
static void test_ids_that_weigh(void **state)
{
	static const struct {
		enum rosenpass_dialect own;
		enum keyed_hash received;
		enum keyed_hash weighing;
	} rows[] = {
		{ ROSENPASS_BLAKE2B_188, BLAKE2B, BLAKE2B },
		{ ROSENPASS_BLAKE2B_156, SHAKE256, BLAKE2B },
		{ ROSENPASS_SHAKE256_156, BLAKE2B, BLAKE2B },
		{ ROSENPASS_SHAKE256_156, SHAKE256, SHAKE256 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		/* Greater under one hash only. The greater side yields, and passes over fewer InitConfs. */
		set_ids(rows[i].weighing, true);
		set_ids(rows[i].weighing == BLAKE2B ? SHAKE256 : BLAKE2B, false);
		set_own(ROSENPASS_STATE_INIT_HELLO, rows[i].own);
		assert_false(crossing_goes_before_hello(&engine, peer, rows[i].received, &peer->endpoint));
		set_own(ROSENPASS_STATE_INIT_CONF, rows[i].own);
		peer->own.crossed = 2;
		assert_false(crossing_goes_before_conf(&engine, peer, rows[i].received));
	}
}

/* When the peer may hold the key of our handshake, though its own InitConf is taken. */
static void test_open(void **state)
{
	static const struct {
		enum rosenpass_peer_state state;
		uint64_t used, confirmed; /* biscuit counters */
		uint64_t unconfirmed_until_ns;
		bool is_open;
	} rows[] = {
		{ ROSENPASS_STATE_IDLE, 5, 4, 0, false },
		{ ROSENPASS_STATE_INIT_HELLO, 5, 4, 0, false },
		{ ROSENPASS_STATE_INIT_CONF, 5, 4, 0, true },
		/* The InitConf answers a biscuit from before EmptyData. */
		{ ROSENPASS_STATE_IDLE, 5, 5, 0, true },
		{ ROSENPASS_STATE_IDLE, 5, 6, 0, true },
		/* An InitConf of ours was given up. */
		{ ROSENPASS_STATE_IDLE, 5, 4, START_NS + 1, true },
		{ ROSENPASS_STATE_IDLE, 5, 4, START_NS, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		set_own(rows[i].state, ROSENPASS_BLAKE2B_156);
		peer->biscuit_used = rows[i].used;
		peer->biscuit_confirmed = rows[i].confirmed;
		peer->unconfirmed_until_ns = rows[i].unconfirmed_until_ns;
		assert_int_equal(crossing_is_open(&engine, peer), rows[i].is_open);
	}
}

/* The lesser side begins the handshake that settles the key; whichever hash the last one had. */
static void test_settle(void **state)
{
	(void)state;
	set_ids(SHAKE256, true);
	set_ids(BLAKE2B, false);
	crossing_settle(&engine, peer);
	assert_int_equal(peer->renewal_ns, engine.now_ns + ENGINE_SECOND_NS / 2);
	set_ids(SHAKE256, false);
	set_ids(BLAKE2B, true);
	crossing_settle(&engine, peer);
	assert_int_equal(peer->renewal_ns, engine.now_ns + 5 * ENGINE_SECOND_NS);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, engine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hello_verdicts), TEST(test_conf_verdicts), TEST(test_ids_that_weigh),
		TEST(test_open),           TEST(test_settle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
