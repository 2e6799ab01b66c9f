/* A limit for log lines that anybody can cause. */

#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "system/log_limit.h"

#define SECOND_NS UINT64_C(1000000000)
#define START_NS (100 * SECOND_NS)

static int log_file = -1;
static char said[4096];

static int set_up(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	if (file == NULL)
		return -1;
	log_file = dup(fileno(file));
	(void)fclose(file);
	log_set_level(LOG_TRACE);
	return log_file < 0 || dup2(log_file, STDERR_FILENO) < 0 ? -1 : 0;
}

/* What was logged since the last call. */
static const char *said_since(void)
{
	ssize_t length = pread(log_file, said, sizeof said - 1, 0);

	assert_true(length >= 0);
	said[length] = '\0';
	assert_int_equal(ftruncate(log_file, 0), 0);
	assert_int_equal(lseek(log_file, 0, SEEK_SET), 0);
	return said;
}

/* How many of so many lines may be logged at a time. */
static unsigned take(struct log_limit *limit, unsigned count, uint64_t now_ns)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < count; i++)
		taken += log_limit_take(limit, LOG_TRACE, "datagrams", now_ns);
	return taken;
}

static void test_limit(void **state)
{
	struct log_limit limit = { 0 };

	(void)state;
	assert_int_equal(take(&limit, LOG_LIMIT_LINES, START_NS), LOG_LIMIT_LINES);
	assert_int_equal(take(&limit, 7, START_NS + SECOND_NS / 2), 0);
	log_limit_flush(&limit, LOG_TRACE, "datagrams", START_NS + SECOND_NS - 1);
	assert_string_equal(said_since(), "");
	assert_true(log_limit_deadline(&limit) == START_NS + SECOND_NS);
	/* The next second begins with the number of those before. */
	assert_int_equal(take(&limit, LOG_LIMIT_LINES + 3, START_NS + SECOND_NS), LOG_LIMIT_LINES);
	assert_non_null(strstr(said_since(), "trace: 7 more datagrams were not logged\n"));
	log_limit_flush(&limit, LOG_TRACE, "datagrams", START_NS + 5 * SECOND_NS);
	assert_non_null(strstr(said_since(), "trace: 3 more datagrams were not logged\n"));
	log_limit_flush(&limit, LOG_TRACE, "datagrams", START_NS + 9 * SECOND_NS);
	assert_string_equal(said_since(), "");
	assert_int_equal(take(&limit, 1, START_NS + 9 * SECOND_NS), 1);
	assert_true(log_limit_deadline(&limit) == UINT64_MAX);
}

/* Lines far apart are never left out. */
static void test_slow(void **state)
{
	struct log_limit limit = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 5 * LOG_LIMIT_LINES; i++)
		assert_int_equal(take(&limit, 1, START_NS + i * (SECOND_NS / LOG_LIMIT_LINES + 1)), 1);
	assert_string_equal(said_since(), "");
}

/* What would not be logged is neither taken nor counted. */
static void test_other_level(void **state)
{
	struct log_limit limit = { 0 };

	(void)state;
	log_set_level(LOG_DEBUG);
	assert_int_equal(take(&limit, 2 * LOG_LIMIT_LINES, START_NS), 0);
	log_set_level(LOG_TRACE);
	assert_int_equal(take(&limit, 1, START_NS), 1);
	assert_string_equal(said_since(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_other_level),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
