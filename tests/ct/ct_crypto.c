/* The primitives of src/crypto, each on secrets alone. */

#include "ct_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/blake2b.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/keyed_hash.h"
#include "crypto/kyber512.h"
#include "crypto/kyber512_backend.h"
#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/secret_key.h"
#include "crypto/mceliece460896/sort.h"

/* Must be reported, or the reports of the other parts mean nothing. */
void ct_run_self_check(void)
{
	uint8_t byte;

	ct_secret_bytes(&byte, 1);
	if (byte & 1)
		puts("the secret is odd");
	else
		puts("the secret is even");
}

static const size_t lengths[] = { 0, 1, 32, 127, 128, 129, 135, 136, 137, 300, 1100 };
#define LENGTH_COUNT (sizeof lengths / sizeof *lengths)
#define LONGEST 1100

void ct_run_keccak(void)
{
	uint8_t in[LONGEST];
	uint8_t out[400];
	struct keccak_shake shake;

	for (size_t i = 1; i < LENGTH_COUNT; i++) {
		ct_secret_bytes(in, lengths[i]);
		keccak_shake256(out, sizeof out, in, lengths[i]);
		ct_expect_secret(out, sizeof out, "SHAKE256");
		keccak_sha3_256(out, in, lengths[i]);
		ct_expect_secret(out, KECCAK_SHA3_256_BYTES, "SHA3-256");
		keccak_sha3_512(out, in, lengths[i]);
		ct_expect_secret(out, KECCAK_SHA3_512_BYTES, "SHA3-512");
		keccak_shake128_init(&shake);
		keccak_shake_absorb(&shake, in, lengths[i]);
		keccak_shake_absorb(&shake, in, lengths[i] / 2);
		keccak_shake_finish(&shake);
		keccak_shake_squeeze(&shake, out, 7);
		keccak_shake_squeeze(&shake, out + 7, sizeof out - 7);
		ct_expect_secret(out, sizeof out, "SHAKE128");
	}
}

void ct_run_blake2b(void)
{
	uint8_t key[BLAKE2B_KEY_BYTES];
	uint8_t in[LONGEST];
	uint8_t out[BLAKE2B_OUT_BYTES];

	ct_secret_bytes(key, sizeof key);
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		ct_secret_bytes(in, lengths[i]);
		blake2b_keyed(out, key, in, lengths[i]);
		ct_expect_secret(out, sizeof out, "BLAKE2b");
	}
}

void ct_run_keyed_hash(void)
{
	enum {
		LANES = 9
	};
	uint8_t key[KEYED_HASH_KEY_BYTES];
	uint8_t in[LONGEST];
	uint8_t out[KEYED_HASH_OUT_BYTES];
	uint8_t outs[LANES][KEYED_HASH_OUT_BYTES];
	struct keyed_hash_lane lanes[LANES];

	ct_secret_bytes(key, sizeof key);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		for (size_t i = 0; i < LENGTH_COUNT; i++) {
			ct_secret_bytes(in, lengths[i]);
			keyed_hash((enum keyed_hash)hash, out, key, in, lengths[i]);
			ct_expect_secret(out, sizeof out, "keyed hash");
			for (int lane = 0; lane < LANES; lane++)
				lanes[lane] = (struct keyed_hash_lane){ key, in, outs[lane] };
			keyed_hash_lanes((enum keyed_hash)hash, lanes, LANES, lengths[i]);
			ct_expect_secret(outs, sizeof outs, "keyed hash in lanes");
			for (int lane = 0; lane < LANES; lane++)
				ct_expect(memcmp(outs[lane], out, sizeof out) == 0, "lanes differ");
		}
	}
}

