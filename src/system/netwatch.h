#ifndef ROSENPASS_SYSTEM_NETWATCH_H
#define ROSENPASS_SYSTEM_NETWATCH_H

/* Word from the kernel that links, addresses or routes have changed (rtnetlink). */

#include <stdbool.h>
#include <stddef.h>

/* A non-blocking descriptor that becomes readable on changes; negative errno. */
int netwatch_open(void) __attribute__((warn_unused_result));

/*
 * Reads what waits (of a flood only a part: the descriptor stays readable). Whether something changed that
 * can matter to a UDP socket or a way to a peer: an address or default or other unicast route that came, went
 * or changed, a routing rule, a link that went up or down; also when messages were lost (ENOBUFS). Neighbour,
 * statistics and multicast noise does not count, nor an address whose lifetime was renewed.
 */
bool netwatch_read(int fd);

/*
 * The same for the bytes of one message of the kernel, which may hold several of netlink. Broken ones do
 * not count.
 */
bool netwatch_matters(const void *message, size_t length);

#endif
