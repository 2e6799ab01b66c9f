#ifndef ROSENPASS_CONFIG_TOML_H
#define ROSENPASS_CONFIG_TOML_H

/* TOML 1.0 (https://toml.io/en/v1.0.0), read whole into a tree. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Beyond these a text is refused: a file of somebody else's must not eat the machine. */
#define TOML_TEXT_MAX_BYTES (16 * 1024 * 1024)
#define TOML_DEPTH_MAX 64

#define TOML_PROBLEM_BYTES 256

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOLEAN,
	TOML_OFFSET_DATETIME,
	TOML_LOCAL_DATETIME,
	TOML_LOCAL_DATE,
	TOML_LOCAL_TIME,
	TOML_ARRAY,
	TOML_TABLE,
};

/* Bytes with a zero after them that length does not count; TOML allows zeros (\u0000) among them. */
struct toml_text {
	char *bytes;
	size_t length;
};

struct toml_value {
	enum toml_type type;
	unsigned line;   /* where it starts, from 1 */
	unsigned column; /* in characters, from 1 */
	union {
		struct toml_text string;
		int64_t integer;
		double real;
		bool boolean;
		/* Of the four kinds of date and time: as written, with "T" and "Z" in capitals. */
		struct toml_text date;
		struct {
			struct toml_value *items;
			size_t count;
		} array;
		struct {
			struct toml_entry *entries; /* in the order of the file */
			size_t count;
			struct toml_index *index; /* of the reader alone */
		} table;
	} as;
	/* Of the reader alone. */
	uint8_t marks;
	uint32_t section;
};

struct toml_entry {
	struct toml_text key;
	unsigned line; /* of the key */
	unsigned column;
	struct toml_value value;
};

struct toml_problem {
	unsigned line; /* from 1; 0: no place in particular */
	unsigned column;
	char text[TOML_PROBLEM_BYTES]; /* English, without the place: what was found and what was expected */
};

/*
 * Reads a text into *root, a table, to be released by toml_release(). -1, *problem filled and
 * nothing to release: the text is no TOML 1.0, is too long or too deep, or memory is short.
 */
int toml_parse(struct toml_value *root, const char *text, size_t length, struct toml_problem *problem)
	__attribute__((warn_unused_result));

/*
 * The same with what people write who know TOML 1.1: a table in { } may have line ends and comments between
 * its parts and a comma before its end, and the escapes \e and \xHH stand for characters.
 */
int toml_parse_relaxed(struct toml_value *root, const char *text, size_t length, struct toml_problem *problem)
	__attribute__((warn_unused_result));

/* Releases what the value holds; it is zeroed. Contents are not wiped. */
void toml_release(struct toml_value *value);

/* The value of a key of a table; NULL: there is none. Keys are told apart byte for byte. */
const struct toml_value *toml_get(const struct toml_value *table, const char *key);

/* "string", "integer", "date" ... for messages. */
const char *toml_type_name(enum toml_type type);

#endif
