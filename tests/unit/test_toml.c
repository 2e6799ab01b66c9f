#include "toml_fixture.h"

/* --- the text as a whole ------------------------------------------------------------------ */

static void test_layout(void **state)
{
	static const struct toml_good cases[] = {
		{ "", "{}" },
		{ "\n\r\n \t\n# nothing", "{}" },
		{ "\xef\xbb\xbf", "{}" },
		{ "\xef\xbb\xbf"
		  "a=1",
		  "{a=1}" },
		{ "a=1", "{a=1}" },
		{ "\t a \t=\t 1 \t# one\r\nb=2\n", "{a=1,b=2}" },
		{ "# \xc3\xa9\ta=1\r\na=2", "{a=2}" },
		{ "#", "{}" },
	};
	static const struct toml_bad bad[] = {
		{ "a=1 b=2", 1, 5, "expected the end of the line, found b" },
		{ "\n\na=1 \xc2\xa0", 3, 5, "found the character U+00A0" },
		{ "a = \xe2\x80\x9cx\xe2\x80\x9d", 1, 5, "found the character U+201C" },
		{ "\xc3\xa9 = 1", 1, 1, "expected a key, found the character U+00E9" },
		/* A byte order mark is no character of the line, and stands at the start only. */
		{ "\xef\xbb\xbf"
		  "a = x",
		  1, 5, "x is not a value" },
		{ "\xef\xbb\xbf"
		  "a = \xff",
		  1, 5, "byte 0xff" },
		{ "\xef\xbb\xbf\xef\xbb\xbf", 1, 1, "U+FEFF" },
		{ "a=1\n\xef\xbb\xbf"
		  "b=2",
		  2, 1, "U+FEFF" },
		/* UTF-16 */
		{ "\xff\xfe"
		  "a",
		  1, 1, "byte 0xff is not UTF-8" },
		/* Columns count characters. */
		{ "a = '\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91' x", 1, 11, "found x" },
		{ "\ta = '\t' x", 1, 10, "found x" },
		/* Line ends and other control characters. */
		{ "a=1\rb=2", 1, 4, "carriage return" },
		{ "a=1\r", 1, 4, "carriage return" },
		{ "# a\rb", 1, 4, "carriage return" },
		{ "a='\r'", 1, 4, "carriage return" },
		{ "a='''\r'''", 1, 6, "carriage return" },
		{ "# \x01", 1, 3, "control character 0x01" },
		{ "a='\x1f'", 1, 4, "control character 0x1f" },
		{ "a=1\n# \x7f", 2, 3, "control character 0x7f" },
		{ "a=\"\x1b[31m\"", 1, 4, "control character 0x1b" },
		{ "a=1\x0c", 1, 4, "control character 0x0c" },
	};
	static const struct toml_bad zero = { "a='\0'", 1, 4, "control character 0x00" };
	static const struct toml_bad end_zero = { "a=1\0", 1, 4, "control character 0x00" };

	/* What follows the end is none of ours. */
	static const struct toml_bad cut = { "a=\xc3\xa9'", 1, 3, "byte 0xc3 is not UTF-8" };

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
	toml_check_one_bad(&zero, 5);
	toml_check_one_bad(&end_zero, 4);
	toml_check_one_bad(&cut, 3);
}

static void test_utf8(void **state)
{
	/* The first and last character of each length, and around the surrogates. */
	static const struct toml_good cases[] = {
		{ "a='\xc2\x80\xdf\xbf'", "{a='<c2><80><df><bf>'}" },
		{ "a='\xe0\xa0\x80\xef\xbf\xbf'", "{a='<e0><a0><80><ef><bf><bf>'}" },
		{ "a='\xed\x9f\xbf\xee\x80\x80'", "{a='<ed><9f><bf><ee><80><80>'}" },
		{ "a='\xf0\x90\x80\x80\xf4\x8f\xbf\xbf'", "{a='<f0><90><80><80><f4><8f><bf><bf>'}" },
	};
	static const char *const bad[] = {
		"\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",         "\xc3",
		"\xc3(",        "\xe2\x82",     "\xe2\x82(",        "\xe0\x9f\xbf",     "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x9f\x94", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xfe",         "\xff",
	};
	struct toml_value root;
	struct toml_problem problem;

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	for (size_t i = 0; i < FIXTURE_COUNT(bad); i++) {
		char text[32];
		struct toml_bad one = { text, 2, 6, "not UTF-8" };

		/* In a comment, and at the very end. */
		(void)snprintf(text, sizeof text, "b=2\n#\xc3\xa9...%s\na=1", bad[i]);
		toml_check_one_bad(&one, strlen(text));
		*strrchr(text, '\n') = '\0';
		toml_check_one_bad(&one, strlen(text));
	}
	/* What would complete a character stands behind the end of the text. */
	for (size_t length = 2; length < 5; length++)
		assert_int_equal(toml_parse(&root, "#\xf0\x9f\x94\x91", length, &problem), -1);
}

