#include "fixture.h"

#include "protocol/timers.h"

#define SLOTS_MAX 200

/* What timers_first() must say of these deadlines. */
static void check_first(const struct timers *timers, const uint64_t at_ns[static SLOTS_MAX])
{
	uint32_t slot = UINT32_MAX;
	uint64_t first = timers_first(timers, &slot);
	uint64_t expected = ROSENPASS_NEVER;
	size_t waiting = 0;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		expected = at_ns[i] < expected ? at_ns[i] : expected;
		waiting += at_ns[i] != ROSENPASS_NEVER;
	}
	assert_int_equal(first, expected);
	assert_int_equal(timers->used, waiting);
	if (expected != ROSENPASS_NEVER) {
		assert_true(slot < SLOTS_MAX);
		assert_int_equal(at_ns[slot], expected);
	}
}

/* Times out of a small range come twice; 0 and the last one before NEVER are times as well. */
static uint64_t random_time(uint64_t *random)
{
	switch (fixture_below(random, 10)) {
	case 0:
		return fixture_number(random) % 2 == 0 ? 0 : ROSENPASS_NEVER - 1;
	case 1:
	case 2:
	case 3:
		return ROSENPASS_NEVER;
	case 4:
	case 5:
		return fixture_below(random, 20);
	default:
		return fixture_number(random) / 2;
	}
}

/* Takes out the first until there is none: what lies wrong deep in the heap comes up so. */
static void drain(struct timers *timers, uint64_t at_ns[static SLOTS_MAX])
{
	uint32_t slot;

	while (timers_first(timers, &slot) != ROSENPASS_NEVER) {
		timers_set(timers, slot, ROSENPASS_NEVER);
		at_ns[slot] = ROSENPASS_NEVER;
		check_first(timers, at_ns);
	}
}

static void test_against_a_list(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct fixture_memory allocator = { 0 };
		struct memory memory = fixture_memory_source(&allocator);
		struct timers timers = { 0 };
		uint64_t at_ns[SLOTS_MAX];
		size_t room = 0;

		for (size_t i = 0; i < SLOTS_MAX; i++)
			at_ns[i] = ROSENPASS_NEVER;
		check_first(&timers, at_ns);
		for (int step = 0; step < 300; step++) {
			uint32_t slot;

			if (step % 30 == 0 && room < SLOTS_MAX) {
				room += 1 + fixture_below(&random, SLOTS_MAX - room);
				assert_int_equal(timers_reserve(&timers, room, &memory), 0);
				check_first(&timers, at_ns);
			}
			slot = (uint32_t)fixture_below(&random, room);
			at_ns[slot] = random_time(&random);
			timers_set(&timers, slot, at_ns[slot]);
			check_first(&timers, at_ns);
		}
		drain(&timers, at_ns);
		timers_release(&timers, &memory);
		fixture_memory_check(&allocator);
	}
}

/* Taking out the first again and again gives all of them in order. */
static void test_drains_in_order(void **state)
{
	struct fixture_memory allocator = { 0 };
	struct memory memory = fixture_memory_source(&allocator);
	struct timers timers = { 0 };
	uint64_t random = 2;
	uint64_t last = 0;
	uint32_t slot;

	(void)state;
	assert_int_equal(timers_reserve(&timers, SLOTS_MAX, &memory), 0);
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		timers_set(&timers, i, fixture_below(&random, 100));
	for (int i = 0; i < SLOTS_MAX; i++) {
		uint64_t first = timers_first(&timers, &slot);

		assert_true(first >= last && first != ROSENPASS_NEVER);
		last = first;
		timers_set(&timers, slot, ROSENPASS_NEVER);
	}
	assert_int_equal(timers_first(&timers, &slot), ROSENPASS_NEVER);
	timers_release(&timers, &memory);
	fixture_memory_check(&allocator);
}

static void test_failing_allocation(void **state)
{
	struct fixture_memory allocator = { 0 };
	struct memory memory = fixture_memory_source(&allocator);
	struct timers timers = { 0 };
	struct timers before;
	unsigned calls;
	uint32_t slot;

	(void)state;
	assert_int_equal(timers_reserve(&timers, 4, &memory), 0);
	calls = allocator.calls;
	timers_set(&timers, 3, 50);
	timers_set(&timers, 1, 40);
	before = timers;
	for (unsigned i = 1; i <= calls; i++) {
		allocator.fails_at = allocator.calls + i;
		assert_int_equal(timers_reserve(&timers, 1000, &memory), -1);
		assert_memory_equal(&timers, &before, sizeof before);
		assert_int_equal(allocator.live, calls);
		assert_int_equal(timers_first(&timers, &slot), 40);
		assert_int_equal(slot, 1);
	}
	/* Room that is there already takes no allocation. */
	allocator.fails_at = allocator.calls + 1;
	assert_int_equal(timers_reserve(&timers, 4, &memory), 0);
	timers_release(&timers, &memory);
	fixture_memory_check(&allocator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_list),
		cmocka_unit_test(test_drains_in_order),
		cmocka_unit_test(test_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
