#include "state_fixture.h"

/* More than the slots that the table begins with. */
#define MANY 40

static void test_handles(void **state)
{
	struct peer *peers[MANY];
	rosenpass_peer old;

	(void)state;
	assert_null(peer_table_by_handle(&engine, 0));
	for (uint8_t i = 0; i < MANY; i++)
		peers[i] = add_peer(i, ROSENPASS_DIALECTS_ALL);
	assert_int_equal(engine.stats.peers, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(peer_table_by_handle(&engine, peers[i]->handle), peers[i]);
	assert_null(peer_table_by_handle(&engine, 0));
	/* A slot that is used again has another handle. */
	old = peers[3]->handle;
	peer_table_remove(&engine, peers[3]);
	assert_int_equal(engine.stats.peers, MANY - 1);
	assert_null(peer_table_by_handle(&engine, old));
	peers[3] = add_peer(3, ROSENPASS_DIALECTS_ALL);
	assert_int_equal(peers[3]->slot, (uint32_t)old);
	assert_null(peer_table_by_handle(&engine, old));
	assert_ptr_equal(peer_table_by_handle(&engine, peers[3]->handle), peers[3]);
}

/* Lets an allocation fail while the table grows. Returns false if there is no such allocation. */
static bool fail_to_grow(unsigned failing)
{
	struct peer *first = add_peer(0, ROSENPASS_DIALECTS_ALL);
	int result;

	for (uint8_t i = 1; engine.first_free != INDEX_NONE; i++)
		(void)add_peer(i, ROSENPASS_DIALECTS_ALL);
	memory.fails_at = memory.calls + failing;
	result = peer_table_reserve(&engine);
	memory.fails_at = 0;
	if (result != 0) {
		assert_int_equal(result, ROSENPASS_E_MEMORY);
		assert_int_equal(engine.first_free, INDEX_NONE);
	}
	assert_ptr_equal(peer_table_by_handle(&engine, first->handle), first);
	assert_ptr_equal(peer_table_by_id(&engine, KEYED_HASH_BLAKE2B,
	                                  first->key.facts[KEYED_HASH_BLAKE2B][PUBLIC_KEY_PEER_ID]),
	                 first);
	/* There is room later. */
	(void)add_peer(200, ROSENPASS_DIALECTS_ALL);
	return result != 0;
}

static void test_no_memory(void **state)
{
	unsigned failing = 0;
	bool has_failed;

	do {
		(void)engine_setup(state);
		has_failed = fail_to_grow(++failing);
		(void)engine_teardown(state);
	} while (has_failed);
	/* Timers, ids (2), sessions, networks (2), slots. */
	assert_int_equal(failing - 1, 7);
}

static void test_ids(void **state)
{
	static const struct {
		uint32_t dialects;
		bool is_listed[KEYED_HASH_COUNT];
	} rows[] = {
		{ ROSENPASS_DIALECT_BIT(ROSENPASS_BLAKE2B_188), { [KEYED_HASH_BLAKE2B] = true } },
		{ ROSENPASS_DIALECT_BIT(ROSENPASS_BLAKE2B_156), { [KEYED_HASH_BLAKE2B] = true } },
		{ ROSENPASS_DIALECT_BIT(ROSENPASS_SHAKE256_156), { [KEYED_HASH_SHAKE256] = true } },
		{ ROSENPASS_DIALECTS_ALL, { [KEYED_HASH_BLAKE2B] = true, [KEYED_HASH_SHAKE256] = true } },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		struct peer *peer = add_peer(1, rows[i].dialects);

		/* The same first bytes: only the whole id counts. */
		for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
			uint8_t id[PUBLIC_KEY_FACT_BYTES];

			memcpy(id, peer->key.facts[hash][PUBLIC_KEY_PEER_ID], sizeof id);
			assert_ptr_equal(peer_table_by_id(&engine, (enum keyed_hash)hash, id),
			                 rows[i].is_listed[hash] ? peer : NULL);
			id[sizeof id - 1] ^= 1;
			assert_null(peer_table_by_id(&engine, (enum keyed_hash)hash, id));
		}
		peer_table_unlist_ids(&engine, peer);
		for (int hash = 0; hash < KEYED_HASH_COUNT; hash++)
			assert_null(peer_table_by_id(&engine, (enum keyed_hash)hash,
			                             peer->key.facts[hash][PUBLIC_KEY_PEER_ID]));
		peer_table_list_ids(&engine, peer);
		peer_table_remove(&engine, peer);
	}
}

