#ifndef ROSENPASS_SYSTEM_SANDBOX_LANDLOCK_H
#define ROSENPASS_SYSTEM_SANDBOX_LANDLOCK_H

/* The newest ABI of Landlock that this file knows what to do with. */
#define SANDBOX_LANDLOCK_ABI_MAX 6

/*
 * Forbids this process every access to files that Landlock can forbid; from ABI 4 also TCP, from 6 abstract
 * sockets and signals to processes outside. What is open stays usable. Needs no_new_privs. The ABI in use,
 * 0 if the kernel has no Landlock, or negative errno.
 */
int sandbox_landlock_restrict(void) __attribute__((warn_unused_result));

#endif
