#include "fixture.h"
#include "monitor/event_limit.h"

#define SECOND UINT64_C(1000000000)

static unsigned take(struct event_limit *limit, unsigned tries, uint64_t now_ns)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < tries; i++)
		taken += event_limit_take(limit, now_ns) ? 1 : 0;
	return taken;
}

static void test_burst_and_rate(void **state)
{
	struct event_limit limit = { 0 };
	uint64_t now_ns = 1000 * SECOND;

	(void)state;
	assert_int_equal(take(&limit, 100, now_ns), EVENT_LIMIT_BURST);
	assert_int_equal(event_limit_next_ns(&limit), now_ns + EVENT_LIMIT_EACH_NS);
	assert_int_equal(take(&limit, 100, now_ns + EVENT_LIMIT_EACH_NS - 1), 0);
	assert_int_equal(take(&limit, 100, now_ns + EVENT_LIMIT_EACH_NS), 1);
	/* A long rest fills it once. */
	now_ns += 1000 * EVENT_LIMIT_EACH_NS;
	assert_true(event_limit_next_ns(&limit) <= now_ns);
	assert_int_equal(take(&limit, 100, now_ns), EVENT_LIMIT_BURST);
}

static void test_left_out_are_counted_once(void **state)
{
	struct event_limit limit = { 0 };

	(void)state;
	(void)take(&limit, EVENT_LIMIT_BURST + 5, 0);
	assert_int_equal(event_limit_left_out(&limit), 5);
	assert_int_equal(event_limit_left_out(&limit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_and_rate),
		cmocka_unit_test(test_left_out_are_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