/* --- tables ------------------------------------------------------------------------------- */

static void test_keys(void **state)
{
	static const struct toml_good cases[] = {
		{ "A-Z_09=1", "{A-Z_09=1}" },
		{ "1=1\n-=2\n_=3", "{1=1,-=2,_=3}" },
		{ "''=1", "{=1}" },
		{ "\"\".\"\"=1", "{={=1}}" },
		{ "\"a.b\"=1\n'c#d'=2", "{a.b=1,c#d=2}" },
		{ "\"\\u0061\\u0000\"=1\na=2", "{a<00>=1,a=2}" },
		{ "'\xc3\xa9'=1", "{<c3><a9>=1}" },
		{ "a.b.c=1", "{a={b={c=1}}}" },
		{ "a . \"b\"\t.\t'c' = 1", "{a={b={c=1}}}" },
		{ "3.14=1", "{3={14=1}}" },
		{ "a.b=1\nc=2\na.d=3", "{a={b=1,d=3},c=2}" },
		/* Upper and lower case differ. */
		{ "a=1\nA=2", "{a=1,A=2}" },
		{ "[ a . \"b\" ]\nc=1", "{a={b={c=1}}}" },
		{ "['']\na=1", "{={a=1}}" },
	};
	static const struct toml_bad bad[] = {
		{ "a=1\nb=2\na=3", 3, 1, "a was given before (line 1)" },
		{ "a=1\n\"a\"=3", 2, 1, "a was given before" },
		{ "a=1\n'\\u0061'=1\n\"\\u0061\"=3", 3, 1, "a was given before" },
		{ "''=1\n''=2", 2, 1, "\"\" was given before" },
		{ "a.b=1\na.b=2", 2, 3, "b was given before (line 1)" },
		{ "a=1\na.b=2", 2, 1, "a has a value already and is no table (line 1)" },
		{ "a.b=1\na=2", 2, 1, "a was given before" },
		{ "a.b=1\na.b.c=2", 2, 3, "b has a value already and is no table" },
		{ "a=[]\na.b=2", 2, 1, "a has a value already and is no table" },
		{ "a={}\na.b=2", 2, 1, "a is a table that is complete already" },
		{ "a.=1", 1, 3, "expected a key, found =" },
		{ ".a=1", 1, 1, "expected a key, found ." },
		{ "a..b=1", 1, 3, "expected a key, found ." },
		{ "\"\"\"a\"\"\"=1", 1, 1, "a key cannot be a string of several lines" },
		{ "'''a'''=1", 1, 1, "a key cannot be a string of several lines" },
		{ "\"a\n\"=1", 1, 1, "not closed by \"" },
		{ "\"a\" \"b\"=1", 1, 5, "expected = after the key" },
		/* Terminals are not disturbed, and characters not cut. */
		{ "\"x\\u001b\\u0000\\u009b\\u007fy\"=1\n\"x\\u001b\\u0000\\u009b\\u007fy\"=1", 2, 1,
		  "x????y was given before" },
	};

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
}

static void test_long_key(void **state)
{
	char text[512] = "";
	char words[512] = "";
	struct toml_bad bad = { text, 2, 1, words };

	(void)state;
	/* 59 bytes of characters of two, with and without one byte before them. */
	for (int shift = 0; shift < 2; shift++) {
		const char *first = shift == 0 ? "" : "x";
		char key[128] = "";

		for (int i = 0; i < 50; i++)
			(void)strcat(key, "\xc3\xa9");
		(void)snprintf(text, sizeof text, "'%s%s'=1\n'%s%s'=1", first, key, first, key);
		key[shift == 0 ? 60 : 58] = '\0';
		(void)snprintf(words, sizeof words, "%s%s... was given before (line 1)", first, key);
		toml_check_one_bad(&bad, strlen(text));
	}
}

