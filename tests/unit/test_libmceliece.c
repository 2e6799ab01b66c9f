/*
 * Our McEliece and libmceliece, by the authors of Classic McEliece, with each other's keys and ciphertexts,
 * in both forms. Only built where that library is installed (Debian 13: libmceliece-dev). Its random numbers
 * differ from run to run.
 */

#include <mceliece.h>

#include "crypto/mceliece460896.h"

#include "fixture.h"

#define OUR_KEYS 8
#define THEIR_KEYS 2
#define ROUNDS 10

struct form {
	size_t ct_len;
	int (*encapsulate)(unsigned char *ct, unsigned char *ss, const unsigned char *pk);
	int (*decapsulate)(unsigned char *ss, const unsigned char *ct, const unsigned char *sk);
	void (*keygen)(unsigned char *pk, unsigned char *sk);
};

static void keygen_156(unsigned char *pk, unsigned char *sk)
{
	mceliece460896_keypair(pk, sk);
}

static int encapsulate_156(unsigned char *ct, unsigned char *ss, const unsigned char *pk)
{
	return mceliece460896_enc(ct, ss, pk);
}

static int decapsulate_156(unsigned char *ss, const unsigned char *ct, const unsigned char *sk)
{
	return mceliece460896_dec(ss, ct, sk);
}

static void keygen_188(unsigned char *pk, unsigned char *sk)
{
	mceliece460896pc_keypair(pk, sk);
}

static int encapsulate_188(unsigned char *ct, unsigned char *ss, const unsigned char *pk)
{
	return mceliece460896pc_enc(ct, ss, pk);
}

static int decapsulate_188(unsigned char *ss, const unsigned char *ct, const unsigned char *sk)
{
	return mceliece460896pc_dec(ss, ct, sk);
}

static const struct form forms[] = {
	{ MCELIECE460896_CIPHERTEXT_156_BYTES, encapsulate_156, decapsulate_156, keygen_156 },
	{ MCELIECE460896_CIPHERTEXT_188_BYTES, encapsulate_188, decapsulate_188, keygen_188 },
};

static uint8_t pk[MCELIECE460896_PUBLIC_KEY_BYTES];
static uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];

/* Both ends get the same secret from a ciphertext, and the same other one if a bit of it is wrong. */
static void check_ciphertext(const struct form *form, uint8_t *ct, const uint8_t *sent, size_t bit)
{
	uint8_t ours[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t theirs[MCELIECE460896_SHARED_SECRET_BYTES];

	mceliece460896_decapsulate(ours, ct, form->ct_len, sk);
	assert_int_equal(form->decapsulate(theirs, ct, sk), 0);
	assert_memory_equal(ours, sent, sizeof ours);
	assert_memory_equal(theirs, sent, sizeof theirs);

	ct[bit / 8] ^= (uint8_t)(1U << bit % 8);
	mceliece460896_decapsulate(ours, ct, form->ct_len, sk);
	(void)form->decapsulate(theirs, ct, sk);
	assert_memory_equal(ours, theirs, sizeof ours);
	assert_memory_not_equal(ours, sent, sizeof ours);
}

static void check_key(const struct form *form, uint64_t *random)
{
	uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
	uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	assert_int_equal(mceliece460896_check(pk, sk), 0);
	for (unsigned n = 0; n < ROUNDS; n++) {
		fixture_fill(random, seed, sizeof seed);
		mceliece460896_encapsulate_from_seed(ct, form->ct_len, ss, pk, seed);
		check_ciphertext(form, ct, ss, fixture_below(random, 8 * form->ct_len));
		assert_int_equal(form->encapsulate(ct, ss, pk), 0);
		check_ciphertext(form, ct, ss, fixture_below(random, 8 * form->ct_len));
	}
}

static void test_our_keys(void **state)
{
	void *scratch = aligned_alloc(64, (mceliece460896_keygen_scratch_bytes() + 63) / 64 * 64);
	uint64_t random = 1;

	(void)state;
	assert_non_null(scratch);
	for (unsigned n = 0; n < OUR_KEYS; n++) {
		uint8_t seed[MCELIECE460896_SEED_BYTES];

		fixture_fill(&random, seed, sizeof seed);
		mceliece460896_keygen_from_seed(pk, sk, seed, scratch);
		for (size_t form = 0; form < FIXTURE_COUNT(forms); form++)
			check_key(&forms[form], &random);
	}
	free(scratch);
}

static void test_their_keys(void **state)
{
	static uint8_t our_pk[MCELIECE460896_PUBLIC_KEY_BYTES];
	static uint8_t our_sk[MCELIECE460896_SECRET_KEY_BYTES];
	void *scratch = aligned_alloc(64, (mceliece460896_keygen_scratch_bytes() + 63) / 64 * 64);
	uint64_t random = 2;

	(void)state;
	assert_non_null(scratch);
	for (size_t form = 0; form < FIXTURE_COUNT(forms); form++) {
		for (unsigned n = 0; n < THEIR_KEYS; n++) {
			forms[form].keygen(pk, sk);
			/* The key begins with the seed that it comes from. */
			mceliece460896_keygen_from_seed(our_pk, our_sk, sk, scratch);
			assert_memory_equal(our_pk, pk, sizeof pk);
			assert_memory_equal(our_sk, sk, sizeof sk);
			check_key(&forms[form], &random);
		}
	}
	free(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_our_keys),
		cmocka_unit_test(test_their_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
