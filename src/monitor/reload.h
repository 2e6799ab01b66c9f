#ifndef ROSENPASS_MONITOR_RELOAD_H
#define ROSENPASS_MONITOR_RELOAD_H

/* Reads the configuration of a daemon that runs again, and brings the daemon up to date. */

#include "config/rosenpass_config.h"
#include "monitor/engines.h"
#include "monitor/listeners.h"
#include "monitor/plan.h"

/* All of it outlives a reload. */
struct reload_env {
	const struct config *config; /* the present one, whose file is read again */
	const struct plan_daemon *daemon;
	const struct plan_target *target;
	struct listeners *listeners;
	struct engines *engines;
	/* Another engine process has begun. */
	void (*begun)(void *owner);
	/* It could not, as the log says: the daemon cannot go on. */
	void (*failed)(void *owner);
	void *owner;
};

/*
 * Returns 0; -1 and one line in problem: nothing has changed then, or the engine process could not be
 * started again, which problem says.
 */
int reload_run(const struct reload_env *env, struct plan_result *result,
               char problem[static PLAN_PROBLEM_BYTES]) __attribute__((warn_unused_result));

#endif
