#ifndef ROSENPASS_MONITOR_PRIVILEGES_H
#define ROSENPASS_MONITOR_PRIVILEGES_H

/* What the monitor process itself may do. */

#include <stdbool.h>

#include "system/sandbox.h"

/*
 * Finds the user that helper processes run as. name: what the user chose; NULL: nothing. Returns -1 after
 * logging why there is none.
 */
int privileges_choose_user(struct sandbox_user *user, const char *name) __attribute__((warn_unused_result));

/* Raises the limit of descriptors: each peer's key is shared memory, each listener a socket, and more. */
void privileges_raise_limits(void);

/*
 * Gives up all capabilities but CAP_NET_ADMIN, for the interface, CAP_NET_BIND_SERVICE, for an address that
 * comes late, and if helper processes run as another user, those to start and kill them. Returns -1 after
 * logging what failed.
 */
int privileges_reduce(const struct sandbox_user *user) __attribute__((warn_unused_result));

#endif
