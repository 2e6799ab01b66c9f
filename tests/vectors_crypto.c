#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "crypto/keyed_hash.h"
#include "crypto/kyber512.h"
#include "crypto/mceliece460896.h"
#include "vectors_util.h"

/* hash(key, data) in both forms; the data are given in the case or as the name of a file. */
static void check_keyed_hash(struct vectors_run *run, const json_t *test)
{
	static const struct {
		const char *name;
		enum keyed_hash hash;
	} hashes[KEYED_HASH_COUNT] = {
		{ "blake2b", KEYED_HASH_BLAKE2B },
		{ "shake256", KEYED_HASH_SHAKE256 },
	};
	const char *path = json_string_value(json_object_get(test, "data_file"));
	uint8_t key[KEYED_HASH_KEY_BYTES];
	uint8_t out[KEYED_HASH_OUT_BYTES];
	size_t data_len = 0;
	uint8_t *data;

	if (path != NULL)
		data = vectors_read_alloc(run, path, &data_len);
	else
		data = vectors_hex_alloc(run, test, "data", &data_len);
	if (data != NULL && vectors_hex(run, test, "key", key, sizeof key)) {
		for (size_t i = 0; i < KEYED_HASH_COUNT; i++) {
			keyed_hash(hashes[i].hash, out, key, data, data_len);
			vectors_expect(run, test, hashes[i].name, out, sizeof out);
		}
	}
	free(data);
}

void vectors_keyed_hash(struct vectors_run *run, const json_t *root)
{
	vectors_each(run, root, "cases", check_keyed_hash);
}

/* Writes the count random draws of draw_len bytes that the case names, one after the other. */
static bool get_draws(struct vectors_run *run, const json_t *test, const char *name, uint8_t *out,
                      size_t count, size_t draw_len)
{
	const json_t *draws = vectors_get(run, test, name);

	if (draws == NULL)
		return false;
	if (json_array_size(draws) != count) {
		vectors_fail(run, "\"%s\" is not a list of %zu strings", name, count);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (!vectors_hex_value(run, json_array_get(draws, i), name, out + i * draw_len, draw_len))
			return false;
	}
	return true;
}

static void check_kyber512(struct vectors_run *run, const json_t *test)
{
	uint8_t keygen_seed[KYBER512_KEYGEN_SEED_BYTES];
	uint8_t seed[KYBER512_ENCAPSULATE_SEED_BYTES];
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];

	if (!get_draws(run, test, "keygen_random", keygen_seed, 2, sizeof keygen_seed / 2) ||
	    !get_draws(run, test, "enc_random", seed, 1, sizeof seed))
		return;
	kyber512_keygen_from_seed(pk, sk, keygen_seed);
	vectors_expect(run, test, "pk", pk, sizeof pk);
	vectors_expect(run, test, "sk", sk, sizeof sk);
	kyber512_encapsulate_from_seed(ct, ss, pk, seed);
	vectors_expect(run, test, "ct", ct, sizeof ct);
	vectors_expect(run, test, "ss", ss, sizeof ss);
	memset(ss, 0, sizeof ss);
	kyber512_decapsulate(ss, ct, sk);
	vectors_expect(run, test, "ss", ss, sizeof ss);

	if (!vectors_hex(run, test, "bad_ct", ct, sizeof ct))
		return;
	kyber512_decapsulate(ss, ct, sk);
	vectors_expect(run, test, "bad_ss", ss, sizeof ss);
}

void vectors_kyber512(struct vectors_run *run, const json_t *root)
{
	vectors_each(run, root, "cases", check_kyber512);
}

static void expect_sha256(struct vectors_run *run, const json_t *test, const char *name, const uint8_t *data,
                          size_t data_len)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, data, data_len);
	vectors_expect(run, test, name, hash, sizeof hash);
}

static void check_mceliece_keygen(struct vectors_run *run, const json_t *test)
{
	size_t scratch_bytes = (mceliece460896_keygen_scratch_bytes() + 63) / 64 * 64;
	void *scratch = aligned_alloc(64, scratch_bytes);
	uint8_t *pk = vectors_memory(MCELIECE460896_PUBLIC_KEY_BYTES);
	uint8_t *sk = vectors_memory(MCELIECE460896_SECRET_KEY_BYTES);
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	if (scratch == NULL) {
		vectors_fail(run, "there is no memory for %zu bytes of scratch", scratch_bytes);
	} else if (vectors_hex(run, test, "seed", seed, sizeof seed)) {
		mceliece460896_keygen_from_seed(pk, sk, seed, scratch);
		expect_sha256(run, test, "pk_sha256", pk, MCELIECE460896_PUBLIC_KEY_BYTES);
		expect_sha256(run, test, "sk_sha256", sk, MCELIECE460896_SECRET_KEY_BYTES);
	}
	free(sk);
	free(pk);
	free(scratch);
}

static size_t ciphertext_bytes(const char *variant)
{
	if (strcmp(variant, "round3") == 0)
		return MCELIECE460896_CIPHERTEXT_188_BYTES;
	if (strcmp(variant, "round4") == 0)
		return MCELIECE460896_CIPHERTEXT_156_BYTES;
	return 0;
}

/* With the key in both of its layouts. */
static void check_mceliece_decapsulation(struct vectors_run *run, const json_t *test)
{
	const char *owner = vectors_string(run, test, "key");
	const char *variant = vectors_string(run, test, "variant");
	uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
	uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];
	uint8_t old[MCELIECE460896_SECRET_KEY_OLD_BYTES];
	uint8_t converted[MCELIECE460896_SECRET_KEY_BYTES];
	size_t ct_len;

	if (owner == NULL || variant == NULL)
		return;
	ct_len = ciphertext_bytes(variant);
	if (ct_len == 0) {
		vectors_fail(run, "the variant \"%s\" is not known", variant);
		return;
	}
	if (!vectors_hex(run, test, "ct", ct, ct_len) || !vectors_key(run, owner, "sk", sk, sizeof sk) ||
	    !vectors_key(run, owner, "v02.sk", old, sizeof old))
		return;
	mceliece460896_decapsulate(ss, ct, ct_len, sk);
	vectors_expect(run, test, "ss", ss, sizeof ss);
	mceliece460896_secret_key_from_old(converted, old);
	mceliece460896_decapsulate(ss, ct, ct_len, converted);
	vectors_expect(run, test, "ss", ss, sizeof ss);
	mceliece460896_secret_key_to_old(converted, sk);
	if (memcmp(converted, old, sizeof old) != 0)
		vectors_fail(run, "keys/%s.sk and keys/%s.v02.sk are not the same key", owner, owner);
}

void vectors_mceliece460896(struct vectors_run *run, const json_t *root)
{
	vectors_each(run, root, "keygen", check_mceliece_keygen);
	vectors_each(run, root, "decaps", check_mceliece_decapsulation);
}
