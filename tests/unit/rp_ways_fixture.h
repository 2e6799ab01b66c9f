#ifndef TESTS_UNIT_RP_WAYS_FIXTURE_H
#define TESTS_UNIT_RP_WAYS_FIXTURE_H

/* For tests of what rp changes in the routing of a network, and takes back. */

#include "route_fixture.h"

#include "rp/guard.h"
#include "rp/ways.h"

/* Nobody else knows of the changes: as a process does that ends in an orderly way. */
static inline struct guard alone(void)
{
	return (struct guard){ .fd = -1 };
}

static inline struct ways_target target_of(struct guard *guard, bool is_ours)
{
	return (struct ways_target){ .name = "ours", .index = ours, .is_ours = is_ours, .guard = guard };
}

static inline void add(struct ways *ways, const char *prefix, uint8_t bits)
{
	struct ip_prefix ip = ip_of(prefix, bits);

	assert_int_equal(ways_add(ways, &ip, true), 0);
}

#endif