static void test_sessions(void **state)
{
	struct peer *peers[2] = { add_peer(1, ROSENPASS_DIALECTS_ALL), add_peer(2, ROSENPASS_DIALECTS_ALL) };
	static const uint8_t sids[2][MESSAGE_SID_BYTES] = { { 1, 2, 3, 4 }, { 1, 2, 3, 5 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		memcpy(peers[i]->own.sidi, sids[i], MESSAGE_SID_BYTES);
		memset(peers[i]->own.ephemeral_seed, 9, sizeof peers[i]->own.ephemeral_seed);
		peers[i]->own.state = ROSENPASS_STATE_INIT_HELLO;
		peer_table_list_sid(&engine, peers[i]);
	}
	assert_ptr_equal(peer_table_by_sid(&engine, sids[0]), peers[0]);
	assert_ptr_equal(peer_table_by_sid(&engine, sids[1]), peers[1]);
	peer_table_abort_handshake(&engine, peers[0]);
	assert_null(peer_table_by_sid(&engine, sids[0]));
	assert_ptr_equal(peer_table_by_sid(&engine, sids[1]), peers[1]);
	assert_int_equal(peers[0]->own.state, ROSENPASS_STATE_IDLE);
	assert_true(fixture_is_zero(peers[0]->own.ephemeral_seed, sizeof peers[0]->own.ephemeral_seed));
}

/* A removed peer leaves nothing: no id, no session, no timer, no output, and its memory is wiped. */
static void test_remove(void **state)
{
	struct peer *peer = add_peer(1, ROSENPASS_DIALECTS_ALL);
	uint8_t id[PUBLIC_KEY_FACT_BYTES];
	uint8_t sid[MESSAGE_SID_BYTES] = { 4, 3, 2, 1 };
	struct rosenpass_output output = { .size = sizeof output };

	(void)state;
	memcpy(id, peer->key.facts[KEYED_HASH_BLAKE2B][PUBLIC_KEY_PEER_ID], sizeof id);
	memcpy(peer->own.sidi, sid, sizeof sid);
	peer->own.state = ROSENPASS_STATE_INIT_HELLO;
	peer->endpoint = address_of(1);
	peer_table_list_sid(&engine, peer);
	peer_table_schedule(&engine, peer);
	outputs_add(&engine.outputs, ROSENPASS_OUTPUT_STALE, NULL, 0)->output.peer = peer->handle;
	peer_table_remove(&engine, peer);
	assert_null(peer_table_by_id(&engine, KEYED_HASH_BLAKE2B, id));
	assert_null(peer_table_by_sid(&engine, sid));
	assert_int_equal(peer_table_deadline(&engine), ROSENPASS_NEVER);
	assert_false(outputs_next(&engine.outputs, &output));
}

/* When a peer is due, by its state. All times are in seconds after START_NS, at which its handshake began. */
static void test_schedule(void **state)
{
	enum reach {
		NOWHERE,
		AT_ENDPOINT,
		ANYWHERE,
		AT_HOME, /* the caller's address: good for what is sent again, not for a new handshake */
	};
	static const struct {
		enum rosenpass_peer_state state;
		enum reach reach;
		uint64_t renewal, next_send, report, key_since;
		uint64_t due; /* 0: never */
	} rows[] = {
		/* Idle: when the next handshake is wanted. */
		{ ROSENPASS_STATE_IDLE, AT_ENDPOINT, 130, 1, 2, 0, 130 },
		{ ROSENPASS_STATE_IDLE, ANYWHERE, 130, 1, 2, 0, 130 },
		{ ROSENPASS_STATE_IDLE, AT_HOME, 130, 1, 2, 0, 0 },
		{ ROSENPASS_STATE_IDLE, NOWHERE, 130, 1, 2, 0, 0 },
		/* A key gets stale wherever the peer is. */
		{ ROSENPASS_STATE_IDLE, NOWHERE, 130, 1, 2, 20, 200 },
		{ ROSENPASS_STATE_IDLE, AT_ENDPOINT, 230, 1, 2, 20, 200 },
		/* Waiting for RespHello: the next transmission, or the end of the handshake; no new one. */
		{ ROSENPASS_STATE_INIT_HELLO, AT_ENDPOINT, 3, 5, 2, 0, 5 },
		{ ROSENPASS_STATE_INIT_HELLO, NOWHERE, 3, 5, 2, 0, 180 },
		{ ROSENPASS_STATE_INIT_HELLO, AT_ENDPOINT, 3, 185, 2, 0, 185 },
		{ ROSENPASS_STATE_INIT_HELLO, AT_HOME, 3, 5, 2, 0, 5 },
		/* Waiting for EmptyData: the report, the transmission, the next handshake. */
		{ ROSENPASS_STATE_INIT_CONF, AT_ENDPOINT, 130, 5, 2, 0, 2 },
		{ ROSENPASS_STATE_INIT_CONF, AT_ENDPOINT, 130, 5, 7, 0, 5 },
		{ ROSENPASS_STATE_INIT_CONF, AT_ENDPOINT, 4, 5, 7, 0, 4 },
		{ ROSENPASS_STATE_INIT_CONF, NOWHERE, 4, 5, 7, 0, 7 },
		{ ROSENPASS_STATE_INIT_CONF, NOWHERE, 4, 5, 999, 0, 180 },
	};
	struct peer *peer = add_peer(1, ROSENPASS_DIALECTS_ALL);

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		memset(&peer->endpoint, 0, sizeof peer->endpoint);
		memset(&peer->home, 0, sizeof peer->home);
		if (rows[i].reach == AT_ENDPOINT)
			peer->endpoint = address_of(1);
		if (rows[i].reach == AT_HOME)
			peer->home = address_of(1);
		peer->discover = rows[i].reach == ANYWHERE;
		peer->has_key = rows[i].key_since != 0;
		peer->key_since_ns = START_NS + rows[i].key_since * ENGINE_SECOND_NS;
		peer->renewal_ns = START_NS + rows[i].renewal * ENGINE_SECOND_NS;
		peer->own.state = rows[i].state;
		peer->own.started_ns = START_NS;
		peer->own.established_ns = START_NS;
		peer->own.next_send_ns = START_NS + rows[i].next_send * ENGINE_SECOND_NS;
		peer->own.report_ns = START_NS + rows[i].report * ENGINE_SECOND_NS;
		peer_table_schedule(&engine, peer);
		if (rows[i].due == 0) {
			assert_int_equal(peer_table_deadline(&engine), ROSENPASS_NEVER);
		} else {
			assert_int_equal(peer_table_deadline(&engine),
			                 START_NS + rows[i].due * ENGINE_SECOND_NS);
		}
	}
	peer->own.state = ROSENPASS_STATE_IDLE;
}

static void test_due(void **state)
{
	struct peer *late = add_peer(1, ROSENPASS_DIALECTS_ALL);
	struct peer *early = add_peer(2, ROSENPASS_DIALECTS_ALL);

	(void)state;
	assert_null(peer_table_due(&engine));
	late->discover = true;
	late->renewal_ns = START_NS + 1;
	peer_table_schedule(&engine, late);
	early->discover = true;
	early->renewal_ns = START_NS;
	peer_table_schedule(&engine, early);
	assert_ptr_equal(peer_table_due(&engine), early);
	peer_table_unschedule(&engine, early);
	assert_null(peer_table_due(&engine));
	engine.now_ns++;
	assert_ptr_equal(peer_table_due(&engine), late);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, engine_setup, engine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handles), cmocka_unit_test(test_no_memory),
		TEST(test_ids),     TEST(test_sessions),
		TEST(test_remove),  TEST(test_schedule),
		TEST(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
