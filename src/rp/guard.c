#include "rp/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/child.h"
#include "system/log.h"
#include "system/sandbox.h"
#include "wireguard/link.h"

/* Goes through the pipe in one piece. */
struct watched {
	uint32_t index;
	bool is_expected; /* it was about to be made, and has no index yet */
	char name[WIREGUARD_NAME_BYTES];
};

static void delete_watched(const struct watched *watched)
{
	uint32_t index;
	int result;

	/* Somebody else may have deleted it, and made another. */
	if ((watched->index == 0 && !watched->is_expected) || link_find(watched->name, &index) != 0 ||
	    (!watched->is_expected && index != watched->index))
		return;
	log_warn("the process that made interface %s is gone; deleting it", watched->name);
	result = link_delete(index);
	if (result != 0)
		log_error("cannot delete interface %s: %s", watched->name, strerror(-result));
}

/* Ends with the pipe: the other end is closed when its process is gone, however it ended. */
static _Noreturn void watch(int fd)
{
	static const int kept[] = { CAP_NET_ADMIN };
	struct watched watched = { 0 };
	struct watched next;
	char problem[SANDBOX_PROBLEM_BYTES];

	(void)prctl(PR_SET_NAME, "rp-guard");
	/* What ends our parent, from a terminal or a service manager, must not end us first. */
	(void)setsid();
	for (int number = 1; number < SIGRTMIN; number++)
		(void)signal(number, SIG_IGN);
	if (sandbox_keep(kept, sizeof kept / sizeof kept[0], problem) != 0)
		log_warn("%s", problem);
	for (;;) {
		ssize_t got = read(fd, &next, sizeof next);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)sizeof next)
			break;
		watched = next;
		watched.name[sizeof watched.name - 1] = '\0';
	}
	delete_watched(&watched);
	_exit(EXIT_SUCCESS);
}

int guard_start(struct guard *guard)
{
	int ends[2];

	*guard = (struct guard){ .fd = -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	guard->pid = fork();
	if (guard->pid < 0) {
		int result = -errno;

		guard->pid = 0;
		(void)close(ends[0]);
		(void)close(ends[1]);
		return result;
	}
	if (guard->pid == 0) {
		child_reset_signals();
		/*
		 * Standard error is for messages; our own copy of the other end would keep it open for
		 * ever.
		 */
		(void)dup2(ends[0], STDIN_FILENO);
		child_close_from(STDERR_FILENO + 1);
		watch(STDIN_FILENO);
	}
	(void)close(ends[0]);
	guard->fd = ends[1];
	return 0;
}

static void tell(const struct guard *guard, const char *name, struct watched watched)
{
	if (guard->fd < 0)
		return;
	(void)snprintf(watched.name, sizeof watched.name, "%s", name);
	if (write(guard->fd, &watched, sizeof watched) != (ssize_t)sizeof watched)
		log_warn("interface %s stays if this process is killed", name);
}

void guard_watch(const struct guard *guard, const char *name, uint32_t index)
{
	tell(guard, name, (struct watched){ .index = index });
}

void guard_expect(const struct guard *guard, const char *name)
{
	tell(guard, name, (struct watched){ .is_expected = true });
}

void guard_end(struct guard *guard)
{
	if (guard->pid == 0)
		return;
	(void)close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	*guard = (struct guard){ .fd = -1 };
}
