#include "fixture.h"

#include "protocol/budget.h"
#include "protocol/usage.h"

#define SECOND FIXTURE_SECOND_NS
#define MS (SECOND / 1000)
#define START_NS (1000 * SECOND)
#define BATCH 16

static struct budget budget;
static uint64_t now_ns;

static int start(void **state)
{
	(void)state;
	now_ns = START_NS;
	budget_start(&budget, now_ns);
	return 0;
}

static void charge(uint64_t spent_ns, size_t count, size_t peers)
{
	struct budget_work work = { spent_ns, count, peers };

	budget_charge(&budget, &work, now_ns);
}

/* One turn with `waiting` InitHellos in batches as the engine has them; how many were served. */
static size_t turn(size_t waiting, uint64_t cost_ns, bool are_peers)
{
	size_t served = 0;

	while (waiting > 0) {
		size_t taken = 0;

		budget_advance(&budget, now_ns);
		for (size_t i = 0; i < BATCH && waiting > 0; i++, waiting--)
			taken += budget_take(&budget, BUDGET_STRANGER, 0);
		now_ns += taken * cost_ns;
		charge(taken * cost_ns, taken, are_peers ? taken : 0);
		served += taken;
	}
	return served;
}

/* For that long more InitHellos than can be served; the time that went into them, in thousandths. */
static uint64_t share_of(uint64_t seconds, uint64_t cost_ns, bool are_peers)
{
	uint64_t from_ns = now_ns;
	size_t served = 0;

	while (now_ns < from_ns + seconds * SECOND) {
		served += turn(64, cost_ns, are_peers);
		now_ns += MS / 10;
	}
	return served * cost_ns * 1000 / (now_ns - from_ns);
}

static void test_share_in_the_long_run(void **state)
{
	static const uint64_t costs_ns[] = { MS / 20, MS / 4, MS, 2 * MS, 4 * MS, 49 * MS, 200 * MS };

	for (size_t i = 0; i < sizeof costs_ns / sizeof costs_ns[0]; i++) {
		(void)start(state);
		/* The cost is learned before it counts. */
		(void)share_of(10, costs_ns[i], false);
		assert_in_range(share_of(60, costs_ns[i], false), 570, 610);
		/* A crowd of our own peers gets nearly all. */
		(void)share_of(10, costs_ns[i], true);
		assert_in_range(share_of(60, costs_ns[i], true), 830, 910);
	}
}

static void test_everything_below_the_share(void **state)
{
	(void)state;
	/* 550 a second of a millisecond each. */
	for (int i = 0; i < 10000; i++) {
		uint64_t next_ns = now_ns + SECOND / 550;

		assert_int_equal(turn(1, MS, false), 1);
		now_ns = next_ns;
	}
}

/* A batch is not admitted as a whole because its cost is not known yet. */
static void test_a_batch_does_not_overdraw(void **state)
{
	uint64_t cost_ns = 10 * MS;

	(void)state;
	(void)share_of(10, cost_ns, false);
	for (int i = 0; i < 100; i++) {
		uint64_t from_ns;

		now_ns += SECOND;
		from_ns = now_ns;
		(void)turn(64, cost_ns, false);
		/* While the burst is used, time goes on to pay. */
		assert_in_range(now_ns - from_ns, BUDGET_BURST_NS * 8 / 10, BUDGET_BURST_NS * 22 / 10);
	}
}

static void test_first_batch_of_a_slow_machine(void **state)
{
	(void)state;
	/* Only the first ones are taken for cheap; what they cost is owed. */
	assert_int_equal(turn(64, 200 * MS, false), BATCH);
	now_ns += SECOND;
	assert_int_equal(turn(64, 200 * MS, false), 0);
	/* The most that is owed is paid back in 1.7 s. */
	now_ns += SECOND;
	assert_in_range(turn(64, 200 * MS, false), 1, 3);
}

static void test_takes_none_before_it_is_charged(void **state)
{
	size_t taken = 0;

	(void)state;
	while (taken < 1000 && budget_take(&budget, BUDGET_STRANGER, 0))
		taken++;
	assert_int_equal(taken, BUDGET_BURST_NS / BUDGET_FIRST_COST_NS);
	/* All dropped out before the costly part. */
	charge(0, 0, 0);
	assert_true(budget_take(&budget, BUDGET_STRANGER, 0));
}

/* Takes as many of a kind as there is room for, and charges nothing. */
static size_t fill(enum budget_kind kind, uint64_t usage)
{
	size_t taken = 0;

	while (taken < 1000 && budget_take(&budget, kind, usage))
		taken++;
	return taken;
}

/* Who has used much cannot fill the budget so far that others find no room. */
static void test_light_sources_go_first(void **state)
{
	size_t much;

	(void)state;
	budget.cost_ns = MS;
	much = fill(BUDGET_STRANGER, 1000 * USAGE_ONE);
	assert_in_range(much, 24, 26);
	assert_in_range(fill(BUDGET_STRANGER, 2 * USAGE_ONE), 11, 13);
	assert_in_range(fill(BUDGET_STRANGER, 0), 11, 13);
	assert_int_equal(fill(BUDGET_STRANGER, 0), 0);
}

