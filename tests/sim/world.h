#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

/* Everything that belongs to one run. */

#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "network.h"
#include "node.h"
#include "prng.h"
#include "scenario.h"

struct world {
	uint64_t seed;
	uint64_t now_ns;
	bool verbose;
	bool failed;
	struct prng network_prng;
	struct queue queue;
	struct link links[NODES_MAX][NODES_MAX];
	struct node nodes[NODES_MAX];
	struct scenario scenario;
	struct check check;
};

/* Prints a line with the virtual time when --verbose was given. */
void world_trace(const struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a violation with seed, virtual time and how to see it again. */
void world_report(const struct world *world, const char *invariant, const char *words);

#endif
