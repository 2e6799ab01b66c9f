#ifndef ROSENPASS_SYSTEM_BASE64_H
#define ROSENPASS_SYSTEM_BASE64_H

/* Keys of 32 bytes in base64 (standard alphabet, padded), in constant time over libsodium. */

#include <stddef.h>
#include <stdint.h>

#define BASE64_KEY_BYTES 32
#define BASE64_KEY_CHARS 44

/* Writes BASE64_KEY_CHARS characters and a terminating zero. */
void base64_encode_key(char out[static BASE64_KEY_CHARS + 1], const uint8_t key[static BASE64_KEY_BYTES]);

/*
 * Reads exactly one key; white space after it is allowed, as editors and `wg genpsk`
 * leave it. -1, and key zeroed, for anything else.
 */
int base64_decode_key(uint8_t key[static BASE64_KEY_BYTES], const char *text, size_t text_len)
	__attribute__((warn_unused_result));

#endif
