#ifndef ROSENPASS_CONTROL_SERVER_H
#define ROSENPASS_CONTROL_SERVER_H

/*
 * The control socket of a daemon (doc/control.md): connections, lines of JSON, and who is served. What the
 * requests mean is the owner's business.
 *
 * A call is one request that is being carried out. The owner ends each call with control_answer() or
 * control_refuse(), at once or later. If the client has left by then, the answer is dropped.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/server_socket.h"
#include "system/loop.h"

/* Connections at a time. Root and the daemon's own user have half of them each. */
#define CONTROL_CLIENTS 16
#define CONTROL_LINE_BYTES 65536

struct control_server;
struct control_call;

struct control_server_events {
	/* A request has come. The object is borrowed. Its client was still there a moment ago. */
	void (*request)(void *owner, struct control_call *call, json_t *request);
	/*
	 * What the process is called if it is one of ours that reads from the network; NULL: it is not.
	 * Such a process and its descendants are not served.
	 */
	const char *(*helper)(void *owner, pid_t pid);
};

/*
 * Opens the socket of the daemon of that name and serves it from the loop. events is kept by reference. 0
 * or negative errno, as of server_socket_open(); problem says why, in one line.
 */
int control_server_open(struct control_server **out, struct loop *loop, const char *name,
                        const struct control_server_events *events, void *owner,
                        char problem[static SERVER_SOCKET_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Closes all connections. Calls stay valid: they are still to be answered, which frees them. NULL is
 * allowed.
 */
void control_server_close(struct control_server *server);

/*
 * Accepts or closes all connections that wait. Call this between the end of a helper and its reaping, while
 * its process id is still its own: later its connections could not be told from those of others. NULL is
 * allowed.
 */
void control_server_drain(struct control_server *server);

/* The number of connections, for tests. */
size_t control_server_count(const struct control_server *server);

/* Ends the call. Takes the reference to the answer; NULL (out of memory) closes the connection. */
void control_answer(struct control_call *call, json_t *answer);

/* Ends the call with {"ok": false, "error": problem}. */
void control_refuse(struct control_call *call, const char *problem);

/* Returns false if the client has left, so that nobody would read an answer. */
bool control_is_wanted(const struct control_call *call);

#endif
