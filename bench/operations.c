#include "operations.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBMCELIECE
#include <mceliece.h>
#endif
#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/blake2b.h"
#include "crypto/keccak.h"
#include "crypto/keyed_hash.h"
#include "crypto/kyber512.h"
#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/decode.h"
#include "crypto/mceliece460896/secret_key.h"
#include "handshakes.h"

/* The longest message that the protocol hashes. */
#define MESSAGE_BYTES MCELIECE460896_PUBLIC_KEY_BYTES
#define SCRATCH_ALIGNMENT 64
/* As many as the engine works on at once. */
#define LANES 16

static uint8_t *message;
static uint8_t key[32];
/* Where results go: a side of an operation writes the same place each time. */
static uint8_t digest[BENCH_SIDE_COUNT][64];
static EVP_MD_CTX *openssl_digest;
static uint8_t *lane_messages[LANES];
static uint8_t lane_outs[LANES][KEYED_HASH_OUT_BYTES];

static uint8_t kyber_pk[KYBER512_PUBLIC_KEY_BYTES];
static uint8_t kyber_sk[KYBER512_SECRET_KEY_BYTES];
static uint8_t kyber_ct[KYBER512_CIPHERTEXT_BYTES];
static uint8_t kyber_ss[KYBER512_SHARED_SECRET_BYTES];

static uint8_t *mceliece_pk;
static uint8_t mceliece_sk[MCELIECE460896_SECRET_KEY_BYTES];
static uint8_t mceliece_ct[MCELIECE460896_CIPHERTEXT_156_BYTES];
static uint8_t mceliece_ct_old[MCELIECE460896_CIPHERTEXT_188_BYTES];
static uint8_t mceliece_ss[MCELIECE460896_SHARED_SECRET_BYTES];
/* Key generation writes here, so that the other operations keep their keys. */
static uint8_t new_kyber_pk[KYBER512_PUBLIC_KEY_BYTES];
static uint8_t new_kyber_sk[KYBER512_SECRET_KEY_BYTES];
static uint8_t *new_mceliece_pk;
static uint8_t *other_mceliece_pk;
static uint8_t new_mceliece_sk[MCELIECE460896_SECRET_KEY_BYTES];
static void *scratch;

/* The seeds are the same in every run, so that two runs do the same work. */
static void number_seed(uint8_t *seed, size_t seed_len, size_t number)
{
	uint8_t input[8];

	for (size_t i = 0; i < sizeof input; i++)
		input[i] = (uint8_t)((uint64_t)number >> (8 * i));
	keccak_shake256(seed, seed_len, input, sizeof input);
}

static void blake2b_ours(size_t number)
{
	(void)number;
	blake2b_keyed(digest[BENCH_OURS], key, message, MESSAGE_BYTES);
}

/* Without a key and with a longer output: one block of 4096 less, and else the same compressions. */
static void blake2b_openssl(size_t number)
{
	(void)number;
	if (EVP_DigestInit_ex(openssl_digest, EVP_blake2b512(), NULL) != 1 ||
	    EVP_DigestUpdate(openssl_digest, message, MESSAGE_BYTES) != 1 ||
	    EVP_DigestFinal_ex(openssl_digest, digest[BENCH_OPENSSL], NULL) != 1)
		abort();
}

static void blake2b_libsodium(size_t number)
{
	(void)number;
	if (crypto_generichash(digest[BENCH_LIBSODIUM], BLAKE2B_OUT_BYTES, message, MESSAGE_BYTES, key,
	                       BLAKE2B_KEY_BYTES) != 0)
		abort();
}

static void shake256_ours(size_t number)
{
	(void)number;
	keccak_shake256(digest[BENCH_OURS], KEYED_HASH_OUT_BYTES, message, MESSAGE_BYTES);
}

static void shake256_openssl(size_t number)
{
	(void)number;
	if (EVP_DigestInit_ex(openssl_digest, EVP_shake256(), NULL) != 1 ||
	    EVP_DigestUpdate(openssl_digest, message, MESSAGE_BYTES) != 1 ||
	    EVP_DigestFinalXOF(openssl_digest, digest[BENCH_OPENSSL], KEYED_HASH_OUT_BYTES) != 1)
		abort();
}

static void keyed_hash_blake2b(size_t number)
{
	(void)number;
	keyed_hash(KEYED_HASH_BLAKE2B, digest[BENCH_OURS], key, message, MESSAGE_BYTES);
}

