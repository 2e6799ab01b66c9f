/* usage: ct_crypto PART...
 * Runs the named parts of src/crypto on secrets that are marked as undefined memory, so that valgrind's
 * memcheck reports every branch and every index made from them. To be compiled with ROSENPASS_CT_TEST and run
 * by tests/ct/run. Exit status: 1 when a result is wrong, 2 for wrong usage, else what valgrind says. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "crypto/aead.h"
#include "crypto/blake2b.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/keyed_hash.h"
#include "crypto/kyber512.h"
#include "crypto/mceliece460896.h"

#define KEYS TEST_DATA_DIR "/vectors/keys/"

static const char *part_name = "ct_crypto";

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", part_name, what);
	exit(EXIT_FAILURE);
}

static void expect(bool condition, const char *what)
{
	if (!condition)
		fail(what);
}

/* Whether any bit of the bytes counts as secret. */
static bool is_secret(const void *p, size_t len)
{
	uint8_t bits[256];

	for (size_t done = 0; done < len; done += sizeof bits) {
		size_t some = len - done < sizeof bits ? len - done : sizeof bits;

		if (VALGRIND_GET_VBITS((const uint8_t *)p + done, bits, some) != 1)
			fail("valgrind does not tell what is secret");
		for (size_t i = 0; i < some; i++) {
			if (bits[i] != 0)
				return true;
		}
	}
	return false;
}

/* A result made from secrets must still be one: else the marks got lost, and nothing was tested. */
static void expect_secret(const void *p, size_t len, const char *what)
{
	if (!is_secret(p, len)) {
		fprintf(stderr, "%s: %s is not secret\n", part_name, what);
		exit(EXIT_FAILURE);
	}
	ct_declassify(p, len);
}

static void expect_public(const void *p, size_t len, const char *what)
{
	if (is_secret(p, len)) {
		fprintf(stderr, "%s: %s is not declassified\n", part_name, what);
		exit(EXIT_FAILURE);
	}
}

/* The same bytes on every run; any will do. */
static int fill(void *context, uint8_t *out, size_t out_len)
{
	uint8_t *number = context;

	for (size_t i = 0; i < out_len; i++)
		out[i] = (uint8_t)(*number + 151 * i);
	++*number;
	return 0;
}

static void secret_bytes(uint8_t *out, size_t out_len)
{
	uint8_t number = 1;

	(void)fill(&number, out, out_len);
	ct_secret(out, out_len);
}

static uint8_t *allocate(size_t len)
{
	uint8_t *memory = aligned_alloc(64, (len + 63) / 64 * 64);

	expect(memory != NULL, "out of memory");
	return memory;
}

static uint8_t *read_key(const char *path, size_t len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *key = allocate(len);

	expect(file != NULL && fread(key, 1, len, file) == len, path);
	fclose(file);
	return key;
}

/* Must be reported, or the reports of the other parts mean nothing. */
static void run_self_check(void)
{
	uint8_t byte;

	secret_bytes(&byte, 1);
	if (byte & 1)
		puts("the secret is odd");
	else
		puts("the secret is even");
}

static const size_t lengths[] = { 0, 1, 32, 127, 128, 129, 135, 136, 137, 300, 1100 };
#define LENGTH_COUNT (sizeof lengths / sizeof *lengths)
#define LONGEST 1100

static void run_keccak(void)
{
	uint8_t in[LONGEST];
	uint8_t out[400];
	struct keccak_shake shake;

	for (size_t i = 1; i < LENGTH_COUNT; i++) {
		secret_bytes(in, lengths[i]);
		keccak_shake256(out, sizeof out, in, lengths[i]);
		expect_secret(out, sizeof out, "SHAKE256");
		keccak_sha3_256(out, in, lengths[i]);
		expect_secret(out, KECCAK_SHA3_256_BYTES, "SHA3-256");
		keccak_sha3_512(out, in, lengths[i]);
		expect_secret(out, KECCAK_SHA3_512_BYTES, "SHA3-512");
		keccak_shake128_init(&shake);
		keccak_shake_absorb(&shake, in, lengths[i]);
		keccak_shake_absorb(&shake, in, lengths[i] / 2);
		keccak_shake_finish(&shake);
		keccak_shake_squeeze(&shake, out, 7);
		keccak_shake_squeeze(&shake, out + 7, sizeof out - 7);
		expect_secret(out, sizeof out, "SHAKE128");
	}
}

