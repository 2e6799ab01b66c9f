/* News of the network: a burst is one piece of news, and many of them come less and less often. */

#include "fixture.h"
#include "monitor/network.h"
#include "system/clock.h"
#include "system/log.h"

struct scene {
	struct loop *loop;
	struct network *network;
	unsigned changes, settled;
};

static void changed(void *owner)
{
	((struct scene *)owner)->changes++;
}

static void settled(void *owner)
{
	((struct scene *)owner)->settled++;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	const struct network_owner owner = { changed, settled, scene };

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open_simulated(&scene->loop, 1000 * CLOCK_SECOND_NS), 0);
	assert_int_equal(network_open(&scene->network, scene->loop, &owner), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	network_close(scene->network);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

static void test_burst(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 0; i < 4; i++) {
		network_note(scene->network);
		loop_advance(scene->loop, CLOCK_SECOND_NS / 10);
	}
	assert_int_equal(scene->changes, 4);
	assert_int_equal(scene->settled, 0);
	loop_advance(scene->loop, CLOCK_SECOND_NS / 10);
	assert_int_equal(scene->settled, 1);
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(scene->settled, 1);
}

/* The second piece of news waits for five seconds; in a flood they are up to a minute apart. */
static void test_flood(void **state)
{
	struct scene *scene = *state;

	network_note(scene->network);
	loop_advance(scene->loop, CLOCK_SECOND_NS / 2);
	assert_int_equal(scene->settled, 1);
	network_note(scene->network);
	loop_advance(scene->loop, 5 * CLOCK_SECOND_NS - 1);
	assert_int_equal(scene->settled, 1);
	loop_advance(scene->loop, 1);
	assert_int_equal(scene->settled, 2);
	for (unsigned i = 0; i < 3600; i++) {
		network_note(scene->network);
		loop_advance(scene->loop, CLOCK_SECOND_NS);
	}
	assert_in_range(scene->settled, 55, 70);
	/* After a rest as at first. */
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	scene->settled = 0;
	network_note(scene->network);
	loop_advance(scene->loop, CLOCK_SECOND_NS / 2);
	assert_int_equal(scene->settled, 1);
	network_note(scene->network);
	loop_advance(scene->loop, 5 * CLOCK_SECOND_NS);
	assert_int_equal(scene->settled, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_burst),
		TEST(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