static void keyed_hash_shake256(size_t number)
{
	(void)number;
	keyed_hash(KEYED_HASH_SHAKE256, digest[BENCH_OURS], key, message, MESSAGE_BYTES);
}

/* As the protocol does: the same long message in every lane, or another in each. */
static void lanes_of(enum keyed_hash hash, bool is_same)
{
	struct keyed_hash_lane lanes[LANES];

	for (size_t i = 0; i < LANES; i++)
		lanes[i] = (struct keyed_hash_lane){ key, lane_messages[is_same ? 0 : i], lane_outs[i] };
	keyed_hash_lanes(hash, lanes, LANES, MESSAGE_BYTES);
}

static void blake2b_same(size_t number)
{
	(void)number;
	lanes_of(KEYED_HASH_BLAKE2B, true);
}

static void blake2b_different(size_t number)
{
	(void)number;
	lanes_of(KEYED_HASH_BLAKE2B, false);
}

static void shake256_same(size_t number)
{
	(void)number;
	lanes_of(KEYED_HASH_SHAKE256, true);
}

static void shake256_different(size_t number)
{
	(void)number;
	lanes_of(KEYED_HASH_SHAKE256, false);
}

/* What somebody without lanes does in the same time: the messages one after the other. */
static void blake2b_lanes_openssl(size_t number)
{
	for (size_t i = 0; i < LANES; i++)
		blake2b_openssl(number);
}

static void shake256_lanes_openssl(size_t number)
{
	for (size_t i = 0; i < LANES; i++)
		shake256_openssl(number);
}

static void kyber_keygen(size_t number)
{
	uint8_t seed[KYBER512_KEYGEN_SEED_BYTES];

	number_seed(seed, sizeof seed, number);
	kyber512_keygen_from_seed(new_kyber_pk, new_kyber_sk, seed);
}

static void kyber_encapsulate(size_t number)
{
	(void)number;
	kyber512_encapsulate_from_seed(kyber_ct, kyber_ss, kyber_pk, key);
}

static void kyber_decapsulate(size_t number)
{
	(void)number;
	kyber512_decapsulate(kyber_ss, kyber_ct, kyber_sk);
}

static void mceliece_encapsulate(size_t number)
{
	(void)number;
	mceliece460896_encapsulate_from_seed(mceliece_ct, sizeof mceliece_ct, mceliece_ss, mceliece_pk, key);
}

static void mceliece_encapsulate_old(size_t number)
{
	(void)number;
	mceliece460896_encapsulate_from_seed(mceliece_ct_old, sizeof mceliece_ct_old, mceliece_ss,
	                                     mceliece_pk, key);
}

static void mceliece_decapsulate(size_t number)
{
	(void)number;
	mceliece460896_decapsulate(mceliece_ss, mceliece_ct, sizeof mceliece_ct, mceliece_sk);
}

static void mceliece_decapsulate_old(size_t number)
{
	(void)number;
	mceliece460896_decapsulate(mceliece_ss, mceliece_ct_old, sizeof mceliece_ct_old, mceliece_sk);
}

/* The part of decapsulation that has backends: portable, and with the one that is chosen. */
static void mceliece_decode_portable(size_t number)
{
	uint8_t e[MCELIECE_ERROR_BYTES];

	(void)number;
	(void)mceliece_decode(e, mceliece_ct, mceliece_sk + MCELIECE_SECRET_KEY_GOPPA,
	                      mceliece_sk + MCELIECE_SECRET_KEY_BENES);
}

static void mceliece_decode_backend(size_t number)
{
	uint8_t e[MCELIECE_ERROR_BYTES];

	(void)number;
	(void)mceliece_backend()->decode(e, mceliece_ct, mceliece_sk + MCELIECE_SECRET_KEY_GOPPA,
	                                 mceliece_sk + MCELIECE_SECRET_KEY_BENES);
}

#ifdef HAVE_LIBMCELIECE
/* The library by the authors of Classic McEliece, with our keys. */
static void libmceliece_encapsulate(size_t number)
{
	(void)number;
	if (mceliece460896_enc(mceliece_ct, mceliece_ss, mceliece_pk) != 0)
		abort();
}

static void libmceliece_encapsulate_old(size_t number)
{
	(void)number;
	if (mceliece460896pc_enc(mceliece_ct_old, mceliece_ss, mceliece_pk) != 0)
		abort();
}

