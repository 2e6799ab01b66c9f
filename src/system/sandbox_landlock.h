#ifndef ROSENPASS_SYSTEM_SANDBOX_LANDLOCK_H
#define ROSENPASS_SYSTEM_SANDBOX_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

/* The newest ABI of Landlock that this file knows what to do with. */
#define SANDBOX_LANDLOCK_ABI_MAX 6

/* What a process may still do. */
struct sandbox_landlock_view {
	/* Files to read, and directories to read with everything below. Missing ones are skipped. */
	const char *const *paths;
	size_t count;
	uint16_t tcp_port; /* that TCP may connect to (from ABI 4); 0: none */
};

/* The ABI that the kernel has, at most SANDBOX_LANDLOCK_ABI_MAX; 0: no Landlock. */
int sandbox_landlock_abi(void);

/*
 * Forbids this process every access to files that Landlock can forbid; from ABI 4 also TCP, from 6 abstract
 * sockets and signals to processes outside. The view (NULL: none) is excepted. What is open stays usable.
 * Needs no_new_privs. The ABI in use, 0 if the kernel has no Landlock, or negative errno.
 */
int sandbox_landlock_restrict(const struct sandbox_landlock_view *view) __attribute__((warn_unused_result));

#endif
