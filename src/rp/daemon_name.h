#ifndef ROSENPASS_RP_DAEMON_NAME_H
#define ROSENPASS_RP_DAEMON_NAME_H

/*
 * What an rp is called: by the name of its interface. Another network namespace may have an interface of that
 * name, with an rp of its own, but control sockets and state files are in the same directories.
 */

#include <stdbool.h>

#define DAEMON_NAME_BYTES 128

/*
 * Writes the name: that of the interface, unless a daemon of that name runs. Then INTERFACE-NAMESPACE, if our
 * network namespace has a name (ip-netns(8)) and no daemon is called so; else INTERFACE-PID. The choice is
 * logged. Returns false if the next rp in this place will have another name.
 */
bool daemon_name_choose(char out[static DAEMON_NAME_BYTES], const char *interface);

#endif
