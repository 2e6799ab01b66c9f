#ifndef ROSENPASS_MONITOR_COMMANDS_H
#define ROSENPASS_MONITOR_COMMANDS_H

/* What the control socket can ask of the monitor: status, reload, peer-add, peer-remove (doc/control.md). */

#include "control/server.h"
#include "monitor/peer_host.h"
#include "monitor/plan.h"
#include "system/loop.h"

struct commands;

/* What the commands act upon. Pointers outlive the commands. */
struct commands_env {
	struct loop *loop;
	const char *name;                 /* of the daemon */
	bool has_fixed_name;              /* no option gives the daemon another one */
	const struct config *config;      /* the present one, of which new peers inherit */
	const struct plan_target *target; /* of new peers */
	struct peer_host *peers;
	bool (*is_stopping)(void *owner);
	/* Asks the engine process for a report; commands_report() follows. */
	void (*ask_report)(void *owner);
	/* A new reference; NULL: no memory. */
	json_t *(*collect_status)(void *owner, uint64_t now_ns);
	/* 0, or -1 and one line in problem: nothing has changed then. */
	int (*reload)(void *owner, struct plan_result *result, char problem[static PLAN_PROBLEM_BYTES]);
	/* As in struct control_server_events. */
	const char *(*helper)(void *owner, pid_t pid);
	void *owner;
};

/* Opens the control socket. 0; negative errno, as control_server_open(), after logging why. */
int commands_open(struct commands **out, const struct commands_env *env) __attribute__((warn_unused_result));

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
