#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

/* What must hold in every run. The first violation ends it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network.h"
#include "protocol/verdicts.h"
#include "rosenpass.h"

/* How the keys of two peers compare. */
struct pair_state {
	bool differ;
	uint64_t since_ns;      /* virtual time; with differ */
	unsigned confs;         /* genuine InitConfs that arrived since then, at different times */
	uint64_t conf_ns;       /* when the last of them arrived */
	uint64_t slow_until_ns; /* virtual time: until then both may wait for the next renewal */
	uint64_t settled_by_ns; /* virtual time; in quiet times */
	uint64_t agreed_ns;     /* virtual time: since then both hold the same key; 0: never */
	bool hopeless;          /* no common dialect: must never have a key */
};

/* Who was told which key. */
struct key_record {
	uint64_t name; /* a hash of the key; 0: no record */
	int initiator;
	int responder;
	bool by_initiator;
	bool by_responder;
};

/* Over all runs of a process. */
struct check_figures {
	uint64_t verdicts[VERDICT_INDEX_COUNT];
	uint64_t outputs[ROSENPASS_OUTPUT_CONFIRMED + 1];
	uint64_t damaged;
	uint64_t longest_difference_ns; /* in quiet times, after settling */
	uint64_t longest_settling_ns;
	uint64_t most_confs;
	uint64_t most_sends;
};

struct check {
	struct pair_state pairs[NODES_MAX][NODES_MAX]; /* of [i][j], i < j */
	struct key_record *records;                    /* a hash table */
	size_t record_count;
	size_t record_capacity;
	bool quiet;
	uint64_t quiet_since_ns;
	struct check_figures figures;
};

struct world;

void check_init(struct world *world);
void check_release(struct world *world);
struct pair_state *check_pair(struct world *world, int a, int b);

/* Reports a violation, with the way to see it again. */
void check_fail(struct world *world, const char *invariant, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A node was told something about a peer, or forgot all about it. */
void check_key(struct world *world, int node, int peer, const struct rosenpass_output *output);
void check_stale(struct world *world, int node, int peer);
void check_lost_state(struct world *world, int node, int peer);

/* A node was handed a packet; a number of datagrams led to a number of outputs. */
void check_received(struct world *world, int node, const struct packet *packet,
                    enum rosenpass_verdict verdict, int peer);
void check_outputs(struct world *world, int node, size_t datagrams, unsigned outputs);

/* The network was healed, or becomes faulty again. */
void check_quiet(struct world *world, bool quiet);

/* Looks at everything that time alone can violate. To be called every CHECK_AUDIT_NS. */
#define CHECK_AUDIT_NS (5 * SECOND)
void check_audit(struct world *world);

#endif