/* libsodium itself is tested in sealing alone: see ct_sodium.c. */
void ct_run_aead(void)
{
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES] = { 0 };
	uint8_t pt[LONGEST];
	uint8_t ct[LONGEST + AEAD_X_OVERHEAD_BYTES];
	uint8_t opened[LONGEST];

	ct_secret_bytes(key, sizeof key);
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		size_t len = lengths[i];

		ct_secret_bytes(pt, len);
		aead_seal(ct, key, nonce, pt, len);
		ct_expect_secret(ct, len + AEAD_TAG_BYTES, "what ChaCha20-Poly1305 sealed");
		ct_expect(aead_open(opened, key, nonce, ct, len + AEAD_TAG_BYTES) == 0,
		          "a genuine tag failed");
		ct_declassify(pt, len);
		ct_declassify(opened, len);
		ct_expect(memcmp(opened, pt, len) == 0, "ChaCha20-Poly1305 opened something else");
		ct[0] ^= 1;
		ct_expect(aead_open(opened, key, nonce, ct, len + AEAD_TAG_BYTES) != 0, "a false tag passed");

		aead_x_seal(ct, key, nonce, nonce, sizeof nonce, pt, len);
		ct_expect_secret(ct + AEAD_X_NONCE_BYTES, len + AEAD_TAG_BYTES,
		                 "what XChaCha20-Poly1305 sealed");
		ct_expect(aead_x_open(opened, key, nonce, sizeof nonce, ct, len + AEAD_X_OVERHEAD_BYTES) == 0,
		          "a genuine tag failed");
		ct_declassify(opened, len);
		ct_expect(memcmp(opened, pt, len) == 0, "XChaCha20-Poly1305 opened something else");
		ct[AEAD_X_NONCE_BYTES] ^= 1;
		ct_expect(aead_x_open(opened, key, nonce, sizeof nonce, ct, len + AEAD_X_OVERHEAD_BYTES) != 0,
		          "a false tag passed");
	}
}

/* Each backend, not only the one in use here. */
static void run_kyber512_backend(const struct kyber512_backend *backend)
{
	uint8_t seed[KYBER512_SEED_BYTES];
	uint8_t message[KYBER512_MESSAGE_BYTES];
	uint8_t decrypted[KYBER512_MESSAGE_BYTES];
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_INDCPA_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];

	ct_secret_bytes(seed, sizeof seed);
	ct_secret_bytes(message, sizeof message);
	backend->keygen(pk, sk, seed);
	ct_expect_secret(sk, sizeof sk, "the secret key");
	ct_declassify(pk, sizeof pk);
	backend->encrypt(ct, message, pk, seed);
	ct_expect_secret(ct, sizeof ct, "a ciphertext before it is sent");
	/* A check declassifies what it looks at. */
	ct_secret(sk, sizeof sk);
	backend->decrypt(decrypted, ct, sk);
	ct_expect_secret(decrypted, sizeof decrypted, "the message");
	ct_declassify(decrypted, sizeof decrypted);
	ct_declassify(message, sizeof message);
	ct_expect(memcmp(decrypted, message, sizeof message) == 0, "another message was decrypted");
}

void ct_run_kyber512(void)
{
	uint8_t number = 0;
	struct random_source random = { ct_fill, &number };
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];
	uint8_t other_ss[KYBER512_SHARED_SECRET_BYTES];

	for (size_t i = 0; kyber512_backends[i] != NULL; i++) {
		if (kyber512_backends[i]->is_supported())
			run_kyber512_backend(kyber512_backends[i]);
	}
	ct_expect(kyber512_keygen(pk, sk, &random) == 0, "the random source failed");
	ct_expect_public(pk, sizeof pk, "the public key");
	ct_expect_secret(sk, sizeof sk, "the secret key");
	ct_expect(kyber512_encapsulate(ct, ss, pk, &random) == 0, "the random source failed");
	ct_expect_public(ct, sizeof ct, "the ciphertext");
	ct_expect_secret(ss, sizeof ss, "the shared secret");

	ct_secret(sk, sizeof sk);
	kyber512_decapsulate(other_ss, ct, sk);
	ct_expect_secret(other_ss, sizeof other_ss, "the decapsulated secret");
	ct_expect(memcmp(ss, other_ss, sizeof ss) == 0, "a genuine ciphertext was rejected");
	for (size_t i = 0; i < sizeof ct; i += sizeof ct - 1) {
		ct[i] ^= 1;
		kyber512_decapsulate(other_ss, ct, sk);
		ct_expect_secret(other_ss, sizeof other_ss, "the secret of a damaged ciphertext");
		ct_expect(memcmp(ss, other_ss, sizeof ss) != 0, "a damaged ciphertext was accepted");
		ct[i] ^= 1;
	}
}

