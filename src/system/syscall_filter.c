#include "system/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <linux/seccomp.h>

#include "system/sandbox_numbers.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const library[] = {
	"read",
	"write",
	"writev", /* musl's stdio */
	"close",
	"fstat",
	"fstat64",
	"poll",
	"ppoll",
	"ppoll_time64",
	/* memory; mmap and mprotect are below */
	"munmap",
	"mremap",
	"madvise",
	"brk",
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
	"getrandom",
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

/* Where there are both, the older one hands its arguments over in memory, which a filter cannot see. */
#ifdef SYS_mmap2
#define MMAP "mmap2"
#else
#define MMAP "mmap"
#endif
/* kind: which of MAP_SHARED and MAP_ANONYMOUS are set. */
#define MMAP_RULE(kind)                                                                    \
	{                                                                                  \
		MMAP, SCMP_ACT_ALLOW, 2,                                                   \
		{                                                                          \
			SYSCALL_FILTER_MASKED(2, PROT_EXEC, 0),                            \
				SYSCALL_FILTER_MASKED(3, MAP_SHARED | MAP_ANONYMOUS, kind) \
		}                                                                          \
	}

static const struct syscall_rule library_rules[] = {
	/* Not both: such memory counts against no limit of the process (RLIMIT_DATA). */
	MMAP_RULE(0),
	MMAP_RULE(MAP_SHARED),
	MMAP_RULE(MAP_ANONYMOUS),
	{ "mprotect", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_MASKED(2, PROT_EXEC, 0) } },
	{ "fcntl", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFD) } },
	{ "fcntl64", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFD) } },
	{ "fcntl", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFL) } },
	{ "fcntl64", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(1, F_GETFL) } },
	/* stdio asks whether a stream is a terminal. */
	{ "ioctl", SCMP_ACT_ERRNO(ENOTTY), 1, { SYSCALL_FILTER_INT(1, TCGETS) } },
	{ "ioctl", SCMP_ACT_ERRNO(ENOTTY), 1, { SYSCALL_FILTER_INT(1, TIOCGWINSZ) } },
	/* glibc can give its mappings names. It does without when told that the kernel has none. */
	{ "prctl", SCMP_ACT_ERRNO(EINVAL), 1, { SYSCALL_FILTER_INT(0, PR_SET_VMA) } },
	/* glibc's allocator and its getrandom() ask for the processors. */
	{ "sched_getaffinity", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_INT(0, 0) } },
	/* Own limits may be read (no new value). */
	{ "prlimit64", SCMP_ACT_ALLOW, 2, { SYSCALL_FILTER_INT(0, 0), { 2, SCMP_CMP_EQ, 0, 0 } } },
};

bool syscall_filter_is_supported(void)
{
	/* Only a kernel that has filters follows the null pointer. */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == 0 || errno == EFAULT;
}

int syscall_filter_create(scmp_filter_ctx *filter, uint32_t otherwise)
{
	int result;

	*filter = seccomp_init(otherwise);
	if (*filter == NULL)
		return -ENOMEM;
	/* 32-bit code on a 64-bit kernel. */
	result = seccomp_attr_set(*filter, SCMP_FLTATR_ACT_BADARCH, otherwise);
	/* For all threads. libseccomp says if the kernel (before Linux 3.17) cannot do that. */
	if (result == 0)
		result = seccomp_attr_set(*filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Report the kernel's own errors. */
	if (result == 0)
		result = seccomp_attr_set(*filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (result != 0) {
		seccomp_release(*filter);
		*filter = NULL;
	}
	return result;
}

/* libseccomp 2.5.0 does not know every call that is used here. */
static int number_of(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

#ifdef SYS_memfd_secret
	if (number == __NR_SCMP_ERROR && strcmp(name, "memfd_secret") == 0)
		number = SYS_memfd_secret;
#endif
	return number;
}

int syscall_filter_add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		int number = number_of(names[i]);

		if (number != __NR_SCMP_ERROR)
			result = seccomp_rule_add(filter, action, number, 0);
	}
	return result;
}

int syscall_filter_add_rules(scmp_filter_ctx filter, const struct syscall_rule *rules, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		int number = number_of(rules[i].name);

		if (number != __NR_SCMP_ERROR)
			result = seccomp_rule_add_array(filter, rules[i].action, number, rules[i].conditions,
			                                rules[i].compare);
	}
	return result;
}

int syscall_filter_add_new(scmp_filter_ctx filter, uint32_t action)
{
	int result = 0;

#ifdef SANDBOX_SHARED_NUMBERS
	for (int number = SYSCALL_FILTER_NEW_FIRST; number <= SYSCALL_FILTER_NEW_LAST && result == 0;
	     number++)
		result = seccomp_rule_add(filter, action, number, 0);
#else
	(void)filter;
	(void)action;
#endif
	return result;
}

/*
 * abort() ends the process by its own signal: an allocator that finds its memory corrupted makes no forbidden
 * call. glibc names process and thread, musl the thread.
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
	};

	return syscall_filter_add_rules(filter, own, COUNT(own));
}

int syscall_filter_allow_library(scmp_filter_ctx filter)
{
	int result = syscall_filter_add_names(filter, SCMP_ACT_ALLOW, library, COUNT(library));

	if (result == 0)
		result = syscall_filter_add_rules(filter, library_rules, COUNT(library_rules));
	return result == 0 ? allow_abort(filter) : result;
}

int syscall_filter_load(scmp_filter_ctx filter)
{
	return seccomp_load(filter);
}
