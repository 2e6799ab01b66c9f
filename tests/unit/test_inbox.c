#include "state_fixture.h"

#include "protocol/inbox.h"

#define BLAKE2B KEYED_HASH_BLAKE2B
#define SHAKE256 KEYED_HASH_SHAKE256
#define HELLO_188 1092
#define HELLO_156 1060
#define RESP_188 1132
#define RESP_156 1100

/* A message of which only type, length and mac are real. */
struct letter {
	uint8_t data[MESSAGE_MAX_BYTES + 1];
	struct rosenpass_datagram datagram;
};

static void write_letter(struct letter *letter, uint8_t type, size_t length, enum keyed_hash hash)
{
	uint64_t seed = type;

	fixture_fill(&seed, letter->data, sizeof letter->data);
	letter->data[0] = type;
	if (length >= MESSAGE_TRAILER_BYTES)
		messages_seal_mac(letter->data, length, hash, engine.own.facts[hash][PUBLIC_KEY_MAC_KEY]);
	letter->datagram = (struct rosenpass_datagram){
		.size = sizeof(struct rosenpass_datagram),
		.data = letter->data,
		.length = length,
		.from = address_of(1),
		/* What the caller left there counts for nothing. */
		.verdict = ROSENPASS_EXCHANGED,
		.peer = 77,
		.claimed_peer = 77,
		.has_claim = true,
	};
}

/* Sorts a single datagram; returns whether it is a message to us. */
static bool sort_one(struct letter *letter, struct inbox_message *message)
{
	size_t count = inbox_sort(&engine, &letter->datagram, 1, message);

	assert_int_equal(letter->datagram.peer, 0);
	assert_int_equal(letter->datagram.claimed_peer, 0);
	assert_false(letter->datagram.has_claim);
	return count == 1;
}

static void test_sizes_and_dialects(void **state)
{
	static const struct {
		uint8_t type;
		size_t length;
		enum keyed_hash hash;
		enum rosenpass_verdict verdict; /* DROPPED_FAILURE, for now: a message */
		enum rosenpass_dialect dialect;
	} rows[] = {
		{ MESSAGE_INIT_HELLO, HELLO_188, BLAKE2B, ROSENPASS_DROPPED_FAILURE, ROSENPASS_BLAKE2B_188 },
		{ MESSAGE_INIT_HELLO, HELLO_156, BLAKE2B, ROSENPASS_DROPPED_FAILURE, ROSENPASS_BLAKE2B_156 },
		{ MESSAGE_INIT_HELLO, HELLO_156, SHAKE256, ROSENPASS_DROPPED_FAILURE,
		  ROSENPASS_SHAKE256_156 },
		{ MESSAGE_RESP_HELLO, RESP_188, BLAKE2B, ROSENPASS_DROPPED_FAILURE, ROSENPASS_BLAKE2B_188 },
		{ MESSAGE_RESP_HELLO, RESP_156, BLAKE2B, ROSENPASS_DROPPED_FAILURE, ROSENPASS_BLAKE2B_156 },
		{ MESSAGE_RESP_HELLO, RESP_156, SHAKE256, ROSENPASS_DROPPED_FAILURE, ROSENPASS_SHAKE256_156 },
		{ MESSAGE_INIT_CONF, 176, BLAKE2B, ROSENPASS_DROPPED_FAILURE, 0 },
		{ MESSAGE_INIT_CONF, 176, SHAKE256, ROSENPASS_DROPPED_FAILURE, 0 },
		{ MESSAGE_EMPTY_DATA, 64, BLAKE2B, ROSENPASS_DROPPED_FAILURE, 0 },
		{ MESSAGE_EMPTY_DATA, 64, SHAKE256, ROSENPASS_DROPPED_FAILURE, 0 },
		/* No dialect has this size under that hash. */
		{ MESSAGE_INIT_HELLO, HELLO_188, SHAKE256, ROSENPASS_DROPPED_MAC, 0 },
		{ MESSAGE_RESP_HELLO, RESP_188, SHAKE256, ROSENPASS_DROPPED_MAC, 0 },
		/* The sizes of other messages, and of none. */
		{ MESSAGE_INIT_HELLO, RESP_188, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ MESSAGE_INIT_HELLO, HELLO_188 - 1, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ MESSAGE_INIT_HELLO, HELLO_188 + 1, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ MESSAGE_RESP_HELLO, HELLO_188, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ MESSAGE_INIT_CONF, 64, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ MESSAGE_EMPTY_DATA, 176, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ MESSAGE_EMPTY_DATA, 3, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ MESSAGE_EMPTY_DATA, 0, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ 0x85, 64, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
		{ 0, 64, BLAKE2B, ROSENPASS_DROPPED_SIZE, 0 },
	};
	struct letter letter;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		bool is_message = rows[i].verdict == ROSENPASS_DROPPED_FAILURE;
		struct inbox_message message;

		write_letter(&letter, rows[i].type, rows[i].length, rows[i].hash);
		assert_int_equal(sort_one(&letter, &message), is_message);
		assert_int_equal(letter.datagram.verdict, rows[i].verdict);
		if (!is_message)
			continue;
		assert_ptr_equal(message.datagram, &letter.datagram);
		assert_int_equal(message.type, rows[i].type);
		assert_int_equal(message.hash, rows[i].hash);
		assert_false(message.in_budget);
		if (rows[i].type == MESSAGE_INIT_HELLO || rows[i].type == MESSAGE_RESP_HELLO)
			assert_int_equal(message.dialect, rows[i].dialect);
	}
}

