/* Of several daemons of one name one has the socket, and what a killed daemon has left is replaced. */

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

#include "control/server_socket.h"

#define DAEMONS 8
#define ROUNDS 20

struct scene {
	char directory[64];
	char path[128], lock_path[128];
	int result[2]; /* a daemon writes what server_socket_open() has returned */
	int go[2];     /* a daemon waits for a byte before it opens */
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	(void)snprintf(scene->directory, sizeof scene->directory, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->directory));
	(void)snprintf(scene->path, sizeof scene->path, "%s/x.sock", scene->directory);
	(void)snprintf(scene->lock_path, sizeof scene->lock_path, "%s/x.sock.lock", scene->directory);
	assert_int_equal(setenv("RUNTIME_DIRECTORY", scene->directory, 1), 0);
	assert_int_equal(pipe(scene->result), 0);
	assert_int_equal(pipe(scene->go), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 2; i++) {
		(void)close(scene->result[i]);
		(void)close(scene->go[i]);
	}
	(void)unlink(scene->path);
	(void)unlink(scene->lock_path);
	/* Nothing else is left. */
	assert_int_equal(rmdir(scene->directory), 0);
	free(scene);
	return 0;
}

static int open_socket(struct server_socket *out)
{
	char problem[SERVER_SOCKET_PROBLEM_BYTES] = "";
	int result = server_socket_open(out, "x", problem);

	assert_int_equal(result == 0, problem[0] == '\0');
	return result;
}

/* A process that opens the socket and stays until it is killed. */
static pid_t start_daemon(struct scene *scene, bool waits)
{
	struct server_socket socket;
	pid_t child = fork();
	char byte;
	int result;

	assert_true(child >= 0);
	if (child > 0)
		return child;
	if (waits && read(scene->go[0], &byte, 1) != 1)
		_exit(1);
	result = open_socket(&socket);
	if (write(scene->result[1], &result, sizeof result) != sizeof result)
		_exit(1);
	for (;;)
		(void)pause();
}

static int read_result(const struct scene *scene)
{
	int result = 1;

	assert_int_equal(read(scene->result[0], &result, sizeof result), sizeof result);
	return result;
}

