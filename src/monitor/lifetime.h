#ifndef ROSENPASS_MONITOR_LIFETIME_H
#define ROSENPASS_MONITOR_LIFETIME_H

/* The life of a daemon: tells the service manager when it is ready, alive and stopping, and times its end. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/loop.h"

struct lifetime;

/* The loop must live longer. 0 or -ENOMEM. */
int lifetime_create(struct lifetime **out, struct loop *loop) __attribute__((warn_unused_result));
/* NULL is allowed. */
void lifetime_destroy(struct lifetime *lifetime);

/*
 * The daemon is ready, and exchanges keys with that many peers. Returns how often the service manager is to
 * be told that it is alive, from then on by whoever asks the engine process for that.
 */
uint64_t lifetime_ready(struct lifetime *lifetime, size_t peers);
/* It is ready again, with another number of peers. */
void lifetime_tell_peers(size_t peers);

/* The daemon stops with that exit status. Returns false if it was stopping before. */
bool lifetime_stop(struct lifetime *lifetime, int status);
bool lifetime_is_stopping(const struct lifetime *lifetime);
/* Returns true if all that a stop has to wait for has had its time. */
bool lifetime_is_late(const struct lifetime *lifetime);
/* The exit status of a daemon that stops; EXIT_FAILURE if it does not. */
int lifetime_status(const struct lifetime *lifetime);

#endif
