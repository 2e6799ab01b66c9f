#ifndef ROSENPASS_SYSTEM_LOOP_H
#define ROSENPASS_SYSTEM_LOOP_H

/*
 * An event loop for one thread: descriptors (poll), deadlines on CLOCK_BOOTTIME, which goes on while the
 * machine sleeps, signals, and children, each reaped by its own id.
 *
 * Watchers are members of what they belong to. A callback may remove and free its own watcher and any other,
 * and add new ones. A removed watcher is not called any more.
 *
 * A turn waits for the first event, then serves descriptors in the order in which they were added, then
 * signals and children, then deadlines. What a child has written is therefore read before its end is
 * reported, and a deadline that the callback of a descriptor sets to the present is met in the same turn.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/heap.h"

#define LOOP_NEVER HEAP_NEVER
/* The status of a child that somebody else has reaped. */
#define LOOP_STATUS_UNKNOWN (-1)

struct loop;

struct loop_timer {
	struct heap_node node;
	void (*expired)(void *owner);
	void *owner;
};

/* A negative fd is passed over. fd and events may be changed at any time. */
struct loop_io {
	int fd;
	short events; /* as of poll(2) */
	void (*ready)(void *owner, short revents);
	void *owner;
};

struct loop_child {
	pid_t pid;
	void (*exited)(void *owner, int status); /* as of waitpid(2); the watcher has been removed */
	void *owner;
};

/* Opens a loop. 0 or negative errno. */
int loop_open(struct loop **out) __attribute__((warn_unused_result));

/* Opens a loop whose clock shows now_ns and is moved by loop_advance() alone. It never waits. */
int loop_open_simulated(struct loop **out, uint64_t now_ns) __attribute__((warn_unused_result));

/* Frees the loop, not its watchers. NULL is allowed. */
void loop_close(struct loop *loop);

/* Returns the time at which the turn began to serve; within a turn it stands still. */
uint64_t loop_now_ns(const struct loop *loop);

/*
 * Reads the clock again: for a callback that takes long, and for what is done before the first turn. A
 * simulated clock stands still.
 */
void loop_refresh(struct loop *loop);

/*
 * Waits for events and serves them. A deadline that is set to the present while deadlines are met counts as
 * one nanosecond later. Returns 0, or negative errno if the kernel cannot wait for us.
 */
int loop_turn(struct loop *loop) __attribute__((warn_unused_result));

/* A simulated loop: moves the clock by that much, from deadline to deadline, and meets each of them. */
void loop_advance(struct loop *loop, uint64_t by_ns);

/* Reserves room, so that setting a deadline cannot fail. 0 or -ENOMEM. */
int loop_timer_add(struct loop *loop, struct loop_timer *timer) __attribute__((warn_unused_result));

/* Sets the deadline; LOOP_NEVER: none. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at_ns);

/* Gives the room back. */
void loop_timer_remove(struct loop *loop, struct loop_timer *timer);

/* 0 or -ENOMEM. */
int loop_io_add(struct loop *loop, struct loop_io *io) __attribute__((warn_unused_result));

/* Does nothing for a watcher that is not there. */
void loop_io_remove(struct loop *loop, const struct loop_io *io);

/* The child may have ended already. 0 or negative errno. */
int loop_child_add(struct loop *loop, struct loop_child *child) __attribute__((warn_unused_result));

/* Does nothing for a watcher that is not there. The child is not reaped any more. */
void loop_child_remove(struct loop *loop, const struct loop_child *child);

/*
 * Blocks a signal and calls caught for it from now on. All signals of a loop have the same function and
 * owner; for SIGCHLD it is called after children have been reported. 0 or negative errno.
 */
int loop_catch(struct loop *loop, int number, void (*caught)(void *owner, int number), void *owner)
	__attribute__((warn_unused_result));

#endif
