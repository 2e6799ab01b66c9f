#ifndef ROSENPASS_SYSTEM_SANDBOX_NUMBERS_H
#define ROSENPASS_SYSTEM_SANDBOX_NUMBERS_H

/*
 * System calls that are younger than the headers of some systems which we build on. Their numbers are the
 * same on every architecture that shares one table; elsewhere they stay undefined where the headers lack
 * them.
 */

#include <sys/syscall.h>

#if !defined(__alpha__) && !defined(__mips__) && !(defined(__x86_64__) && defined(__ILP32__))
#define SANDBOX_SHARED_NUMBERS
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule 445
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#endif

#endif
