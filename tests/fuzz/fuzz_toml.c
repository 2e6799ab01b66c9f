/*
 * Any text as TOML: it is refused with a place within it and with words for a terminal, or the tree
 * holds together, and says the same when it is written out and read again.
 */

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_utf8.h"
#include "config/toml.h"
#include "fuzz.h"

/* Each byte of a text becomes less than so many, with all that stands around it. */
#define WRITTEN_PER_BYTE 40

struct out {
	char *text;
	size_t used, size;
};

static __attribute__((format(printf, 2, 3))) void put(struct out *out, const char *format, ...)
{
	va_list arguments;
	int written;

	va_start(arguments, format);
	written = vsnprintf(out->text + out->used, out->size - out->used, format, arguments);
	va_end(arguments);
	FUZZ_CHECK(written >= 0 && (size_t)written < out->size - out->used);
	out->used += (size_t)written;
}

static void put_string(struct out *out, const struct toml_text *text)
{
	FUZZ_CHECK(text->bytes != NULL && text->bytes[text->length] == '\0');
	put(out, "\"");
	for (size_t at = 0; at < text->length;) {
		uint32_t point;
		size_t length = config_utf8_decode(text->bytes + at, &point);

		FUZZ_CHECK(length > 0 && length <= text->length - at);
		if (point < 0x20 || point == 0x7f || point == '"' || point == '\\')
			put(out, "\\u%04x", (unsigned)point);
		else
			put(out, "%.*s", (int)length, text->bytes + at);
		at += length;
	}
	put(out, "\"");
}

static void put_float(struct out *out, double real)
{
	if (isnan(real) || isinf(real))
		put(out, isnan(real) ? "nan" : real < 0 ? "-inf" : "inf");
	else
		put(out, "%.17e", real);
}

static void put_table(struct out *out, const struct toml_value *table, const char *between);

/* Everything on one line. */
static void put_value(struct out *out, const struct toml_value *value)
{
	switch (value->type) {
	case TOML_STRING:
		put_string(out, &value->as.string);
		break;
	case TOML_INTEGER:
		put(out, "%lld", (long long)value->as.integer);
		break;
	case TOML_FLOAT:
		put_float(out, value->as.real);
		break;
	case TOML_BOOLEAN:
		put(out, value->as.boolean ? "true" : "false");
		break;
	case TOML_OFFSET_DATETIME:
	case TOML_LOCAL_DATETIME:
	case TOML_LOCAL_DATE:
	case TOML_LOCAL_TIME:
		FUZZ_CHECK(strlen(value->as.date.bytes) == value->as.date.length);
		put(out, "%s", value->as.date.bytes);
		break;
	case TOML_ARRAY:
		put(out, "[");
		for (size_t i = 0; i < value->as.array.count; i++) {
			put_value(out, &value->as.array.items[i]);
			put(out, ",");
		}
		put(out, "]");
		break;
	case TOML_TABLE:
		put(out, "{");
		put_table(out, value, ",");
		put(out, "}");
		break;
	}
}

static void put_table(struct out *out, const struct toml_value *table, const char *between)
{
	for (size_t i = 0; i < table->as.table.count; i++) {
		const struct toml_entry *entry = &table->as.table.entries[i];

		/* What toml_get() takes for a key ends at a zero. */
		if (strlen(entry->key.bytes) == entry->key.length)
			FUZZ_CHECK(toml_get(table, entry->key.bytes) == &entry->value);
		FUZZ_CHECK(entry->line > 0 && entry->column > 0);
		put(out, "%s", i > 0 ? between : "");
		put_string(out, &entry->key);
		put(out, "=");
		put_value(out, &entry->value);
	}
}

static char *written(const struct toml_value *root, size_t size)
{
	struct out out = { malloc(size), 0, size };

	if (out.text == NULL)
		abort();
	out.text[0] = '\0';
	put_table(&out, root, "\n");
	return out.text;
}

static void check_reads_back(const struct toml_value *root, size_t size)
{
	char *text = written(root, size);
	char *again;
	struct toml_problem problem;
	struct toml_value second;

	if (toml_parse(&second, text, strlen(text), &problem) != 0) {
		/* Headers reach deeper than what is written on one line. */
		FUZZ_CHECK(strstr(problem.text, "deeper than") != NULL);
	} else {
		again = written(&second, size);
		FUZZ_CHECK(strcmp(text, again) == 0);
		free(again);
		toml_release(&second);
	}
	free(text);
}

