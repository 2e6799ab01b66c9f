/* The control socket: lines, clients that leave or do not read, and who is served. */

#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/server.h"
#include "system/log.h"

/* Connections that each process makes. */
#define EACH 3
#define NOBODY 65534
/* More than the kernel keeps for a client that does not read. */
#define LARGE_BYTES (4 * 1024 * 1024)
#define CALLS 8

enum mode {
	AT_ONCE, /* each request is answered with its member "n" */
	LATER,   /* calls are kept */
	LARGE,   /* with an answer that does not fit into the socket */
};

struct scene {
	char directory[64];
	struct loop *loop;
	struct loop_timer guard; /* turns do not wait */
	struct control_server *server;
	enum mode mode;
	struct control_call *calls[CALLS];
	size_t call_count;
	size_t served;
	pid_t helper; /* 0: none */
	int clients[128];
	size_t client_count;
};

static void request(void *owner, struct control_call *call, json_t *object)
{
	struct scene *scene = owner;
	char *text;

	assert_true(json_is_object(object));
	scene->served++;
	switch (scene->mode) {
	case AT_ONCE:
		control_answer(call, json_pack("{s:b, s:O?}", "ok", 1, "n", json_object_get(object, "n")));
		break;
	case LATER:
		assert_true(scene->call_count < CALLS);
		scene->calls[scene->call_count++] = call;
		break;
	case LARGE:
		text = calloc(1, LARGE_BYTES + 1);
		assert_non_null(text);
		memset(text, 'x', LARGE_BYTES);
		control_answer(call, json_pack("{s:s}", "text", text));
		free(text);
		break;
	}
}

static const char *helper(void *owner, pid_t pid)
{
	const struct scene *scene = owner;

	return scene->helper != 0 && pid == scene->helper ? "helper" : NULL;
}

static void nothing(void *owner)
{
	(void)owner;
}

static int open_server(struct scene *scene)
{
	static const struct control_server_events events = { .request = request, .helper = helper };
	char problem[SERVER_SOCKET_PROBLEM_BYTES];

	return control_server_open(&scene->server, scene->loop, "x", &events, scene, problem);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	(void)snprintf(scene->directory, sizeof scene->directory, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->directory));
	assert_int_equal(setenv("RUNTIME_DIRECTORY", scene->directory, 1), 0);
	assert_int_equal(loop_open(&scene->loop), 0);
	scene->guard = (struct loop_timer){ .expired = nothing };
	assert_int_equal(loop_timer_add(scene->loop, &scene->guard), 0);
	assert_int_equal(open_server(scene), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < scene->client_count; i++)
		(void)close(scene->clients[i]);
	control_server_close(scene->server);
	loop_close(scene->loop);
	/* Neither the socket nor its lock is left. */
	assert_int_equal(rmdir(scene->directory), 0);
	free(scene);
	return 0;
}

/* So many turns that everything that can be done is done. */
static void run(struct scene *scene)
{
	for (int i = 0; i < 100; i++) {
		loop_timer_set(scene->loop, &scene->guard, loop_now_ns(scene->loop));
		assert_int_equal(loop_turn(scene->loop), 0);
	}
}

