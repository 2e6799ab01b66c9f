#ifndef ROSENPASS_CONFIG_SCHEMA_H
#define ROSENPASS_CONFIG_SCHEMA_H

/*
 * Tables that describe the objects of a configuration: each row names a key of a file, a word of a command
 * line, and the member that both lead to. The same table is used to read an object from either source, to
 * write, compare and release it. Zero an object before reading it, and release it after an error too. Within
 * src/config only.
 *
 * Unless a comment says otherwise, functions return 0, or -1 after writing the reason to place->problem.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config/place.h"
#include "config/toml.h"
#include "config/value.h"

#define SCHEMA_FIELDS_MAX 32

/* Arguments of a command line. */
struct schema_words {
	char *const *words;
	size_t count;
	size_t at;                 /* the next one */
	struct config_place place; /* of the part that is read */
	bool has_old;              /* a word with SCHEMA_OLD was among them */
};

/* The word may be repeated on a command line. */
#define SCHEMA_REPEATS 1u
/* The word is a deprecated alias of another field of the same member. */
#define SCHEMA_OLD 2u
/* A choice is written even if it is the standard one, a list even if it is empty. */
#define SCHEMA_ALWAYS 4u
/* The field is never written. */
#define SCHEMA_UNWRITTEN 8u
/* A single string is accepted in place of a list. */
#define SCHEMA_ONE_STRING 16u
/* Choices are compared without regard to case. */
#define SCHEMA_ANY_CASE 32u

/* A member. key is NULL if files cannot set it, word is NULL if command lines cannot. */
struct schema_field {
	const char *key;
	const char *word;
	const struct schema_type *type;
	size_t offset; /* of the member */
	unsigned flags;
	value_fn *parse;             /* of texts and lists of texts */
	const char *const *choices;  /* of choices, with NULL after the last */
	unsigned standard;           /* of choices: what need not be written */
	const struct schema *schema; /* of tables */
	size_t most;                 /* of lists and peers: how many there may be; 0: any number */
	const char *expected;        /* of lists and tables: what they are, for messages */
};

/* Operations on members of a type. A type that lacks an operation has NULL there. */
struct schema_type {
	/* Reads the text of a string in a file, or of an argument. */
	int (*read)(void *member, const struct config_place *place, const struct schema_field *field,
	            const char *text);
	/* Reads a value of a file. NULL: the value has to be a string, which read gets. */
	int (*read_toml)(void *member, const struct config_place *place, const struct schema_field *field,
	                 const struct toml_value *value);
	/* Reads the arguments after the word. NULL: there is one, which read gets. */
	int (*read_words)(void *member, struct schema_words *words, const struct schema_field *field);
	/* Writes a line if the member is set. Returns 0, -EILSEQ if a text is not UTF-8, or -ENOMEM. */
	int (*write)(FILE *out, const struct schema_field *field, const void *member);
	bool (*equal)(const void *a, const void *b);
	/* Frees and zeroes the member. */
	void (*release)(void *member, const struct schema_field *field);
};

struct schema {
	const struct schema_field *fields;
	size_t count;     /* up to SCHEMA_FIELDS_MAX */
	size_t size;      /* of an object */
	size_t line;      /* of peers: their unsigned line */
	size_t name;      /* of peers: their char *name */
	const char *page; /* of the manual, named when a key is unknown */
	/* Check a table before and after its keys are read; may be NULL. */
	int (*begin)(void *object, const struct config_place *place, const struct toml_value *table);
	int (*check)(void *object, const struct config_place *place, const struct toml_value *table);
	/* Reads a peer from the arguments after one `peer` up to the next. */
	int (*take)(void *object, struct schema_words *words);
	/* Reports an unknown word. Always returns -1. */
	int (*unknown)(const struct config_place *place, const char *word);
};

/* Reads every entry of a table. An unknown key is an error. */
int schema_read_table(void *object, const struct schema *schema, const struct config_place *place,
                      const struct toml_value *table) __attribute__((warn_unused_result));

/* Reads arguments up to the next `peer`. */
int schema_read_words(void *object, const struct schema *schema, struct schema_words *words)
	__attribute__((warn_unused_result));

/* Returns true if a field has that word; returns the most similar word or `peer`, or NULL if none is. */
bool schema_has_word(const struct schema *schema, const char *word);
const char *schema_nearest_word(const struct schema *schema, const char *word);

/*
 * Peers: a pointer to an array of up to field->most objects of field->schema, and after it a size_t, their
 * number. In a file they are tables; on a command line schema_take_peers() reads the words from the first
 * `peer` on.
 */
extern const struct schema_type schema_peers;

int schema_take_peers(void *object, const struct schema *schema, struct schema_words *words)
	__attribute__((warn_unused_result));

/* Returns the place of a peer, counted from 0, for messages. */
struct config_place schema_place_of(const struct schema *schema, const void *peers, size_t peer,
                                    const struct config_place *whole);

/* Rejects two peers with the same text, a char * at that offset. called: what messages call the text. */
int schema_check_unique(const struct schema *schema, const void *peers, size_t count,
                        const struct config_place *whole, size_t offset, const char *called)
	__attribute__((warn_unused_result));

/* Writes lines of TOML. Returns 0, -EILSEQ if a text is not UTF-8, or -ENOMEM. */
int schema_write(FILE *out, const struct schema *schema, const void *object)
	__attribute__((warn_unused_result));

/* Returns true if all members are equal. */
bool schema_equal(const struct schema *schema, const void *a, const void *b);

/* Releases all members and zeroes the object. */
void schema_release(const struct schema *schema, void *object);

/* For types. */

/* Reports a value of another type. Always returns -1. */
int schema_fail_type(const struct config_place *place, const char *key, const char *expected,
                     const struct toml_value *found);

/* Returns the text of a string without zero bytes; NULL after reporting anything else. */
const char *schema_text_of(const struct config_place *place, const char *key, const char *expected,
                           const struct toml_value *value) __attribute__((warn_unused_result));

/* Takes the next argument, the value of a word; returns NULL after reporting that there is none. */
const char *schema_next_word(struct schema_words *words, const char *of) __attribute__((warn_unused_result));

/* Returns true if all arguments of this part have been read. */
bool schema_at_end(const struct schema_words *words);

/* Writes a basic string. Returns 0, or -EILSEQ if the text is not UTF-8, which TOML cannot represent. */
int schema_write_string(FILE *out, const char *text) __attribute__((warn_unused_result));

#endif
