#include "system/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "system/sandbox_numbers.h"
#include "system/syscall_filter.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const allowed[] = {
	/* the loop */
	"read",
	"write",
	"writev", /* musl's stdio */
	"close",
	"poll",
	"ppoll",
	"ppoll_time64",
	"recvmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"sendmsg",
	"sendmmsg",
	"timerfd_settime",
	"timerfd_settime64",
	"getrandom",
	"fstat",
	"fstat64",
	/* memory; mmap and mprotect are below */
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"mlock",
	"munlock",
	"memfd_secret",
	"ftruncate",
	"ftruncate64",
	/* clocks, where the vDSO does not know the clock or the machine has no fast one */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"gettimeofday",
	"time",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	/* the C library and the kernel on its behalf */
	"futex",
	"futex_time64",
	"sched_yield",
	"getcpu",
	/* glibc 2.41 blocks signals around the first getrandom(), as abort() does everywhere */
	"rt_sigprocmask",
	"sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"restart_syscall",
	"exit",
	"exit_group",
	/* about the process and the machine; qsort() of older glibc asks how much memory there is */
	"getpid",
	"gettid",
	"getuid",
	"getuid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getegid",
	"getegid32",
	"getrlimit",
	"ugetrlimit",
	"sysinfo",
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
/* Where there are both, the older one hands its arguments over in memory, which a filter cannot see. */
#ifdef SYS_mmap2
	{ "mmap2", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_MASKED(2, PROT_EXEC, 0) } },
#else
	{ "mmap", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_MASKED(2, PROT_EXEC, 0) } },
#endif
	{ "mprotect", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_MASKED(2, PROT_EXEC, 0) } },
	{ "fcntl", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GET_SEALS) } },
	{ "fcntl64", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GET_SEALS) } },
	{ "fcntl", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFD) } },
	{ "fcntl64", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFD) } },
	{ "fcntl", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFL) } },
	{ "fcntl64", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFL) } },
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
	/* stdio asks whether a stream is a terminal, and where it stands when it is closed. */
	{ "ioctl", SCMP_ACT_ERRNO(ENOTTY), 1, { SYSCALL_FILTER_INT(1, TCGETS) } },
	{ "ioctl", SCMP_ACT_ERRNO(ENOTTY), 1, { SYSCALL_FILTER_INT(1, TIOCGWINSZ) } },
	{ "lseek", SCMP_ACT_ERRNO(ESPIPE), 0, { { 0 } } },
	{ "_llseek", SCMP_ACT_ERRNO(ESPIPE), 0, { { 0 } } },
	/* glibc can give its mappings names. It does without when told that the kernel has none. */
	{ "prctl", SCMP_ACT_ERRNO(EINVAL), 1, { SYSCALL_FILTER_INT(0, PR_SET_VMA) } },
	/* Own processors: glibc's allocator and its getrandom() ask. */
	{ "sched_getaffinity", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(0, 0) } },
	/* Own limits may be read (no new value). */
	{ "prlimit64", SCMP_ACT_ALLOW, 2, { SYSCALL_FILTER_INT(0, 0), { 2, SCMP_CMP_EQ, 0, 0 } } },
	/* Secret memory raises its limit when it is first used. */
	{ "prlimit64",
	  SCMP_ACT_ALLOW,
	  2,
	  { SYSCALL_FILTER_INT(0, 0), SYSCALL_FILTER_INT(1, RLIMIT_MEMLOCK) } },
};

/*
 * abort() ends the process by its own signal: an allocator that finds its memory corrupted is no forbidden
 * system call. glibc names process and thread, musl the thread.
 */
static int allow_abort(scmp_filter_ctx filter)
{
	const struct syscall_rule own[] = {
		{ "tgkill",
		  SCMP_ACT_ALLOW,
		  2,
		  { SYSCALL_FILTER_INT(0, getpid()), SYSCALL_FILTER_INT(2, SIGABRT) } },
		{ "tkill",
		  SCMP_ACT_ALLOW,
		  2,
		  { SYSCALL_FILTER_INT(0, syscall(SYS_gettid)), SYSCALL_FILTER_INT(1, SIGABRT) } },
		/* musl's abort() then sets the default action. */
		{ "rt_sigaction", SCMP_ACT_ERRNO(EPERM), 1, { SYSCALL_FILTER_INT(0, SIGABRT) } },
	};

	return syscall_filter_add_rules(filter, own, COUNT(own));
}

static int fill(scmp_filter_ctx filter)
{
	int result = syscall_filter_add_names(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));

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
	return result == 0 ? allow_abort(filter) : result;
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
	/* Before Linux 4.14 there is only that for a thread, of which we have one. */
	if (result != 0)
		result = syscall_filter_create(&filter, SCMP_ACT_KILL_THREAD);
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
