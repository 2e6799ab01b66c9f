#ifndef ROSENPASS_CRYPTO_MCELIECE460896_SESSION_KEY_H
#define ROSENPASS_CRYPTO_MCELIECE460896_SESSION_KEY_H

/* The hash H of the Classic McEliece specification in its uses by both sides: SHAKE256. */

#include <stddef.h>
#include <stdint.h>

#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/params.h"

/* confirmation = H(2 || e) */
void mceliece_session_key_confirm(uint8_t confirmation[static MCELIECE_CONFIRMATION_BYTES],
                                  const uint8_t e[static MCELIECE_ERROR_BYTES]);

/*
 * ss = H(b || e || ct): b is 1 for a genuine ciphertext; for others it is 0, and the
 * string s of the secret key stands in place of e. b is secret.
 */
void mceliece_session_key_derive(uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES], uint8_t b,
                                 const uint8_t e[static MCELIECE_ERROR_BYTES], const uint8_t *ct,
                                 size_t ct_len);

#endif
