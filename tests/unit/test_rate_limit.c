#include "fixture.h"

#include "protocol/rate_limit.h"

#define START_NS (1000 * FIXTURE_SECOND_NS)
#define BURST 20
#define INTERVAL_NS (FIXTURE_SECOND_NS / 10)

static struct rate_limit limit;

static int start_empty(void **state)
{
	uint64_t random = 1;

	(void)state;
	memset(&limit, 0, sizeof limit);
	fixture_fill(&random, limit.key, sizeof limit.key);
	return 0;
}

static bool take(uint32_t source, uint64_t now_ns)
{
	/* Networks of all levels are different ones, but for one in many. */
	uint32_t spread = source * UINT32_C(0x9e3779b1);
	struct rosenpass_address address = { .length = 8, .group_length = 6 };

	memcpy(address.bytes, &source, sizeof source);
	memcpy(address.bytes + 2, &spread, sizeof spread);
	return rate_limit_take(&limit, &address, now_ns);
}

/* Takes until there is none left; how many there were. */
static unsigned drain(uint32_t source, uint64_t now_ns)
{
	unsigned taken = 0;

	while (taken < 1000 && take(source, now_ns))
		taken++;
	return taken;
}

static size_t used_buckets(void)
{
	size_t used = 0;

	for (size_t i = 0; i < RATE_LIMIT_BUCKETS; i++)
		used += limit.full_ns[0][i] != 0;
	return used;
}

static void test_burst_then_one_in_each_interval(void **state)
{
	(void)state;
	assert_int_equal(drain(1, START_NS), BURST);
	for (uint64_t i = 1; i <= 50; i++) {
		assert_false(take(1, START_NS + i * INTERVAL_NS - 1));
		assert_true(take(1, START_NS + i * INTERVAL_NS));
		assert_false(take(1, START_NS + i * INTERVAL_NS));
	}
}

static void test_refill(void **state)
{
	uint64_t now = START_NS;

	(void)state;
	assert_int_equal(drain(1, now), BURST);
	now += 7 * INTERVAL_NS + INTERVAL_NS / 2;
	assert_int_equal(drain(1, now), 7);
	/* Full after two seconds, and never more than full. */
	now += 2 * FIXTURE_SECOND_NS;
	assert_int_equal(drain(1, now), BURST);
	now += 3600 * FIXTURE_SECOND_NS;
	assert_int_equal(drain(1, now), BURST);
}

static void test_time_far_in_the_future(void **state)
{
	(void)state;
	assert_int_equal(drain(1, 0), BURST);
	assert_int_equal(drain(1, UINT64_MAX / 2), BURST);
	assert_false(take(1, UINT64_MAX / 2 + INTERVAL_NS - 1));
	assert_true(take(1, UINT64_MAX / 2 + INTERVAL_NS));
}

static void test_groups_are_independent(void **state)
{
	uint32_t other = 2;
	size_t buckets;

	(void)state;
	assert_int_equal(drain(1, START_NS), BURST);
	buckets = used_buckets();
	assert_int_equal(buckets, 1);
	/* Another source that does not happen to share the bucket. */
	while (take(other, START_NS), used_buckets() == buckets)
		other++;
	assert_int_equal(drain(other, START_NS), BURST - 1);
	assert_false(take(1, START_NS));
}

/* Who shares whose bucket depends on the key, and sources spread over all buckets. */
static void test_sources_are_spread_by_the_key(void **state)
{
	uint64_t first[RATE_LIMIT_LEVELS][RATE_LIMIT_BUCKETS];

	(void)state;
	for (uint32_t source = 0; source < 8 * RATE_LIMIT_BUCKETS; source++)
		(void)take(source, START_NS);
	/* 1024 * e^-8 buckets are missed on average. */
	assert_true(used_buckets() > RATE_LIMIT_BUCKETS - 10);
	memcpy(first, limit.full_ns, sizeof first);
	memset(limit.full_ns, 0, sizeof limit.full_ns);
	limit.key[0] ^= 1;
	for (uint32_t source = 0; source < 8 * RATE_LIMIT_BUCKETS; source++)
		(void)take(source, START_NS);
	assert_memory_not_equal(first, limit.full_ns, sizeof first);
}

/* Many networks with a few cookies each, all within one network: limits for those together. */
static void test_networks_of_networks(void **state)
{
	unsigned taken[3] = { 0 };

	(void)state;
	for (int i = 0; i < 2000; i++) {
		/* 64 /64s of one /58, then /64s of one /48 at random. */
		struct rosenpass_address one = { .length = 18, .group_length = 8 };
		struct rosenpass_address other = { .length = 18, .group_length = 8, .bytes = { 0x20, 1, 1 } };

		one.bytes[7] = (uint8_t)(i % 64);
		other.bytes[6] = (uint8_t)(i * 7);
		other.bytes[7] = (uint8_t)i;
		taken[0] += rate_limit_take(&limit, &one, START_NS);
		taken[1] += rate_limit_take(&limit, &other, START_NS);
	}
	for (int i = 0; i < 2000; i++) {
		struct rosenpass_address one = { .length = 18,
			                         .group_length = 8,
			                         .bytes[7] = (uint8_t)(i % 64) };

		taken[2] += rate_limit_take(&limit, &one, START_NS + FIXTURE_SECOND_NS);
	}
	assert_int_equal(taken[0], 4 * BURST);
	assert_int_equal(taken[1], 16 * BURST);
	assert_int_equal(taken[2], 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_burst_then_one_in_each_interval, start_empty),
		cmocka_unit_test_setup(test_refill, start_empty),
		cmocka_unit_test_setup(test_time_far_in_the_future, start_empty),
		cmocka_unit_test_setup(test_groups_are_independent, start_empty),
		cmocka_unit_test_setup(test_sources_are_spread_by_the_key, start_empty),
		cmocka_unit_test_setup(test_networks_of_networks, start_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
