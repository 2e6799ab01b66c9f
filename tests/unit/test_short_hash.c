#include "fixture.h"

#include <sodium.h>

#include "crypto/short_hash.h"

/* The example of the paper that defines SipHash: key 00..0f, message 00..0e. */
static void test_example_of_the_paper(void **state)
{
	uint8_t bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(short_hash(bytes, bytes, 15), UINT64_C(0xa129ca6149be45e5));
}

/* All lengths up to several words, against another implementation. */
static void test_same_as_libsodium(void **state)
{
	uint64_t random = 3;
	uint8_t key[SHORT_HASH_KEY_BYTES];
	uint8_t data[100];

	(void)state;
	for (size_t length = 0; length <= sizeof data; length++) {
		uint8_t expected[8];
		uint64_t hash = 0;

		fixture_fill(&random, key, sizeof key);
		fixture_fill(&random, data, sizeof data);
		(void)crypto_shorthash(expected, data, length, key);
		for (int i = 0; i < 8; i++)
			hash |= (uint64_t)expected[i] << (8 * i);
		assert_int_equal(short_hash(key, data, length), hash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_of_the_paper),
		cmocka_unit_test(test_same_as_libsodium),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
