#include "fixture.h"

#include "config/suggest.h"

static const char *const keys[] = {
	"public_key", "secret_key", "listen", "verbosity",       "peers",
	"endpoint",   "key_out",    "up",     "exchange-config",
};

static void test_table(void **state)
{
	static const struct {
		const char *word;
		const char *nearest; /* NULL: none */
	} cases[] = {
		{ "public_key", "public_key" },
		{ "public-key", "public_key" },
		{ "exchange_config", "exchange-config" },
		{ "Public-Key", "public_key" },
		/* A letter that is missing, too many, another one, or two that are swapped. */
		{ "pubic_key", "public_key" },
		{ "publickey", "public_key" },
		{ "publicc_key", "public_key" },
		{ "puplic_key", "public_key" },
		{ "pulbic_key", "public_key" },
		{ "upblic_key", "public_key" },
		{ "public_kye", "public_key" },
		/* A swap is one step, also with - for _ in it. */
		{ "epers", "peers" },
		{ "eprs", NULL },
		{ "ke_yout", "key_out" },
		{ "ke-yout", "key_out" },
		{ "lisetn", "listen" },
		/* A third of the word: 2 of 6 letters, not 3. */
		{ "lisxyn", "listen" },
		{ "lxsxyn", NULL },
		{ "peer", "peers" },
		/* Of a very short word nothing may differ. */
		{ "up", "up" },
		{ "UP", "up" },
		{ "ip", NULL },
		{ "", NULL },
		{ "xyz", NULL },
		{ "exch", NULL },
		{ "preshared", NULL },
		/* The nearest, not the first that is near enough. */
		{ "secet_key", "secret_key" },
		{ "end_point", "endpoint" },
		/* Longer than any that makes sense. */
		{ "public_key_public_key_public_key_public_key_public_key", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const char *nearest = suggest_nearest(cases[i].word, keys, FIXTURE_COUNT(keys));

		if ((nearest == NULL) != (cases[i].nearest == NULL) ||
		    (nearest != NULL && strcmp(nearest, cases[i].nearest) != 0))
			fail_msg("%s: %s, not %s", cases[i].word, nearest == NULL ? "none" : nearest,
			         cases[i].nearest == NULL ? "none" : cases[i].nearest);
	}
}

static void test_order(void **state)
{
	static const char *const near[] = { "abcdefxyz", "abcdefgxz", "abcdefghz", "abcdefghy" };

	(void)state;
	/* 3, 2, 1 and 1 letters differ; of two that are as near, the first. */
	assert_string_equal(suggest_nearest("abcdefghi", near, 1), "abcdefxyz");
	assert_string_equal(suggest_nearest("abcdefghi", near, 2), "abcdefgxz");
	assert_string_equal(suggest_nearest("abcdefghi", near, 3), "abcdefghz");
	assert_string_equal(suggest_nearest("abcdefghi", near, 4), "abcdefghz");
	assert_null(suggest_nearest("abcdefghi", near, 0));
}

static void test_commands(void **state)
{
	static const char *const names[] = { "exchange-config", "exchange", "status", "genkey" };

	(void)state;
	assert_string_equal(suggest_command("exchagne", names, 4), "exchange");
	assert_string_equal(suggest_command("stat", names, 4), "status");
	assert_string_equal(suggest_command("gen", names, 4), "genkey");
	/* Two begin with it, or it is too short. */
	assert_null(suggest_command("exch", names, 4));
	assert_null(suggest_command("ge", names, 4));
	assert_null(suggest_command("", names, 4));
	assert_null(suggest_command("status-overview", names, 4));
}

/* The longest word and candidate that are looked at, and longer ones. */
static void test_long(void **state)
{
	char word[64];
	char candidate[64];
	const char *const candidates[] = { candidate };

	(void)state;
	for (size_t length = 46; length < 51; length++) {
		memset(word, 'a', length);
		word[length] = '\0';
		memset(candidate, 'a', 48);
		candidate[48] = '\0';
		assert_true((suggest_nearest(word, candidates, 1) == candidate) == (length <= 48));
		memset(candidate, 'a', length);
		candidate[length] = '\0';
		word[46] = '\0';
		assert_true((suggest_nearest(word, candidates, 1) == candidate) == (length <= 48));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