/* CookieReply has no mac, and any length that holds a cookie. */
static void test_cookie_reply(void **state)
{
	static const struct {
		size_t length;
		bool is_message;
	} rows[] = { { 63, false }, { 64, true }, { HELLO_188, true }, { 1132, true }, { 1133, false } };
	struct letter letter;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		struct inbox_message message;

		write_letter(&letter, MESSAGE_COOKIE_REPLY, rows[i].length, BLAKE2B);
		letter.data[rows[i].length / 2] ^= 1;
		assert_int_equal(sort_one(&letter, &message), rows[i].is_message);
		if (rows[i].is_message)
			assert_int_equal(message.type, MESSAGE_COOKIE_REPLY);
		else
			assert_int_equal(letter.datagram.verdict, ROSENPASS_DROPPED_SIZE);
	}
}

/* The mac covers all before it, and every bit of it counts; the cookie behind it does not. */
static void test_mac(void **state)
{
	const size_t length = MESSAGE_EMPTY_DATA_BYTES;
	struct inbox_message message;
	struct letter letter;

	(void)state;
	for (size_t i = 1; i < length; i++) {
		bool is_message = i >= messages_cookie_offset(length);

		write_letter(&letter, MESSAGE_EMPTY_DATA, length, BLAKE2B);
		letter.data[i] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(sort_one(&letter, &message), is_message);
		assert_int_equal(letter.datagram.verdict,
		                 is_message ? ROSENPASS_DROPPED_FAILURE : ROSENPASS_DROPPED_MAC);
	}
	/* A mac for another key. */
	write_letter(&letter, MESSAGE_EMPTY_DATA, length, BLAKE2B);
	engine.own.facts[BLAKE2B][PUBLIC_KEY_MAC_KEY][0] ^= 1;
	assert_false(sort_one(&letter, &message));
	assert_int_equal(letter.datagram.verdict, ROSENPASS_DROPPED_MAC);
}

static void test_addresses(void **state)
{
	static const struct {
		uint8_t length, group_length;
		bool is_message;
	} rows[] = {
		{ 0, 0, true },
		{ 6, 6, true },
		{ ROSENPASS_ADDRESS_MAX_BYTES, 0, true },
		{ ROSENPASS_ADDRESS_MAX_BYTES + 1, 0, false },
		{ 6, 7, false },
	};
	struct letter letter;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		struct inbox_message message;

		write_letter(&letter, MESSAGE_EMPTY_DATA, MESSAGE_EMPTY_DATA_BYTES, BLAKE2B);
		letter.datagram.from.length = rows[i].length;
		letter.datagram.from.group_length = rows[i].group_length;
		assert_int_equal(sort_one(&letter, &message), rows[i].is_message);
		if (!rows[i].is_message)
			assert_int_equal(letter.datagram.verdict, ROSENPASS_DROPPED_SIZE);
	}
}

