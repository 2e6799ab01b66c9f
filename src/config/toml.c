#include "config/toml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_utf8.h"
#include "config/toml_parts.h"
#include "config/toml_table.h"

/* --- keys ---------------------------------------------------------------------------------- */

/* So much of a key is shown in messages. */
#define KEY_SHOWN_BYTES 64

/* The parts of a dotted key. */
struct key {
	struct toml_text parts[TOML_DEPTH_MAX];
	unsigned columns[TOML_DEPTH_MAX];
	unsigned line;
	size_t count;
};

static void release_key(struct key *key)
{
	for (size_t i = 0; i < key->count; i++)
		free(key->parts[i].bytes);
	key->count = 0;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-';
}

static int read_bare(struct toml_reader *reader, struct toml_text *out)
{
	struct toml_buffer buffer = { 0 };
	size_t length = 0;
	char found[32];

	while (is_bare(toml_peek(reader, length)))
		length++;
	if (length == 0)
		return toml_fail(reader, "expected a key, found %s", toml_found(reader, found));
	if (toml_append(reader, &buffer, reader->text + reader->at, length) != 0 ||
	    toml_take(reader, &buffer, out) != 0) {
		free(buffer.bytes);
		return -1;
	}
	reader->at += length;
	return 0;
}

/* To be released after a failure too. */
static int read_key(struct toml_reader *reader, struct key *key)
{
	key->count = 0;
	for (;;) {
		char c = toml_peek(reader, 0);
		struct toml_text *part = &key->parts[key->count];

		if (key->count + reader->depth >= TOML_DEPTH_MAX)
			return toml_fail(reader, "tables within tables deeper than %d", TOML_DEPTH_MAX);
		toml_place(reader, &key->line, &key->columns[key->count]);
		if ((c == '"' || c == '\'' ? toml_read_string(reader, part, true)
		                           : read_bare(reader, part)) != 0)
			return -1;
		key->count++;
		toml_skip_blanks(reader);
		if (toml_peek(reader, 0) != '.')
			return 0;
		reader->at++;
		toml_skip_blanks(reader);
	}
}

static int no_memory(struct toml_reader *reader)
{
	return toml_fail(reader, "out of memory");
}

/* Adds part of a key to a table. NULL: no memory, said. */
static struct toml_value *add_value(struct toml_reader *reader, struct toml_value *table, struct key *key,
                                    size_t part)
{
	struct toml_value *value = toml_table_add(table, &key->parts[part]);
	struct toml_entry *entry;

	if (value == NULL) {
		(void)no_memory(reader);
		return NULL;
	}
	entry = &table->as.table.entries[table->as.table.count - 1];
	entry->line = key->line;
	entry->column = key->columns[part];
	value->line = key->line;
	value->column = key->columns[part];
	return value;
}

static struct toml_value *add_table(struct toml_reader *reader, struct toml_value *table, struct key *key,
                                    size_t part, uint8_t marks)
{
	struct toml_value *value = add_value(reader, table, key, part);

	if (value != NULL) {
		value->type = TOML_TABLE;
		value->marks = marks;
		value->section = reader->section;
	}
	return value;
}

/* --- values -------------------------------------------------------------------------------- */

static int read_value(struct toml_reader *reader, struct toml_value *value);

/* Whether dotted keys of the present section may go through this value. */
static bool is_open_to_dots(const struct toml_reader *reader, const struct toml_value *value)
{
	if (value->type != TOML_TABLE || (value->marks & TOML_CLOSED) != 0)
		return false;
	return (value->marks & TOML_EXPLICIT) == 0 ||
	       ((value->marks & TOML_DOTTED) != 0 && value->section == reader->section);
}

/* A key for messages: cut where it is long, and with ? for what would disturb a terminal. */
static void show_key(char out[static KEY_SHOWN_BYTES], const struct toml_text *key)
{
	size_t used = 0;

	for (size_t at = 0; at < key->length;) {
		uint32_t point = 0;
		size_t length = config_utf8_decode(key->bytes + at, &point);
		bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);

		if (used + length + sizeof "..." > KEY_SHOWN_BYTES) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		memcpy(out + used, control ? "?" : key->bytes + at, control ? 1 : length);
		used += control ? 1 : length;
		at += length;
	}
	out[used] = '\0';
}

