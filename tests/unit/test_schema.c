/*
 * Objects by their tables: each type of member from a file and from a command line, written, compared and
 * released, and all memory given back.
 */

#include "allocation_fixture.h"

#include "config/rosenpass_config.h"
#include "config/schema.h"
#include "config/schema_types.h"

/* --- an object of every type ----------------------------------------------------------------------- */

enum colour {
	RED,
	GREEN,
};

struct thing {
	char *text;
	char *path;
	char *group;
	struct string_list list;
	struct string_list few;
	struct string_list command;
	enum colour colour;
	enum colour shade;
	bool flag;
	uint32_t mode;
	uint32_t dialects;
	struct config_fwmark mark;
	char *inner;
};

static const char *const colours[] = { "Red", "Green", NULL };

static const struct schema_field part_fields[] = {
	{ "inner", NULL, &schema_text, .offset = offsetof(struct thing, inner), .parse = value_any },
};

static int check_part(void *object, const struct config_place *place, const struct toml_value *table)
{
	const struct thing *thing = object;

	(void)table;
	return thing->inner == NULL ? place_fail(place, "nothing inside") : 0;
}

static const struct schema part_schema = {
	.fields = part_fields, .count = FIXTURE_COUNT(part_fields), .page = "part(5)", .check = check_part
};

static int unknown(const struct config_place *place, const char *word)
{
	return place_fail(place, "no word %s", word);
}

#define AT(member) .offset = offsetof(struct thing, member)

static const struct schema_field fields[] = {
	{ "text", "text", &schema_text, AT(text), .parse = value_text },
	{ NULL, "old-text", &schema_text, AT(text), .flags = SCHEMA_OLD, .parse = value_text },
	{ "path", "path-word", &schema_text, AT(path), .parse = value_path },
	{ "group", "group", &schema_group, AT(group), .parse = value_text },
	{ "list", "item", &schema_list, AT(list), .flags = SCHEMA_REPEATS | SCHEMA_ALWAYS,
	  .parse = value_any },
	{ "few", "few", &schema_list, AT(few), .flags = SCHEMA_REPEATS | SCHEMA_ONE_STRING,
	  .parse = value_any, .most = 2, .expected = "things" },
	{ "command", NULL, &schema_command, AT(command), .parse = value_any },
	{ "colour", "colour", &schema_choice, AT(colour), .choices = colours },
	{ "shade", NULL, &schema_choice, AT(shade), .flags = SCHEMA_ALWAYS | SCHEMA_ANY_CASE,
	  .choices = colours },
	{ "flag", "flag", &schema_boolean, AT(flag) },
	{ "mode", "mode", &schema_mode, AT(mode) },
	{ "dialects", "dialects", &schema_dialects, AT(dialects) },
	{ "mark", "mark", &schema_fwmark, AT(mark) },
	{ "part", NULL, &schema_part, .offset = 0, .schema = &part_schema, .expected = "a part" },
};

static const struct schema schema = {
	.fields = fields,
	.count = FIXTURE_COUNT(fields),
	.size = sizeof(struct thing),
	.page = "thing(5)",
	.unknown = unknown,
};

static int read_toml(struct thing *thing, const char *text, char problem[static CONFIG_PROBLEM_BYTES])
{
	const struct config_place place = { .file = "f", .problem = problem };
	struct toml_problem found;
	struct toml_value root;
	int result;

	memset(thing, 0, sizeof *thing);
	problem[0] = '\0';
	assert_int_equal(toml_parse(&root, text, strlen(text), &found), 0);
	result = schema_read_table(thing, &schema, &place, &root);
	toml_release(&root);
	return result;
}

#define WORDS_MAX 16

/* Words cut out of a line at its spaces. *old: whether an old one was among them. */
static int read_line(struct thing *thing, const char *line, bool *old,
                     char problem[static CONFIG_PROBLEM_BYTES])
{
	char *words[WORDS_MAX];
	struct schema_words reader = { .words = words, .place = { .problem = problem } };
	char copy[256];
	int result;

	memset(thing, 0, sizeof *thing);
	problem[0] = '\0';
	assert_true(strlen(line) < sizeof copy);
	(void)strcpy(copy, line);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(reader.count < WORDS_MAX);
		words[reader.count++] = word;
	}
	result = schema_read_words(thing, &schema, &reader);
	*old = reader.has_old;
	return result;
}