static void check_problem(const struct toml_problem *problem, const uint8_t *data, size_t size)
{
	unsigned lines = 1;
	const char *end = memchr(problem->text, '\0', sizeof problem->text);

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	FUZZ_CHECK(problem->line > 0 && problem->line <= lines);
	FUZZ_CHECK(problem->column > 0 && problem->column <= size + 1);
	FUZZ_CHECK(end != NULL && end != problem->text);
	for (const char *at = problem->text; at < end;) {
		uint32_t point;
		size_t length = config_utf8_decode(at, &point);

		FUZZ_CHECK(length > 0 && point >= 0x20 && (point < 0x7f || point >= 0xa0));
		at += length;
	}
}

/* The relaxed reader takes more than the strict one, never less, and reads the same. */
static void check_relaxed(const struct toml_value *strict, const uint8_t *data, size_t size)
{
	static const struct toml_value nothing;
	struct toml_problem problem;
	struct toml_value root;

	memset(&problem, 'x', sizeof problem);
	if (toml_parse_relaxed(&root, (const char *)data, size, &problem) != 0) {
		FUZZ_CHECK(strict == NULL);
		check_problem(&problem, data, size);
		FUZZ_CHECK(memcmp(&root, &nothing, sizeof root) == 0);
		return;
	}
	if (strict != NULL) {
		char *a = written(strict, (size + 1) * WRITTEN_PER_BYTE);
		char *b = written(&root, (size + 1) * WRITTEN_PER_BYTE);

		FUZZ_CHECK(strcmp(a, b) == 0);
		free(a);
		free(b);
	}
	toml_release(&root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct toml_value nothing;
	struct toml_problem problem;
	struct toml_value root;

	memset(&problem, 'x', sizeof problem);
	if (toml_parse(&root, (const char *)data, size, &problem) != 0) {
		check_problem(&problem, data, size);
		FUZZ_CHECK(memcmp(&root, &nothing, sizeof root) == 0);
		check_relaxed(NULL, data, size);
		return 0;
	}
	check_relaxed(&root, data, size);
	check_reads_back(&root, (size + 1) * WRITTEN_PER_BYTE);
	toml_release(&root);
	return 0;
}

/* Every form of key and value, and mistakes whose messages quote the text. */
size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max)
{
	static const char *const seeds[] = {
		"\xef\xbb\xbf# \xc3\xa9\r\na = 1\r\n",
		"\"a\\u00e9\\U0001F511\\b\\t\\n\\f\\r\\\"\\\\\" = 'x\\'\n",
		"a = \"\"\"\nx\"\" \\\n  y\"\"\"\"\"\nb = '''\nx''y'''''\n",
		"a = [0, -1_0, 0xfF, 0o7, 0b1_0, 9223372036854775807]\n",
		"a = [1.5, -2e-3, 1_0.0_1E+2, inf, -nan]\n",
		"a = [1979-05-27T07:32:00Z, 2000-02-29 23:59:60.9-07:30]\nb = 1979-05-27T07:32:00\n",
		"a = [1979-05-27, 00:00:00.1]",
		"a = { # c\n b = 1,\n c = {\n},\n}\nd = \"\\x41\\e\"\n",
		"a = [ # c\n true,\n [false], {b.c = 1, 'd' = {}},\n]\n",
		"a.b.c = 1\na.\"\".d = 2\n[e.f]\ng = 3\n[e]\nh.i = 4\n[e.h.j]\n",
		"[[a]]\n[a.b]\nc = 1\n[[a.d]]\n[[a.d]]\n[[a]]\n",
		"a=1\nb=1\nc=1\nd=1\ne=1\nf=1\ng=1\nh=1\ni=1\nj=1\nk=1\nl=1\nm=1\nn=1\no=1\np=1\nq=1\nr=1\n",
		"a = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		"\"\\u001b\\u009b\" = 1\n\"\\u001b\\u009b\" = 2\n",
		"a = \xe2\x80\x9cx\xe2\x80\x9d\n",
		"a = [[]]\n[a.b]\n",
	};
	size_t size;

	if (number >= sizeof seeds / sizeof seeds[0])
		return 0;
	size = strlen(seeds[number]);
	if (size > out_max)
		return 0;
	memcpy(out, seeds[number], size);
	return size;
}
