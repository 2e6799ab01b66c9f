#include "monitor/engine_log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"

#define PIECE_BYTES 4096
#define WINDOW_BYTES ((size_t)16 * PIECE_BYTES)
#define WINDOW_NS (CLOCK_SECOND_NS / 4)
#define PIECES_AT_THE_END 256
#define WHAT "lines of the engine process"

void engine_log_init(struct engine_log *log)
{
	memset(log, 0, sizeof *log);
	log->fd = -1;
	/* The engine process has a limit of its own, whose seconds begin at other times. */
	log->other.most = ENGINE_LOG_OTHER_LINES;
}

void engine_log_attach(struct engine_log *log, int fd)
{
	log->fd = fd;
	log->used = 0;
}

static void write_line(struct engine_log *log, uint64_t now_ns)
{
	enum log_level level = LOG_ERROR;
	const char *text = log->line;
	struct log_limit *limit;

	log->line[log->used] = '\0';
	log_read_relayed(&level, &text);
	limit = level <= LOG_WARN ? &log->serious : &log->other;
	if (text[0] != '\0' && log_limit_take(limit, level, WHAT, now_ns))
		log_write(level, "engine: %s", text);
	log->used = 0;
}

static void take(struct engine_log *log, const char *bytes, size_t length, uint64_t now_ns)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n') {
			write_line(log, now_ns);
		} else if (log->used < sizeof log->line - 1) {
			/* A zero would hide the rest of the line. */
			log->line[log->used++] = (char)(bytes[i] == '\0' ? '?' : bytes[i]);
		}
	}
}

static void end(struct engine_log *log, uint64_t now_ns)
{
	if (log->used > 0)
		write_line(log, now_ns);
	(void)close(log->fd);
	log->fd = -1;
}

/* false: nothing is left for now, or ever. */
static bool read_piece(struct engine_log *log, uint64_t now_ns)
{
	char piece[PIECE_BYTES];
	ssize_t length = read(log->fd, piece, sizeof piece);

	if (length > 0) {
		log->window_bytes += (size_t)length;
		take(log, piece, (size_t)length, now_ns);
		return true;
	}
	if (length == 0 || (errno != EAGAIN && errno != EINTR))
		end(log, now_ns);
	return false;
}

void engine_log_read(struct engine_log *log, uint64_t now_ns)
{
	if (now_ns >= log->window_ns + WINDOW_NS) {
		log->window_ns = now_ns;
		log->window_bytes = 0;
	}
	while (log->window_bytes < WINDOW_BYTES && log->fd >= 0 && read_piece(log, now_ns))
		;
}

uint64_t engine_log_rest_ns(const struct engine_log *log, uint64_t now_ns)
{
	uint64_t end_ns = log->window_ns + WINDOW_NS;

	return log->window_bytes >= WINDOW_BYTES && end_ns > now_ns ? end_ns : 0;
}

void engine_log_close(struct engine_log *log, uint64_t now_ns)
{
	for (int i = 0; i < PIECES_AT_THE_END && log->fd >= 0 && read_piece(log, now_ns); i++)
		;
	if (log->fd >= 0)
		end(log, now_ns);
}

uint64_t engine_log_serve(struct engine_log *log, uint64_t now_ns)
{
	uint64_t serious_ns;
	uint64_t other_ns;

	log_limit_flush(&log->serious, LOG_WARN, WHAT, now_ns);
	log_limit_flush(&log->other, LOG_INFO, WHAT, now_ns);
	serious_ns = log_limit_deadline(&log->serious);
	other_ns = log_limit_deadline(&log->other);
	return serious_ns < other_ns ? serious_ns : other_ns;
}
