#include "fixture.h"

#include <jansson.h>

#include "rosenpass.h"

#define OWNERS 3

static const char *const owners[OWNERS] = { "alice", "bob", "carol" };
static uint8_t public_keys[OWNERS][ROSENPASS_PUBLIC_KEY_BYTES];
static uint8_t secret_keys[OWNERS][ROSENPASS_SECRET_KEY_BYTES];
static uint8_t old_keys[OWNERS][ROSENPASS_SECRET_KEY_OLD_BYTES];

static int load_keys(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < OWNERS; i++) {
		(void)snprintf(name, sizeof name, "%s.pk", owners[i]);
		fixture_load_key(name, public_keys[i], sizeof public_keys[i]);
		(void)snprintf(name, sizeof name, "%s.sk", owners[i]);
		fixture_load_key(name, secret_keys[i], sizeof secret_keys[i]);
		(void)snprintf(name, sizeof name, "%s.v02.sk", owners[i]);
		fixture_load_key(name, old_keys[i], sizeof old_keys[i]);
	}
	return 0;
}

static struct rosenpass_environment environment(struct fixture_random *random, struct fixture_memory *memory)
{
	return (struct rosenpass_environment){
		.size = sizeof(struct rosenpass_environment),
		.random = fixture_random_fill,
		.random_context = random,
		.allocate = fixture_allocate,
		.release = fixture_release,
		.memory_context = memory,
	};
}

static uint8_t generated_pk[ROSENPASS_PUBLIC_KEY_BYTES];
static uint8_t generated_sk[ROSENPASS_SECRET_KEY_BYTES];
static unsigned keygen_random_calls;
static unsigned keygen_allocations;

static void test_keygen(void **state)
{
	struct fixture_random random = { .state = 1 };
	struct fixture_memory memory = { 0 };
	struct rosenpass_environment env = environment(&random, &memory);

	(void)state;
	assert_int_equal(rosenpass_keygen(generated_pk, generated_sk, &env), 0);
	fixture_memory_check(&memory);
	assert_true(rosenpass_keypair_matches(generated_pk, generated_sk));
	assert_true(random.calls > 0);
	assert_true(memory.calls > 0);
	keygen_random_calls = random.calls;
	keygen_allocations = memory.calls;

	/* With the C library's memory it is the same key. */
	random = (struct fixture_random){ .state = 1 };
	env.allocate = NULL;
	env.release = NULL;
	memset(public_keys[0], 0, sizeof public_keys[0]);
	memset(secret_keys[0], 0, sizeof secret_keys[0]);
	assert_int_equal(rosenpass_keygen(public_keys[0], secret_keys[0], &env), 0);
	assert_memory_equal(public_keys[0], generated_pk, sizeof generated_pk);
	assert_memory_equal(secret_keys[0], generated_sk, sizeof generated_sk);
	(void)load_keys(NULL);
}

static void check_failing_keygen(unsigned random_fails_at, unsigned memory_fails_at, int expected)
{
	static uint8_t untouched[ROSENPASS_PUBLIC_KEY_BYTES];
	struct fixture_random random = { .state = 1, .fails_at = random_fails_at };
	struct fixture_memory memory = { .fails_at = memory_fails_at };
	struct rosenpass_environment env = environment(&random, &memory);

	memset(untouched, 0xa5, sizeof untouched);
	memset(generated_pk, 0xa5, sizeof generated_pk);
	memset(generated_sk, 0xa5, sizeof generated_sk);
	assert_int_equal(rosenpass_keygen(generated_pk, generated_sk, &env), expected);
	assert_memory_equal(generated_pk, untouched, sizeof generated_pk);
	assert_memory_equal(generated_sk, untouched, sizeof generated_sk);
	fixture_memory_check(&memory);
}

static void test_keygen_fails_at_each_call(void **state)
{
	(void)state;
	assert_true(keygen_random_calls > 0 && keygen_allocations > 0);
	for (unsigned i = 1; i <= keygen_random_calls; i++)
		check_failing_keygen(i, 0, ROSENPASS_E_RANDOM);
	for (unsigned i = 1; i <= keygen_allocations; i++)
		check_failing_keygen(0, i, ROSENPASS_E_MEMORY);
}

