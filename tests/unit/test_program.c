#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system/program.h"

/* No program here needs so long. */
#define LOOKS 10000

static char *const no_environment[] = { NULL };
static char folder[] = "/tmp/test_program.XXXXXX";
static int saved_stderr = -1;
static int capture = -1;

static int set_up(void **state)
{
	(void)state;
	/* A folder that we may not search would be another reason not to find a program. */
	(void)setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("text");
	(void)unlink("script");
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

static void check_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_is_there(void **state)
{
	static const char *const good[] = { "sh", "/bin/sh", "/../bin/sh" };
	static const char *const bad[] = {
		"no-command-of-that-name", "./sh", "/bin", "/nowhere/sh", "", "."
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(good); i++)
		assert_true(program_is_there(good[i]));
	for (size_t i = 0; i < FIXTURE_COUNT(bad); i++)
		assert_false(program_is_there(bad[i]));
}

/* Standard error goes to a pipe, for programs that are started then. */
static void start_capture(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	(void)close(ends[1]);
	capture = ends[0];
}

static void stop_capture(char *out, size_t out_size)
{
	ssize_t got = read(capture, out, out_size - 1);

	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	(void)close(saved_stderr);
	(void)close(capture);
	out[got < 0 ? 0 : got] = '\0';
}

static void wait_for(struct program *program, char problem[static PROGRAM_PROBLEM_BYTES])
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	for (int looks = 0; !program_ended(program, problem); looks++) {
		if (looks == LOOKS)
			fail_msg("the program does not end");
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(program->pid, 0);
	check_no_child();
}

/* Starts a line of shell and takes what it writes. */
static void run_shell(const char *line, char *const *environment, const void *input, size_t input_len,
                      char *out, size_t out_size, const char *expected_problem)
{
	char *const words[] = { "sh", "-c", (char *)(uintptr_t)line, "name", NULL };
	struct program program = { 0 };
	char problem[PROGRAM_PROBLEM_BYTES];
	int result;

	start_capture();
	result = program_start(&program, words, environment, input, input_len);
	if (result == 0)
		wait_for(&program, problem);
	stop_capture(out, out_size);
	assert_int_equal(result, 0);
	assert_string_equal(problem, expected_problem);
}

static void test_ends(void **state)
{
	static const struct {
		const char *line;
		const char *problem;
	} cases[] = {
		{ "exit 0", "" },
		{ "exit 1", "exited with 1" },
		{ "exit 255", "exited with 255" },
		{ "kill -KILL $$", "was ended by signal 9 (Killed)" },
		{ "kill -TERM $$", "was ended by signal 15 (Terminated)" },
		{ "kill -PIPE $$", "was ended by signal 13 (Broken pipe)" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++)
		run_shell(cases[i].line, no_environment, NULL, 0, text, sizeof text, cases[i].problem);
}

/* All of it arrives, and then there is an end; also when the program does not read or there is none. */
static void test_input(void **state)
{
	static uint8_t input[PROGRAM_INPUT_MAX_BYTES + 1];
	static const size_t lengths[] = { 0, 1, 45, PROGRAM_INPUT_MAX_BYTES };
	char text[64];
	char expected[64];

	(void)state;
	memset(input, 'x', sizeof input);
	for (size_t i = 0; i < FIXTURE_COUNT(lengths); i++) {
		run_shell("wc -c | tr -d ' '", no_environment, input, lengths[i], text, sizeof text, "");
		(void)snprintf(expected, sizeof expected, "%zu\n", lengths[i]);
		assert_string_equal(text, expected);
		run_shell("exit 3", no_environment, input, lengths[i], text, sizeof text, "exited with 3");
	}
	run_shell("cat", no_environment, "line\n\001\377", 7, text, sizeof text, "");
	assert_string_equal(text, "line\n\001\377");
}

static void test_environment(void **state)
{
	static char *const words[] = { "ROSENPASS_REASON=exchanged",
		                       "ROSENPASS_EMPTY=", "ROSENPASS_TEST_OURS=b c=d", NULL };
	char text[256];

	(void)state;
	(void)setenv("ROSENPASS_TEST_OURS", "a", 1);
	(void)setenv("ROSENPASS_TEST_KEPT", "kept", 1);
	run_shell("echo "
	          "\"$ROSENPASS_REASON|${ROSENPASS_EMPTY-none}|$ROSENPASS_TEST_OURS|$ROSENPASS_TEST_KEPT\"",
	          words, NULL, 0, text, sizeof text, "");
	assert_string_equal(text, "exchanged||b c=d|kept\n");
	assert_string_equal(getenv("ROSENPASS_TEST_OURS"), "a");
	assert_null(getenv("ROSENPASS_REASON"));
}

/* Both outputs are our standard error; nothing else of ours is open in it. */
static void test_descriptors(void **state)
{
	int kept[40];
	char text[256];
	size_t before;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(kept); i++)
		kept[i] = dup(STDERR_FILENO);
	before = count_descriptors();
	run_shell("echo out; echo err >&2", no_environment, NULL, 0, text, sizeof text, "");
	assert_string_equal(text, "out\nerr\n");
	/* ls has the folder open itself. */
	run_shell("exec ls /proc/self/fd", no_environment, NULL, 0, text, sizeof text, "");
	assert_string_equal(text, "0\n1\n2\n3\n");
	assert_int_equal(count_descriptors(), before);
	for (size_t i = 0; i < FIXTURE_COUNT(kept); i++)
		(void)close(kept[i]);
}

/* The daemon blocks signals and ignores SIGPIPE; its programs do neither. They lead a group. */
static void test_fresh(void **state)
{
	char *const words[] = { "sleep", "1000", NULL };
	struct program program = { 0 };
	char problem[PROGRAM_PROBLEM_BYTES];
	char path[64];
	char line[256];
	sigset_t all;
	sigset_t old;
	FILE *file;
	int seen = 0;

	(void)state;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
	assert_int_equal(program_start(&program, words, no_environment, NULL, 0), 0);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGUSR1, SIG_DFL);
	assert_int_equal(getpgid(program.pid), program.pid);
	(void)snprintf(path, sizeof path, "/proc/%ld/status", (long)program.pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "SigBlk:", 7) == 0 || strncmp(line, "SigIgn:", 7) == 0) {
			assert_int_equal(strtoull(line + 7, NULL, 16), 0);
			seen++;
		}
	}
	(void)fclose(file);
	assert_int_equal(seen, 2);
	assert_false(program_ended(&program, problem));
	program_signal(&program, SIGKILL);
	wait_for(&program, problem);
	assert_string_equal(problem, "was ended by signal 9 (Killed)");
}

