#include "crypto/aead.h"

#include <sodium.h>
#include <string.h>

#include "crypto/ct.h"

int aead_init(void)
{
	return sodium_init() < 0 ? -1 : 0;
}

void aead_seal(uint8_t *ct, const uint8_t key[static AEAD_KEY_BYTES],
               const uint8_t nonce[static AEAD_NONCE_BYTES], const uint8_t *pt, size_t pt_len)
{
	/* Cannot fail: it returns nonzero for messages of 256 GiB only, and aborts then. */
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(ct, NULL, pt, pt_len, NULL, 0, NULL, nonce, key);
}

int aead_open(uint8_t *pt, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const uint8_t *ct, size_t ct_len)
{
	int result;

	if (ct_len < AEAD_TAG_BYTES)
		return -1;
	result = crypto_aead_chacha20poly1305_ietf_decrypt(pt, NULL, NULL, ct, ct_len, NULL, 0, nonce, key);
	/* Whether it is authentic shows in what is sent next. */
	ct_declassify(&result, sizeof result);
	if (result != 0)
		ct_wipe(pt, ct_len - AEAD_TAG_BYTES);
	return result == 0 ? 0 : -1;
}

void aead_x_seal(uint8_t *ct, const uint8_t key[static AEAD_KEY_BYTES],
                 const uint8_t nonce[static AEAD_X_NONCE_BYTES], const uint8_t *ad, size_t ad_len,
                 const uint8_t *pt, size_t pt_len)
{
	memcpy(ct, nonce, AEAD_X_NONCE_BYTES);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(ct + AEAD_X_NONCE_BYTES, NULL, pt, pt_len, ad,
	                                                 ad_len, NULL, nonce, key);
}

int aead_x_open(uint8_t *pt, const uint8_t key[static AEAD_KEY_BYTES], const uint8_t *ad, size_t ad_len,
                const uint8_t *ct, size_t ct_len)
{
	int result;

	if (ct_len < AEAD_X_OVERHEAD_BYTES)
		return -1;
	result = crypto_aead_xchacha20poly1305_ietf_decrypt(pt, NULL, NULL, ct + AEAD_X_NONCE_BYTES,
	                                                    ct_len - AEAD_X_NONCE_BYTES, ad, ad_len, ct, key);
	ct_declassify(&result, sizeof result);
	if (result != 0)
		ct_wipe(pt, ct_len - AEAD_X_OVERHEAD_BYTES);
	return result == 0 ? 0 : -1;
}
