#ifndef BENCH_HUB_FLOOD_H
#define BENCH_HUB_FLOOD_H

#include <stdint.h>
#include <sys/types.h>

struct hub_flood {
	const char *public_key; /* file with that of the hub */
	uint16_t port;
	uint32_t rate;     /* InitHellos a second */
	uint32_t networks; /* how many /24 they come from */
};

/*
 * Starts a process that sends InitHellos to 127.0.0.1. Their macs are right, so that each has to be
 * decapsulated before it is known to be forged. Ends when it is killed, or with its parent. -1: said on
 * stderr.
 */
pid_t hub_flood_start(const struct hub_flood *);

#endif
