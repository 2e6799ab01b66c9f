#include "fixture.h"

#include <jansson.h>

#include "protocol/cookie.h"
#include "protocol/labels.h"
#include "protocol/public_key.h"

#define START_NS (1000 * FIXTURE_SECOND_NS)
#define HOST_MAX_BYTES 64

static const uint8_t host[] = { 10, 0, 0, 1, 0x0f, 0x27 };

static void get_hex(const json_t *test, const char *name, uint8_t *out, size_t out_len)
{
	fixture_hex(json_string_value(json_object_get(test, name)), out, out_len);
}

static void check_reply_flips(const uint8_t *key, uint8_t *sealed, uint8_t *mac)
{
	uint8_t value[COOKIE_VALUE_BYTES];

	for (size_t at = 0; at < MESSAGE_COOKIE_SEALED_BYTES; at++) {
		sealed[at] ^= 0x10;
		assert_int_equal(cookie_reply_open(value, key, sealed, mac), -1);
		assert_true(fixture_is_zero(value, sizeof value));
		sealed[at] ^= 0x10;
	}
	for (size_t at = 0; at < MESSAGE_MAC_BYTES; at++) {
		mac[at] ^= 0x10;
		assert_int_equal(cookie_reply_open(value, key, sealed, mac), -1);
		mac[at] ^= 0x10;
	}
}

static void check_vector(const json_t *test, struct public_key *replier)
{
	const char *host_hex = json_string_value(json_object_get(test, "host"));
	uint8_t secret[COOKIE_SECRET_BYTES];
	uint8_t vector_host[HOST_MAX_BYTES];
	uint8_t expected_value[COOKIE_VALUE_BYTES];
	uint8_t expected_key[AEAD_KEY_BYTES];
	uint8_t expected_sealed[MESSAGE_COOKIE_SEALED_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];
	uint8_t mac[MESSAGE_MAC_BYTES];
	uint8_t value[COOKIE_VALUE_BYTES];
	uint8_t sealed[MESSAGE_COOKIE_SEALED_BYTES];
	size_t host_len;

	assert_non_null(host_hex);
	host_len = strlen(host_hex) / 2;
	assert_true(host_len <= sizeof vector_host);
	fixture_hex(host_hex, vector_host, host_len);
	get_hex(test, "cookie_secret", secret, sizeof secret);
	get_hex(test, "cookie_value", expected_value, sizeof expected_value);
	get_hex(test, "cookie_key", expected_key, sizeof expected_key);
	get_hex(test, "cookie_encrypted", expected_sealed, sizeof expected_sealed);
	get_hex(test, "nonce", nonce, sizeof nonce);
	get_hex(test, "mac", mac, sizeof mac);

	cookie_value(value, secret, vector_host, host_len);
	assert_memory_equal(value, expected_value, sizeof value);
	assert_memory_equal(public_key_fact(replier, KEYED_HASH_SHAKE256, PUBLIC_KEY_COOKIE_KEY),
	                    expected_key, sizeof expected_key);
	cookie_reply_seal(sealed, expected_key, nonce, value, mac);
	assert_memory_equal(sealed, expected_sealed, sizeof sealed);
	memset(value, 0xff, sizeof value);
	assert_int_equal(cookie_reply_open(value, expected_key, sealed, mac), 0);
	assert_memory_equal(value, expected_value, sizeof value);
	check_reply_flips(expected_key, sealed, mac);
}

static void test_vectors(void **state)
{
	static uint8_t bytes[ROSENPASS_PUBLIC_KEY_BYTES];
	struct public_key replier;
	json_t *root = json_load_file(TEST_DATA_DIR "/vectors/cookie.json", 0, NULL);
	const json_t *cases = json_object_get(root, "cases");

	(void)state;
	assert_true(json_array_size(cases) > 0);
	fixture_load_key("bob.pk", bytes, sizeof bytes);
	public_key_init(&replier, bytes);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *test = json_array_get(cases, i);

		assert_string_equal(json_string_value(json_object_get(test, "spkm")), "bob");
		check_vector(test, &replier);
	}
	json_decref(root);
}

