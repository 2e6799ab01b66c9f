#ifndef ROSENPASS_SYSTEM_LOG_H
#define ROSENPASS_SYSTEM_LOG_H

/* One line a message on standard error. Never key material. */

#include <stdbool.h>

enum log_level {
	LOG_OFF,
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
	LOG_TRACE,
};

/* Messages above this level are not written. Before the first call: LOG_INFO. */
void log_set_level(enum log_level level);

bool log_is_on(enum log_level level);

/* Reads "off", "error", "warn", "info", "debug" or "trace", in any case. false: another word. */
bool log_parse_level(const char *word, enum log_level *level);

/* Control characters in the message come out as "?", so that a message is always one line. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
