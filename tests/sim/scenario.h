#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

/*
 * What a run consists of, drawn from the seed: hosts, who knows whom and how, and
 * episodes of faults, each followed by a quiet time in which all has to come right.
 */

#include <stdbool.h>
#include <stdint.h>

#include "prng.h"

/* How long a crossed run takes: no renewal falls into it. */
#define CROSSED_NS UINT64_C(60000000000)

/* value of an EVENT_ACTION: the action, and the other node where there is one. */
enum action {
	ACTION_FAULTS, /* an episode begins */
	ACTION_LINKS,  /* all links get other faults */
	ACTION_START,
	ACTION_RESTART, /* with lost state; starts again after a while */
	ACTION_SUSPEND,
	ACTION_JUMP,
	ACTION_CUT,
	ACTION_MEND,
	ACTION_MOVE,
	ACTION_INITIATE,
	ACTION_CROSS, /* both sides ask for a new key */
	ACTION_REMOVE,
	ACTION_ADD,
	ACTION_PSK,    /* another preshared key, here now and there later */
	ACTION_CHANGE, /* the configuration as it is now */
	ACTION_ENDPOINT,
	ACTION_LOAD,
	ACTION_FORGE,  /* some InitHellos of an attacker that name the peer */
	ACTION_QUIET,  /* the network is healed */
	ACTION_ABSENT, /* of the absent-peer runs: the peer goes; a day has passed; it is back */
	ACTION_DAY,
	ACTION_RETURN,
	ACTION_END,
};

struct scenario {
	struct prng prng;
	int node_count;
	bool ended;
	bool month;
	uint64_t end_ns;
	uint32_t episodes;
	uint64_t quiet_at_ns;
	/* how bad this run's network and hosts are; permille */
	uint32_t loss;
	uint32_t duplicate;
	uint32_t damage;
	uint32_t spike;
	uint32_t late;
	uint32_t race;
	uint32_t reflect;
	uint32_t replay;
	uint32_t lose_cookies;
	uint64_t delay_ns;
	uint32_t random_failure;
	uint32_t memory_failure;
	uint32_t faults[ACTION_END]; /* how many of each action in an episode, at most */
	bool load_stays;
	/* crossed runs: when the first began; pair_state.agreed_ns at the end */
	uint64_t began_ns;
	uint64_t agreed_ns;
	/* absent-peer runs */
	uint64_t day_bytes;
};

struct world;

/* What the runs are about. */
enum scenario_kind {
	SCENARIO_FAULTS,  /* episodes of faults; some seeds: a peer that is away for days */
	SCENARIO_MONTH,   /* the same over a month */
	SCENARIO_CROSSED, /* two that begin at the same moment, to measure how soon they agree */
};

void scenario_begin(struct world *world, enum scenario_kind kind);
void scenario_act(struct world *world, int node, uint64_t value);

#endif
