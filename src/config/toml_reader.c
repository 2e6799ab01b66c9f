#include "config/toml_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_utf8.h"

char toml_peek(const struct toml_reader *reader, size_t further)
{
	return further < reader->length - reader->at ? reader->text[reader->at + further] : '\0';
}

bool toml_comes(const struct toml_reader *reader, const char *word)
{
	size_t length = strlen(word);

	return length <= reader->length - reader->at && memcmp(reader->text + reader->at, word, length) == 0;
}

void toml_skip_blanks(struct toml_reader *reader)
{
	while (toml_peek(reader, 0) == ' ' || toml_peek(reader, 0) == '\t')
		reader->at++;
}

void toml_skip_comment(struct toml_reader *reader)
{
	while (toml_peek(reader, 0) != '\0' && toml_peek(reader, 0) != '\n')
		reader->at++;
}

void toml_skip_lines(struct toml_reader *reader)
{
	for (;;) {
		char c = toml_peek(reader, 0);

		if (c == '#')
			toml_skip_comment(reader);
		else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			reader->at++;
		else
			return;
	}
}

void toml_place(struct toml_reader *reader, unsigned *line, unsigned *column)
{
	assert(reader->at >= reader->mark);
	for (; reader->mark < reader->at; reader->mark++) {
		unsigned char byte = (unsigned char)reader->text[reader->mark];

		if (byte == '\n') {
			reader->line++;
			reader->column = 1;
		} else if ((byte & 0xc0) != 0x80) {
			reader->column++;
		}
	}
	*line = reader->line;
	*column = reader->column;
}

int toml_fail(struct toml_reader *reader, const char *format, ...)
{
	va_list arguments;

	toml_place(reader, &reader->problem->line, &reader->problem->column);
	va_start(arguments, format);
	(void)vsnprintf(reader->problem->text, sizeof reader->problem->text, format, arguments);
	va_end(arguments);
	return -1;
}

const char *toml_found(const struct toml_reader *reader, char out[static 32])
{
	char c = toml_peek(reader, 0);
	uint32_t point = 0;

	if (c == '\0')
		return "the end of the file";
	if (c == '\n' || c == '\r')
		return "the end of the line";
	if (c == ' ' || c == '\t')
		return "a blank";
	if ((unsigned char)c < 0x80) {
		(void)snprintf(out, 32, "%c", c);
		return out;
	}
	/* By number: a bent quote or a wide space looks much like the right one. */
	(void)config_utf8_decode(reader->text + reader->at, &point);
	(void)snprintf(out, 32, "the character U+%04X", (unsigned)point);
	return out;
}

int toml_append(struct toml_reader *reader, struct toml_buffer *buffer, const char *bytes, size_t length)
{
	if (length >= buffer->size - buffer->length) {
		size_t size = buffer->size == 0 ? 32 : buffer->size * 2;
		char *larger;

		while (length >= size - buffer->length)
			size *= 2;
		larger = realloc(buffer->bytes, size);
		if (larger == NULL)
			return toml_fail(reader, "out of memory");
		buffer->bytes = larger;
		buffer->size = size;
	}
	memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	return 0;
}

int toml_take(struct toml_reader *reader, struct toml_buffer *buffer, struct toml_text *out)
{
	if (toml_append(reader, buffer, "", 0) != 0)
		return -1;
	buffer->bytes[buffer->length] = '\0';
	out->bytes = buffer->bytes;
	out->length = buffer->length;
	memset(buffer, 0, sizeof *buffer);
	return 0;
}
