#ifndef ROSENPASS_CONFIG_TOML_TABLE_H
#define ROSENPASS_CONFIG_TOML_TABLE_H

/* Within the TOML reader: growing tables and arrays. */

#include "config/toml.h"

/* NULL: there is none. */
struct toml_value *toml_table_find(const struct toml_value *table, const struct toml_text *key);

/*
 * Adds a zeroed value under a key that is not there yet; the key's bytes move into the table. NULL: no
 * memory, nothing has changed. Pointers to other values of the table are no longer good.
 */
struct toml_value *toml_table_add(struct toml_value *table, struct toml_text *key);

/* Adds a zeroed value at the end; as above. */
struct toml_value *toml_array_add(struct toml_value *array);

#endif
