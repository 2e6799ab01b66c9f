#include "system/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEXT_BYTES 2048
/* What a pipe takes in one piece, so that lines of several processes do not mix. */
#define LINE_BYTES 4096
#define TIME_BYTES 32
#define REPLACEMENT "\xef\xbf\xbd"

static const struct {
	const char *name;
	const char *colour;
	int priority; /* as syslog(3) counts */
} levels[] = {
	[LOG_OFF] = { "off", "0", 6 },      [LOG_ERROR] = { "error", "1;31", 3 },
	[LOG_WARN] = { "warn", "1;33", 4 }, [LOG_INFO] = { "info", "32", 6 },
	[LOG_DEBUG] = { "debug", "36", 7 }, [LOG_TRACE] = { "trace", "2", 7 },
};

static enum log_level current = LOG_INFO;
static enum log_level chosen = LOG_INFO;
static bool is_verbose;
static enum log_format current_format = LOG_TEXT;
static const char *current_name = "rosenpass";
static bool never_waits;
static unsigned long lost; /* lines, since one was written */
static bool in_colour;
static bool to_journal;

static void update_level(void)
{
	current = is_verbose && chosen < LOG_DEBUG ? LOG_DEBUG : chosen;
}

void log_set_level(enum log_level level)
{
	chosen = level;
	update_level();
}

void log_set_verbose(bool verbose)
{
	is_verbose = verbose;
	update_level();
}

void log_set_format(enum log_format format)
{
	current_format = format;
}

void log_set_name(const char *name)
{
	current_name = name;
}

const char *log_name(void)
{
	return current_name;
}

bool log_is_on(enum log_level level)
{
	return level <= current;
}

