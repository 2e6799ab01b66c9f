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

#include "monitor/commands.h"
#include "system/resolver_pool.h"
#include "system/log.h"

/* Connections that each client makes. */
#define EACH 3

struct scene {
	struct loop *loop;
	struct resolver_pool *resolvers;
	struct commands *commands;
	pid_t engine; /* the engine process; 0: none */
	bool is_stopping;
	unsigned asked; /* for a report */
	unsigned collected;
	char folder[64];
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

	commands_drain(scene->commands);
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
	resolver_pool_ask(scene->resolvers, &scene->request);
	loop_advance(scene->loop, 1);
	assert_true(scene->request.is_running);
	assert_true(resolver_pool_has_process(scene->resolvers, pid));
}

static bool is_stopping(void *owner)
{
	return ((const struct scene *)owner)->is_stopping;
}

static void ask_report(void *owner)
{
	((struct scene *)owner)->asked++;
}

static json_t *collect_status(void *owner, uint64_t now_ns)
{
	(void)now_ns;
	return json_pack("{s:i}", "collected", (int)++((struct scene *)owner)->collected);
}

static const char *helper(void *owner, pid_t pid)
{
	const struct scene *scene = owner;

	if (pid == scene->engine)
		return "engine process";
	return resolver_pool_has_process(scene->resolvers, pid) ? "resolver process" : NULL;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	struct commands_env env = {
		.name = "x",
		.is_stopping = is_stopping,
		.ask_report = ask_report,
		.collect_status = collect_status,
		.helper = helper,
	};

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	assert_int_equal(setenv("RUNTIME_DIRECTORY", scene->folder, 1), 0);
	assert_int_equal(loop_open_simulated(&scene->loop, 1), 0);
	assert_int_equal(resolver_pool_create(&scene->resolvers, scene->loop,
	                                      &(struct resolver_pool_owner){ .start = start_resolver,
	                                                                     .ended = resolver_ended,
	                                                                     .owner = scene }),
	                 0);
	env.loop = scene->loop;
	env.owner = scene;
	assert_int_equal(commands_open(&scene->commands, &env), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	commands_close(scene->commands);
	assert_int_equal(rmdir(scene->folder), 0);
	resolver_pool_destroy(scene->resolvers);
	loop_close(scene->loop);
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

static size_t count_clients(const struct scene *scene)
{
	return commands_count(scene->commands);
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
	size_t before = count_clients(scene);
	size_t got;
	char byte;

	assert_int_equal(pipe(said), 0);
	child = start_client(scene, depth, said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	if (role == ENGINE)
		scene->engine = child;
	if (role == RESOLVER)
		adopt_resolver(scene, child, dup(said[0]));
	commands_drain(scene->commands);
	got = count_clients(scene) - before;
	scene->engine = 0;
	if (role == RESOLVER) {
		resolver_pool_cancel(scene->resolvers, &scene->request);
		loop_advance(scene->loop, 1);
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
		resolver_pool_cancel(scene->resolvers, &scene->request);
	assert_int_equal(loop_turn(scene->loop), 0);
	assert_false(scene->request.is_running);
	assert_int_equal(waitpid(child, NULL, WNOHANG), -1);
	/* Nothing waits that would be accepted now. */
	commands_drain(scene->commands);
	assert_int_equal(count_clients(scene), 0);
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
	assert_int_equal(count_clients(scene), 4 * EACH);
	assert_int_equal(served(scene, RESOLVER, 0), 0);
	assert_int_equal(count_clients(scene), 4 * EACH);
	/* Without a socket there is nothing to do. */
	commands_close(scene->commands);
	scene->commands = NULL;
	commands_drain(NULL);
}

/* --- requests -------------------------------------------------------------------------------------- */

static int open_client(const struct scene *scene, const char *request)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/x.sock", scene->folder);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	return fd;
}

static void turn(const struct scene *scene)
{
	for (int i = 0; i < 4; i++) {
		loop_advance(scene->loop, 1);
		assert_int_equal(loop_turn(scene->loop), 0);
	}
}

/* Returns true if the client has got an answer with these words, or NULL: none. */
static bool has_answer(int fd, const char *words)
{
	char text[512] = "";
	ssize_t length = read(fd, text, sizeof text - 1);

	if (words == NULL)
		return length < 0 && errno == EAGAIN;
	return length > 0 && strstr(text, words) != NULL;
}

/* One report serves all who wait for it. */
static void test_status(void **state)
{
	struct scene *scene = *state;
	int first = open_client(scene, "{\"command\": \"status\"}\n");
	int second = open_client(scene, "{\"command\": \"status\"}\n");

	turn(scene);
	assert_int_equal(scene->asked, 1);
	assert_true(has_answer(first, NULL));
	commands_report(scene->commands);
	turn(scene);
	assert_true(has_answer(first, "\"collected\""));
	assert_true(has_answer(second, "\"collected\""));
	assert_int_equal(scene->collected, 2);
	(void)close(first);
	/* Without a report, what is known is better than nothing. */
	assert_true(write(second, "{\"command\": \"status\"}\n", 22) == 22);
	turn(scene);
	assert_int_equal(scene->asked, 2);
	loop_advance(scene->loop, 4000000000);
	assert_int_equal(scene->collected, 2);
	loop_advance(scene->loop, 2000000000);
	turn(scene);
	assert_true(has_answer(second, "\"collected\""));
	/* Another engine process is asked for what the one before did not say. */
	assert_true(write(second, "{\"command\": \"status\"}\n", 22) == 22);
	turn(scene);
	commands_ask_again(scene->commands);
	assert_int_equal(scene->asked, 4);
	commands_report(scene->commands);
	(void)close(second);
}

/* A daemon that stops says what it knows, and changes nothing. */
static void test_stopping(void **state)
{
	struct scene *scene = *state;
	int client = open_client(scene, "{\"command\": \"status\"}\n");

	scene->is_stopping = true;
	turn(scene);
	assert_int_equal(scene->asked, 0);
	assert_true(has_answer(client, "\"collected\""));
	assert_true(write(client, "{\"command\": \"reload\"}\n", 22) == 22);
	turn(scene);
	assert_true(has_answer(client, "the daemon stops"));
	(void)close(client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_helpers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_programs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stopping, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
