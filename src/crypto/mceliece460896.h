#ifndef ROSENPASS_CRYPTO_MCELIECE460896_H
#define ROSENPASS_CRYPTO_MCELIECE460896_H

/*
 * Classic McEliece 460896: the static KEM of the handshake. Key generation as in
 * the round-4 specification; encapsulation and decapsulation in the two ciphertext
 * forms that are in use:
 *
 *   156 bytes  C0                 (round 4)
 *   188 bytes  C0 || C1           (round 3, with plaintext confirmation)
 *
 * Constant time in every secret. Stack below 32 KiB everywhere; key generation
 * works in scratch memory that the caller provides.
 */

#include <stddef.h>
#include <stdint.h>

#include "crypto/random.h"

#define MCELIECE460896_PUBLIC_KEY_BYTES 524160
#define MCELIECE460896_SECRET_KEY_BYTES 13608     /* seed 32, columns 8, g 192, control bits 12800, s 576 */
#define MCELIECE460896_SECRET_KEY_OLD_BYTES 13568 /* s 576, g 192, control bits 12800 */
#define MCELIECE460896_CIPHERTEXT_156_BYTES 156
#define MCELIECE460896_CIPHERTEXT_188_BYTES 188
#define MCELIECE460896_SHARED_SECRET_BYTES 32
#define MCELIECE460896_SEED_BYTES 32

/* Bytes of scratch memory for key generation, aligned to 64. */
size_t mceliece460896_keygen_scratch_bytes(void);

/*
 * Deterministic key generation from a starting seed; tries derived seeds until one
 * gives a key (about 3.4 tries on average) and stores that one in sk. scratch is
 * wiped before return. Cannot fail.
 */
void mceliece460896_keygen_from_seed(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                     uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES],
                                     const uint8_t seed[static MCELIECE460896_SEED_BYTES], void *scratch);

/* A fresh key pair. -1 when the random source fails; nothing is written then. */
int mceliece460896_keygen(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                          uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES], void *scratch,
                          const struct random_source *random) __attribute__((warn_unused_result));

/*
 * Encapsulation from a 32-byte seed, which SHAKE256 expands into the error vector.
 * ct_len selects the form and is MCELIECE460896_CIPHERTEXT_156_BYTES or
 * MCELIECE460896_CIPHERTEXT_188_BYTES. Cannot fail.
 */
void mceliece460896_encapsulate_from_seed(uint8_t *ct, size_t ct_len,
                                          uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                          const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                          const uint8_t seed[static MCELIECE460896_SEED_BYTES]);

/* -1 when the random source fails; ct and ss are then wiped. */
int mceliece460896_encapsulate(uint8_t *ct, size_t ct_len,
                               uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                               const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                               const struct random_source *random) __attribute__((warn_unused_result));

/*
 * The shared secret of ct (form by ct_len, as above); for a ciphertext that no
 * honest encapsulation made, a pseudorandom one. Cannot fail.
 */
void mceliece460896_decapsulate(uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES], const uint8_t *ct,
                                size_t ct_len, const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES]);

/*
 * 0 if pk and sk belong together and neither is damaged, else -1. Every bit of pk counts, and every
 * bit of sk if it has a seed. Without one (all zero) s is not checked, nor are control bits that
 * decoding does not need.
 */
int mceliece460896_check(const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                         const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
	__attribute__((warn_unused_result));

/*
 * The two layouts of a secret key file hold the same key. The older one lacks the
 * seed, which only key generation needs: it is zero after the first conversion.
 */
void mceliece460896_secret_key_from_old(uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES],
                                        const uint8_t old[static MCELIECE460896_SECRET_KEY_OLD_BYTES]);
void mceliece460896_secret_key_to_old(uint8_t old[static MCELIECE460896_SECRET_KEY_OLD_BYTES],
                                      const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES]);

#endif
