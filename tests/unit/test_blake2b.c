#include "fixture.h"

#include "crypto/blake2b.h"
#include "crypto/blake2b_blocks.h"

#define LENGTH_MAX 1024

/* The key is 80 81 .. 9f, and byte i of every message is i mod 251. */
static const struct {
	size_t length;
	const char *digest;
} known[] = {
	{ 0, "672fefcc627d0d8ffcd23b5fe491b1fb5658afa6b4bc8048263a82a3f75fceac" },
	{ 1, "865bfcb2a08fbaef582707a4c8e23393349bef2a7ca9723aaf0a02ef6166b5a8" },
	{ 31, "055546afb34f1970450258fff9ee3449e694bf7677509d15e37dd29a4250e068" },
	{ 32, "73c44ec8f6212fbc606fe2d085d0ef5e9bbc026b1ebc2ddf93a92611846485a6" },
	{ 33, "ef0110a8b0eb826298a5cdca0fb92a638b54ec6295bfc9e7188daa5602bcc0ff" },
	{ 64, "dffbcf5672c3b6cc9b423624ed79b6a2c35fc81daa9350e170eb2db15ffa4d05" },
	{ 127, "b5572f76ecf21cd9c3c919ee24c86f2e32e2e61c49bb41bdb5960c3565818778" },
	{ 128, "db67b39300edc6daf4893ef94dc879004e91f1ab8d4fcab4d36dc454497ec561" },
	{ 129, "02b0407e1fd634c2f74716434f9d3b3a90db778780729508d9e1bd10f656b62a" },
	{ 255, "b5e7204bb8904c3babf4d140cc9036b82f3b941955a2e68843b43550274dafed" },
	{ 256, "ed0e36ccd5f6fd5fe3ec6c208811e7f97d4201137371d64d1d914c7fc7a6a8f8" },
	{ 257, "2e6765e6fdee8fa39949545c9e16856d8ffae9184542c4e967bfbd127be90dd2" },
	{ 1000, "e9666f787343946d752ab7eac99f358741c88f353ebb9ee3aac11912d0f35698" },
	{ 1024, "57f147073ebbd6af963c75e356168edf1bb8b3ec3cf5b1e69d8c8d2a93848cf0" },
};

static void number_message(uint8_t *message, size_t length)
{
	for (size_t i = 0; i < length; i++)
		message[i] = (uint8_t)(i % 251);
}

static void number_key(uint8_t key[static BLAKE2B_KEY_BYTES])
{
	for (size_t i = 0; i < BLAKE2B_KEY_BYTES; i++)
		key[i] = (uint8_t)(0x80 + i);
}

static void test_known_answers(void **state)
{
	uint8_t key[BLAKE2B_KEY_BYTES];

	(void)state;
	number_key(key);
	for (size_t i = 0; i < FIXTURE_COUNT(known); i++) {
		uint8_t message[LENGTH_MAX];
		uint8_t digest[BLAKE2B_OUT_BYTES];
		uint8_t expected[BLAKE2B_OUT_BYTES];

		number_message(message, known[i].length);
		fixture_hex(known[i].digest, expected, sizeof expected);
		blake2b_keyed(digest, key, message, known[i].length);
		assert_memory_equal(digest, expected, sizeof expected);
	}
}

/* d = 0; for n = 0 .. 1000: d = BLAKE2b keyed with d over n bytes. Another implementation gave the end. */
static void test_every_length(void **state)
{
	uint8_t message[LENGTH_MAX];
	uint8_t digest[BLAKE2B_OUT_BYTES] = { 0 };
	uint8_t expected[BLAKE2B_OUT_BYTES];

	(void)state;
	number_message(message, sizeof message);
	fixture_hex("282f23268d84aaf2ff4c9cb8c3f7bd39a42dc7acaceb25445fcc5e318effbe1d", expected,
	            sizeof expected);
	for (size_t n = 0; n <= 1000; n++)
		blake2b_keyed(digest, digest, message, n);
	assert_memory_equal(digest, expected, sizeof expected);
}

/* The empty message needs no memory behind it. */
static void test_no_message(void **state)
{
	uint8_t key[BLAKE2B_KEY_BYTES];
	uint8_t digest[BLAKE2B_OUT_BYTES];
	uint8_t expected[BLAKE2B_OUT_BYTES];

	(void)state;
	number_key(key);
	fixture_hex(known[0].digest, expected, sizeof expected);
	blake2b_keyed(digest, key, NULL, 0);
	assert_memory_equal(digest, expected, sizeof expected);
}

/* Neither where the message lies nor what stands around it may matter. */
static void test_alignment(void **state)
{
	uint8_t message[LENGTH_MAX];
	uint8_t key[BLAKE2B_KEY_BYTES];
	uint8_t expected[BLAKE2B_OUT_BYTES];

	(void)state;
	number_message(message, sizeof message);
	number_key(key);
	blake2b_keyed(expected, key, message, 300);
	for (size_t offset = 0; offset < 16; offset++) {
		uint8_t moved[16 + LENGTH_MAX];
		uint8_t out[16 + BLAKE2B_OUT_BYTES + 1];

		memset(moved, (int)offset, sizeof moved);
		memset(out, 0x5a, sizeof out);
		memcpy(moved + offset, message, 300);
		blake2b_keyed(out + offset, key, moved + offset, 300);
		assert_memory_equal(out + offset, expected, sizeof expected);
		assert_int_equal(out[offset + BLAKE2B_OUT_BYTES], 0x5a);
		if (offset > 0)
			assert_int_equal(out[offset - 1], 0x5a);
	}
}

/* The CPU's own implementation does what the one in C does. */
static void test_blocks(void **state)
{
	uint8_t in[9 * BLAKE2B_BLOCK_BYTES];
	uint64_t numbers = 1;

	(void)state;
	fixture_fill(&numbers, in, sizeof in);
	for (size_t count = 1; count <= 8; count++) {
		for (size_t offset = 0; offset < 20; offset++) {
			uint64_t h[8];
			uint64_t expected[8];
			uint64_t counter = UINT64_MAX - 4 * BLAKE2B_BLOCK_BYTES + offset;

			fixture_fill(&numbers, (uint8_t *)h, sizeof h);
			memcpy(expected, h, sizeof h);
			blake2b_blocks_c(expected, in + offset, count, counter);
			blake2b_blocks(h, in + offset, count, counter);
			assert_memory_equal(h, expected, sizeof h);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers), cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_no_message),    cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
