#include "system/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "system/sandbox_numbers.h"
#include "system/syscall_filter.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const allowed[] = {
	"recvmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"sendmsg",
	"sendmmsg",
	"timerfd_settime",
	"timerfd_settime64",
	/* memory for secrets */
	"mlock",
	"munlock",
	"memfd_secret",
};

/*
 * These set the size of memory of memfd_secret. Without that they are not needed, and are not allowed: they
 * can truncate a file that is open by mistake.
 */
static const char *const sizing[] = {
	"ftruncate",
	"ftruncate64",
};

/* Names of files that a C library looks at when it first needs them, and copes when it may not. */
static const char *const no_access[] = {
	"stat",      "stat64",    "lstat",      "lstat64",
#ifndef SYS_newfstatat
	"fstatat64",
#endif
	"access",    "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd",
};

/* Calls of new kernels that C libraries do without on older ones. */
static const char *const missing[] = {
	"rseq",
	"membarrier",
	"set_robust_list",
#ifdef SYS_newfstatat
	"statx",
#endif
};

static const struct syscall_rule rules[] = {
	{ "fcntl", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GET_SEALS) } },
	{ "fcntl64", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GET_SEALS) } },
/*
 * How the C library makes fstat(), with an empty name. Another name cannot be kept out: it could be seen
 * whether a file is there, not what is in it.
 */
#ifdef SYS_newfstatat
	{ "newfstatat", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(3, AT_EMPTY_PATH) } },
	{ "newfstatat", SCMP_ACT_ERRNO(EACCES), 1, { { 3, SCMP_CMP_NE, AT_EMPTY_PATH, 0 } } },
#else
	{ "statx", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_MASKED(2, AT_EMPTY_PATH, AT_EMPTY_PATH) } },
	{ "statx", SCMP_ACT_ERRNO(ENOSYS), 1, { SYSCALL_FILTER_MASKED(2, AT_EMPTY_PATH, 0) } },
#endif
	/* Opening for reading: time zones, the number of processors. Opening for writing kills. */
	{ "open", SCMP_ACT_ERRNO(EACCES), 1, { SYSCALL_FILTER_MASKED(1, O_ACCMODE | O_CREAT | O_TRUNC, 0) } },
	{ "openat",
	  SCMP_ACT_ERRNO(EACCES),
	  1,
	  { SYSCALL_FILTER_MASKED(2, O_ACCMODE | O_CREAT | O_TRUNC, 0) } },
	/* stdio asks where a stream stands when it is closed. */
	{ "lseek", SCMP_ACT_ERRNO(ESPIPE), 0, { { 0 } } },
	{ "_llseek", SCMP_ACT_ERRNO(ESPIPE), 0, { { 0 } } },
	/* musl's abort() sets the default action. */
	{ "rt_sigaction", SCMP_ACT_ERRNO(EPERM), 1, { SYSCALL_FILTER_INT(0, SIGABRT) } },
	/* Secret memory raises its limit when it is first used. */
	{ "prlimit64",
	  SCMP_ACT_ALLOW,
	  2,
	  { SYSCALL_FILTER_INT(0, 0), SYSCALL_FILTER_INT(1, RLIMIT_MEMLOCK) } },
};

static bool has_memfd_secret(void)
{
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
#else
	return false;
#endif
}

static int fill(scmp_filter_ctx filter)
{
	int result = syscall_filter_allow_library(filter);

	if (result == 0)
		result = syscall_filter_add_names(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
	if (result == 0 && has_memfd_secret())
		result = syscall_filter_add_names(filter, SCMP_ACT_ALLOW, sizing, COUNT(sizing));
	if (result == 0)
		result =
			syscall_filter_add_names(filter, SCMP_ACT_ERRNO(EACCES), no_access, COUNT(no_access));
	if (result == 0)
		result = syscall_filter_add_names(filter, SCMP_ACT_ERRNO(ENOSYS), missing, COUNT(missing));
	/* A C library that knows a newer kernel tries its calls first. */
	if (result == 0)
		result = syscall_filter_add_new(filter, SCMP_ACT_ERRNO(ENOSYS));
	if (result == 0)
		result = syscall_filter_add_rules(filter, rules, COUNT(rules));
	return result;
}

/* The C library sets up its state for random bytes and clocks at first use: while every call is allowed. */
static void use_first(void)
{
	struct timespec now;
	uint8_t byte;

	(void)!getrandom(&byte, sizeof byte, GRND_NONBLOCK);
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
}

int sandbox_filter(struct sandbox_report *report, char problem[static SANDBOX_PROBLEM_BYTES])
{
	scmp_filter_ctx filter = NULL;
	int result;

	report->seccomp = 0;
	if (!syscall_filter_is_supported())
		return 0;
	use_first();
	result = syscall_filter_create(&filter, SCMP_ACT_KILL_PROCESS);
	/*
	 * Before Linux 4.14 only a thread can be killed, and the others would wait for it. This signal, for
	 * which no handler can be set, ends the process.
	 */
	if (result != 0)
		result = syscall_filter_create(&filter, SCMP_ACT_TRAP);
	if (result == 0)
		result = fill(filter);
	if (result == 0)
		result = syscall_filter_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	if (result != 0) {
		(void)snprintf(problem, SANDBOX_PROBLEM_BYTES, "the filter of system calls (seccomp): %s",
		               strerror(-result));
		return -1;
	}
	report->seccomp = 1;
	return 0;
}
