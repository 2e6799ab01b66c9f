#ifndef ROSENPASS_ROSENPASS_STATUS_TEXT_H
#define ROSENPASS_ROSENPASS_STATUS_TEXT_H

/*
 * A daemon's status (doc/control.md) for people. What the object does not have is left out; control
 * characters in its texts come out as "?". Results are allocated; NULL: no memory.
 */

#include <jansson.h>
#include <stdbool.h>

/* A block for the daemon and one for each peer. */
char *status_text_format(json_t *status, bool colour);

/* A line for each peer. */
char *status_text_peers(json_t *status);

#endif
