#include "fixture.h"

#include "crypto/ct.h"
#include "protocol/chain.h"
#include "rosenpass.h"

#define KEYS 3
#define PLAINTEXT_MAX 100

static uint8_t public_keys[KEYS][ROSENPASS_PUBLIC_KEY_BYTES];

static int load_keys(void **state)
{
	(void)state;
	fixture_load_key("alice.pk", public_keys[0], sizeof public_keys[0]);
	fixture_load_key("bob.pk", public_keys[1], sizeof public_keys[1]);
	fixture_load_key("carol.pk", public_keys[2], sizeof public_keys[2]);
	return 0;
}

static struct chain random_chain(uint64_t *random, enum keyed_hash hash)
{
	uint8_t ck[CHAIN_BYTES];
	struct chain chain;

	fixture_fill(random, ck, sizeof ck);
	memset(&chain, 0xff, sizeof chain);
	chain_start(&chain, hash, ck);
	assert_int_equal(chain.hash, hash);
	assert_memory_equal(chain.ck, ck, sizeof ck);
	return chain;
}

static void test_mix(void **state)
{
	uint64_t random = 5;
	uint8_t data[300];

	(void)state;
	for (int i = 0; i < KEYED_HASH_COUNT; i++) {
		enum keyed_hash hash = (enum keyed_hash)i;

		for (size_t length = 0; length <= sizeof data; length += 50) {
			struct chain chain = random_chain(&random, hash);
			uint8_t expected[CHAIN_BYTES];

			fixture_fill(&random, data, sizeof data);
			keyed_hash(hash, expected, chain.ck, labels[hash][LABEL_MIX], LABEL_BYTES);
			keyed_hash(hash, expected, expected, data, length);
			chain_mix(&chain, data, length);
			assert_memory_equal(chain.ck, expected, sizeof expected);
		}
	}
}

static void test_extract(void **state)
{
	uint64_t random = 6;

	(void)state;
	for (int i = 0; i < KEYED_HASH_COUNT; i++) {
		struct chain chain = random_chain(&random, (enum keyed_hash)i);
		const struct chain before = chain;
		uint8_t expected[CHAIN_BYTES];
		uint8_t out[CHAIN_BYTES];

		keyed_hash((enum keyed_hash)i, expected, chain.ck, labels[i][LABEL_RES_ENC], LABEL_BYTES);
		chain_extract(&chain, out, labels[i][LABEL_RES_ENC]);
		assert_memory_equal(out, expected, sizeof expected);
		assert_memory_equal(chain.ck, before.ck, sizeof before.ck);
	}
}

/* Chains of both hashes mixed up, keys shared and not, for every number of lanes. */
static void test_mix_keys_is_many_mixes(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (size_t count = 0; count <= CHAIN_LANES_MAX; count++) {
		struct chain chains[CHAIN_LANES_MAX];
		struct chain expected[CHAIN_LANES_MAX];
		struct chain *chain_list[CHAIN_LANES_MAX] = { NULL };
		const uint8_t *keys[CHAIN_LANES_MAX] = { NULL };

		for (size_t i = 0; i < count; i++) {
			chains[i] = random_chain(&random, (enum keyed_hash)fixture_below(&random, 2));
			expected[i] = chains[i];
			chain_list[i] = &chains[i];
			keys[i] = public_keys[fixture_below(&random, KEYS)];
			chain_mix(&expected[i], keys[i], ROSENPASS_PUBLIC_KEY_BYTES);
		}
		chain_mix_keys(chain_list, keys, count);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(chains[i].hash, expected[i].hash);
			assert_memory_equal(chains[i].ck, expected[i].ck, CHAIN_BYTES);
		}
	}
}

/* ct = AEAD(hash(ck, HS_ENC), nonce 0, pt), then mix(ct); the same on the way back. */
static void test_seal_and_open(void **state)
{
	static const uint8_t zero_nonce[AEAD_NONCE_BYTES];
	uint64_t random = 8;
	uint8_t pt[PLAINTEXT_MAX];

	(void)state;
	for (int i = 0; i < KEYED_HASH_COUNT; i++) {
		enum keyed_hash hash = (enum keyed_hash)i;

		for (size_t length = 0; length <= sizeof pt; length += 20) {
			struct chain sender = random_chain(&random, hash);
			struct chain receiver = sender;
			struct chain expected = sender;
			uint8_t key[CHAIN_BYTES];
			uint8_t expected_ct[PLAINTEXT_MAX + AEAD_TAG_BYTES];
			uint8_t ct[PLAINTEXT_MAX + AEAD_TAG_BYTES];
			uint8_t opened[PLAINTEXT_MAX];

			fixture_fill(&random, pt, sizeof pt);
			keyed_hash(hash, key, expected.ck, labels[hash][LABEL_HS_ENC], LABEL_BYTES);
			aead_seal(expected_ct, key, zero_nonce, pt, length);
			chain_mix(&expected, expected_ct, length + AEAD_TAG_BYTES);

			chain_seal(&sender, ct, pt, length);
			assert_memory_equal(ct, expected_ct, length + AEAD_TAG_BYTES);
			assert_memory_equal(sender.ck, expected.ck, CHAIN_BYTES);
			assert_int_equal(chain_open(&receiver, opened, ct, length + AEAD_TAG_BYTES), 0);
			assert_memory_equal(opened, pt, length);
			assert_memory_equal(receiver.ck, expected.ck, CHAIN_BYTES);
		}
	}
}

static void test_failure_leaves_the_chain(void **state)
{
	uint64_t random = 9;
	uint8_t pt[32];
	uint8_t ct[sizeof pt + AEAD_TAG_BYTES];
	uint8_t opened[sizeof pt];

	(void)state;
	for (int i = 0; i < KEYED_HASH_COUNT; i++) {
		struct chain receiver = random_chain(&random, (enum keyed_hash)i);
		struct chain sender = receiver;
		const struct chain before = receiver;

		fixture_fill(&random, pt, sizeof pt);
		chain_seal(&sender, ct, pt, sizeof pt);
		for (size_t at = 0; at < sizeof ct; at++) {
			ct[at] ^= 0x40;
			memset(opened, 0xff, sizeof opened);
			assert_int_equal(chain_open(&receiver, opened, ct, sizeof ct), -1);
			assert_memory_equal(receiver.ck, before.ck, CHAIN_BYTES);
			assert_true(fixture_is_zero(opened, sizeof opened));
			ct[at] ^= 0x40;
		}
		receiver.ck[0] ^= 1;
		assert_int_equal(chain_open(&receiver, opened, ct, sizeof ct), -1);
		receiver.ck[0] ^= 1;
		assert_int_equal(chain_open(&receiver, opened, ct, sizeof ct), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mix),
		cmocka_unit_test(test_extract),
		cmocka_unit_test(test_mix_keys_is_many_mixes),
		cmocka_unit_test(test_seal_and_open),
		cmocka_unit_test(test_failure_leaves_the_chain),
	};

	return cmocka_run_group_tests(tests, load_keys, NULL);
}
