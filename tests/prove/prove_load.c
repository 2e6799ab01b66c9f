/*
 * What limits the load: amounts of work, debts of time and token buckets. The hash that chooses a bucket has
 * any value at each call. The engine's time goes as far as half of 64 bits, see state_advance_is_monotonic.
 */

#include "protocol/budget.c"
#include "protocol/rate_limit.c"
#include "protocol/share.c"
#include "protocol/usage.c"
#include "prove.h"

#define LATEST_NS (UINT64_MAX / 2)
/* 2^10 pieces of work within USAGE_HALF_NS. */
#define AMOUNT_MAX (UINT64_C(1) << 20)

uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
	CHECK_READABLE(key, SHORT_HASH_KEY_BYTES);
	CHECK_READABLE(data, data_len);
	return nondet_u64();
}

static uint64_t any_time(void)
{
	uint64_t time = nondet_u64();

	ASSUME(time <= LATEST_NS);
	return time;
}

/* Every address that inbox.c lets through. */
static struct rosenpass_address any_address(void)
{
	struct rosenpass_address address;

	ANY(address);
	ASSUME(address.length <= ROSENPASS_ADDRESS_MAX_BYTES && address.group_length <= address.length);
	return address;
}

/*
 * prove: usage_amount_falls unwind=1
 * fault: src/protocol/usage.c s/amount - amount \* rest_permille/amount - (amount << 4) * rest_permille/
 *
 * Amounts of work fall with time and do not overflow.
 *
 * Every amount up to that of 2^10 pieces of work, at any two times, falls or stays, and one piece of work
 * adds at most itself.
 */
PROOF(usage_amount_falls)
{
	struct usage_bucket bucket = { nondet_u64(), nondet_u64() };
	uint64_t before = bucket.amount;
	uint64_t now_ns = any_time();

	ASSUME(before <= AMOUNT_MAX);
	CHECK(usage_amount(&bucket, now_ns) <= before);
	usage_amount_add(&bucket, now_ns);
	CHECK(bucket.amount <= before + USAGE_ONE && bucket.since_ns == now_ns);
}

uint64_t any_amount(const struct usage_bucket *bucket, uint64_t now_ns);

uint64_t any_amount(const struct usage_bucket *bucket, uint64_t now_ns)
{
	uint64_t amount = nondet_u64();

	(void)now_ns;
	CHECK_READABLE(bucket, sizeof *bucket);
	ASSUME(amount <= AMOUNT_MAX);
	return amount;
}

/*
 * prove: usage_bounds unwind=4 sizes=USAGE_BUCKETS:2 replace=usage_amount:any_amount
 * fault: src/protocol/usage.c s/ USAGE_BUCKETS);/ (USAGE_BUCKETS + 1));/
 *
 * Counting the work of networks stays within its buckets.
 *
 * Counting and asking for every valid address access no bucket out of bounds and no byte of the address
 * behind its length. There are 2 buckets at each level instead of 1024.
 */
PROOF(usage_bounds)
{
	static struct usage usage;
	struct rosenpass_address address = any_address();
	uint64_t now_ns = any_time();

	for (int level = 0; level < USAGE_LEVELS; level++)
		CHECK(usage_network_bytes(&address, level) <= address.length);
	usage_add(&usage, &address, now_ns);
	CHECK(usage_of(&usage, &address, now_ns) <= AMOUNT_MAX);
}

/*
 * prove: usage_limit_is_half_to_whole unwind=1
 * fault: src/protocol/usage.c s/if (usage > UINT32_MAX)/if (usage > UINT64_MAX - 1)/
 *
 * No usage overflows a limit.
 *
 * Every usage leaves at least half of a limit and at most all of it, for the limits of share.c and budget.c
 * (up to 2 s).
 */
PROOF(usage_limit_is_half_to_whole)
{
	uint64_t limit = nondet_u64();
	uint64_t usage = nondet_u64();
	uint64_t left;

	ASSUME(limit <= 2 * BUDGET_DEBT_MAX_NS);
	left = usage_limit(limit, usage);
	CHECK(left >= limit / 2 && left <= limit);
}

uint64_t any_limit(uint64_t limit, uint64_t usage);

uint64_t any_limit(uint64_t limit, uint64_t usage)
{
	uint64_t left = nondet_u64();

	(void)usage;
	CHECK(limit <= 2 * BUDGET_DEBT_MAX_NS);
	ASSUME(left >= limit / 2 && left <= limit);
	return left;
}

/*
 * prove: share_debt_is_bounded unwind=1
 * fault: src/protocol/share.c
 *     s/cost_ns < DEBT_MAX_NS - share->debt_ns/share->debt_ns + cost_ns < DEBT_MAX_NS/
 *
 * The debt of a share stays within its maximum.
 *
 * Every cost is charged to every debt within the maximum without overflow, and the debt stays within it. How
 * time pays the debt is not proved: 64-bit products of quotients take a SAT solver too long.
 */
PROOF(share_debt_is_bounded)
{
	struct share share = { nondet_u64(), nondet_u64() };

	ASSUME(share.debt_ns <= DEBT_MAX_NS);
	share_charge(&share, nondet_u64());
	CHECK(share.debt_ns <= DEBT_MAX_NS);
}