/* The problem of a part of a key, whose name has a value already. Always -1. */
static int fail_at_key(struct toml_reader *reader, const struct key *key, size_t part,
                       const struct toml_value *earlier, const char *words)
{
	char shown[KEY_SHOWN_BYTES];

	show_key(shown, &key->parts[part]);
	(void)toml_fail(reader, "%s %s (line %u)", key->parts[part].length == 0 ? "\"\"" : shown, words,
	                earlier->line);
	reader->problem->line = key->line;
	reader->problem->column = key->columns[part];
	return -1;
}

/* The table that the parts before the last one name. NULL: said. */
static struct toml_value *walk_dots(struct toml_reader *reader, struct toml_value *table, struct key *key)
{
	for (size_t i = 0; i + 1 < key->count; i++) {
		struct toml_value *next = toml_table_find(table, &key->parts[i]);

		if (next == NULL) {
			next = add_table(reader, table, key, i, TOML_EXPLICIT | TOML_DOTTED);
			if (next == NULL)
				return NULL;
		} else if (!is_open_to_dots(reader, next)) {
			(void)fail_at_key(reader, key, i, next,
			                  next->type == TOML_TABLE ? "is a table that is complete already"
			                                           : "has a value already and is no table");
			return NULL;
		} else if ((next->marks & TOML_EXPLICIT) == 0) {
			/* Up to now it was only on the way of a header. */
			next->marks |= TOML_EXPLICIT | TOML_DOTTED;
			next->section = reader->section;
		}
		table = next;
	}
	return table;
}

static int assign(struct toml_reader *reader, struct toml_value *table, struct key *key)
{
	struct toml_value *value;
	const struct toml_value *earlier;
	unsigned depth = reader->depth;
	char found[32];
	int result;

	if (toml_peek(reader, 0) != '=')
		return toml_fail(reader, "expected = after the key, found %s", toml_found(reader, found));
	reader->at++;
	toml_skip_blanks(reader);
	table = walk_dots(reader, table, key);
	if (table == NULL)
		return -1;
	earlier = toml_table_find(table, &key->parts[key->count - 1]);
	if (earlier != NULL)
		return fail_at_key(reader, key, key->count - 1, earlier, "was given before");
	value = add_value(reader, table, key, key->count - 1);
	if (value == NULL)
		return -1;
	reader->depth += (unsigned)key->count;
	result = read_value(reader, value);
	reader->depth = depth;
	return result;
}

/* KEY = VALUE */
static int read_pair(struct toml_reader *reader, struct toml_value *table)
{
	/* Two kilobytes each, and inline tables within inline tables: not on the stack. */
	struct key *key = calloc(1, sizeof *key);
	int result;

	if (key == NULL)
		return no_memory(reader);
	result = read_key(reader, key);
	if (result == 0)
		result = assign(reader, table, key);
	release_key(key);
	free(key);
	return result;
}

static int read_array(struct toml_reader *reader, struct toml_value *array)
{
	char found[32];

	array->type = TOML_ARRAY;
	array->marks = TOML_CLOSED;
	reader->at++;
	for (;;) {
		struct toml_value *item;

		toml_skip_lines(reader);
		if (toml_peek(reader, 0) == ']')
			break;
		item = toml_array_add(array);
		if (item == NULL)
			return no_memory(reader);
		if (read_value(reader, item) != 0)
			return -1;
		toml_skip_lines(reader);
		if (toml_peek(reader, 0) == ']')
			break;
		if (toml_peek(reader, 0) != ',')
			return toml_fail(reader, "expected , or ] in the array, found %s",
			                 toml_found(reader, found));
		reader->at++;
	}
	reader->at++;
	return 0;
}

/* Whether nothing more stands on the line. */
static bool ends_here(const struct toml_reader *reader)
{
	char c = toml_peek(reader, 0);

	return c == '\0' || c == '\n' || c == '\r' || c == '#';
}

/* Between the parts of an inline table: TOML 1.1 allows line ends and comments there. */
static void skip_in_table(struct toml_reader *reader)
{
	if (reader->is_relaxed)
		toml_skip_lines(reader);
	else
		toml_skip_blanks(reader);
}