static int connect_one(const struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/x.sock", scene->directory);
	return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* A client that is closed at the end of the test. */
static int add_client(struct scene *scene)
{
	int fd = connect_one(scene);

	assert_true(fd >= 0);
	scene->clients[scene->client_count++] = fd;
	run(scene);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything that has come; "closed" is appended if the connection is. */
static void expect(struct scene *scene, int fd, const char *expected)
{
	char text[1024] = "";
	size_t length = 0;
	ssize_t got;

	run(scene);
	while ((got = recv(fd, text + length, sizeof text - 8 - length, MSG_DONTWAIT)) > 0)
		length += (size_t)got;
	if (got == 0 || errno == ECONNRESET)
		(void)strcat(text, "closed");
	assert_string_equal(text, expected);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void test_split_line(void **state)
{
	static const char text[] = "{\"n\": 1}";
	struct scene *scene = *state;
	int fd = add_client(scene);

	for (size_t i = 0; text[i] != '\0'; i++) {
		char byte[2] = { text[i], '\0' };

		say(fd, byte);
		expect(scene, fd, "");
	}
	assert_int_equal(scene->served, 0);
	say(fd, "\n");
	expect(scene, fd, "{\"ok\":true,\"n\":1}\n");
	assert_int_equal(scene->served, 1);
}

static void test_several_lines(void **state)
{
	struct scene *scene = *state;
	int fd = add_client(scene);

	say(fd, "{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n{\"n\"");
	expect(scene, fd, "{\"ok\":true,\"n\":1}\n{\"ok\":true,\"n\":2}\n{\"ok\":true,\"n\":3}\n");
	say(fd, ": 4}\n");
	expect(scene, fd, "{\"ok\":true,\"n\":4}\n");
}

/* Each client has its turn, however many requests another one has sent at once. */
static void test_turns(void **state)
{
	struct scene *scene = *state;
	int many = add_client(scene);
	int one = add_client(scene);
	char answer[64];

	for (int i = 0; i < 50; i++)
		say(many, "{\"n\": 0}\n");
	say(one, "{\"n\": 1}\n");
	for (int i = 0; i < 4; i++) {
		loop_timer_set(scene->loop, &scene->guard, loop_now_ns(scene->loop));
		assert_int_equal(loop_turn(scene->loop), 0);
	}
	assert_true(scene->served < 20);
	assert_true(recv(one, answer, sizeof answer, MSG_DONTWAIT) > 0);
	run(scene);
	assert_int_equal(scene->served, 51);
}

static void test_bad_lines(void **state)
{
	static const char *const lines[] = { "{\n",   "\n", "[]\n", "\"status\"\n", "{\"n\":1,\"n\":2}\n",
		                             "\xff\n" };
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		int fd = add_client(scene);

		say(fd, lines[i]);
		say(fd, "{\"n\": 1}\n");
		expect(scene, fd, "{\"ok\":false,\"error\":\"expected one JSON object a line\"}\nclosed");
	}
	assert_int_equal(scene->served, 0);
	assert_int_equal(control_server_count(scene->server), 0);
}

static void test_long_line(void **state)
{
	struct scene *scene = *state;
	char *line = calloc(1, CONTROL_LINE_BYTES + 1);
	int fd = add_client(scene);

	assert_non_null(line);
	/* The longest: spaces after the object, and the line end. */
	memset(line, ' ', CONTROL_LINE_BYTES);
	memcpy(line, "{\"n\": 1}", 8);
	line[CONTROL_LINE_BYTES - 1] = '\n';
	say(fd, line);
	expect(scene, fd, "{\"ok\":true,\"n\":1}\n");
	line[CONTROL_LINE_BYTES - 1] = ' ';
	say(fd, line);
	expect(scene, fd, "");
	say(fd, "\n");
	expect(scene, fd, "closed");
	assert_int_equal(scene->served, 1);
	assert_int_equal(control_server_count(scene->server), 0);
	free(line);
}

/* A client that has sent all it has to say, and reads. */
static void test_half_closed(void **state)
{
	struct scene *scene = *state;
	int fd = add_client(scene);

	say(fd, "{\"n\": 1}\n{\"n\": 2}\n{\"n\"");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect(scene, fd, "{\"ok\":true,\"n\":1}\n{\"ok\":true,\"n\":2}\nclosed");
	scene->mode = LATER;
	fd = add_client(scene);
	say(fd, "{}\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect(scene, fd, "");
	control_answer(scene->calls[0], json_pack("{}"));
	expect(scene, fd, "{}\nclosed");
}

/* --- clients that leave ------------------------------------------------------------------------ */

/* Before it was accepted: the places are for those that are there. */
static void test_gone_at_once(void **state)
{
	struct scene *scene = *state;
	int fd = add_client(scene);

	for (int i = 0; i < 2 * CONTROL_CLIENTS; i++) {
		int gone = connect_one(scene);

		say(gone, "{\"n\": 1}\n");
		assert_int_equal(close(gone), 0);
		loop_timer_set(scene->loop, &scene->guard, loop_now_ns(scene->loop));
		assert_int_equal(loop_turn(scene->loop), 0);
		assert_int_equal(control_server_count(scene->server), 1);
	}
	assert_int_equal(scene->served, 0);
	say(fd, "{\"n\": 2}\n");
	expect(scene, fd, "{\"ok\":true,\"n\":2}\n");
}

static void test_gone_before(void **state)
{
	struct scene *scene = *state;
	int fd = connect_one(scene);

	/* Before it was accepted. */
	say(fd, "{\"n\": 1}\n");
	assert_int_equal(close(fd), 0);
	run(scene);
	assert_int_equal(scene->served, 0);
	assert_int_equal(control_server_count(scene->server), 0);
	/* Between two requests: the second one is not begun. */
	scene->mode = LATER;
	fd = connect_one(scene);
	run(scene);
	say(fd, "{\"n\": 1}\n{\"n\": 2}\n");
	run(scene);
	assert_int_equal(scene->served, 1);
	assert_int_equal(close(fd), 0);
	control_answer(scene->calls[0], json_pack("{}"));
	run(scene);
	assert_int_equal(scene->served, 1);
	assert_int_equal(control_server_count(scene->server), 0);
}

/* The daemon was busy with another request: the lines were read, and the client has left meanwhile. */
static void busy(void *owner, struct control_call *call, json_t *object)
{
	struct scene *scene = owner;

	(void)object;
	scene->served++;
	if (scene->clients[1] >= 0)
		(void)close(scene->clients[1]);
	scene->clients[1] = -1;
	control_answer(call, json_pack("{}"));
}

static void test_gone_while_busy(void **state)
{
	static const struct control_server_events events = { .request = busy, .helper = helper };
	struct scene *scene = *state;
	char problem[SERVER_SOCKET_PROBLEM_BYTES];

	control_server_close(scene->server);
	assert_int_equal(control_server_open(&scene->server, scene->loop, "x", &events, scene, problem), 0);
	(void)add_client(scene);
	(void)add_client(scene);
	say(scene->clients[0], "{}\n");
	say(scene->clients[1], "{}\n");
	run(scene);
	assert_int_equal(scene->served, 1);
	assert_int_equal(control_server_count(scene->server), 1);
}

static void test_gone_while_served(void **state)
{
	struct scene *scene = *state;
	int fd = connect_one(scene);

	scene->mode = LATER;
	say(fd, "{}\n");
	run(scene);
	assert_int_equal(scene->served, 1);
	assert_true(control_is_wanted(scene->calls[0]));
	assert_int_equal(close(fd), 0);
	run(scene);
	assert_false(control_is_wanted(scene->calls[0]));
	assert_int_equal(control_server_count(scene->server), 0);
	control_answer(scene->calls[0], json_pack("{}"));
	/* A call outlives the server. */
	fd = connect_one(scene);
	say(fd, "{}\n");
	run(scene);
	control_server_close(scene->server);
	assert_false(control_is_wanted(scene->calls[1]));
	control_refuse(scene->calls[1], "too late");
	assert_int_equal(open_server(scene), 0);
	(void)close(fd);
}

/* --- clients that take up places ----------------------------------------------------------------- */

static void test_idle(void **state)
{
	struct scene *scene = *state;
	int first = add_client(scene);
	int second = add_client(scene);

	for (int i = 2; i < CONTROL_CLIENTS; i++)
		(void)add_client(scene);
	/* The first one has done something since. */
	say(first, "{\"n\": 1}\n");
	expect(scene, first, "{\"ok\":true,\"n\":1}\n");
	expect(scene, second, "");
	assert_int_equal(control_server_count(scene->server), CONTROL_CLIENTS);
	(void)add_client(scene);
	expect(scene, first, "");
	expect(scene, second, "closed");
	assert_int_equal(control_server_count(scene->server), CONTROL_CLIENTS);
}

static void test_no_reader(void **state)
{
	struct scene *scene = *state;
	int fd;

	scene->mode = LARGE;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		say(add_client(scene), "{}\n");
	run(scene);
	assert_int_equal(scene->served, CONTROL_CLIENTS);
	scene->mode = AT_ONCE;
	fd = add_client(scene);
	say(fd, "{\"n\": 1}\n");
	expect(scene, fd, "{\"ok\":true,\"n\":1}\n");
	assert_int_equal(control_server_count(scene->server), CONTROL_CLIENTS);
}

/* Who waits for us goes after those that have nothing to wait for, even if it has come first. */
static void test_waiting(void **state)
{
	struct scene *scene = *state;
	int fd = add_client(scene);

	scene->mode = LATER;
	say(fd, "{}\n");
	expect(scene, fd, "");
	for (int i = 0; i < 2 * CONTROL_CLIENTS; i++)
		(void)add_client(scene);
	control_answer(scene->calls[0], json_pack("{}"));
	expect(scene, fd, "{}\n");
}

static void test_all_waiting(void **state)
{
	struct scene *scene = *state;
	struct control_call *calls[CONTROL_CLIENTS];
	int fd;

	scene->mode = LATER;
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		say(add_client(scene), "{}\n");
		run(scene);
		calls[i] = scene->calls[0];
		scene->call_count = 0;
	}
	scene->mode = AT_ONCE;
	fd = add_client(scene);
	say(fd, "{\"n\": 1}\n");
	expect(scene, fd, "{\"ok\":true,\"n\":1}\n");
	assert_false(control_is_wanted(calls[0]));
	assert_true(control_is_wanted(calls[1]));
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		control_answer(calls[i], json_pack("{}"));
}

/* --- users ------------------------------------------------------------------------------------- */

/* The server runs as nobody from now on. */
static void become_nobody(struct scene *scene)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/x.sock", scene->directory);
	assert_int_equal(chmod(scene->directory, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(seteuid(NOBODY), 0);
}

static int add_client_of(struct scene *scene, uid_t user)
{
	int fd;

	assert_int_equal(seteuid(0), 0);
	assert_int_equal(seteuid(user), 0);
	fd = connect_one(scene);
	assert_true(fd >= 0);
	scene->clients[scene->client_count++] = fd;
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	run(scene);
	return fd;
}

static void test_users(void **state)
{
	struct scene *scene = *state;
	int fd;

	if (getuid() != 0)
		skip();
	become_nobody(scene);
	fd = add_client_of(scene, 0);
	say(fd, "{\"n\": 0}\n");
	expect(scene, fd, "{\"ok\":true,\"n\":0}\n");
	fd = add_client_of(scene, NOBODY);
	say(fd, "{\"n\": 1}\n");
	expect(scene, fd, "{\"ok\":true,\"n\":1}\n");
	/* Whatever the mode of the socket. */
	fd = add_client_of(scene, 1);
	expect(scene, fd, "closed");
	assert_int_equal(seteuid(0), 0);
}

/* Neither user drives out the other. */
static void test_flood(void **state)
{
	static const uid_t users[] = { 0, NOBODY };
	struct scene *scene = *state;

	if (getuid() != 0)
		skip();
	become_nobody(scene);
	/* All places are root's when our own user comes for the first time. */
	for (int j = 0; j < CONTROL_CLIENTS; j++)
		(void)add_client_of(scene, 0);
	(void)add_client_of(scene, NOBODY);
	for (size_t i = 0; i < 2; i++) {
		int fd = add_client_of(scene, users[i]);

		for (int j = 0; j < CONTROL_CLIENTS + 4; j++)
			(void)add_client_of(scene, users[1 - i]);
		/* It was there before. */
		say(fd, "{\"n\": 1}\n");
		expect(scene, fd, "{\"ok\":true,\"n\":1}\n");
		/* And there is room for another one. */
		fd = add_client_of(scene, users[i]);
		say(fd, "{\"n\": 2}\n");
		expect(scene, fd, "{\"ok\":true,\"n\":2}\n");
	}
	assert_int_equal(control_server_count(scene->server), CONTROL_CLIENTS);
	assert_int_equal(seteuid(0), 0);
}

/* --- processes --------------------------------------------------------------------------------- */

/*
 * A child that connects by itself (depth 0) or by a descendant, and says so by a byte. It stays, and so
 * does what it has started, until it is killed: each ends with the descriptor that its parent holds.
 */
static pid_t start_process(const struct scene *scene, int depth, int said)
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
		(void)start_process(scene, depth - 1, said);
	} else {
		for (int i = 0; i < EACH; i++)
			(void)connect_one(scene);
		if (write(said, "c", 1) != 1)
			_exit(1);
	}
	/* The end of the parent, however it comes. */
	(void)!read(life[0], &byte, 1);
	_exit(0);
}

/* How many of its connections are served. */
static size_t count_served(struct scene *scene, bool is_helper, int depth)
{
	int said[2];
	pid_t child;
	size_t before = control_server_count(scene->server);
	size_t served;
	char byte;

	assert_int_equal(pipe(said), 0);
	child = start_process(scene, depth, said[1]);
	assert_int_equal(read(said[0], &byte, 1), 1);
	if (is_helper)
		scene->helper = child;
	control_server_drain(scene->server);
	served = control_server_count(scene->server) - before;
	scene->helper = 0;
	/* Nothing waits any more that would be accepted now. */
	control_server_drain(scene->server);
	assert_int_equal(control_server_count(scene->server), before + served);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)close(said[0]);
	(void)close(said[1]);
	return served;
}

