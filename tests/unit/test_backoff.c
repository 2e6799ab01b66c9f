#include "fixture.h"

#include "base/backoff.h"

static void test_doubles(void **state)
{
	struct backoff backoff = { 0 };

	(void)state;
	backoff_none(&backoff);
	assert_int_equal(backoff.next_ns, BACKOFF_NEVER);
	backoff_next(&backoff, 100, 10, 35);
	assert_int_equal(backoff.next_ns, 110);
	backoff_next(&backoff, 200, 10, 35);
	assert_int_equal(backoff.next_ns, 220);
	for (int i = 0; i < 100; i++) {
		backoff_next(&backoff, 300, 10, 35);
		assert_int_equal(backoff.next_ns, 335);
	}
	backoff_none(&backoff);
	backoff_next(&backoff, 400, 10, 35);
	assert_int_equal(backoff.next_ns, 410);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