static void test_headers(void **state)
{
	static const struct toml_good cases[] = {
		{ "[a]", "{a={}}" },
		{ "x=1\n[a]\nx=2\n[b]\nx=3", "{x=1,a={x=2},b={x=3}}" },
		{ "[a.b.c]\nx=1\n[a]\ny=2", "{a={b={c={x=1}},y=2}}" },
		{ "[a.b]\n[a.c]\n[a]", "{a={b={},c={}}}" },
		{ "[a]\nb.c=1\n[a.b.d]\nx=2", "{a={b={c=1,d={x=2}}}}" },
		{ "[a.b.c]\n[a]\nb.d=1", "{a={b={c={},d=1}}}" },
		{ "[[a]]\nx=1\n[[a]]\n[[a]]\nx=3", "{a=[{x=1},{},{x=3}]}" },
		{ "[[a]]\n[a.b]\nx=1\n[[a]]\n[a.b]\nx=2", "{a=[{b={x=1}},{b={x=2}}]}" },
		{ "[[a]]\n[[a.b]]\nx=1\n[[a.b]]\nx=2\n[[a]]\n[[a.b]]\nx=3",
		  "{a=[{b=[{x=1},{x=2}]},{b=[{x=3}]}]}" },
		{ "[[a.b]]\n[a]\nx=1", "{a={b=[{}],x=1}}" },
		{ "[[ a . b ]] # so\nx=1", "{a={b=[{x=1}]}}" },
		{ "[a]\nb=[{x=1}]", "{a={b=[{x=1}]}}" },
	};
	static const struct toml_bad bad[] = {
		{ "[]", 1, 2, "expected a key, found ]" },
		{ "[[]]", 1, 3, "expected a key, found ]" },
		{ "[a", 1, 3, "expected ] after the table's name, found the end of the file" },
		{ "[a\n]", 1, 3, "expected ] after the table's name, found the end of the line" },
		{ "[a b]", 1, 4, "expected ] after the table's name, found b" },
		{ "[[a]", 1, 4, "expected ]] after the table's name, found ]" },
		{ "[[a] ]", 1, 4, "expected ]]" },
		{ "[ [a]]", 1, 3, "expected a key, found [" },
		{ "[a]]", 1, 4, "expected the end of the line, found ]" },
		{ "[a] x=1", 1, 5, "expected the end of the line, found x" },
		{ "[a.]", 1, 4, "expected a key, found ]" },
		{ "[a]=1", 1, 4, "expected the end of the line, found =" },
		{ "[a]\n[b]\n[a]", 3, 2, "a was given before (line 1)" },
		{ "a=1\n[a]", 2, 2, "a was given before (line 1)" },
		{ "a=1\n[a.b]", 2, 2, "a has a value already that cannot be added to (line 1)" },
		{ "a.b=1\n[a]", 2, 2, "a was given before" },
		{ "[a]\nb.c=1\n[a.b]", 3, 4, "b was given before (line 2)" },
		{ "[a]\n[a.b]\n[a]", 3, 2, "a was given before (line 1)" },
		{ "[a.b]\nx=1\n[a]\nb.y=2", 4, 1, "b is a table that is complete already (line 1)" },
		{ "[a]\nb.c=1\n[x]\n[a.b.d]\n[a.b]", 5, 4, "b was given before" },
		{ "[a]\nb=1\n[a]\nc=2", 3, 2, "a was given before" },
		{ "[a]\nb=1\n[a.b]", 3, 4, "b was given before" },
		/* Arrays of values and inline tables are closed. */
		{ "a={}\n[a]", 2, 2, "a was given before" },
		{ "a={}\n[a.b]", 2, 2, "a has a value already that cannot be added to" },
		{ "a={b={}}\n[a.b]", 2, 2, "cannot be added to" },
		{ "a=[]\n[[a]]", 2, 3, "a was given before, and not as [[...]] (line 1)" },
		{ "a=[{}]\n[[a]]", 2, 3, "a was given before, and not as [[...]]" },
		{ "a=[{}]\n[a.b]", 2, 2, "cannot be added to" },
		{ "[a]\n[[a]]", 2, 3, "a was given before, and not as [[...]]" },
		{ "[a.b]\n[[a]]", 2, 3, "a was given before, and not as [[...]]" },
		{ "[[a]]\n[a]", 2, 2, "a was given before" },
		{ "[[a]]\n[[a.b]]\n[a.b]", 3, 4, "b was given before (line 2)" },
		{ "[[a]]\n[a.b]\n[[a.b]]", 3, 5, "b was given before, and not as [[...]]" },
		{ "[[a.b]]\n[a]\nb.c=1", 3, 1, "b has a value already and is no table (line 1)" },
		{ "[[a]]\nx=1\nx=2", 3, 1, "x was given before (line 2)" },
	};

	(void)state;
	toml_check_good(cases, FIXTURE_COUNT(cases));
	toml_check_bad(bad, FIXTURE_COUNT(bad));
}

