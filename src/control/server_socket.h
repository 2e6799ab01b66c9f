#ifndef ROSENPASS_CONTROL_SERVER_SOCKET_H
#define ROSENPASS_CONTROL_SERVER_SOCKET_H

/*
 * The socket that a daemon listens on. Beside NAME.sock there is NAME.sock.lock, on which the daemon holds
 * a lock as long as it runs: of two daemons of one name, started at once or one after the other, one gets
 * the socket. The socket of a daemon that was killed is replaced.
 */

#include <stdbool.h>
#include <stdint.h>

#include "control/socket_path.h"

#define SERVER_SOCKET_PROBLEM_BYTES 384
/* Room for the path of the lock. */
#define SERVER_SOCKET_LOCK_BYTES (SOCKET_PATH_BYTES + 8)

struct server_socket {
	int fd;   /* listens; does not block */
	int lock; /* held by this process alone: children do not inherit the lock */
	char path[SOCKET_PATH_BYTES];
	uint64_t device, inode; /* of path when it was made */
};

/*
 * 0; -EADDRINUSE: another daemon has the name; -ENXIO: there is no directory for a socket; else negative
 * errno. problem says why, in one line.
 */
int server_socket_open(struct server_socket *out, const char *name,
                       char problem[static SERVER_SOCKET_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Returns true if a daemon of that name runs, in whatever network namespace. */
bool server_socket_is_taken(const char *name);

/* Removes the socket, unless something else has its path by now, and the lock. */
void server_socket_close(struct server_socket *socket);

/* The path of the lock beside a socket. */
void server_socket_lock_path(char out[static SERVER_SOCKET_LOCK_BYTES], const char *path);

#endif
