/*
 * Whom the control socket of a daemon serves, by the process that connects: not the engine process nor
 * resolvers.
 */

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "monitor/commands.h"
#include "system/log.h"

/* Connections that each client makes. */
#define EACH 3

struct scene {
	struct monitor monitor;
	char folder[64];
	char name[8];
	pid_t resolver; /* that the pool starts next */
	int resolver_fd;
	struct resolver_request request;
};

static int start_resolver(void *owner, struct resolver_job *job, const char *text)
{
	const struct scene *scene = owner;

	(void)text;
	*job = (struct resolver_job){ .pid = scene->resolver, .fd = scene->resolver_fd };
	return 0;
}

static void resolver_ended(void *owner)
{
	struct scene *scene = owner;

	commands_drain(scene->monitor.commands);
}

static void answered(void *owner, const union address_socket *addresses, size_t count, const char *problem)
{
	(void)owner;
	(void)addresses;
	(void)count;
	(void)problem;
}

/* The process becomes one of the pool. */
static void adopt_resolver(struct scene *scene, pid_t pid, int fd)
{
	scene->resolver = pid;
	scene->resolver_fd = fd;
	scene->request = (struct resolver_request){ .text = "a.test:1", .answered = answered };
	resolver_pool_ask(scene->monitor.resolvers, &scene->request);
	loop_advance(scene->monitor.loop, 1);
	assert_true(scene->request.is_running);
	assert_true(resolver_pool_has_process(scene->monitor.resolvers, pid));
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	char problem[SERVER_SOCKET_PROBLEM_BYTES];

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	assert_int_equal(setenv("RUNTIME_DIRECTORY", scene->folder, 1), 0);
	(void)strcpy(scene->name, "x");
	scene->monitor.name = scene->name;
	assert_int_equal(loop_open_simulated(&scene->monitor.loop, 1), 0);
	assert_int_equal(resolver_pool_create(&scene->monitor.resolvers, scene->monitor.loop,
	                                      &(struct resolver_pool_owner){ .start = start_resolver,
	                                                                     .ended = resolver_ended,
	                                                                     .owner = scene }),
	                 0);
	assert_int_equal(peer_set_create(&scene->monitor.peers, scene->monitor.loop), 0);
	assert_int_equal(commands_open(&scene->monitor.commands, &scene->monitor, problem), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	commands_close(scene->monitor.commands);
	assert_int_equal(rmdir(scene->folder), 0);
	peer_set_destroy(scene->monitor.peers);
	resolver_pool_destroy(scene->monitor.resolvers);
	loop_close(scene->monitor.loop);
	free(scene);
	return 0;
}

static void connect_all(const struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/x.sock", scene->folder);
	for (int i = 0; i < EACH; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
			_exit(1);
	}
}

/*
 * A child that connects by itself (depth 0) or by a descendant, and says so by a byte. It stays, and so does
 * what it has started, until it is killed: each ends with the descriptor that its parent holds.
 */
static pid_t start_client(const struct scene *scene, int depth, int said)
{
	pid_t child;
	char byte;
	int life[2];

	assert_int_equal(pipe(life), 0);
	child = fork();
	assert_true(child >= 0);
	if (child > 0) {
		(void)close(life[0]);
		return child;
	}
	(void)close(life[1]);
	if (depth > 0) {
		(void)start_client(scene, depth - 1, said);
	} else {
		connect_all(scene);
		if (write(said, "c", 1) != 1)
			_exit(1);
	}
	/* The end of the parent, however it comes. */
	(void)!read(life[0], &byte, 1);
	_exit(0);
}

static size_t count_clients(const struct monitor *monitor)
{
	return commands_count(monitor->commands);
}

enum role {
	ENGINE,
	RESOLVER,
	NEITHER
};

/* How many of its connections are served. */
static size_t served(struct scene *scene, enum role role, int depth)
{
	int said[2];
	pid_t child;
	size_t before = count_clients(&scene->monitor);
	size_t got;
	char byte;

	assert_int_equal(pipe(said), 0);
	child = start_client(scene, depth, said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	if (role == ENGINE)
		scene->monitor.engine_pid = child;
	if (role == RESOLVER)
		adopt_resolver(scene, child, dup(said[0]));
	commands_drain(scene->monitor.commands);
	got = count_clients(&scene->monitor) - before;
	scene->monitor.engine_pid = 0;
	if (role == RESOLVER) {
		resolver_pool_cancel(scene->monitor.resolvers, &scene->request);
		loop_advance(scene->monitor.loop, 1);
	} else {
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	(void)close(said[0]);
	(void)close(said[1]);
	return got;
}

static void test_helpers(void **state)
{
	for (int depth = 0; depth < 3; depth++) {
		assert_int_equal(served(*state, ENGINE, depth), 0);
		assert_int_equal(served(*state, RESOLVER, depth), 0);
	}
}

/* Children of ours that are programs: hooks, and what these start. */
static void test_programs(void **state)
{
	assert_int_equal(served(*state, NEITHER, 0), EACH);
	assert_int_equal(served(*state, NEITHER, 2), EACH);
}

/*
 * A resolver that has connected and ended is known until it is collected, whether its answer is taken or its
 * request cancelled: the pool lets the connections be looked at in between.
 */
static void check_ended(struct scene *scene, bool is_cancelled)
{
	siginfo_t info;
	int ends[2];
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		connect_all(scene);
		_exit(0);
	}
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	(void)close(ends[1]);
	adopt_resolver(scene, child, ends[0]);
	if (is_cancelled)
		resolver_pool_cancel(scene->monitor.resolvers, &scene->request);
	assert_int_equal(loop_turn(scene->monitor.loop), 0);
	assert_false(scene->request.is_running);
	assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
	/* Nothing waits that would be accepted now. */
	commands_drain(scene->monitor.commands);
	assert_int_equal(count_clients(&scene->monitor), 0);
}

static void test_ended(void **state)
{
	check_ended(*state, false);
	check_ended(*state, true);
}

/* Clients that are served already stay, whoever is refused. */
static void test_others_stay(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 4; i++)
		(void)served(scene, NEITHER, 0);
	assert_int_equal(count_clients(&scene->monitor), 4 * EACH);
	assert_int_equal(served(scene, RESOLVER, 0), 0);
	assert_int_equal(count_clients(&scene->monitor), 4 * EACH);
	/* Without a socket there is nothing to do. */
	commands_close(scene->monitor.commands);
	scene->monitor.commands = NULL;
	commands_drain(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_helpers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_programs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_stay, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