/* --- places and limits -------------------------------------------------------------------- */

static void test_places(void **state)
{
	static const char text[] = "'\xc3\xa9' = 1\n"
				   "\n"
				   "  a.b = [\n"
				   "    1,\n"
				   "    '''\n"
				   "x''', 2 ]\n"
				   "[[ p.q ]]\n"
				   "c = {d = {}}\n";
	struct toml_value root;
	const struct toml_value *b;
	const struct toml_value *q;
	const struct toml_entry *entry;

	(void)state;
	toml_parse_good(&root, text);
	entry = &root.as.table.entries[0];
	assert_int_equal(entry->line, 1);
	assert_int_equal(entry->column, 1);
	assert_int_equal(entry->value.column, 7);
	entry = &root.as.table.entries[1];
	assert_int_equal(entry->line, 3);
	assert_int_equal(entry->column, 3);
	entry = &entry->value.as.table.entries[0];
	assert_int_equal(entry->column, 5);
	b = &entry->value;
	assert_int_equal(b->line, 3);
	assert_int_equal(b->column, 9);
	assert_int_equal(b->as.array.items[1].line, 5);
	assert_int_equal(b->as.array.items[1].column, 5);
	assert_int_equal(b->as.array.items[2].line, 6);
	assert_int_equal(b->as.array.items[2].column, 7);
	q = toml_get(toml_get(&root, "p"), "q");
	assert_int_equal(q->line, 7);
	assert_int_equal(q->as.array.items[0].line, 7);
	assert_int_equal(q->as.array.items[0].column, 6);
	assert_int_equal(toml_get(toml_get(&q->as.array.items[0], "c"), "d")->column, 10);
	toml_release(&root);
}

/* before count times open, then middle, then count times close: is it accepted? */
static bool nests(const char *before, const char *open, size_t count, const char *middle, const char *close)
{
	char text[2048];
	size_t used = (size_t)snprintf(text, sizeof text, "%s", before);
	struct toml_value root;
	struct toml_problem problem;

	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s", open);
	used += (size_t)snprintf(text + used, sizeof text - used, "%s", middle);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s", close);
	assert_true(used < sizeof text);
	if (toml_parse_exact(&root, text, used, &problem) == 0) {
		toml_release(&root);
		return true;
	}
	assert_non_null(strstr(problem.text, "deeper than 64"));
	return false;
}

