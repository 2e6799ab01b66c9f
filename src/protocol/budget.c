#include "protocol/budget.h"

#include "protocol/usage.h"

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

static void pay(uint64_t *debt_ns, uint64_t passed_us, uint64_t permille)
{
	uint64_t paid_ns = passed_us * permille;

	*debt_ns -= paid_ns < *debt_ns ? paid_ns : *debt_ns;
}

void budget_advance(struct budget *budget, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > budget->since_ns ? now_ns - budget->since_ns : 0;
	/* The division comes first, since the time passed may be anything; a microsecond more or less does
	 * not matter, but time that was not paid must not be lost when calls follow each other quickly. */
	uint64_t passed_us = passed_ns / 1000;

	if (now_ns < budget->since_ns)
		budget->since_ns = now_ns;
	else
		budget->since_ns += passed_us * 1000;
	pay(&budget->debt_ns, passed_us, BUDGET_PERMILLE);
	pay(&budget->reserve_ns, passed_us, BUDGET_RESERVE_PERMILLE);
	pay(&budget->total_ns, passed_us, BUDGET_TOTAL_PERMILLE);
}

/* Returns the burst: where a single InitHello costs much, two, so that there is room for an order of them. */
static uint64_t burst_ns(const struct budget *budget)
{
	return 2 * budget->cost_ns > BUDGET_BURST_NS ? 2 * budget->cost_ns : BUDGET_BURST_NS;
}

static bool fits(const struct budget *budget, uint64_t debt_ns, size_t taken, uint64_t limit_ns)
{
	/* Where a single InitHello costs more than the limit, it is admitted once all is paid for. */
	bool is_idle = debt_ns == 0 && taken == 0;

	return is_idle || debt_ns + (taken + 1) * budget->cost_ns <= limit_ns;
}

bool budget_take(struct budget *budget, enum budget_kind kind, uint64_t usage)
{
	uint64_t limit_ns = usage_limit(burst_ns(budget), usage);
	size_t without = budget->taken[BUDGET_STRANGER] + budget->taken[BUDGET_RESERVED];
	bool good = false;

	switch (kind) {
	case BUDGET_STRANGER:
		good = fits(budget, budget->debt_ns, without, limit_ns);
		break;
	case BUDGET_RESERVED:
		good = fits(budget, budget->reserve_ns, budget->taken[BUDGET_RESERVED], burst_ns(budget) / 2);
		break;
	case BUDGET_COOKIE:
		good = fits(budget, budget->total_ns, without + budget->taken[BUDGET_COOKIE], limit_ns);
		break;
	}
	budget->taken[kind] += good;
	return good;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

static void learn(struct budget *budget, uint64_t each_ns)
{
	uint64_t usual_ns = budget->cost_ns > COST_MIN_NS ? budget->cost_ns : COST_MIN_NS;

	if (budget->is_measured)
		budget->cost_ns = budget->cost_ns - budget->cost_ns / WEIGHT +
		                  at_most(each_ns, OUTLIER * usual_ns) / WEIGHT;
	else
		budget->cost_ns = each_ns;
	budget->is_measured = true;
}

void budget_charge(struct budget *budget, const struct budget_work *work, uint64_t now_ns)
{
	uint64_t each_ns = work->count > 0 ? at_most(work->spent_ns / work->count, BUDGET_DEBT_MAX_NS) : 0;
	size_t reserved = budget->taken[BUDGET_RESERVED];
	size_t all = budget->taken[BUDGET_STRANGER] + reserved;
	/* None was counted if the clock came in the middle of the work. */
	size_t others = all > work->peers ? all - work->peers : 0;

	budget->debt_ns += others * each_ns;
	budget->debt_ns += work->peers * each_ns * BUDGET_PERMILLE / BUDGET_PEERS_PERMILLE;
	budget->reserve_ns += reserved * each_ns * BUDGET_PERMILLE / BUDGET_PEERS_PERMILLE;
	budget->total_ns += work->count * each_ns;
	for (int kind = 0; kind < BUDGET_KIND_COUNT; kind++)
		budget->taken[kind] = 0;
	/* The time of the measurement pays as well, before the limit applies. */
	budget_advance(budget, now_ns);
	budget->debt_ns = at_most(budget->debt_ns, BUDGET_DEBT_MAX_NS);
	budget->reserve_ns = at_most(budget->reserve_ns, BUDGET_DEBT_MAX_NS);
	budget->total_ns = at_most(budget->total_ns, BUDGET_DEBT_MAX_NS);
	if (work->count > 0)
		learn(budget, each_ns);
}
