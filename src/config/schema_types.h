#ifndef ROSENPASS_CONFIG_SCHEMA_TYPES_H
#define ROSENPASS_CONFIG_SCHEMA_TYPES_H

/* Types of members that several objects have. Within src/config only. */

#include "config/schema.h"

/* char *, read by field->parse. Texts of value_path() are escaped as paths. A group may be a number. */
extern const struct schema_type schema_text;
extern const struct schema_type schema_group;

/* struct string_list, each item read by field->parse. The first item of a command is a path. */
extern const struct schema_type schema_list;
extern const struct schema_type schema_command;

/* An enumeration: indices of field->choices. The value field->standard is not written. */
extern const struct schema_type schema_choice;

/* bool; as a word it stands alone. */
extern const struct schema_type schema_boolean;

/* uint32_t: the mode of a file, 0 for none; ROSENPASS_DIALECT_BITs of a protocol_version, 0 for all. */
extern const struct schema_type schema_mode;
extern const struct schema_type schema_dialects;

/* struct config_fwmark */
extern const struct schema_type schema_fwmark;

/* A table whose keys are those of field->schema and set members of this object. Never written. */
extern const struct schema_type schema_part;

/* Release a char * or a struct string_list; for types elsewhere. */
void schema_release_text(void *member, const struct schema_field *field);
void schema_release_list(void *member, const struct schema_field *field);

/* Returns the index of a name, or -1. */
int schema_find_choice(const char *const *choices, const char *name, bool any_case);

#endif
