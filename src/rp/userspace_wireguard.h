#ifndef ROSENPASS_RP_USERSPACE_WIREGUARD_H
#define ROSENPASS_RP_USERSPACE_WIREGUARD_H

/* WireGuard in user space, where the kernel has none: wireguard-go or boringtun. */

#include <stdbool.h>

#include "system/program.h"

struct userspace_wireguard {
	struct program program;
};

#define USERSPACE_WIREGUARD_PROBLEM_BYTES 512

/*
 * Starts the program that WG_QUICK_USERSPACE_IMPLEMENTATION names, else the first that is installed, and
 * waits until it has made the interface. It ends with our process, however that ends. -1 and problem.
 */
int userspace_wireguard_start(struct userspace_wireguard *userspace, const char *interface,
                              char problem[static USERSPACE_WIREGUARD_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* Whether it runs; collects one that has ended. */
bool userspace_wireguard_runs(struct userspace_wireguard *userspace);

/* Ends it. Does nothing when none runs. */
void userspace_wireguard_end(struct userspace_wireguard *userspace);

#endif
