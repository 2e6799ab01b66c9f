#ifndef ROSENPASS_MONITOR_NETWORK_H
#define ROSENPASS_MONITOR_NETWORK_H

/*
 * News of addresses and routes from the kernel. Changes come in bursts, and on a machine with many routes all
 * the time: they are reported once they have settled, and then less and less often.
 */

#include "system/loop.h"

struct network;

struct network_owner {
	void (*changed)(void *owner); /* at once, at each change */
	void (*settled)(void *owner);
	void *owner;
};

/* Without news from the kernel, which is logged at debug level, nothing is reported. 0 or -ENOMEM. */
int network_open(struct network **out, struct loop *loop, const struct network_owner *owner)
	__attribute__((warn_unused_result));

/* NULL is allowed. */
void network_close(struct network *network);

/* Something has changed; the kernel's news end here. */
void network_note(struct network *network);

#endif
