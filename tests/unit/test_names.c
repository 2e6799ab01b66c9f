#include "fixture.h"

#include <limits.h>

#include "protocol/verdicts.h"
#include "rosenpass.h"

/* Words for a log: not empty, printable, and short. */
static void check_words(const char *words)
{
	assert_non_null(words);
	assert_true(strlen(words) > 0 && strlen(words) < 60);
	for (const char *c = words; *c != '\0'; c++)
		assert_true(*c >= ' ' && *c <= '~');
}

static void check_all_differ(const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_words(names[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
}

static void test_verdicts(void **state)
{
	static const enum rosenpass_verdict others[] = { ROSENPASS_CROSSED + 1, ROSENPASS_DROPPED - 1,
		                                         ROSENPASS_DROPPED_FAILURE + 1,
		                                         (enum rosenpass_verdict) - 1, INT_MAX };
	const char *names[VERDICT_INDEX_COUNT + 1];

	(void)state;
	for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++) {
		assert_int_equal(verdict_index(verdict_at(i)), i);
		names[i] = rosenpass_verdict_name(verdict_at(i));
	}
	names[VERDICT_INDEX_COUNT] = "unknown";
	check_all_differ(names, FIXTURE_COUNT(names));
	for (size_t i = 0; i < FIXTURE_COUNT(others); i++) {
		assert_int_equal(verdict_index(others[i]), VERDICT_INDEX_COUNT);
		assert_string_equal(rosenpass_verdict_name(others[i]), "unknown");
	}
}

static void test_errors(void **state)
{
	static const int errors[] = {
		0,
		ROSENPASS_E_MEMORY,
		ROSENPASS_E_RANDOM,
		ROSENPASS_E_ARGUMENT,
		ROSENPASS_E_EXISTS,
		ROSENPASS_E_NO_PEER,
		1, /* no error at all */
	};
	const char *names[FIXTURE_COUNT(errors)];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(errors); i++)
		names[i] = rosenpass_error_name(errors[i]);
	check_all_differ(names, FIXTURE_COUNT(names));
	assert_string_equal(rosenpass_error_name(INT_MIN), rosenpass_error_name(1));
	assert_string_equal(rosenpass_error_name(-6), rosenpass_error_name(1));
}

/* These are what configuration files and the test vectors call them. */
static void test_dialects(void **state)
{
	(void)state;
	assert_string_equal(rosenpass_dialect_name(ROSENPASS_BLAKE2B_188), "blake2b-188");
	assert_string_equal(rosenpass_dialect_name(ROSENPASS_BLAKE2B_156), "blake2b-156");
	assert_string_equal(rosenpass_dialect_name(ROSENPASS_SHAKE256_156), "shake256-156");
	check_words(rosenpass_dialect_name((enum rosenpass_dialect)ROSENPASS_DIALECT_COUNT));
	check_words(rosenpass_dialect_name((enum rosenpass_dialect) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_dialects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