bool log_parse_level(const char *word, enum log_level *level)
{
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (strcasecmp(word, levels[i].name) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_read_relayed(enum log_level *level, const char **line)
{
	char digit = (*line)[0];

	if (digit < '0' + (char)LOG_ERROR || digit > '0' + (char)LOG_TRACE)
		return;
	*level = (enum log_level)(digit - '0');
	(*line)++;
}

/* The variable says which device and inode the journal's stream has; ours may lead elsewhere by now. */
static bool is_journal(void)
{
	const char *word = getenv("JOURNAL_STREAM");
	struct stat status;
	char expected[64];

	if (word == NULL || fstat(STDERR_FILENO, &status) != 0)
		return false;
	(void)snprintf(expected, sizeof expected, "%ju:%ju", (uintmax_t)status.st_dev,
	               (uintmax_t)status.st_ino);
	return strcmp(word, expected) == 0;
}

static bool wants_colour(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return (no_color == NULL || no_color[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0) &&
	       isatty(STDERR_FILENO) == 1;
}

void log_open(void)
{
	int saved_errno = errno;

	to_journal = is_journal();
	in_colour = wants_colour();
	errno = saved_errno;
}

/* --- text ---------------------------------------------------------------------------- */

static size_t begin_text(char line[static TEXT_BYTES], enum log_level level)
{
	int used;

	if (current_format == LOG_RELAY)
		used = snprintf(line, TEXT_BYTES, "%d", (int)level);
	else if (to_journal)
		used = snprintf(line, TEXT_BYTES, "<%d>", levels[level].priority);
	else if (in_colour)
		used = snprintf(line, TEXT_BYTES, "%.64s: \033[%sm%s\033[0m: ", current_name,
		                levels[level].colour, levels[level].name);
	else
		used = snprintf(line, TEXT_BYTES, "%.64s: %s: ", current_name, levels[level].name);
	return (size_t)used;
}

/* Those of ASCII, and those that terminals know from ISO 8859 (U+0080 to U+009F). */
static void replace_controls(char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		unsigned char next = i + 1 < length ? (unsigned char)text[i + 1] : 0;

		if (c < 0x20 || c == 0x7f)
			text[i] = '?';
		else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			text[i] = text[i + 1] = '?';
	}
}

static __attribute__((format(printf, 3, 0))) size_t make_text(char line[static TEXT_BYTES],
                                                              enum log_level level, const char *format,
                                                              va_list arguments)
{
	size_t start = begin_text(line, level);
	size_t room = TEXT_BYTES - 1 - start;
	int written = vsnprintf(line + start, room, format, arguments);
	size_t length = written < 0 ? 0 : (size_t)written < room ? (size_t)written : room - 1;

	replace_controls(line + start, length);
	line[start + length] = '\n';
	return start + length + 1;
}

/* --- JSON ---------------------------------------------------------------------------- */

/* By hand: gmtime_r() looks for a file of time zones. */
static void make_time(char out[static TIME_BYTES])
{
	static const uint8_t days_of[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct timespec now = { 0 };
	uint64_t seconds;
	unsigned days;
	unsigned day_seconds;
	unsigned year = 1970;
	unsigned month = 0;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	seconds = now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec;
	days = (unsigned)(seconds / 86400 % 2932897); /* to the end of the year 9999 */
	day_seconds = (unsigned)(seconds % 86400);
	for (;;) {
		bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
		unsigned length = days_of[month] + (month == 1 && leap ? 1u : 0u);

		if (days < length)
			break;
		days -= length;
		month = (month + 1) % 12;
		year += month == 0 ? 1 : 0;
	}
	(void)snprintf(out, TIME_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000, month + 1,
	               days + 1, day_seconds / 3600, day_seconds / 60 % 60, day_seconds % 60,
	               (unsigned)(now.tv_nsec / 1000000) % 1000);
}

/* Length of the UTF-8 character, at most 4; 0: there is none. Looks no further than a zero. */
static size_t utf8_length(const unsigned char *at)
{
	/* What the second byte must at least and at most be: overlong forms, surrogates, beyond U+10FFFF. */
	unsigned least = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
	unsigned most = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
	size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (length == 1)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4 || at[1] < least || at[1] > most)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* Writes what stands for the character in a JSON string, without a zero; its length, at most 6. */
static size_t escape(char *out, const unsigned char *at, size_t length)
{
	unsigned control = length == 2 && at[0] == 0xc2 && at[1] < 0xa0 ? at[1] : at[0];

	if (length == 0) {
		memcpy(out, REPLACEMENT, sizeof REPLACEMENT - 1);
		return sizeof REPLACEMENT - 1;
	}
	if (control < 0x20 || (control >= 0x7f && control < 0xa0)) {
		char code[7];

		(void)snprintf(code, sizeof code, "\\u%04x", control);
		memcpy(out, code, 6);
		return 6;
	}
	if (at[0] == '"' || at[0] == '\\') {
		out[0] = '\\';
		out[1] = (char)at[0];
		return 2;
	}
	memcpy(out, at, length);
	return length;
}

static size_t make_json(char line[static LINE_BYTES], enum log_level level, const char *message)
{
	static const char end[] = "\"}\n";
	const unsigned char *at = (const unsigned char *)message;
	char time[TIME_BYTES];
	char priority[8] = "";
	size_t used;

	make_time(time);
	if (to_journal)
		(void)snprintf(priority, sizeof priority, "<%d>", levels[level].priority);
	used = (size_t)snprintf(line, LINE_BYTES, "%s{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"",
	                        priority, time, levels[level].name);
	while (*at != '\0' && used + 6 + sizeof end <= LINE_BYTES) {
		size_t length = utf8_length(at);

		used += escape(line + used, at, length);
		at += length == 0 ? 1 : length;
	}
	memcpy(line + used, end, sizeof end - 1);
	return used + sizeof end - 1;
}

void log_never_wait(void)
{
	never_waits = true;
}

/* A pipe that can be written has room for a line: PIPE_BUF is more than that. */
static bool would_wait(void)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return never_waits && poll(&out, 1, 0) == 0;
}

static __attribute__((format(printf, 3, 0))) size_t make_line(char line[static LINE_BYTES],
                                                              enum log_level level, const char *format,
                                                              va_list arguments)
{
	char message[TEXT_BYTES] = "";

	if (current_format != LOG_JSON)
		return make_text(line, level, format, arguments);
	(void)vsnprintf(message, sizeof message, format, arguments);
	return make_json(line, level, message);
}

/* A failed write is ignored: there is no other place for the line. */
static void put(const char *line, size_t length)
{
	if (write(STDERR_FILENO, line, length) < 0)
		errno = 0;
}

/* Not by log_write(), which would look for lost lines again. */
static __attribute__((format(printf, 2, 3))) void write_now(enum log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = make_line(line, level, format, arguments);
	va_end(arguments);
	put(line, length);
}

/* After lines that found no room. */
static void tell_lost(void)
{
	write_now(current < LOG_WARN ? current : LOG_WARN, "%lu log lines were lost, as nobody read them",
	          lost);
	lost = 0;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	size_t length;
	va_list arguments;
	int saved_errno = errno;

	if (!log_is_on(level))
		return;
	va_start(arguments, format);
	length = make_line(line, level, format, arguments);
	va_end(arguments);
	if (would_wait()) {
		lost++;
		errno = saved_errno;
		return;
	}
	if (lost > 0)
		tell_lost();
	put(line, length);
	errno = saved_errno;
}
