#include "system/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <linux/seccomp.h>

#include "system/sandbox_numbers.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif

/* An architecture has some of these: libseccomp gives the others a negative number, and ignores the rule. */
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
	"clock_gettime", /* where the vDSO does not know the clock */
	"clock_gettime64",
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
	/* the C library and the kernel on its behalf */
	"futex",
	"futex_time64",
	"rt_sigreturn",
	"sigreturn",
	"restart_syscall",
	"exit",
	"exit_group",
};

/* A system call that is answered when an argument, masked, has that value. */
struct rule {
	const char *name;
	uint32_t action;
	unsigned argument; /* from 0 */
	uint32_t mask;
	uint32_t value;
};

static const struct rule rules[] = {
/* Where there are both, the older one hands its arguments over in memory, which a filter cannot see. */
#ifdef SYS_mmap2
	{ "mmap2", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0 },
#else
	{ "mmap", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0 },
#endif
	{ "mprotect", SCMP_ACT_ALLOW, 2, PROT_EXEC, 0 },
	{ "fcntl", SCMP_ACT_ALLOW, 1, UINT32_MAX, F_GET_SEALS },
	{ "fcntl64", SCMP_ACT_ALLOW, 1, UINT32_MAX, F_GET_SEALS },
/*
 * How the C library makes fstat(), with an empty name. Another name cannot be kept out: it could be seen
 * whether a file is there, not what is in it.
 */
#ifdef SYS_newfstatat
	{ "newfstatat", SCMP_ACT_ALLOW, 3, UINT32_MAX, AT_EMPTY_PATH },
#else
	{ "statx", SCMP_ACT_ALLOW, 2, AT_EMPTY_PATH, AT_EMPTY_PATH },
#endif
	/* glibc can give its mappings names. It does without when told that the kernel has none. */
	{ "prctl", SCMP_ACT_ERRNO(EINVAL), 0, UINT32_MAX, PR_SET_VMA },
};

/* libseccomp 2.5.0 does not know all. */
static int number_of(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

#ifdef SYS_memfd_secret
	if (number == __NR_SCMP_ERROR && strcmp(name, "memfd_secret") == 0)
		number = SYS_memfd_secret;
#endif
	return number;
}

static int allow(scmp_filter_ctx filter, const char *name)
{
	int number = number_of(name);

	return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int add_rule(scmp_filter_ctx filter, const struct rule *rule)
{
	const struct scmp_arg_cmp compare = {
		.arg = rule->argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = rule->mask,
		.datum_b = rule->value,
	};
	int number = number_of(rule->name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(filter, rule->action, number, 1, &compare);
}

/* Secret memory raises its limit when it is used first: the process may do that to itself. */
static int allow_limit(scmp_filter_ctx filter)
{
	static const struct scmp_arg_cmp compare[] = {
		{ .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = 0 },
		{ .arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = RLIMIT_MEMLOCK },
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number_of("prlimit64"), 2, compare);
}

static int fill(scmp_filter_ctx filter, uint32_t otherwise)
{
	/* Calls of another architecture, by 32-bit code on a 64-bit kernel. */
	int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, otherwise);

	/* Errors of the kernel as they are. */
	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && result == 0; i++)
		result = allow(filter, allowed[i]);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0] && result == 0; i++)
		result = add_rule(filter, &rules[i]);
	return result == 0 ? allow_limit(filter) : result;
}

/* The null pointer is only looked at by a kernel that has filters. */
static bool kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == 0 || errno == EFAULT;
}

int sandbox_filter(struct sandbox_report *report, char problem[static SANDBOX_PROBLEM_BYTES])
{
	uint32_t otherwise = SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx filter;
	int result;

	report->seccomp = 0;
	if (!kernel_has_filters())
		return 0;
	filter = seccomp_init(otherwise);
	/* Before Linux 4.14 there is only that for a thread, of which we have one. */
	if (filter == NULL) {
		otherwise = SCMP_ACT_KILL_THREAD;
		filter = seccomp_init(otherwise);
	}
	result = filter == NULL ? -ENOMEM : fill(filter, otherwise);
	if (result == 0)
		result = seccomp_load(filter);
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
