#ifndef ROSENPASS_RP_DRIVER_H
#define ROSENPASS_RP_DRIVER_H

/* WireGuard in user space, where the kernel has none: wireguard-go or boringtun. */

#include <stdbool.h>

#include "system/program.h"

struct driver {
	struct program program;
};

#define DRIVER_PROBLEM_BYTES 512

/*
 * Starts the program that WG_QUICK_USERSPACE_IMPLEMENTATION names, else the first that is installed, and
 * waits until it has made the interface. It ends with our process, however that ends. -1 and problem.
 */
int driver_start(struct driver *driver, const char *interface, char problem[static DRIVER_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* Whether it runs; collects one that has ended. */
bool driver_runs(struct driver *driver);

/* Ends it. Does nothing when none runs. */
void driver_end(struct driver *driver);

#endif
