#include "protocol/share.h"

#include "protocol/usage.h"

/* The most that is ever owed: one piece of work on a very slow machine must not stop all others for long. */
#define DEBT_MAX_NS (10 * SHARE_BURST_NS)

bool share_has_room(struct share *share, uint64_t usage, uint64_t now_ns)
{
	uint64_t passed_us = now_ns > share->since_ns ? (now_ns - share->since_ns) / 1000 : 0;
	uint64_t paid_ns = passed_us * SHARE_PERMILLE;

	share->since_ns += passed_us * 1000;
	share->debt_ns -= paid_ns < share->debt_ns ? paid_ns : share->debt_ns;
	return share->debt_ns < usage_limit(SHARE_BURST_NS, usage);
}

void share_charge(struct share *share, uint64_t cost_ns)
{
	/* The caller's clock may show any cost. */
	share->debt_ns = cost_ns < DEBT_MAX_NS - share->debt_ns ? share->debt_ns + cost_ns : DEBT_MAX_NS;
}
