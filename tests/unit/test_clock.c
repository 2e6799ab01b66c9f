#include "fixture.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "system/clock.h"

static uint64_t now_of(clockid_t clock)
{
	struct timespec now;

	assert_int_equal(clock_gettime(clock, &now), 0);
	return (uint64_t)now.tv_sec * CLOCK_SECOND_NS + (uint64_t)now.tv_nsec;
}

static void test_now(void **state)
{
	uint64_t before = now_of(CLOCK_BOOTTIME);
	uint64_t now = clock_now_ns();

	(void)state;
	assert_in_range(now, before, now_of(CLOCK_BOOTTIME));
	before = now_of(CLOCK_BOOTTIME) / CLOCK_SECOND_NS;
	assert_in_range(clock_boot_seconds(), before, before + 60);
	before = now_of(CLOCK_REALTIME) / CLOCK_SECOND_NS;
	assert_in_range(clock_wall_seconds(), before, before + 60);
}

/* Whether a timer that was set fires at once. */
static bool fires(int timer, uint64_t at_ns)
{
	struct pollfd fired = { .fd = timer, .events = POLLIN };

	assert_int_equal(clock_timer_set(timer, at_ns), 0);
	return poll(&fired, 1, 0) == 1;
}

static void test_timer(void **state)
{
	int timer = clock_timer_open();

	(void)state;
	assert_true(timer >= 0);
	/* What is past is due, back to the beginning of time. */
	assert_true(fires(timer, clock_now_ns()));
	assert_true(fires(timer, 1));
	assert_true(fires(timer, 0));
	/* To be set again is to be quiet again. */
	assert_false(fires(timer, clock_now_ns() + 3600 * CLOCK_SECOND_NS));
	assert_false(fires(timer, UINT64_MAX));
	(void)close(timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
