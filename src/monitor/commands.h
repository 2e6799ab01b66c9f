#ifndef ROSENPASS_MONITOR_COMMANDS_H
#define ROSENPASS_MONITOR_COMMANDS_H

/* What the control socket can ask of the monitor: status, reload, peer-add, peer-remove (doc/control.md). */

#include "control/server.h"

struct commands;
struct monitor;

/* Opens the control socket. 0 or negative errno, and problem, as control_server_open(). */
int commands_open(struct commands **out, struct monitor *monitor,
                  char problem[static SERVER_SOCKET_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* All of the following do nothing if commands is NULL: there is no control socket. */

/* Refuses the calls that wait, and closes the socket. */
void commands_close(struct commands *commands);

/* As control_server_drain(). */
void commands_drain(struct commands *commands);

/* The number of connections, for tests. */
size_t commands_count(const struct commands *commands);

/* Answers the clients that wait for a report of the engine process: it is complete, or will not come. */
void commands_report(struct commands *commands);

/* Asks a new engine process for the report that its predecessor did not give. */
void commands_ask_again(struct commands *commands);

#endif
