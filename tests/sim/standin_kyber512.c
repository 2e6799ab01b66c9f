#include "crypto/kyber512.h"

#include <string.h>

#include "crypto/ct.h"
#include "standin.h"

/*
 * A cheap twin of Kyber-512 with its sizes and its manners, and no secrecy: the
 * shared secret is a hash of public key and ciphertext, so that it changes with every
 * bit of either. sk = seed || zeros || pk || zeros, with pk where the real one has it.
 */
#define PUBLIC_KEY_OFFSET 768

enum purpose {
	PUBLIC_KEY = 'k',
	CIPHERTEXT = 'c',
	SECRET_SEED = 'd'
};

static void share(uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                  const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                  const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES])
{
	uint8_t key[KEYED_HASH_OUT_BYTES];

	standin_hash(key, PUBLIC_KEY, pk, KYBER512_PUBLIC_KEY_BYTES);
	keyed_hash(KEYED_HASH_BLAKE2B, ss, key, ct, KYBER512_CIPHERTEXT_BYTES);
}

void kyber512_keygen_from_seed(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                               uint8_t sk[static KYBER512_SECRET_KEY_BYTES],
                               const uint8_t seed[static KYBER512_KEYGEN_SEED_BYTES])
{
	memset(sk, 0, KYBER512_SECRET_KEY_BYTES);
	standin_hash(sk, SECRET_SEED, seed, KYBER512_KEYGEN_SEED_BYTES);
	standin_expand(pk, KYBER512_PUBLIC_KEY_BYTES, PUBLIC_KEY, sk);
	memcpy(sk + PUBLIC_KEY_OFFSET, pk, KYBER512_PUBLIC_KEY_BYTES);
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
	return 0;
}

void kyber512_encapsulate_from_seed(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                                    uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                                    const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                                    const uint8_t seed[static KYBER512_ENCAPSULATE_SEED_BYTES])
{
	standin_expand(ct, KYBER512_CIPHERTEXT_BYTES, CIPHERTEXT, seed);
	share(ss, pk, ct);
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
	return 0;
}

void kyber512_decapsulate(uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                          const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                          const uint8_t sk[static KYBER512_SECRET_KEY_BYTES])
{
	share(ss, sk + PUBLIC_KEY_OFFSET, ct);
}
