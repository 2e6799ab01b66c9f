#ifndef ROSENPASS_SYSTEM_RESOLVER_POOL_H
#define ROSENPASS_SYSTEM_RESOLVER_POOL_H

/*
 * Resolver processes for many names: a few at a time, first come, first served, and never more than a certain
 * number of new ones per second. Answers come from the loop, never from within a call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "system/loop.h"
#include "system/resolver.h"

#define RESOLVER_POOL_PROCESSES 8
/*
 * Processes started per second in the long run. A hub with 10,000 names has asked for each of them after
 * less than seven minutes; with name servers that take 0.3 s, the eight processes would need as long. A
 * process that is started costs some milliseconds of CPU time, so that somebody who makes us resolve names
 * all the time gets a tenth of one CPU.
 */
#define RESOLVER_POOL_PER_SECOND 25
/* Processes that may be started at once after a rest: what most daemons have at their start. */
#define RESOLVER_POOL_BURST 250

struct resolver_pool;

/* A member of what wants a name resolved. It stays in its place until it is answered or cancelled. */
struct resolver_request {
	const char *text; /* "HOST:PORT"; likewise */
	/*
	 * One to RESOLVER_ADDRESSES_MAX addresses (problem NULL), or a reason in English, all borrowed. The
	 * request is free again.
	 */
	void (*answered)(void *owner, const union address_socket *addresses, size_t count,
	                 const char *problem);
	void *owner;

	/* The pool's; zeros at first. */
	struct resolver_request *next, *previous; /* in the queue */
	bool is_queued;
	bool is_running; /* a process is at work */
};

/* What the pool needs of whoever has it. */
struct resolver_pool_owner {
	/* Starts a process as resolver_start() does. Tests give a job without one: pid 0. */
	int (*start)(void *owner, struct resolver_job *job, const char *text);
	/*
	 * A process has ended. Until this returns its id is not given to another process: whatever has come
	 * from that id came from the resolver, and nothing more will. Called from the loop and by
	 * resolver_pool_destroy(), never from within another call.
	 */
	void (*ended)(void *owner);
	void *owner;
};

/* 0 or negative errno. The loop must live longer than the pool, and the pool longer than its requests. */
int resolver_pool_create(struct resolver_pool **out, struct loop *loop,
                         const struct resolver_pool_owner *owner) __attribute__((warn_unused_result));

/* Ends all processes. All requests must have been answered or cancelled. NULL is allowed. */
void resolver_pool_destroy(struct resolver_pool *pool);

struct loop *resolver_pool_loop(const struct resolver_pool *pool);

/* The request must be neither queued nor running. */
void resolver_pool_ask(struct resolver_pool *pool, struct resolver_request *request);

/* The request is not answered any more. If there is a process already, it is ended from the loop. */
void resolver_pool_cancel(struct resolver_pool *pool, struct resolver_request *request);

/* Returns true if that is a resolver process which has not been collected. pool NULL: false. */
bool resolver_pool_has_process(const struct resolver_pool *pool, pid_t pid);

#endif
