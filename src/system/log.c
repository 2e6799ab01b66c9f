#include "system/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#define LINE_BYTES 2048

static const char *const names[] = { "off", "error", "warn", "info", "debug", "trace" };
static enum log_level current = LOG_INFO;

void log_set_level(enum log_level level)
{
	current = level;
}

bool log_is_on(enum log_level level)
{
	return level <= current;
}

bool log_parse_level(const char *word, enum log_level *level)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcasecmp(word, names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	size_t used;
	int written;
	va_list arguments;
	int saved_errno = errno;

	if (!log_is_on(level))
		return;
	written = snprintf(line, sizeof line, "rosenpass: %s: ", names[level]);
	used = (size_t)written;
	va_start(arguments, format);
	written = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
	va_end(arguments);
	if (written > 0)
		used += (size_t)written < sizeof line - used - 1 ? (size_t)written : sizeof line - used - 2;
	for (size_t i = 0; i < used; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[used++] = '\n';
	/* One write a line, so that lines of several processes do not mix. Nobody to tell if it fails. */
	if (write(STDERR_FILENO, line, used) < 0)
		errno = 0;
	errno = saved_errno;
}