static void libmceliece_decapsulate(size_t number)
{
	(void)number;
	if (mceliece460896_dec(mceliece_ss, mceliece_ct, mceliece_sk) != 0)
		abort();
}

static void libmceliece_decapsulate_old(size_t number)
{
	(void)number;
	if (mceliece460896pc_dec(mceliece_ss, mceliece_ct_old, mceliece_sk) != 0)
		abort();
}

/* Other seeds than ours, and other ones in each run: only means of many keys compare. */
static void libmceliece_keygen(size_t number)
{
	(void)number;
	mceliece460896_keypair(new_mceliece_pk, new_mceliece_sk);
}
#else
#define libmceliece_encapsulate NULL
#define libmceliece_encapsulate_old NULL
#define libmceliece_decapsulate NULL
#define libmceliece_decapsulate_old NULL
#define libmceliece_keygen NULL
#endif

static void mceliece_keygen(size_t number)
{
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	number_seed(seed, sizeof seed, number);
	mceliece460896_keygen_from_seed(new_mceliece_pk, new_mceliece_sk, seed, scratch);
}

const struct bench_operation bench_operations[] = {
	{ "BLAKE2b", BENCH_LONG, MESSAGE_BYTES, { blake2b_ours, blake2b_openssl, blake2b_libsodium } },
	{ "SHAKE256", BENCH_LONG, MESSAGE_BYTES, { shake256_ours, shake256_openssl, NULL } },
	{ "keyed hash, BLAKE2b", BENCH_LONG, MESSAGE_BYTES, { keyed_hash_blake2b, NULL, NULL } },
	{ "keyed hash, SHAKE256", BENCH_LONG, MESSAGE_BYTES, { keyed_hash_shake256, NULL, NULL } },
	{ "BLAKE2b, 16 lanes, same",
	  BENCH_LONG,
	  LANES *MESSAGE_BYTES,
	  { blake2b_same, blake2b_lanes_openssl, NULL } },
	{ "BLAKE2b, 16 lanes",
	  BENCH_LONG,
	  LANES *MESSAGE_BYTES,
	  { blake2b_different, blake2b_lanes_openssl, NULL } },
	{ "SHAKE256, 16 lanes, same",
	  BENCH_LONG,
	  LANES *MESSAGE_BYTES,
	  { shake256_same, shake256_lanes_openssl, NULL } },
	{ "SHAKE256, 16 lanes",
	  BENCH_LONG,
	  LANES *MESSAGE_BYTES,
	  { shake256_different, shake256_lanes_openssl, NULL } },
	{ "Kyber-512 keygen", BENCH_SHORT, 0, { kyber_keygen, NULL, NULL } },
	{ "Kyber-512 encapsulate", BENCH_SHORT, 0, { kyber_encapsulate, NULL, NULL } },
	{ "Kyber-512 decapsulate", BENCH_SHORT, 0, { kyber_decapsulate, NULL, NULL } },
	{ "McEliece encapsulate, 156",
	  BENCH_LONG,
	  0,
	  { mceliece_encapsulate, NULL, NULL, libmceliece_encapsulate } },
	{ "McEliece encapsulate, 188",
	  BENCH_LONG,
	  0,
	  { mceliece_encapsulate_old, NULL, NULL, libmceliece_encapsulate_old } },
	{ "McEliece decode, portable", BENCH_LONG, 0, { mceliece_decode_portable, NULL, NULL } },
	{ "McEliece decode, backend", BENCH_LONG, 0, { mceliece_decode_backend, NULL, NULL } },
	{ "McEliece decapsulate, 156",
	  BENCH_LONG,
	  0,
	  { mceliece_decapsulate, NULL, NULL, libmceliece_decapsulate } },
	{ "McEliece decapsulate, 188",
	  BENCH_LONG,
	  0,
	  { mceliece_decapsulate_old, NULL, NULL, libmceliece_decapsulate_old } },
	{ "handshake, blake2b-188", BENCH_LONG, 0, { bench_handshake_blake2b_188, NULL, NULL } },
	{ "handshake, blake2b-156", BENCH_LONG, 0, { bench_handshake_blake2b_156, NULL, NULL } },
	{ "handshake, shake256-156", BENCH_LONG, 0, { bench_handshake_shake256_156, NULL, NULL } },
	{ "McEliece keygen", BENCH_KEYGEN, 0, { mceliece_keygen, NULL, NULL, libmceliece_keygen } },
};
const size_t bench_operation_count = sizeof bench_operations / sizeof *bench_operations;

