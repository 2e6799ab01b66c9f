#include "config/toml_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- dates and times ---------------------------------------------------------------- */

/* So many digits at an offset, as a number; -1: something else stands there. */
static int digits(const struct toml_reader *reader, size_t further, size_t count)
{
	int number = 0;

	for (size_t i = 0; i < count; i++) {
		char c = toml_peek(reader, further + i);

		if (!is_digit(c))
			return -1;
		number = number * 10 + (c - '0');
	}
	return number;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* YYYY-MM-DD */
static int read_date(struct toml_reader *reader, struct toml_buffer *buffer)
{
	int year = digits(reader, 0, 4);
	int month = digits(reader, 5, 2);
	int day = digits(reader, 8, 2);

	if (year < 0 || toml_peek(reader, 4) != '-' || month < 0 || toml_peek(reader, 7) != '-' || day < 0)
		return toml_fail(reader, "expected a date as in 1979-05-27");
	if (month < 1 || month > 12)
		return toml_fail(reader, "a month from 01 to 12 is expected in a date");
	if (day < 1 || day > days_of(year, month))
		return toml_fail(reader, "that month has no day %d", day);
	if (toml_append(reader, buffer, reader->text + reader->at, 10) != 0)
		return -1;
	reader->at += 10;
	return 0;
}

/* HH:MM:SS, with a fraction or not */
static int read_time(struct toml_reader *reader, struct toml_buffer *buffer)
{
	int hour = digits(reader, 0, 2);
	int minute = digits(reader, 3, 2);
	int second = digits(reader, 6, 2);
	size_t length = 8;

	if (hour < 0 || toml_peek(reader, 2) != ':' || minute < 0 || toml_peek(reader, 5) != ':' ||
	    second < 0)
		return toml_fail(reader, "expected a time as in 07:32:00");
	/* 60 is a leap second. */
	if (hour > 23 || minute > 59 || second > 60)
		return toml_fail(reader, "there is no such time of day");
	if (toml_peek(reader, length) == '.') {
		if (!is_digit(toml_peek(reader, length + 1)))
			return toml_fail(reader, "digits are expected after the point of a time");
		length++;
		while (is_digit(toml_peek(reader, length)))
			length++;
	}
	if (toml_append(reader, buffer, reader->text + reader->at, length) != 0)
		return -1;
	reader->at += length;
	return 0;
}

/* Z, +HH:MM or -HH:MM; nothing: *there is false. */
static int read_offset(struct toml_reader *reader, struct toml_buffer *buffer, bool *there)
{
	char c = toml_peek(reader, 0);
	int hour;
	int minute;

	*there = true;
	if (c == 'Z' || c == 'z') {
		reader->at++;
		return toml_append(reader, buffer, "Z", 1);
	}
	if (c != '+' && c != '-') {
		*there = false;
		return 0;
	}
	hour = digits(reader, 1, 2);
	minute = digits(reader, 4, 2);
	if (hour < 0 || hour > 23 || toml_peek(reader, 3) != ':' || minute < 0 || minute > 59)
		return toml_fail(reader, "expected an offset as in +02:00");
	if (toml_append(reader, buffer, reader->text + reader->at, 6) != 0)
		return -1;
	reader->at += 6;
	return 0;
}

static int read_date_and_more(struct toml_reader *reader, struct toml_buffer *buffer, enum toml_type *type)
{
	char c;
	bool offset;

	*type = TOML_LOCAL_DATE;
	if (read_date(reader, buffer) != 0)
		return -1;
	c = toml_peek(reader, 0);
	/* A space alone ends the date. */
	if (c != 'T' && c != 't' && !(c == ' ' && is_digit(toml_peek(reader, 1))))
		return 0;
	reader->at++;
	if (toml_append(reader, buffer, "T", 1) != 0 || read_time(reader, buffer) != 0 ||
	    read_offset(reader, buffer, &offset) != 0)
		return -1;
	*type = offset ? TOML_OFFSET_DATETIME : TOML_LOCAL_DATETIME;
	return 0;
}

static int read_moment(struct toml_reader *reader, struct toml_value *value, bool date)
{
	struct toml_buffer buffer = { 0 };
	enum toml_type type = TOML_LOCAL_TIME;
	int result = date ? read_date_and_more(reader, &buffer, &type) : read_time(reader, &buffer);

	if (result == 0)
		result = toml_take(reader, &buffer, &value->as.date);
	if (result == 0)
		value->type = type;
	else
		free(buffer.bytes);
	return result;
}

/* --- numbers -------------------------------------------------------------------------- */

static bool is_number_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '+' ||
	       c == '-' || c == '.';
}

