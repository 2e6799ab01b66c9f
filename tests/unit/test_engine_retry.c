#include "engine_steps.h"

/* When InitHello is sent again while the peer does not answer: soon, as the peer may start at any moment. */

#define FIRST_MINUTE (60 * SECOND)
#define STEADY_NS (3 * SECOND / 4)

/* Alice, whose random numbers depend on the seed, calls Bob, who hears nothing until then. */
static void call_in_vain(struct world *world, uint32_t dialects, unsigned seed, uint64_t for_ns)
{
	world_setup(world);
	world->hosts[ALICE].random_state += (uint64_t)seed << 20;
	host_add(world, ALICE, BOB, true, ALL);
	host_add(world, BOB, ALICE, false, dialects);
	world_run_deaf(world, ALICE, world->now + for_ns);
}

static void test_the_called_side_starts_later(void **state)
{
	static const uint64_t later_ms[] = { 300, 1000, 2000, 5000, 10000, 25000, 45000, 59000 };

	(void)state;
	for (size_t i = 0; i < sizeof later_ms / sizeof later_ms[0]; i++) {
		for (unsigned seed = 0; seed < 10; seed++) {
			struct world world;

			call_in_vain(&world, ALL, seed, later_ms[i] * (SECOND / 1000));
			world_run(&world, world.now + STEADY_NS);
			assert_same_key(&world, ALICE, BOB);
			world_teardown(&world);
		}
	}
}

/* A peer that has never answered is asked in each dialect in turn. */
static void test_it_speaks_one_dialect(void **state)
{
	(void)state;
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		for (unsigned seconds = 1; seconds < 60; seconds += 8) {
			struct world world;

			call_in_vain(&world, ONLY(dialect), seconds, seconds * SECOND);
			world_run(&world, world.now + ROSENPASS_DIALECT_COUNT * STEADY_NS);
			assert_same_key(&world, ALICE, BOB);
			world_teardown(&world);
		}
	}
}

/* It was there before, and comes back with other software. */
static void test_it_comes_back_with_another_dialect(void **state)
{
	struct world world;

	(void)state;
	pair(&world, ALL, ONLY(ROSENPASS_BLAKE2B_188));
	world_run(&world, world.now + 10 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	rosenpass_destroy(world.hosts[BOB].engine);
	assert_int_equal(host_create(&world.hosts[BOB]), 0);
	host_add(&world, BOB, ALICE, false, ONLY(ROSENPASS_SHAKE256_156));
	world.hosts[ALICE].keys[BOB] = world.hosts[BOB].keys[ALICE] = 0;
	assert_int_equal(
		rosenpass_peer_initiate(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB], world.now),
		0);
	world_run(&world, world.now + 10 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	assert_int_equal(world.hosts[ALICE].dialect[BOB], ROSENPASS_SHAKE256_156);
	world_teardown(&world);
}

/* Serves Alice's next deadline, which is later than now. Returns how much later, in seconds. */
static double wait(struct world *world)
{
	uint64_t last = world->now;

	host_drop(world, ALICE);
	world->now = rosenpass_deadline(world->hosts[ALICE].engine);
	assert_true(world->now > last);
	host_expire(world, ALICE);
	return (double)(world->now - last) / (double)SECOND;
}

static void test_times(void **state)
{
	struct world world;
	uint64_t start;
	double passed;
	unsigned waits = 0;
	unsigned short_waits = 0;

	(void)state;
	pair(&world, ONLY(ROSENPASS_BLAKE2B_188), ALL);
	host_expire(&world, ALICE);
	assert_false(world.hosts[ALICE].outbox[0].repeated);
	start = world.now;
	passed = wait(&world);
	assert_true(passed >= 0.25 && passed <= 0.5);
	while (world.now - start < 180 * SECOND) {
		double age = (double)(world.now - start) / (double)SECOND;
		double most = age < 60 ? 0.75 : 0.75 + (age - 60) / 8;

		assert_int_equal(world.hosts[ALICE].outbox_used, 1);
		assert_true(world.hosts[ALICE].outbox[0].repeated);
		most = most < 10 ? most : 10;
		passed = wait(&world);
		/* Timers count nanoseconds. */
		assert_true(passed >= most / 2 - 1e-6 && passed <= most + 1e-6);
		waits++;
		short_waits += passed < most * 3 / 4;
	}
	/* At random times. */
	assert_in_range(short_waits, waits / 4, waits * 3 / 4);
	for (int i = 0; i < 10; i++) {
		passed = wait(&world);
		assert_true(passed >= 40.5 && passed <= 49.5);
	}
	world_teardown(&world);
}

/* InitConf goes to a peer that has just answered: the waits double, as for any lost datagram. */
static void test_times_of_init_conf(void **state)
{
	struct world world;
	struct packet packet;
	double delay = 0.5;

	(void)state;
	pair_started(&world);
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ACCEPTED);
	for (int n = 0; n < 9; n++) {
		double passed = 0;

		/* The key is reported meanwhile, which sends nothing. */
		do
			passed += wait(&world);
		while (world.hosts[ALICE].outbox_used == 0);
		assert_int_equal(world.hosts[ALICE].outbox[0].data[0], MESSAGE_INIT_CONF);
		assert_true(passed >= 0.5 * delay && passed <= delay);
		delay = delay * 2 < 10 ? delay * 2 : 10;
	}
	world_teardown(&world);
}

/* After a suspend, or whenever the peer may be there again, a new minute begins. */
static void test_a_new_minute(void **state)
{
	struct world world;
	unsigned sent = 0;
	uint64_t end;

	(void)state;
	pair(&world, ALL, ALL);
	world_run_deaf(&world, ALICE, world.now + 3600 * SECOND);
	world.now += 3600 * SECOND;
	host_expire(&world, ALICE);
	for (end = world.now + FIRST_MINUTE; world.now < end; sent++)
		(void)wait(&world);
	assert_in_range(sent, 60 * 4 / 3, 60 * 8 / 3 + 1);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_called_side_starts_later),
		cmocka_unit_test(test_it_speaks_one_dialect),
		cmocka_unit_test(test_it_comes_back_with_another_dialect),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_of_init_conf),
		cmocka_unit_test(test_a_new_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