static void test_depth(void **state)
{
	static const struct {
		const char *before, *open, *middle, *close;
		size_t most;
	} cases[] = {
		{ "a=", "[", "", "]", TOML_DEPTH_MAX - 1 },
		{ "", "a.", "a=1", "", TOML_DEPTH_MAX - 1 },
		{ "", "a.", "a={}", "", TOML_DEPTH_MAX - 2 },
		{ "[", "a.", "a]", "", TOML_DEPTH_MAX - 1 },
		{ "[[", "a.", "a]]", "", TOML_DEPTH_MAX - 1 },
		/* A key and a table each. */
		{ "a=", "{a=", "1", "}", TOML_DEPTH_MAX / 2 - 1 },
		{ "a=", "[{a.b=", "1", "}]", (TOML_DEPTH_MAX - 1) / 4 },
		/* What a header opens counts as well. */
		{ "[[a.b]]\nc=", "[", "", "]", TOML_DEPTH_MAX - 4 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		assert_true(nests(cases[i].before, cases[i].open, cases[i].most, cases[i].middle,
		                  cases[i].close));
		assert_false(nests(cases[i].before, cases[i].open, cases[i].most + 1, cases[i].middle,
		                   cases[i].close));
	}
}

static void test_length(void **state)
{
	size_t length = TOML_TEXT_MAX_BYTES;
	char *text = malloc(length + 1);
	struct toml_value root;
	struct toml_problem problem;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', length + 1);
	memcpy(text + length - 3, "a=1", 3);
	assert_int_equal(toml_parse(&root, text, length, &problem), 0);
	assert_int_equal(toml_get(&root, "a")->line, length - 2);
	toml_release(&root);
	assert_int_equal(toml_parse(&root, text, length + 1, &problem), -1);
	assert_non_null(strstr(problem.text, "longer than 16777216 bytes"));
	assert_int_equal(problem.line, 0);
	assert_true(fixture_is_zero(&root, sizeof root));
	free(text);
}

/* Every key is found again, and no other, whatever the size of the table. */
static void test_many_keys(void **state)
{
	static const unsigned counts[] = { 1, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 100000 };
	size_t size = 20 * 100000;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < FIXTURE_COUNT(counts); i++) {
		size_t used = 0;
		struct toml_value root;
		struct toml_problem problem;
		char key[32];

		for (unsigned j = 0; j < counts[i]; j++)
			used += (size_t)snprintf(text + used, size - used, "k%u = %u\n", j, j);
		assert_int_equal(toml_parse(&root, text, used, &problem), 0);
		assert_int_equal(root.as.table.count, counts[i]);
		for (unsigned j = 0; j < counts[i]; j++) {
			(void)snprintf(key, sizeof key, "k%u", j);
			assert_non_null(toml_get(&root, key));
			assert_int_equal(toml_get(&root, key)->as.integer, j);
			assert_string_equal(root.as.table.entries[j].key.bytes, key);
		}
		(void)snprintf(key, sizeof key, "k%u", counts[i]);
		assert_null(toml_get(&root, key));
		assert_null(toml_get(&root, "k"));
		assert_null(toml_get(&root, ""));
		toml_release(&root);
		/* And each is known when it comes again. */
		used += (size_t)snprintf(text + used, size - used, "k%u = 0\n", counts[i] / 2);
		assert_int_equal(toml_parse(&root, text, used, &problem), -1);
		assert_int_equal(problem.line, counts[i] + 1);
	}
	free(text);
}

static void test_many_tables(void **state)
{
	size_t count = 100000;
	size_t size = count * 100;
	size_t used = 0;
	char *text = malloc(size);
	const struct toml_value *peers;
	struct toml_value root;
	struct toml_problem problem;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, size - used,
		                         "[[p]]\na=%zu\nb=''\nc=[]\nd=1.5\ne.f=true\n", i);
	assert_int_equal(toml_parse(&root, text, used, &problem), 0);
	peers = toml_get(&root, "p");
	assert_int_equal(peers->as.array.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(peers->as.array.items[i].as.table.count, 5);
		assert_int_equal(toml_get(&peers->as.array.items[i], "a")->as.integer, i);
		assert_int_equal(peers->as.array.items[i].line, 6 * i + 1);
	}
	toml_release(&root);
	free(text);
}

static void test_get(void **state)
{
	struct toml_value root;

	(void)state;
	toml_parse_good(&root, "\"a\\u0000b\"=1\na=2\n[t]");
	assert_int_equal(toml_get(&root, "a")->as.integer, 2);
	assert_int_equal(toml_get(&root, "t")->type, TOML_TABLE);
	assert_null(toml_get(&root, "A"));
	assert_null(toml_get(&root, "ab"));
	assert_null(toml_get(toml_get(&root, "t"), "a"));
	toml_release(&root);
	/* Once more does no harm. */
	toml_release(&root);
}

/* Whatever is there already when a fault comes is given back: the sanitizers see what is not. */
static void test_cut_off(void **state)
{
	static const char text[] =
		"\"a\".'b' = {c = [\"x\\n\", 'y', 1.5, {d = 1979-05-27 07:32:00Z}], e.f = \"\"}\n"
		"g = \"\"\"\nh\\\n \"\"\"\"\"\n"
		"[[i.j]]\nk = [[0x1F, true], '''l''']\n[i.j.m]\nn = 07:32:00.5\n[[i.j]]\n";

	(void)state;
	for (size_t length = 0; length < sizeof text; length++) {
		struct toml_value root;
		struct toml_problem problem;

		if (toml_parse_exact(&root, text, length, &problem) == 0) {
			toml_release(&root);
		} else {
			assert_true(problem.line > 0 && problem.column > 0 && problem.text[0] != '\0');
			assert_true(fixture_is_zero(&root, sizeof root));
		}
	}
}

