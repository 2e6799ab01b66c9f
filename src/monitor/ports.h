#ifndef ROSENPASS_MONITOR_PORTS_H
#define ROSENPASS_MONITOR_PORTS_H

/* The sockets of `listen`: opened by the listeners, marked, and handed over to the engine process. */

#include "config/rosenpass_config.h"
#include "delivery/device.h"
#include "monitor/engines.h"
#include "monitor/listeners.h"
#include "monitor/socket_mark.h"
#include "system/resolver_pool.h"

struct ports;

/* All arguments outlive the ports. No socket is open yet. 0 or -ENOMEM. */
int ports_create(struct ports **out, struct resolver_pool *pool, const struct device_table *devices,
                 const struct engines *engines) __attribute__((warn_unused_result));
/* Closes all sockets. NULL is allowed. */
void ports_destroy(struct ports *ports);

/* Opens what a configuration says. -1: the reason is logged. */
int ports_open(struct ports *ports, const struct string_list *listen) __attribute__((warn_unused_result));
/* Hands all open sockets to a new engine process. */
void ports_announce(struct ports *ports);

struct listeners *ports_listeners(const struct ports *ports);
struct socket_mark *ports_mark(const struct ports *ports);

#endif
