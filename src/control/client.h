#ifndef ROSENPASS_CONTROL_CLIENT_H
#define ROSENPASS_CONTROL_CLIENT_H

/* The other end of the control socket (doc/control.md). All problems are logged. */

#include <jansson.h>
#include <stddef.h>

#include "control/socket_path.h"

#define CLIENT_DAEMONS_MAX 64
#define CLIENT_NAME_BYTES SOCKET_PATH_NAME_BYTES

/* What a command that asks a daemon ends with: also the exit status of the program. */
enum client_status {
	CLIENT_ANSWERED = 0,
	CLIENT_FAILED = 1,    /* the daemon refused, did not answer, or may not be asked */
	CLIENT_NO_DAEMON = 3, /* no such daemon runs; its socket may be left over */
};

/* Names of the daemons that run, sorted, each once. */
struct client_daemons {
	char names[CLIENT_DAEMONS_MAX][CLIENT_NAME_BYTES];
	size_t count;
};

/*
 * Finds the daemons that listen, or that this user may not talk to. Warns of each socket that is left over.
 * Returns CLIENT_NO_DAEMON if there are none, CLIENT_FAILED if there are none and a directory could not be
 * read.
 */
enum client_status client_find(struct client_daemons *daemons) __attribute__((warn_unused_result));

/*
 * Sends one request, which is released. *answer is a new reference to an object whose "ok" is true, or
 * NULL.
 */
enum client_status client_ask(const char *name, json_t *request, json_t **answer)
	__attribute__((warn_unused_result));

/*
 * *name is the given name, or that of the only daemon, for which out has room. It is an error if there are
 * several.
 */
enum client_status client_choose(const char **name, const char *given, char out[static CLIENT_NAME_BYTES])
	__attribute__((warn_unused_result));

#endif