/* What is written of an object, which is released. */
static void check_written(const char *from, struct thing *thing, const char *expected)
{
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof text, "w");

	assert_non_null(out);
	assert_int_equal(schema_write(out, &schema, thing), 0);
	assert_int_equal(fclose(out), 0);
	if (strcmp(text, expected) != 0)
		fail_msg("%s\nis written\n%s\nnot\n%s", from, text, expected);
	schema_release(&schema, thing);
	assert_true(fixture_is_zero(thing, sizeof *thing));
	assert_int_equal(live, 0);
}

#define LIST "list = []\n"
#define SHADE "shade = \"Red\"\n"

static void test_files(void **state)
{
	static const struct {
		const char *text;
		const char *written;
	} cases[] = {
		{ "", LIST SHADE },
		{ "text = \"a \\\"\\n\\u00e9\"", "text = \"a \\\"\\n\xc3\xa9\"\n" LIST SHADE },
		{ "path = \"~/a\"", "path = \"/home/me/a\"\n" LIST SHADE },
		{ "path = \"$${x}\"", "path = \"$${x}\"\n" LIST SHADE },
		{ "group = \"g\"", "group = \"g\"\n" LIST SHADE },
		{ "group = 7", "group = \"7\"\n" LIST SHADE },
		{ "list = [\"a\", \"\"]", "list = [\"a\", \"\"]\n" SHADE },
		{ "few = \"a\"", LIST "few = [\"a\"]\n" SHADE },
		{ "few = [\"a\", \"b\"]", LIST "few = [\"a\", \"b\"]\n" SHADE },
		{ "few = []", LIST SHADE },
		{ "command = [\"~/c\", \"~/d\"]", LIST "command = [\"/home/me/c\", \"~/d\"]\n" SHADE },
		{ "colour = \"Green\"", LIST "colour = \"Green\"\n" SHADE },
		{ "colour = \"Red\"", LIST SHADE },
		{ "shade = \"gREEN\"", LIST "shade = \"Green\"\n" },
		{ "flag = true", LIST SHADE "flag = true\n" },
		{ "flag = false", LIST SHADE },
		{ "mode = \"0640\"", LIST SHADE "mode = \"0640\"\n" },
		{ "mode = 0o600", LIST SHADE "mode = \"0600\"\n" },
		{ "dialects = \"V02\"", LIST SHADE "dialects = \"V02\"\n" },
		{ "dialects = \"V03\"", LIST SHADE "dialects = \"V03\"\n" },
		{ "mark = 4294967295", LIST SHADE "mark = 4294967295\n" },
		{ "mark = \"0x10\"", LIST SHADE "mark = 16\n" },
		{ "mark = 0", LIST SHADE "mark = \"off\"\n" },
		{ "mark = \"auto\"", LIST SHADE },
		/* What is in a part is written by another field, if at all. */
		{ "part = {inner = \"x\"}", LIST SHADE },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct thing thing;
		char problem[CONFIG_PROBLEM_BYTES];

		live = 0;
		if (read_toml(&thing, cases[i].text, problem) != 0)
			fail_msg("%s: %s", cases[i].text, problem);
		/* The part has its own table. */
		schema_release(&part_schema, &(struct thing){ .inner = thing.inner });
		thing.inner = NULL;
		check_written(cases[i].text, &thing, cases[i].written);
	}
}