/* Short ones first, then RespHellos, then InitHellos, each in the order of arrival. */
static void test_order(void **state)
{
	static const uint8_t arriving[] = { MESSAGE_INIT_HELLO, MESSAGE_EMPTY_DATA,
		                            MESSAGE_RESP_HELLO, 0x85,
		                            MESSAGE_INIT_HELLO, MESSAGE_INIT_CONF,
		                            MESSAGE_RESP_HELLO, MESSAGE_COOKIE_REPLY };
	static const size_t expected[] = { 1, 5, 7, 2, 6, 0, 4 };
	struct letter letters[FIXTURE_COUNT(arriving)];
	struct rosenpass_datagram datagrams[FIXTURE_COUNT(arriving)];
	struct inbox_message messages[FIXTURE_COUNT(arriving)];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(arriving); i++) {
		size_t length = arriving[i] == MESSAGE_INIT_HELLO   ? HELLO_156
		                : arriving[i] == MESSAGE_RESP_HELLO ? RESP_156
		                : arriving[i] == MESSAGE_INIT_CONF  ? MESSAGE_INIT_CONF_BYTES
		                                                    : MESSAGE_EMPTY_DATA_BYTES;

		write_letter(&letters[i], arriving[i], length, BLAKE2B);
		datagrams[i] = letters[i].datagram;
	}
	assert_int_equal(inbox_sort(&engine, datagrams, FIXTURE_COUNT(arriving), messages),
	                 FIXTURE_COUNT(expected));
	for (size_t i = 0; i < FIXTURE_COUNT(expected); i++)
		assert_ptr_equal(messages[i].datagram, &datagrams[expected[i]]);
	assert_int_equal(datagrams[3].verdict, ROSENPASS_DROPPED_SIZE);
}

/* --- load --- */

static uint64_t tell_time(void *context)
{
	(void)context;
	return START_NS;
}

enum load {
	IDLE,    /* the engine has no clock and is not said to be under load */
	IN_TIME, /* the budget has something left */
	USED_UP, /* the budget of senders without a cookie is used up */
	TOLD,    /* the caller says: under load */
};

static void set_load(enum load load)
{
	engine.under_load = load == TOLD;
	engine.clock = load == IN_TIME || load == USED_UP ? tell_time : NULL;
	engine.load_until_ns = 0;
	budget_start(&engine.budget, START_NS);
	/* What senders with a cookie may use, of the total, is left. */
	if (load == USED_UP) {
		engine.budget.debt_ns = 2 * BUDGET_BURST_NS;
		engine.budget.reserve_ns = 2 * BUDGET_BURST_NS;
	}
}

/* An InitHello whose cookie is that of a host, or zero for host 0. */
static void write_hello(struct letter *letter, uint8_t host)
{
	struct rosenpass_address of = address_of(host);
	uint8_t value[COOKIE_VALUE_BYTES];

	write_letter(letter, MESSAGE_INIT_HELLO, HELLO_156, SHAKE256);
	cookie_value(value, engine.cookie_secrets.secret[0], of.bytes, of.length);
	cookie_seal(letter->data, HELLO_156, host == 0 ? NULL : value);
}

static void test_admission(void **state)
{
	static const struct {
		enum load load;
		uint8_t cookie_of; /* the InitHello comes from 1 */
		bool has_share;
		bool is_admitted;
		bool in_budget;
		enum rosenpass_verdict verdict;
	} rows[] = {
		{ IDLE, 0, true, true, false, 0 },
		{ IDLE, 2, true, true, false, 0 },
		{ IN_TIME, 0, true, true, true, 0 },
		{ IN_TIME, 1, true, true, false, 0 },
		{ IN_TIME, 1, false, true, true, 0 },
		{ USED_UP, 0, true, false, false, ROSENPASS_COOKIE_SENT },
		{ USED_UP, 2, true, false, false, ROSENPASS_COOKIE_SENT },
		{ USED_UP, 1, true, true, false, 0 },
		{ USED_UP, 1, false, false, false, ROSENPASS_DROPPED_LOAD },
		{ TOLD, 0, true, false, false, ROSENPASS_COOKIE_SENT },
		{ TOLD, 2, true, false, false, ROSENPASS_COOKIE_SENT },
		{ TOLD, 1, true, true, false, 0 },
		{ TOLD, 1, false, false, false, ROSENPASS_DROPPED_LOAD },
	};
	const struct rosenpass_address from = address_of(1);
	struct letter letter;

	(void)state;
	assert_int_equal(cookie_secrets_renew(&engine.cookie_secrets, engine.now_ns, &engine.random), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(rows); i++) {
		bool is_marked = rows[i].load == USED_UP && !rows[i].is_admitted;
		struct inbox_message message;
		struct rosenpass_output output = { .size = sizeof output };

		set_load(rows[i].load);
		memset(&engine.rate_limit, 0, sizeof engine.rate_limit);
		memset(&engine.replays, 0, sizeof engine.replays);
		while (!rows[i].has_share && rate_limit_take(&engine.rate_limit, &from, engine.now_ns))
			continue;
		write_hello(&letter, rows[i].cookie_of);
		assert_true(sort_one(&letter, &message));
		assert_int_equal(inbox_admit_hello(&engine, &message), rows[i].is_admitted);
		assert_int_equal(message.in_budget, rows[i].in_budget);
		if (!rows[i].is_admitted)
			assert_int_equal(letter.datagram.verdict, rows[i].verdict);
		assert_int_equal(engine.load_until_ns, is_marked ? engine.now_ns + ENGINE_CALM_NS : 0);
		assert_int_equal(outputs_next(&engine.outputs, &output),
		                 !rows[i].is_admitted && rows[i].verdict == ROSENPASS_COOKIE_SENT);
		outputs_begin(&engine.outputs);
	}
}

