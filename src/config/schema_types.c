#include "config/schema_types.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/variables.h"

/* So much of what the user wrote is shown. */
#define TEXT_SHOWN 60

/* What the field is called, in a file or on a command line. */
static const char *name_of(const struct config_place *place, const struct schema_field *field)
{
	return place_call(place, field->key, field->word);
}

static int write_line(FILE *out, const char *key, const char *text)
{
	int result;

	(void)fprintf(out, "%s = ", key);
	result = schema_write_string(out, text);
	(void)fputc('\n', out);
	return result;
}

/* A path as it has to be written. */
static int write_path(FILE *out, const char *path)
{
	char *escaped = variables_escape(path);
	int result = escaped == NULL ? -ENOMEM : schema_write_string(out, escaped);

	free(escaped);
	return result;
}

/* --- texts --------------------------------------------------------------------------------------- */

static int read_text(void *member, const struct config_place *place, const struct schema_field *field,
                     const char *text)
{
	return field->parse(member, place, name_of(place, field), text);
}

static int write_text(FILE *out, const struct schema_field *field, const void *member)
{
	char *const *text = member;
	int result;

	if (*text == NULL)
		return 0;
	if (field->parse != value_path)
		return write_line(out, field->key, *text);
	(void)fprintf(out, "%s = ", field->key);
	result = write_path(out, *text);
	(void)fputc('\n', out);
	return result;
}

static bool equal_texts(const void *a, const void *b)
{
	char *const *left = a;
	char *const *right = b;

	return *left == NULL || *right == NULL ? *left == *right : strcmp(*left, *right) == 0;
}

void schema_release_text(void *member, const struct schema_field *field)
{
	char **text = member;

	(void)field;
	free(*text);
	*text = NULL;
}

const struct schema_type schema_text = {
	.read = read_text,
	.write = write_text,
	.equal = equal_texts,
	.release = schema_release_text,
};

/* By name or number. */
static int read_toml_group(void *member, const struct config_place *place, const struct schema_field *field,
                           const struct toml_value *value)
{
	char number[24];
	const char *text = number;

	if (value->type == TOML_INTEGER)
		(void)snprintf(number, sizeof number, "%lld", (long long)value->as.integer);
	else
		text = schema_text_of(place, field->key, "a string", value);
	return text == NULL ? -1 : read_text(member, place, field, text);
}

const struct schema_type schema_group = {
	.read = read_text,
	.read_toml = read_toml_group,
	.write = write_text,
	.equal = equal_texts,
	.release = schema_release_text,
};

/* --- lists --------------------------------------------------------------------------------------- */

static int read_item(void *member, const struct config_place *place, const struct schema_field *field,
                     const char *text)
{
	struct string_list *list = member;
	char *copy = NULL;

	if (field->most > 0 && list->count == field->most)
		return place->file != NULL ? place_fail(place, "%s has more than %zu %s", field->key,
		                                        field->most, field->expected)
		                           : place_fail(place, "more than %zu %s %s", field->most,
		                                        field->word, field->expected);
	if (read_text(&copy, place, field, text) != 0)
		return -1;
	return string_list_append(list, copy) == 0 ? 0 : place_fail(place, "out of memory");
}

static int read_toml_item(void *member, const struct config_place *place, const struct schema_field *field,
                          const struct toml_value *item)
{
	struct config_place here = *place;
	const char *text;

	here.line = item->line;
	text = schema_text_of(&here, field->key, "strings in the array", item);
	return text == NULL ? -1 : read_item(member, &here, field, text);
}

static int read_toml_list(void *member, const struct config_place *place, const struct schema_field *field,
                          const struct toml_value *value)
{
	if (value->type == TOML_STRING && (field->flags & SCHEMA_ONE_STRING) != 0)
		return read_toml_item(member, place, field, value);
	if (value->type != TOML_ARRAY)
		return schema_fail_type(place, field->key, "an array of strings", value);
	for (size_t i = 0; i < value->as.array.count; i++) {
		if (read_toml_item(member, place, field, &value->as.array.items[i]) != 0)
			return -1;
	}
	return 0;
}

/* first: how the first one is written. */
static int write_items(FILE *out, const struct schema_field *field, const struct string_list *list,
                       int (*first)(FILE *, const char *))
{
	int result = 0;

	if (list->count == 0 && (field->flags & SCHEMA_ALWAYS) == 0)
		return 0;
	(void)fprintf(out, "%s = [", field->key);
	for (size_t i = 0; i < list->count && result == 0; i++) {
		if (i > 0)
			(void)fputs(", ", out);
		result = i == 0 ? first(out, list->words[i]) : schema_write_string(out, list->words[i]);
	}
	(void)fputs("]\n", out);
	return result;
}