/* Numbers of a function that computes something else would be worth nothing. */
static int check_hashes(void)
{
	blake2b_ours(0);
	blake2b_libsodium(0);
	if (memcmp(digest[BENCH_OURS], digest[BENCH_LIBSODIUM], BLAKE2B_OUT_BYTES) != 0)
		return -1;
	shake256_ours(0);
	shake256_openssl(0);
	return memcmp(digest[BENCH_OURS], digest[BENCH_OPENSSL], KEYED_HASH_OUT_BYTES) == 0 ? 0 : -1;
}

/* The ends of a KEM must agree; what they leave behind is the input of the measurements. */
static int check_kems(void)
{
	uint8_t sent[MCELIECE460896_SHARED_SECRET_BYTES];

	kyber_keygen(0);
	memcpy(kyber_pk, new_kyber_pk, sizeof kyber_pk);
	memcpy(kyber_sk, new_kyber_sk, sizeof kyber_sk);
	kyber_encapsulate(0);
	memcpy(sent, kyber_ss, sizeof sent);
	kyber_decapsulate(0);
	if (memcmp(sent, kyber_ss, sizeof sent) != 0)
		return -1;
	mceliece_keygen(0);
	memcpy(mceliece_pk, new_mceliece_pk, MCELIECE460896_PUBLIC_KEY_BYTES);
	memcpy(mceliece_sk, new_mceliece_sk, sizeof mceliece_sk);
	mceliece_encapsulate(0);
	memcpy(sent, mceliece_ss, sizeof sent);
	mceliece_decapsulate(0);
	if (memcmp(sent, mceliece_ss, sizeof sent) != 0)
		return -1;
	mceliece_encapsulate_old(0);
	memcpy(sent, mceliece_ss, sizeof sent);
	mceliece_decapsulate_old(0);
	return memcmp(sent, mceliece_ss, sizeof sent) == 0 ? 0 : -1;
}

int bench_operations_prepare(void)
{
	size_t scratch_bytes = mceliece460896_keygen_scratch_bytes();

	/* aligned_alloc() wants a multiple of the alignment. */
	scratch_bytes = (scratch_bytes + SCRATCH_ALIGNMENT - 1) / SCRATCH_ALIGNMENT * SCRATCH_ALIGNMENT;
	message = malloc(MESSAGE_BYTES);
	mceliece_pk = malloc(MCELIECE460896_PUBLIC_KEY_BYTES);
	new_mceliece_pk = malloc(MCELIECE460896_PUBLIC_KEY_BYTES);
	other_mceliece_pk = malloc(MCELIECE460896_PUBLIC_KEY_BYTES);
	scratch = aligned_alloc(SCRATCH_ALIGNMENT, scratch_bytes);
	openssl_digest = EVP_MD_CTX_new();
	for (size_t i = 0; i < LANES; i++) {
		lane_messages[i] = malloc(MESSAGE_BYTES);
		if (lane_messages[i] == NULL)
			return -1;
		number_seed(lane_messages[i], MESSAGE_BYTES, 3 + i);
	}
	if (message == NULL || mceliece_pk == NULL || new_mceliece_pk == NULL || other_mceliece_pk == NULL ||
	    scratch == NULL || openssl_digest == NULL || sodium_init() < 0)
		return -1;
	number_seed(message, MESSAGE_BYTES, 1);
	number_seed(key, sizeof key, 2);
	if (check_hashes() != 0 || check_kems() != 0)
		return -1;
	/* A second key pair, for handshakes: engines copy the secret key and refer to the public key. */
	mceliece_keygen(1);
	memcpy(other_mceliece_pk, new_mceliece_pk, MCELIECE460896_PUBLIC_KEY_BYTES);
	return bench_handshakes_prepare(mceliece_pk, mceliece_sk, other_mceliece_pk, new_mceliece_sk);
}

void bench_operations_release(void)
{
	EVP_MD_CTX_free(openssl_digest);
	free(scratch);
	bench_handshakes_release();
	free(other_mceliece_pk);
	free(new_mceliece_pk);
	free(mceliece_pk);
	for (size_t i = 0; i < LANES; i++)
		free(lane_messages[i]);
	free(message);
}
