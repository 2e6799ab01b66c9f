#include "fixture.h"

#include "protocol/share.h"
#include "protocol/usage.h"

#define SECOND FIXTURE_SECOND_NS
#define MS (SECOND / 1000)
#define START_NS (1000 * SECOND)

static struct usage usage;

static int start(void **state)
{
	uint64_t random = 1;

	(void)state;
	memset(&usage, 0, sizeof usage);
	fixture_fill(&random, usage.key, sizeof usage.key);
	return 0;
}

static struct rosenpass_address ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct rosenpass_address){ .length = 6, .group_length = 4, .bytes = { a, b, c, d, 1, 2 } };
}

static uint64_t of(struct rosenpass_address address, uint64_t now_ns)
{
	return usage_of(&usage, &address, now_ns);
}

static void add(struct rosenpass_address address, unsigned times)
{
	while (times-- > 0)
		usage_add(&usage, &address, START_NS);
}

static void test_networks_of_an_address(void **state)
{
	static const struct {
		uint8_t length;
		uint8_t group;
		uint8_t bytes[USAGE_LEVELS];
	} cases[] = {
		{ 9, 5, { 5, 4, 3 } }, { 18, 8, { 8, 7, 6 } }, { 6, 2, { 2, 1, 1 } },
		{ 6, 1, { 1, 1, 1 } }, { 4, 0, { 4, 3, 2 } },  { 0, 0, { 0, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rosenpass_address address = { .length = cases[i].length,
			                             .group_length = cases[i].group };

		for (int level = 0; level < USAGE_LEVELS; level++)
			assert_int_equal(usage_network_bytes(&address, level), cases[i].bytes[level]);
	}
}

static void test_counts_at_three_levels(void **state)
{
	(void)state;
	add(ipv4(10, 1, 1, 1), 64);
	assert_int_equal(of(ipv4(10, 1, 1, 1), START_NS), 64 * USAGE_ONE);
	/* Neighbours share a part of it, others nothing. */
	assert_int_equal(of(ipv4(10, 1, 1, 2), START_NS), 16 * USAGE_ONE);
	assert_int_equal(of(ipv4(10, 1, 2, 1), START_NS), 4 * USAGE_ONE);
	assert_int_equal(of(ipv4(10, 2, 1, 1), START_NS), 0);
	/* Many neighbours with little each are heavy together. */
	for (int i = 0; i < 256; i++)
		add(ipv4(11, 1, 1, (uint8_t)i), 1);
	assert_int_equal(of(ipv4(11, 1, 1, 7), START_NS), 64 * USAGE_ONE);
}

static void test_halves_in_time(void **state)
{
	struct rosenpass_address address = ipv4(10, 1, 1, 1);

	(void)state;
	add(address, 16);
	assert_int_equal(of(address, START_NS + USAGE_HALF_NS), 8 * USAGE_ONE);
	assert_int_equal(of(address, START_NS + USAGE_HALF_NS / 2), 12 * USAGE_ONE);
	assert_int_equal(of(address, START_NS + 4 * USAGE_HALF_NS), USAGE_ONE);
	assert_int_equal(of(address, UINT64_MAX / 2), 0);
	/* Time that goes back changes nothing. */
	assert_int_equal(of(address, 0), 16 * USAGE_ONE);
	usage_add(&usage, &address, START_NS + USAGE_HALF_NS);
	assert_int_equal(of(address, START_NS + USAGE_HALF_NS), 9 * USAGE_ONE);
}

static void test_limit_falls_with_the_usage(void **state)
{
	uint64_t last = 1000001;

	(void)state;
	assert_in_range(usage_limit(1000000, 0), 999000, 1000000);
	assert_in_range(usage_limit(1000000, USAGE_MUCH), 745000, 750000);
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t limit = usage_limit(1000000, i * USAGE_ONE);

		assert_true(limit < last && limit > 500000);
		last = limit;
	}
	assert_int_equal(usage_limit(1000000, UINT64_MAX / 2), 500000);
	assert_int_equal(usage_limit(1000000, UINT64_MAX), 500000);
}

/* How much work somebody gets that always wants some, and how much somebody else beside him. */
static void test_share(void **state)
{
	struct share share = { 0 };
	unsigned heavy = 0;
	unsigned light = 0;
	unsigned refused = 0;
	uint64_t now_ns = START_NS;

	(void)state;
	assert_true(share_has_room(&share, 0, now_ns));
	for (; now_ns < START_NS + 100 * SECOND; now_ns += MS / 10) {
		while (share_has_room(&share, 1000 * USAGE_ONE, now_ns)) {
			share_charge(&share, MS / 100);
			heavy++;
		}
		if (now_ns % (10 * MS) != 0)
			continue;
		if (share_has_room(&share, 0, now_ns)) {
			share_charge(&share, MS / 100);
			light++;
		} else {
			refused++;
		}
	}
	/* 100 s of which a tenth is for work of 10 us. */
	assert_in_range(heavy + light, 990000, 1010000);
	assert_int_equal(light, 10000);
	assert_int_equal(refused, 0);
	/* A very costly piece of work is not a long stop. */
	share_charge(&share, 3600 * SECOND);
	assert_false(share_has_room(&share, 0, now_ns));
	/* A clock that goes back pays nothing. */
	assert_false(share_has_room(&share, 0, now_ns - SECOND));
	assert_true(share_has_room(&share, 0, now_ns + 2 * SECOND));
	/* Nor does a cost wrap, whatever the clock shows. */
	share_charge(&share, 3600 * SECOND);
	share_charge(&share, UINT64_MAX - 150 * MS);
	assert_false(share_has_room(&share, 0, now_ns + 3 * SECOND));
	assert_true(share_has_room(&share, 0, now_ns + 4 * SECOND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_networks_of_an_address, start),
		cmocka_unit_test_setup(test_counts_at_three_levels, start),
		cmocka_unit_test_setup(test_halves_in_time, start),
		cmocka_unit_test_setup(test_limit_falls_with_the_usage, start),
		cmocka_unit_test_setup(test_share, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