/* With points that are the multiples of this number, alice's polynomial gives a key. */
#define KEY_FACTOR 2741

/* Key generation uses one backend; here each makes a matrix, with success and without. */
static void run_mceliece_matrix(const struct mceliece_backend *backend)
{
	uint16_t points[MCELIECE_Q];
	uint16_t goppa[MCELIECE_T];
	uint8_t *pk = ct_allocate(MCELIECE460896_PUBLIC_KEY_BYTES);
	struct mceliece_matrix_scratch *scratch = (void *)ct_allocate(sizeof *scratch);
	uint8_t *sk = ct_read_key("alice.sk", MCELIECE460896_SECRET_KEY_BYTES);

	for (unsigned i = 0; i < MCELIECE_T; i++)
		goppa[i] = mceliece_bytes_load_u16(sk + MCELIECE_SECRET_KEY_GOPPA + 2 * i);
	for (unsigned i = 0; i < MCELIECE_Q; i++)
		points[i] = (uint16_t)(i * KEY_FACTOR % MCELIECE_Q);
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		if (wrong != 0)
			points[1] = points[0];
		ct_secret(goppa, sizeof goppa);
		ct_secret(points, sizeof points);
		ct_expect(backend->matrix(pk, goppa, points, scratch) == (wrong == 0),
		          "a backend judges a matrix wrongly");
		ct_declassify(points, sizeof points);
	}
	ct_expect_public(pk, MCELIECE460896_PUBLIC_KEY_BYTES, "the public key");
	free(sk);
	free(scratch);
	free(pk);
}

static void run_mceliece_sorts(const struct mceliece_backend *backend)
{
	enum {
		LENGTH = 128
	};
	int32_t narrow[LENGTH];
	int64_t wide[LENGTH];
	int64_t work[LENGTH + MCELIECE_SORT_EXTRA];

	for (size_t lanes = 1; lanes <= 16; lanes *= 2) {
		ct_secret_bytes((uint8_t *)wide, sizeof wide);
		for (size_t i = 0; i < LENGTH; i++) {
			wide[i] &= INT64_MAX;
			narrow[i] = (int32_t)(wide[i] & INT32_MAX);
		}
		backend->sort_u31(narrow, LENGTH, lanes, (int32_t *)work);
		ct_expect_secret((uint8_t *)narrow, sizeof narrow, "what was sorted");
		backend->sort_u63(wide, LENGTH, work);
		ct_expect_secret((uint8_t *)wide, sizeof wide, "what was sorted");
	}
}

/* From alice's seed in mceliece460896.json, with which six tries fail and the seventh succeeds. */
void ct_run_mceliece_keygen(void)
{
	static const uint8_t alice_seed[MCELIECE460896_SEED_BYTES] = {
		0x47, 0xea, 0xc9, 0x70, 0xfe, 0x06, 0x38, 0x4d, 0x62, 0xfb, 0xb0,
		0x71, 0x16, 0x75, 0xc4, 0xdf, 0x7c, 0xd9, 0xe7, 0xd4, 0x4f, 0xc5,
		0x60, 0xdf, 0xd5, 0xbe, 0x5e, 0x42, 0x7e, 0x9d, 0xc6, 0x9a,
	};
	uint8_t *expected_pk = ct_read_key("alice.pk", MCELIECE460896_PUBLIC_KEY_BYTES);
	uint8_t *expected_sk = ct_read_key("alice.sk", MCELIECE460896_SECRET_KEY_BYTES);
	uint8_t *pk = ct_allocate(MCELIECE460896_PUBLIC_KEY_BYTES);
	uint8_t *sk = ct_allocate(MCELIECE460896_SECRET_KEY_BYTES);
	uint8_t *scratch = ct_allocate(mceliece460896_keygen_scratch_bytes());
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		if (!mceliece_backends[i]->is_supported())
			continue;
		run_mceliece_matrix(mceliece_backends[i]);
		run_mceliece_sorts(mceliece_backends[i]);
	}
	memcpy(seed, alice_seed, sizeof seed);
	ct_secret(seed, sizeof seed);
	mceliece460896_keygen_from_seed(pk, sk, seed, scratch);
	ct_expect_public(pk, MCELIECE460896_PUBLIC_KEY_BYTES, "the public key");
	ct_expect_secret(sk, MCELIECE460896_SECRET_KEY_BYTES, "the secret key");
	ct_expect(memcmp(pk, expected_pk, MCELIECE460896_PUBLIC_KEY_BYTES) == 0, "the public key is wrong");
	ct_expect(memcmp(sk, expected_sk, MCELIECE460896_SECRET_KEY_BYTES) == 0, "the secret key is wrong");
	free(scratch);
	free(sk);
	free(pk);
	free(expected_sk);
	free(expected_pk);
}