/* However much strangers want, half of the time is for those at the address of a peer; and no more. */
static void test_reserve(void **state)
{
	size_t strangers = 0;
	size_t reserved = 0;

	(void)state;
	budget.cost_ns = MS;
	for (uint64_t from_ns = now_ns; now_ns < from_ns + 60 * SECOND; now_ns += 10 * MS) {
		size_t first;
		size_t second;

		budget_advance(&budget, now_ns);
		first = fill(BUDGET_STRANGER, 0);
		second = fill(BUDGET_RESERVED, 0);
		charge((first + second) * MS, first + second, second);
		strangers += first;
		reserved += second;
	}
	/* At two thirds of the price it is 450 ms a second. */
	assert_in_range(reserved, 60 * 430, 60 * 460);
	assert_in_range(strangers, 60 * 290, 60 * 310);
}

/* Valid cookies get what is left of the whole, beside strangers and alone. */
static void test_cookies_and_the_whole(void **state)
{
	(void)state;
	budget.cost_ns = MS;
	for (int strangers = 0; strangers < 2; strangers++) {
		size_t all = 0;
		size_t cookies = 0;

		for (uint64_t from_ns = now_ns; now_ns < from_ns + 60 * SECOND; now_ns += 10 * MS) {
			size_t first;
			size_t second;

			budget_advance(&budget, now_ns);
			first = fill(BUDGET_COOKIE, 0);
			second = strangers > 0 ? fill(BUDGET_STRANGER, 0) : 0;
			charge((first + second) * MS, first + second, 0);
			cookies += first;
			all += first + second;
		}
		assert_in_range(all, 60 * 880, 60 * 910);
		assert_in_range(cookies, 60 * (strangers > 0 ? 280 : 880), 60 * (strangers > 0 ? 310 : 910));
	}
}

/* Those with a cookie are worked through in the same batch, and are not charged. */
static void test_others_in_the_batch_are_not_charged(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_true(budget_take(&budget, BUDGET_STRANGER, 0));
	charge(16 * MS, 16, 0);
	assert_int_equal(budget.debt_ns, 4 * MS);
	charge(16 * MS, 16, 0);
	assert_int_equal(budget.debt_ns, 4 * MS);
	/* Three of a peer cost two. */
	for (int i = 0; i < 4; i++)
		assert_true(budget_take(&budget, BUDGET_STRANGER, 0));
	charge(16 * MS, 16, 3);
	assert_int_equal(budget.debt_ns, 7 * MS);
}

/* What is turned away costs next to nothing, and nothing of the budget. */
static void test_turned_away_is_no_load(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		(void)budget_take(&budget, BUDGET_STRANGER, 0);
		budget_advance(&budget, now_ns);
		charge(0, 0, 0);
	}
	assert_true(budget_take(&budget, BUDGET_STRANGER, 0));
}

static void test_suspend_within_a_measurement(void **state)
{
	(void)state;
	(void)share_of(10, MS, false);
	now_ns += SECOND;
	budget_advance(&budget, now_ns);
	assert_true(budget_take(&budget, BUDGET_STRANGER, 0));
	now_ns += 8 * 3600 * SECOND;
	charge(8 * 3600 * SECOND, 1, 0);
	budget_advance(&budget, now_ns);
	assert_true(budget_take(&budget, BUDGET_STRANGER, 0));
	charge(MS, 1, 0);
	/* One such measurement does not make InitHellos look expensive for long. */
	assert_in_range(share_of(2, MS, false), 550, 640);
}

static void test_clock_that_goes_back(void **state)
{
	(void)state;
	(void)share_of(10, MS, false);
	now_ns -= 9 * SECOND;
	assert_in_range(share_of(5, MS, false), 570, 620);
	now_ns = 0;
	assert_in_range(share_of(5, MS, false), 570, 620);
	now_ns = UINT64_MAX / 2;
	assert_in_range(share_of(5, MS, false), 570, 620);
}

static void test_clock_that_stands_still(void **state)
{
	size_t served = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		budget_advance(&budget, now_ns);
		served += budget_take(&budget, BUDGET_STRANGER, 0);
		charge(MS, 1, 0);
	}
	assert_in_range(served, 40, 50);
}

/* Calls in quick succession lose no time to rounding. */
static void test_small_steps_pay_as_much_as_large_ones(void **state)
{
	(void)state;
	assert_true(budget_take(&budget, BUDGET_STRANGER, 0));
	charge(40 * MS, 1, 0);
	for (uint64_t i = 0; i < 10 * MS; i += 100) {
		now_ns += 100;
		budget_advance(&budget, now_ns);
	}
	assert_in_range(budget.debt_ns, 34 * MS, 34 * MS + MS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_share_in_the_long_run, start),
		cmocka_unit_test_setup(test_everything_below_the_share, start),
		cmocka_unit_test_setup(test_a_batch_does_not_overdraw, start),
		cmocka_unit_test_setup(test_first_batch_of_a_slow_machine, start),
		cmocka_unit_test_setup(test_takes_none_before_it_is_charged, start),
		cmocka_unit_test_setup(test_others_in_the_batch_are_not_charged, start),
		cmocka_unit_test_setup(test_turned_away_is_no_load, start),
		cmocka_unit_test_setup(test_light_sources_go_first, start),
		cmocka_unit_test_setup(test_reserve, start),
		cmocka_unit_test_setup(test_cookies_and_the_whole, start),
		cmocka_unit_test_setup(test_suspend_within_a_measurement, start),
		cmocka_unit_test_setup(test_clock_that_goes_back, start),
		cmocka_unit_test_setup(test_clock_that_stands_still, start),
		cmocka_unit_test_setup(test_small_steps_pay_as_much_as_large_ones, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
