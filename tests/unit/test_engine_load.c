#include "daemon/engine_parts.h"
#include "fixture.h"
#include "system/clock.h"

#define MS (CLOCK_SECOND_NS / 1000)

/* Works for so many milliseconds of each second for some seconds; whether it is under load at the end. */
static bool work(struct engine_load *load, uint64_t *now_ns, unsigned busy_ms, unsigned seconds)
{
	bool under_load = load->since_ns != 0;

	for (unsigned i = 0; i < seconds; i++) {
		*now_ns += (1000 - busy_ms) * MS;
		(void)engine_load_worked(load, *now_ns, *now_ns + busy_ms * MS, 0, &under_load);
		*now_ns += busy_ms * MS;
	}
	return under_load;
}

static void test_switches_with_hysteresis(void **state)
{
	struct engine_load load;
	uint64_t now_ns = 5 * CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	assert_false(work(&load, &now_ns, 0, 3));
	assert_int_equal(load.busy_permille, 0);
	assert_false(work(&load, &now_ns, 850, 10));
	assert_in_range(load.busy_permille, 840, 850);
	assert_true(work(&load, &now_ns, 950, 1));
	assert_true(load.since_ns != 0);
	/* Neither much nor little: as it was. */
	assert_true(work(&load, &now_ns, 850, 20));
	/* Four calm seconds are too few, and one that is not calm begins the count anew. */
	assert_true(work(&load, &now_ns, 100, 4));
	assert_true(work(&load, &now_ns, 800, 1));
	assert_true(work(&load, &now_ns, 100, 4));
	assert_false(work(&load, &now_ns, 100, 1));
	assert_int_equal(load.since_ns, 0);
	assert_false(work(&load, &now_ns, 850, 20));
}

static void test_says_when_a_window_ends(void **state)
{
	struct engine_load load;
	bool under_load = true;
	uint64_t now_ns = CLOCK_SECOND_NS;

	(void)state;
	engine_load_start(&load, now_ns);
	assert_false(engine_load_worked(&load, now_ns, now_ns + 500 * MS, 0, &under_load));
	assert_true(engine_load_worked(&load, now_ns + 600 * MS, now_ns + 1000 * MS, 0, &under_load));
	assert_false(under_load);
	assert_int_equal(load.busy_permille, 900);
}

/* Cookies make the work less; they stay as long as it would be too much without them. */
static void test_stays_while_many_are_turned_away(void **state)
{
	struct engine_load load;
	uint64_t now_ns = CLOCK_SECOND_NS;
	uint64_t turned_away = 0;
	bool under_load = false;

	(void)state;
	engine_load_start(&load, now_ns);
	assert_true(work(&load, &now_ns, 1000, 1));
	for (int second = 0; second < 30; second++) {
		now_ns += CLOCK_SECOND_NS;
		turned_away += 51;
		assert_true(engine_load_worked(&load, now_ns - MS, now_ns, turned_away, &under_load));
		assert_true(under_load);
	}
	for (int second = 0; second < 5; second++) {
		assert_true(under_load);
		now_ns += CLOCK_SECOND_NS;
		turned_away += 50;
		assert_true(engine_load_worked(&load, now_ns - MS, now_ns, turned_away, &under_load));
	}
	assert_false(under_load);
}

static void test_sleep_is_calm(void **state)
{
	struct engine_load load;
	uint64_t now_ns = CLOCK_SECOND_NS;
	bool under_load = true;

	(void)state;
	engine_load_start(&load, now_ns);
	assert_true(work(&load, &now_ns, 1000, 2));
	assert_int_equal(load.busy_permille, 1000);
	now_ns += 3600 * CLOCK_SECOND_NS;
	assert_true(engine_load_worked(&load, now_ns, now_ns + MS, 0, &under_load));
	assert_false(under_load);
}

static void test_clock_that_stands_still(void **state)
{
	struct engine_load load;
	bool under_load = false;

	(void)state;
	engine_load_start(&load, CLOCK_SECOND_NS);
	assert_false(engine_load_worked(&load, CLOCK_SECOND_NS, CLOCK_SECOND_NS, 0, &under_load));
	assert_false(engine_load_worked(&load, CLOCK_SECOND_NS, 0, 0, &under_load));
	assert_false(under_load);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switches_with_hysteresis),
		cmocka_unit_test(test_says_when_a_window_ends),
		cmocka_unit_test(test_stays_while_many_are_turned_away),
		cmocka_unit_test(test_sleep_is_calm),
		cmocka_unit_test(test_clock_that_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
