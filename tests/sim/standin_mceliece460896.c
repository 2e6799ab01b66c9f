#include "crypto/mceliece460896.h"

#include <string.h>

#include "crypto/ct.h"
#include "standin.h"

/*
 * A cheap twin of the static KEM with its sizes and its manners, and no secrecy. Of
 * the public key the first PREFIX_BYTES are used, and follow from the first 32 bytes
 * of the secret key; the rest is zero. The shared secret is a hash of that prefix and
 * the ciphertext, so that it changes with every bit of the latter.
 */
#define PREFIX_BYTES 64
#define SEED_BYTES KEYED_HASH_KEY_BYTES

unsigned long standin_decapsulations;

enum purpose {
	PUBLIC_KEY = 'K',
	CIPHERTEXT = 'C'
};

static void share(uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                  const uint8_t prefix[static PREFIX_BYTES], const uint8_t *ct, size_t ct_len)
{
	uint8_t key[KEYED_HASH_OUT_BYTES];

	standin_hash(key, PUBLIC_KEY, prefix, PREFIX_BYTES);
	keyed_hash(KEYED_HASH_BLAKE2B, ss, key, ct, ct_len);
}

size_t mceliece460896_keygen_scratch_bytes(void)
{
	return 64;
}

void mceliece460896_keygen_from_seed(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                     uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES],
                                     const uint8_t seed[static MCELIECE460896_SEED_BYTES], void *scratch)
{
	(void)scratch;
	memset(sk, 0, MCELIECE460896_SECRET_KEY_BYTES);
	memcpy(sk, seed, SEED_BYTES);
	memset(pk, 0, MCELIECE460896_PUBLIC_KEY_BYTES);
	standin_expand(pk, PREFIX_BYTES, PUBLIC_KEY, sk);
}

int mceliece460896_keygen(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                          uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES], void *scratch,
                          const struct random_source *random)
{
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	if (random_bytes(random, seed, sizeof seed) != 0)
		return -1;
	mceliece460896_keygen_from_seed(pk, sk, seed, scratch);
	return 0;
}

void mceliece460896_encapsulate_from_seed(uint8_t *ct, size_t ct_len,
                                          uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                          const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                          const uint8_t seed[static MCELIECE460896_SEED_BYTES])
{
	standin_expand(ct, ct_len, CIPHERTEXT, seed);
	share(ss, pk, ct, ct_len);
}

int mceliece460896_encapsulate(uint8_t *ct, size_t ct_len,
                               uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                               const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                               const struct random_source *random)
{
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	if (random_bytes(random, seed, sizeof seed) != 0) {
		ct_wipe(ct, ct_len);
		ct_wipe(ss, MCELIECE460896_SHARED_SECRET_BYTES);
		return -1;
	}
	mceliece460896_encapsulate_from_seed(ct, ct_len, ss, pk, seed);
	return 0;
}

void mceliece460896_decapsulate(uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES], const uint8_t *ct,
                                size_t ct_len, const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	uint8_t prefix[PREFIX_BYTES];

	standin_decapsulations++;
	standin_expand(prefix, sizeof prefix, PUBLIC_KEY, sk);
	share(ss, prefix, ct, ct_len);
}

/* The older layout has no seed; the simulation does not read it. */
void mceliece460896_secret_key_from_old(uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES],
                                        const uint8_t old[static MCELIECE460896_SECRET_KEY_OLD_BYTES])
{
	memset(sk, 0, MCELIECE460896_SECRET_KEY_BYTES);
	memcpy(sk, old, SEED_BYTES);
}

void mceliece460896_secret_key_to_old(uint8_t old[static MCELIECE460896_SECRET_KEY_OLD_BYTES],
                                      const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	memset(old, 0, MCELIECE460896_SECRET_KEY_OLD_BYTES);
	memcpy(old, sk, SEED_BYTES);
}