/* Every budget with up to 64 InitHellos of each kind taken; a batch has 16. */
static struct budget any_budget(void)
{
	struct budget budget;

	ANY(budget);
	budget.is_measured = nondet_bool();
	ASSUME(budget.debt_ns <= BUDGET_DEBT_MAX_NS && budget.reserve_ns <= BUDGET_DEBT_MAX_NS &&
	       budget.total_ns <= BUDGET_DEBT_MAX_NS && budget.cost_ns <= BUDGET_DEBT_MAX_NS);
	for (int kind = 0; kind < BUDGET_KIND_COUNT; kind++)
		ASSUME(budget.taken[kind] <= 64);
	return budget;
}

/*
 * prove: budget_take_counts unwind=4 replace=usage_limit:any_limit
 * fault: src/protocol/budget.c s/budget->taken\[kind\] += good/budget->taken[kind + good] += good/
 *
 * An InitHello admitted to the budget is counted once.
 *
 * Every InitHello is admitted to or refused by every budget without overflow; only the count of its kind
 * changes, by one if it is admitted. Up to 64 InitHellos of a kind were taken before.
 */
PROOF(budget_take_counts)
{
	struct budget budget = any_budget();
	unsigned kind = nondet_u8() % BUDGET_KIND_COUNT;
	unsigned other = nondet_u8() % BUDGET_KIND_COUNT;
	size_t before = budget.taken[kind];
	size_t other_before = budget.taken[other];
	bool good = budget_take(&budget, (enum budget_kind)kind, nondet_u64());

	CHECK(budget.taken[kind] == before + (good ? 1 : 0));
	CHECK(other == kind || budget.taken[other] == other_before);
}

void any_payment(struct budget *budget, uint64_t now_ns);

/* No debt grows. */
void any_payment(struct budget *budget, uint64_t now_ns)
{
	uint64_t *debts[] = { &budget->debt_ns, &budget->reserve_ns, &budget->total_ns };

	budget->since_ns = now_ns;
	for (int i = 0; i < 3; i++) {
		uint64_t rest_ns = nondet_u64();

		ASSUME(rest_ns <= *debts[i]);
		*debts[i] = rest_ns;
	}
}

/*
 * prove: budget_charge_is_bounded unwind=4 replace=budget_advance:any_payment
 * fault: src/protocol/budget.c
 *     s/at_most(work->spent_ns \/ work->count, BUDGET_DEBT_MAX_NS)/(work->spent_ns)/
 *
 * The debts of the budget stay within their maximum.
 *
 * Every work of up to 64 InitHellos, however long it seems to have taken, is charged without overflow, and
 * debts and the expected cost stay within the maximum. Time may pay any part of the debts; how it does is not
 * proved, as in share_debt_is_bounded.
 */
PROOF(budget_charge_is_bounded)
{
	struct budget budget = any_budget();
	struct budget_work work = { nondet_u64(), nondet_u8() % 65, nondet_u8() % 65 };

	ASSUME(work.peers <= budget.taken[BUDGET_STRANGER] + budget.taken[BUDGET_RESERVED]);
	budget_charge(&budget, &work, nondet_u64());
	CHECK(budget.debt_ns <= BUDGET_DEBT_MAX_NS && budget.reserve_ns <= BUDGET_DEBT_MAX_NS &&
	      budget.total_ns <= BUDGET_DEBT_MAX_NS && budget.cost_ns <= BUDGET_DEBT_MAX_NS);
	for (int kind = 0; kind < BUDGET_KIND_COUNT; kind++)
		CHECK(budget.taken[kind] == 0);
}

/*
 * prove: rate_limit_bounds unwind=4 sizes=RATE_LIMIT_BUCKETS:2
 * fault: src/protocol/rate_limit.c s/hash % RATE_LIMIT_BUCKETS/hash % (RATE_LIMIT_BUCKETS + 1)/
 *
 * Rate limits stay within their buckets and do not overflow.
 *
 * Every valid address is admitted or refused without access out of bounds; no bucket lacks more than its
 * burst, so that no time overflows; a refusal takes no token. There are 2 buckets at each level.
 */
PROOF(rate_limit_bounds)
{
	static struct rate_limit limit;
	struct rosenpass_address address = any_address();
	uint64_t now_ns = any_time();
	unsigned level = nondet_u8() % RATE_LIMIT_LEVELS;
	unsigned at = nondet_u8() % RATE_LIMIT_BUCKETS;
	uint64_t before;
	uint64_t after;

	ANY(limit);
	for (int i = 0; i < RATE_LIMIT_LEVELS; i++) {
		for (int j = 0; j < RATE_LIMIT_BUCKETS; j++)
			ASSUME(limit.full_ns[i][j] <= now_ns ||
			       limit.full_ns[i][j] - now_ns <= RATE_LIMIT_BURST * RATE_LIMIT_INTERVAL_NS);
	}
	before = limit.full_ns[level][at] > now_ns ? limit.full_ns[level][at] : now_ns;
	if (!rate_limit_take(&limit, &address, now_ns))
		CHECK(limit.full_ns[level][at] <= before);
	after = limit.full_ns[level][at];
	CHECK(after <= now_ns || after - now_ns <= RATE_LIMIT_BURST * RATE_LIMIT_INTERVAL_NS);
}