static void test_wrong_files(void **state)
{
	static const struct {
		const char *text;
		const char *problem;
	} cases[] = {
		{ "txt = \"a\"", "f:1: unknown key txt; did you mean text?" },
		{ "zzzzzz = \"a\"", "f:1: unknown key zzzzzz; thing(5) lists the known ones" },
		/* Words are no keys. */
		{ "old-text = \"a\"", "f:1: unknown key old-text; thing(5) lists the known ones" },
		{ "tex = \"a\"", "f:1: unknown key tex; did you mean text?" },
		{ "\n\ntext = 1", "f:3: text: expected a string, found an integer" },
		{ "text = \"\"", "f:1: text is empty" },
		{ "text = \"a\\u0000b\"", "f:1: text has a zero byte in it" },
		{ "path = true", "f:1: path: expected a string, found a boolean" },
		{ "path = \"~you\"", "f:1: path \"~you\": only ~ and ~/ are replaced, no other user's home "
		                     "directory; write it out, or ./~ for a file of that name" },
		{ "group = 1.5", "f:1: group: expected a string, found a float" },
		{ "list = \"a\"", "f:1: list: expected an array of strings, found a string" },
		{ "list = [\"a\",\n1]", "f:2: list: expected strings in the array, found an integer" },
		{ "few = 1", "f:1: few: expected an array of strings, found an integer" },
		{ "few = [\"a\", \"b\", \"c\"]", "f:1: few has more than 2 things" },
		{ "command = [\"\"]", "f:1: command is empty; expected the name of a file" },
		{ "command = \"c\"", "f:1: command: expected an array of strings, found a string" },
		{ "colour = \"green\"", "f:1: colour \"green\" is not known; expected Red or Green" },
		{ "colour = 1", "f:1: colour: expected a string, found an integer" },
		{ "flag = \"true\"", "f:1: flag: expected true or false, found a string" },
		{ "mode = 640",
		  "f:1: mode 640 is a decimal number; write \"0640\" or 0o640, which is octal" },
		{ "mode = []", "f:1: mode: expected a string such as \"0640\", found an array" },
		{ "mode = 0o666", "f:1: mode 0666 lets everybody write; expected an octal mode such as "
		                  "\"0640\" or 0o640" },
		{ "dialects = \"V04\"",
		  "f:1: dialects \"V04\" is not known; expected V02 or V03, or leave it "
		  "out to allow both" },
		{ "mark = 4294967296", "f:1: mark is 4294967296; expected a number from 0 to 4294967295" },
		{ "mark = false", "f:1: mark: expected a string or a number, found a boolean" },
		{ "part = 1", "f:1: part: expected a part, found an integer" },
		{ "part = {}", "f:1: nothing inside" },
		{ "part = {iner = 1}", "f:1: unknown key iner; did you mean inner?" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct thing thing;
		char problem[CONFIG_PROBLEM_BYTES];

		live = 0;
		if (read_toml(&thing, cases[i].text, problem) != -1)
			fail_msg("%s is accepted", cases[i].text);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("%s: %s, not %s", cases[i].text, problem, cases[i].problem);
		schema_release(&schema, &thing);
		assert_true(fixture_is_zero(&thing, sizeof thing));
		assert_int_equal(live, 0);
	}
}

static void test_words(void **state)
{
	static const struct {
		const char *line;
		const char *written;
		bool old;
	} cases[] = {
		{ "", LIST SHADE, false },
		{ "text a", "text = \"a\"\n" LIST SHADE, false },
		{ "old-text a", "text = \"a\"\n" LIST SHADE, true },
		/* A value may be any word. */
		{ "text peer", "text = \"peer\"\n" LIST SHADE, false },
		{ "text old-text group text", "text = \"old-text\"\ngroup = \"text\"\n" LIST SHADE, false },
		/* On a command line variables are the shell's. */
		{ "path-word ${x}", "path = \"$${x}\"\n" LIST SHADE, false },
		{ "item b item a item b", "list = [\"b\", \"a\", \"b\"]\n" SHADE, false },
		{ "few a mode 640 few b", LIST "few = [\"a\", \"b\"]\n" SHADE "mode = \"0640\"\n", false },
		{ "colour Green flag", LIST "colour = \"Green\"\n" SHADE "flag = true\n", false },
		{ "dialects V03 mark off", LIST SHADE "dialects = \"V03\"\nmark = \"off\"\n", false },
		/* What comes after is another part. */
		{ "text a peer text b", "text = \"a\"\n" LIST SHADE, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct thing thing;
		char problem[CONFIG_PROBLEM_BYTES];
		bool old;

		live = 0;
		if (read_line(&thing, cases[i].line, &old, problem) != 0)
			fail_msg("%s: %s", cases[i].line, problem);
		assert_int_equal(old, cases[i].old);
		check_written(cases[i].line, &thing, cases[i].written);
	}
}

static void test_wrong_words(void **state)
{
	static const struct {
		const char *line;
		const char *problem;
	} cases[] = {
		{ "text", "text needs a value after it" },
		{ "group g item", "item needs a value after it" },
		{ "text a text a", "text was already set" },
		{ "text a old-text a", "old-text was already set" },
		{ "old-text a text a", "text was already set" },
		{ "mark auto mark auto", "mark was already set" },
		{ "flag flag", "flag was already set" },
		{ "few a few b few c", "more than 2 few things" },
		/* Messages have the word, not the key. */
		{ "path-word ~you", "path-word \"~you\": only ~ and ~/ are replaced, no other user's home "
		                    "directory; write it out, or ./~ for a file of that name" },
		{ "colour Blue", "colour \"Blue\" is not known; expected Red or Green" },
		{ "mode 8", "mode \"8\" is not an octal mode; expected one such as 0640" },
		{ "texts a", "no word texts" },
		/* Keys are no words. */
		{ "path a", "no word path" },
		{ "shade Red", "no word shade" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct thing thing;
		char problem[CONFIG_PROBLEM_BYTES];
		bool old;

		live = 0;
		if (read_line(&thing, cases[i].line, &old, problem) != -1)
			fail_msg("%s is accepted", cases[i].line);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("%s: %s, not %s", cases[i].line, problem, cases[i].problem);
		schema_release(&schema, &thing);
		assert_int_equal(live, 0);
	}
}

/* Whatever differs is seen; the same read twice is the same. */
static void test_equal(void **state)
{
	static const char *const texts[] = {
		"",
		"text = \"a\"",
		"text = \"b\"",
		"path = \"a\"",
		"group = \"a\"",
		"list = [\"a\"]",
		"list = [\"a\", \"b\"]",
		"list = [\"b\", \"a\"]",
		"few = [\"a\"]",
		"command = [\"a\"]",
		"command = [\"b\"]",
		"colour = \"Green\"",
		"shade = \"Green\"",
		"flag = true",
		"mode = 0o640",
		"mode = 0o600",
		"dialects = \"V02\"",
		"dialects = \"V03\"",
		"mark = 1",
		"mark = 2",
		"mark = \"off\"",
	};
	struct thing things[2];
	char problem[CONFIG_PROBLEM_BYTES];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts) * FIXTURE_COUNT(texts); i++) {
		size_t a = i / FIXTURE_COUNT(texts);
		size_t b = i % FIXTURE_COUNT(texts);

		assert_int_equal(read_toml(&things[0], texts[a], problem), 0);
		assert_int_equal(read_toml(&things[1], texts[b], problem), 0);
		if (schema_equal(&schema, &things[0], &things[1]) != (a == b))
			fail_msg("%s and %s", texts[a], texts[b]);
		schema_release(&schema, &things[0]);
		schema_release(&schema, &things[1]);
	}
}

/* A text that is not UTF-8 cannot be written, wherever it stands. */
static void test_no_utf8(void **state)
{
	char wrong[] = "\xff";
	char good[] = "x";
	char *words[] = { good, wrong };
	const struct thing things[] = {
		{ .text = wrong },
		{ .path = wrong },
		{ .list = { &words[1], 1 } },
		{ .list = { words, 2 } },
		{ .command = { &words[1], 1 } },
		{ .command = { words, 2 } },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(things); i++) {
		char text[512];
		FILE *out = fmemopen(text, sizeof text, "w");

		assert_non_null(out);
		assert_int_equal(schema_write(out, &schema, &things[i]), -EILSEQ);
		assert_int_equal(fclose(out), 0);
	}
	/* In a peer, too. */
	for (size_t i = 0; i < 2; i++) {
		struct config_peer peer = { .public_key = i == 0 ? wrong : good };
		struct config config = { .peers = &peer, .peer_count = 1 };
		char *text;

		errno = 0;
		text = config_format(&config);
		assert_int_equal(text == NULL, i == 0);
		assert_int_equal(errno, i == 0 ? EILSEQ : 0);
		free(text);
	}
}

/* The words that options of the command line have in common with files. */
static void test_choices(void **state)
{
	enum config_before before = CONFIG_LEAVE;
	enum config_on_exit on_exit = CONFIG_KEEP;

	(void)state;
	assert_true(config_before_from_word(&before, "block"));
	assert_int_equal(before, CONFIG_BLOCK);
	assert_true(config_before_from_word(&before, "leave"));
	assert_int_equal(before, CONFIG_LEAVE);
	assert_false(config_before_from_word(&before, "Block"));
	assert_true(config_on_exit_from_word(&on_exit, "random"));
	assert_int_equal(on_exit, CONFIG_RANDOM);
	assert_false(config_on_exit_from_word(&on_exit, ""));
	assert_int_equal(on_exit, CONFIG_RANDOM);
	assert_true(config_on_exit_from_word(&on_exit, "keep"));
	assert_int_equal(on_exit, CONFIG_KEEP);
}

static int set_home(void **state)
{
	(void)state;
	return setenv("HOME", "/home/me", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),   cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_words),   cmocka_unit_test(test_wrong_words),
		cmocka_unit_test(test_equal),   cmocka_unit_test(test_no_utf8),
		cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, set_home, NULL);
}
