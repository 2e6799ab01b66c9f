#ifndef ROSENPASS_SYSTEM_LOG_H
#define ROSENPASS_SYSTEM_LOG_H

/*
 * One line a message on standard error. Never key material. After log_open() nothing but write(), poll() and
 * clock_gettime() is asked of the kernel, so that a sandboxed process can log.
 */

#include <stdbool.h>

enum log_level {
	LOG_OFF,
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
	LOG_TRACE,
};

enum log_format {
	LOG_TEXT,  /* "rosenpass: info: message" */
	LOG_JSON,  /* {"time":"2026-11-22T23:35:48.123Z","level":"info","message":"message"} */
	LOG_RELAY, /* "3message": for another process of ours, which logs it; the level as a digit */
};

/*
 * Looks at what standard error is, once at the start of the program. A terminal gets the level in colour,
 * unless $NO_COLOR has a value or $TERM is "dumb". The journal ($JOURNAL_STREAM) gets the priority as "<6>"
 * before each line, and as text no more than the message, since it has the name and the level already.
 * Before the first call: neither.
 */
void log_open(void);

/* Messages above this level are not written. Before the first call: LOG_INFO. */
void log_set_level(enum log_level level);

/* Writes messages up to LOG_DEBUG, or more if log_set_level() says so. Before the first call: false. */
void log_set_verbose(bool is_verbose);

/* Before the first call: LOG_TEXT. */
void log_set_format(enum log_format format);

/* What text lines begin with; kept by reference. Before the first call: "rosenpass". */
void log_set_name(const char *name);

/* The name that log_set_name() gave, for messages that say what to start; "rosenpass" at first. */
const char *log_name(void);

/*
 * From now on a line that standard error has no room for is lost, and the number of such lines is told
 * when there is room again: a daemon has more to do than to wait for a reader of its log.
 */
void log_never_wait(void);

bool log_is_on(enum log_level level);

/* Takes the level from the beginning of a line of LOG_RELAY. Leaves both alone if it does not begin so. */
void log_read_relayed(enum log_level *level, const char **line);

/* Reads "off", "error", "warn", "info", "debug" or "trace", in any case. false: another word. */
bool log_parse_level(const char *word, enum log_level *level);

/*
 * A message is always one line: control characters come out as "?" in text and escaped in JSON, which has
 * U+FFFD in the place of what is no UTF-8. Messages beyond some 2000 bytes are cut. errno stays.
 */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_trace(...) log_write(LOG_TRACE, __VA_ARGS__)

#endif
