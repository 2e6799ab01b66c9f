#include "delivery/command_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "system/clock.h"

/* Time that programs have when the daemon stops. */
#define STOP_NS (15 * CLOCK_SECOND_NS)
/* A process that SIGKILL does not end is stuck in the kernel. */
#define GIVE_UP_NS (2 * COMMAND_QUEUE_END_NS + CLOCK_SECOND_NS)
/*
 * Programs that run at once. Only those that were started less than YOUNG_NS ago keep others waiting: a
 * program that takes longer waits for something itself, or hangs. RUNNING_MAX bounds the memory that hanging
 * ones take.
 */
#define YOUNG_MAX 32
#define YOUNG_NS (5 * CLOCK_SECOND_NS)
#define RUNNING_MAX 256

struct command_queue {
	struct loop *loop;
	struct loop_timer timer; /* a place comes free, or the time for programs is over */
	struct command_call *calls;
	uint64_t last_turn;
	bool is_stopping;
	uint64_t end_ns; /* the time for programs is over then */
};

/* The call whose turn is next; NULL: none can start. */
static struct command_call *next_in_queue(const struct command_queue *queue)
{
	struct command_call *first = NULL;

	for (struct command_call *call = queue->calls; call != NULL; call = call->next) {
		if (call->turn != 0 && !call->is_running && (first == NULL || call->turn < first->turn) &&
		    !call->is_blocked(call))
			first = call;
	}
	return first;
}

/* Returns true if one more program may run; else *wait_ns is when that can change without an end of one. */
static bool has_room(const struct command_queue *queue, uint64_t now_ns, uint64_t *wait_ns)
{
	size_t running = 0;
	size_t young = 0;

	*wait_ns = LOOP_NEVER;
	for (const struct command_call *call = queue->calls; call != NULL; call = call->next) {
		running += call->is_running;
		if (!call->is_running || call->young_until_ns <= now_ns)
			continue;
		young++;
		if (call->young_until_ns < *wait_ns)
			*wait_ns = call->young_until_ns;
	}
	return running < RUNNING_MAX && young < YOUNG_MAX;
}

/* Returns when a place comes free at the latest, if a call waits for that. */
static uint64_t start_those_due(struct command_queue *queue, uint64_t now_ns)
{
	struct command_call *call;
	uint64_t wait_ns;

	while ((call = next_in_queue(queue)) != NULL) {
		if (!has_room(queue, now_ns, &wait_ns))
			return wait_ns;
		call->turn = 0;
		call->young_until_ns = now_ns + YOUNG_NS;
		call->start(call);
	}
	return LOOP_NEVER;
}

static void for_each(struct command_queue *queue, void (*act)(struct command_queue *, struct command_call *))
{
	struct command_call *call = queue->calls;

	/* A call may remove itself. */
	while (call != NULL) {
		struct command_call *next = call->next;

		act(queue, call);
		call = next;
	}
}

static void end_call(struct command_queue *queue, struct command_call *call)
{
	(void)queue;
	call->end(call);
}

static void settle_call(struct command_queue *queue, struct command_call *call)
{
	(void)queue;
	if (!call->is_running && call->turn == 0)
		call->settle(call);
}

static void stop_call(struct command_queue *queue, struct command_call *call)
{
	(void)queue;
	call->stop(call);
}

static void serve(void *owner)
{
	struct command_queue *queue = owner;
	uint64_t now_ns = loop_now_ns(queue->loop);
	uint64_t next_ns;

	if (queue->is_stopping && now_ns >= queue->end_ns)
		for_each(queue, end_call);
	next_ns = start_those_due(queue, now_ns);
	for_each(queue, settle_call);
	/* Those who wait for the end look again then. */
	if (queue->is_stopping && now_ns < queue->end_ns && queue->end_ns < next_ns)
		next_ns = queue->end_ns;
	else if (queue->is_stopping && now_ns >= queue->end_ns && now_ns <= queue->end_ns + GIVE_UP_NS)
		next_ns = queue->end_ns + GIVE_UP_NS + 1;
	loop_timer_set(queue->loop, &queue->timer, next_ns);
}

int command_queue_create(struct command_queue **out, struct loop *loop)
{
	struct command_queue *queue = calloc(1, sizeof *queue);

	*out = NULL;
	if (queue == NULL)
		return -ENOMEM;
	queue->loop = loop;
	queue->timer = (struct loop_timer){ .expired = serve, .owner = queue };
	if (loop_timer_add(loop, &queue->timer) != 0) {
		free(queue);
		return -ENOMEM;
	}
	*out = queue;
	return 0;
}

void command_queue_destroy(struct command_queue *queue)
{
	if (queue == NULL)
		return;
	assert(queue->calls == NULL);
	loop_timer_remove(queue->loop, &queue->timer);
	free(queue);
}

void command_queue_add(struct command_queue *queue, struct command_call *call)
{
	struct command_call **end = &queue->calls;

	while (*end != NULL)
		end = &(*end)->next;
	*end = call;
}

void command_queue_remove(struct command_queue *queue, const struct command_call *call)
{
	struct command_call **at = &queue->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
}

struct command_call *command_queue_first(const struct command_queue *queue)
{
	return queue->calls;
}

void command_queue_wake(struct command_queue *queue)
{
	loop_timer_set(queue->loop, &queue->timer, loop_now_ns(queue->loop));
}

void command_queue_request(struct command_queue *queue, struct command_call *call)
{
	if (call->turn == 0)
		call->turn = ++queue->last_turn;
	command_queue_wake(queue);
}

void command_queue_stop(struct command_queue *queue, bool at_once)
{
	uint64_t now_ns = loop_now_ns(queue->loop);

	queue->is_stopping = true;
	queue->end_ns = at_once ? now_ns : now_ns + STOP_NS;
	for_each(queue, stop_call);
	command_queue_wake(queue);
}

bool command_queue_is_stopping(const struct command_queue *queue)
{
	return queue->is_stopping;
}

bool command_queue_is_busy(const struct command_queue *queue)
{
	if (queue->is_stopping && loop_now_ns(queue->loop) > queue->end_ns + GIVE_UP_NS)
		return false;
	for (const struct command_call *call = queue->calls; call != NULL; call = call->next) {
		if (call->is_running || call->turn != 0)
			return true;
	}
	return false;
}
