/* What the engine process tells the monitor, and in which order. */

#include "engine/parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child_fixture.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define PEERS 3

struct scene {
	struct engine_process *process;
	struct engine_peer peers[PEERS];
	int monitor; /* its end of the channel */
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	int pair[2];

	assert_non_null(scene);
	scene->process = calloc(1, sizeof *scene->process);
	assert_non_null(scene->process);
	assert_int_equal(channel_open(pair), 0);
	scene->monitor = pair[0];
	scene->process->channel = pair[1];
	scene->process->queue_last = &scene->process->queue_first;
	for (uint32_t i = 0; i < PEERS; i++) {
		scene->peers[i].slot = i;
		scene->peers[i].serial = 10 + i;
		scene->peers[i].key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
		assert_non_null(scene->peers[i].key);
	}
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < PEERS; i++)
		secret_memory_release(NULL, scene->peers[i].key, ROSENPASS_KEY_BYTES);
	(void)close(scene->monitor);
	(void)close(scene->process->channel);
	free(scene->process);
	free(scene);
	return 0;
}

static void tell_key(struct scene *scene, size_t i, int byte)
{
	memset(scene->peers[i].key, byte, ROSENPASS_KEY_BYTES);
	report_queue_add(scene->process, &scene->peers[i], REPORT_KEY);
}

static void check_event(const struct scene *scene, uint32_t kind, size_t i)
{
	struct channel_event event;

	assert_int_equal(channel_receive_event(scene->monitor, &event), 1);
	assert_int_equal(event.kind, kind);
	assert_int_equal(event.slot, i);
	assert_int_equal(event.serial, 10 + i);
}

static void check_no_event(const struct scene *scene)
{
	struct channel_event event;

	assert_int_equal(channel_receive_event(scene->monitor, &event), 0);
	assert_false(engine_report_waits(scene->process));
}

static void test_key(void **state)
{
	struct scene *scene = *state;
	struct channel_event event;
	uint8_t expected[ROSENPASS_KEY_BYTES];

	memset(expected, 7, sizeof expected);
	tell_key(scene, 1, 7);
	assert_true(engine_report_waits(scene->process));
	assert_true(engine_report_send(scene->process));
	assert_int_equal(channel_receive_event(scene->monitor, &event), 1);
	assert_int_equal(event.kind, CHANNEL_KEY);
	assert_memory_equal(event.key.key, expected, sizeof expected);
	check_no_event(scene);
	/* It is the monitor's from now on. */
	assert_true(fixture_is_zero(scene->peers[1].key, ROSENPASS_KEY_BYTES));
}

/* Of a key and its end only the later one counts. */
static void test_key_and_end(void **state)
{
	struct scene *scene = *state;

	tell_key(scene, 0, 7);
	report_queue_add(scene->process, &scene->peers[0], REPORT_STALE);
	assert_true(fixture_is_zero(scene->peers[0].key, ROSENPASS_KEY_BYTES));
	assert_true(engine_report_send(scene->process));
	check_event(scene, CHANNEL_STALE, 0);
	check_no_event(scene);

	report_queue_add(scene->process, &scene->peers[0], REPORT_STALE);
	report_queue_add(scene->process, &scene->peers[0], REPORT_TIMED_OUT);
	tell_key(scene, 0, 8);
	assert_true(engine_report_send(scene->process));
	check_event(scene, CHANNEL_KEY, 0);
	check_no_event(scene);
}

/* In the order in which they came; those that go are told no more, wherever they stand. */
static void test_order(void **state)
{
	struct scene *scene = *state;

	for (size_t forgotten = 0; forgotten < PEERS; forgotten++) {
		for (size_t i = 0; i + 1 < PEERS; i++)
			tell_key(scene, i, 7);
		report_queue_forget(scene->process, &scene->peers[forgotten]);
		tell_key(scene, PEERS - 1, 7);
		assert_true(engine_report_send(scene->process));
		for (size_t i = 0; i < PEERS; i++) {
			if (i != forgotten || i == PEERS - 1)
				check_event(scene, CHANNEL_KEY, i);
		}
		check_no_event(scene);
	}
}

/* A peer that has several things to tell stands in the list once. */
static void test_several(void **state)
{
	struct scene *scene = *state;

	report_queue_add(scene->process, &scene->peers[2], REPORT_FAILED);
	tell_key(scene, 2, 7);
	report_queue_add(scene->process, &scene->peers[0], REPORT_TIMED_OUT);
	report_queue_add(scene->process, &scene->peers[2], REPORT_FAILED);
	assert_true(engine_report_send(scene->process));
	check_event(scene, CHANNEL_KEY, 2);
	check_event(scene, CHANNEL_PEER_FAILED, 2);
	check_event(scene, CHANNEL_TIMED_OUT, 0);
	check_no_event(scene);
}

/* The monitor is gone. */
static void test_broken(void **state)
{
	struct scene *scene = *state;

	(void)close(scene->monitor);
	scene->monitor = -1;
	tell_key(scene, 0, 7);
	assert_false(engine_report_send(scene->process));
}

/* A peer that there is no memory for is refused, and the process goes on. A sanitizer would end it. */
static void test_no_memory_for_a_peer(void **state)
{
	struct scene *scene = *state;
	struct channel_request request;
	struct channel_event event;
	struct rlimit before;
	struct rlimit none;
	bool goes_on;

	if (CHILD_SANITIZED)
		skip();
	memset(&request, 0, sizeof request);
	request.kind = CHANNEL_ADD_PEER;
	request.slot = CHANNEL_PEERS_MAX - 1;
	request.serial = 99;
	log_set_level(LOG_OFF);
	assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
	none = (struct rlimit){ .rlim_cur = 4096, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_DATA, &none), 0);
	goes_on = engine_peers_add(scene->process, &request, -1);
	assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
	assert_true(goes_on);
	assert_int_equal(channel_receive_event(scene->monitor, &event), 1);
	assert_int_equal(event.kind, CHANNEL_PEER_FAILED);
	assert_int_equal(event.slot, CHANNEL_PEERS_MAX - 1);
	assert_int_equal(event.serial, 99);
	assert_int_equal(event.error, ROSENPASS_E_MEMORY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_key),     TEST(test_key_and_end), TEST(test_order),
		TEST(test_several), TEST(test_broken),      TEST(test_no_memory_for_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