/* A signal reaches what the program started. The pipe ends when the last of them has. */
static void test_group(void **state)
{
	char *const words[] = { "sh", "-c", "trap '' TERM; sleep 1000 & echo >&2; sleep 1000", NULL };
	struct program program = { 0 };
	char problem[PROGRAM_PROBLEM_BYTES];
	struct pollfd wanted = { .events = POLLIN };
	char byte;
	int looks = 0;

	(void)state;
	start_capture();
	assert_int_equal(program_start(&program, words, no_environment, NULL, 0), 0);
	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	(void)close(saved_stderr);
	/* Until there are two of them. */
	wanted.fd = capture;
	assert_int_equal(poll(&wanted, 1, LOOKS), 1);
	assert_int_equal(read(capture, &byte, 1), 1);
	program_signal(&program, SIGKILL);
	wait_for(&program, problem);
	while (read(capture, &byte, 1) != 0) {
		static const struct timespec pause = { .tv_nsec = 1000000 };

		assert_int_equal(errno, EAGAIN);
		assert_true(looks++ < LOOKS);
		(void)nanosleep(&pause, NULL);
	}
	(void)close(capture);
	/* None runs: nobody is hit, and it has ended. */
	program_signal(&program, SIGKILL);
	assert_true(program_ended(&program, problem));
	assert_string_equal(problem, "");
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void test_cannot_start(void **state)
{
	static const struct {
		char *word;
		int result;
	} cases[] = {
		{ "no-such-program-anywhere", -ENOENT },
		{ "./missing", -ENOENT },
		{ "./text", -EACCES },
		{ "/", -EACCES },
		{ "", -ENOENT },
		{ "./script", -ENOENT },
	};
	static uint8_t input[PROGRAM_INPUT_MAX_BYTES + 1];
	size_t before = count_descriptors();
	struct program program = { .pid = 1 };

	(void)state;
	write_file("text", "echo", 0600);
	write_file("script", "#!/no/such/shell\n", 0700);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char *const words[] = { cases[i].word, NULL };

		assert_int_equal(program_start(&program, words, no_environment, input, 4), cases[i].result);
		assert_int_equal(program.pid, 0);
		check_no_child();
	}
	assert_int_equal(
		program_start(&program, (char *const[]){ "true", NULL }, no_environment, input, sizeof input),
		-E2BIG);
	assert_int_equal(program.pid, 0);
	assert_int_equal(count_descriptors(), before);
}

/* Somebody else has collected it: it has ended all the same. */
static void test_lost(void **state)
{
	char *const words[] = { "true", NULL };
	struct program program = { 0 };
	char problem[PROGRAM_PROBLEM_BYTES];

	(void)state;
	assert_int_equal(program_start(&program, words, no_environment, NULL, 0), 0);
	assert_int_equal(waitpid(program.pid, NULL, 0), program.pid);
	assert_true(program_ended(&program, problem));
	assert_int_equal(program.pid, 0);
	assert_true(strlen(problem) > 0);
}

/* A process that starts a program and is gone at once. The program has the pipe as its standard error. */
static _Noreturn void start_and_end(int out, bool ends_with_us)
{
	char *const words[] = { "sleep", "1000", NULL };
	struct program program = { .ends_with_us = ends_with_us };
	bool started = dup2(out, STDERR_FILENO) >= 0 &&
	               program_start(&program, words, no_environment, NULL, 0) == 0 &&
	               write(out, &program.pid, sizeof program.pid) == (ssize_t)sizeof program.pid;

	_exit(started ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void test_ends_with_us(void **state)
{
	(void)state;
	for (int ends_with_us = 0; ends_with_us <= 1; ends_with_us++) {
		struct pollfd end = { .events = 0 };
		int ends[2];
		int status;
		pid_t parent;
		pid_t program;

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		parent = fork();
		if (parent == 0)
			start_and_end(ends[1], ends_with_us == 1);
		assert_true(parent > 0);
		(void)close(ends[1]);
		assert_int_equal(waitpid(parent, &status, 0), parent);
		assert_int_equal(status, 0);
		assert_int_equal(read(ends[0], &program, sizeof program), sizeof program);
		end.fd = ends[0];
		assert_int_equal(poll(&end, 1, ends_with_us == 1 ? LOOKS : 200), ends_with_us);
		/* Where it went, its number may be somebody else's. */
		if (ends_with_us == 0)
			assert_int_equal(kill(program, SIGKILL), 0);
		(void)close(ends[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_there),    cmocka_unit_test(test_ends),
		cmocka_unit_test(test_input),       cmocka_unit_test(test_environment),
		cmocka_unit_test(test_descriptors), cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_group),       cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_lost),        cmocka_unit_test(test_ends_with_us),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
