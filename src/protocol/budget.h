#ifndef ROSENPASS_PROTOCOL_BUDGET_H
#define ROSENPASS_PROTOCOL_BUDGET_H

/*
 * How much time goes into InitHellos. Anybody can send them, so all together get BUDGET_TOTAL_PERMILLE of one
 * core, and the rest of the time remains for everything else.
 *
 * - InitHellos whose sender has shown no cookie get BUDGET_PERMILLE. Those of our own peers cost less of it:
 *   a crowd of peers that know no cookies gets BUDGET_PEERS_PERMILLE.
 * - Half of that is reserved for senders at the address of a peer: BUDGET_RESERVE_PERMILLE. With forged
 *   source addresses from everywhere, nothing else tells peers from strangers.
 * - InitHellos with a valid cookie get what is left of the total.
 *
 * Time spent is a debt. Time that passes pays back that part of itself. An InitHello is admitted while the
 * debt, with the expected cost of all InitHellos admitted but not yet charged, stays within a limit: a burst,
 * or half of that for a network that has caused much work lately, and something between for others. The more
 * of the burst is used up, the less a network may have used: whoever floods is cut off first, and the others
 * find room that he cannot take. If nobody else comes, he has the whole budget nevertheless.
 *
 * A batch is worked through in lockstep, and its cost is known only afterwards: until then the average cost
 * of the last InitHellos stands for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_PERMILLE 600
#define BUDGET_PEERS_PERMILLE 900
#define BUDGET_RESERVE_PERMILLE 300
#define BUDGET_TOTAL_PERMILLE 900
/* The burst; two InitHellos where that is more. */
#define BUDGET_BURST_NS UINT64_C(50000000)
/* The most that is ever owed. Without a limit a suspend within a measurement would count as hours of work. */
#define BUDGET_DEBT_MAX_NS UINT64_C(1000000000)
/* The expected cost of an InitHello before the first measurement. */
#define BUDGET_FIRST_COST_NS UINT64_C(2000000)

enum budget_kind {
	BUDGET_STRANGER, /* no cookie */
	BUDGET_RESERVED, /* no cookie, but the address of a peer */
	BUDGET_COOKIE,   /* a valid cookie */
};
#define BUDGET_KIND_COUNT 3

struct budget {
	uint64_t since_ns;               /* up to here time has paid for the debts */
	uint64_t debt_ns;                /* time spent on InitHellos without a cookie, and not paid for */
	uint64_t reserve_ns;             /* the same for BUDGET_RESERVED alone */
	uint64_t total_ns;               /* the same for all InitHellos */
	uint64_t cost_ns;                /* moving average for one InitHello */
	bool is_measured;                /* cost_ns is more than a guess */
	size_t taken[BUDGET_KIND_COUNT]; /* InitHellos admitted and not yet charged */
};

/* Starts without debt. */
void budget_start(struct budget *budget, uint64_t now_ns);

/* Lets time pay for the debts. A clock that went back pays nothing and counts from there. */
void budget_advance(struct budget *budget, uint64_t now_ns);

/*
 * Admits one InitHello of that kind from a network with that usage (see usage.h), which does not matter for
 * BUDGET_RESERVED. Returns false if the budget is used up.
 */
bool budget_take(struct budget *budget, enum budget_kind kind, uint64_t usage);

/* InitHellos that were worked through together. */
struct budget_work {
	uint64_t spent_ns;
	size_t count; /* those taken from the budget, and others of the same cost */
	size_t peers; /* of those taken without a cookie: from peers of ours, and no repetitions */
};

/* Charges the InitHellos taken since the last charge with their part of the work, which ended at now_ns. */
void budget_charge(struct budget *budget, const struct budget_work *work, uint64_t now_ns);

#endif
