#ifndef ROSENPASS_MONITOR_STATUS_JSON_H
#define ROSENPASS_MONITOR_STATUS_JSON_H

/*
 * The status as JSON, as doc/control.md describes it. Pure: depends on the arguments alone. Results are new
 * references; NULL: no memory. A value for which there was no memory is null.
 */

#include "monitor/status.h"

/* The object of the daemon, with empty lists "listen", "peers" and "left". */
json_t *status_json_daemon(const struct status_daemon *daemon, uint64_t now_ns);

json_t *status_json_listener(const struct status_listener *listener);
json_t *status_json_peer(const struct status_peer *peer, uint64_t now_ns);
json_t *status_json_left(const struct status_left *left);

/* Appends to a list of the daemon's object. Takes the reference to the value. */
void status_json_append(json_t *daemon, const char *list, json_t *value);

#endif
