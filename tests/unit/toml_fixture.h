#ifndef TESTS_UNIT_TOML_FIXTURE_H
#define TESTS_UNIT_TOML_FIXTURE_H

/* Texts that the TOML reader has to take, with the tree as a short text; and those that it has to refuse. */

#include "fixture.h"

#include "config/toml.h"

#define TOML_SHOWN_BYTES 4096

struct toml_shown {
	char text[TOML_SHOWN_BYTES];
	size_t used;
};

static inline __attribute__((format(printf, 2, 3))) void toml_say(struct toml_shown *shown,
                                                                  const char *format, ...)
{
	size_t room = TOML_SHOWN_BYTES - shown->used;
	va_list arguments;
	int written;

	va_start(arguments, format);
	written = vsnprintf(shown->text + shown->used, room, format, arguments);
	va_end(arguments);
	assert_true(written >= 0 && (size_t)written < room);
	shown->used += (size_t)written;
}

/* What is not printable in ASCII as <hex>. */
static inline void toml_say_text(struct toml_shown *shown, const struct toml_text *text)
{
	assert_non_null(text->bytes);
	assert_int_equal(text->bytes[text->length], '\0');
	for (size_t i = 0; i < text->length; i++) {
		unsigned char c = (unsigned char)text->bytes[i];

		if (c > 0x20 && c < 0x7f)
			toml_say(shown, "%c", c);
		else
			toml_say(shown, "<%02x>", c);
	}
}

static inline void toml_say_value(struct toml_shown *shown, const struct toml_value *value)
{
	switch (value->type) {
	case TOML_STRING:
		toml_say(shown, "'");
		toml_say_text(shown, &value->as.string);
		toml_say(shown, "'");
		break;
	case TOML_INTEGER:
		toml_say(shown, "%lld", (long long)value->as.integer);
		break;
	case TOML_FLOAT:
		toml_say(shown, "f%.17g", value->as.real);
		break;
	case TOML_BOOLEAN:
		toml_say(shown, value->as.boolean ? "true" : "false");
		break;
	case TOML_OFFSET_DATETIME:
	case TOML_LOCAL_DATETIME:
	case TOML_LOCAL_DATE:
	case TOML_LOCAL_TIME:
		toml_say(shown, "%s:",
		         value->type == TOML_OFFSET_DATETIME  ? "offset"
		         : value->type == TOML_LOCAL_DATETIME ? "local"
		         : value->type == TOML_LOCAL_DATE     ? "date"
		                                              : "time");
		toml_say_text(shown, &value->as.date);
		break;
	case TOML_ARRAY:
		toml_say(shown, "[");
		for (size_t i = 0; i < value->as.array.count; i++) {
			toml_say(shown, i > 0 ? "," : "");
			toml_say_value(shown, &value->as.array.items[i]);
		}
		toml_say(shown, "]");
		break;
	case TOML_TABLE:
		toml_say(shown, "{");
		for (size_t i = 0; i < value->as.table.count; i++) {
			toml_say(shown, i > 0 ? "," : "");
			toml_say_text(shown, &value->as.table.entries[i].key);
			toml_say(shown, "=");
			toml_say_value(shown, &value->as.table.entries[i].value);
		}
		toml_say(shown, "}");
		break;
	}
}

/* In memory of exactly its size, so that sanitizers see what is read beyond it. */
static inline int toml_parse_exact(struct toml_value *root, const char *text, size_t length,
                                   struct toml_problem *problem)
{
	char *exact = malloc(length > 0 ? length : 1);
	int result;

	assert_non_null(exact);
	memcpy(exact, text, length);
	memset(problem, 'x', sizeof *problem);
	result = toml_parse(root, exact, length, problem);
	free(exact);
	return result;
}

static inline void toml_parse_good(struct toml_value *root, const char *text)
{
	struct toml_problem problem;

	if (toml_parse_exact(root, text, strlen(text), &problem) != 0)
		fail_msg("\"%s\": %u:%u: %s", text, problem.line, problem.column, problem.text);
}

struct toml_good {
	const char *text;
	const char *shown;
};

static inline void toml_check_good(const struct toml_good *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct toml_shown shown = { .used = 0 };
		struct toml_value root;

		toml_parse_good(&root, cases[i].text);
		toml_say_value(&shown, &root);
		if (strcmp(shown.text, cases[i].shown) != 0)
			fail_msg("\"%s\": %s, not %s", cases[i].text, shown.text, cases[i].shown);
		toml_release(&root);
		assert_true(fixture_is_zero(&root, sizeof root));
	}
}

struct toml_bad {
	const char *text;
	unsigned line, column;
	const char *words; /* a part of the message */
};

static inline void toml_check_one_bad(const struct toml_bad *bad, size_t length)
{
	struct toml_value root;
	struct toml_problem problem;

	if (toml_parse_exact(&root, bad->text, length, &problem) != -1)
		fail_msg("\"%s\" is accepted", bad->text);
	assert_non_null(memchr(problem.text, '\0', sizeof problem.text));
	if (problem.line != bad->line || problem.column != bad->column ||
	    strstr(problem.text, bad->words) == NULL)
		fail_msg("\"%s\": %u:%u: %s, not %u:%u: %s", bad->text, problem.line, problem.column,
		         problem.text, bad->line, bad->column, bad->words);
	assert_true(fixture_is_zero(&root, sizeof root));
}

static inline void toml_check_bad(const struct toml_bad *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		toml_check_one_bad(&cases[i], strlen(cases[i].text));
}

#endif
