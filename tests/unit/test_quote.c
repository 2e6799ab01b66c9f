#include "fixture.h"

#include "config/quote.h"

static void test_table(void **state)
{
	static const struct {
		const char *text;
		const char *quoted;
	} cases[] = {
		{ "", "\"\"" },
		{ "key", "\"key\"" },
		{ "/etc/rosenpass/a b", "\"/etc/rosenpass/a b\"" },
		{ "a\"b", "\"a\\\"b\"" },
		{ "\"", "\"\\\"\"" },
		{ "a\\b", "\"a\\\\b\"" },
		{ "\\n", "\"\\\\n\"" },
		{ "it's", "\"it's\"" },
		{ "\n\t\r", "\"\\n\\t\\r\"" },
		{ "\x01\a\b\v\f\x1b\x1f\x7f", "\"\\u{1}\\u{7}\\u{8}\\u{b}\\u{c}\\u{1b}\\u{1f}\\u{7f}\"" },
		{ " ~!#$%&()*+,-./:;<=>?@[]^_`{|}", "\" ~!#$%&()*+,-./:;<=>?@[]^_`{|}\"" },
		/* Two, three and four bytes, each with the first and last code point of that length. */
		{ "sch\xc3\xb6n", "\"sch\xc3\xb6n\"" },
		{ "\xdf\xbf", "\"\xdf\xbf\"" },
		{ "\xe6\x97\xa5\xe6\x9c\xac", "\"\xe6\x97\xa5\xe6\x9c\xac\"" },
		{ "\xed\x9f\xbf\xee\x80\x80", "\"\xed\x9f\xbf\xee\x80\x80\"" },
		{ "\xf0\x9f\x94\x91", "\"\xf0\x9f\x94\x91\"" },
		{ "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"" },
		/* Control characters beyond ASCII; U+00A1 is the first after them. */
		{ "\xc2\x80\xc2\x9f\xc2\xa1", "\"\\u{80}\\u{9f}\xc2\xa1\"" },
		/* No UTF-8: alone, at the end, overlong, surrogates, too large, cut off. */
		{ "x\xffy", "\"x\\xFFy\"" },
		{ "\x80", "\"\\x80\"" },
		{ "ab\xc3", "\"ab\\xC3\"" },
		{ "\xc0\xaf", "\"\\xC0\\xAF\"" },
		{ "\xc1\xbf", "\"\\xC1\\xBF\"" },
		{ "\xe0\x9f\xbf", "\"\\xE0\\x9F\\xBF\"" },
		{ "\xed\xa0\x80", "\"\\xED\\xA0\\x80\"" },
		{ "\xed\xbf\xbf", "\"\\xED\\xBF\\xBF\"" },
		{ "\xf0\x8f\xbf\xbf", "\"\\xF0\\x8F\\xBF\\xBF\"" },
		{ "\xf4\x90\x80\x80", "\"\\xF4\\x90\\x80\\x80\"" },
		{ "\xf5\x80\x80\x80", "\"\\xF5\\x80\\x80\\x80\"" },
		{ "\xe6\x97", "\"\\xE6\\x97\"" },
		{ "\xe6\"", "\"\\xE6\\\"\"" },
		{ "\xf0\x9f\x94\n", "\"\\xF0\\x9F\\x94\\n\"" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char *quoted = quote(cases[i].text);

		assert_non_null(quoted);
		if (strcmp(quoted, cases[i].quoted) != 0)
			fail_msg("case %zu: %s, not %s", i, quoted, cases[i].quoted);
		free(quoted);
	}
}

/* The longest escape for each of many characters fits; the sanitizers see if it does not. */
static void test_long(void **state)
{
	char text[4097];
	char *quoted;

	(void)state;
	memset(text, 0x7f, sizeof text - 1);
	text[sizeof text - 1] = '\0';
	quoted = quote(text);
	assert_non_null(quoted);
	assert_int_equal(strlen(quoted), 6 * (sizeof text - 1) + 2);
	for (size_t i = 0; i < sizeof text - 1; i++)
		assert_memory_equal(quoted + 1 + 6 * i, "\\u{7f}", 6);
	free(quoted);
}

/* Whatever a file is called, its line has no control character, and the quotes in it are escaped. */
static void test_any_bytes(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char text[64];
		char *quoted;
		size_t length = fixture_below(&seed, sizeof text);
		size_t end;

		for (size_t j = 0; j < length; j++)
			text[j] = (char)(1 + fixture_below(&seed, 255));
		text[length] = '\0';
		quoted = quote(text);
		assert_non_null(quoted);
		end = strlen(quoted) - 1;
		assert_true(quoted[0] == '"' && quoted[end] == '"');
		for (size_t j = 1; j < end; j++) {
			assert_true((unsigned char)quoted[j] >= 0x20 && quoted[j] != 0x7f);
			assert_true(quoted[j] != '"');
			if (quoted[j] == '\\')
				assert_true(++j < end);
		}
		free(quoted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
