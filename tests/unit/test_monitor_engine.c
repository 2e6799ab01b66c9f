/* How the monitor takes the end of its engine process, and what it says about it. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "fixture.h"
#include "system/clock.h"
#include "system/key_file.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define PATIENCE_NS (30 * CLOCK_SECOND_NS)
#define SAID_BYTES 4096

/* A monitor without peers and its engine process, which is a real one. */
struct scene {
	struct monitor monitor;
	struct shared_key public_key;
	struct loop_timer limit; /* of how long a test waits */
	bool is_late;
	FILE *log;
	int saved_stderr;
	char said[SAID_BYTES];
};

static void on_limit(void *owner)
{
	struct scene *scene = owner;

	scene->is_late = true;
}

static void start_engine(struct scene *scene)
{
	uint8_t *secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	char problem[KEY_FILE_PROBLEM_BYTES];

	assert_non_null(secret_key);
	assert_int_equal(key_file_read_secret(secret_key, TEST_DATA_DIR "/vectors/keys/alice.sk", problem),
	                 0);
	assert_int_equal(monitor_engine_start(&scene->monitor, scene->public_key.bytes, secret_key, 0), 0);
	secret_memory_release(NULL, secret_key, ROSENPASS_SECRET_KEY_BYTES);
	monitor_engine_replace(&scene->monitor);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	char problem[KEY_FILE_PROBLEM_BYTES];

	assert_non_null(scene);
	*state = scene;
	scene->log = tmpfile();
	assert_non_null(scene->log);
	scene->saved_stderr = dup(STDERR_FILENO);
	assert_true(scene->saved_stderr >= 0);
	assert_int_equal(
		key_file_read_public(&scene->public_key, TEST_DATA_DIR "/vectors/keys/alice.pk", problem), 0);
	assert_int_equal(loop_open(&scene->monitor.loop), 0);
	scene->monitor.options.no_sandbox = true;
	scene->limit = (struct loop_timer){ .expired = on_limit, .owner = scene };
	assert_int_equal(loop_timer_add(scene->monitor.loop, &scene->limit), 0);
	assert_int_equal(monitor_delivery_open(&scene->monitor), 0);
	assert_int_equal(monitor_peers_open(&scene->monitor), 0);
	log_set_level(LOG_WARN);
	assert_true(dup2(fileno(scene->log), STDERR_FILENO) >= 0);
	/* The engine process would inherit cmocka's handler. */
	(void)signal(SIGSYS, SIG_DFL);
	start_engine(scene);
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	monitor_engine_end(&scene->monitor);
	monitor_peers_close(&scene->monitor);
	monitor_delivery_close(&scene->monitor);
	loop_close(scene->monitor.loop);
	shared_key_release(&scene->public_key);
	(void)dup2(scene->saved_stderr, STDERR_FILENO);
	(void)close(scene->saved_stderr);
	(void)fclose(scene->log);
	free(scene);
	return 0;
}

/*
 * Kills the engine process, which may be stopped, and waits until it has ended without taking that from the
 * loop.
 */
static void kill_engine(const struct scene *scene, int signal)
{
	siginfo_t info;

	assert_int_equal(kill(scene->monitor.engine_pid, signal), 0);
	/* Most signals wait as long as a process is stopped. */
	assert_int_equal(kill(scene->monitor.engine_pid, SIGCONT), 0);
	assert_int_equal(waitid(P_PID, (id_t)scene->monitor.engine_pid, &info, WEXITED | WNOWAIT), 0);
}

/* Turns the loop until the monitor has no engine process any more. */
static void turn(struct scene *scene)
{
	loop_timer_set(scene->monitor.loop, &scene->limit, clock_now_ns() + PATIENCE_NS);
	while (scene->monitor.engine != NULL && !scene->is_late)
		assert_int_equal(loop_turn(scene->monitor.loop), 0);
	assert_false(scene->is_late);
	assert_true(scene->monitor.stopping);
	assert_int_equal(scene->monitor.engine_pid, 0);
}

/* How often the log has these words. */
static size_t count(struct scene *scene, const char *words)
{
	size_t times = 0;
	size_t length;

	rewind(scene->log);
	length = fread(scene->said, 1, sizeof scene->said - 1, scene->log);
	scene->said[length] = '\0';
	for (const char *at = scene->said; (at = strstr(at, words)) != NULL; at++)
		times++;
	return times;
}

static void test_killed(void **state)
{
	struct scene *scene = *state;

	kill_engine(scene, SIGKILL);
	turn(scene);
	assert_int_equal(scene->monitor.status, EXIT_FAILURE);
	assert_int_equal(count(scene, "the engine process was ended by signal 9 (Killed); ending"), 1);
}

/* The end of the channel stops the daemon, which asks the engine process to end. It was dead by then. */
static void test_channel_ends_first(void **state)
{
	struct scene *scene = *state;

	kill_engine(scene, SIGKILL);
	engine_link_serve(scene->monitor.engine->link);
	assert_int_equal(engine_link_loss(scene->monitor.engine->link), ENGINE_LINK_ENDED);
	monitor_engine_lost(scene->monitor.engine, ENGINE_LINK_ENDED);
	assert_true(scene->monitor.stopping);
	turn(scene);
	assert_int_equal(scene->monitor.status, EXIT_FAILURE);
	assert_int_equal(count(scene, "the engine process was ended by signal 9 (Killed); ending"), 1);
}

/* What was asked for is not said. */
static void test_asked_to_end(void **state)
{
	struct scene *scene = *state;

	monitor_stop(&scene->monitor, EXIT_SUCCESS);
	turn(scene);
	assert_int_equal(scene->monitor.status, EXIT_SUCCESS);
	assert_int_equal(count(scene, "engine process"), 0);
}

/* The end of the channel is what a stop leads to. */
static void test_channel_ends_after_stop(void **state)
{
	struct scene *scene = *state;

	monitor_stop(&scene->monitor, EXIT_SUCCESS);
	kill_engine(scene, SIGKILL);
	monitor_engine_lost(scene->monitor.engine, ENGINE_LINK_ENDED);
	turn(scene);
	assert_int_equal(count(scene, "engine process"), 0);
}

/* A fault of the engine process is said, even if the daemon is ending. */
static void test_crash_at_the_end(void **state)
{
	struct scene *scene = *state;

	(void)kill(scene->monitor.engine_pid, SIGSTOP);
	monitor_stop(&scene->monitor, EXIT_SUCCESS);
	kill_engine(scene, SIGABRT);
	turn(scene);
	assert_int_equal(count(scene, "was ended by signal 6"), 1);
}

static void test_system_call(void **state)
{
	struct scene *scene = *state;

	kill_engine(scene, SIGSYS);
	turn(scene);
	assert_int_equal(count(scene, "a system call that it may not make"), 1);
}

/* The reason for killing it is said, and nothing about the end that follows. */
static void test_liar(void **state)
{
	struct scene *scene = *state;

	monitor_engine_lost(scene->monitor.engine, ENGINE_LINK_LIES);
	turn(scene);
	assert_int_equal(scene->monitor.status, EXIT_FAILURE);
	assert_int_equal(count(scene, "the engine process sent an invalid message; killing it"), 1);
	assert_int_equal(count(scene, "engine process"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_killed),
		TEST(test_channel_ends_first),
		TEST(test_asked_to_end),
		TEST(test_channel_ends_after_stop),
		TEST(test_crash_at_the_end),
		TEST(test_system_call),
		TEST(test_liar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
