#include "fixture.h"

#include "protocol/biscuit.h"

#define START_NS (1000 * FIXTURE_SECOND_NS)

static struct biscuit random_biscuit(uint64_t *random)
{
	struct biscuit biscuit;

	fixture_fill(random, biscuit.pidi, sizeof biscuit.pidi);
	fixture_fill(random, biscuit.number, sizeof biscuit.number);
	fixture_fill(random, biscuit.ck, sizeof biscuit.ck);
	return biscuit;
}

static void assert_biscuit_equal(const struct biscuit *a, const struct biscuit *b)
{
	assert_memory_equal(a->pidi, b->pidi, sizeof a->pidi);
	assert_memory_equal(a->number, b->number, sizeof a->number);
	assert_memory_equal(a->ck, b->ck, sizeof a->ck);
}

/* Sealed under the newest key at hand, bound to these additional data. */
static struct biscuit seal_one(uint64_t *random, const struct biscuit_keys *keys,
                               uint8_t ct[static MESSAGE_BISCUIT_CT_BYTES],
                               uint8_t ad[static KEYED_HASH_OUT_BYTES])
{
	struct biscuit biscuit = random_biscuit(random);
	uint8_t nonce[AEAD_X_NONCE_BYTES];

	fixture_fill(random, nonce, sizeof nonce);
	fixture_fill(random, ad, KEYED_HASH_OUT_BYTES);
	biscuit_seal(ct, &biscuit, keys->key[0], nonce, ad);
	return biscuit;
}

/* Plaintext: pidi 32, number 12, ck 32; ciphertext: nonce 24, sealed plaintext, tag. */
static void test_form(void **state)
{
	uint64_t random = 1;
	struct biscuit biscuit = random_biscuit(&random);
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];
	uint8_t ad[KEYED_HASH_OUT_BYTES];
	uint8_t ct[MESSAGE_BISCUIT_CT_BYTES];
	uint8_t pt[MESSAGE_BISCUIT_BYTES];

	(void)state;
	fixture_fill(&random, key, sizeof key);
	fixture_fill(&random, nonce, sizeof nonce);
	fixture_fill(&random, ad, sizeof ad);
	biscuit_seal(ct, &biscuit, key, nonce, ad);
	assert_memory_equal(ct, nonce, sizeof nonce);
	assert_int_equal(aead_x_open(pt, key, ad, sizeof ad, ct, sizeof ct), 0);
	assert_memory_equal(pt, biscuit.pidi, 32);
	assert_memory_equal(pt + 32, biscuit.number, 12);
	assert_memory_equal(pt + 44, biscuit.ck, 32);
}

static void test_additional_data(void **state)
{
	uint64_t random = 2;
	uint8_t fact[PUBLIC_KEY_FACT_BYTES];
	uint8_t sidi[4];
	uint8_t sidr[4];

	(void)state;
	fixture_fill(&random, fact, sizeof fact);
	fixture_fill(&random, sidi, sizeof sidi);
	fixture_fill(&random, sidr, sizeof sidr);
	for (int i = 0; i < KEYED_HASH_COUNT; i++) {
		enum keyed_hash hash = (enum keyed_hash)i;
		uint8_t expected[KEYED_HASH_OUT_BYTES];
		uint8_t ad[KEYED_HASH_OUT_BYTES];

		keyed_hash(hash, expected, fact, sidi, sizeof sidi);
		keyed_hash(hash, expected, expected, sidr, sizeof sidr);
		biscuit_additional_data(ad, hash, fact, sidi, sidr);
		assert_memory_equal(ad, expected, sizeof expected);
	}
}

