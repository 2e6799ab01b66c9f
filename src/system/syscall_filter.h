#ifndef ROSENPASS_SYSTEM_SYSCALL_FILTER_H
#define ROSENPASS_SYSTEM_SYSCALL_FILTER_H

/*
 * Filters of system calls (seccomp), built from tables. Every function returns 0 or negative errno. Names
 * that the architecture does not have are skipped, so that one table serves all.
 */

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers that every architecture gives to the same call, and that are younger than the calls named here. */
#define SYSCALL_FILTER_NEW_FIRST 448
#define SYSCALL_FILTER_NEW_LAST 511

/* A call and the arguments for which the action applies: all conditions hold. */
struct syscall_rule {
	const char *name;
	uint32_t action;
	unsigned conditions;
	struct scmp_arg_cmp compare[3];
};

/* The lower 32 bits of an argument, masked, have that value; the kernel ignores the others of an int. */
#define SYSCALL_FILTER_MASKED(argument, mask, value)                      \
	{                                                                 \
		(argument), SCMP_CMP_MASKED_EQ, (uint32_t)(mask), (value) \
	}
#define SYSCALL_FILTER_INT(argument, value) SYSCALL_FILTER_MASKED(argument, UINT32_MAX, (uint32_t)(value))

/* Returns true if the kernel has filters. */
bool syscall_filter_is_supported(void);

/* Starts a filter with the answer to every call without a rule, and to calls of another architecture. */
int syscall_filter_create(scmp_filter_ctx *filter, uint32_t otherwise) __attribute__((warn_unused_result));

/* The same action for each name, whatever the arguments. */
int syscall_filter_add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
	__attribute__((warn_unused_result));

int syscall_filter_add_rules(scmp_filter_ctx filter, const struct syscall_rule *rules, size_t count)
	__attribute__((warn_unused_result));

/* The same action for each number of SYSCALL_FILTER_NEW_FIRST and following. */
int syscall_filter_add_new(scmp_filter_ctx filter, uint32_t action) __attribute__((warn_unused_result));

/*
 * What both glibc and musl make of plain code, also when they first need something: files that are open,
 * memory without execution, waiting, clocks, random bytes, locks, the signal mask, own ids, limits and
 * processors, abort() and exit().
 */
int syscall_filter_allow_library(scmp_filter_ctx filter) __attribute__((warn_unused_result));

/* Puts the filter in force for all threads of the process, for good. Needs no_new_privs or CAP_SYS_ADMIN. */
int syscall_filter_load(scmp_filter_ctx filter) __attribute__((warn_unused_result));

#endif
