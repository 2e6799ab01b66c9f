#ifndef ROSENPASS_SYSTEM_NOTIFY_H
#define ROSENPASS_SYSTEM_NOTIFY_H

/* Word to the service manager (the protocol of sd_notify(3), over $NOTIFY_SOCKET). */

#include <stdbool.h>
#include <stdint.h>

/*
 * Takes over $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and removes them from the environment, so
 * that programs that we start do not speak for us. Without a service manager all of this does nothing.
 */
void notify_open(void);

/*
 * "READY=1\nSTATUS=..." and so on; failure is of no consequence. Waits a second at most for a service manager
 * that does not read, once; signs of life do not wait.
 */
void notify_send(const char *state);

/* "RELOADING=1" with the time that systemd wants with it (MONOTONIC_USEC). */
void notify_reloading(void);

/*
 * Says that long work goes on, once a second at most: call it between the steps of everything that can take
 * long (key files on a slow disk). Before "READY=1" it asks for a minute more to start
 * ("EXTEND_TIMEOUT_USEC"); after it, it also counts as a sign of life ("WATCHDOG=1").
 */
void notify_busy(uint64_t now_ns);

/* How often "WATCHDOG=1" is expected at least; 0: not at all. */
uint64_t notify_watchdog_ns(void);

#endif
