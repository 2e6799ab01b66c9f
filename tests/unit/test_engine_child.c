#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "monitor/engine_child.h"
#include "rosenpass.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

struct scene {
	struct loop *loop;
	struct engine_child *child;
	int channel;
	int status;
	int ended;
};

static void on_ended(void *owner, int status)
{
	struct scene *scene = owner;

	scene->status = status;
	scene->ended++;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open(&scene->loop), 0);
	scene->channel = -1;
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	engine_child_close(scene->child);
	if (scene->channel >= 0)
		(void)close(scene->channel);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

static void start(struct scene *scene, int (*run)(const struct engine_start *), uint64_t memory_bytes)
{
	const struct engine_child_plan plan = {
		.run = run,
		.memory_bytes = memory_bytes,
		.ended = on_ended,
		.owner = scene,
	};

	assert_int_equal(engine_child_start(&scene->child, scene->loop, &plan, &scene->channel), 0);
	assert_true(engine_child_pid(scene->child) > 0);
}

/* Turns the loop until the child has ended. */
static void turn(struct scene *scene)
{
	/* One that is never killed must not keep the test. */
	(void)alarm(60);
	while (scene->ended == 0)
		assert_int_equal(loop_turn(scene->loop), 0);
	(void)alarm(0);
	assert_int_equal(scene->ended, 1);
	assert_int_equal(engine_child_pid(scene->child), 0);
}

static int run_seven(const struct engine_start *start)
{
	(void)start;
	return 7;
}

static int run_for_ever(const struct engine_start *start)
{
	while (start != NULL)
		(void)pause();
	return 0;
}

/* Until the channel's other end is closed. */
static int run_until_stopped(const struct engine_start *start)
{
	char byte;

	return read(start->channel, &byte, 1) == 1 ? 3 : 4;
}

static void test_status(void **state)
{
	struct scene *scene = *state;

	start(scene, run_seven, 0);
	turn(scene);
	assert_true(WIFEXITED(scene->status));
	assert_int_equal(WEXITSTATUS(scene->status), 7);
}

static void test_channel(void **state)
{
	struct scene *scene = *state;

	start(scene, run_until_stopped, 0);
	assert_int_equal(write(scene->channel, "x", 1), 1);
	turn(scene);
	assert_int_equal(WEXITSTATUS(scene->status), 3);
}

static void test_hanging_one_is_killed(void **state)
{
	struct scene *scene = *state;
	uint64_t from_ns = clock_now_ns();

	start(scene, run_for_ever, 0);
	engine_child_stop(scene->child);
	turn(scene);
	assert_true(WIFSIGNALED(scene->status) && WTERMSIG(scene->status) == SIGKILL);
	assert_true(clock_now_ns() - from_ns >= 3 * CLOCK_SECOND_NS);
}

static void test_hanging_one_is_killed_outside_the_loop(void **state)
{
	struct scene *scene = *state;

	start(scene, run_for_ever, 0);
	engine_child_wait(scene->child);
	assert_int_equal(scene->ended, 1);
	assert_true(WIFSIGNALED(scene->status) && WTERMSIG(scene->status) == SIGKILL);
}

static void test_kill(void **state)
{
	struct scene *scene = *state;

	start(scene, run_for_ever, 0);
	engine_child_kill(scene->child);
	turn(scene);
	assert_true(WIFSIGNALED(scene->status) && WTERMSIG(scene->status) == SIGKILL);
}

#define MIB (1024u * 1024u)

/* How many pieces of a MiB it gets. */
static int run_greedy(const struct engine_start *start)
{
	int count = 0;

	(void)start;
	while (count < 200 &&
	       mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		count++;
	return count;
}

static void test_memory_is_bounded(void **state)
{
	struct scene *scene = *state;

	start(scene, run_greedy, 100 * (uint64_t)MIB);
	turn(scene);
	assert_true(WIFEXITED(scene->status));
	assert_in_range(WEXITSTATUS(scene->status), 90, 100);
	/* More peers, more memory. */
	assert_true(engine_child_memory_bytes(0) > 64 * (uint64_t)MIB);
	assert_true(engine_child_memory_bytes(4000) > engine_child_memory_bytes(0) + 60 * (uint64_t)MIB);
}

static int run_with_key(const struct engine_start *start)
{
	return start->secret_key[0];
}

static void test_secret_key_goes_to_the_child(void **state)
{
	struct scene *scene = *state;
	uint8_t *key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	uint8_t *other = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	const struct engine_child_plan plan = {
		.start = { .secret_key = key },
		.run = run_with_key,
		.ended = on_ended,
		.owner = scene,
	};

	assert_non_null(key);
	assert_non_null(other);
	memset(key, 0x33, ROSENPASS_SECRET_KEY_BYTES);
	assert_int_equal(engine_child_start(&scene->child, scene->loop, &plan, &scene->channel), 0);
	assert_memory_equal(key, other, ROSENPASS_SECRET_KEY_BYTES);
	turn(scene);
	assert_int_equal(WEXITSTATUS(scene->status), 0x33);
	secret_memory_release(NULL, key, ROSENPASS_SECRET_KEY_BYTES);
	secret_memory_release(NULL, other, ROSENPASS_SECRET_KEY_BYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status),
		TEST(test_channel),
		TEST(test_hanging_one_is_killed),
		TEST(test_hanging_one_is_killed_outside_the_loop),
		TEST(test_kill),
		TEST(test_memory_is_bounded),
		TEST(test_secret_key_goes_to_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
