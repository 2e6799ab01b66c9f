#include "system/resolver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system/child.h"
#include "system/secret_memory.h"

/* The only descriptor of the process beside the standard ones. */
#define ANSWER_FD (STDERR_FILENO + 1)
/* After the end of its time, for a process that blocks SIGALRM. */
#define KILL_SECONDS 1
#define NONSENSE "the resolver process sent nonsense"

static_assert(sizeof(struct resolver_answer) ==
                      sizeof(uint32_t) + RESOLVER_ADDRESSES_MAX * sizeof(union address_socket) +
                              RESOLVER_PROBLEM_BYTES,
              "nothing between the parts");
static_assert(sizeof(struct resolver_answer) < 4096, "a pipe takes it in one piece");

static unsigned timeout_seconds = RESOLVER_TIMEOUT_SECONDS;

void resolver_set_timeout(unsigned seconds)
{
	timeout_seconds = seconds;
}

/* --- the process --------------------------------------------------------------------- */

/*
 * /dev/null in the place of the standard streams, the answer's pipe, and nothing else: standard error is the
 * daemon's log.
 */
static int arrange_descriptors(int answer)
{
	int null;

	if (answer != ANSWER_FD && dup3(answer, ANSWER_FD, O_CLOEXEC) < 0)
		return -errno;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		return -errno;
	child_close_from(ANSWER_FD + 1);
	return 0;
}

static void resolve(const char *text, struct resolver_answer *answer)
{
	const char *problem = NULL;
	size_t count = 0;

	if (address_resolve(text, answer->addresses, RESOLVER_ADDRESSES_MAX, &count, &problem) == 0)
		answer->count = (uint32_t)count;
	else
		(void)snprintf(answer->problem, sizeof answer->problem, "%s", problem);
}

/*
 * Lets the kernel end the process: by SIGALRM, and soon after by SIGKILL if that signal is blocked. Kernels
 * without timers have neither.
 */
static void limit_time(void)
{
	const struct itimerspec when = { .it_value.tv_sec = (time_t)timeout_seconds + KILL_SECONDS };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	timer_t timer;

	(void)alarm(timeout_seconds);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		(void)timer_settime(timer, 0, &when, NULL);
}

static _Noreturn void run_child(const char *text, const struct sandbox_user *user, int answer_fd,
                                pid_t parent)
{
	struct resolver_answer answer;
	int result;

	memset(&answer, 0, sizeof answer);
	/* It is a copy of its parent, and reads from the network. */
	secret_memory_wipe_inherited(NULL);
	child_reset_signals();
	limit_time();
	(void)prctl(PR_SET_NAME, "rosenpass-names");
	result = arrange_descriptors(answer_fd);
	if (result == 0)
		result = resolver_restrict(user);
	/* It may have ended before its end was to be ours. */
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	if (result == 0)
		resolve(text, &answer);
	else
		(void)snprintf(answer.problem, sizeof answer.problem,
		               "the resolver's sandbox cannot be closed: %s", strerror(-result));
	_exit(write(ANSWER_FD, &answer, sizeof answer) == (ssize_t)sizeof answer ? EXIT_SUCCESS
	                                                                         : EXIT_FAILURE);
}

int resolver_start(struct resolver_job *job, const char *text, const struct sandbox_user *user)
{
	pid_t parent = getpid();
	int ends[2];
	int result;

	*job = (struct resolver_job){ .pid = 0, .fd = -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	/* A process that writes half an answer must not stop us. */
	result = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno;
	if (result == 0) {
		job->pid = fork();
		if (job->pid == 0)
			run_child(text, user, ends[1], parent);
		if (job->pid < 0)
			result = -errno;
	}
	(void)close(ends[1]);
	if (result != 0) {
		job->pid = 0;
		(void)close(ends[0]);
		return result;
	}
	job->fd = ends[0];
	return 0;
}

/* --- its answer ---------------------------------------------------------------------- */

/* Takes over what an address of its family has, and nothing else. false: none of ours. */
static bool take_address(union address_socket *out, const union address_socket *in)
{
	memset(out, 0, sizeof *out);
	if (in->any.sa_family == AF_INET) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = in->v4.sin_port;
		out->v4.sin_addr = in->v4.sin_addr;
		return true;
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = in->v6.sin6_port;
	out->v6.sin6_addr = in->v6.sin6_addr;
	out->v6.sin6_scope_id = in->v6.sin6_scope_id;
	/* These would have become IPv4 addresses. */
	return in->any.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in->v6.sin6_addr);
}

