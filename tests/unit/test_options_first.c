#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "config/options_first.h"

static const struct option options[] = {
	{ "adopt", no_argument, NULL, 'a' },
	{ "user", required_argument, NULL, 'u' },
	{ NULL, 0, NULL, 0 },
};

/* As rp exchange has it: a directory, then words with a value each, but for one. */
static size_t values(const char *word, size_t position)
{
	return position == 0 || strcmp(word, "verbose") == 0 ? 0 : 1;
}

/* Splits a line at its blanks, moves, and joins again. */
static const char *moved(char out[static 128], const char *line, const char **incomplete)
{
	static char copy[128];
	char *words[16];
	int count = 0;

	assert_true(strlen(line) < sizeof copy);
	(void)strcpy(copy, line);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		words[count++] = word;
	*incomplete = options_first(count, words, "+:c:h", options, values);
	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		(void)strcat(out, i > 0 ? " " : "");
		(void)strcat(out, words[i]);
	}
	return out;
}

static void options_come_first(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} cases[] = {
		{ "x", "x" },
		{ "x --adopt keys peer p", "x --adopt keys peer p" },
		{ "x keys --adopt peer p", "x --adopt keys peer p" },
		{ "x keys peer p --adopt", "x --adopt keys peer p" },
		{ "x keys peer p --user u -c f", "x --user u -c f keys peer p" },
		{ "x keys dev d --user=u verbose -h peer p", "x --user=u -h keys dev d verbose peer p" },
		{ "x keys --us u peer p", "x --us u keys peer p" },
		{ "x keys -cf peer p -hc g", "x -cf -hc g keys peer p" },
		/* A value is no option, whatever it looks like. */
		{ "x keys dev --adopt peer p", "x keys dev --adopt peer p" },
		{ "x keys peer p name -h --adopt", "x --adopt keys peer p name -h" },
		/* Neither is what follows "--", nor "-". */
		{ "x keys -- --adopt", "x keys -- --adopt" },
		{ "x - --adopt", "x --adopt -" },
		/* Those that nobody knows come along, so that getopt_long() complains about them. */
		{ "x keys --bogus peer p -z", "x --bogus -z keys peer p" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[128];
		const char *incomplete;

		assert_string_equal(moved(out, cases[i].from, &incomplete), cases[i].to);
		assert_null(incomplete);
	}
}

static void a_missing_value_is_not_taken_from_others(void **state)
{
	static const char *const cases[][2] = {
		{ "x keys peer p --user", "--user" },
		{ "x keys -c", "-c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[128];
		const char *incomplete;

		(void)moved(out, cases[i][0], &incomplete);
		assert_string_equal(incomplete, cases[i][1]);
	}
}

static void widths(void **state)
{
	static const struct {
		const char *word;
		size_t width;
	} cases[] = {
		{ "--adopt", 1 }, { "--user", 2 }, { "--user=x", 1 }, { "--use", 2 }, { "-c", 2 },
		{ "-cx", 1 },     { "-h", 1 },     { "-hh", 1 },      { "-x", 0 },    { "--no", 0 },
		{ "-", 0 },       { "--", 0 },     { "adopt", 0 },    { "-+", 0 },    { "-:", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(options_first_width(cases[i].word, "+:c:h", options), cases[i].width);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_come_first),
		cmocka_unit_test(a_missing_value_is_not_taken_from_others),
		cmocka_unit_test(widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