static int write_list(FILE *out, const struct schema_field *field, const void *member)
{
	return write_items(out, field, member, schema_write_string);
}

static bool equal_lists(const void *a, const void *b)
{
	return string_list_equal(a, b);
}

void schema_release_list(void *member, const struct schema_field *field)
{
	(void)field;
	string_list_release(member);
}

const struct schema_type schema_list = {
	.read = read_item,
	.read_toml = read_toml_list,
	.write = write_list,
	.equal = equal_lists,
	.release = schema_release_list,
};

/* The program first, a file or a name to be looked up, then its arguments. */
static int read_toml_command(void *member, const struct config_place *place, const struct schema_field *field,
                             const struct toml_value *value)
{
	struct string_list *list = member;
	char *program;

	if (read_toml_list(member, place, field, value) != 0)
		return -1;
	if (list->count == 0)
		return 0;
	program = list->words[0];
	if (value_path(&list->words[0], place, field->key, program) != 0)
		return -1;
	free(program);
	return 0;
}

static int write_command(FILE *out, const struct schema_field *field, const void *member)
{
	return write_items(out, field, member, write_path);
}

const struct schema_type schema_command = {
	.read_toml = read_toml_command,
	.read = read_item,
	.write = write_command,
	.equal = equal_lists,
	.release = schema_release_list,
};

/* --- choices -------------------------------------------------------------------------------------- */

int schema_find_choice(const char *const *choices, const char *name, bool any_case)
{
	for (int i = 0; choices[i] != NULL; i++) {
		if ((any_case ? strcasecmp : strcmp)(choices[i], name) == 0)
			return i;
	}
	return -1;
}

static int read_choice(void *member, const struct config_place *place, const struct schema_field *field,
                       const char *text)
{
	int found = schema_find_choice(field->choices, text, (field->flags & SCHEMA_ANY_CASE) != 0);
	unsigned *choice = member;

	if (found < 0)
		return place_fail(place, "%s \"%.*s\" is not known; expected %s or %s", name_of(place, field),
		                  TEXT_SHOWN, text, field->choices[0], field->choices[1]);
	*choice = (unsigned)found;
	return 0;
}

static int write_choice(FILE *out, const struct schema_field *field, const void *member)
{
	const unsigned *choice = member;

	if (*choice == field->standard && (field->flags & SCHEMA_ALWAYS) == 0)
		return 0;
	return write_line(out, field->key, field->choices[*choice]);
}

static bool equal_choices(const void *a, const void *b)
{
	const unsigned *left = a;
	const unsigned *right = b;

	return *left == *right;
}

const struct schema_type schema_choice = {
	.read = read_choice,
	.write = write_choice,
	.equal = equal_choices,
};

static int read_toml_boolean(void *member, const struct config_place *place, const struct schema_field *field,
                             const struct toml_value *value)
{
	bool *boolean = member;

	if (value->type != TOML_BOOLEAN)
		return schema_fail_type(place, field->key, "true or false", value);
	*boolean = value->as.boolean;
	return 0;
}

static int take_boolean(void *member, struct schema_words *words, const struct schema_field *field)
{
	bool *boolean = member;

	(void)words;
	(void)field;
	*boolean = true;
	return 0;
}

static int write_boolean(FILE *out, const struct schema_field *field, const void *member)
{
	const bool *boolean = member;

	if (*boolean)
		(void)fprintf(out, "%s = true\n", field->key);
	return 0;
}

static bool equal_booleans(const void *a, const void *b)
{
	const bool *left = a;
	const bool *right = b;

	return *left == *right;
}

const struct schema_type schema_boolean = {
	.read_toml = read_toml_boolean,
	.read_words = take_boolean,
	.write = write_boolean,
	.equal = equal_booleans,
};

/* --- numbers -------------------------------------------------------------------------------------- */

static bool equal_numbers(const void *a, const void *b)
{
	const uint32_t *left = a;
	const uint32_t *right = b;

	return *left == *right;
}

/* 640 instead of 0o640: as decimal numbers, no modes that make sense begin with the digits of one. */
static bool lacks_prefix(int64_t number)
{
	char digits[24];
	long mode;

	(void)snprintf(digits, sizeof digits, "%lld", (long long)number);
	if (strlen(digits) != 3 || digits[strspn(digits, "01234567")] != '\0')
		return false;
	mode = strtol(digits, NULL, 8);
	return (mode & 0600) == 0600 && (mode & ~0664L) == 0;
}

