#ifndef ROSENPASS_SYSTEM_RESOLVER_FILTER_H
#define ROSENPASS_SYSTEM_RESOLVER_FILTER_H

/*
 * Leaves to this process the system calls with which the C library and the usual modules of its name
 * service resolve a name: reading files and memory without execution, UDP, TCP and UNIX sockets that ask,
 * routing netlink that asks, waiting, clocks, threads. Every other call fails: EPERM, and ENOSYS where a C
 * library then tries an older call or the call is younger than this program. Nothing kills, since a module
 * that tries something is no attack. Needs no_new_privs. 0 (also without filters in the kernel), or negative
 * errno.
 */
int resolver_filter(void) __attribute__((warn_unused_result));

#endif
