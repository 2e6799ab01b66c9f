#include "rp/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

struct watched {
	uint32_t index;
	bool is_expected; /* it was about to be made, and has no index yet */
	char name[WIREGUARD_NAME_BYTES];
};

enum message_kind {
	MESSAGE_WATCH,
	MESSAGE_PROMISE,
	MESSAGE_FORGET,
	MESSAGE_UNDONE, /* all changes */
};

/* Goes through the pipe in one piece. */
struct message {
	enum message_kind kind;
	union {
		struct watched watched;
		struct undo undo;
	};
};

_Static_assert(sizeof(struct message) <= PIPE_BUF, "a pipe takes it in one piece");

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

/* What the guard knows. */
struct known {
	struct watched watched;
	struct undo_list changes;
};

static void take(struct known *known, const struct message *message)
{
	switch (message->kind) {
	case MESSAGE_WATCH:
		known->watched = message->watched;
		known->watched.name[sizeof known->watched.name - 1] = '\0';
		break;
	case MESSAGE_PROMISE:
		if (undo_add(&known->changes, &message->undo) != 0)
			log_warn("out of memory; what rp has changed stays if its process is killed");
		break;
	case MESSAGE_FORGET:
		undo_drop(&known->changes, &message->undo);
		break;
	case MESSAGE_UNDONE:
		undo_release(&known->changes);
		break;
	}
}

/* Ends with the pipe: the other end is closed when its process is gone, however it ended. */
static _Noreturn void watch(int fd)
{
	static const int kept[] = { CAP_NET_ADMIN };
	struct known known = { 0 };
	struct message message;
	char problem[SANDBOX_PROBLEM_BYTES];

	(void)prctl(PR_SET_NAME, "rp-guard");
	/* What ends our parent, from a terminal or a service manager, must not end us first. */
	(void)setsid();
	for (int number = 1; number < SIGRTMIN; number++)
		(void)signal(number, SIG_IGN);
	if (sandbox_keep(kept, sizeof kept / sizeof kept[0], problem) != 0)
		log_warn("%s", problem);
	for (;;) {
		ssize_t got = read(fd, &message, sizeof message);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)sizeof message)
			break;
		take(&known, &message);
	}
	delete_watched(&known.watched);
	/* Routes of ours have gone with the interface, so that those that made room for them find it free. */
	undo_run(&known.changes);
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

bool guard_runs(struct guard *guard)
{
	if (guard->pid == 0 || waitpid(guard->pid, NULL, WNOHANG) != guard->pid)
		return guard->pid != 0;
	(void)close(guard->fd);
	guard->fd = -1;
	guard->pid = 0;
	return false;
}

static void tell(const struct guard *guard, const struct message *message)
{
	if (guard->fd < 0)
		return;
	if (write(guard->fd, message, sizeof *message) != (ssize_t)sizeof *message)
		log_warn("what rp has changed stays if this process is killed");
}

static void tell_watched(const struct guard *guard, const char *name, struct watched watched)
{
	struct message message;

	memset(&message, 0, sizeof message);
	message.kind = MESSAGE_WATCH;
	(void)snprintf(watched.name, sizeof watched.name, "%s", name);
	message.watched = watched;
	tell(guard, &message);
}

void guard_watch(const struct guard *guard, const char *name, uint32_t index)
{
	tell_watched(guard, name, (struct watched){ .index = index });
}

void guard_expect(const struct guard *guard, const char *name)
{
	tell_watched(guard, name, (struct watched){ .is_expected = true });
}

static void tell_change(const struct guard *guard, enum message_kind kind, const struct undo *undo)
{
	struct message message;

	memset(&message, 0, sizeof message);
	message.kind = kind;
	message.undo = *undo;
	tell(guard, &message);
}

int guard_promise(struct guard *guard, const struct undo *undo)
{
	size_t before = guard->changes.count;
	int result = undo_add(&guard->changes, undo);

	if (result == 0 && guard->changes.count > before)
		tell_change(guard, MESSAGE_PROMISE, undo);
	return result;
}

void guard_forget(struct guard *guard, const struct undo *undo)
{
	undo_drop(&guard->changes, undo);
	tell_change(guard, MESSAGE_FORGET, undo);
}

void guard_undo(struct guard *guard)
{
	struct message message;

	if (guard->changes.count == 0) {
		undo_release(&guard->changes);
		return;
	}
	undo_run(&guard->changes);
	memset(&message, 0, sizeof message);
	message.kind = MESSAGE_UNDONE;
	tell(guard, &message);
}

void guard_end(struct guard *guard)
{
	undo_release(&guard->changes);
	if (guard->pid == 0)
		return;
	(void)close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	*guard = (struct guard){ .fd = -1 };
}
