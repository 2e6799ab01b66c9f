#ifndef ROSENPASS_CONFIG_SCHEMA_H
#define ROSENPASS_CONFIG_SCHEMA_H

/*
 * Objects of a configuration, described by tables: which key of a file and which word of a command line
 * leads to which member. By its table an object is read from either, written, compared and released. An
 * object is to be zeroed before it is read, and released after an error too. Within src/config only.
 *
 * The functions return 0, or -1 said in the problem of the place, where nothing else is said.
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

/* May be given again on a command line. */
#define SCHEMA_REPEATS 1u
/* The word is an old one for another field of the same member. */
#define SCHEMA_OLD 2u
/* A choice or a list is written even if it is the standard one or empty. */
#define SCHEMA_ALWAYS 4u
/* It is not written. */
#define SCHEMA_UNWRITTEN 8u
/* One string may stand for a list of one. */
#define SCHEMA_ONE_STRING 16u
/* Small and capital letters of choices count as the same. */
#define SCHEMA_ANY_CASE 32u

/* A member, and how it is given. Without a key it is not in files, without a word not on command lines. */
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

/* How members of a type are handled. What is NULL does not happen. */
struct schema_type {
	/* Reads a text: a string of a file, or an argument. */
	int (*read)(void *member, const struct config_place *place, const struct schema_field *field,
	            const char *text);
	/* Reads a value of a file. NULL: it has to be a string, for read. */
	int (*read_toml)(void *member, const struct config_place *place, const struct schema_field *field,
	                 const struct toml_value *value);
	/* Reads what follows the word of the field. NULL: one argument, for read. */
	int (*read_words)(void *member, struct schema_words *words, const struct schema_field *field);
	/* Writes a line, where the member is set. 0; -EILSEQ: a text is no UTF-8; -ENOMEM. */
	int (*write)(FILE *out, const struct schema_field *field, const void *member);
	bool (*equal)(const void *a, const void *b);
	/* Frees what the member holds, and zeroes that. */
	void (*release)(void *member, const struct schema_field *field);
};

struct schema {
	const struct schema_field *fields;
	size_t count;     /* up to SCHEMA_FIELDS_MAX */
	size_t size;      /* of an object */
	size_t line;      /* of peers: their unsigned line */
	size_t name;      /* of peers: their char *name */
	const char *page; /* of the manual, for whoever writes another key */
	/* Look at a table before its keys are read, and after that. NULL: nothing is to be seen. */
	int (*begin)(void *object, const struct config_place *place, const struct toml_value *table);
	int (*check)(void *object, const struct config_place *place, const struct toml_value *table);
	/* Reads a peer from what follows `peer`, up to the next one. */
	int (*take)(void *object, struct schema_words *words);
	/* Says that a word is no field. Always -1. */
	int (*unknown)(const struct config_place *place, const char *word);
};

/* Reads every entry of a table; a key that is no field is an error. */
int schema_read_table(void *object, const struct schema *schema, const struct config_place *place,
                      const struct toml_value *table) __attribute__((warn_unused_result));

/* Reads words up to the next `peer`. */
int schema_read_words(void *object, const struct schema *schema, struct schema_words *words)
	__attribute__((warn_unused_result));

/* Whether a word is a field's; the field's word that is nearest to it, or `peer`, or NULL. */
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

/* The place of a peer, from 0, for a message about it. */
struct config_place schema_place_of(const struct schema *schema, const void *peers, size_t peer,
                                    const struct config_place *whole);

/* Says which peer has the same text, a char * at that offset, as one before it. called: what the text is. */
int schema_check_unique(const struct schema *schema, const void *peers, size_t count,
                        const struct config_place *whole, size_t offset, const char *called)
	__attribute__((warn_unused_result));

/* Writes lines of TOML. 0; -EILSEQ: a text is no UTF-8; -ENOMEM. */
int schema_write(FILE *out, const struct schema *schema, const void *object)
	__attribute__((warn_unused_result));

/* Whether all members are the same. */
bool schema_equal(const struct schema *schema, const void *a, const void *b);

/* Frees what the members hold. The object is zeroed after that. */
void schema_release(const struct schema *schema, void *object);

/* For types. */

/* Says that a value has another type. Always -1. */
int schema_fail_type(const struct config_place *place, const char *key, const char *expected,
                     const struct toml_value *found);

/* The text of a string, which has no zero in it; NULL, said in the problem, when it is none. */
const char *schema_text_of(const struct config_place *place, const char *key, const char *expected,
                           const struct toml_value *value) __attribute__((warn_unused_result));

/* The next word, which is the value of another; NULL, said in the problem: there is none. */
const char *schema_next_word(struct schema_words *words, const char *of) __attribute__((warn_unused_result));

/* Whether all words of this part are read. */
bool schema_at_end(const struct schema_words *words);

/* Writes a basic string. 0; -EILSEQ: the text is no UTF-8, which TOML has no way to write. */
int schema_write_string(FILE *out, const char *text) __attribute__((warn_unused_result));

#endif
