#include "system/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/child.h"

/* Where the child has the pipe that tells why it could not become the program. */
#define REPORT_FD (STDERR_FILENO + 1)

static bool is_program(const char *path)
{
	struct stat status;

	return access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

bool program_is_there(const char *word)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	if (strchr(word, '/') != NULL)
		return is_program(word);
	while (path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");
		int size = snprintf(file, sizeof file, "%.*s/%s", (int)length, path, word);

		if (length > 0 && size > 0 && (size_t)size < sizeof file && is_program(file))
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

static void close_both(const int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* The read end of a pipe that holds the input and has no writer, or negative errno. */
static int make_input(const uint8_t *input, size_t input_len)
{
	int ends[2];
	ssize_t written = 0;

	if (input_len > PROGRAM_INPUT_MAX_BYTES)
		return -E2BIG;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	if (input_len > 0)
		written = write(ends[1], input, input_len);
	if (written != (ssize_t)input_len) {
		int error = written < 0 ? errno : EIO;

		close_both(ends);
		return -error;
	}
	(void)close(ends[1]);
	return ends[0];
}

/* Moves the report along. */
static int arrange_descriptors(int input, int *report)
{
	/* Out of the way of the numbers that are given out here. */
	int kept = fcntl(*report, F_DUPFD_CLOEXEC, REPORT_FD + 1);

	if (kept < 0)
		return -errno;
	*report = kept;
	if (dup2(input, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
	    dup3(kept, REPORT_FD, O_CLOEXEC) < 0)
		return -errno;
	*report = REPORT_FD;
	child_close_from(REPORT_FD + 1);
	return 0;
}

/* It may be gone by the time that we ask for it. */
static int end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

/* The child; parent: that it ends with, 0: none. Comes back only with the reason why there is no program. */
static int become(char *const *words, char *const *environment, int input, int *report, pid_t parent)
{
	int result;

	if (setpgid(0, 0) != 0)
		return -errno;
	result = parent != 0 ? end_with(parent) : 0;
	if (result != 0)
		return result;
	result = arrange_descriptors(input, report);
	if (result != 0)
		return result;
	for (; *environment != NULL; environment++) {
		if (putenv(*environment) != 0)
			return -ENOMEM;
	}
	child_reset_signals();
	(void)execvp(words[0], words);
	return -errno;
}

static _Noreturn void run_child(char *const *words, char *const *environment, int input, int report,
                                pid_t parent)
{
	int result = become(words, environment, input, &report, parent);

	/* Without a report the other side takes the program for started, and sees it fail. */
	_exit(write(report, &result, sizeof result) == (ssize_t)sizeof result ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Waits until the child has become the program: 0, or its negative errno. */
static int read_report(int report)
{
	int result = 0;
	ssize_t got;

	do {
		got = read(report, &result, sizeof result);
	} while (got < 0 && errno == EINTR);
	if (got == 0)
		return 0;
	return got == (ssize_t)sizeof result && result < 0 ? result : -EIO;
}

static void collect(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

int program_start(struct program *program, char *const *words, char *const *environment, const uint8_t *input,
                  size_t input_len)
{
	int in = make_input(input, input_len);
	pid_t parent = program->ends_with_us ? getpid() : 0;
	int report[2];
	int result;
	pid_t pid;

	program->pid = 0;
	if (in < 0)
		return in;
	if (pipe2(report, O_CLOEXEC) != 0) {
		result = -errno;
		(void)close(in);
		return result;
	}
	pid = fork();
	if (pid == 0)
		run_child(words, environment, in, report[1], parent);
	result = pid < 0 ? -errno : 0;
	(void)close(in);
	(void)close(report[1]);
	if (result == 0)
		result = read_report(report[0]);
	(void)close(report[0]);
	if (result == 0)
		program->pid = pid;
	else if (pid > 0)
		collect(pid);
	return result;
}

void program_explain(char problem[static PROGRAM_PROBLEM_BYTES], int status)
{
	problem[0] = '\0';
	if (status < 0)
		(void)snprintf(problem, PROGRAM_PROBLEM_BYTES, "has ended in an unknown way");
	else if (WIFSIGNALED(status))
		(void)snprintf(problem, PROGRAM_PROBLEM_BYTES, "was ended by signal %d (%s)",
		               WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		(void)snprintf(problem, PROGRAM_PROBLEM_BYTES, "exited with %d", WEXITSTATUS(status));
}

bool program_ended(struct program *program, char problem[static PROGRAM_PROBLEM_BYTES])
{
	int status = 0;
	pid_t pid;

	problem[0] = '\0';
	if (program->pid == 0)
		return true;
	do {
		pid = waitpid(program->pid, &status, WNOHANG);
	} while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return false;
	program->pid = 0;
	if (pid > 0)
		program_explain(problem, status);
	else
		(void)snprintf(problem, PROGRAM_PROBLEM_BYTES, "has ended in an unknown way (%s)",
		               strerror(errno));
	return true;
}

void program_signal(const struct program *program, int signal)
{
	if (program->pid > 0)
		(void)kill(-program->pid, signal);
}
