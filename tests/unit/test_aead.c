#include "fixture.h"

#include "crypto/aead.h"

#define PT_MAX 130
#define CT_MAX (PT_MAX + AEAD_X_OVERHEAD_BYTES)

/* The key, the plaintext and the nonces of the examples in RFC 8439 and draft-irtf-cfrg-xchacha. */
#define KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define NONCE "070000004041424344454647"
#define X_NONCE "404142434445464748494a4b4c4d4e4f5051525354555657"
#define AD "50515253c0c1c2c3c4c5c6c7"
#define SUNSCREEN                                                                                      \
	"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " \
	"sunscreen would be it."

/*
 * The ciphertext of RFC 8439, section 2.8.2. The protocol has no additional data here,
 * and another implementation, which gives the RFC's tag with it, gave the tags without.
 */
static const struct {
	const char *pt;
	const char *ct;
} known[] = {
	{ "", "a0784d7a4716f3feb4f64e7f4b39bf04" },
	{ SUNSCREEN, "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca96712"
	             "82fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58"
	             "fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61166a23a4681fd5"
	             "9456aea1d29f82477216" },
};

/* The first is draft-irtf-cfrg-xchacha-03, appendix A.3.1; for the others as above. */
static const struct {
	const char *pt;
	const char *ad;
	const char *ct;
} x_known[] = {
	{ SUNSCREEN, AD,
	  "404142434445464748494a4b4c4d4e4f5051525354555657bd6d179d3e83d43b9576579493c0e939"
	  "572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216"
	  "cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	  "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49" },
	{ SUNSCREEN, "",
	  "404142434445464748494a4b4c4d4e4f5051525354555657bd6d179d3e83d43b9576579493c0e939"
	  "572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216"
	  "cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	  "21f9664c97637da9768812f615c68b13b52ef7e62efbf45089db18f9c8a3f0e41e5f" },
	{ "", AD, "404142434445464748494a4b4c4d4e4f5051525354555657e4c5191f68fd06d9592f83754480d19d" },
	{ "", "", "404142434445464748494a4b4c4d4e4f50515253545556571dac8f73146d1e9da796cb7f7221a5df" },
};

static void test_known_answers(void **state)
{
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t nonce[AEAD_NONCE_BYTES];

	(void)state;
	fixture_hex(KEY, key, sizeof key);
	fixture_hex(NONCE, nonce, sizeof nonce);
	for (size_t i = 0; i < FIXTURE_COUNT(known); i++) {
		uint8_t ct[CT_MAX];
		uint8_t pt[PT_MAX];
		uint8_t expected[CT_MAX];
		size_t pt_len = strlen(known[i].pt);
		size_t ct_len = pt_len + AEAD_TAG_BYTES;

		fixture_hex(known[i].ct, expected, ct_len);
		aead_seal(ct, key, nonce, (const uint8_t *)known[i].pt, pt_len);
		assert_memory_equal(ct, expected, ct_len);
		assert_int_equal(aead_open(pt, key, nonce, expected, ct_len), 0);
		assert_memory_equal(pt, known[i].pt, pt_len);
	}
}

static void test_x_known_answers(void **state)
{
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];

	(void)state;
	fixture_hex(KEY, key, sizeof key);
	fixture_hex(X_NONCE, nonce, sizeof nonce);
	for (size_t i = 0; i < FIXTURE_COUNT(x_known); i++) {
		uint8_t ct[CT_MAX];
		uint8_t pt[PT_MAX];
		uint8_t ad[16];
		uint8_t expected[CT_MAX];
		size_t pt_len = strlen(x_known[i].pt);
		size_t ad_len = strlen(x_known[i].ad) / 2;
		size_t ct_len = pt_len + AEAD_X_OVERHEAD_BYTES;

		fixture_hex(x_known[i].ct, expected, ct_len);
		fixture_hex(x_known[i].ad, ad, ad_len);
		aead_x_seal(ct, key, nonce, ad, ad_len, (const uint8_t *)x_known[i].pt, pt_len);
		assert_memory_equal(ct, expected, ct_len);
		assert_int_equal(aead_x_open(pt, key, ad, ad_len, expected, ct_len), 0);
		assert_memory_equal(pt, x_known[i].pt, pt_len);
	}
}

/* Both forms behind one signature, so that what must fail is written once. */
struct box {
	bool extended;
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];
	uint8_t ad[12];
	size_t ad_len;
	uint8_t pt[PT_MAX];
	size_t pt_len;
	uint8_t ct[CT_MAX];
	size_t ct_len;
	size_t overhead;
};