static void test_key_is_renewed_after_300_seconds(void **state)
{
	struct fixture_random random = { .state = 3 };
	struct random_source source = fixture_random_source(&random);
	struct biscuit_keys keys = { 0 };
	uint8_t first[AEAD_KEY_BYTES];

	(void)state;
	assert_int_equal(biscuit_keys_deadline(&keys), ROSENPASS_NEVER);
	assert_int_equal(biscuit_keys_renew(&keys, START_NS, &source), 0);
	memcpy(first, keys.key[0], sizeof first);
	assert_true(keys.present[0]);
	assert_false(keys.present[1]);
	assert_false(fixture_is_zero(first, sizeof first));
	assert_int_equal(random.calls, 1);

	assert_int_equal(biscuit_keys_renew(&keys, START_NS + 300 * FIXTURE_SECOND_NS - 1, &source), 0);
	assert_memory_equal(keys.key[0], first, sizeof first);
	assert_int_equal(random.calls, 1);

	assert_int_equal(biscuit_keys_renew(&keys, START_NS + 300 * FIXTURE_SECOND_NS, &source), 0);
	assert_memory_not_equal(keys.key[0], first, sizeof first);
	assert_true(keys.present[1]);
	assert_memory_equal(keys.key[1], first, sizeof first);
	assert_int_equal(random.calls, 2);
}

/* Time is given as the time after the biscuit's key was made; a newer one may be there as well. */
static void check_opens_until_600_seconds(bool renewed)
{
	struct fixture_random random = { .state = 4 };
	struct random_source source = fixture_random_source(&random);
	struct biscuit_keys keys = { 0 };
	uint8_t ct[MESSAGE_BISCUIT_CT_BYTES];
	uint8_t ad[KEYED_HASH_OUT_BYTES];
	struct biscuit sealed;
	struct biscuit opened;

	assert_int_equal(biscuit_keys_renew(&keys, START_NS, &source), 0);
	sealed = seal_one(&random.state, &keys, ct, ad);
	if (renewed)
		assert_int_equal(biscuit_keys_renew(&keys, START_NS + 400 * FIXTURE_SECOND_NS, &source), 0);
	assert_int_equal(biscuit_keys_deadline(&keys), START_NS + 600 * FIXTURE_SECOND_NS);
	biscuit_keys_expire(&keys, START_NS + 600 * FIXTURE_SECOND_NS - 1);
	assert_int_equal(biscuit_open(&opened, &keys, ct, ad), 0);
	assert_biscuit_equal(&opened, &sealed);

	biscuit_keys_expire(&keys, START_NS + 600 * FIXTURE_SECOND_NS);
	assert_int_equal(biscuit_open(&opened, &keys, ct, ad), -1);
	assert_true(fixture_is_zero(&opened, sizeof opened));
	/* What expired was wiped; the newer key stays. */
	assert_true(fixture_is_zero(keys.key[renewed], sizeof keys.key[renewed]));
	assert_int_equal(keys.present[0], renewed);
	assert_int_equal(biscuit_keys_deadline(&keys),
	                 renewed ? START_NS + 1000 * FIXTURE_SECOND_NS : ROSENPASS_NEVER);
}

static void test_opens_until_600_seconds(void **state)
{
	(void)state;
	check_opens_until_600_seconds(false);
	check_opens_until_600_seconds(true);
}

/* After a long silence the old key is no "previous" one: it has expired. */
static void test_renewal_after_a_long_time_keeps_nothing(void **state)
{
	struct fixture_random random = { .state = 5 };
	struct random_source source = fixture_random_source(&random);
	struct biscuit_keys keys = { 0 };

	(void)state;
	assert_int_equal(biscuit_keys_renew(&keys, START_NS, &source), 0);
	assert_int_equal(biscuit_keys_renew(&keys, START_NS + 600 * FIXTURE_SECOND_NS, &source), 0);
	assert_true(keys.present[0]);
	assert_false(keys.present[1]);
	assert_true(fixture_is_zero(keys.key[1], sizeof keys.key[1]));
}

