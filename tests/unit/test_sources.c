#include "fixture.h"

#include "protocol/environment.h"
#include "protocol/sources.h"

#define SECOND FIXTURE_SECOND_NS
#define START_NS (1000 * SECOND)

static struct sources sources;
static struct memory memory;

static int start(void **state)
{
	static const struct rosenpass_environment none;
	uint64_t random = 1;

	(void)state;
	memset(&sources, 0, sizeof sources);
	memory = environment_memory(&none);
	fixture_fill(&random, sources.key, sizeof sources.key);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sources_release(&sources, &memory);
	return 0;
}

static struct rosenpass_address address(uint32_t network, uint8_t host)
{
	struct rosenpass_address result = { .length = 5, .group_length = 4 };

	memcpy(result.bytes, &network, sizeof network);
	result.bytes[4] = host;
	return result;
}

static void add(uint32_t network)
{
	struct rosenpass_address at = address(network, 1);

	sources_add(&sources, sources_hash(&sources, &at));
}

static void take_away(uint32_t network)
{
	struct rosenpass_address at = address(network, 1);

	sources_remove(&sources, sources_hash(&sources, &at));
}

static unsigned drain(uint32_t network, uint64_t now_ns)
{
	unsigned taken = 0;

	for (; taken < 100000; taken++) {
		struct rosenpass_address from = address(network, (uint8_t)taken);

		if (!sources_take(&sources, &from, now_ns))
			break;
	}
	return taken;
}

static void test_once_in_the_interval(void **state)
{
	(void)state;
	assert_int_equal(drain(1, START_NS), 0);
	assert_int_equal(sources_reserve(&sources, 4, &memory), 0);
	add(1);
	assert_int_equal(drain(1, START_NS), 1);
	assert_int_equal(drain(2, START_NS), 0);
	assert_int_equal(drain(1, START_NS + SOURCES_INTERVAL_NS - 1), 0);
	assert_int_equal(drain(1, START_NS + SOURCES_INTERVAL_NS), 1);
	/* Nothing is saved up. */
	assert_int_equal(drain(1, START_NS + 100 * SOURCES_INTERVAL_NS), 1);
}

/* Several behind one address have their shares together. */
static void test_many_in_one_network(void **state)
{
	(void)state;
	assert_int_equal(sources_reserve(&sources, 16, &memory), 0);
	for (int i = 0; i < 10; i++)
		add(7);
	assert_int_equal(drain(7, START_NS), 10);
	assert_int_equal(drain(7, START_NS + SOURCES_INTERVAL_NS / 2), 5);
	assert_int_equal(drain(7, START_NS + 2 * SOURCES_INTERVAL_NS), 10);
	for (int i = 0; i < 9; i++)
		take_away(7);
	assert_int_equal(drain(7, START_NS + 4 * SOURCES_INTERVAL_NS), 1);
	take_away(7);
	assert_int_equal(drain(7, START_NS + 6 * SOURCES_INTERVAL_NS), 0);
}

static void test_come_and_go(void **state)
{
	uint64_t random = 5;

	(void)state;
	for (uint32_t count = 16; count <= 1024; count *= 2) {
		assert_int_equal(sources_reserve(&sources, count, &memory), 0);
		for (uint32_t i = 0; i < count; i++)
			add(i);
		for (uint32_t i = 0; i < count; i += 2)
			take_away(i);
		for (uint32_t i = 0; i < count; i++)
			assert_int_equal(drain(i, START_NS + count * SOURCES_INTERVAL_NS), i % 2);
		for (uint32_t i = 1; i < count; i += 2)
			take_away(i);
		fixture_fill(&random, sources.key, sizeof sources.key);
	}
}

static void test_no_network(void **state)
{
	static const struct rosenpass_address nowhere;

	(void)state;
	assert_int_equal(sources_reserve(&sources, 4, &memory), 0);
	assert_int_equal(sources_hash(&sources, &nowhere), 0);
	sources_add(&sources, 0);
	assert_false(sources_take(&sources, &nowhere, START_NS));
	sources_remove(&sources, 0);
	/* None that is not there, either. */
	take_away(3);
	add(3);
	assert_int_equal(drain(3, START_NS), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_once_in_the_interval, start, stop),
		cmocka_unit_test_setup_teardown(test_many_in_one_network, start, stop),
		cmocka_unit_test_setup_teardown(test_come_and_go, start, stop),
		cmocka_unit_test_setup_teardown(test_no_network, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