static void box_seal(struct box *box, bool extended, size_t pt_len, size_t ad_len, uint64_t numbers)
{
	memset(box, 0, sizeof *box);
	box->extended = extended;
	box->overhead = extended ? AEAD_X_OVERHEAD_BYTES : AEAD_TAG_BYTES;
	box->pt_len = pt_len;
	box->ad_len = ad_len;
	box->ct_len = pt_len + box->overhead;
	fixture_fill(&numbers, box->key, sizeof box->key);
	fixture_fill(&numbers, box->nonce, sizeof box->nonce);
	fixture_fill(&numbers, box->ad, sizeof box->ad);
	fixture_fill(&numbers, box->pt, sizeof box->pt);
	if (extended)
		aead_x_seal(box->ct, box->key, box->nonce, box->ad, ad_len, box->pt, pt_len);
	else
		aead_seal(box->ct, box->key, box->nonce, box->pt, pt_len);
}

static int box_open(const struct box *box, uint8_t *pt)
{
	if (box->extended)
		return aead_x_open(pt, box->key, box->ad, box->ad_len, box->ct, box->ct_len);
	return aead_open(pt, box->key, box->nonce, box->ct, box->ct_len);
}

/* pt must be zeroed as far as it was to be written, and no further. */
static void assert_rejected(const struct box *box)
{
	uint8_t pt[CT_MAX];
	size_t pt_len = box->ct_len < box->overhead ? 0 : box->ct_len - box->overhead;

	memset(pt, 0x5a, sizeof pt);
	assert_int_equal(box_open(box, pt), -1);
	assert_true(fixture_is_zero(pt, pt_len));
	for (size_t i = pt_len; i < sizeof pt; i++)
		assert_int_equal(pt[i], 0x5a);
}

static void assert_opens(const struct box *box)
{
	uint8_t pt[CT_MAX];

	memset(pt, 0x5a, sizeof pt);
	assert_int_equal(box_open(box, pt), 0);
	assert_memory_equal(pt, box->pt, box->pt_len);
	for (size_t i = box->pt_len; i < sizeof pt; i++)
		assert_int_equal(pt[i], 0x5a);
}

static void reject_every_changed_bit(struct box *box, uint8_t *bytes, size_t len)
{
	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_rejected(box);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_tampering(void **state)
{
	static const size_t pt_lengths[] = { 0, 1, 16, 17, 64, 116 };

	(void)state;
	for (int extended = 0; extended <= 1; extended++) {
		for (size_t i = 0; i < FIXTURE_COUNT(pt_lengths); i++) {
			struct box box;

			box_seal(&box, extended, pt_lengths[i], extended ? sizeof box.ad : 0, i);
			assert_opens(&box);
			/* With the nonce, which stands first in the extended form. */
			reject_every_changed_bit(&box, box.ct, box.ct_len);
			reject_every_changed_bit(&box, box.key, sizeof box.key);
			reject_every_changed_bit(&box, box.ad, box.ad_len);
			if (!extended)
				reject_every_changed_bit(&box, box.nonce, AEAD_NONCE_BYTES);
			assert_opens(&box);
		}
	}
}

static void test_additional_data_length(void **state)
{
	struct box box;

	(void)state;
	box_seal(&box, true, 20, 11, 1);
	assert_opens(&box);
	box.ad_len = 10;
	assert_rejected(&box);
	box.ad_len = 12;
	assert_rejected(&box);
	box.ad_len = 0;
	assert_rejected(&box);
}

/* Every length but the right one, among them those that hold no whole nonce and tag. */
static void test_wrong_length(void **state)
{
	(void)state;
	for (int extended = 0; extended <= 1; extended++) {
		for (size_t pt_len = 0; pt_len <= 20; pt_len += 20) {
			struct box box;
			size_t right;

			box_seal(&box, extended, pt_len, 0, 2);
			right = box.ct_len;
			for (box.ct_len = 0; box.ct_len <= right + 20; box.ct_len++) {
				if (box.ct_len == right)
					assert_opens(&box);
				else
					assert_rejected(&box);
			}
		}
	}
}

static void test_round_trips(void **state)
{
	(void)state;
	for (int extended = 0; extended <= 1; extended++) {
		for (size_t pt_len = 0; pt_len <= PT_MAX; pt_len++) {
			struct box box;

			box_seal(&box, extended, pt_len, extended ? pt_len % 13 : 0, pt_len);
			assert_opens(&box);
			/* Nothing is written behind the ciphertext. */
			assert_true(fixture_is_zero(box.ct + box.ct_len, sizeof box.ct - box.ct_len));
			if (extended)
				assert_memory_equal(box.ct, box.nonce, AEAD_X_NONCE_BYTES);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_x_known_answers),
		cmocka_unit_test(test_tampering),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_additional_data_length),
		cmocka_unit_test(test_wrong_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