static int read_mode(void *member, const struct config_place *place, const struct schema_field *field,
                     const char *text)
{
	return value_mode(member, place, name_of(place, field), text);
}

static int read_toml_mode(void *member, const struct config_place *place, const struct schema_field *field,
                          const struct toml_value *value)
{
	const char *text;

	if (value->type == TOML_INTEGER && lacks_prefix(value->as.integer))
		return place_fail(place,
		                  "%s %lld is a decimal number; write \"0%lld\" or 0o%lld, which is octal",
		                  field->key, (long long)value->as.integer, (long long)value->as.integer,
		                  (long long)value->as.integer);
	if (value->type == TOML_INTEGER)
		return value_mode_number(member, place, field->key, value->as.integer);
	text = schema_text_of(place, field->key, "a string such as \"0640\"", value);
	return text == NULL ? -1 : read_mode(member, place, field, text);
}

static int write_mode(FILE *out, const struct schema_field *field, const void *member)
{
	const uint32_t *mode = member;

	if (*mode != 0)
		(void)fprintf(out, "%s = \"%04o\"\n", field->key, *mode);
	return 0;
}

const struct schema_type schema_mode = {
	.read = read_mode,
	.read_toml = read_toml_mode,
	.write = write_mode,
	.equal = equal_numbers,
};

static int read_dialects(void *member, const struct config_place *place, const struct schema_field *field,
                         const char *text)
{
	return value_dialects(member, place, name_of(place, field), text);
}

static int write_dialects(FILE *out, const struct schema_field *field, const void *member)
{
	const uint32_t *dialects = member;

	if (*dialects == CONFIG_DIALECTS_V02 || *dialects == CONFIG_DIALECTS_V03)
		return write_line(out, field->key, *dialects == CONFIG_DIALECTS_V02 ? "V02" : "V03");
	return 0;
}

const struct schema_type schema_dialects = {
	.read = read_dialects,
	.write = write_dialects,
	.equal = equal_numbers,
};

static int read_fwmark(void *member, const struct config_place *place, const struct schema_field *field,
                       const char *text)
{
	return value_fwmark(member, place, name_of(place, field), text);
}

static int read_toml_fwmark(void *member, const struct config_place *place, const struct schema_field *field,
                            const struct toml_value *value)
{
	struct config_fwmark *fwmark = member;
	const char *text;

	if (value->type == TOML_INTEGER) {
		if (value->as.integer < 0 || value->as.integer > UINT32_MAX)
			return place_fail(place, "%s is %lld; expected a number from 0 to 4294967295",
			                  field->key, (long long)value->as.integer);
		*fwmark = (struct config_fwmark){ .is_fixed = true, .mark = (uint32_t)value->as.integer };
		return 0;
	}
	text = schema_text_of(place, field->key, "a string or a number", value);
	return text == NULL ? -1 : read_fwmark(member, place, field, text);
}

static int write_fwmark(FILE *out, const struct schema_field *field, const void *member)
{
	const struct config_fwmark *fwmark = member;

	if (fwmark->is_fixed && fwmark->mark != 0)
		(void)fprintf(out, "%s = %" PRIu32 "\n", field->key, fwmark->mark);
	else if (fwmark->is_fixed)
		(void)fprintf(out, "%s = \"off\"\n", field->key);
	return 0;
}

static bool equal_fwmarks(const void *a, const void *b)
{
	const struct config_fwmark *left = a;
	const struct config_fwmark *right = b;

	return left->is_fixed == right->is_fixed && left->mark == right->mark;
}

const struct schema_type schema_fwmark = {
	.read = read_fwmark,
	.read_toml = read_toml_fwmark,
	.write = write_fwmark,
	.equal = equal_fwmarks,
};

/* --- tables in tables ------------------------------------------------------------------------------ */

static int read_part(void *member, const struct config_place *place, const struct schema_field *field,
                     const struct toml_value *value)
{
	if (value->type != TOML_TABLE)
		return schema_fail_type(place, field->key, field->expected, value);
	if (schema_read_table(member, field->schema, place, value) != 0)
		return -1;
	return field->schema->check == NULL ? 0 : field->schema->check(member, place, value);
}

const struct schema_type schema_part = { .read_toml = read_part };
