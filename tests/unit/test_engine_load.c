#include <unistd.h>

#include "engine/parts.h"
#include "fixture.h"
#include "system/clock.h"

#define MS (CLOCK_SECOND_NS / 1000)

/* Works for that many milliseconds of each second for some seconds. */
static void work(struct engine_load *load, uint64_t *now_ns, unsigned busy_ms, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		*now_ns += (1000 - busy_ms) * MS;
		engine_load_worked(load, *now_ns, *now_ns + busy_ms * MS);
		*now_ns += busy_ms * MS;
		engine_load_look(load, false, *now_ns);
	}
}

static void test_part_of_the_last_second(void **state)
{
	static const unsigned busy_ms[] = { 0, 1, 500, 999, 1000, 0 };
	struct engine_load load;
	uint64_t now_ns = 5 * CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	for (size_t i = 0; i < sizeof busy_ms / sizeof busy_ms[0]; i++) {
		work(&load, &now_ns, busy_ms[i], 2);
		assert_int_equal(load.busy_permille, busy_ms[i]);
	}
}

static void test_adds_up_until_a_window_ends(void **state)
{
	struct engine_load load;
	uint64_t now_ns = CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	engine_load_worked(&load, now_ns, now_ns + 500 * MS);
	engine_load_look(&load, false, now_ns + 600 * MS);
	assert_int_equal(load.busy_permille, 0);
	engine_load_worked(&load, now_ns + 600 * MS, now_ns + 1000 * MS);
	engine_load_look(&load, false, now_ns + 1000 * MS);
	assert_int_equal(load.busy_permille, 900);
}

/* A clock that goes back makes neither work nor a window. */
static void test_clock_that_goes_back(void **state)
{
	struct engine_load load;
	uint64_t now_ns = 10 * CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	engine_load_worked(&load, now_ns, now_ns - 1);
	engine_load_look(&load, false, now_ns + CLOCK_SECOND_NS);
	assert_int_equal(load.busy_permille, 0);
	now_ns += CLOCK_SECOND_NS;
	engine_load_worked(&load, now_ns, now_ns + 500 * MS);
	engine_load_look(&load, false, now_ns - CLOCK_SECOND_NS);
	engine_load_look(&load, false, now_ns + CLOCK_SECOND_NS);
	assert_int_equal(load.busy_permille, 500);
}

/* Time not reported as worked is idle: so are requests of the monitor. */
static void test_other_work_is_no_load(void **state)
{
	struct engine_load load;
	uint64_t now_ns = CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	for (int turn = 0; turn < 250; turn++) {
		engine_load_worked(&load, now_ns, now_ns + MS);
		now_ns += 17 * MS;
		engine_load_look(&load, false, now_ns);
	}
	assert_in_range(load.busy_permille, 50, 70);
}

static void test_says_since_when_cookies_are_demanded(void **state)
{
	struct engine_load load;
	uint64_t now_ns = CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	engine_load_look(&load, true, now_ns + 300 * MS);
	assert_int_equal(load.since_ns, now_ns + 300 * MS);
	engine_load_look(&load, true, now_ns + 5000 * MS);
	assert_int_equal(load.since_ns, now_ns + 300 * MS);
	engine_load_look(&load, false, now_ns + 5001 * MS);
	assert_int_equal(load.since_ns, 0);
	engine_load_look(&load, true, now_ns + 5002 * MS);
	assert_int_equal(load.since_ns, now_ns + 5002 * MS);
}

static void test_sleep_is_idle(void **state)
{
	struct engine_load load;
	uint64_t now_ns = CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	work(&load, &now_ns, 1000, 2);
	assert_int_equal(load.busy_permille, 1000);
	now_ns += 3600 * CLOCK_SECOND_NS;
	engine_load_worked(&load, now_ns, now_ns + MS);
	engine_load_look(&load, false, now_ns + MS);
	assert_int_equal(load.busy_permille, 0);
	/* A suspend in the middle of work does not count as more than all of the time. */
	engine_load_worked(&load, now_ns, now_ns + 7200 * CLOCK_SECOND_NS);
	engine_load_look(&load, false, now_ns + 3600 * CLOCK_SECOND_NS);
	assert_int_equal(load.busy_permille, 1000);
}

static void test_clock_that_stands_still(void **state)
{
	struct engine_load load;

	(void)state;
	engine_load_start(&load, CLOCK_SECOND_NS);
	engine_load_worked(&load, CLOCK_SECOND_NS, CLOCK_SECOND_NS);
	engine_load_worked(&load, CLOCK_SECOND_NS, 0);
	engine_load_look(&load, false, CLOCK_SECOND_NS);
	engine_load_look(&load, false, 0);
	assert_int_equal(load.busy_permille, 0);
}

/* How many lines about the random source are written by that. */
static unsigned lines_of(struct engine_load *load, bool is_failing, unsigned times)
{
	char text[4096];
	ssize_t length;
	unsigned lines = 0;
	int saved = dup(STDERR_FILENO);
	int pipes[2];

	assert_true(saved >= 0 && pipe(pipes) == 0 && dup2(pipes[1], STDERR_FILENO) >= 0);
	for (unsigned i = 0; i < times; i++)
		engine_load_random(load, is_failing);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	(void)close(pipes[1]);
	length = read(pipes[0], text, sizeof text - 1);
	assert_true(length >= 0);
	(void)close(pipes[0]);
	text[length] = '\0';
	for (const char *at = text; (at = strstr(at, "random source")) != NULL; at++)
		lines++;
	return lines;
}

static void test_random_source_that_fails_is_said_once(void **state)
{
	struct engine_load load;

	(void)state;
	engine_load_start(&load, CLOCK_SECOND_NS);
	assert_int_equal(lines_of(&load, false, 2), 0);
	assert_int_equal(lines_of(&load, true, 3), 1);
	assert_true(load.random_failing);
	assert_int_equal(lines_of(&load, false, 3), 1);
	assert_false(load.random_failing);
	assert_int_equal(lines_of(&load, true, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_of_the_last_second),
		cmocka_unit_test(test_adds_up_until_a_window_ends),
		cmocka_unit_test(test_other_work_is_no_load),
		cmocka_unit_test(test_clock_that_goes_back),
		cmocka_unit_test(test_says_since_when_cookies_are_demanded),
		cmocka_unit_test(test_sleep_is_idle),
		cmocka_unit_test(test_clock_that_stands_still),
		cmocka_unit_test(test_random_source_that_fails_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
