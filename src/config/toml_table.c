#include "config/toml_table.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Tables with fewer keys are searched one key after the other. */
#define INDEX_FROM 16

/*
 * Places of entries by the hash of their key, open addressing; 0 is free, else the entry's number plus one.
 * The hash is keyed by chance: nobody can write a file whose keys all fall on one place.
 */
struct toml_index {
	size_t size; /* a power of two */
	uint8_t chance[crypto_shorthash_KEYBYTES];
	uint32_t places[];
};

/* The place where a key belongs, if nothing else is there. */
static size_t home(const struct toml_index *index, const char *key, size_t length)
{
	uint8_t hash[crypto_shorthash_BYTES];
	size_t place;

	_Static_assert(sizeof place <= sizeof hash, "enough for any size");
	(void)crypto_shorthash(hash, (const uint8_t *)key, length, index->chance);
	memcpy(&place, hash, sizeof place);
	return place & (index->size - 1);
}

static bool is_key(const struct toml_entry *entry, const char *key, size_t length)
{
	return entry->key.length == length && memcmp(entry->key.bytes, key, length) == 0;
}

static struct toml_entry *find(const struct toml_value *table, const char *key, size_t length)
{
	const struct toml_index *index = table->as.table.index;
	struct toml_entry *entries = table->as.table.entries;

	if (index == NULL) {
		for (size_t i = 0; i < table->as.table.count; i++) {
			if (is_key(&entries[i], key, length))
				return &entries[i];
		}
		return NULL;
	}
	for (size_t at = home(index, key, length); index->places[at] != 0;
	     at = (at + 1) & (index->size - 1)) {
		if (is_key(&entries[index->places[at] - 1], key, length))
			return &entries[index->places[at] - 1];
	}
	return NULL;
}

struct toml_value *toml_table_find(const struct toml_value *table, const struct toml_text *key)
{
	struct toml_entry *entry = find(table, key->bytes, key->length);

	return entry == NULL ? NULL : &entry->value;
}

const struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
	const struct toml_entry *entry = find(table, key, strlen(key));

	return entry == NULL ? NULL : &entry->value;
}

static void put(struct toml_index *index, const struct toml_entry *entry, uint32_t number)
{
	size_t at = home(index, entry->key.bytes, entry->key.length);

	while (index->places[at] != 0)
		at = (at + 1) & (index->size - 1);
	index->places[at] = number + 1;
}

/* Keeps the index at most half full. */
static int make_index(struct toml_value *table, size_t entries)
{
	size_t size = 4 * INDEX_FROM;
	struct toml_index *index;

	if (table->as.table.index != NULL && entries * 2 <= table->as.table.index->size)
		return 0;
	while (size < entries * 4)
		size *= 2;
	index = calloc(1, sizeof *index + size * sizeof index->places[0]);
	if (index == NULL)
		return -1;
	index->size = size;
	randombytes_buf(index->chance, sizeof index->chance);
	for (size_t i = 0; i < table->as.table.count; i++)
		put(index, &table->as.table.entries[i], (uint32_t)i);
	free(table->as.table.index);
	table->as.table.index = index;
	return 0;
}

/* Room doubles, so that count needs no companion: it is full at each power of two. */
static bool is_full(size_t count)
{
	return (count & (count - 1)) == 0;
}

struct toml_value *toml_table_add(struct toml_value *table, struct toml_text *key)
{
	size_t count = table->as.table.count;
	struct toml_entry *entry;

	if (is_full(count)) {
		struct toml_entry *larger =
			reallocarray(table->as.table.entries, count == 0 ? 1 : count * 2, sizeof *larger);

		if (larger == NULL)
			return NULL;
		table->as.table.entries = larger;
	}
	if (count + 1 > INDEX_FROM && make_index(table, count + 1) != 0)
		return NULL;
	entry = &table->as.table.entries[count];
	memset(entry, 0, sizeof *entry);
	entry->key = *key;
	memset(key, 0, sizeof *key);
	if (table->as.table.index != NULL)
		put(table->as.table.index, entry, (uint32_t)count);
	table->as.table.count++;
	return &entry->value;
}

struct toml_value *toml_array_add(struct toml_value *array)
{
	size_t count = array->as.array.count;

	if (is_full(count)) {
		struct toml_value *larger =
			reallocarray(array->as.array.items, count == 0 ? 1 : count * 2, sizeof *larger);

		if (larger == NULL)
			return NULL;
		array->as.array.items = larger;
	}
	memset(&array->as.array.items[count], 0, sizeof array->as.array.items[count]);
	return &array->as.array.items[array->as.array.count++];
}

void toml_release(struct toml_value *value)
{
	switch (value->type) {
	case TOML_STRING:
		free(value->as.string.bytes);
		break;
	case TOML_OFFSET_DATETIME:
	case TOML_LOCAL_DATETIME:
	case TOML_LOCAL_DATE:
	case TOML_LOCAL_TIME:
		free(value->as.date.bytes);
		break;
	case TOML_ARRAY:
		for (size_t i = 0; i < value->as.array.count; i++)
			toml_release(&value->as.array.items[i]);
		free(value->as.array.items);
		break;
	case TOML_TABLE:
		for (size_t i = 0; i < value->as.table.count; i++) {
			free(value->as.table.entries[i].key.bytes);
			toml_release(&value->as.table.entries[i].value);
		}
		free(value->as.table.entries);
		free(value->as.table.index);
		break;
	case TOML_INTEGER:
	case TOML_FLOAT:
	case TOML_BOOLEAN:
		break;
	}
	memset(value, 0, sizeof *value);
}

const char *toml_type_name(enum toml_type type)
{
	static const char *const names[] = {
		[TOML_STRING] = "string",
		[TOML_INTEGER] = "integer",
		[TOML_FLOAT] = "float",
		[TOML_BOOLEAN] = "boolean",
		[TOML_OFFSET_DATETIME] = "date and time",
		[TOML_LOCAL_DATETIME] = "date and time",
		[TOML_LOCAL_DATE] = "date",
		[TOML_LOCAL_TIME] = "time",
		[TOML_ARRAY] = "array",
		[TOML_TABLE] = "table",
	};

	return names[type];
}
