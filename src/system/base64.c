#include "system/base64.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

void base64_encode_key(char out[static BASE64_KEY_CHARS + 1], const uint8_t key[static BASE64_KEY_BYTES])
{
	sodium_bin2base64(out, BASE64_KEY_CHARS + 1, key, BASE64_KEY_BYTES, sodium_base64_VARIANT_ORIGINAL);
}

/* libsodium takes every byte from 0x80 on for the last character of the alphabet, where char is signed. */
static bool is_ascii(const char *text, size_t text_len)
{
	unsigned bits = 0;

	for (size_t i = 0; i < text_len; i++)
		bits |= (unsigned char)text[i];
	return bits < 0x80;
}

int base64_decode_key(uint8_t key[static BASE64_KEY_BYTES], const char *text, size_t text_len)
{
	size_t decoded = 0;

	while (text_len > 0 && strchr(" \t\r\n", text[text_len - 1]) != NULL && text[text_len - 1] != '\0')
		text_len--;
	if (text_len == BASE64_KEY_CHARS && is_ascii(text, text_len) &&
	    sodium_base642bin(key, BASE64_KEY_BYTES, text, text_len, NULL, &decoded, NULL,
	                      sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    decoded == BASE64_KEY_BYTES)
		return 0;
	sodium_memzero(key, BASE64_KEY_BYTES);
	return -1;
}
