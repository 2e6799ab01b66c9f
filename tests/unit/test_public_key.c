#include "fixture.h"

#include "protocol/labels.h"
#include "protocol/public_key.h"
#include "rosenpass.h"

static const enum label label_of[] = {
	[PUBLIC_KEY_MAC_KEY] = LABEL_MAC,           [PUBLIC_KEY_PEER_ID] = LABEL_PEER_ID,
	[PUBLIC_KEY_CK_INIT] = LABEL_CK_INIT,       [PUBLIC_KEY_BISCUIT_AD] = LABEL_BISCUIT_AD,
	[PUBLIC_KEY_COOKIE_KEY] = LABEL_COOKIE_KEY,
};

static uint8_t bytes[ROSENPASS_PUBLIC_KEY_BYTES];

static void test_facts_are_hashes_of_the_key(void **state)
{
	struct public_key key;

	(void)state;
	assert_int_equal(FIXTURE_COUNT(label_of), PUBLIC_KEY_FACT_COUNT);
	fixture_load_key("alice.pk", bytes, sizeof bytes);
	memset(&key, 0xff, sizeof key);
	public_key_init(&key, bytes);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		for (int fact = 0; fact < PUBLIC_KEY_FACT_COUNT; fact++) {
			enum keyed_hash h = (enum keyed_hash)hash;
			uint8_t expected[PUBLIC_KEY_FACT_BYTES];

			keyed_hash(h, expected, labels[hash][label_of[fact]], bytes, sizeof bytes);
			assert_memory_equal(public_key_fact(&key, h, (enum public_key_fact)fact), expected,
			                    sizeof expected);
		}
	}
}

/* Facts wanted in any order and again and again: one pass over the key for each. */
static void test_each_fact_is_computed_once(void **state)
{
	uint64_t random = 3;
	struct public_key key;
	bool wanted[KEYED_HASH_COUNT][PUBLIC_KEY_FACT_COUNT] = { 0 };
	uint64_t passes = 0;
	uint64_t start;

	(void)state;
	fixture_load_key("bob.pk", bytes, sizeof bytes);
	start = keyed_hash_long_count;
	public_key_init(&key, bytes);
	assert_int_equal(keyed_hash_long_count, start);
	for (int i = 0; i < 200; i++) {
		size_t hash = fixture_below(&random, KEYED_HASH_COUNT);
		size_t fact = fixture_below(&random, PUBLIC_KEY_FACT_COUNT);
		const uint8_t *value =
			public_key_fact(&key, (enum keyed_hash)hash, (enum public_key_fact)fact);

		passes += !wanted[hash][fact];
		wanted[hash][fact] = true;
		assert_ptr_equal(value, key.facts[hash][fact]);
		/* The form with BLAKE2b is nested, but the outer hash is over 32 bytes. */
		assert_int_equal(keyed_hash_long_count - start, passes);
	}
	assert_int_equal(passes, KEYED_HASH_COUNT * PUBLIC_KEY_FACT_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_are_hashes_of_the_key),
		cmocka_unit_test(test_each_fact_is_computed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
