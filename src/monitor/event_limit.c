#include "monitor/event_limit.h"

/* The bucket is empty when it is full only after so long. */
#define EMPTY_NS (EVENT_LIMIT_BURST * EVENT_LIMIT_EACH_NS)

uint64_t event_limit_next_ns(const struct event_limit *limit)
{
	uint64_t room_ns = EMPTY_NS - EVENT_LIMIT_EACH_NS;

	return limit->full_ns > room_ns ? limit->full_ns - room_ns : 0;
}

bool event_limit_take(struct event_limit *limit, uint64_t now_ns)
{
	if (event_limit_next_ns(limit) > now_ns) {
		if (limit->left_out < UINT32_MAX)
			limit->left_out++;
		return false;
	}
	if (limit->full_ns < now_ns)
		limit->full_ns = now_ns;
	limit->full_ns += EVENT_LIMIT_EACH_NS;
	return true;
}

uint32_t event_limit_left_out(struct event_limit *limit)
{
	uint32_t left_out = limit->left_out;

	limit->left_out = 0;
	return left_out;
}