static void test_foreign_keys(void **state)
{
	struct fixture_random random = { .state = 6 };
	struct random_source source = fixture_random_source(&random);
	struct biscuit_keys ours = { 0 };
	struct biscuit_keys theirs = { 0 };
	struct biscuit_keys none = { 0 };
	uint8_t ct[MESSAGE_BISCUIT_CT_BYTES];
	uint8_t ad[KEYED_HASH_OUT_BYTES];
	struct biscuit opened;

	(void)state;
	assert_int_equal(biscuit_keys_renew(&ours, START_NS, &source), 0);
	assert_int_equal(biscuit_keys_renew(&theirs, START_NS, &source), 0);
	assert_int_equal(biscuit_keys_renew(&theirs, START_NS + 301 * FIXTURE_SECOND_NS, &source), 0);
	(void)seal_one(&random.state, &ours, ct, ad);
	memset(&opened, 0xff, sizeof opened);
	assert_int_equal(biscuit_open(&opened, &theirs, ct, ad), -1);
	assert_true(fixture_is_zero(&opened, sizeof opened));
	assert_int_equal(biscuit_open(&opened, &none, ct, ad), -1);
	/* A key that is there but marked as absent does not count, not even one of zeros. */
	(void)seal_one(&random.state, &none, ct, ad);
	assert_int_equal(biscuit_open(&opened, &none, ct, ad), -1);
}

static void test_every_flipped_byte_is_found(void **state)
{
	struct fixture_random random = { .state = 7 };
	struct random_source source = fixture_random_source(&random);
	struct biscuit_keys keys = { 0 };
	uint8_t ct[MESSAGE_BISCUIT_CT_BYTES];
	uint8_t ad[KEYED_HASH_OUT_BYTES];
	struct biscuit opened;

	(void)state;
	assert_int_equal(biscuit_keys_renew(&keys, START_NS, &source), 0);
	(void)seal_one(&random.state, &keys, ct, ad);
	for (size_t at = 0; at < sizeof ct; at++) {
		ct[at] ^= (uint8_t)(1u << at % 8);
		memset(&opened, 0xff, sizeof opened);
		assert_int_equal(biscuit_open(&opened, &keys, ct, ad), -1);
		assert_true(fixture_is_zero(&opened, sizeof opened));
		ct[at] ^= (uint8_t)(1u << at % 8);
	}
	for (size_t at = 0; at < sizeof ad; at++) {
		ad[at] ^= (uint8_t)(1u << at % 8);
		assert_int_equal(biscuit_open(&opened, &keys, ct, ad), -1);
		ad[at] ^= (uint8_t)(1u << at % 8);
	}
	assert_int_equal(biscuit_open(&opened, &keys, ct, ad), 0);
}

static void test_failing_random_source(void **state)
{
	struct fixture_random random = { .state = 8, .fails_at = 1 };
	struct random_source source = fixture_random_source(&random);
	struct biscuit_keys keys = { 0 };
	struct biscuit_keys before;

	(void)state;
	assert_int_equal(biscuit_keys_renew(&keys, START_NS, &source), -1);
	assert_true(fixture_is_zero(&keys, sizeof keys));
	assert_int_equal(biscuit_keys_renew(&keys, START_NS, &source), 0);

	memcpy(&before, &keys, sizeof before);
	random.fails_at = 3;
	assert_int_equal(biscuit_keys_renew(&keys, START_NS + 300 * FIXTURE_SECOND_NS, &source), -1);
	assert_memory_equal(&keys, &before, sizeof before);
	assert_int_equal(biscuit_keys_renew(&keys, START_NS + 300 * FIXTURE_SECOND_NS, &source), 0);
	assert_memory_equal(keys.key[1], before.key[0], sizeof before.key[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_additional_data),
		cmocka_unit_test(test_key_is_renewed_after_300_seconds),
		cmocka_unit_test(test_opens_until_600_seconds),
		cmocka_unit_test(test_renewal_after_a_long_time_keeps_nothing),
		cmocka_unit_test(test_foreign_keys),
		cmocka_unit_test(test_every_flipped_byte_is_found),
		cmocka_unit_test(test_failing_random_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
