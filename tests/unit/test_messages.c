#include "fixture.h"

#include "protocol/messages.h"

#define LONGEST 1200

/* What PROTOCOL.md sections 1 and 3 say, in numbers. */
static const struct {
	enum rosenpass_dialect dialect;
	enum keyed_hash hash;
	size_t skem_ct_bytes;
	size_t init_hello_bytes;
	size_t resp_hello_bytes;
} dialects[] = {
	{ ROSENPASS_BLAKE2B_188, KEYED_HASH_BLAKE2B, 188, 1092, 1132 },
	{ ROSENPASS_BLAKE2B_156, KEYED_HASH_BLAKE2B, 156, 1060, 1100 },
	{ ROSENPASS_SHAKE256_156, KEYED_HASH_SHAKE256, 156, 1060, 1100 },
};

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(FIXTURE_COUNT(dialects), ROSENPASS_DIALECT_COUNT);
	for (size_t i = 0; i < FIXTURE_COUNT(dialects); i++) {
		enum rosenpass_dialect dialect = dialects[i].dialect;

		assert_int_equal(messages_dialect_hash(dialect), dialects[i].hash);
		assert_int_equal(messages_dialect_skem_ct_bytes(dialect), dialects[i].skem_ct_bytes);
		assert_int_equal(messages_init_hello_bytes(dialect), dialects[i].init_hello_bytes);
		assert_int_equal(messages_resp_hello_bytes(dialect), dialects[i].resp_hello_bytes);
	}
	assert_int_equal(MESSAGE_INIT_CONF_BYTES, 176);
	assert_int_equal(MESSAGE_EMPTY_DATA_BYTES, 64);
	assert_int_equal(MESSAGE_COOKIE_REPLY_MIN_BYTES, 4 + 4 + 56);
	assert_int_equal(MESSAGE_INIT_HELLO_MAX_BYTES, 1092);
	assert_int_equal(MESSAGE_RESP_HELLO_MAX_BYTES, 1132);
	assert_int_equal(MESSAGE_MAX_BYTES, ROSENPASS_DATAGRAM_MAX_BYTES);
}

/* The fields of a message in the order of the wire, each with its size in the specification. */
struct field {
	const uint8_t *at;
	size_t bytes;
};

static void check_fields(const uint8_t *buffer, const struct field *fields, size_t count, size_t end)
{
	size_t offset = 4;

	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(fields[i].at, buffer + offset);
		offset += fields[i].bytes;
	}
	assert_int_equal(offset, end);
}

static void test_layouts_leave_no_gap(void **state)
{
	uint8_t buffer[LONGEST];
	struct init_conf conf;
	struct empty_data empty;
	struct cookie_reply cookie;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(dialects); i++) {
		size_t skem = dialects[i].skem_ct_bytes;
		size_t init_bytes = dialects[i].init_hello_bytes;
		size_t resp_bytes = dialects[i].resp_hello_bytes;
		struct init_hello init;
		struct resp_hello resp;

		assert_int_equal(messages_init_hello(&init, dialects[i].dialect, buffer, init_bytes), 0);
		check_fields(buffer,
		             (const struct field[]){ { init.sidi, 4 },
		                                     { init.epki, 800 },
		                                     { init.sctr, skem },
		                                     { init.pidi_ct, 48 },
		                                     { init.auth, 16 } },
		             5, messages_mac_offset(init_bytes));
		assert_int_equal(messages_resp_hello(&resp, dialects[i].dialect, buffer, resp_bytes), 0);
		check_fields(buffer,
		             (const struct field[]){ { resp.sidr, 4 },
		                                     { resp.sidi, 4 },
		                                     { resp.ecti, 768 },
		                                     { resp.scti, skem },
		                                     { resp.auth, 16 },
		                                     { resp.biscuit_ct, 116 } },
		             6, messages_mac_offset(resp_bytes));
	}
	assert_int_equal(messages_init_conf(&conf, buffer, 176), 0);
	check_fields(
		buffer,
		(const struct field[]){
			{ conf.sidi, 4 }, { conf.sidr, 4 }, { conf.biscuit_ct, 116 }, { conf.auth, 16 } },
		4, messages_mac_offset(176));
	assert_int_equal(messages_empty_data(&empty, buffer, 64), 0);
	check_fields(buffer,
	             (const struct field[]){ { empty.sid, 4 }, { empty.counter, 8 }, { empty.auth, 16 } }, 3,
	             messages_mac_offset(64));
	assert_int_equal(messages_cookie_reply(&cookie, buffer, 64), 0);
	check_fields(buffer, (const struct field[]){ { cookie.sid, 4 }, { cookie.sealed, 56 } }, 2, 64);
}

static void test_mac_and_cookie_end_the_envelope(void **state)
{
	(void)state;
	for (size_t length = MESSAGE_TRAILER_BYTES; length <= LONGEST; length++) {
		assert_int_equal(messages_mac_offset(length) + 16, messages_cookie_offset(length));
		assert_int_equal(messages_cookie_offset(length) + 16, length);
	}
}

