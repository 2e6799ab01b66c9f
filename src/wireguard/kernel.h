#ifndef ROSENPASS_WIREGUARD_KERNEL_H
#define ROSENPASS_WIREGUARD_KERNEL_H

/* WireGuard devices of the kernel. Results as in wireguard.h. */

#include "system/netlink.h"
#include "wireguard/types.h"

/* The device is zeroed before; it is to be released after an error too. */
int kernel_get(struct wireguard_device *device, const char *name) __attribute__((warn_unused_result));

/* What wireguard_set() checks has been checked. */
int kernel_set(const char *name, const struct wireguard_change *change) __attribute__((warn_unused_result));

/* The parts of these, for tests. family: the number that the kernel gives WireGuard in generic netlink. */

/* How far a change has been written. Zero but for the first three at the beginning. */
struct kernel_writer {
	const char *name;
	const struct wireguard_change *change;
	uint16_t family;
	bool is_begun;
	size_t peer;       /* the next one */
	bool in_peer;      /* it has been begun in an earlier message */
	size_t allowed_ip; /* its next one */
};

/* Writes the next message of a change. False: there is none. */
bool kernel_write(struct kernel_writer *writer, struct netlink_message *message);

/* Takes the payload of one message of a dump into a struct wireguard_device. -EBADMSG, -ENOMEM. */
int kernel_take(void *device, const uint8_t *payload, size_t length) __attribute__((warn_unused_result));

/* The same as above, over a socket that is there. */
int kernel_get_over(int fd, uint16_t family, struct wireguard_device *device, const char *name)
	__attribute__((warn_unused_result));
int kernel_set_over(int fd, uint16_t family, const char *name, const struct wireguard_change *change)
	__attribute__((warn_unused_result));

#endif
