/* What is said of a daemon before it is started: its name, and which files may be written beside it. */

#include "fixture.h"

#include "monitor/daemon_check.h"
#include "system/log.h"

static void test_names(void **state)
{
	static const struct {
		const char *option, *file, *name;
	} cases[] = {
		{ NULL, "a.toml", "a" },
		{ NULL, "/etc/rosenpass/wg0.toml", "wg0" },
		{ NULL, "dir.toml/a.conf", "a.conf" },
		{ NULL, ".toml", ".toml" },
		{ NULL, "a.b.toml", "a.b" },
		{ "x.toml", "a.toml", "x.toml" },
		{ "x", NULL, "x" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const struct daemon_identity identity = { .name = cases[i].option };
		const struct config config = { .file = (char *)(uintptr_t)cases[i].file };
		char *name = daemon_check_name(&config, &identity);

		assert_string_equal(name, cases[i].name);
		assert_true(daemon_check_has_name(&config, &identity));
		free(name);
	}
}

/* Without a file or an option, a daemon is called after its process. */
static void test_no_name(void **state)
{
	const struct daemon_identity identity = { 0 };
	const struct config config = { 0 };
	char *name = daemon_check_name(&config, &identity);

	(void)state;
	assert_non_null(name);
	assert_int_equal(strncmp(name, "exchange-", strlen("exchange-")), 0);
	assert_false(daemon_check_has_name(&config, &identity));
	free(name);
}

/* A name for this time only is none that files could be kept under. */
static void test_temporary_name(void **state)
{
	const struct daemon_identity identity = { .name = "wg0-17", .is_temporary = true };
	const struct config config = { 0 };
	char *name = daemon_check_name(&config, &identity);

	(void)state;
	assert_string_equal(name, "wg0-17");
	assert_false(daemon_check_has_name(&config, &identity));
	free(name);
}

static void test_output(void **state)
{
	static const struct claims_input inputs[] = { { "config file", "read.toml" } };
	const struct daemon_identity identity = { .inputs = inputs, .input_count = 1 };
	char public_key[] = "own.pk";
	char secret_key[] = "own.sk";
	const struct config config = { .public_key = public_key, .secret_key = secret_key };
	char problem[DAEMON_CHECK_PROBLEM_BYTES] = "";

	(void)state;
	assert_int_equal(daemon_check_output(&config, &identity, "out", "free", problem), 0);
	assert_int_equal(daemon_check_output(&config, &identity, "out", "own.sk", problem), -1);
	assert_non_null(strstr(problem, "own.sk"));
	assert_int_equal(daemon_check_output(&config, &identity, "out", "./own.pk", problem), -1);
	assert_int_equal(daemon_check_output(&config, &identity, "out", "read.toml", problem), -1);
}

/* Each problem is logged; a configuration without keys has one. */
static void test_config(void **state)
{
	const struct config config = { 0 };

	(void)state;
	log_set_level(LOG_OFF);
	assert_false(daemon_check_config(&config));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),          cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_temporary_name), cmocka_unit_test(test_output),
		cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
