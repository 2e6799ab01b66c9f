#ifndef ROSENPASS_DAEMON_CLIENT_H
#define ROSENPASS_DAEMON_CLIENT_H

/* The other end of the control socket (doc/control.md). */

#include <jansson.h>
#include <stddef.h>

#define CLIENT_DAEMONS_MAX 64
#define CLIENT_NAME_BYTES 128

/* Names of the daemons whose sockets can be found, sorted, each once. */
struct client_daemons {
	char names[CLIENT_DAEMONS_MAX][CLIENT_NAME_BYTES];
	size_t count;
};

void client_find(struct client_daemons *daemons);

/*
 * Sends one request (which is released) and takes the answer: a new reference to an object whose "ok" is
 * true. NULL: said in the log: no such daemon, one that does not answer, or the error it gave.
 */
json_t *client_ask(const char *name, json_t *request);

/*
 * The name that was given, or that of the only daemon there is. NULL: said in the log. out has room for it.
 */
const char *client_choose(const char *given, char out[static CLIENT_NAME_BYTES]);

#endif
