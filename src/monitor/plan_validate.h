#ifndef ROSENPASS_MONITOR_PLAN_VALIDATE_H
#define ROSENPASS_MONITOR_PLAN_VALIDATE_H

#include <stdbool.h>

#include "monitor/plan.h"

/*
 * Reads every file of a configuration and looks for conflicts, as the start of a daemon does, but without
 * stopping at the first problem. The configuration stays the caller's. Returns true if all is well; each
 * problem is logged.
 */
bool plan_validate(const struct config *config, const struct plan_daemon *daemon);

#endif