static void run_blake2b(void)
{
	uint8_t key[BLAKE2B_KEY_BYTES];
	uint8_t in[LONGEST];
	uint8_t out[BLAKE2B_OUT_BYTES];

	secret_bytes(key, sizeof key);
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		secret_bytes(in, lengths[i]);
		blake2b_keyed(out, key, in, lengths[i]);
		expect_secret(out, sizeof out, "BLAKE2b");
	}
}

static void run_keyed_hash(void)
{
	enum {
		LANES = 9
	};
	uint8_t key[KEYED_HASH_KEY_BYTES];
	uint8_t in[LONGEST];
	uint8_t out[KEYED_HASH_OUT_BYTES];
	uint8_t outs[LANES][KEYED_HASH_OUT_BYTES];
	struct keyed_hash_lane lanes[LANES];

	secret_bytes(key, sizeof key);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		for (size_t i = 0; i < LENGTH_COUNT; i++) {
			secret_bytes(in, lengths[i]);
			keyed_hash((enum keyed_hash)hash, out, key, in, lengths[i]);
			expect_secret(out, sizeof out, "keyed hash");
			for (int lane = 0; lane < LANES; lane++)
				lanes[lane] = (struct keyed_hash_lane){ key, in, outs[lane] };
			keyed_hash_lanes((enum keyed_hash)hash, lanes, LANES, lengths[i]);
			expect_secret(outs, sizeof outs, "keyed hash in lanes");
			for (int lane = 0; lane < LANES; lane++)
				expect(memcmp(outs[lane], out, sizeof out) == 0, "lanes differ");
		}
	}
}

/*
 * Sealing alone. Opening ends with a verdict on the tag, which is public, but libsodium branches on it inside
 * of its own function, where it cannot be declassified.
 */
static void run_aead(void)
{
	uint8_t key[AEAD_KEY_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES] = { 0 };
	uint8_t pt[LONGEST];
	uint8_t ct[LONGEST + AEAD_X_OVERHEAD_BYTES];

	secret_bytes(key, sizeof key);
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		secret_bytes(pt, lengths[i]);
		aead_seal(ct, key, nonce, pt, lengths[i]);
		expect_secret(ct, lengths[i] + AEAD_TAG_BYTES, "what ChaCha20-Poly1305 sealed");
		aead_x_seal(ct, key, nonce, nonce, sizeof nonce, pt, lengths[i]);
		expect_secret(ct + AEAD_X_NONCE_BYTES, lengths[i] + AEAD_TAG_BYTES,
		              "what XChaCha20-Poly1305 sealed");
	}
	puts("skipped: opening an AEAD (libsodium itself branches on the verdict)");
}

static void run_kyber512(void)
{
	uint8_t number = 0;
	struct random_source random = { fill, &number };
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];
	uint8_t other_ss[KYBER512_SHARED_SECRET_BYTES];

	expect(kyber512_keygen(pk, sk, &random) == 0, "the random source failed");
	expect_public(pk, sizeof pk, "the public key");
	expect_secret(sk, sizeof sk, "the secret key");
	expect(kyber512_encapsulate(ct, ss, pk, &random) == 0, "the random source failed");
	expect_public(ct, sizeof ct, "the ciphertext");
	expect_secret(ss, sizeof ss, "the shared secret");

	ct_secret(sk, sizeof sk);
	kyber512_decapsulate(other_ss, ct, sk);
	expect_secret(other_ss, sizeof other_ss, "the decapsulated secret");
	expect(memcmp(ss, other_ss, sizeof ss) == 0, "a genuine ciphertext was rejected");
	for (size_t i = 0; i < sizeof ct; i += sizeof ct - 1) {
		ct[i] ^= 1;
		kyber512_decapsulate(other_ss, ct, sk);
		expect_secret(other_ss, sizeof other_ss, "the secret of a damaged ciphertext");
		expect(memcmp(ss, other_ss, sizeof ss) != 0, "a damaged ciphertext was accepted");
		ct[i] ^= 1;
	}
}