static const size_t mceliece_forms[] = {
	MCELIECE460896_CIPHERTEXT_156_BYTES,
	MCELIECE460896_CIPHERTEXT_188_BYTES,
};

/* Decapsulation takes one of them; here each decodes, with success and without. */
static void run_mceliece_backends(const uint8_t *sk, uint8_t *c0)
{
	uint8_t e[MCELIECE_ERROR_BYTES];

	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		if (!mceliece_backends[i]->is_supported())
			continue;
		for (unsigned wrong = 0; wrong < 2; wrong++) {
			uint64_t valid;

			c0[0] = (uint8_t)(c0[0] ^ wrong);
			valid = mceliece_backends[i]->decode(e, c0, sk + MCELIECE_SECRET_KEY_GOPPA,
			                                     sk + MCELIECE_SECRET_KEY_BENES);
			c0[0] = (uint8_t)(c0[0] ^ wrong);
			ct_expect_secret(e, sizeof e, "the error vector");
			ct_expect(ct_is_set(valid) == (wrong == 0), "a backend decodes wrongly");
		}
	}
}

/* Encapsulation takes one of them, too. */
static void run_mceliece_encapsulation(const uint8_t *pk)
{
	uint8_t random[MCELIECE_RANDOM_BYTES];
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t parities[2];

	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		if (!mceliece_backends[i]->is_supported())
			continue;
		ct_secret_bytes(random, sizeof random);
		mceliece_backends[i]->place(e, random);
		ct_expect_secret(e, sizeof e, "the error vector");
		ct_secret(e, sizeof e);
		mceliece_backends[i]->parities(parities, sizeof parities, pk, e);
		ct_expect_secret(parities, sizeof parities, "the parities");
	}
}

/* Encapsulation and decapsulation, which needs a ciphertext. */
void ct_run_mceliece(void)
{
	uint8_t *pk = ct_read_key("alice.pk", MCELIECE460896_PUBLIC_KEY_BYTES);
	uint8_t *sk = ct_read_key("alice.sk", MCELIECE460896_SECRET_KEY_BYTES);
	uint8_t number = 0;
	struct random_source random = { ct_fill, &number };
	uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
	uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t other_ss[MCELIECE460896_SHARED_SECRET_BYTES];

	ct_secret(sk, MCELIECE460896_SECRET_KEY_BYTES);
	run_mceliece_encapsulation(pk);
	for (size_t i = 0; i < sizeof mceliece_forms / sizeof *mceliece_forms; i++) {
		size_t ct_len = mceliece_forms[i];

		ct_expect(mceliece460896_encapsulate(ct, ct_len, ss, pk, &random) == 0,
		          "the random source failed");
		ct_expect_public(ct, ct_len, "the ciphertext");
		ct_expect_secret(ss, sizeof ss, "the shared secret");
		mceliece460896_decapsulate(other_ss, ct, ct_len, sk);
		ct_expect_secret(other_ss, sizeof other_ss, "the decapsulated secret");
		ct_expect(memcmp(ss, other_ss, sizeof ss) == 0, "a genuine ciphertext was rejected");
		run_mceliece_backends(sk, ct);
		for (size_t at = 0; at < ct_len; at += ct_len - 1) {
			ct[at] ^= 1;
			mceliece460896_decapsulate(other_ss, ct, ct_len, sk);
			ct_expect_secret(other_ss, sizeof other_ss, "the secret of a damaged ciphertext");
			ct_expect(memcmp(ss, other_ss, sizeof ss) != 0, "a damaged ciphertext was accepted");
			ct[at] ^= 1;
		}
	}
	free(sk);
	free(pk);
}
