#include "system/child.h"

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the limit is none at all. */
#define DESCRIPTORS_MAX (1u << 20)

void child_reset_signals(void)
{
	sigset_t none;

	/* Of numbers that cannot be set, or belong to the C library, nothing is wanted. */
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void child_close_from(unsigned first)
{
	struct rlimit limit = { .rlim_cur = DESCRIPTORS_MAX };

#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0u, 0) == 0)
		return;
#endif
	/* Before Linux 5.9. */
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > DESCRIPTORS_MAX)
		limit.rlim_cur = DESCRIPTORS_MAX;
	for (unsigned fd = first; fd < limit.rlim_cur; fd++)
		(void)close((int)fd);
}