/* cookie = lhash("cookie", value, all before the field)[0..16], with SHAKE256. */
static void test_field(void **state)
{
	uint64_t random = 1;
	uint8_t message[MESSAGE_INIT_CONF_BYTES];
	uint8_t before[MESSAGE_INIT_CONF_BYTES];
	uint8_t value[COOKIE_VALUE_BYTES];
	uint8_t expected[KEYED_HASH_OUT_BYTES];
	size_t offset = sizeof message - 16;

	(void)state;
	fixture_fill(&random, message, sizeof message);
	fixture_fill(&random, value, sizeof value);
	memcpy(before, message, sizeof before);
	keyed_hash(KEYED_HASH_SHAKE256, expected, labels[KEYED_HASH_SHAKE256][LABEL_COOKIE], value,
	           sizeof value);
	keyed_hash(KEYED_HASH_SHAKE256, expected, expected, message, offset);
	cookie_seal(message, sizeof message, value);
	assert_memory_equal(message, before, offset);
	assert_memory_equal(message + offset, expected, 16);
	cookie_seal(message, sizeof message, NULL);
	assert_memory_equal(message, before, offset);
	assert_true(fixture_is_zero(message + offset, 16));
}

/* An InitHello-sized message with the cookie that the newest secret gives for the host. */
static void seal_for_host(const struct cookie_secrets *secrets, uint8_t *message, size_t length)
{
	uint8_t value[COOKIE_VALUE_BYTES];

	cookie_value(value, secrets->secret[0], host, sizeof host);
	cookie_seal(message, length, value);
}

static void test_only_the_right_cookie_is_right(void **state)
{
	struct fixture_random random = { .state = 2 };
	struct random_source source = fixture_random_source(&random);
	struct cookie_secrets secrets = { 0 };
	uint8_t message[MESSAGE_INIT_HELLO_MAX_BYTES];
	uint8_t elsewhere[sizeof host];

	(void)state;
	fixture_fill(&random.state, message, sizeof message);
	assert_false(cookie_is_right(&secrets, START_NS, host, sizeof host, message, sizeof message));
	assert_int_equal(cookie_secrets_renew(&secrets, START_NS, &source), 0);
	assert_false(cookie_is_right(&secrets, START_NS, host, sizeof host, message, sizeof message));
	seal_for_host(&secrets, message, sizeof message);
	assert_true(cookie_is_right(&secrets, START_NS, host, sizeof host, message, sizeof message));
	for (size_t at = 0; at < sizeof message; at++) {
		message[at] ^= (uint8_t)(1u << at % 8);
		assert_false(cookie_is_right(&secrets, START_NS, host, sizeof host, message, sizeof message));
		message[at] ^= (uint8_t)(1u << at % 8);
	}
	for (size_t at = 0; at < sizeof host; at++) {
		memcpy(elsewhere, host, sizeof host);
		elsewhere[at] ^= 1;
		assert_false(cookie_is_right(&secrets, START_NS, elsewhere, sizeof elsewhere, message,
		                             sizeof message));
	}
	assert_false(cookie_is_right(&secrets, START_NS, host, sizeof host - 1, message, sizeof message));
	/* A field of zeros, as everybody has it who knows no cookie. */
	cookie_seal(message, sizeof message, NULL);
	assert_false(cookie_is_right(&secrets, START_NS, host, sizeof host, message, sizeof message));
}

/* A secret is used for 120 s and holds for 120 s more, whether or not a new one came meanwhile. */
static void check_expiry(uint64_t renewed_after_ns)
{
	struct fixture_random random = { .state = 3 };
	struct random_source source = fixture_random_source(&random);
	struct cookie_secrets secrets = { 0 };
	uint8_t message[MESSAGE_INIT_HELLO_MAX_BYTES] = { 0x81 };
	uint64_t end_ns = START_NS + 240 * FIXTURE_SECOND_NS;
	uint8_t first[COOKIE_SECRET_BYTES];

	assert_int_equal(cookie_secrets_renew(&secrets, START_NS, &source), 0);
	memcpy(first, secrets.secret[0], sizeof first);
	seal_for_host(&secrets, message, sizeof message);
	assert_int_equal(cookie_secrets_renew(&secrets, START_NS + 120 * FIXTURE_SECOND_NS - 1, &source), 0);
	assert_memory_equal(secrets.secret[0], first, sizeof first);
	assert_int_equal(random.calls, 1);
	if (renewed_after_ns > 0) {
		assert_int_equal(cookie_secrets_renew(&secrets, START_NS + renewed_after_ns, &source), 0);
		assert_memory_not_equal(secrets.secret[0], first, sizeof first);
		assert_int_equal(random.calls, 2);
	}
	assert_true(cookie_is_right(&secrets, end_ns - 1, host, sizeof host, message, sizeof message));
	assert_false(cookie_is_right(&secrets, end_ns, host, sizeof host, message, sizeof message));
}

