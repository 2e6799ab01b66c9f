#ifndef TESTS_UNIT_CHILD_FIXTURE_H
#define TESTS_UNIT_CHILD_FIXTURE_H

/* For tests of what a process does to itself: each is done by a child, and the test looks at how it ends. */

#include "fixture.h"

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CHILD_SANITIZED true
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHILD_SANITIZED true
#endif
/* A sanitizer is around, which makes system calls of its own, and none for mlock(). */
#ifndef CHILD_SANITIZED
#define CHILD_SANITIZED false
#endif

/* Exit status of a child: this machine has no such thing. */
#define CHILD_LACKS 77

/* In a child, where an assertion of cmocka would run on with the other tests. */
#define CHILD_CHECK(condition)                                                        \
	do {                                                                          \
		if (!(condition)) {                                                   \
			(void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
			_exit(1);                                                     \
		}                                                                     \
	} while (0)

/* A child that does that and then ends with 0. */
static inline pid_t child_start(void (*body)(void))
{
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* cmocka's handlers would run on, too. */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)signal(SIGBUS, SIG_DFL);
		(void)signal(SIGSYS, SIG_DFL);
		body();
		_exit(0);
	}
	return child;
}

static inline int child_wait(pid_t child)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* How a child ends that does no more than that. */
static inline int child_run(void (*body)(void))
{
	return child_wait(child_start(body));
}

/* It must end well. Skips the test if it says that something is lacking. */
static inline void child_check(void (*body)(void))
{
	int status = child_run(body);

	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_LACKS)
		skip();
	if (status != 0)
		fail_msg("the child ended with status 0x%x", (unsigned)status);
}

#endif
