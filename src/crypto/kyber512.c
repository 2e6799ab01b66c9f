#include "crypto/kyber512.h"

#include <assert.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/kyber512_backend.h"

/*
 * The KEM of the round-3 specification, algorithms 7 to 9: the encryption of
 * kyber512_indcpa.h made secure against active attackers. H = SHA3-256, G = SHA3-512,
 * KDF = SHAKE256. A secret key is s || pk || H(pk) || z.
 */

#define SK_PK KYBER512_INDCPA_SECRET_KEY_BYTES
#define SK_PK_HASH (SK_PK + KYBER512_PUBLIC_KEY_BYTES)
#define SK_Z (SK_PK_HASH + KECCAK_SHA3_256_BYTES)

static_assert(SK_Z + KYBER512_SEED_BYTES == KYBER512_SECRET_KEY_BYTES, "parts of the secret key");

void kyber512_keygen_from_seed(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                               uint8_t sk[static KYBER512_SECRET_KEY_BYTES],
                               const uint8_t seed[static KYBER512_KEYGEN_SEED_BYTES])
{
	kyber512_backend()->keygen(pk, sk, seed);
	ct_declassify(pk, KYBER512_PUBLIC_KEY_BYTES);
	memcpy(sk + SK_PK, pk, KYBER512_PUBLIC_KEY_BYTES);
	keccak_sha3_256(sk + SK_PK_HASH, pk, KYBER512_PUBLIC_KEY_BYTES);
	memcpy(sk + SK_Z, seed + KYBER512_SEED_BYTES, KYBER512_SEED_BYTES);
}

int kyber512_keygen(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                    uint8_t sk[static KYBER512_SECRET_KEY_BYTES], const struct random_source *random)
{
	uint8_t seed[KYBER512_KEYGEN_SEED_BYTES];

	if (random_bytes(random, seed, sizeof seed) != 0) {
		ct_wipe(pk, KYBER512_PUBLIC_KEY_BYTES);
		ct_wipe(sk, KYBER512_SECRET_KEY_BYTES);
		return -1;
	}
	kyber512_keygen_from_seed(pk, sk, seed);
	ct_wipe(seed, sizeof seed);
	return 0;
}

/* K-bar || r = G(message || H(pk)) */
static void key_and_coins(uint8_t out[static KECCAK_SHA3_512_BYTES],
                          const uint8_t message[static KYBER512_MESSAGE_BYTES],
                          const uint8_t pk_hash[static KECCAK_SHA3_256_BYTES])
{
	uint8_t input[KYBER512_MESSAGE_BYTES + KECCAK_SHA3_256_BYTES];

	memcpy(input, message, KYBER512_MESSAGE_BYTES);
	memcpy(input + KYBER512_MESSAGE_BYTES, pk_hash, KECCAK_SHA3_256_BYTES);
	keccak_sha3_512(out, input, sizeof input);
	ct_wipe(input, sizeof input);
}

/* ss = KDF(key || H(ct)) */
static void derive(uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                   const uint8_t key[static KYBER512_SEED_BYTES],
                   const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES])
{
	uint8_t input[KYBER512_SEED_BYTES + KECCAK_SHA3_256_BYTES];

	memcpy(input, key, KYBER512_SEED_BYTES);
	keccak_sha3_256(input + KYBER512_SEED_BYTES, ct, KYBER512_CIPHERTEXT_BYTES);
	keccak_shake256(ss, KYBER512_SHARED_SECRET_BYTES, input, sizeof input);
	ct_wipe(input, sizeof input);
}

void kyber512_encapsulate_from_seed(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                                    uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                                    const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                                    const uint8_t seed[static KYBER512_ENCAPSULATE_SEED_BYTES])
{
	uint8_t message[KYBER512_MESSAGE_BYTES];
	uint8_t pk_hash[KECCAK_SHA3_256_BYTES];
	uint8_t key[KECCAK_SHA3_512_BYTES]; /* K-bar || r */

	/* Hashed, so that the output of the random source is never sent. */
	keccak_sha3_256(message, seed, KYBER512_ENCAPSULATE_SEED_BYTES);
	keccak_sha3_256(pk_hash, pk, KYBER512_PUBLIC_KEY_BYTES);
	key_and_coins(key, message, pk_hash);
	kyber512_backend()->encrypt(ct, message, pk, key + KYBER512_SEED_BYTES);
	ct_declassify(ct, KYBER512_CIPHERTEXT_BYTES);
	derive(ss, key, ct);

	ct_wipe(message, sizeof message);
	ct_wipe(key, sizeof key);
}

int kyber512_encapsulate(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                         uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                         const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                         const struct random_source *random)
{
	uint8_t seed[KYBER512_ENCAPSULATE_SEED_BYTES];

	if (random_bytes(random, seed, sizeof seed) != 0) {
		ct_wipe(ct, KYBER512_CIPHERTEXT_BYTES);
		ct_wipe(ss, KYBER512_SHARED_SECRET_BYTES);
		return -1;
	}
	kyber512_encapsulate_from_seed(ct, ss, pk, seed);
	ct_wipe(seed, sizeof seed);
	return 0;
}

void kyber512_decapsulate(uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                          const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                          const uint8_t sk[static KYBER512_SECRET_KEY_BYTES])
{
	uint8_t message[KYBER512_MESSAGE_BYTES];
	uint8_t key[KECCAK_SHA3_512_BYTES]; /* K-bar || r */
	uint8_t honest_ct[KYBER512_CIPHERTEXT_BYTES];
	uint64_t honest;

	kyber512_backend()->decrypt(message, ct, sk);
	key_and_coins(key, message, sk + SK_PK_HASH);
	kyber512_backend()->encrypt(honest_ct, message, sk + SK_PK, key + KYBER512_SEED_BYTES);
	honest = ct_equal(ct, honest_ct, KYBER512_CIPHERTEXT_BYTES);
	ct_select(key, key, sk + SK_Z, KYBER512_SEED_BYTES, honest);
	derive(ss, key, ct);

	ct_wipe(message, sizeof message);
	ct_wipe(key, sizeof key);
	ct_wipe(honest_ct, sizeof honest_ct);
	ct_wipe(&honest, sizeof honest);
}
