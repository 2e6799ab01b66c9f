#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

/* What must hold in every run. The first violation ends it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network.h"
#include "rosenpass.h"

/* How the keys of two peers compare. */
struct pair_state {
	bool differ;
	uint64_t since_ns;  /* virtual time; with differ */
	unsigned confs;     /* InitConfs that arrived unharmed since then */
	uint64_t faults_ns; /* the last time that something happened to one of the two */
	bool moved;         /* one has an address that the other was not told */
	bool hopeless;      /* no common dialect or another psk: must never have a key */
};

/* Who was told which key. */
struct key_record {
	uint8_t key[ROSENPASS_KEY_BYTES];
	int initiator;
	int responder;
	bool by_initiator;
	bool by_responder;
};

struct check {
	struct pair_state pairs[NODES_MAX][NODES_MAX]; /* of [i][j], i < j */
	struct key_record *records; /* the latest of them, round and round */
	size_t record_count;
	bool quiet; /* no faults since quiet_since_ns */
	uint64_t quiet_since_ns;
	/* coverage and figures */
	uint64_t verdicts[ROSENPASS_VERDICT_COUNT];
	uint64_t outputs[ROSENPASS_OUTPUT_TIMEOUT + 1];
	uint64_t damaged;
	uint64_t longest_difference_ns; /* in quiet times, after settling */
	uint64_t longest_settling_ns;
};

struct world;

void check_init(struct world *world);
void check_release(struct world *world);

/* Reports a violation, with the way to see it again. */
void check_fail(struct world *world, const char *invariant, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Events at a node. */
void check_key(struct world *world, int node, int peer, const struct rosenpass_output *output);
void check_stale(struct world *world, int node, int peer);
void check_received(struct world *world, int node, const struct packet *packet, enum rosenpass_verdict verdict,
                    int peer);
void check_outputs(struct world *world, int node, size_t datagrams, unsigned outputs);
void check_lost_state(struct world *world, int node, int peer);

/* Compares what the two hold now. */
void check_compare(struct world *world, int a, int b);

/* Something was done to the node that allows its pairs to differ anew. */
void check_fault(struct world *world, int node);

/* The network was healed; it is faulty again. */
void check_quiet(struct world *world, bool quiet);

/* Looks at everything that time alone can violate. Every few seconds. */
void check_audit(struct world *world);

#endif
