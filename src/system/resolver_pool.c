#include "system/resolver_pool.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"

#define INTERVAL_NS (CLOCK_SECOND_NS / RESOLVER_POOL_PER_SECOND)

/* Room for one process. */
struct place {
	struct resolver_pool *pool;
	struct resolver_job job; /* fd -1: free */
	struct loop_io io;
	struct resolver_request *request; /* NULL: free, or cancelled */
};

struct resolver_pool {
	struct loop *loop;
	struct resolver_pool_owner owner;
	struct loop_timer timer; /* when the first of the queue may be started */
	struct place places[RESOLVER_POOL_PROCESSES];
	struct resolver_request *first, *last; /* queue */
	/*
	 * When the processes that were started so far would have been started at the steady rate. A burst may
	 * lie between now and then.
	 */
	uint64_t paid_ns;
};

/* --- queue ------------------------------------------------------------------------------ */

static void append(struct resolver_pool *pool, struct resolver_request *request)
{
	request->next = NULL;
	request->previous = pool->last;
	if (pool->last != NULL)
		pool->last->next = request;
	else
		pool->first = request;
	pool->last = request;
	request->is_queued = true;
}

static void unlink_request(struct resolver_pool *pool, struct resolver_request *request)
{
	if (request->previous != NULL)
		request->previous->next = request->next;
	else
		pool->first = request->next;
	if (request->next != NULL)
		request->next->previous = request->previous;
	else
		pool->last = request->previous;
	request->next = NULL;
	request->previous = NULL;
	request->is_queued = false;
}

/* --- starting --------------------------------------------------------------------------- */

static bool is_free(const struct place *place)
{
	return place->job.fd < 0;
}

static bool is_cancelled(const struct place *place)
{
	return !is_free(place) && place->request == NULL;
}

static struct place *free_place(struct resolver_pool *pool)
{
	for (size_t i = 0; i < RESOLVER_POOL_PROCESSES; i++) {
		if (is_free(&pool->places[i]))
			return &pool->places[i];
	}
	return NULL;
}

/* Returns when the rate limit lets the next process start. */
static uint64_t allowed_ns(const struct resolver_pool *pool)
{
	uint64_t burst_ns = (RESOLVER_POOL_BURST - 1) * INTERVAL_NS;

	return pool->paid_ns > burst_ns ? pool->paid_ns - burst_ns : 0;
}

/*
 * Sets the timer for what was cancelled, or for the first of the queue. Without a free place, the end of a
 * process does this again.
 */
static void schedule(struct resolver_pool *pool)
{
	uint64_t now_ns = loop_now_ns(pool->loop);
	uint64_t at_ns = LOOP_NEVER;

	if (pool->first != NULL && free_place(pool) != NULL)
		at_ns = allowed_ns(pool) > now_ns ? allowed_ns(pool) : now_ns;
	for (size_t i = 0; i < RESOLVER_POOL_PROCESSES; i++) {
		if (is_cancelled(&pool->places[i]))
			at_ns = now_ns;
	}
	loop_timer_set(pool->loop, &pool->timer, at_ns);
}

static void start(struct resolver_pool *pool, struct place *place, struct resolver_request *request)
{
	uint64_t now_ns = loop_now_ns(pool->loop);
	int result;

	unlink_request(pool, request);
	/* One that fails has cost something, too. */
	pool->paid_ns = (pool->paid_ns > now_ns ? pool->paid_ns : now_ns) + INTERVAL_NS;
	result = pool->owner.start(pool->owner.owner, &place->job, request->text);
	if (result == 0) {
		place->request = request;
		place->io.fd = place->job.fd;
		request->is_running = true;
	} else {
		request->answered(request->owner, NULL, 0, strerror(-result));
	}
}

/* Ends the process, which keeps its id until the owner has looked at what it has sent. */
static void stop(struct place *place)
{
	resolver_stop(&place->job);
	place->pool->owner.ended(place->pool->owner.owner);
}

