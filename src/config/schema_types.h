#ifndef ROSENPASS_CONFIG_SCHEMA_TYPES_H
#define ROSENPASS_CONFIG_SCHEMA_TYPES_H

/* Types of members that several objects have. Within src/config only. */

#include "config/schema.h"

/* char *, by field->parse; what value_path() reads is written as a path. schema_group: or a number. */
extern const struct schema_type schema_text;
extern const struct schema_type schema_group;

/* struct string_list, each by field->parse. schema_command: the first is a path. */
extern const struct schema_type schema_list;
extern const struct schema_type schema_command;

/* An enumeration: places of names in field->choices. field->standard is not written. */
extern const struct schema_type schema_choice;

/* bool; as a word it stands alone. */
extern const struct schema_type schema_boolean;

/* uint32_t: the mode of a file, 0 for none; ROSENPASS_DIALECT_BITs of a protocol_version, 0 for all. */
extern const struct schema_type schema_mode;
extern const struct schema_type schema_dialects;

/* struct config_fwmark */
extern const struct schema_type schema_fwmark;

/* A table whose keys, those of field->schema, lead to members of this object. Read only. */
extern const struct schema_type schema_part;

/* Release a char * and a struct string_list, for other types of them. */
void schema_release_text(void *member, const struct schema_field *field);
void schema_release_list(void *member, const struct schema_field *field);

/* The choice of that name; -1: there is none. */
int schema_find_choice(const char *const *choices, const char *name, bool any_case);

#endif