static void test_expiry(void **state)
{
	(void)state;
	check_expiry(0);
	check_expiry(120 * FIXTURE_SECOND_NS);
	check_expiry(200 * FIXTURE_SECOND_NS);
}

static void test_expired_secrets_are_wiped(void **state)
{
	struct fixture_random random = { .state = 4 };
	struct random_source source = fixture_random_source(&random);
	struct cookie_secrets secrets = { 0 };

	(void)state;
	assert_int_equal(cookie_secrets_renew(&secrets, START_NS, &source), 0);
	assert_int_equal(cookie_secrets_renew(&secrets, START_NS + 240 * FIXTURE_SECOND_NS, &source), 0);
	assert_true(secrets.present[0]);
	assert_false(secrets.present[1]);
	assert_true(fixture_is_zero(secrets.secret[1], sizeof secrets.secret[1]));
}

/* Each secret is wiped 240 s after it was made, and until then that is when the engine wants to wake up. */
static void test_expire(void **state)
{
	struct fixture_random random = { .state = 6 };
	struct random_source source = fixture_random_source(&random);
	struct cookie_secrets secrets = { 0 };
	uint64_t second_ns = START_NS + 150 * FIXTURE_SECOND_NS;

	(void)state;
	assert_int_equal(cookie_secrets_deadline(&secrets), ROSENPASS_NEVER);
	assert_int_equal(cookie_secrets_renew(&secrets, START_NS, &source), 0);
	assert_int_equal(cookie_secrets_renew(&secrets, second_ns, &source), 0);
	assert_int_equal(cookie_secrets_deadline(&secrets), START_NS + 240 * FIXTURE_SECOND_NS);
	cookie_secrets_expire(&secrets, START_NS + 240 * FIXTURE_SECOND_NS - 1);
	assert_true(secrets.present[0] && secrets.present[1]);
	cookie_secrets_expire(&secrets, START_NS + 240 * FIXTURE_SECOND_NS);
	assert_true(secrets.present[0] && !secrets.present[1]);
	assert_true(fixture_is_zero(secrets.secret[1], sizeof secrets.secret[1]));
	assert_false(fixture_is_zero(secrets.secret[0], sizeof secrets.secret[0]));
	assert_int_equal(cookie_secrets_deadline(&secrets), second_ns + 240 * FIXTURE_SECOND_NS);
	cookie_secrets_expire(&secrets, second_ns + 240 * FIXTURE_SECOND_NS);
	assert_true(fixture_is_zero(secrets.secret, sizeof secrets.secret));
	assert_int_equal(cookie_secrets_deadline(&secrets), ROSENPASS_NEVER);
}

static void test_failing_random_source(void **state)
{
	struct fixture_random random = { .state = 5, .fails_at = 1 };
	struct random_source source = fixture_random_source(&random);
	struct cookie_secrets secrets = { 0 };
	uint8_t message[MESSAGE_INIT_HELLO_MAX_BYTES] = { 0x81 };
	uint64_t later_ns = START_NS + 120 * FIXTURE_SECOND_NS;

	(void)state;
	assert_int_equal(cookie_secrets_renew(&secrets, START_NS, &source), -1);
	assert_false(secrets.present[0]);
	assert_int_equal(cookie_secrets_renew(&secrets, START_NS, &source), 0);
	seal_for_host(&secrets, message, sizeof message);
	random.fails_at = 3;
	assert_int_equal(cookie_secrets_renew(&secrets, later_ns, &source), -1);
	assert_true(cookie_is_right(&secrets, later_ns, host, sizeof host, message, sizeof message));
	assert_int_equal(cookie_secrets_renew(&secrets, later_ns, &source), 0);
	assert_int_equal(random.calls, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_only_the_right_cookie_is_right),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_expired_secrets_are_wiped),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_failing_random_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