/* CookieReply is as long as the InitHello, names its session and goes where it came from. */
static void test_cookie_is_demanded(void **state)
{
	const struct rosenpass_address from = address_of(1);
	uint8_t expected[COOKIE_VALUE_BYTES];
	uint8_t value[COOKIE_VALUE_BYTES];
	struct rosenpass_output output = { .size = sizeof output };
	struct inbox_message message;
	struct cookie_reply reply;
	struct letter letter;
	uint8_t data[HELLO_156];

	(void)state;
	set_load(TOLD);
	write_hello(&letter, 0);
	assert_true(sort_one(&letter, &message));
	assert_false(inbox_admit_hello(&engine, &message));
	assert_true(outputs_next(&engine.outputs, &output));
	assert_int_equal(output.kind, ROSENPASS_OUTPUT_SEND);
	assert_memory_equal(&output.address, &from, sizeof from);
	assert_int_equal(output.length, HELLO_156);
	memcpy(data, output.data, sizeof data);
	assert_int_equal(data[0], MESSAGE_COOKIE_REPLY);
	assert_int_equal(messages_cookie_reply(&reply, data, sizeof data), 0);
	assert_memory_equal(reply.sid, letter.data + MESSAGE_HEADER_BYTES, MESSAGE_SID_BYTES);
	assert_int_equal(cookie_reply_open(value, engine.own.facts[SHAKE256][PUBLIC_KEY_COOKIE_KEY],
	                                   reply.sealed, letter.data + messages_mac_offset(HELLO_156)),
	                 0);
	cookie_value(expected, engine.cookie_secrets.secret[0], from.bytes, from.length);
	assert_memory_equal(value, expected, sizeof value);
}

/* Without random bytes nobody is asked for a cookie: two draws make one. */
static void test_no_random_bytes(void **state)
{
	struct rosenpass_output output = { .size = sizeof output };

	(void)state;
	set_load(TOLD);
	for (unsigned failing = 1; failing <= 2; failing++) {
		struct inbox_message message;
		struct letter letter;

		memset(&engine.cookie_secrets, 0, sizeof engine.cookie_secrets);
		write_hello(&letter, 0);
		assert_true(sort_one(&letter, &message));
		randomness.fails_at = randomness.calls + failing;
		assert_false(inbox_admit_hello(&engine, &message));
		assert_int_equal(letter.datagram.verdict, ROSENPASS_DROPPED_FAILURE);
		assert_false(outputs_next(&engine.outputs, &output));
	}
}

/* --- identity --- */

static void test_identity(void **state)
{
	const size_t length = MESSAGE_EMPTY_DATA_BYTES;
	uint8_t identity[KEYED_HASH_OUT_BYTES];
	uint8_t other[KEYED_HASH_OUT_BYTES];
	struct letter letter;

	(void)state;
	write_letter(&letter, MESSAGE_EMPTY_DATA, length, BLAKE2B);
	inbox_identity(&engine, identity, letter.data, length);
	for (size_t i = 0; i < length; i++) {
		letter.data[i] ^= 1;
		inbox_identity(&engine, other, letter.data, length);
		letter.data[i] ^= 1;
		/* The cookie changes from copy to copy. */
		assert_int_equal(memcmp(identity, other, sizeof other) == 0,
		                 i >= messages_cookie_offset(length));
	}
	/* Nobody else can compute it. */
	engine.identity_key[0] ^= 1;
	inbox_identity(&engine, other, letter.data, length);
	assert_memory_not_equal(identity, other, sizeof other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, engine_setup, engine_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sizes_and_dialects), TEST(test_cookie_reply),    TEST(test_mac),
		TEST(test_addresses),          TEST(test_order),           TEST(test_admission),
		TEST(test_cookie_is_demanded), TEST(test_no_random_bytes), TEST(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
