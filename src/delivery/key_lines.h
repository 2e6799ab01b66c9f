#ifndef ROSENPASS_DELIVERY_KEY_LINES_H
#define ROSENPASS_DELIVERY_KEY_LINES_H

/* The lines on standard output that tell other programs which file has a new key. */

#include <stdbool.h>

/* Zeroed, it is ready. */
struct key_lines {
	bool is_broken; /* nobody reads, and that was logged */
};

/* output-key peer ID key-file "PATH" exchanged|stale; allocated. NULL: no memory, or quoted_path is NULL. */
char *key_lines_make(const char *id, const char *quoted_path, const char *reason);

/* Writes a line; a reader that does not read loses it. line NULL: none. */
void key_lines_write(struct key_lines *lines, const char *line);

#endif
