#ifndef ROSENPASS_CRYPTO_BLAKE2B_H
#define ROSENPASS_CRYPTO_BLAKE2B_H

/* BLAKE2b (RFC 7693) with a 32-byte key and a 32-byte output. Constant time in key and data. */

#include <stddef.h>
#include <stdint.h>

#define BLAKE2B_KEY_BYTES 32
#define BLAKE2B_OUT_BYTES 32

/* out = BLAKE2b-256 keyed with key over in. The state and every buffer are wiped. */
void blake2b_keyed(uint8_t out[static BLAKE2B_OUT_BYTES], const uint8_t key[static BLAKE2B_KEY_BYTES],
                   const uint8_t *in, size_t in_len);

#endif
