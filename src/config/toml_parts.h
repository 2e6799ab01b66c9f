#ifndef ROSENPASS_CONFIG_TOML_PARTS_H
#define ROSENPASS_CONFIG_TOML_PARTS_H

/* Within the TOML reader: the place in the text, and the readers of single values. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/toml.h"

/* What the reader has to know of a table or array until the end of the text (toml_value.marks). */
#define TOML_EXPLICIT 1u  /* a table that a header or dotted keys have defined */
#define TOML_DOTTED 2u    /* by dotted keys: they may add to it while their section lasts */
#define TOML_CLOSED 4u    /* an inline table, or an array of values: nothing can be added */
#define TOML_OF_TABLES 8u /* an array that [[headers]] make */

struct toml_reader {
	const char *text;
	size_t length;
	size_t at;
	/* Line and column of the byte at mark; it only goes on: no place before it is asked for. */
	size_t mark;
	unsigned line;
	unsigned column;
	unsigned depth;
	uint32_t section;  /* to which dotted keys belong: a header, or an inline table */
	uint32_t sections; /* how many there were */
	bool is_relaxed;   /* of TOML 1.1 too, see toml_parse_relaxed() */
	struct toml_problem *problem;
};

/* toml_reader.c */

/* The byte at hand or, so many bytes further; 0 at the end of the text (no text holds a zero). */
char toml_peek(const struct toml_reader *reader, size_t further);

/* Whether these bytes come next. */
bool toml_comes(const struct toml_reader *reader, const char *word);

/* Passes over spaces and tabs. */
void toml_skip_blanks(struct toml_reader *reader);

/* Passes over what is left of the line, but not its end. */
void toml_skip_comment(struct toml_reader *reader);

/* Passes over blanks, comments and line ends. */
void toml_skip_lines(struct toml_reader *reader);

/* Line and column of the byte at hand. */
void toml_place(struct toml_reader *reader, unsigned *line, unsigned *column);

/* Fills in the problem, at the byte at hand. Always -1. */
int toml_fail(struct toml_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "x", "the character U+00E9" or "the end of the line", for messages about what is at hand. */
const char *toml_found(const struct toml_reader *reader, char out[static 32]);

/* A growing text; allocation happens in toml_append(), -1 when memory is short. */
struct toml_buffer {
	char *bytes;
	size_t length, size;
};
int toml_append(struct toml_reader *reader, struct toml_buffer *buffer, const char *bytes, size_t length);

/* Takes over the bytes, with a zero after them; they are allocated even when there are none. */
int toml_take(struct toml_reader *reader, struct toml_buffer *buffer, struct toml_text *out);

/* toml_string.c: reads a string of any of the four kinds; in a key only those of one line. */
int toml_read_string(struct toml_reader *reader, struct toml_text *out, bool in_key);

/* Checks encoding and control characters of the whole text. */
int toml_check_text(struct toml_reader *reader);

/* toml_number.c: a number, date or time. */
int toml_read_number(struct toml_reader *reader, struct toml_value *value);

#endif
