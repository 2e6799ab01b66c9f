#include "config/quote.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_ESCAPE 6 /* \u{7f} */

/* Length of the UTF-8 sequence at text and its code point; 0 when it is none. */
static size_t decode(const unsigned char *text, uint32_t *point)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = text[0] < 0x80       ? 1
	                : text[0] >> 5 == 6  ? 2
	                : text[0] >> 4 == 14 ? 3
	                : text[0] >> 3 == 30 ? 4
	                                     : 0;

	if (length == 0)
		return 0;
	*point = length == 1 ? text[0] : text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (text[i] & 0x3fU);
	}
	if (*point < smallest[length] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return length;
}

/* Writes one character, escaped where it has to be; returns the end. */
static char *put(char *out, const unsigned char *text, size_t length, uint32_t point)
{
	static const char plain[] = "\"\\\n\t\r";
	static const char letters[] = "\"\\ntr";
	const char *special = point < 0x80 && point != 0 ? strchr(plain, (int)point) : NULL;

	if (special != NULL) {
		*out++ = '\\';
		*out++ = letters[special - plain];
		return out;
	}
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return out + snprintf(out, LONGEST_ESCAPE + 1, "\\u{%x}", point);
	memcpy(out, text, length);
	return out + length;
}

char *quote(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	char *quoted = malloc(LONGEST_ESCAPE * strlen(text) + 3);
	char *out = quoted;

	if (quoted == NULL)
		return NULL;
	*out++ = '"';
	while (*at != '\0') {
		uint32_t point = 0;
		size_t length = decode(at, &point);

		if (length == 0) {
			out += snprintf(out, LONGEST_ESCAPE + 1, "\\x%02X", *at++);
		} else {
			out = put(out, at, length, point);
			at += length;
		}
	}
	*out++ = '"';
	*out = '\0';
	return quoted;
}
