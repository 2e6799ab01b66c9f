/*
 * Opening an AEAD. libsodium compares the tag in constant time and then branches on the outcome, which the
 * protocol makes public (a peer answers or does not), but it does so inside of its own function, where the
 * outcome cannot be declassified. The linker (--wrap) leads our calls here: libsodium opens copies of the
 * inputs that are not marked, and what comes out is marked as it would have been: the plaintext and the
 * outcome are secret, whatever the key was. libsodium's own code is thus not tested, except for sealing; the
 * code that calls it is, and has to declassify the outcome.
 */

#include <sodium.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/ct.h"
#include "ct_parts.h"

#define LONGEST 2048

typedef unsigned long long ull;

int __real_crypto_aead_chacha20poly1305_ietf_decrypt(uint8_t *m, ull *mlen, uint8_t *nsec, const uint8_t *c,
                                                     ull clen, const uint8_t *ad, ull adlen,
                                                     const uint8_t *npub, const uint8_t *k);
int __real_crypto_aead_xchacha20poly1305_ietf_decrypt(uint8_t *m, ull *mlen, uint8_t *nsec, const uint8_t *c,
                                                      ull clen, const uint8_t *ad, ull adlen,
                                                      const uint8_t *npub, const uint8_t *k);
int __wrap_crypto_aead_chacha20poly1305_ietf_decrypt(uint8_t *m, ull *mlen, uint8_t *nsec, const uint8_t *c,
                                                     ull clen, const uint8_t *ad, ull adlen,
                                                     const uint8_t *npub, const uint8_t *k);
int __wrap_crypto_aead_xchacha20poly1305_ietf_decrypt(uint8_t *m, ull *mlen, uint8_t *nsec, const uint8_t *c,
                                                      ull clen, const uint8_t *ad, ull adlen,
                                                      const uint8_t *npub, const uint8_t *k);

typedef int decrypt_fn(uint8_t *m, ull *mlen, uint8_t *nsec, const uint8_t *c, ull clen, const uint8_t *ad,
                       ull adlen, const uint8_t *npub, const uint8_t *k);

/* A copy that counts as public. */
static const uint8_t *plain(uint8_t *copy, const uint8_t *from, ull len)
{
	ct_expect(len <= LONGEST, "an input of libsodium is longer than this test foresees");
	if (len > 0)
		memcpy(copy, from, len);
	ct_declassify(copy, len);
	return copy;
}

static int open_copies(decrypt_fn *decrypt, uint8_t *m, const uint8_t *c, ull clen, const uint8_t *ad,
                       ull adlen, const uint8_t *npub, size_t npub_len, const uint8_t *k)
{
	uint8_t c_copy[LONGEST];
	uint8_t ad_copy[LONGEST];
	uint8_t npub_copy[AEAD_X_NONCE_BYTES];
	uint8_t key_copy[AEAD_KEY_BYTES];
	int result = decrypt(m, NULL, NULL, plain(c_copy, c, clen), clen, plain(ad_copy, ad, adlen), adlen,
	                     plain(npub_copy, npub, npub_len), plain(key_copy, k, AEAD_KEY_BYTES));

	ct_secret(m, clen - AEAD_TAG_BYTES);
	ct_secret(&result, sizeof result);
	return result;
}

int __wrap_crypto_aead_chacha20poly1305_ietf_decrypt(uint8_t *m, ull *mlen, uint8_t *nsec, const uint8_t *c,
                                                     ull clen, const uint8_t *ad, ull adlen,
                                                     const uint8_t *npub, const uint8_t *k)
{
	(void)mlen;
	(void)nsec;
	return open_copies(__real_crypto_aead_chacha20poly1305_ietf_decrypt, m, c, clen, ad, adlen, npub,
	                   AEAD_NONCE_BYTES, k);
}

int __wrap_crypto_aead_xchacha20poly1305_ietf_decrypt(uint8_t *m, ull *mlen, uint8_t *nsec, const uint8_t *c,
                                                      ull clen, const uint8_t *ad, ull adlen,
                                                      const uint8_t *npub, const uint8_t *k)
{
	(void)mlen;
	(void)nsec;
	return open_copies(__real_crypto_aead_xchacha20poly1305_ietf_decrypt, m, c, clen, ad, adlen, npub,
	                   AEAD_X_NONCE_BYTES, k);
}