/* Whether the digit belongs to the base. */
static bool is_of_base(char c, int base)
{
	if (base <= 10)
		return c >= '0' && c < '0' + base;
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * Digits of a base with single underscores between them, moved to out without the underscores.
 * How many characters of in they took; 0: there are none, or an underscore has no digit on each side.
 */
static size_t take_digits(const char *in, int base, char **out)
{
	size_t i = 0;

	if (!is_of_base(in[0], base))
		return 0;
	while (is_of_base(in[i], base) || in[i] == '_') {
		if (in[i] == '_') {
			if (!is_of_base(in[i + 1], base))
				return 0;
		} else {
			*(*out)++ = in[i];
		}
		i++;
	}
	return i;
}

static int take_integer(struct toml_reader *reader, struct toml_value *value, const char *clean, int base)
{
	long long number;

	errno = 0;
	number = strtoll(clean, NULL, base);
	if (errno == ERANGE)
		return toml_fail(reader, "an integer that does not fit into 64 bits");
	value->type = TOML_INTEGER;
	value->as.integer = number;
	return 0;
}

static int bad_number(struct toml_reader *reader, const char *token)
{
	return toml_fail(reader,
	                 "%.40s is not a value; expected a text in quotes, a number, true or false, a date, "
	                 "an array or a table",
	                 token);
}

static int based(struct toml_reader *reader, struct toml_value *value, const char *token, char *clean)
{
	int base = token[1] == 'x' ? 16 : token[1] == 'o' ? 8 : 2;
	char *end = clean;
	size_t used = take_digits(token + 2, base, &end);

	*end = '\0';
	if (used == 0 || token[2 + used] != '\0')
		return bad_number(reader, token);
	return take_integer(reader, value, clean, base);
}

/* inf and nan, with a sign or not. */
static bool special(struct toml_value *value, const char *token)
{
	bool negative = token[0] == '-';
	const char *word = token + (token[0] == '-' || token[0] == '+');

	if (strcmp(word, "inf") == 0)
		value->as.real = negative ? -HUGE_VAL : HUGE_VAL;
	else if (strcmp(word, "nan") == 0)
		value->as.real = negative ? -(double)NAN : (double)NAN;
	else
		return false;
	value->type = TOML_FLOAT;
	return true;
}

/* clean has room for the token. */
static int decimal(struct toml_reader *reader, struct toml_value *value, const char *token, char *clean)
{
	const char *at = token;
	char *end = clean;
	bool is_float = false;
	size_t used;

	if (*at == '+' || *at == '-')
		*end++ = *at++;
	used = take_digits(at, 10, &end);
	if (used == 0)
		return bad_number(reader, token);
	if (at[0] == '0' && used > 1)
		return toml_fail(reader,
		                 "%.40s: a number has no leading zero (an octal number begins with 0o)",
		                 token);
	at += used;
	if (*at == '.') {
		is_float = true;
		*end++ = *at++;
		used = take_digits(at, 10, &end);
		if (used == 0)
			return bad_number(reader, token);
		at += used;
	}
	if (*at == 'e' || *at == 'E') {
		is_float = true;
		*end++ = *at++;
		if (*at == '+' || *at == '-')
			*end++ = *at++;
		used = take_digits(at, 10, &end);
		if (used == 0)
			return bad_number(reader, token);
		at += used;
	}
	*end = '\0';
	if (*at != '\0')
		return bad_number(reader, token);
	if (!is_float)
		return take_integer(reader, value, clean, 10);
	/* The locale is never set, so a point is a point. */
	value->type = TOML_FLOAT;
	value->as.real = strtod(clean, NULL);
	return 0;
}

static int read_token(struct toml_reader *reader, struct toml_value *value, size_t length)
{
	/* The token and a cleaned copy, each with its zero. */
	char *token = malloc(2 * (length + 1));
	char *clean;
	int result;

	if (token == NULL)
		return toml_fail(reader, "out of memory");
	clean = token + length + 1;
	memcpy(token, reader->text + reader->at, length);
	token[length] = '\0';
	if (token[0] == '0' && length > 1 && strchr("xob", token[1]) != NULL)
		result = based(reader, value, token, clean);
	else if (special(value, token))
		result = 0;
	else
		result = decimal(reader, value, token, clean);
	free(token);
	if (result == 0)
		reader->at += length;
	return result;
}

int toml_read_number(struct toml_reader *reader, struct toml_value *value)
{
	size_t length = 0;
	char found[32];

	if (digits(reader, 0, 4) >= 0 && toml_peek(reader, 4) == '-')
		return read_moment(reader, value, true);
	if (digits(reader, 0, 2) >= 0 && toml_peek(reader, 2) == ':')
		return read_moment(reader, value, false);
	while (is_number_char(toml_peek(reader, length)))
		length++;
	if (length == 0)
		return toml_fail(reader, "expected a value (texts stand in quotes), found %s",
		                 toml_found(reader, found));
	return read_token(reader, value, length);
}