static int read_inline_pairs(struct toml_reader *reader, struct toml_value *table)
{
	const char *on_one_line = reader->is_relaxed ? "" : ", on one line";
	char found[32];

	skip_in_table(reader);
	if (toml_peek(reader, 0) == '}')
		return 0;
	for (;;) {
		if (ends_here(reader) && reader->is_relaxed)
			return toml_fail(reader, "expected a key or } in the table, found %s",
			                 toml_found(reader, found));
		if (ends_here(reader))
			return toml_fail(reader, "a table in { } has to stand on one line, found %s",
			                 toml_found(reader, found));
		if (read_pair(reader, table) != 0)
			return -1;
		skip_in_table(reader);
		if (toml_peek(reader, 0) == '}')
			return 0;
		if (toml_peek(reader, 0) != ',')
			return toml_fail(reader, "expected , or } in the table%s, found %s", on_one_line,
			                 toml_found(reader, found));
		reader->at++;
		skip_in_table(reader);
		if (toml_peek(reader, 0) == '}' && reader->is_relaxed)
			return 0;
		if (toml_peek(reader, 0) == '}')
			return toml_fail(reader, "no comma is allowed before the } of a table");
	}
}

static int read_inline_table(struct toml_reader *reader, struct toml_value *table)
{
	uint32_t outer = reader->section;

	table->type = TOML_TABLE;
	/* A number that no other section has: dotted keys within stay within. */
	reader->section = ++reader->sections;
	reader->at++;
	if (read_inline_pairs(reader, table) != 0)
		return -1;
	reader->at++;
	table->marks = TOML_CLOSED;
	reader->section = outer;
	return 0;
}

static int read_boolean(struct toml_reader *reader, struct toml_value *value, bool boolean)
{
	size_t length = boolean ? 4 : 5;

	if (is_bare(toml_peek(reader, length)))
		return toml_read_number(reader, value);
	value->type = TOML_BOOLEAN;
	value->as.boolean = boolean;
	reader->at += length;
	return 0;
}

static int read_nested(struct toml_reader *reader, struct toml_value *value)
{
	int result;

	if (reader->depth >= TOML_DEPTH_MAX)
		return toml_fail(reader, "values within values deeper than %d", TOML_DEPTH_MAX);
	reader->depth++;
	result = toml_peek(reader, 0) == '[' ? read_array(reader, value) : read_inline_table(reader, value);
	reader->depth--;
	return result;
}

/* After a failure the value is what it was, or of a type that can be released. */
static int read_value(struct toml_reader *reader, struct toml_value *value)
{
	char c = toml_peek(reader, 0);

	toml_place(reader, &value->line, &value->column);
	if (c == '"' || c == '\'') {
		value->type = TOML_STRING;
		return toml_read_string(reader, &value->as.string, false);
	}
	if (c == '[' || c == '{')
		return read_nested(reader, value);
	if (toml_comes(reader, "true") || toml_comes(reader, "false"))
		return read_boolean(reader, value, c == 't');
	return toml_read_number(reader, value);
}

/* --- headers -------------------------------------------------------------------------------- */

/* Where a header goes on: a table, or the last table of an array of tables. NULL: neither. */
static struct toml_value *pass(struct toml_value *value)
{
	if (value->type == TOML_ARRAY && (value->marks & TOML_OF_TABLES) != 0)
		return &value->as.array.items[value->as.array.count - 1];
	return value->type == TOML_TABLE && (value->marks & TOML_CLOSED) == 0 ? value : NULL;
}

static struct toml_value *walk_header(struct toml_reader *reader, struct toml_value *table, struct key *key)
{
	for (size_t i = 0; i + 1 < key->count; i++) {
		struct toml_value *there = toml_table_find(table, &key->parts[i]);

		table = there == NULL ? add_table(reader, table, key, i, 0) : pass(there);
		if (table == NULL) {
			if (there != NULL)
				(void)fail_at_key(reader, key, i, there,
				                  "has a value already that cannot be added to");
			return NULL;
		}
	}
	return table;
}

/* [KEY]: the table that follows, NULL: said. */
static struct toml_value *open_table(struct toml_reader *reader, struct toml_value *table, struct key *key)
{
	size_t last = key->count - 1;
	struct toml_value *value = toml_table_find(table, &key->parts[last]);

	if (value == NULL)
		return add_table(reader, table, key, last, TOML_EXPLICIT);
	if (value->type != TOML_TABLE || (value->marks & (TOML_CLOSED | TOML_EXPLICIT)) != 0) {
		(void)fail_at_key(reader, key, last, value, "was given before");
		return NULL;
	}
	value->marks |= TOML_EXPLICIT;
	value->section = reader->section;
	return value;
}

/* [[KEY]] */
static struct toml_value *open_item(struct toml_reader *reader, struct toml_value *table, struct key *key)
{
	size_t last = key->count - 1;
	struct toml_value *array = toml_table_find(table, &key->parts[last]);
	struct toml_value *item;

