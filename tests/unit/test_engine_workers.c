/* Threads of the engine process. CI runs this with the thread sanitizer, too. */

#include "fixture.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/workers.h"
#include "engine_steps.h"
#include "system/sandbox.h"

#define PARTS 40
#define ROUNDS 200

static void count_part(void *argument, size_t part)
{
	unsigned *counts = argument;

	counts[part]++;
}

/* Every part is done once, and all are done when the call returns, whatever the number of parts. */
static void test_every_part_once(void **state)
{
	struct engine_workers *workers;

	(void)state;
	assert_int_equal(engine_workers_start(&workers, 3), 0);
	for (size_t parts = 0; parts <= PARTS; parts++) {
		unsigned counts[PARTS + 1] = { 0 };

		for (int round = 0; round < ROUNDS; round++)
			engine_workers_run(workers, count_part, counts, parts);
		for (size_t i = 0; i < parts; i++)
			assert_int_equal(counts[i], ROUNDS);
		assert_int_equal(counts[parts], 0);
	}
	engine_workers_stop(workers);
}

static unsigned count_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	unsigned count = 0;

	assert_non_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	(void)closedir(folder);
	return count;
}

/* All are there when they have been started, and none when they have been ended. */
static void test_start_and_stop(void **state)
{
	struct engine_workers *workers;
	unsigned before = count_threads();

	(void)state;
	engine_workers_stop(NULL);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(engine_workers_start(&workers, 4), 0);
		/* Threads that have ended may be listed for a moment. */
		assert_true(count_threads() >= before + 4);
		if (i == 0)
			assert_int_equal(count_threads(), before + 4);
		engine_workers_stop(workers);
	}
	for (int i = 0; i < 1000 && count_threads() > before; i++)
		(void)usleep(1000);
	assert_int_equal(count_threads(), before);
}

static void make_socket(void *argument, size_t part)
{
	(void)argument;
	/* Parts are done in any order: all of them try. */
	if (part > 0)
		(void)socket(AF_INET, SOCK_DGRAM, 0);
	else
		(void)usleep(100000);
}

/* The address sanitizer makes calls of its own in threads, which the filter forbids. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif
#else
static const bool is_sanitized = false;
#endif

/* A child's way to its end: threads, the filter, work on them, and a forbidden call if asked for. */
static int run_child(bool is_forbidden)
{
	struct sandbox_report report = { 0 };
	struct engine_workers *workers;
	char problem[SANDBOX_PROBLEM_BYTES];
	unsigned counts[PARTS] = { 0 };
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		if (engine_workers_start(&workers, 3) != 0 || sandbox_filter(&report, problem) != 0)
			_exit(1);
		if (report.seccomp == 0)
			_exit(77);
		for (int round = 0; round < ROUNDS; round++)
			engine_workers_run(workers, count_part, counts, PARTS);
		if (is_forbidden)
			engine_workers_run(workers, make_socket, NULL, 2);
		engine_workers_stop(workers);
		_exit(counts[PARTS - 1] == ROUNDS ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Threads that were there before the filter work on under it, and end. */
static void test_filter_lets_threads_work(void **state)
{
	int status;

	(void)state;
	if (is_sanitized)
		skip();
	status = run_child(false);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* The filter holds for threads that were there before: a forbidden call of theirs ends the process. */
static void test_filter_holds_for_threads(void **state)
{
	int status = run_child(true);

	(void)state;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* Exchanges in all dialects, computed on threads, end in the same key on both sides. */
static void test_exchanges_on_threads(void **state)
{
	struct engine_workers *workers;

	(void)state;
	assert_int_equal(engine_workers_start(&workers, 3), 0);
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		struct world world;

		pair(&world, ONLY(dialect), ONLY(dialect));
		host_add(&world, CAROL, ALICE, false, ONLY(dialect));
		host_add(&world, ALICE, CAROL, true, ONLY(dialect));
		for (int i = 0; i < HOST_COUNT; i++)
			rosenpass_set_workers(world.hosts[i].engine, engine_workers_run, workers, 3);
		host_expire(&world, ALICE);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		assert_same_key(&world, ALICE, CAROL);
		world_teardown(&world);
	}
	engine_workers_stop(workers);
}

/* Distinct InitHellos in one batch: the lanes of several threads. */
static void test_batch_on_threads(void **state)
{
	struct engine_workers *workers;
	struct world world;
	struct packet hellos[HANDSHAKE_BATCH_MAX];
	struct rosenpass_datagram datagrams[HANDSHAKE_BATCH_MAX];

	(void)state;
	assert_int_equal(engine_workers_start(&workers, 2), 0);
	pair(&world, ONLY(ROSENPASS_BLAKE2B_188), ALL);
	rosenpass_set_workers(world.hosts[BOB].engine, engine_workers_run, workers, 2);
	for (size_t i = 0; i < HANDSHAKE_BATCH_MAX; i++) {
		assert_int_equal(
			rosenpass_peer_remove(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB]), 0);
		host_add(&world, ALICE, BOB, true, ONLY(ROSENPASS_BLAKE2B_188));
		host_expire(&world, ALICE);
		hellos[i] = host_take(&world, ALICE);
		datagrams[i] = (struct rosenpass_datagram){ .size = sizeof datagrams[i],
			                                    .data = hellos[i].data,
			                                    .length = hellos[i].length,
			                                    .from = host_address(ALICE) };
	}
	assert_int_equal(
		rosenpass_receive(world.hosts[BOB].engine, datagrams, HANDSHAKE_BATCH_MAX, world.now),
		HANDSHAKE_BATCH_MAX);
	host_collect(&world, BOB);
	assert_int_equal(world.hosts[BOB].outbox_used, HANDSHAKE_BATCH_MAX);
	/* The last one is the answer that Alice waits for. */
	assert_int_equal(host_receive(&world, ALICE, &world.hosts[BOB].outbox[HANDSHAKE_BATCH_MAX - 1]),
	                 ROSENPASS_ACCEPTED);
	engine_workers_stop(workers);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_part_once),
		cmocka_unit_test(test_start_and_stop),
		cmocka_unit_test(test_filter_lets_threads_work),
		cmocka_unit_test(test_filter_holds_for_threads),
		cmocka_unit_test(test_exchanges_on_threads),
		cmocka_unit_test(test_batch_on_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
