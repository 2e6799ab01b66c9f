#ifndef ROSENPASS_SYSTEM_LOG_LIMIT_H
#define ROSENPASS_SYSTEM_LOG_LIMIT_H

/* A limit for log lines that anybody on the network can cause. */

#include <stdbool.h>
#include <stdint.h>

#include "system/log.h"

/* Lines in each second; further ones are counted instead. */
#define LOG_LIMIT_LINES 100

/* Zeroed at first. */
struct log_limit {
	uint64_t window_ns; /* when the present second began */
	unsigned lines;     /* in that second */
	unsigned most;      /* in each second; 0: LOG_LIMIT_LINES */
	unsigned long left_out;
};

/*
 * Returns true if a line of this level may be logged now. If lines were left out before, their number is
 * logged first, with what they are about: "datagrams".
 */
bool log_limit_take(struct log_limit *limit, enum log_level level, const char *what, uint64_t now_ns);

/* Log the number of lines that were left out, once their second is over. */
void log_limit_flush(struct log_limit *limit, enum log_level level, const char *what, uint64_t now_ns);

/* When log_limit_flush() has something to log; UINT64_MAX: never. */
uint64_t log_limit_deadline(const struct log_limit *limit);

#endif
