#ifndef ROSENPASS_CRYPTO_AEAD_H
#define ROSENPASS_CRYPTO_AEAD_H

/*
 * The two authenticated encryptions of the protocol, over libsodium:
 * ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305, whose ciphertexts are
 * written nonce || ciphertext || tag.
 */

#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_BYTES 32
#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES 16
#define AEAD_X_NONCE_BYTES 24
#define AEAD_X_OVERHEAD_BYTES (AEAD_X_NONCE_BYTES + AEAD_TAG_BYTES)

/*
 * Initializes libsodium, which else leaves key material on the stack. Needed once before anything
 * else here; any number of times from any thread is harmless. -1: libsodium cannot be used.
 */
int aead_init(void) __attribute__((warn_unused_result));

/* ct (pt_len + AEAD_TAG_BYTES) = sealed pt, without additional data. */
void aead_seal(uint8_t *ct, const uint8_t key[static AEAD_KEY_BYTES],
               const uint8_t nonce[static AEAD_NONCE_BYTES], const uint8_t *pt, size_t pt_len);

/* Opens ct_len bytes into pt (ct_len - AEAD_TAG_BYTES). -1, and pt zeroed, when it does not authenticate. */
int aead_open(uint8_t *pt, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const uint8_t *ct, size_t ct_len)
	__attribute__((warn_unused_result));

/* ct (pt_len + AEAD_X_OVERHEAD_BYTES) = nonce || sealed pt || tag. */
void aead_x_seal(uint8_t *ct, const uint8_t key[static AEAD_KEY_BYTES],
                 const uint8_t nonce[static AEAD_X_NONCE_BYTES], const uint8_t *ad, size_t ad_len,
                 const uint8_t *pt, size_t pt_len);

/* The inverse. -1 when it does not authenticate or is too short; pt is then zeroed. */
int aead_x_open(uint8_t *pt, const uint8_t key[static AEAD_KEY_BYTES], const uint8_t *ad, size_t ad_len,
                const uint8_t *ct, size_t ct_len) __attribute__((warn_unused_result));

#endif
