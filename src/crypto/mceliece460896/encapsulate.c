#include "crypto/mceliece460896/encapsulate.h"

#include <assert.h>

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/session_key.h"

/*
 * Put before the seed, so that no other use of SHAKE256 has the same input: those of the
 * specification begin with one of the bytes 0, 1, 2 and 64.
 */
static const char label[] = "mceliece460896 error vector";

void mceliece_encapsulate_sample(uint8_t e[static MCELIECE_ERROR_BYTES],
                                 const uint8_t seed[static MCELIECE460896_SEED_BYTES])
{
	struct keccak_shake shake;
	uint8_t random[MCELIECE_RANDOM_BYTES];

	keccak_shake256_init(&shake);
	keccak_shake_absorb(&shake, (const uint8_t *)label, sizeof label - 1);
	keccak_shake_absorb(&shake, seed, MCELIECE460896_SEED_BYTES);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, random, sizeof random);
	mceliece_backend()->place(e, random);
	ct_wipe(&shake, sizeof shake);
	ct_wipe(random, sizeof random);
}

void mceliece_encapsulate_error(uint8_t *ct, size_t ct_len,
                                uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	assert(ct_len == MCELIECE460896_CIPHERTEXT_156_BYTES ||
	       ct_len == MCELIECE460896_CIPHERTEXT_188_BYTES);

	/* C0 = H e = (I | T) e */
	mceliece_backend()->parities(ct, MCELIECE_SYNDROME_BYTES, pk, e);
	for (unsigned i = 0; i < MCELIECE_SYNDROME_BYTES; i++)
		ct[i] ^= e[i];
	if (ct_len == MCELIECE460896_CIPHERTEXT_188_BYTES)
		mceliece_session_key_confirm(ct + MCELIECE_SYNDROME_BYTES, e);
	mceliece_session_key_derive(ss, 1, e, ct, ct_len);
	ct_declassify(ct, ct_len);
}

void mceliece460896_encapsulate_from_seed(uint8_t *ct, size_t ct_len,
                                          uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                          const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                          const uint8_t seed[static MCELIECE460896_SEED_BYTES])
{
	uint8_t e[MCELIECE_ERROR_BYTES];

	mceliece_encapsulate_sample(e, seed);
	mceliece_encapsulate_error(ct, ct_len, ss, pk, e);
	ct_wipe(e, sizeof e);
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
	ct_wipe(seed, sizeof seed);
	return 0;
}
