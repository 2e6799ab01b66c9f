#include "config/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_utf8.h"
#include "config/suggest.h"

/* So much of a key is shown. */
#define KEY_SHOWN 60

static void *member_of(void *object, const struct schema_field *field)
{
	return (char *)object + field->offset;
}

/* --- files ---------------------------------------------------------------------------------------- */

static const char *article(const char *noun)
{
	return strchr("aeiou", noun[0]) != NULL ? "an" : "a";
}

int schema_fail_type(const struct config_place *place, const char *key, const char *expected,
                     const struct toml_value *found)
{
	const char *name = toml_type_name(found->type);

	return place_fail(place, "%s: expected %s, found %s %s", key, expected, article(name), name);
}

const char *schema_text_of(const struct config_place *place, const char *key, const char *expected,
                           const struct toml_value *value)
{
	if (value->type != TOML_STRING) {
		(void)schema_fail_type(place, key, expected, value);
		return NULL;
	}
	if (strlen(value->as.string.bytes) != value->as.string.length) {
		(void)place_fail(place, "%s has a zero byte in it", key);
		return NULL;
	}
	return value->as.string.bytes;
}

static int fail_unknown_key(const struct config_place *place, const struct schema *schema, const char *key)
{
	const char *known[SCHEMA_FIELDS_MAX];
	const char *nearest;
	size_t count = 0;

	assert(schema->count <= SCHEMA_FIELDS_MAX);
	for (size_t i = 0; i < schema->count; i++) {
		if (schema->fields[i].key != NULL)
			known[count++] = schema->fields[i].key;
	}
	nearest = suggest_nearest(key, known, count);
	if (nearest != NULL)
		return place_fail(place, "unknown key %.*s; did you mean %s?", KEY_SHOWN, key, nearest);
	return place_fail(place, "unknown key %.*s; %s lists the known ones", KEY_SHOWN, key, schema->page);
}

static const struct schema_field *find_key(const struct schema *schema, const struct toml_text *key)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (field->key != NULL && strlen(field->key) == key->length &&
		    memcmp(field->key, key->bytes, key->length) == 0)
			return field;
	}
	return NULL;
}

static int read_value(void *member, const struct config_place *place, const struct schema_field *field,
                      const struct toml_value *value)
{
	const char *text;

	if (field->type->read_toml != NULL)
		return field->type->read_toml(member, place, field, value);
	text = schema_text_of(place, field->key, "a string", value);
	return text == NULL ? -1 : field->type->read(member, place, field, text);
}

int schema_read_table(void *object, const struct schema *schema, const struct config_place *place,
                      const struct toml_value *table)
{
	for (size_t i = 0; i < table->as.table.count; i++) {
		const struct toml_entry *entry = &table->as.table.entries[i];
		const struct schema_field *field = find_key(schema, &entry->key);
		struct config_place here = *place;

		here.line = entry->line;
		if (field == NULL)
			return fail_unknown_key(&here, schema, entry->key.bytes);
		if (read_value(member_of(object, field), &here, field, &entry->value) != 0)
			return -1;
	}
	return 0;
}

static int read_peer(void *peer, const struct schema *schema, const struct config_place *place,
                     const struct toml_value *table)
{
	const struct toml_value *name = toml_get(table, "name");
	struct config_place here = *place;

	/* Where the name is usable, every message has it, also about what stands before it. */
	if (name != NULL && name->type == TOML_STRING && value_is_name(name->as.string.bytes))
		here.name = name->as.string.bytes;
	memcpy((char *)peer + schema->line, &table->line, sizeof table->line);
	if (schema->begin != NULL && schema->begin(peer, &here, table) != 0)
		return -1;
	if (schema_read_table(peer, schema, &here, table) != 0)
		return -1;
	return schema->check == NULL ? 0 : schema->check(peer, &here, table);
}

/* How an object holds its peers. The pointer has another type there. */
struct peers {
	char *all;
	size_t count;
};

static struct peers get_peers(const void *member)
{
	struct peers peers;

	memcpy(&peers, member, sizeof peers);
	return peers;
}

/* Makes room for so many peers, of which there are none yet. */
static int make_peers(void *member, struct peers *peers, const struct config_place *place,
                      const struct schema_field *field, size_t most)
{
	if (most > field->most)
		return place_fail(place, "more than %zu peers", field->most);
	*peers = (struct peers){ calloc(most + 1, field->schema->size), 0 };
	memcpy(member, peers, sizeof *peers);
	return peers->all == NULL ? place_fail(place, "out of memory") : 0;
}

