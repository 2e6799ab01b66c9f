#include "fixture.h"

#include "protocol/replay.h"

#define SECOND FIXTURE_SECOND_NS
#define MS (SECOND / 1000)
#define START_NS (1000 * SECOND)

static struct replay_filter filter;
static uint64_t now_ns;

static int start(void **state)
{
	uint64_t random = 1;

	(void)state;
	memset(&filter, 0, sizeof filter);
	fixture_fill(&random, filter.key, sizeof filter.key);
	now_ns = START_NS;
	return 0;
}

static bool passes(uint32_t message, uint8_t source)
{
	uint8_t mac[MESSAGE_MAC_BYTES] = { 0 };
	struct rosenpass_address from = { .length = 2, .group_length = 1, .bytes = { 1, source } };

	memcpy(mac, &message, sizeof message);
	if (replay_is_copy(&filter, mac, &from, now_ns))
		return false;
	replay_note(&filter, mac, &from, now_ns);
	return true;
}

/* An initiator's fastest retransmissions: all are answered. */
static void test_retransmissions_pass(void **state)
{
	uint64_t delay_ns = SECOND / 4;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(passes(1, 1));
		now_ns += delay_ns;
		delay_ns = delay_ns < 5 * SECOND ? 2 * delay_ns : 5 * SECOND;
	}
}

static void test_copies_at_once_do_not(void **state)
{
	(void)state;
	assert_true(passes(1, 1));
	for (int i = 0; i < 199; i++, now_ns += MS)
		assert_false(passes(1, 1));
	now_ns += MS;
	assert_true(passes(1, 1));
	assert_false(passes(1, 1));
	/* Others are not concerned. */
	assert_true(passes(2, 1));
}

static void test_copies_for_ever(void **state)
{
	unsigned passed = 0;

	(void)state;
	for (int i = 0; i < 100000; i++, now_ns += MS)
		passed += passes(1, 1);
	assert_in_range(passed, 75, 85);
}

/* However many the sources of replays are, they have one share, and it is not that of the initiator. */
static void test_replays_from_elsewhere(void **state)
{
	unsigned own = 0;
	unsigned others = 0;

	(void)state;
	assert_true(passes(1, 1));
	for (int i = 0; i < 100000; i++, now_ns += MS) {
		others += passes(1, (uint8_t)(2 + i % 200));
		if (i % 1250 == 1249)
			own += passes(1, 1);
	}
	assert_in_range(others, 75, 85);
	assert_in_range(own, 79, 80);
}

/* The table is full of others: the oldest is forgotten, and nothing is taken for a copy that is none. */
static void test_more_than_fit(void **state)
{
	unsigned remembered = 0;

	(void)state;
	for (uint32_t i = 1; i <= 100000; i++, now_ns++)
		assert_true(passes(i, 1));
	for (uint32_t i = 100000; i > 100000 - REPLAY_SETS * REPLAY_WAYS / 4; i--)
		remembered += !passes(i, 1);
	assert_true(remembered > REPLAY_SETS * REPLAY_WAYS / 4 * 9 / 10);
	assert_true(passes(1, 1));
}

static void test_time_zero(void **state)
{
	(void)state;
	now_ns = 0;
	assert_true(passes(1, 1));
	assert_false(passes(1, 1));
	assert_true(passes(0, 1));
	assert_false(passes(0, 1));
	now_ns = UINT64_MAX / 2;
	assert_true(passes(1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_retransmissions_pass, start),
		cmocka_unit_test_setup(test_copies_at_once_do_not, start),
		cmocka_unit_test_setup(test_copies_for_ever, start),
		cmocka_unit_test_setup(test_replays_from_elsewhere, start),
		cmocka_unit_test_setup(test_more_than_fit, start),
		cmocka_unit_test_setup(test_time_zero, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