/* What the relaxed reader takes in addition; the strict one refuses all of it. */
static void test_relaxed(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} good[] = {
		{ "a = {\nb=1}", "{a={b=1}}" },
		{ "a = {b=1,\r\nc=1\r\n}", "{a={b=1,c=1}}" },
		{ "a = {b=1, # one\n# two\n\n  c=1\n}", "{a={b=1,c=1}}" },
		{ "a = {b=1,}", "{a={b=1}}" },
		{ "a = [\n{\n\tb = 1,\n\tc = {\n},\n},\n]\nd=1", "{a=[{b=1,c={}}],d=1}" },
		{ "a = \"\\x41\\x7a\\xe9\"", "{a='Az<c3><a9>'}" },
		{ "a = \"\"\"\n\\x41\"\"\"", "{a='A'}" },
	};
	static const struct {
		const char *text;
		unsigned line;
		const char *problem; /* a part of it */
	} bad[] = {
		{ "a = {", 1, "expected a key or } in the table, found the end of the file" },
		{ "a = {b=1\n", 2, "expected , or } in the table, found the end of the file" },
		{ "a = {b=1\nc=1}", 2, "expected , or } in the table, found" },
		{ "a = {,}", 1, "" },
		{ "a = {b=1,,}", 1, "" },
		{ "a = {b=1}c=1", 1, "expected the end of the line" },
		{ "a = {b\n=1}", 1, "" },
		{ "a = {b=\n1}", 1, "" },
		{ "a = {b=1,\nb=2}", 2, "" },
		{ "a = \"\\x4\"", 1, "\\x needs 2 hexadecimal digits" },
	};
	struct toml_problem problem;
	struct toml_value root;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(good); i++) {
		struct toml_shown shown = { 0 };

		assert_int_equal(toml_parse(&root, good[i].text, strlen(good[i].text), &problem), -1);
		if (toml_parse_relaxed(&root, good[i].text, strlen(good[i].text), &problem) != 0)
			fail_msg("\"%s\": %u: %s", good[i].text, problem.line, problem.text);
		toml_say_value(&shown, &root);
		assert_string_equal(shown.text, good[i].shown);
		toml_release(&root);
	}
	for (size_t i = 0; i < FIXTURE_COUNT(bad); i++) {
		assert_int_equal(toml_parse_relaxed(&root, bad[i].text, strlen(bad[i].text), &problem), -1);
		assert_int_equal(problem.line, bad[i].line);
		assert_non_null(strstr(problem.text, bad[i].problem));
	}
	/* A character that no terminal shows. */
	assert_int_equal(toml_parse_relaxed(&root, "a = \"\\e\"", 8, &problem), 0);
	assert_string_equal(toml_get(&root, "a")->as.string.bytes, "\x1b");
	toml_release(&root);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(toml_type_name(TOML_STRING), "string");
	assert_string_equal(toml_type_name(TOML_INTEGER), "integer");
	assert_string_equal(toml_type_name(TOML_FLOAT), "float");
	assert_string_equal(toml_type_name(TOML_BOOLEAN), "boolean");
	assert_string_equal(toml_type_name(TOML_OFFSET_DATETIME), "date and time");
	assert_string_equal(toml_type_name(TOML_LOCAL_DATETIME), "date and time");
	assert_string_equal(toml_type_name(TOML_LOCAL_DATE), "date");
	assert_string_equal(toml_type_name(TOML_LOCAL_TIME), "time");
	assert_string_equal(toml_type_name(TOML_ARRAY), "array");
	assert_string_equal(toml_type_name(TOML_TABLE), "table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),    cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_keys),      cmocka_unit_test(test_long_key),
		cmocka_unit_test(test_headers),   cmocka_unit_test(test_places),
		cmocka_unit_test(test_depth),     cmocka_unit_test(test_length),
		cmocka_unit_test(test_many_keys), cmocka_unit_test(test_many_tables),
		cmocka_unit_test(test_get),       cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_names),     cmocka_unit_test(test_relaxed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
