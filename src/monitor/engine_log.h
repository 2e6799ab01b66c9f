#ifndef ROSENPASS_MONITOR_ENGINE_LOG_H
#define ROSENPASS_MONITOR_ENGINE_LOG_H

/*
 * The monitor's end of the pipe that is the engine process's standard error. The engine process reads from
 * the network; taken over, it could otherwise cut the log file, fill it, or write what looks like lines of
 * the monitor. Its lines come out as "engine: ...", without control characters, and only so many a second.
 */

#include <stddef.h>
#include <stdint.h>

#include "system/log_limit.h"

/* Of a line: more than log_write() makes. The rest of a longer one is left out. */
#define ENGINE_LOG_LINE_BYTES 2048

struct engine_log {
	int fd;              /* of the pipe, non-blocking; -1: none */
	uint64_t window_ns;  /* when the present quarter of a second began */
	size_t window_bytes; /* read in it */
	size_t used;
	char line[ENGINE_LOG_LINE_BYTES];
	struct log_limit serious; /* errors and warnings, which others cannot crowd out */
	struct log_limit other;
};

/* Of lines that are neither errors nor warnings, in each second. */
#define ENGINE_LOG_OTHER_LINES (3 * LOG_LIMIT_LINES)

/* Without a pipe. */
void engine_log_init(struct engine_log *log);

/* Takes over the end for reading of a pipe. */
void engine_log_attach(struct engine_log *log, int fd);

/*
 * Logs what has come, at most 64 KiB in a quarter of a second; the end of the pipe closes it. A line that
 * does not begin as those of LOG_RELAY do, such as one of the C library, is an error.
 */
void engine_log_read(struct engine_log *log, uint64_t now_ns);

/*
 * Returns until when the pipe is not read, because as much as that has come: whoever writes more has to
 * wait, and no processor is spent on it. 0: it is read now.
 */
uint64_t engine_log_rest_ns(const struct engine_log *log, uint64_t now_ns);

/* Logs what is left, at most 1 MiB, and closes the pipe. */
void engine_log_close(struct engine_log *log, uint64_t now_ns);

/*
 * Logs how many lines were left out, once their second is over. Returns when there is something to do;
 * UINT64_MAX: never.
 */
uint64_t engine_log_serve(struct engine_log *log, uint64_t now_ns);

#endif
