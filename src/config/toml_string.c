#include "config/toml_parts.h"

#include <stdlib.h>
#include <string.h>

#define UNICODE_MAX 0x10ffff
#define SURROGATE_FIRST 0xd800
#define SURROGATE_LAST 0xdfff

/* The length of the character at text, 0: it is no UTF-8. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	uint32_t code = text[0];

	if (length == 1)
		return 1;
	/* Continuation bytes, overlong two-byte forms, and beyond the last plane. */
	if (text[0] < 0xc2 || text[0] > 0xf4 || length > left)
		return 0;
	code &= 0x7fu >> length;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > UNICODE_MAX ||
	    (code >= SURROGATE_FIRST && code <= SURROGATE_LAST))
		return 0;
	return length;
}

int toml_check_text(struct toml_reader *reader)
{
	const unsigned char *text = (const unsigned char *)reader->text;
	size_t start = reader->at;

	while (reader->at < reader->length) {
		unsigned char byte = text[reader->at];
		size_t length = utf8_length(text + reader->at, reader->length - reader->at);

		if (length == 0)
			return toml_fail(reader, "byte 0x%02x is not UTF-8 here; save the file as UTF-8",
			                 byte);
		if (byte == '\r' && toml_peek(reader, 1) != '\n')
			return toml_fail(reader, "a carriage return without a line feed after it");
		if (byte == 0x7f || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r'))
			return toml_fail(reader,
			                 "control character 0x%02x; only tabs and line ends are allowed",
			                 byte);
		reader->at += length;
	}
	reader->at = start;
	return 0;
}

static size_t encode(char out[4], uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \uXXXX or \UXXXXXXXX, or \xXX of TOML 1.1, from the backslash on. */
static int read_unicode(struct toml_reader *reader, struct toml_buffer *buffer)
{
	char letter = toml_peek(reader, 1);
	size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
	uint32_t code = 0;
	char bytes[4];

	for (size_t i = 0; i < digits; i++) {
		int digit = hex_digit(toml_peek(reader, 2 + i));

		if (digit < 0)
			return toml_fail(reader, "\\%c needs %zu hexadecimal digits after it", letter,
			                 digits);
		code = code << 4 | (uint32_t)digit;
	}
	if (code > UNICODE_MAX || (code >= SURROGATE_FIRST && code <= SURROGATE_LAST))
		return toml_fail(reader, "there is no Unicode character U+%04X", (unsigned)code);
	reader->at += 2 + digits;
	return toml_append(reader, buffer, bytes, encode(bytes, code));
}

static int read_escape(struct toml_reader *reader, struct toml_buffer *buffer)
{
	/* The last one is of TOML 1.1. */
	static const char letters[] = "btnfr\"\\e";
	static const char meanings[] = "\b\t\n\f\r\"\\\x1b";
	char letter = toml_peek(reader, 1);
	const char *found = letter == '\0' ? NULL : strchr(letters, letter);

	if (letter == 'e' && !reader->is_relaxed)
		found = NULL;
	if (letter == 'u' || letter == 'U' || (letter == 'x' && reader->is_relaxed))
		return read_unicode(reader, buffer);
	if (found == NULL)
		return toml_fail(reader,
		                 "a backslash stands before one of b t n f r \" \\ u U only; for a backslash "
		                 "itself write two, or use single quotes");
	reader->at += 2;
	return toml_append(reader, buffer, &meanings[found - letters], 1);
}

static int read_line_string(struct toml_reader *reader, struct toml_buffer *buffer, char quote)
{
	size_t opening = reader->at++;

	for (;;) {
		char c = toml_peek(reader, 0);

		if (c == '\0' || c == '\n' || c == '\r') {
			reader->at = opening;
			return toml_fail(reader, "a string that is not closed by %c on its line", quote);
		}
		if (c == quote) {
			reader->at++;
			return 0;
		}
		if (c == '\\' && quote == '"') {
			if (read_escape(reader, buffer) != 0)
				return -1;
		} else {
			if (toml_append(reader, buffer, &c, 1) != 0)
				return -1;
			reader->at++;
		}
	}
}

/* A backslash at the end of a line takes away that end and all blank that follows. false: it is none. */
static bool skip_line_end(struct toml_reader *reader)
{
	size_t further = 1;

	while (toml_peek(reader, further) == ' ' || toml_peek(reader, further) == '\t')
		further++;
	if (toml_peek(reader, further) == '\r')
		further++;
	if (toml_peek(reader, further) != '\n')
		return false;
	while (toml_peek(reader, further) != '\0' && strchr(" \t\r\n", toml_peek(reader, further)) != NULL)
		further++;
	reader->at += further;
	return true;
}

/* Up to two quotes may stand directly before the closing three. */
static int read_quotes(struct toml_reader *reader, struct toml_buffer *buffer, char quote, bool *closed)
{
	size_t count = 0;

	while (toml_peek(reader, count) == quote && count < 5)
		count++;
	*closed = count >= 3;
	reader->at += count;
	if (*closed)
		count -= 3;
	for (; count > 0; count--) {
		if (toml_append(reader, buffer, &quote, 1) != 0)
			return -1;
	}
	return 0;
}

static int read_block_string(struct toml_reader *reader, struct toml_buffer *buffer, char quote)
{
	size_t opening = reader->at;
	bool closed = false;

	reader->at += 3;
	if (toml_comes(reader, "\r\n"))
		reader->at += 2;
	else if (toml_peek(reader, 0) == '\n')
		reader->at++;
	while (!closed) {
		char c = toml_peek(reader, 0);
		int result = 0;

		if (c == '\0') {
			reader->at = opening;
			return toml_fail(reader, "a string that is not closed by %c%c%c", quote, quote,
			                 quote);
		}
		if (c == quote) {
			result = read_quotes(reader, buffer, quote, &closed);
		} else if (c == '\\' && quote == '"') {
			result = skip_line_end(reader) ? 0 : read_escape(reader, buffer);
		} else {
			result = toml_append(reader, buffer, &c, 1);
			reader->at++;
		}
		if (result != 0)
			return -1;
	}
	return 0;
}

int toml_read_string(struct toml_reader *reader, struct toml_text *out, bool in_key)
{
	struct toml_buffer buffer = { 0 };
	char quote = toml_peek(reader, 0);
	bool block = toml_peek(reader, 1) == quote && toml_peek(reader, 2) == quote;
	int result;

	if (block && in_key)
		return toml_fail(reader, "a key cannot be a string of several lines");
	result = block ? read_block_string(reader, &buffer, quote) : read_line_string(reader, &buffer, quote);
	if (result == 0)
		result = toml_take(reader, &buffer, out);
	if (result != 0)
		free(buffer.bytes);
	return result;
}