static void test_helpers(void **state)
{
	for (int depth = 0; depth < 3; depth++)
		assert_int_equal(count_served(*state, true, depth), 0);
}

/* Children of ours that are programs: hooks, and what these start. */
static void test_programs(void **state)
{
	assert_int_equal(count_served(*state, false, 0), EACH);
	assert_int_equal(count_served(*state, false, 2), EACH);
}

/* A helper that has ended and was not reaped is known; its requests wait, its id is not free. */
static void test_ended_helper(void **state)
{
	struct scene *scene = *state;
	siginfo_t info;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		int fd = connect_one(scene);

		_exit(send(fd, "{}\n", 3, 0) == 3 ? 0 : 1);
	}
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	scene->helper = child;
	control_server_drain(scene->server);
	scene->helper = 0;
	assert_int_equal(waitpid(child, NULL, 0), child);
	run(scene);
	assert_int_equal(scene->served, 0);
	assert_int_equal(control_server_count(scene->server), 0);
	control_server_drain(NULL);
}

/* Clients that are served already stay, whoever is refused. */
static void test_others_stay(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 4; i++)
		(void)count_served(scene, false, 0);
	assert_int_equal(control_server_count(scene->server), 4 * EACH);
	assert_int_equal(count_served(scene, true, 0), 0);
	assert_int_equal(control_server_count(scene->server), 4 * EACH);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_split_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_several_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_half_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone_while_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone_while_served, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_idle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_reader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waiting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_waiting, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flood, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_helpers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_programs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ended_helper, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_stay, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
