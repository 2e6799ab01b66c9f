#include "delivery/key_lines.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/log.h"

char *key_lines_make(const char *id, const char *quoted_path, const char *reason)
{
	char *line = NULL;

	return quoted_path == NULL || asprintf(&line, "output-key peer %s key-file %s %s\n", id, quoted_path,
	                                       reason) < 0
	               ? NULL
	               : line;
}

/*
 * A reader that does not read must not hold up the daemon: what does not fit is lost, the key itself is in
 * its file. Up to PIPE_BUF bytes fit into a pipe that is writable.
 */
void key_lines_write(struct key_lines *lines, const char *line)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	const char *problem = "nobody reads it";

	if (line == NULL)
		return;
	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
		if (write(STDOUT_FILENO, line, strlen(line)) >= 0) {
			lines->is_broken = false;
			return;
		}
		problem = strerror(errno);
	} else if ((out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
		problem = "its reader is gone";
	}
	if (!lines->is_broken)
		log_warn("cannot write to standard output (%s); keys go to their files all the same",
		         problem);
	lines->is_broken = true;
}
