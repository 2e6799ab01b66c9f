/* Engine processes: how they end, what is logged about that, and how one replaces another. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "monitor/engines.h"
#include "system/clock.h"
#include "system/key_file.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define PATIENCE_NS (30 * CLOCK_SECOND_NS)
#define SAID_BYTES 4096

/* A daemon without peers and its engine process, which is a real one. */
struct scene {
	struct loop *loop;
	struct sandbox_user user;
	struct engine_events_env events;
	struct engines *engines;
	bool has_failed;
	unsigned changes; /* of the link */
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

static void changed(void *owner)
{
	((struct scene *)owner)->changes++;
}

/* As a daemon that cannot go on does. */
static void failed(void *owner)
{
	struct scene *scene = owner;

	scene->has_failed = true;
	engines_stop(scene->engines);
}

static void reported(void *owner, const struct channel_report *report)
{
	(void)owner;
	(void)report;
}

static void open_engines(struct scene *scene)
{
	const struct silence_env silence = { 0 };
	const struct engines_env env = {
		.loop = scene->loop,
		.user = &scene->user,
		.no_sandbox = true,
		.events = &scene->events,
		.changed = changed,
		.failed = failed,
		.owner = scene,
	};

	scene->events =
		(struct engine_events_env){ .loop = scene->loop, .reported = reported, .owner = scene };
	assert_int_equal(peer_set_create(&scene->events.peers, scene->loop), 0);
	assert_int_equal(silence_create(&scene->events.silence, &silence), 0);
	assert_int_equal(engines_create(&scene->engines, &env), 0);
}

static void start_engine(struct scene *scene)
{
	uint8_t *secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	char problem[KEY_FILE_PROBLEM_BYTES];

	assert_non_null(secret_key);
	assert_int_equal(key_file_read_secret(secret_key, TEST_DATA_DIR "/vectors/keys/alice.sk", problem),
	                 0);
	assert_int_equal(engines_start(scene->engines, scene->public_key.bytes, secret_key, 0), 0);
	secret_memory_release(NULL, secret_key, ROSENPASS_SECRET_KEY_BYTES);
	engines_replace(scene->engines);
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
	assert_int_equal(loop_open(&scene->loop), 0);
	scene->limit = (struct loop_timer){ .expired = on_limit, .owner = scene };
	assert_int_equal(loop_timer_add(scene->loop, &scene->limit), 0);
	open_engines(scene);
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

	engines_destroy(scene->engines);
	peer_set_destroy(scene->events.peers);
	silence_destroy(scene->events.silence);
	loop_close(scene->loop);
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

	pid_t pid = engines_pid(scene->engines);

	assert_int_equal(kill(pid, signal), 0);
	/* Most signals wait as long as a process is stopped. */
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

/* Turns the loop until there is no engine process any more, which the link shows. */
static void turn(struct scene *scene)
{
	loop_timer_set(scene->loop, &scene->limit, clock_now_ns() + PATIENCE_NS);
	while (engines_pid(scene->engines) != 0 && !scene->is_late)
		assert_int_equal(loop_turn(scene->loop), 0);
	assert_false(scene->is_late);
	assert_int_equal(engines_pid(scene->engines), 0);
	assert_null(engines_link(scene->engines));
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
	assert_true(scene->has_failed);
	/* At the start, at the end, and when the daemon stopped for that. */
	assert_int_equal(scene->changes, 3);
	assert_int_equal(count(scene, "the engine process was ended by signal 9 (Killed); ending"), 1);
}

/* The end of the channel stops the daemon, which asks the engine process to end. It was dead by then. */
static void test_channel_ends_first(void **state)
{
	struct scene *scene = *state;

	kill_engine(scene, SIGKILL);
	engine_link_serve(engines_link(scene->engines));
	assert_int_equal(engine_link_loss(engines_link(scene->engines)), ENGINE_LINK_ENDED);
	engines_lost(scene->engines, ENGINE_LINK_ENDED);
	assert_true(scene->has_failed);
	turn(scene);
	assert_true(scene->has_failed);
	assert_int_equal(count(scene, "the engine process was ended by signal 9 (Killed); ending"), 1);
}

/* What was asked for is not said. */
static void test_asked_to_end(void **state)
{
	struct scene *scene = *state;

	engines_stop(scene->engines);
	assert_null(engines_link(scene->engines));
	turn(scene);
	assert_int_equal(count(scene, "engine process"), 0);
}

/* The end of the channel is what a stop leads to. */
static void test_channel_ends_after_stop(void **state)
{
	struct scene *scene = *state;

	engines_stop(scene->engines);
	kill_engine(scene, SIGKILL);
	engines_lost(scene->engines, ENGINE_LINK_ENDED);
	turn(scene);
	assert_int_equal(count(scene, "engine process"), 0);
}

/* A fault of the engine process is said, even if the daemon is ending. */
static void test_crash_at_the_end(void **state)
{
	struct scene *scene = *state;

	(void)kill(engines_pid(scene->engines), SIGSTOP);
	engines_stop(scene->engines);
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

	engines_lost(scene->engines, ENGINE_LINK_LIES);
	turn(scene);
	assert_true(scene->has_failed);
	assert_int_equal(count(scene, "the engine process sent an invalid message; killing it"), 1);
	assert_int_equal(count(scene, "engine process"), 1);
}

/* Another engine process takes over: the old one ends, which is no reason to stop. */
static void test_replaced(void **state)
{
	struct scene *scene = *state;
	pid_t old = engines_pid(scene->engines);
	struct engine_link *link = engines_link(scene->engines);

	assert_int_equal(scene->changes, 1);
	assert_int_equal(engines_begin(scene->engines), 0);
	start_engine(scene);
	assert_int_equal(scene->changes, 2);
	assert_int_not_equal(engines_pid(scene->engines), old);
	assert_ptr_not_equal(engines_link(scene->engines), link);
	assert_int_equal(engines_begin(scene->engines), 0);
	/* Both are ours until the old one has ended. */
	assert_true(engines_have_process(scene->engines, old));
	assert_true(engines_have_process(scene->engines, engines_pid(scene->engines)));
	assert_false(engines_have_process(scene->engines, getpid()));
	loop_timer_set(scene->loop, &scene->limit, clock_now_ns() + PATIENCE_NS);
	while (engines_have_process(scene->engines, old) && !scene->is_late)
		assert_int_equal(loop_turn(scene->loop), 0);
	assert_false(scene->is_late);
	assert_false(scene->has_failed);
	assert_int_equal(count(scene, "engine process"), 0);
}

/* Without an engine process, requests go nowhere. */
static void test_none(void **state)
{
	struct scene *scene = *state;

	engines_stop(scene->engines);
	assert_int_equal(engines_begin(scene->engines), -1);
	engines_announced(scene->engines, 1);
	engines_add_socket(scene->engines, 0, STDIN_FILENO);
	engines_drop_socket(scene->engines, 0);
	engines_network_changed(scene->engines);
	engines_ask_report(scene->engines);
	turn(scene);
	assert_false(engines_have_process(scene->engines, getpid()));
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
		TEST(test_replaced),
		TEST(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
