/* When a daemon is ready and stopping, with a service manager that listens in place of notify.c. */

#include "fixture.h"

#include "monitor/lifetime.h"
#include "system/clock.h"
#include "system/notify.h"

static char told[256];
static unsigned signs; /* of life */
static uint64_t wanted_ns;

void notify_send(const char *state)
{
	(void)snprintf(told, sizeof told, "%s", state);
}

void notify_busy(uint64_t now_ns)
{
	assert_true(now_ns > 0);
	signs++;
}

uint64_t notify_watchdog_ns(void)
{
	return wanted_ns;
}

struct scene {
	struct loop *loop;
	struct lifetime *lifetime;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	told[0] = '\0';
	signs = 0;
	wanted_ns = 0;
	assert_int_equal(loop_open_simulated(&scene->loop, clock_now_ns()), 0);
	assert_int_equal(lifetime_create(&scene->lifetime, scene->loop), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	lifetime_destroy(scene->lifetime);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

static void test_ready(void **state)
{
	static const struct {
		uint64_t wanted_s, every_s;
	} cases[] = { { 0, 20 }, { 6, 2 }, { 60, 20 }, { 600, 20 } };
	struct scene *scene = *state;

	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		wanted_ns = cases[i].wanted_s * CLOCK_SECOND_NS;
		assert_int_equal(lifetime_ready(scene->lifetime, i), cases[i].every_s * CLOCK_SECOND_NS);
	}
	assert_string_equal(told, "READY=1\nSTATUS=Exchanging keys with 3 peers");
	lifetime_tell_peers(1);
	assert_string_equal(told, "STATUS=Exchanging keys with 1 peer");
	/* As long as it runs, others give signs of life. */
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(signs, 0);
	assert_false(lifetime_is_stopping(scene->lifetime));
}

/* A stop is late after three seconds, and gives signs of life as long as it takes. */
static void test_stop(void **state)
{
	struct scene *scene = *state;

	wanted_ns = 6 * CLOCK_SECOND_NS;
	(void)lifetime_ready(scene->lifetime, 1);
	assert_true(lifetime_stop(scene->lifetime, EXIT_SUCCESS));
	assert_true(lifetime_is_stopping(scene->lifetime));
	assert_false(lifetime_is_late(scene->lifetime));
	/* The first reason is the one that counts. */
	assert_false(lifetime_stop(scene->lifetime, EXIT_FAILURE));
	assert_int_equal(lifetime_status(scene->lifetime), EXIT_SUCCESS);
	loop_advance(scene->loop, 1);
	assert_int_equal(signs, 1);
	loop_advance(scene->loop, 2 * CLOCK_SECOND_NS);
	assert_int_equal(signs, 2);
	assert_false(lifetime_is_late(scene->lifetime));
	loop_advance(scene->loop, 10 * CLOCK_SECOND_NS);
	assert_true(lifetime_is_late(scene->lifetime));
	assert_int_equal(signs, 7);
}

/* A daemon that was never ready has nobody to give signs to, and no success. */
static void test_stop_early(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(lifetime_status(scene->lifetime), EXIT_FAILURE);
	assert_true(lifetime_stop(scene->lifetime, EXIT_SUCCESS));
	assert_int_equal(lifetime_status(scene->lifetime), EXIT_SUCCESS);
	loop_advance(scene->loop, 60 * CLOCK_SECOND_NS);
	assert_int_equal(signs, 0);
	assert_true(lifetime_is_late(scene->lifetime));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ready, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop_early, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
