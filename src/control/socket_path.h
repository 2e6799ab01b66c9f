#ifndef ROSENPASS_CONTROL_SOCKET_PATH_H
#define ROSENPASS_CONTROL_SOCKET_PATH_H

/*
 * Where control sockets are (doc/control.md). A daemon's socket is NAME.sock in one directory, which the
 * service manager, root or the user gives. A client searches several directories.
 */

#include <stdbool.h>
#include <stddef.h>

/* Room for a path that bind(2) and connect(2) take, with its zero: sizeof sun_path. */
#define SOCKET_PATH_BYTES 108
/* Room for a name without ".sock", with its zero. */
#define SOCKET_PATH_NAME_BYTES 128

/*
 * The directory for the socket of a daemon of this process. Returns false if there is none: the process
 * does not run as root, and neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR is set. Sets *is_made_by_us to
 * whether the daemon has to make it if it is not there.
 */
bool socket_path_directory(char out[static SOCKET_PATH_BYTES], bool *is_made_by_us);

/* The path of the socket of a daemon of this process. 0, -ENXIO (no directory), or -ENAMETOOLONG. */
int socket_path_make(char out[static SOCKET_PATH_BYTES], const char *name)
	__attribute__((warn_unused_result));

/*
 * Calls found for each path, in the order of preference, at which a client looks for the daemon of that
 * name, until it returns false.
 */
void socket_path_search(const char *name, bool (*found)(void *context, const char *path), void *context);

/*
 * Calls found for the name of each socket that a client can see. Names come in no order, and may come
 * twice. Returns 0, or negative errno of a directory that is there and could not be read; the others were
 * read all the same.
 */
int socket_path_list(void (*found)(void *context, const char *name), void *context)
	__attribute__((warn_unused_result));

#endif
