#include "system/syscall_filter.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <linux/seccomp.h>

#include "system/sandbox_numbers.h"

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

int syscall_filter_load(scmp_filter_ctx filter)
{
	return seccomp_load(filter);
}
