/*
 * The readers of single TOML values, over every text of a few bytes. What they call for messages, memory
 * and numbers is replaced: toml_append() and toml_take() by what toml_append_fits says of them.
 * Conversions between bytes and signed characters change values above 127, so that they are not checked.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static long long any_integer(const char *text, char **end, int base);
static double any_real(const char *text, char **end);
#define strtoll any_integer
#define strtod any_real

#include "config/toml.c"
#include "config/toml_number.c"
#include "config/toml_reader.c"
#include "config/toml_string.c"
#include "prove.h"

/* Every text of that length, without zeros. It ends where its array ends: one byte more is out of bounds. */
static struct toml_reader any_reader(char *text, size_t length)
{
	struct toml_reader reader = { .text = text, .length = length, .line = 1, .column = 1 };

	for (size_t i = 0; i < length; i++) {
		text[i] = (char)nondet_u8();
		ASSUME(text[i] != '\0');
	}
	reader.is_relaxed = nondet_bool();
	return reader;
}

/* --- what is replaced ------------------------------------------------------------------------- */

int fail_only(struct toml_reader *reader, const char *format, ...);
int append_any(struct toml_reader *reader, struct toml_buffer *buffer, const char *bytes, size_t length);
int take_any(struct toml_reader *reader, struct toml_buffer *buffer, struct toml_text *out);
int unicode_any(struct toml_reader *reader, struct toml_buffer *buffer);

/* The place that a message is about is in the text, and no earlier than that of another message. */
int fail_only(struct toml_reader *reader, const char *format, ...)
{
	CHECK_READABLE(format, 1);
	CHECK(reader->at <= reader->length && reader->at >= reader->mark);
	reader->mark = reader->at;
	return -1;
}

int append_any(struct toml_reader *reader, struct toml_buffer *buffer, const char *bytes, size_t length)
{
	CHECK_READABLE(bytes, length);
	if (nondet_bool())
		return fail_only(reader, "out of memory");
	buffer->length += length;
	return 0;
}

int take_any(struct toml_reader *reader, struct toml_buffer *buffer, struct toml_text *out)
{
	if (nondet_bool())
		return fail_only(reader, "out of memory");
	out->length = buffer->length;
	memset(buffer, 0, sizeof *buffer);
	return 0;
}

/* An escape of four to ten bytes that are there. */
int unicode_any(struct toml_reader *reader, struct toml_buffer *buffer)
{
	size_t length = nondet_u8();

	if (nondet_bool())
		return fail_only(reader, "no character");
	ASSUME(length >= 4 && length <= 10 && length <= reader->length - reader->at);
	reader->at += length;
	return append_any(reader, buffer, "1234", 1 + nondet_u8() % 4);
}

/* A text that ends, or the check of bounds fails. */
static void check_ends(const char *number)
{
	while (*number != '\0')
		number++;
}

static long long any_integer(const char *number, char **end, int base)
{
	CHECK(end == NULL && (base == 2 || base == 8 || base == 10 || base == 16));
	check_ends(number);
	errno = nondet_bool() ? ERANGE : 0;
	return (long long)(nondet_u64() >> 1);
}

static double any_real(const char *number, char **end)
{
	CHECK(end == NULL);
	check_ends(number);
	return 0;
}

/* --- numbers ---------------------------------------------------------------------------------- */

#define NUMBER_BYTES 5
#define MOMENT_BYTES 28

static void check_number(size_t length)
{
	char text[NUMBER_BYTES];
	struct toml_reader reader = any_reader(text + NUMBER_BYTES - length, length);
	struct toml_value value = { 0 };

	for (size_t i = 0; i < length; i++)
		ASSUME(is_number_char(reader.text[i]));
	if (read_token(&reader, &value, length) != 0)
		return;
	CHECK(reader.at == length);
	CHECK(value.type == TOML_INTEGER || value.type == TOML_FLOAT);
}

/*
 * prove: toml_number_bounds unwind=7 without=conversion replace=toml_fail:fail_only
 * fault: src/config/toml_number.c s/malloc(2 \* (length + 1))/malloc(2 * length + 1)/
 *
 * TOML numbers are read within text and copy.
 *
 * Every number of up to 5 bytes: no access outside of text, token and copy, and after success the reader
 * stands behind the number. Dates and times are toml_moment_bounds.
 */
PROOF(toml_number_bounds)
{
	for (size_t length = 1; length <= NUMBER_BYTES; length++)
		check_number(length);
}

/*
 * prove: toml_moment_bounds unwind=29,digits.0:5 without=conversion
 *     replace=toml_fail:fail_only,toml_append:append_any,toml_take:take_any
 * fault: src/config/toml_number.c s/month < 1 || month > 12/month < 0 || month > 12/
 *
 * TOML dates and times are read within text and tables.
 *
 * Every text of up to 28 bytes as a date or time: no access outside, the table of days included, and after
 * success the reader stands within the text. A date and time with one digit of a fraction and an offset has
 * 27 bytes. any_reader() makes signed characters of any bytes.
 */
PROOF(toml_moment_bounds)
{
	char text[MOMENT_BYTES];
	struct toml_reader reader = any_reader(text, MOMENT_BYTES);
	struct toml_value value = { 0 };
	size_t missing = nondet_size();

	ASSUME(missing <= reader.length);
	reader.text += missing;
	reader.length -= missing;
	if (read_moment(&reader, &value, nondet_bool()) != 0)
		return;
	CHECK(reader.at >= 8 && reader.at <= reader.length);
	CHECK(value.type >= TOML_OFFSET_DATETIME && value.type <= TOML_LOCAL_TIME);
}