/* Every layout over every length but the right one: -1, and what the caller had is untouched. */
static void test_wrong_lengths_are_refused(void **state)
{
	uint8_t buffer[LONGEST];
	union {
		struct init_hello init_hello;
		struct resp_hello resp_hello;
		struct init_conf init_conf;
		struct empty_data empty_data;
		struct cookie_reply cookie_reply;
		uint8_t bytes[sizeof(struct resp_hello)];
	} m;
	uint8_t untouched[sizeof m];

	(void)state;
	memset(untouched, 0xa5, sizeof untouched);
	for (size_t length = 0; length <= LONGEST; length++) {
		for (size_t i = 0; i < FIXTURE_COUNT(dialects); i++) {
			enum rosenpass_dialect dialect = dialects[i].dialect;

			memset(&m, 0xa5, sizeof m);
			if (length != dialects[i].init_hello_bytes) {
				assert_int_equal(messages_init_hello(&m.init_hello, dialect, buffer, length),
				                 -1);
				assert_memory_equal(&m, untouched, sizeof m);
			}
			if (length != dialects[i].resp_hello_bytes) {
				assert_int_equal(messages_resp_hello(&m.resp_hello, dialect, buffer, length),
				                 -1);
				assert_memory_equal(&m, untouched, sizeof m);
			}
		}
		memset(&m, 0xa5, sizeof m);
		if (length != 176)
			assert_int_equal(messages_init_conf(&m.init_conf, buffer, length), -1);
		if (length != 64)
			assert_int_equal(messages_empty_data(&m.empty_data, buffer, length), -1);
		if (length < 64)
			assert_int_equal(messages_cookie_reply(&m.cookie_reply, buffer, length), -1);
		if (length != 176 && length < 64)
			assert_memory_equal(&m, untouched, sizeof m);
	}
}

static uint32_t expected_dialects(unsigned type, size_t length)
{
	uint32_t found = 0;

	switch (type) {
	case 0x81:
		for (size_t i = 0; i < FIXTURE_COUNT(dialects); i++)
			found |= length == dialects[i].init_hello_bytes ? 1u << dialects[i].dialect : 0;
		return found;
	case 0x82:
		for (size_t i = 0; i < FIXTURE_COUNT(dialects); i++)
			found |= length == dialects[i].resp_hello_bytes ? 1u << dialects[i].dialect : 0;
		return found;
	case 0x83:
		return length == 176 ? 7 : 0;
	case 0x84:
		return length == 64 ? 7 : 0;
	case 0x86:
		return length >= 64 && length <= 1132 ? 7 : 0;
	default:
		return 0;
	}
}

static void test_classify_every_type_and_length(void **state)
{
	(void)state;
	for (size_t length = 0; length <= LONGEST; length++) {
		/* Of exactly that size, so that reading too far is seen by the sanitizers. */
		uint8_t *message = malloc(length + (length == 0));

		assert_non_null(message);
		for (unsigned type = 0; type <= UINT8_MAX; type++) {
			if (length > 0)
				message[0] = (uint8_t)type;
			assert_int_equal(messages_classify(message, length), expected_dialects(type, length));
		}
		free(message);
	}
}

static void test_set_type(void **state)
{
	uint8_t message[8];
	const uint8_t expected[8] = { 0x83, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	memset(message, 0xff, sizeof message);
	messages_set_type(message, MESSAGE_INIT_CONF);
	assert_memory_equal(message, expected, sizeof message);
}

static void test_mac(void **state)
{
	uint64_t random = 1;
	uint8_t message[MESSAGE_INIT_CONF_BYTES];
	uint8_t before[MESSAGE_INIT_CONF_BYTES];
	uint8_t key[KEYED_HASH_KEY_BYTES];
	uint8_t mac[KEYED_HASH_OUT_BYTES];
	size_t offset = sizeof message - 32;

	(void)state;
	for (int i = 0; i < KEYED_HASH_COUNT; i++) {
		enum keyed_hash hash = (enum keyed_hash)i;
		enum keyed_hash other = (enum keyed_hash)(1 - i);

		fixture_fill(&random, message, sizeof message);
		fixture_fill(&random, key, sizeof key);
		memcpy(before, message, sizeof before);
		messages_seal_mac(message, sizeof message, hash, key);
		keyed_hash(hash, mac, key, before, offset);
		assert_memory_equal(message, before, offset);
		assert_memory_equal(message + offset, mac, 16);
		assert_memory_equal(message + offset + 16, before + offset + 16, 16);

		assert_true(messages_mac_is_right(message, sizeof message, hash, key));
		assert_false(messages_mac_is_right(message, sizeof message, other, key));
		for (size_t at = 0; at < sizeof message; at++) {
			message[at] ^= (uint8_t)(1u << at % 8);
			/* The mac does not cover the cookie. */
			assert_int_equal(messages_mac_is_right(message, sizeof message, hash, key),
			                 at >= offset + 16);
			message[at] ^= (uint8_t)(1u << at % 8);
		}
		for (size_t at = 0; at < sizeof key; at++) {
			key[at] ^= 1;
			assert_false(messages_mac_is_right(message, sizeof message, hash, key));
			key[at] ^= 1;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_layouts_leave_no_gap),
		cmocka_unit_test(test_mac_and_cookie_end_the_envelope),
		cmocka_unit_test(test_wrong_lengths_are_refused),
		cmocka_unit_test(test_classify_every_type_and_length),
		cmocka_unit_test(test_set_type),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
