#ifndef ROSENPASS_CONFIG_CONFIG_FIELDS_H
#define ROSENPASS_CONFIG_CONFIG_FIELDS_H

/*
 * Tables of a configuration file, read by lists of the keys that they may have. Within src/config only. Each
 * function returns 0, or -1 said in the problem of the place.
 */

#include <stddef.h>

#include "config/config_value.h"
#include "config/toml.h"

#define CONFIG_FIELDS_MAX 16

struct config_field {
	const char *key;
	/* Reads the value into the member at this offset; how is for its texts. */
	int (*read)(void *member, const struct config_place *place, const struct config_field *field,
	            const struct toml_value *value);
	size_t offset;
	int (*how)(char **out, const struct config_place *place, const char *key, const char *text);
};

struct config_fields {
	const struct config_field *fields;
	size_t count;     /* up to CONFIG_FIELDS_MAX */
	const char *page; /* of the manual, for who writes another key */
};

/* Reads every entry of a table into the members of base; a key that is no field is an error. */
int config_fields_read(void *base, const struct config_place *place, const struct config_fields *fields,
                       const struct toml_value *table) __attribute__((warn_unused_result));

/*
 * Readers: a string into a char *; strings into a struct config_words, from an array alone, or from one
 * string as well.
 */
int config_fields_string(void *member, const struct config_place *place, const struct config_field *field,
                         const struct toml_value *value) __attribute__((warn_unused_result));
int config_fields_array(void *member, const struct config_place *place, const struct config_field *field,
                        const struct toml_value *value) __attribute__((warn_unused_result));
int config_fields_strings(void *member, const struct config_place *place, const struct config_field *field,
                          const struct toml_value *value) __attribute__((warn_unused_result));

/* Reads a protocol_version into a uint32_t of ROSENPASS_DIALECT_BITs. */
int config_fields_dialects(void *member, const struct config_place *place, const struct config_field *field,
                           const struct toml_value *value) __attribute__((warn_unused_result));

/* Reads a mark, a string or an integer, into a struct config_fwmark. */
int config_fields_fwmark(void *member, const struct config_place *place, const struct config_field *field,
                         const struct toml_value *value) __attribute__((warn_unused_result));
int config_fields_fwmark_value(struct config_fwmark *out, const struct config_place *place, const char *key,
                               const struct toml_value *value) __attribute__((warn_unused_result));

/* The text of a string, which has no zero in it; NULL, said in the problem, when it is none. */
const char *config_fields_text(const struct config_place *place, const char *key, const char *expected,
                               const struct toml_value *value) __attribute__((warn_unused_result));

/* Says that a value has another type. Always -1. */
int config_fields_fail_type(const struct config_place *place, const char *key, const char *expected,
                            const struct toml_value *found);

#endif
