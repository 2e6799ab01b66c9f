#ifndef ROSENPASS_DELIVERY_COMMAND_QUEUE_H
#define ROSENPASS_DELIVERY_COMMAND_QUEUE_H

/*
 * When programs are started that take keys. Calls are started in the order in which they became due, and a
 * program that hangs keeps no other one waiting for more than a few seconds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/loop.h"

struct command_queue;

/* One target, of which one program runs at a time. Embedded in its owner. */
struct command_call {
	struct command_call *next; /* in the order in which they were added */
	uint64_t turn;             /* place in the queue; 0: no call is due */
	bool is_running;
	uint64_t young_until_ns;
	/* Returns true if the call has to wait for another one. */
	bool (*is_blocked)(const struct command_call *call);
	/* Starts the program. Sets is_running if it runs. */
	void (*start)(struct command_call *call);
	/* The daemon stops. */
	void (*stop)(struct command_call *call);
	/* The time for programs is over: a running one has to end, and a call that is due is not made. */
	void (*end)(struct command_call *call);
	/* Nothing more runs, and this one may free itself. */
	void (*settle)(struct command_call *call);
};

/* 0 or -ENOMEM. */
int command_queue_create(struct command_queue **out, struct loop *loop) __attribute__((warn_unused_result));
/* NULL is allowed. The calls have to be gone. */
void command_queue_destroy(struct command_queue *queue);

void command_queue_add(struct command_queue *queue, struct command_call *call);
void command_queue_remove(struct command_queue *queue, const struct command_call *call);
/* The first of all calls, from which next leads on. */
struct command_call *command_queue_first(const struct command_queue *queue);

/* A call is due. A call that has a place already keeps it. */
void command_queue_request(struct command_queue *queue, struct command_call *call);
/* Something has changed for those that wait: looks at them before the turn of the loop ends. */
void command_queue_wake(struct command_queue *queue);

/*
 * The daemon stops: calls that are due are still made, and programs may end their work for a while; at_once:
 * they are ended.
 */
void command_queue_stop(struct command_queue *queue, bool at_once);
bool command_queue_is_stopping(const struct command_queue *queue);
/* Returns true as long as a program runs, or waits for its turn, for which the daemon should wait. */
bool command_queue_is_busy(const struct command_queue *queue);

/* The time that a program has from SIGTERM to SIGKILL. */
#define COMMAND_QUEUE_END_NS UINT64_C(5000000000)

#endif