/* Counts one more, so that it is released with the object; returns it. */
static void *add_peer(void *member, struct peers *peers, const struct schema_field *field)
{
	void *peer = peers->all + peers->count++ * field->schema->size;

	memcpy(member, peers, sizeof *peers);
	return peer;
}

static int read_peers(void *member, const struct config_place *place, const struct schema_field *field,
                      const struct toml_value *value)
{
	struct peers peers;

	if (value->type != TOML_ARRAY)
		return schema_fail_type(place, field->key, "[[peers]], a table for each peer", value);
	if (make_peers(member, &peers, place, field, value->as.array.count) != 0)
		return -1;
	for (size_t i = 0; i < value->as.array.count; i++) {
		const struct toml_value *table = &value->as.array.items[i];
		void *peer = add_peer(member, &peers, field);
		struct config_place here = *place;

		here.line = table->line;
		here.peer = i + 1;
		if (table->type != TOML_TABLE)
			return schema_fail_type(&here, field->key, "tables in the array", table);
		if (read_peer(peer, field->schema, &here, table) != 0)
			return -1;
	}
	return 0;
}

/* --- command lines ------------------------------------------------------------------------------- */

bool schema_at_end(const struct schema_words *words)
{
	return words->at == words->count || strcmp(words->words[words->at], "peer") == 0;
}

const char *schema_next_word(struct schema_words *words, const char *of)
{
	if (words->at == words->count) {
		(void)place_fail(&words->place, "%s needs a value after it", of);
		return NULL;
	}
	return words->words[words->at++];
}

static const struct schema_field *find_word(const struct schema *schema, const char *word)
{
	for (size_t i = 0; i < schema->count; i++) {
		if (schema->fields[i].word != NULL && strcmp(schema->fields[i].word, word) == 0)
			return &schema->fields[i];
	}
	return NULL;
}

bool schema_has_word(const struct schema *schema, const char *word)
{
	return find_word(schema, word) != NULL;
}

const char *schema_nearest_word(const struct schema *schema, const char *word)
{
	const char *known[SCHEMA_FIELDS_MAX + 1];
	size_t count = 0;

	assert(schema->count <= SCHEMA_FIELDS_MAX);
	for (size_t i = 0; i < schema->count; i++) {
		if (schema->fields[i].word != NULL)
			known[count++] = schema->fields[i].word;
	}
	known[count++] = "peer";
	return suggest_nearest(word, known, count);
}

/* Whether the member is among those that were read. */
static bool is_seen(const struct schema *schema, const bool *seen, const struct schema_field *field)
{
	for (size_t i = 0; i < schema->count; i++) {
		if (seen[i] && schema->fields[i].offset == field->offset &&
		    schema->fields[i].type == field->type)
			return true;
	}
	return false;
}

static int take_field(void *member, struct schema_words *words, const struct schema_field *field)
{
	const char *text;

	if (field->type->read_words != NULL)
		return field->type->read_words(member, words, field);
	text = schema_next_word(words, field->word);
	return text == NULL ? -1 : field->type->read(member, &words->place, field, text);
}

int schema_read_words(void *object, const struct schema *schema, struct schema_words *words)
{
	bool seen[SCHEMA_FIELDS_MAX] = { false };

	assert(schema->count <= SCHEMA_FIELDS_MAX);
	while (!schema_at_end(words)) {
		const char *word = words->words[words->at];
		const struct schema_field *field = find_word(schema, word);

		if (field == NULL)
			return schema->unknown(&words->place, word);
		if ((field->flags & SCHEMA_REPEATS) == 0 && is_seen(schema, seen, field))
			return place_fail(&words->place, "%s was already set", word);
		seen[field - schema->fields] = true;
		words->has_old |= (field->flags & SCHEMA_OLD) != 0;
		words->at++;
		if (take_field(member_of(object, field), words, field) != 0)
			return -1;
	}
	return 0;
}

int schema_take_peers(void *object, const struct schema *schema, struct schema_words *words)
{
	const struct schema_field *field = schema->fields;
	struct peers peers;
	size_t most = 0;

	while (field->type != &schema_peers)
		field++;
	/* Some of these words may be values instead. */
	for (size_t i = words->at; i < words->count; i++)
		most += strcmp(words->words[i], "peer") == 0;
	if (make_peers(member_of(object, field), &peers, &words->place, field, most) != 0)
		return -1;
	while (words->at < words->count) {
		void *peer = add_peer(member_of(object, field), &peers, field);

		words->at++;
		words->place.peer = peers.count;
		if (field->schema->take(peer, words) != 0)
			return -1;
	}
	words->place.peer = 0;
	return 0;
}

