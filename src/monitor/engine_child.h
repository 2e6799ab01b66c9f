#ifndef ROSENPASS_MONITOR_ENGINE_CHILD_H
#define ROSENPASS_MONITOR_ENGINE_CHILD_H

/*
 * An engine process as a child: its start, its standard error, which is a pipe to our log, its memory and
 * its end. What is said to it goes over the channel (monitor/engine_link.h).
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/process.h"
#include "system/loop.h"

struct engine_child;

struct engine_child_plan {
	struct engine_start start; /* without the channel */
	/* What runs in the child; its result is the exit status. */
	int (*run)(const struct engine_start *start);
	/* How many bytes it may allocate; 0: no limit. */
	uint64_t memory_bytes;
	/*
	 * Called once from the loop when the process has ended; as of waitpid(2), or LOOP_STATUS_UNKNOWN:
	 * somebody else has reaped it, or it cannot be killed. All that it wrote has been logged.
	 */
	void (*ended)(void *owner, int status);
	void *owner;
};

/*
 * Starts an engine process. The caller's copy of the secret key is wiped. *channel is the monitor's end,
 * to be closed by the caller. 0; negative errno after logging what failed.
 */
int engine_child_start(struct engine_child **out, struct loop *loop, const struct engine_child_plan *plan,
                       int *channel) __attribute__((warn_unused_result));

/*
 * Frees the child, which must have ended; if it has not, it is killed and not waited for. NULL is
 * allowed.
 */
void engine_child_close(struct engine_child *child);

/* 0: it has ended. */
pid_t engine_child_pid(const struct engine_child *child);

/* It was asked to end: kills it after three seconds, and gives up after three more. */
void engine_child_stop(struct engine_child *child);

void engine_child_kill(struct engine_child *child);

/*
 * The same for a caller whose loop does not turn any more: waits for the end, at most three seconds
 * before it kills and three seconds after. ended() is called.
 */
void engine_child_wait(struct engine_child *child);

/* How much an engine process with so many peers may allocate. */
uint64_t engine_child_memory_bytes(size_t peers);

/* For a caller that waits outside the loop: the pipe, -1: it is closed; and to be called after poll(). */
int engine_child_log(const struct engine_child *child);
void engine_child_read_log(struct engine_child *child);

#endif