static void kill_daemon(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* 0 or errno. */
static int try_connect(const struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", scene->path);
	result = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	(void)close(fd);
	return result;
}

static void test_alone(void **state)
{
	struct scene *scene = *state;
	struct server_socket socket;
	struct stat status;

	assert_int_equal(open_socket(&socket), 0);
	assert_string_equal(socket.path, scene->path);
	assert_int_equal(try_connect(scene), 0);
	assert_int_equal(stat(scene->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(stat(scene->lock_path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	server_socket_close(&socket);
	assert_int_equal(socket.fd, -1);
	assert_int_equal(access(scene->path, F_OK), -1);
	assert_int_equal(access(scene->lock_path, F_OK), -1);
	/* Once more is nothing. */
	server_socket_close(&socket);
}

static void test_second(void **state)
{
	struct scene *scene = *state;
	pid_t first = start_daemon(scene, false);
	struct server_socket socket;

	assert_int_equal(read_result(scene), 0);
	assert_true(server_socket_is_taken("x"));
	assert_false(server_socket_is_taken("y"));
	assert_int_equal(open_socket(&socket), -EADDRINUSE);
	assert_int_equal(socket.fd, -1);
	assert_int_equal(try_connect(scene), 0);
	/* Nor if somebody has taken the first one's socket away. */
	assert_int_equal(unlink(scene->path), 0);
	assert_int_equal(open_socket(&socket), -EADDRINUSE);
	kill_daemon(first);
	/* What it left behind is nobody's. */
	assert_false(server_socket_is_taken("x"));
	assert_int_equal(open_socket(&socket), 0);
	server_socket_close(&socket);
}

/* A daemon was killed. Several are started at once then. */
static void test_race(void **state)
{
	struct scene *scene = *state;
	pid_t daemons[DAEMONS];

	for (int round = 0; round < ROUNDS; round++) {
		int winners = 0;
		pid_t killed = start_daemon(scene, false);

		assert_int_equal(read_result(scene), 0);
		kill_daemon(killed);
		assert_int_equal(try_connect(scene), ECONNREFUSED);
		for (size_t i = 0; i < DAEMONS; i++)
			daemons[i] = start_daemon(scene, true);
		assert_int_equal(write(scene->go[1], "12345678", DAEMONS), DAEMONS);
		for (size_t i = 0; i < DAEMONS; i++) {
			int result = read_result(scene);

			assert_true(result == 0 || result == -EADDRINUSE);
			winners += result == 0 ? 1 : 0;
		}
		assert_int_equal(winners, 1);
		assert_int_equal(try_connect(scene), 0);
		for (size_t i = 0; i < DAEMONS; i++)
			kill_daemon(daemons[i]);
	}
}

/* Daemons that come and go: nobody waits for a lock that was removed. */
static void test_change(void **state)
{
	struct scene *scene = *state;
	pid_t children[DAEMONS];

	for (size_t i = 0; i < DAEMONS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] > 0)
			continue;
		for (int round = 0; round < 200; round++) {
			struct server_socket socket;
			int result = open_socket(&socket);

			if (result != 0 && result != -EADDRINUSE)
				_exit(1);
			/* As long as it is ours, its path leads to it. */
			if (result == 0 && (access(scene->path, F_OK) != 0 || try_connect(scene) != 0))
				_exit(2);
			server_socket_close(&socket);
		}
		_exit(0);
	}
	for (size_t i = 0; i < DAEMONS; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(access(scene->path, F_OK), -1);
}

/* A daemon of an earlier version, which has no lock, has the socket. */
static void test_without_lock(void **state)
{
	struct scene *scene = *state;
	struct server_socket first, second;

	assert_int_equal(open_socket(&first), 0);
	assert_int_equal(unlink(scene->lock_path), 0);
	assert_int_equal(open_socket(&second), -EADDRINUSE);
	assert_int_equal(access(scene->lock_path, F_OK), -1);
	assert_int_equal(try_connect(scene), 0);
	server_socket_close(&first);
}

/* What is not a socket is not replaced, and what has our path by now is not removed. */
static void test_other_file(void **state)
{
	struct scene *scene = *state;
	struct server_socket socket;

	assert_int_equal(mkdir(scene->path, 0700), 0);
	assert_int_equal(open_socket(&socket), -EEXIST);
	assert_int_equal(rmdir(scene->path), 0);
	assert_int_equal(open_socket(&socket), 0);
	assert_int_equal(unlink(scene->path), 0);
	assert_int_equal(mknod(scene->path, S_IFREG | 0600, 0), 0);
	server_socket_close(&socket);
	assert_int_equal(unlink(scene->path), 0);
	/* A lock that leads elsewhere is not followed. */
	assert_int_equal(symlink("/tmp/rosenpass-test-not-there", scene->lock_path), 0);
	assert_int_equal(open_socket(&socket), -ELOOP);
	assert_int_equal(access("/tmp/rosenpass-test-not-there", F_OK), -1);
}

static void test_no_place(void **state)
{
	char problem[SERVER_SOCKET_PROBLEM_BYTES];
	struct server_socket socket;
	char name[SOCKET_PATH_BYTES];

	(void)state;
	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_int_equal(server_socket_open(&socket, name, problem), -ENAMETOOLONG);
	assert_non_null(strstr(problem, "is too long a name"));
	assert_int_equal(setenv("RUNTIME_DIRECTORY", "/tmp/rosenpass-test-not-there", 1), 0);
	assert_int_equal(server_socket_open(&socket, "x", problem), -ENOENT);
	assert_non_null(strstr(problem, "No such file"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_race, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_change, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_lock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_place, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
