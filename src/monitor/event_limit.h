#ifndef ROSENPASS_MONITOR_EVENT_LIMIT_H
#define ROSENPASS_MONITOR_EVENT_LIMIT_H

/*
 * How often an engine process may have a thing done or logged, for one peer and one kind of event: a
 * bucket of tokens. Zeroed memory is a full bucket.
 */

#include <stdbool.h>
#include <stdint.h>

#define EVENT_LIMIT_BURST 8
#define EVENT_LIMIT_EACH_NS UINT64_C(5000000000)

struct event_limit {
	uint64_t full_ns; /* when the bucket is full again */
	uint32_t left_out;
};

/* Takes a token. Returns false, and counts, if there is none. */
bool event_limit_take(struct event_limit *limit, uint64_t now_ns);

/* Returns how many were refused since the last call. */
uint32_t event_limit_left_out(struct event_limit *limit);

/* When there is a token; the past: now. */
uint64_t event_limit_next_ns(const struct event_limit *limit);

#endif