static void stop_cancelled(struct resolver_pool *pool)
{
	for (size_t i = 0; i < RESOLVER_POOL_PROCESSES; i++) {
		struct place *place = &pool->places[i];

		if (!is_cancelled(place))
			continue;
		stop(place);
		resolver_cancel(&place->job);
	}
}

static void expired(void *owner)
{
	struct resolver_pool *pool = owner;
	struct place *place;

	stop_cancelled(pool);
	while (pool->first != NULL && (place = free_place(pool)) != NULL &&
	       allowed_ns(pool) <= loop_now_ns(pool->loop))
		start(pool, place, pool->first);
	schedule(pool);
}

/* --- ending ----------------------------------------------------------------------------- */

/* Nothing that the process says counts any more. */
static void release(struct place *place)
{
	place->io.fd = -1;
	place->request->is_running = false;
	place->request = NULL;
	schedule(place->pool);
}

static void ready(void *owner, short revents)
{
	struct place *place = owner;
	struct resolver_request *request = place->request;
	union address_socket addresses[RESOLVER_ADDRESSES_MAX];
	char problem[RESOLVER_PROBLEM_BYTES];
	size_t count = 0;
	bool has_failed;

	(void)revents;
	stop(place);
	has_failed = resolver_finish(&place->job, addresses, &count, problem) != 0;
	release(place);
	request->answered(request->owner, has_failed ? NULL : addresses, count, has_failed ? problem : NULL);
}

/* --- calls ------------------------------------------------------------------------------ */

struct loop *resolver_pool_loop(const struct resolver_pool *pool)
{
	return pool->loop;
}

void resolver_pool_ask(struct resolver_pool *pool, struct resolver_request *request)
{
	assert(!request->is_queued && !request->is_running);
	append(pool, request);
	schedule(pool);
}

void resolver_pool_cancel(struct resolver_pool *pool, struct resolver_request *request)
{
	if (request->is_queued) {
		unlink_request(pool, request);
		schedule(pool);
	}
	for (size_t i = 0; i < RESOLVER_POOL_PROCESSES; i++) {
		if (pool->places[i].request == request)
			release(&pool->places[i]);
	}
}

bool resolver_pool_has_process(const struct resolver_pool *pool, pid_t pid)
{
	for (size_t i = 0; pool != NULL && i < RESOLVER_POOL_PROCESSES; i++) {
		if (!is_free(&pool->places[i]) && pool->places[i].job.pid == pid)
			return true;
	}
	return false;
}

int resolver_pool_create(struct resolver_pool **out, struct loop *loop,
                         const struct resolver_pool_owner *owner)
{
	struct resolver_pool *pool = calloc(1, sizeof *pool);
	int result = pool == NULL ? -ENOMEM : 0;

	*out = NULL;
	if (result != 0)
		return result;
	pool->loop = loop;
	pool->owner = *owner;
	pool->timer = (struct loop_timer){ .expired = expired, .owner = pool };
	result = loop_timer_add(loop, &pool->timer);
	if (result != 0) {
		free(pool);
		return result;
	}
	for (size_t i = 0; result == 0 && i < RESOLVER_POOL_PROCESSES; i++) {
		struct place *place = &pool->places[i];

		*place = (struct place){ .pool = pool, .job = { .pid = 0, .fd = -1 } };
		place->io = (struct loop_io){ .fd = -1, .events = POLLIN, .ready = ready, .owner = place };
		result = loop_io_add(loop, &place->io);
	}
	if (result != 0)
		resolver_pool_destroy(pool);
	else
		*out = pool;
	return result;
}

void resolver_pool_destroy(struct resolver_pool *pool)
{
	if (pool == NULL)
		return;
	assert(pool->first == NULL);
	stop_cancelled(pool);
	for (size_t i = 0; i < RESOLVER_POOL_PROCESSES; i++) {
		assert(pool->places[i].request == NULL);
		loop_io_remove(pool->loop, &pool->places[i].io);
	}
	loop_timer_remove(pool->loop, &pool->timer);
	free(pool);
}
