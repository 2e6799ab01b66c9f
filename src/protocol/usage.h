#ifndef ROSENPASS_PROTOCOL_USAGE_H
#define ROSENPASS_PROTOCOL_USAGE_H

/*
 * How much work each network has caused lately, in constant memory. Networks are counted at three levels: the
 * group of the address, and the group without its last byte and without its last two (/32, /24, /16 for IPv4;
 * /64, /56, /48 for IPv6). A count halves every USAGE_HALF_NS. Networks that share a bucket are counted
 * together; a keyed hash spreads them, so that nobody can choose whose bucket to share.
 */

#include <stdint.h>

#include "crypto/short_hash.h"
#include "rosenpass.h"

#define USAGE_LEVELS 3
#define USAGE_BUCKETS 1024
#define USAGE_HALF_NS UINT64_C(4000000000)
/* What one piece of work adds. */
#define USAGE_ONE 1024
/* A level counts this many bits less than the level below, since it has room for more hosts. */
#define USAGE_LEVEL_SHIFT 2
/* With this usage, three quarters of a limit are left; see usage_limit(). */
#define USAGE_MUCH (2 * USAGE_ONE)

struct usage_bucket {
	uint64_t since_ns;
	uint64_t amount; /* at since_ns */
};

struct usage {
	uint8_t key[SHORT_HASH_KEY_BYTES]; /* random */
	struct usage_bucket buckets[USAGE_LEVELS][USAGE_BUCKETS];
};

/* Returns what is left of an amount by now. It halves every USAGE_HALF_NS. */
uint64_t usage_amount(const struct usage_bucket *bucket, uint64_t now_ns);

/* Adds one piece of work to an amount. */
void usage_amount_add(struct usage_bucket *bucket, uint64_t now_ns);

/*
 * Returns how far somebody with that usage may fill something that all share: a limit for a usage of 0, and
 * half of it for a very great one. The fuller it is, the less somebody may have used to find room in it.
 */
uint64_t usage_limit(uint64_t limit, uint64_t usage);

/*
 * Returns how many of the first bytes of an address name its network at a level: at least one byte, if the
 * address has any. Without a group the whole address is one.
 */
size_t usage_network_bytes(const struct rosenpass_address *address, int level);

/* Returns the greatest amount among the networks of the address, where higher levels count less. */
uint64_t usage_of(const struct usage *usage, const struct rosenpass_address *address, uint64_t now_ns);

/* Counts one piece of work for all networks of the address. */
void usage_add(struct usage *usage, const struct rosenpass_address *address, uint64_t now_ns);

#endif
