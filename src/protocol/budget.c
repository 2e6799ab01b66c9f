#include "protocol/budget.h"

/* A measurement counts for an eighth of the average. */
#define WEIGHT 8
/* A measurement counts as at most this multiple of the average: the process may have been preempted. */
#define OUTLIER 4
/* The average that OUTLIER multiplies is at least this, so that it can grow again. */
#define COST_MIN_NS UINT64_C(10000)

void budget_start(struct budget *budget, uint64_t now_ns)
{
	*budget = (struct budget){ .since_ns = now_ns, .cost_ns = BUDGET_FIRST_COST_NS };
}

void budget_advance(struct budget *budget, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > budget->since_ns ? now_ns - budget->since_ns : 0;
	/* The division comes first, since the time passed may be anything; a microsecond more or less does
	 * not matter, but time that was not paid must not be lost when calls follow each other quickly. */
	uint64_t paid_ns = passed_ns / 1000 * BUDGET_PERMILLE;

	if (now_ns < budget->since_ns)
		budget->since_ns = now_ns;
	else
		budget->since_ns += passed_ns / 1000 * 1000;
	budget->debt_ns -= paid_ns < budget->debt_ns ? paid_ns : budget->debt_ns;
}

bool budget_take(struct budget *budget)
{
	/* Where a single InitHello costs more than the burst, it is admitted once all is paid for. */
	bool is_idle = budget->debt_ns == 0 && budget->taken == 0;

	if (!is_idle && budget->debt_ns + (budget->taken + 1) * budget->cost_ns > BUDGET_BURST_NS)
		return false;
	budget->taken++;
	return true;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

static void learn(struct budget *budget, uint64_t each_ns)
{
	uint64_t usual_ns = budget->cost_ns > COST_MIN_NS ? budget->cost_ns : COST_MIN_NS;

	if (budget->is_measured)
		budget->cost_ns += at_most(each_ns, OUTLIER * usual_ns) / WEIGHT - budget->cost_ns / WEIGHT;
	else
		budget->cost_ns = each_ns;
	budget->is_measured = true;
}

void budget_charge(struct budget *budget, const struct budget_work *work, uint64_t now_ns)
{
	uint64_t each_ns = work->count > 0 ? at_most(work->spent_ns / work->count, BUDGET_DEBT_MAX_NS) : 0;
	size_t others = budget->taken - work->peers;

	budget->debt_ns += others * each_ns;
	budget->debt_ns += work->peers * each_ns * BUDGET_PERMILLE / BUDGET_PEERS_PERMILLE;
	budget->taken = 0;
	/* The time of the measurement pays as well, before the limit applies. */
	budget_advance(budget, now_ns);
	budget->debt_ns = at_most(budget->debt_ns, BUDGET_DEBT_MAX_NS);
	if (work->count > 0)
		learn(budget, each_ns);
}