/* --- strings ---------------------------------------------------------------------------------- */

#define LINE_BYTES 12
#define BLOCK_BYTES 9

static void check_string(size_t length, bool is_block)
{
	char text[LINE_BYTES];
	struct toml_reader reader = any_reader(text + LINE_BYTES - length, length);
	struct toml_text out = { 0 };
	char quote = toml_peek(&reader, 0);

	ASSUME(quote == '"' || quote == '\'');
	ASSUME(is_block == (toml_peek(&reader, 1) == quote && toml_peek(&reader, 2) == quote));
	if (toml_read_string(&reader, &out, nondet_bool()) != 0)
		return;
	CHECK(reader.at >= 2 && reader.at <= reader.length);
	CHECK(out.length < reader.at);
}

/*
 * prove: toml_line_string_bounds
 *     unwind=13,read_block_string.0:1,read_quotes.0:1,read_quotes.1:1,skip_line_end.0:1,skip_line_end.1:1
 *     without=conversion replace=toml_fail:fail_only,toml_append:append_any,toml_take:take_any
 * fault: src/config/toml_string.c s/reader->at += 2 + digits;/reader->at += 3 + digits;/
 *
 * TOML strings in one line are read within the text.
 *
 * Every text of 1, 2, 3 or 12 bytes that begins with a quote, and not with three: no access outside of the
 * text, and after success the reader stands behind both quotes and within the text. There is room for each
 * escape. Where a longer text ends, it ends like one of 12 bytes that has other ordinary characters before.
 */
PROOF(toml_line_string_bounds)
{
	check_string(1, false);
	check_string(2, false);
	check_string(3, false);
	check_string(LINE_BYTES, false);
}

/*
 * prove: toml_block_string_bounds
 *     unwind=10,read_line_string.0:1,read_block_string.0:8,skip_line_end.0:7,skip_line_end.1:7
 *     without=conversion
 *     replace=toml_fail:fail_only,toml_append:append_any,toml_take:take_any,read_unicode:unicode_any
 * fault: src/config/toml_string.c s/closed = count >= 3;/closed = count >= 2;/
 *
 * TOML strings of several lines are read within the text.
 *
 * The same of texts of 3, 6 and 9 bytes that begin with three quotes. Escapes of characters by number are
 * those of toml_line_string_bounds.
 */
PROOF(toml_block_string_bounds)
{
	check_string(3, true);
	check_string(6, true);
	check_string(BLOCK_BYTES, true);
}

/*
 * prove: toml_utf8_and_back unwind=9 replace=toml_fail:fail_only without=conversion
 * fault: src/config/toml_string.c s/length > left)$/length > left + 1)/
 *
 * UTF-8 is read within the text, and what is written is valid.
 *
 * Every text of up to 6 bytes: the check of UTF-8 reads nothing behind it. And every code point that an
 * escape may name is written in 1 to 4 bytes that this check takes as one character. encode() makes bytes
 * above 127, which change their sign in a char.
 */
PROOF(toml_utf8_and_back)
{
	unsigned char text[6];
	char bytes[4] = { 0 };
	uint32_t code = nondet_u32();
	size_t length = nondet_size();
	size_t written;

	ANY(text);
	ASSUME(length > 0 && length <= sizeof text);
	written = utf8_length(text + sizeof text - length, length);
	CHECK(written <= 4 && written <= length);

	ASSUME(code <= UNICODE_MAX && (code < SURROGATE_FIRST || code > SURROGATE_LAST));
	written = encode(bytes, code);
	CHECK(written >= 1 && written <= 4);
	CHECK(utf8_length((unsigned char *)bytes, written) == written);
}

/* --- texts that grow -------------------------------------------------------------------------- */

/*
 * prove: toml_append_fits unwind=6 replace=toml_fail:fail_only
 * fault: src/config/toml_reader.c s/length >= size - buffer->length/length > size - buffer->length/
 *
 * Texts that grow are written within their memory.
 *
 * To a text of any length in a buffer of 32 or 64 bytes, or in none, up to 300 bytes are added, and a zero:
 * no size overflows, and all is written within the buffer. Without memory the text is as before.
 */
PROOF(toml_append_fits)
{
	static const char bytes[300];
	struct toml_reader reader = { 0 };
	struct toml_buffer buffer = { 0 };
	struct toml_text out = { 0 };
	size_t length = nondet_size();
	size_t before = 0;

	if (nondet_bool()) {
		buffer.size = nondet_bool() ? 64 : 32;
		buffer.bytes = malloc(buffer.size);
		ASSUME(buffer.bytes != NULL);
		before = nondet_size();
		ASSUME(before < buffer.size);
		buffer.length = before;
	}
	ASSUME(length <= sizeof bytes);
	if (toml_append(&reader, &buffer, bytes, length) != 0) {
		CHECK(buffer.length == before);
		free(buffer.bytes);
		return;
	}
	CHECK(buffer.length == before + length && buffer.length < buffer.size);
	CHECK(toml_take(&reader, &buffer, &out) == 0);
	CHECK(out.length == before + length && out.bytes[out.length] == '\0' && buffer.bytes == NULL);
	free(out.bytes);
}
