#include "monitor/privileges.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include "system/log.h"

#define DESCRIPTORS_MAX 65536

int privileges_choose_user(struct sandbox_user *user, const char *name)
{
	char problem[SANDBOX_PROBLEM_BYTES];

	if (sandbox_choose_user(user, name, problem) == 0)
		return 0;
	log_error("%s", problem);
	return -1;
}

void privileges_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int privileges_reduce(const struct sandbox_user *user)
{
	static const int kept[] = { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID, CAP_KILL };
	const size_t for_users = 3;
	size_t count = sizeof kept / sizeof kept[0] - (user->change ? 0 : for_users);
	char problem[SANDBOX_PROBLEM_BYTES];

	if (sandbox_keep(kept, count, problem) == 0)
		return 0;
	log_error("%s", problem);
	return -1;
}
