#ifndef ROSENPASS_MONITOR_SOCKET_MARK_H
#define ROSENPASS_MONITOR_SOCKET_MARK_H

/*
 * The mark (fwmark) of our sockets: that of the WireGuard devices, unless the configuration sets another one.
 * Of several marks, that of a device with a full tunnel goes before the others, then that of the device that
 * was named first.
 */

#include <stdint.h>

#include "config/rosenpass_config.h"
#include "delivery/device.h"

struct socket_mark;

struct socket_mark_owner {
	/* sockets_mark(), or a test's. */
	int (*set)(int fd, uint32_t mark);
	/* The mark is another one: calls socket_mark_apply() for each open socket. */
	void (*each)(void *owner);
	/* All sockets were given another mark. */
	void (*changed)(void *owner);
	void *owner;
};

/* Without a setting the mark follows the devices, which must live longer. 0 or -ENOMEM. */
int socket_mark_create(struct socket_mark **out, const struct device_table *devices,
                       const struct socket_mark_owner *owner) __attribute__((warn_unused_result));
/* NULL is allowed. */
void socket_mark_destroy(struct socket_mark *mark);

/* Takes the setting of a configuration, and updates the sockets. */
void socket_mark_configure(struct socket_mark *mark, const struct config_fwmark *setting);
/* Gives all sockets the mark that they should have now: devices were read. */
void socket_mark_update(struct socket_mark *mark);
/* Gives one socket the present mark. A failure is logged once for each mark. */
void socket_mark_apply(struct socket_mark *mark, int fd);

/* The present mark; 0: none. */
uint32_t socket_mark_value(const struct socket_mark *mark);
/* Why the last socket does not carry the mark, as negative errno; 0: there is no problem. */
int socket_mark_problem(const struct socket_mark *mark);

#endif
