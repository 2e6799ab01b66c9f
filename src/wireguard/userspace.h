#ifndef ROSENPASS_WIREGUARD_USERSPACE_H
#define ROSENPASS_WIREGUARD_USERSPACE_H

/*
 * WireGuard devices of user space by the cross-platform protocol: lines of text through a socket. Within
 * src/wireguard only; wireguard.h is for everybody else. One connection for each call, which takes two
 * seconds at most (-ETIMEDOUT). What passes through is kept in secret memory and wiped.
 *
 * Errors, negative errno: -ENODEV nobody answers for that name; -EPROTO the answer is none of this
 * protocol, or broke off; -EMSGSIZE it is longer than 64 MiB; others as the device or the socket gave them.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "wireguard/types.h"

/*
 * Whether a socket of that name is there with a process behind it, even one that may be busy or not ours, and
 * the interface too: sockets are the same for all network namespaces, and the kernel's interfaces have none.
 */
bool userspace_serves(const char *name);

/* What there is of a program that serves a device, whether or not the interface is in our network namespace.
 */
enum userspace_sight {
	USERSPACE_NO_FOLDER, /* no program has run here, or the directory was not made visible to us */
	USERSPACE_HIDDEN,    /* we may not look into the directory */
	USERSPACE_NO_SOCKET,
	USERSPACE_NOBODY, /* a socket that nobody listens on */
	USERSPACE_CLOSED, /* a socket that we may not open */
	USERSPACE_SERVED,
};

enum userspace_sight userspace_look(const char *name);

/* Where the sockets are. */
const char *userspace_folder(void);

/* The process that serves it; 0: there is none, or it may not be asked. */
pid_t userspace_process(const char *name);

/*
 * As wireguard_get(); the index of the interface is left at 0. boringtun tells its public key and no private
 * one: public_key is set, has_private_key is not. On failure there is nothing to release.
 */
int userspace_get(struct wireguard_device *device, const char *name) __attribute__((warn_unused_result));

/* As wireguard_set(), in one message. -EINVAL: boringtun does not know update_only. */
int userspace_set(const char *name, const struct wireguard_change *change)
	__attribute__((warn_unused_result));

/*
 * For tests: where sockets are, instead of /var/run/wireguard (the string has to stay), of which no interface
 * is wanted; a call's patience.
 */
void userspace_use_folder(const char *path);
void userspace_use_patience(unsigned ms);

#endif
