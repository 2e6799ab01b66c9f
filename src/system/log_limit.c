#include "system/log_limit.h"

#define WINDOW_NS UINT64_C(1000000000)

void log_limit_flush(struct log_limit *limit, enum log_level level, const char *what, uint64_t now_ns)
{
	if (limit->left_out == 0 || now_ns < limit->window_ns + WINDOW_NS)
		return;
	log_write(level, "%lu more %s were not logged", limit->left_out, what);
	limit->left_out = 0;
}

bool log_limit_take(struct log_limit *limit, enum log_level level, const char *what, uint64_t now_ns)
{
	if (!log_is_on(level))
		return false;
	log_limit_flush(limit, level, what, now_ns);
	if (limit->lines == 0 || now_ns >= limit->window_ns + WINDOW_NS) {
		limit->window_ns = now_ns;
		limit->lines = 0;
	}
	if (limit->lines < (limit->most != 0 ? limit->most : LOG_LIMIT_LINES)) {
		limit->lines++;
		return true;
	}
	limit->left_out++;
	return false;
}

uint64_t log_limit_deadline(const struct log_limit *limit)
{
	return limit->left_out == 0 ? UINT64_MAX : limit->window_ns + WINDOW_NS;
}
