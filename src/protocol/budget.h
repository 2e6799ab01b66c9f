#ifndef ROSENPASS_PROTOCOL_BUDGET_H
#define ROSENPASS_PROTOCOL_BUDGET_H

/*
 * How much time goes into InitHellos whose sender has shown no cookie. Anybody can send them, from any
 * address, so they get BUDGET_PERMILLE of one core and leave the rest to everything else. Those of our own
 * peers cost less of it: a crowd of peers that know no cookies gets BUDGET_PEERS_PERMILLE.
 *
 * Time spent is a debt. Time that passes pays back BUDGET_PERMILLE of itself. An InitHello is admitted while
 * the debt, with the expected cost of all InitHellos admitted but not yet charged, stays within
 * BUDGET_BURST_NS. A batch is worked through in lockstep, and its cost is known only afterwards: until then
 * the average cost of the last InitHellos stands for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_PERMILLE 600
#define BUDGET_PEERS_PERMILLE 900
#define BUDGET_BURST_NS UINT64_C(50000000)
/* The most that is ever owed. Without a limit a suspend within a measurement would count as hours of work. */
#define BUDGET_DEBT_MAX_NS UINT64_C(1000000000)
/* The expected cost of an InitHello before the first measurement. */
#define BUDGET_FIRST_COST_NS UINT64_C(2000000)

struct budget {
	uint64_t since_ns; /* up to here time has paid for the debt */
	uint64_t debt_ns;  /* time spent and not paid for */
	uint64_t cost_ns;  /* moving average for one InitHello */
	bool is_measured;  /* cost_ns is more than a guess */
	size_t taken;      /* InitHellos admitted and not yet charged */
};

/* Starts without debt. */
void budget_start(struct budget *budget, uint64_t now_ns);

/* Lets time pay for the debt. A clock that went back pays nothing and counts from there. */
void budget_advance(struct budget *budget, uint64_t now_ns);

/* Admits one InitHello. Returns false if the budget is used up. */
bool budget_take(struct budget *budget);

/* InitHellos that were worked through together. */
struct budget_work {
	uint64_t spent_ns;
	size_t count; /* those taken from the budget, and others of the same cost */
	size_t peers; /* of those taken: from peers of ours, and no repetitions */
};

/* Charges the InitHellos taken since the last charge with their part of the work, which ended at now_ns. */
void budget_charge(struct budget *budget, const struct budget_work *work, uint64_t now_ns);

#endif