/* Words for people go into logs and status: printable ASCII. false: none. */
static bool take_problem(char out[static RESOLVER_PROBLEM_BYTES],
                         const char in[static RESOLVER_PROBLEM_BYTES])
{
	size_t length = strnlen(in, RESOLVER_PROBLEM_BYTES);

	if (length == 0 || length == RESOLVER_PROBLEM_BYTES)
		return false;
	for (size_t i = 0; i < length; i++)
		out[i] = in[i] >= 0x20 && in[i] < 0x7f ? in[i] : '?';
	out[length] = '\0';
	return true;
}

static int no_answer(char problem[static RESOLVER_PROBLEM_BYTES], const char *words)
{
	(void)snprintf(problem, RESOLVER_PROBLEM_BYTES, "%s", words);
	return -1;
}

int resolver_read_answer(const uint8_t *bytes, size_t length,
                         union address_socket addresses[static RESOLVER_ADDRESSES_MAX], size_t *count,
                         char problem[static RESOLVER_PROBLEM_BYTES])
{
	struct resolver_answer answer;

	*count = 0;
	if (length != sizeof answer)
		return no_answer(problem, NONSENSE);
	memcpy(&answer, bytes, sizeof answer);
	if (answer.count == 0)
		return take_problem(problem, answer.problem) ? -1 : no_answer(problem, NONSENSE);
	if (answer.count > RESOLVER_ADDRESSES_MAX || answer.problem[0] != '\0')
		return no_answer(problem, NONSENSE);
	for (uint32_t i = 0; i < answer.count; i++) {
		if (!take_address(&addresses[i], &answer.addresses[i]))
			return no_answer(problem, NONSENSE);
	}
	*count = answer.count;
	problem[0] = '\0';
	return 0;
}

void resolver_stop(const struct resolver_job *job)
{
	siginfo_t info;

	if (job->pid <= 0)
		return;
	/* Not yet collected, so the id is still its own. A signal does not change how it has ended. */
	(void)kill(job->pid, SIGKILL);
	while (waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		continue;
}

/* Ends the process; how it ended, if it had by itself. */
static int collect(pid_t child)
{
	int status = 0;
	pid_t pid = waitpid(child, &status, WNOHANG);

	if (pid == 0) {
		(void)kill(child, SIGKILL);
		do {
			pid = waitpid(child, &status, 0);
		} while (pid < 0 && errno == EINTR);
	}
	return pid > 0 ? status : 0;
}

static int end(struct resolver_job *job)
{
	int status = job->pid > 0 ? collect(job->pid) : 0;

	(void)close(job->fd);
	*job = (struct resolver_job){ .pid = 0, .fd = -1 };
	return status;
}

static int describe_end(char problem[static RESOLVER_PROBLEM_BYTES], int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		(void)snprintf(problem, RESOLVER_PROBLEM_BYTES, "no answer for %u seconds", timeout_seconds);
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		(void)snprintf(problem, RESOLVER_PROBLEM_BYTES,
		               "the resolver process was ended by signal %d (%s)", WTERMSIG(status),
		               strsignal(WTERMSIG(status)));
	else
		(void)snprintf(problem, RESOLVER_PROBLEM_BYTES,
		               "the resolver process ended without an answer");
	return -1;
}

int resolver_finish(struct resolver_job *job, union address_socket addresses[static RESOLVER_ADDRESSES_MAX],
                    size_t *count, char problem[static RESOLVER_PROBLEM_BYTES])
{
	/* One byte more than it may be. */
	uint8_t bytes[sizeof(struct resolver_answer) + 1];
	ssize_t got;
	int status;

	*count = 0;
	do {
		got = read(job->fd, bytes, sizeof bytes);
	} while (got < 0 && errno == EINTR);
	status = end(job);
	if (got <= 0)
		return describe_end(problem, status);
	return resolver_read_answer(bytes, (size_t)got, addresses, count, problem);
}

void resolver_cancel(struct resolver_job *job)
{
	if (job->fd >= 0)
		(void)end(job);
}