/* From alice's seed in mceliece460896.json, with which six tries fail and the seventh succeeds. */
static void run_mceliece_keygen(void)
{
	static const uint8_t alice_seed[MCELIECE460896_SEED_BYTES] = {
		0x47, 0xea, 0xc9, 0x70, 0xfe, 0x06, 0x38, 0x4d, 0x62, 0xfb, 0xb0,
		0x71, 0x16, 0x75, 0xc4, 0xdf, 0x7c, 0xd9, 0xe7, 0xd4, 0x4f, 0xc5,
		0x60, 0xdf, 0xd5, 0xbe, 0x5e, 0x42, 0x7e, 0x9d, 0xc6, 0x9a,
	};
	uint8_t *expected_pk = read_key(KEYS "alice.pk", MCELIECE460896_PUBLIC_KEY_BYTES);
	uint8_t *expected_sk = read_key(KEYS "alice.sk", MCELIECE460896_SECRET_KEY_BYTES);
	uint8_t *pk = allocate(MCELIECE460896_PUBLIC_KEY_BYTES);
	uint8_t *sk = allocate(MCELIECE460896_SECRET_KEY_BYTES);
	uint8_t *scratch = allocate(mceliece460896_keygen_scratch_bytes());
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	memcpy(seed, alice_seed, sizeof seed);
	ct_secret(seed, sizeof seed);
	mceliece460896_keygen_from_seed(pk, sk, seed, scratch);
	expect_public(pk, MCELIECE460896_PUBLIC_KEY_BYTES, "the public key");
	expect_secret(sk, MCELIECE460896_SECRET_KEY_BYTES, "the secret key");
	expect(memcmp(pk, expected_pk, MCELIECE460896_PUBLIC_KEY_BYTES) == 0, "the public key is wrong");
	expect(memcmp(sk, expected_sk, MCELIECE460896_SECRET_KEY_BYTES) == 0, "the secret key is wrong");
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

/* Encapsulation and decapsulation, which needs a ciphertext. */
static void run_mceliece(void)
{
	uint8_t *pk = read_key(KEYS "alice.pk", MCELIECE460896_PUBLIC_KEY_BYTES);
	uint8_t *sk = read_key(KEYS "alice.sk", MCELIECE460896_SECRET_KEY_BYTES);
	uint8_t number = 0;
	struct random_source random = { fill, &number };
	uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
	uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t other_ss[MCELIECE460896_SHARED_SECRET_BYTES];

	ct_secret(sk, MCELIECE460896_SECRET_KEY_BYTES);
	for (size_t i = 0; i < sizeof mceliece_forms / sizeof *mceliece_forms; i++) {
		size_t ct_len = mceliece_forms[i];

		expect(mceliece460896_encapsulate(ct, ct_len, ss, pk, &random) == 0,
		       "the random source failed");
		expect_public(ct, ct_len, "the ciphertext");
		expect_secret(ss, sizeof ss, "the shared secret");
		mceliece460896_decapsulate(other_ss, ct, ct_len, sk);
		expect_secret(other_ss, sizeof other_ss, "the decapsulated secret");
		expect(memcmp(ss, other_ss, sizeof ss) == 0, "a genuine ciphertext was rejected");
		for (size_t at = 0; at < ct_len; at += ct_len - 1) {
			ct[at] ^= 1;
			mceliece460896_decapsulate(other_ss, ct, ct_len, sk);
			expect_secret(other_ss, sizeof other_ss, "the secret of a damaged ciphertext");
			expect(memcmp(ss, other_ss, sizeof ss) != 0, "a damaged ciphertext was accepted");
			ct[at] ^= 1;
		}
	}
	free(sk);
	free(pk);
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "self-check", run_self_check },
	{ "keccak", run_keccak },
	{ "blake2b", run_blake2b },
	{ "keyed-hash", run_keyed_hash },
	{ "aead", run_aead },
	{ "kyber512", run_kyber512 },
	{ "mceliece", run_mceliece },
	{ "mceliece-keygen", run_mceliece_keygen },
};

static bool run_part(const char *name)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strcmp(parts[i].name, name) == 0) {
			part_name = name;
			parts[i].run();
			return true;
		}
	}
	fprintf(stderr, "ct_crypto: there is no part %s\n", name);
	return false;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: ct_crypto PART...\nparts:");
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
			fprintf(stderr, " %s", parts[i].name);
		fputc('\n', stderr);
		return 2;
	}
	if (!RUNNING_ON_VALGRIND) {
		fprintf(stderr, "ct_crypto: without valgrind nothing would be tested\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		if (!run_part(argv[i]))
			return 2;
	}
	return EXIT_SUCCESS;
}
