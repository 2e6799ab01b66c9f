#include "config/config_fields.h"

#include <string.h>

#include "config/suggest.h"

/* So much of a key is shown. */
#define KEY_SHOWN 60

static const char *article(const char *noun)
{
	return strchr("aeiou", noun[0]) != NULL ? "an" : "a";
}

int config_fields_fail_type(const struct config_place *place, const char *key, const char *expected,
                            const struct toml_value *found)
{
	const char *name = toml_type_name(found->type);

	return config_value_fail(place, "%s: expected %s, found %s %s", key, expected, article(name), name);
}

const char *config_fields_text(const struct config_place *place, const char *key, const char *expected,
                               const struct toml_value *value)
{
	if (value->type != TOML_STRING) {
		(void)config_fields_fail_type(place, key, expected, value);
		return NULL;
	}
	if (strlen(value->as.string.bytes) != value->as.string.length) {
		(void)config_value_fail(place, "%s has a zero byte in it", key);
		return NULL;
	}
	return value->as.string.bytes;
}

int config_fields_string(void *member, const struct config_place *place, const struct config_field *field,
                         const struct toml_value *value)
{
	const char *text = config_fields_text(place, field->key, "a string", value);

	return text == NULL ? -1 : field->how(member, place, field->key, text);
}

int config_fields_dialects(void *member, const struct config_place *place, const struct config_field *field,
                           const struct toml_value *value)
{
	const char *text = config_fields_text(place, field->key, "a string", value);

	return text == NULL ? -1 : config_value_dialects(member, place, field->key, text);
}

int config_fields_fwmark_value(struct config_fwmark *out, const struct config_place *place, const char *key,
                               const struct toml_value *value)
{
	const char *text;

	if (value->type == TOML_INTEGER) {
		if (value->as.integer < 0 || value->as.integer > UINT32_MAX)
			return config_value_fail(place, "%s is %lld; expected a number from 0 to 4294967295",
			                         key, (long long)value->as.integer);
		*out = (struct config_fwmark){ .is_fixed = true, .mark = (uint32_t)value->as.integer };
		return 0;
	}
	text = config_fields_text(place, key, "a string or a number", value);
	return text == NULL ? -1 : config_value_fwmark(out, place, key, text);
}

int config_fields_fwmark(void *member, const struct config_place *place, const struct config_field *field,
                         const struct toml_value *value)
{
	return config_fields_fwmark_value(member, place, field->key, value);
}

static int append_item(struct config_words *words, const struct config_place *place,
                       const struct config_field *field, const struct toml_value *item)
{
	struct config_place here = *place;
	char *text = NULL;
	const char *given;

	here.line = item->line;
	given = config_fields_text(&here, field->key, "strings in the array", item);
	if (given == NULL || field->how(&text, &here, field->key, given) != 0)
		return -1;
	return config_value_append(words, &here, text);
}

int config_fields_array(void *member, const struct config_place *place, const struct config_field *field,
                        const struct toml_value *value)
{
	if (value->type != TOML_ARRAY)
		return config_fields_fail_type(place, field->key, "an array of strings", value);
	for (size_t i = 0; i < value->as.array.count; i++) {
		if (append_item(member, place, field, &value->as.array.items[i]) != 0)
			return -1;
	}
	return 0;
}

int config_fields_strings(void *member, const struct config_place *place, const struct config_field *field,
                          const struct toml_value *value)
{
	if (value->type == TOML_STRING)
		return append_item(member, place, field, value);
	return config_fields_array(member, place, field, value);
}

static int fail_unknown(const struct config_place *place, const struct config_fields *fields, const char *key)
{
	const char *known[CONFIG_FIELDS_MAX];
	const char *nearest;

	for (size_t i = 0; i < fields->count; i++)
		known[i] = fields->fields[i].key;
	nearest = suggest_nearest(key, known, fields->count);
	if (nearest != NULL)
		return config_value_fail(place, "unknown key %.*s; did you mean %s?", KEY_SHOWN, key,
		                         nearest);
	return config_value_fail(place, "unknown key %.*s; %s lists the known ones", KEY_SHOWN, key,
	                         fields->page);
}

static const struct config_field *find(const struct config_fields *fields, const struct toml_text *key)
{
	for (size_t i = 0; i < fields->count; i++) {
		if (strlen(fields->fields[i].key) == key->length &&
		    memcmp(fields->fields[i].key, key->bytes, key->length) == 0)
			return &fields->fields[i];
	}
	return NULL;
}

int config_fields_read(void *base, const struct config_place *place, const struct config_fields *fields,
                       const struct toml_value *table)
{
	for (size_t i = 0; i < table->as.table.count; i++) {
		const struct toml_entry *entry = &table->as.table.entries[i];
		const struct config_field *field = find(fields, &entry->key);
		struct config_place here = *place;

		here.line = entry->line;
		if (field == NULL)
			return fail_unknown(&here, fields, entry->key.bytes);
		if (field->read((char *)base + field->offset, &here, field, &entry->value) != 0)
			return -1;
	}
	return 0;
}