/* --- what peers may not share ---------------------------------------------------------------------- */

struct config_place schema_place_of(const struct schema *schema, const void *peers, size_t peer,
                                    const struct config_place *whole)
{
	const char *object = (const char *)peers + peer * schema->size;
	struct config_place place = *whole;

	memcpy(&place.line, object + schema->line, sizeof place.line);
	memcpy(&place.name, object + schema->name, sizeof place.name);
	place.peer = peer + 1;
	return place;
}

struct unique {
	const char *text;
	size_t peer;
};

static int compare(const void *a, const void *b)
{
	const struct unique *left = a;
	const struct unique *right = b;
	int order = strcmp(left->text, right->text);

	/* Then in the order given, so that the message is about the second one. */
	return order != 0 ? order : (left->peer > right->peer) - (left->peer < right->peer);
}

int schema_check_unique(const struct schema *schema, const void *peers, size_t count,
                        const struct config_place *whole, size_t offset, const char *called)
{
	struct unique *sorted = calloc(count + 1, sizeof *sorted);
	size_t used = 0;
	int result = 0;

	if (sorted == NULL)
		return place_fail(whole, "out of memory");
	for (size_t i = 0; i < count; i++) {
		memcpy(&sorted[used].text, (const char *)peers + i * schema->size + offset,
		       sizeof sorted[used].text);
		sorted[used].peer = i;
		used += sorted[used].text != NULL;
	}
	qsort(sorted, used, sizeof *sorted, compare);
	for (size_t i = 1; i < used && result == 0; i++) {
		struct config_place here = schema_place_of(schema, peers, sorted[i].peer, whole);

		if (strcmp(sorted[i - 1].text, sorted[i].text) == 0)
			result =
				place_fail(&here, "peer %zu has the same %s", sorted[i - 1].peer + 1, called);
	}
	free(sorted);
	return result;
}

/* --- the rest ------------------------------------------------------------------------------------ */

int schema_write_string(FILE *out, const char *text)
{
	static const char plain[] = "\"\\\b\t\n\f\r";
	static const char letters[] = "\"\\btnfr";

	(void)fputc('"', out);
	while (*text != '\0') {
		uint32_t point = 0;
		size_t length = config_utf8_decode(text, &point);
		const char *special = length == 1 ? strchr(plain, *text) : NULL;

		if (length == 0)
			return -EILSEQ;
		if (special != NULL)
			(void)fprintf(out, "\\%c", letters[special - plain]);
		else if (point < 0x20 || point == 0x7f)
			(void)fprintf(out, "\\u%04X", point);
		else
			(void)fwrite(text, 1, length, out);
		text += length;
	}
	(void)fputc('"', out);
	return 0;
}

int schema_write(FILE *out, const struct schema *schema, const void *object)
{
	int result = 0;

	for (size_t i = 0; i < schema->count && result == 0; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (field->key != NULL && (field->flags & SCHEMA_UNWRITTEN) == 0 &&
		    field->type->write != NULL)
			result = field->type->write(out, field, (const char *)object + field->offset);
	}
	return result == 0 && ferror(out) ? -ENOMEM : result;
}

bool schema_equal(const struct schema *schema, const void *a, const void *b)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (field->type->equal != NULL &&
		    !field->type->equal((const char *)a + field->offset, (const char *)b + field->offset))
			return false;
	}
	return true;
}

void schema_release(const struct schema *schema, void *object)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (field->type->release != NULL)
			field->type->release(member_of(object, field), field);
	}
	memset(object, 0, schema->size);
}

static int write_peers(FILE *out, const struct schema_field *field, const void *member)
{
	struct peers peers = get_peers(member);
	int result = 0;

	for (size_t i = 0; i < peers.count && result == 0; i++) {
		(void)fprintf(out, "\n[[%s]]\n", field->key);
		result = schema_write(out, field->schema, peers.all + i * field->schema->size);
	}
	return result;
}

static void release_peers(void *member, const struct schema_field *field)
{
	struct peers peers = get_peers(member);

	for (size_t i = 0; i < peers.count; i++)
		schema_release(field->schema, peers.all + i * field->schema->size);
	free(peers.all);
	memset(member, 0, sizeof peers);
}

const struct schema_type schema_peers = {
	.read_toml = read_peers,
	.write = write_peers,
	.release = release_peers,
};
