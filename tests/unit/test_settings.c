/* Settings that do not come from the configuration that was read last. */

#include "fixture.h"

#include <unistd.h>

#include "monitor/settings.h"
#include "system/log.h"

static void test_override(void **state)
{
	const enum config_before before = CONFIG_LEAVE;
	const enum config_on_exit on_exit = CONFIG_RANDOM;
	const struct settings_options none = { 0 };
	const struct settings_options both = { .before_first_exchange = &before, .on_exit = &on_exit };
	struct config config = { .before_first_exchange = CONFIG_BLOCK, .on_exit = CONFIG_KEEP };

	(void)state;
	settings_override(&config, &none);
	assert_int_equal(config.before_first_exchange, CONFIG_BLOCK);
	assert_int_equal(config.on_exit, CONFIG_KEEP);
	settings_override(&config, &both);
	assert_int_equal(config.before_first_exchange, CONFIG_LEAVE);
	assert_int_equal(config.on_exit, CONFIG_RANDOM);
}

/* Calls settings_keep(). Returns true if something was logged. */
static bool keep_logged(struct config *present, struct config *next, const struct settings_options *options)
{
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO);
	long length;

	assert_non_null(log);
	log_set_level(LOG_WARN);
	assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
	settings_keep(present, next, options);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	assert_int_equal(fseek(log, 0, SEEK_END), 0);
	length = ftell(log);
	(void)fclose(log);
	return length > 0;
}

static bool keep(const char *old, const char *other, const char *option)
{
	const struct settings_options options = { .user = option };
	struct config present = { .user = (char *)(uintptr_t)old };
	struct config next = { .user = (char *)(uintptr_t)other };
	bool is_logged = keep_logged(&present, &next, &options);

	assert_ptr_equal(next.user, old);
	assert_ptr_equal(present.user, other);
	return is_logged;
}

static void test_user(void **state)
{
	const struct settings_options none = { 0 };
	const struct settings_options option = { .user = "c" };
	char name[] = "a";
	const struct config config = { .user = name };

	(void)state;
	assert_string_equal(settings_user(&config, &none), "a");
	assert_string_equal(settings_user(&config, &option), "c");
	assert_false(keep("a", "a", NULL));
	assert_false(keep(NULL, NULL, NULL));
	assert_true(keep("a", "b", NULL));
	assert_true(keep("a", NULL, NULL));
	assert_true(keep(NULL, "b", NULL));
	/* The option counts before and after. */
	assert_false(keep("a", "b", "c"));
}

static void test_threads(void **state)
{
	static const uint32_t all[] = { 0, 2, 3 };
	const struct settings_options none = { 0 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(all); i++) {
		for (size_t j = 0; j < FIXTURE_COUNT(all); j++) {
			struct config present = { .threads = all[i] };
			struct config next = { .threads = all[j] };

			assert_int_equal(keep_logged(&present, &next, &none), i != j);
			assert_int_equal(next.threads, all[i]);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