	if (array == NULL) {
		array = add_value(reader, table, key, last);
		if (array == NULL)
			return NULL;
		array->type = TOML_ARRAY;
		array->marks = TOML_OF_TABLES;
	} else if (array->type != TOML_ARRAY || (array->marks & TOML_OF_TABLES) == 0) {
		(void)fail_at_key(reader, key, last, array, "was given before, and not as [[...]]");
		return NULL;
	}
	item = toml_array_add(array);
	if (item == NULL) {
		(void)no_memory(reader);
		return NULL;
	}
	item->type = TOML_TABLE;
	item->marks = TOML_EXPLICIT;
	item->section = reader->section;
	item->line = key->line;
	item->column = key->columns[last];
	return item;
}

static struct toml_value *take_header(struct toml_reader *reader, struct toml_value *root, struct key *key)
{
	bool is_item = toml_comes(reader, "[[");
	struct toml_value *table;
	char found[32];

	reader->section = ++reader->sections;
	reader->depth = 0;
	reader->at += is_item ? 2 : 1;
	toml_skip_blanks(reader);
	if (read_key(reader, key) != 0)
		return NULL;
	if (!toml_comes(reader, is_item ? "]]" : "]")) {
		(void)toml_fail(reader, "expected %s after the table's name, found %s", is_item ? "]]" : "]",
		                toml_found(reader, found));
		return NULL;
	}
	reader->at += is_item ? 2 : 1;
	table = walk_header(reader, root, key);
	if (table == NULL)
		return NULL;
	/* An array is a level of its own. */
	reader->depth = (unsigned)key->count + is_item;
	return is_item ? open_item(reader, table, key) : open_table(reader, table, key);
}

static struct toml_value *read_header(struct toml_reader *reader, struct toml_value *root)
{
	struct key *key = calloc(1, sizeof *key);
	struct toml_value *table = NULL;

	if (key == NULL) {
		(void)no_memory(reader);
		return NULL;
	}
	table = take_header(reader, root, key);
	release_key(key);
	free(key);
	return table;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Nothing but a comment may follow on the line. */
static int end_line(struct toml_reader *reader)
{
	char found[32];

	toml_skip_blanks(reader);
	if (toml_peek(reader, 0) == '#')
		toml_skip_comment(reader);
	if (ends_here(reader))
		return 0;
	return toml_fail(reader, "expected the end of the line, found %s", toml_found(reader, found));
}

static int read_all(struct toml_reader *reader, struct toml_value *root)
{
	struct toml_value *table = root;

	if (toml_comes(reader, "\xef\xbb\xbf")) {
		/* No character of the first line. */
		reader->at += 3;
		reader->mark = reader->at;
	}
	if (toml_check_text(reader) != 0)
		return -1;
	for (;;) {
		toml_skip_lines(reader);
		if (reader->at == reader->length)
			return 0;
		if (toml_peek(reader, 0) == '[') {
			table = read_header(reader, root);
			if (table == NULL)
				return -1;
		} else if (read_pair(reader, table) != 0) {
			return -1;
		}
		if (end_line(reader) != 0)
			return -1;
	}
}

static int parse(struct toml_value *root, const char *text, size_t length, struct toml_problem *problem,
                 bool is_relaxed)
{
	struct toml_reader reader = { .text = text,
		                      .length = length,
		                      .line = 1,
		                      .column = 1,
		                      .problem = problem,
		                      .is_relaxed = is_relaxed };

	memset(problem, 0, sizeof *problem);
	memset(root, 0, sizeof *root);
	if (length > TOML_TEXT_MAX_BYTES) {
		(void)snprintf(problem->text, sizeof problem->text, "the file is longer than %d bytes",
		               TOML_TEXT_MAX_BYTES);
		return -1;
	}
	*root = (struct toml_value){ .type = TOML_TABLE, .line = 1, .column = 1, .marks = TOML_EXPLICIT };
	if (read_all(&reader, root) == 0)
		return 0;
	toml_release(root);
	return -1;
}

int toml_parse(struct toml_value *root, const char *text, size_t length, struct toml_problem *problem)
{
	return parse(root, text, length, problem, false);
}

int toml_parse_relaxed(struct toml_value *root, const char *text, size_t length, struct toml_problem *problem)
{
	return parse(root, text, length, problem, true);
}
