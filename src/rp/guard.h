#ifndef ROSENPASS_RP_GUARD_H
#define ROSENPASS_RP_GUARD_H

/*
 * A process that does nothing but wait for the end of ours, and then deletes our interface and undoes our
 * other changes if we did not: a process that is killed cannot. It has CAP_NET_ADMIN alone, and none of our
 * secrets.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rp/undo.h"

struct guard {
	pid_t pid; /* 0: none */
	int fd;
	struct undo_list changes; /* that both processes know of */
};

/* Before any key is read. 0 or negative errno. */
int guard_start(struct guard *guard) __attribute__((warn_unused_result));

/* Whether it runs; collects one that has ended, which nobody but a signal does to it. */
bool guard_runs(struct guard *guard) __attribute__((warn_unused_result));

/* The interface to delete at the end: its name and index; 0: none (any more). */
void guard_watch(const struct guard *guard, const char *name, uint32_t index);

/* None has that name yet; from now on one that has it is ours. */
void guard_expect(const struct guard *guard, const char *name);

/* We are about to change that. -ENOMEM: the change would not be undone, and must not be made. */
int guard_promise(struct guard *guard, const struct undo *undo) __attribute__((warn_unused_result));

/* Nothing has come of such a change. */
void guard_forget(struct guard *guard, const struct undo *undo);

/* Undoes all changes that were promised. */
void guard_undo(struct guard *guard);

/* Lets it end, and waits for that: it deletes what it still watches. */
void guard_end(struct guard *guard);

#endif
