#ifndef ROSENPASS_SYSTEM_SYSCTL_H
#define ROSENPASS_SYSTEM_SYSCTL_H

#include <stdbool.h>

/* Numbers among the kernel's settings of this network namespace. Results: 0 or negative errno. */

/* name: as a path below /proc/sys, such as "net/ipv4/conf/all/rp_filter". */
int sysctl_read(const char *name, int *value) __attribute__((warn_unused_result));
int sysctl_write(const char *name, int value) __attribute__((warn_unused_result));

/* Whether net/ipv4/conf/NAME/setting has that value for any interface, or for "all". */
bool sysctl_is_anywhere(const char *setting, int value);

#endif
