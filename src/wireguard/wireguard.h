#ifndef ROSENPASS_WIREGUARD_WIREGUARD_H
#define ROSENPASS_WIREGUARD_WIREGUARD_H

/*
 * WireGuard devices, of the kernel (generic netlink) and of user space (the socket of wireguard-go or
 * boringtun), under one interface. A device is served by user space when /var/run/wireguard/NAME.sock is
 * there and answers, else by the kernel. Calls take a moment and do not wait for the network; a userspace
 * device that does not answer is given up after two seconds (-ETIMEDOUT).
 *
 * Errors, negative errno: -ENODEV no such device; -EOPNOTSUPP it is no WireGuard device, or the kernel has no
 * WireGuard; -EPERM CAP_NET_ADMIN is missing; -ENOENT no such peer; -EIO what was set is not what is there;
 * -EINVAL a family that is none of IPv4 and IPv6, or too many bits; -EBUSY the list of peers keeps changing;
 * others as the kernel or the socket gave them.
 */

#include "wireguard/types.h"

/* Reads a device with all its peers (any number). */
int wireguard_get(struct wireguard_device *device, const char *name) __attribute__((warn_unused_result));

/* Applies a change, in as many messages as it takes; an error may leave its beginning applied. */
int wireguard_set(const char *name, const struct wireguard_change *change)
	__attribute__((warn_unused_result));

#endif
