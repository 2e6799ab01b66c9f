#ifndef ROSENPASS_PROTOCOL_SHARE_H
#define ROSENPASS_PROTOCOL_SHARE_H

/*
 * A small share of the time for one kind of work, such as cookies. Work is a debt, as in budget.h, but of an
 * expected cost. Whoever has caused much such work lately has half of the burst, others have more.
 */

#include <stdbool.h>
#include <stdint.h>

#define SHARE_PERMILLE 100
#define SHARE_BURST_NS UINT64_C(20000000)

struct share {
	uint64_t since_ns;
	uint64_t debt_ns;
};

/* Returns true if work may be done now, for somebody with that usage (see usage.h). */
bool share_has_room(struct share *share, uint64_t usage, uint64_t now_ns);

/* Charges work that is done. */
void share_charge(struct share *share, uint64_t cost_ns);

#endif