static void test_keygen_refuses_half_an_environment(void **state)
{
	struct fixture_random random = { .state = 1 };
	struct fixture_memory memory = { 0 };
	struct rosenpass_environment env = environment(&random, &memory);

	(void)state;
	env.random = NULL;
	assert_int_equal(rosenpass_keygen(generated_pk, generated_sk, &env), ROSENPASS_E_ARGUMENT);
	env = environment(&random, &memory);
	env.release = NULL;
	assert_int_equal(rosenpass_keygen(generated_pk, generated_sk, &env), ROSENPASS_E_ARGUMENT);
	assert_int_equal(memory.calls, 0);
	assert_int_equal(random.calls, 0);
}

static void test_import_and_export(void **state)
{
	uint8_t sk[ROSENPASS_SECRET_KEY_BYTES];
	uint8_t old[ROSENPASS_SECRET_KEY_OLD_BYTES];

	(void)state;
	for (int i = 0; i < OWNERS; i++) {
		assert_int_equal(rosenpass_secret_key_import(sk, secret_keys[i], sizeof secret_keys[i]), 0);
		assert_memory_equal(sk, secret_keys[i], sizeof sk);
		rosenpass_secret_key_export_old(old, sk);
		assert_memory_equal(old, old_keys[i], sizeof old);

		/* The older layout lacks the 32 bytes of seed, and nothing else. */
		memset(sk, 0xff, sizeof sk);
		assert_int_equal(rosenpass_secret_key_import(sk, old_keys[i], sizeof old_keys[i]), 0);
		assert_true(fixture_is_zero(sk, 32));
		assert_memory_equal(sk + 32, secret_keys[i] + 32, sizeof sk - 32);
		assert_true(rosenpass_keypair_matches(public_keys[i], sk));
		rosenpass_secret_key_export_old(old, sk);
		assert_memory_equal(old, old_keys[i], sizeof old);
	}
}

static void test_import_refuses_other_lengths(void **state)
{
	static const size_t wrong[] = { 0,     1,     13567,
		                        13569, 13607, 13609,
		                        13600, 20000, ROSENPASS_PUBLIC_KEY_BYTES };
	uint8_t sk[ROSENPASS_SECRET_KEY_BYTES];
	uint8_t untouched[sizeof sk];

	(void)state;
	memset(sk, 0xa5, sizeof sk);
	memset(untouched, 0xa5, sizeof untouched);
	for (size_t i = 0; i < FIXTURE_COUNT(wrong); i++) {
		assert_int_equal(rosenpass_secret_key_import(sk, public_keys[0], wrong[i]),
		                 ROSENPASS_E_ARGUMENT);
		assert_memory_equal(sk, untouched, sizeof sk);
	}
}

static void test_matches(void **state)
{
	(void)state;
	for (int pk = 0; pk < OWNERS; pk++) {
		for (int sk = 0; sk < OWNERS; sk++)
			assert_int_equal(rosenpass_keypair_matches(public_keys[pk], secret_keys[sk]),
			                 pk == sk);
	}
}

static uint64_t position_state;

/* The same numbers on every run. */
static size_t position_below(size_t count)
{
	position_state = position_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(position_state >> 32) % count;
}

/* Bits of key[from] to key[to - 1] are flipped, one at a time, and the pair must not match. */
static void check_damage(uint8_t *key, size_t from, size_t to, unsigned flips, const uint8_t *pk,
                         const uint8_t *sk)
{
	for (unsigned i = 0; i < flips; i++) {
		size_t at = from + position_below(to - from);
		uint8_t bit = (uint8_t)(1U << position_below(8));

		key[at] ^= bit;
		if (rosenpass_keypair_matches(pk, sk))
			fail_msg("bit %u of byte %zu is not looked at", (unsigned)bit, at);
		key[at] ^= bit;
	}
}

