#include "state_fixture.h"

#include "protocol/outbox.h"

static struct peer *peer;

static int setup(void **state)
{
	(void)engine_setup(state);
	peer = add_peer(1, ROSENPASS_DIALECTS_ALL);
	return 0;
}

/* Takes the only output that waits, which must be about the peer. */
static struct rosenpass_output take(enum rosenpass_output_kind kind)
{
	struct rosenpass_output output = { .size = sizeof output };
	struct rosenpass_output more = { .size = sizeof more };

	/* The bytes of the last one are wiped here. */
	outputs_begin(&engine.outputs);
	assert_true(outputs_next(&engine.outputs, &output));
	assert_false(outputs_next(&engine.outputs, &more));
	assert_int_equal(output.kind, kind);
	assert_int_equal(output.peer, peer->handle);
	assert_ptr_equal(output.user, &engine);
	return output;
}

/* Sends an EmptyData without content. Returns true if its cookie is that of `value`. */
static bool send_and_compare(enum keyed_hash hash, const uint8_t *value)
{
	const struct rosenpass_address to = address_of(7);
	uint8_t message[MESSAGE_EMPTY_DATA_BYTES] = { MESSAGE_EMPTY_DATA };
	uint8_t expected[MESSAGE_EMPTY_DATA_BYTES];
	struct rosenpass_output output = { .size = sizeof output };

	outbox_send(&engine, peer, message, sizeof message, hash, &to, true);
	output = take(ROSENPASS_OUTPUT_SEND);
	assert_int_equal(output.length, sizeof message);
	assert_memory_equal(output.data, message, sizeof message);
	assert_memory_equal(&output.address, &to, sizeof to);
	assert_true(output.repeated);
	assert_true(messages_mac_is_right(message, sizeof message, hash,
	                                  peer->key.facts[hash][PUBLIC_KEY_MAC_KEY]));
	memcpy(expected, message, sizeof expected);
	cookie_seal(expected, sizeof expected, value);
	return memcmp(expected, message, sizeof expected) == 0;
}

static void test_send_seals_mac_and_cookie(void **state)
{
	static const uint8_t value[COOKIE_VALUE_BYTES] = { 1, 2, 3 };

	(void)state;
	for (int i = 0; i < KEYED_HASH_COUNT; i++) {
		enum keyed_hash hash = (enum keyed_hash)i;

		peer->has_cookie = false;
		assert_true(send_and_compare(hash, NULL));
		peer->has_cookie = true;
		peer->cookie_since_ns = engine.now_ns - COOKIE_LIFETIME_NS + 1;
		memcpy(peer->cookie, value, sizeof value);
		assert_true(send_and_compare(hash, value));
		/* Too old: wiped, and not used. */
		peer->cookie_since_ns--;
		assert_true(send_and_compare(hash, NULL));
		assert_false(peer->has_cookie);
		assert_true(fixture_is_zero(peer->cookie, sizeof peer->cookie));
	}
	assert_int_equal(engine.stats.sent, 3 * KEYED_HASH_COUNT);
	assert_int_equal(engine.stats.sent_bytes, 3 * KEYED_HASH_COUNT * MESSAGE_EMPTY_DATA_BYTES);
}

static void test_reply_is_left_as_it_is(void **state)
{
	const struct rosenpass_address to = address_of(7);
	uint8_t message[MESSAGE_COOKIE_REPLY_MIN_BYTES];
	struct rosenpass_output output = { .size = sizeof output };

	(void)state;
	memset(message, 9, sizeof message);
	outbox_reply(&engine, message, sizeof message, &to);
	assert_true(outputs_next(&engine.outputs, &output));
	assert_int_equal(output.kind, ROSENPASS_OUTPUT_SEND);
	assert_int_equal(output.peer, 0);
	assert_null(output.user);
	assert_false(output.repeated);
	assert_int_equal(output.length, sizeof message);
	assert_memory_equal(output.data, message, sizeof message);
	assert_memory_equal(&output.address, &to, sizeof to);
	assert_int_equal(engine.stats.sent, 1);
	assert_int_equal(engine.stats.sent_bytes, sizeof message);
}

static void test_key(void **state)
{
	static const struct {
		enum rosenpass_role role;
		uint64_t renewal_ns;
		uint64_t spread_ns;
	} rows[] = {
		{ ROSENPASS_INITIATOR, ENGINE_RENEW_INITIATOR_NS, 0 },
		{ ROSENPASS_RESPONDER, ENGINE_RENEW_RESPONDER_NS, 10 * ENGINE_SECOND_NS },
	};
	uint64_t since_ns = START_NS - 5;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		uint8_t osk[ROSENPASS_KEY_BYTES] = { 7, (uint8_t)i };
		struct rosenpass_output output = { .size = sizeof output };

		peer->has_key = false;
		outbox_key(&engine, peer, osk, rows[i].role, ROSENPASS_BLAKE2B_156, since_ns, i == 1);
		output = take(ROSENPASS_OUTPUT_KEY);
		assert_int_equal(output.length, sizeof osk);
		assert_memory_equal(output.data, osk, sizeof osk);
		assert_int_equal(output.role, rows[i].role);
		assert_int_equal(output.dialect, ROSENPASS_BLAKE2B_156);
		assert_true(peer->has_key);
		assert_int_equal(output.confirmed, i == 1);
		assert_int_equal(peer->confirmed, i == 1);
		assert_true(peer->ever);
		assert_int_equal(peer->role, rows[i].role);
		assert_int_equal(peer->dialect, ROSENPASS_BLAKE2B_156);
		/* The age counts from when the key was made. */
		assert_int_equal(peer->key_since_ns, since_ns);
		assert_in_range(peer->renewal_ns, since_ns + rows[i].renewal_ns - rows[i].spread_ns,
		                since_ns + rows[i].renewal_ns);
		assert_int_equal(peer->exchanges, i + 1);
	}
}

static void test_other_events(void **state)
{
	struct rosenpass_output output = { .size = sizeof output };

	(void)state;
	peer->has_key = true;
	peer->role = ROSENPASS_RESPONDER;
	peer->dialect = ROSENPASS_SHAKE256_156;
	outbox_confirmed(&engine, peer);
	output = take(ROSENPASS_OUTPUT_CONFIRMED);
	assert_int_equal(output.role, ROSENPASS_RESPONDER);
	assert_int_equal(output.dialect, ROSENPASS_SHAKE256_156);
	assert_true(peer->confirmed);
	outbox_stale(&engine, peer);
	output = take(ROSENPASS_OUTPUT_STALE);
	assert_int_equal(output.role, ROSENPASS_RESPONDER);
	assert_int_equal(output.dialect, ROSENPASS_SHAKE256_156);
	assert_false(peer->has_key);
	assert_false(peer->confirmed);

	peer->endpoint = address_of(3);
	outbox_endpoint(&engine, peer);
	output = take(ROSENPASS_OUTPUT_ENDPOINT);
	assert_memory_equal(&output.address, &peer->endpoint, sizeof output.address);

	outbox_timeout(&engine, peer);
	(void)take(ROSENPASS_OUTPUT_TIMEOUT);
	assert_int_equal(peer->timeouts, 1);
	assert_int_equal(engine.stats.sent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_send_seals_mac_and_cookie, setup, engine_teardown),
		cmocka_unit_test_setup_teardown(test_reply_is_left_as_it_is, setup, engine_teardown),
		cmocka_unit_test_setup_teardown(test_key, setup, engine_teardown),
		cmocka_unit_test_setup_teardown(test_other_events, setup, engine_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