static void test_damage_is_noticed(void **state)
{
	/* The secret key: seed, column selection, Goppa polynomial, control bits, s. */
	static const size_t parts[] = { 0, 32, 40, 232, 13032, ROSENPASS_SECRET_KEY_BYTES };
	uint8_t *pk = public_keys[0];
	uint8_t *sk = secret_keys[0];

	(void)state;
	assert_true(rosenpass_keypair_matches(pk, sk));
	check_damage(pk, 0, ROSENPASS_PUBLIC_KEY_BYTES, 200, pk, sk);
	check_damage(pk, 0, 1, 8, pk, sk);
	check_damage(pk, ROSENPASS_PUBLIC_KEY_BYTES - 1, ROSENPASS_PUBLIC_KEY_BYTES, 8, pk, sk);
	for (size_t i = 0; i + 1 < FIXTURE_COUNT(parts); i++)
		check_damage(sk, parts[i], parts[i + 1], i == 3 ? 200 : 50, pk, sk);
	check_damage(sk, ROSENPASS_SECRET_KEY_BYTES - 1, ROSENPASS_SECRET_KEY_BYTES, 8, pk, sk);
	/* Longer pieces: a part of a row, and a block of a file. */
	for (size_t length = 2; length <= 4096; length *= 8) {
		size_t at = position_below(ROSENPASS_PUBLIC_KEY_BYTES - length);

		for (size_t i = 0; i < length; i++)
			pk[at + i] ^= 0xff;
		assert_false(rosenpass_keypair_matches(pk, sk));
		for (size_t i = 0; i < length; i++)
			pk[at + i] ^= 0xff;
	}
	/* The older layout has no seed: whatever decoding needs is checked all the same. */
	assert_int_equal(rosenpass_secret_key_import(sk, old_keys[0], sizeof old_keys[0]), 0);
	check_damage(pk, 0, ROSENPASS_PUBLIC_KEY_BYTES, 20, pk, sk);
	check_damage(sk, parts[2], parts[3], 20, pk, sk);
	(void)load_keys(NULL);
	assert_true(rosenpass_keypair_matches(pk, sk));
}

static const uint8_t *public_key_of(const char *owner)
{
	for (int i = 0; i < OWNERS; i++) {
		if (strcmp(owner, owners[i]) == 0)
			return public_keys[i];
	}
	fail_msg("no key of %s", owner);
	return NULL;
}

static enum rosenpass_dialect dialect_named(const char *name)
{
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		if (strcmp(name, rosenpass_dialect_name((enum rosenpass_dialect)i)) == 0)
			return (enum rosenpass_dialect)i;
	}
	fail_msg("no dialect %s", name);
	return ROSENPASS_BLAKE2B_188;
}

static void check_peer_id(const json_t *test, const char *owner, const char *id_name)
{
	const char *name = json_string_value(json_object_get(test, owner));
	const char *suite = json_string_value(json_object_get(test, "suite"));
	uint8_t expected[ROSENPASS_PEER_ID_BYTES];
	uint8_t id[ROSENPASS_PEER_ID_BYTES];

	assert_non_null(name);
	assert_non_null(suite);
	fixture_hex(json_string_value(json_object_get(test, id_name)), expected, sizeof expected);
	rosenpass_peer_id(id, public_key_of(name), dialect_named(suite));
	assert_memory_equal(id, expected, sizeof expected);
}

static void test_peer_ids(void **state)
{
	json_t *root = json_load_file(TEST_DATA_DIR "/vectors/handshake.json", 0, NULL);
	const json_t *cases = json_object_get(root, "cases");

	(void)state;
	assert_true(json_array_size(cases) > 0);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		check_peer_id(json_array_get(cases, i), "initiator", "pidi");
		check_peer_id(json_array_get(cases, i), "responder", "pidr");
	}
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keygen),
		cmocka_unit_test(test_keygen_fails_at_each_call),
		cmocka_unit_test(test_keygen_refuses_half_an_environment),
		cmocka_unit_test(test_import_and_export),
		cmocka_unit_test(test_import_refuses_other_lengths),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_damage_is_noticed),
		cmocka_unit_test(test_peer_ids),
	};

	return cmocka_run_group_tests(tests, load_keys, NULL);
}
