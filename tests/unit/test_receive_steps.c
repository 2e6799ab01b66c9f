/* Batches that are worked through in steps, and on threads of the caller. */

#include <stdlib.h>

#include "engine_steps.h"

#define HELLOS 12
#define MANY_PEERS 10

static uint64_t long_hashes(void)
{
	return __atomic_load_n(&keyed_hash_long_count, __ATOMIC_RELAXED);
}

/* Different InitHellos of one peer, in one dialect: each from a handshake of its own. */
static void make_hellos(struct world *world, enum host_name from, struct packet *hellos, size_t count)
{
	struct host *host = &world->hosts[from];

	for (size_t i = 0; i < count; i++) {
		if (host->peers[ALICE] != 0)
			assert_int_equal(rosenpass_peer_remove(host->engine, host->peers[ALICE]), 0);
		host_add(world, from, ALICE, true, ONLY(ROSENPASS_BLAKE2B_156));
		host_expire(world, from);
		hellos[i] = host_take(world, from);
		assert_int_equal(hellos[i].data[0], MESSAGE_INIT_HELLO);
	}
}

/* Alice knows Bob and Carol, who know where she is; her datagrams are Bob's InitHellos. */
static void setup(struct world *world, struct packet hellos[static HELLOS],
                  struct rosenpass_datagram datagrams[static HELLOS])
{
	const uint32_t dialects = ONLY(ROSENPASS_BLAKE2B_156);

	world_setup(world);
	host_add(world, ALICE, BOB, false, dialects);
	host_add(world, ALICE, CAROL, false, dialects);
	make_hellos(world, BOB, hellos, HELLOS);
	for (size_t i = 0; i < HELLOS; i++)
		datagrams[i] = (struct rosenpass_datagram){
			.size = sizeof datagrams[i],
			.data = hellos[i].data,
			.length = hellos[i].length,
			.from = host_address(BOB),
		};
}

static int begin(struct world *world, struct rosenpass_datagram *datagrams, size_t count)
{
	return rosenpass_receive_begin(world->hosts[ALICE].engine, datagrams, count, world->now);
}

static bool step(struct world *world)
{
	bool goes_on = rosenpass_receive_step(world->hosts[ALICE].engine, world->now);

	host_collect(world, ALICE);
	return goes_on;
}

static size_t at_most(size_t count, size_t limit)
{
	return count < limit ? count : limit;
}

/* A step passes once over a key for each lane, and no more: then others have their turn. */
static void test_one_pass_a_step(void **state)
{
	struct world world;
	struct packet hellos[HELLOS];
	struct rosenpass_datagram datagrams[HELLOS];
	size_t slice;

	(void)state;
	setup(&world, hellos, datagrams);
	slice = rosenpass_slice(world.hosts[ALICE].engine);
	assert_in_range(slice, 1, HANDSHAKE_BATCH_MAX);
	/* What is computed once for each peer. */
	assert_int_equal(host_receive(&world, ALICE, &hellos[0]), ROSENPASS_ANSWERED);
	host_drop(&world, ALICE);
	for (size_t done = 1; done < HELLOS;) {
		size_t count = at_most(slice, HELLOS - done);
		uint64_t before = long_hashes();

		assert_int_equal(begin(&world, datagrams + done, HELLOS - done), count);
		assert_int_equal(long_hashes() - before, 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(world.hosts[ALICE].outbox_used, 0);
			assert_int_equal(begin(&world, datagrams + done, HELLOS - done), 0);
			before = long_hashes();
			assert_int_equal(step(&world), i < 2);
			assert_int_equal(long_hashes() - before, count);
		}
		/* The answers leave with the last step of their slice. */
		assert_int_equal(world.hosts[ALICE].outbox_used, count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(datagrams[done + i].verdict, ROSENPASS_ANSWERED);
		host_drop(&world, ALICE);
		done += count;
	}
	assert_int_equal(received(&world, ALICE, ROSENPASS_ANSWERED), HELLOS);
	assert_false(step(&world));
	world_teardown(&world);
}

/* Another peer's handshake goes on between the steps. */
static void test_others_between_steps(void **state)
{
	struct world world;
	struct packet hellos[HELLOS];
	struct packet packet;
	struct rosenpass_datagram datagrams[HELLOS];

	(void)state;
	setup(&world, hellos, datagrams);
	make_hellos(&world, CAROL, &packet, 1);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_ANSWERED);
	packet = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, CAROL, &packet), ROSENPASS_ACCEPTED);
	assert_int_equal(begin(&world, datagrams, 1), 1);
	assert_true(step(&world));
	packet = host_take(&world, CAROL);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_EXCHANGED);
	host_drop(&world, ALICE);
	assert_true(step(&world));
	host_expire(&world, ALICE);
	assert_false(step(&world));
	assert_int_equal(datagrams[0].verdict, ROSENPASS_ANSWERED);
	packet = host_take(&world, ALICE);
	/* It answers the last InitHello of Bob's only. */
	assert_int_equal(packet.data[0], MESSAGE_RESP_HELLO);
	world_teardown(&world);
}

/* What answers in steps leads to a key. */
static void test_key_from_steps(void **state)
{
	struct world world;
	struct packet hellos[HELLOS];
	struct rosenpass_datagram datagrams[HELLOS];

	(void)state;
	setup(&world, hellos, datagrams);
	assert_int_equal(begin(&world, datagrams + HELLOS - 1, 1), 1);
	while (step(&world))
		continue;
	world_settle(&world);
	assert_same_key(&world, ALICE, BOB);
	world_teardown(&world);
}

/* Nothing of a peer that was removed goes on, whichever step is next. */
static void test_peer_removed_between_steps(void **state)
{
	(void)state;
	for (int steps = 0; steps < 3; steps++) {
		struct world world;
		struct packet hellos[HELLOS];
		struct rosenpass_datagram datagrams[HELLOS];
		size_t used;

		setup(&world, hellos, datagrams);
		make_hellos(&world, CAROL, &hellos[1], 1);
		datagrams[1].from = host_address(CAROL);
		datagrams[1].length = hellos[1].length;
		assert_in_range(begin(&world, datagrams, 2), 1, 2);
		for (int i = 0; i < steps; i++)
			assert_true(step(&world));
		assert_int_equal(
			rosenpass_peer_remove(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB]), 0);
		while (step(&world))
			continue;
		assert_int_equal(datagrams[0].verdict, ROSENPASS_DROPPED_PEER);
		used = rosenpass_slice(world.hosts[ALICE].engine) > 1 ? 1 : 0;
		assert_int_equal(world.hosts[ALICE].outbox_used, used);
		world_teardown(&world);
	}
}

/* The biscuit of a RespHello is sealed with the key of its InitHello, even if that key expires meanwhile. */
static void test_biscuit_key_expires_between_steps(void **state)
{
	struct world world;
	struct packet hellos[HELLOS];
	struct rosenpass_datagram datagrams[HELLOS];
	static const uint8_t zeros[AEAD_KEY_BYTES];
	uint8_t key[AEAD_KEY_BYTES];
	const struct rosenpass *engine;

	(void)state;
	setup(&world, hellos, datagrams);
	engine = world.hosts[ALICE].engine;
	assert_int_equal(begin(&world, datagrams, 1), 1);
	assert_true(step(&world));
	assert_true(step(&world));
	memcpy(key, engine->biscuit_keys.key[0], sizeof key);
	assert_memory_not_equal(key, zeros, sizeof key);
	world.now += 2 * UINT64_C(600) * 1000000000;
	host_expire(&world, ALICE);
	assert_memory_not_equal(engine->biscuit_keys.key[0], key, sizeof key);
	assert_memory_equal(engine->batch.ws[0]->biscuit_key, key, sizeof key);
	assert_false(step(&world));
	world_teardown(&world);
}

/* rosenpass_receive() with an InitHello finishes what was begun. */
static void test_receive_finishes(void **state)
{
	struct world world;
	struct packet hellos[HELLOS];
	struct rosenpass_datagram datagrams[HELLOS];

	(void)state;
	setup(&world, hellos, datagrams);
	assert_int_equal(begin(&world, datagrams, 1), 1);
	assert_true(step(&world));
	assert_int_equal(host_receive(&world, ALICE, &hellos[1]), ROSENPASS_ANSWERED);
	assert_int_equal(datagrams[0].verdict, ROSENPASS_ANSWERED);
	assert_int_equal(world.hosts[ALICE].outbox_used, 2);
	assert_false(step(&world));
	world_teardown(&world);
}

/* Whatever is no InitHello, or is not admitted, is done at once, and takes no place in the slice. */
static void test_others_in_begin(void **state)
{
	struct world world;
	struct packet hellos[HELLOS];
	struct rosenpass_datagram datagrams[HELLOS];

	(void)state;
	setup(&world, hellos, datagrams);
	hellos[0].data[hellos[0].length - 40] ^= 1;
	datagrams[2] = datagrams[1];
	assert_int_equal(begin(&world, datagrams, 2), 2);
	assert_int_equal(datagrams[0].verdict, ROSENPASS_DROPPED_MAC);
	while (step(&world))
		continue;
	assert_int_equal(datagrams[1].verdict, ROSENPASS_ANSWERED);
	assert_int_equal(begin(&world, &datagrams[2], 1), 1);
	assert_int_equal(datagrams[2].verdict, ROSENPASS_DROPPED_REPLAY);
	assert_false(step(&world));
	assert_int_equal(world.hosts[ALICE].outbox_used, 1);
	world_teardown(&world);
}

/* Many peers are due at a time: each call of rosenpass_expire() begins a slice. */
static void test_slices_of_initiations(void **state)
{
	struct world world;
	uint8_t *keys = malloc(MANY_PEERS * (size_t)ROSENPASS_PUBLIC_KEY_BYTES);
	struct rosenpass *engine;
	size_t slice;
	size_t sent = 0;

	(void)state;
	assert_non_null(keys);
	world_setup(&world);
	engine = world.hosts[ALICE].engine;
	for (size_t i = 0; i < MANY_PEERS; i++) {
		uint8_t *key = keys + i * ROSENPASS_PUBLIC_KEY_BYTES;
		struct rosenpass_peer_config config = { .size = sizeof config,
			                                .public_key = key,
			                                .endpoint = host_address(BOB),
			                                .dialects = ONLY(ROSENPASS_BLAKE2B_156) };
		rosenpass_peer handle;

		memset(key, (int)i + 1, ROSENPASS_PUBLIC_KEY_BYTES);
		assert_int_equal(rosenpass_peer_add(engine, &config, world.now, &handle), 0);
	}
	slice = rosenpass_slice(engine);
	while (sent < MANY_PEERS) {
		size_t count = at_most(slice, MANY_PEERS - sent);
		uint64_t before;

		assert_true(rosenpass_deadline(engine) <= world.now);
		before = long_hashes();
		host_expire(&world, ALICE);
		/* Two for each, and once for each peer its chaining key's start and mac key. */
		assert_int_equal(long_hashes() - before, 4 * count);
		assert_int_equal(world.hosts[ALICE].outbox_used, count);
		host_drop(&world, ALICE);
		sent += count;
	}
	assert_true(rosenpass_deadline(engine) > world.now);
	world_teardown(&world);
	free(keys);
}

struct fake_pool {
	size_t runs;
	size_t parts;
};

/* As threads that are done in any order. */
static void run_backwards(void *context, rosenpass_job_fn *job, void *argument, size_t parts)
{
	struct fake_pool *pool = context;

	pool->runs++;
	pool->parts += parts;
	for (size_t i = parts; i > 0; i--)
		job(argument, i - 1);
}

/* The same messages, and as many of them, with threads and without. */
static void test_workers_change_nothing(void **state)
{
	struct world worlds[2];
	struct fake_pool pool = { 0 };
	size_t slice;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct packet hellos[HELLOS];
		struct rosenpass_datagram datagrams[HELLOS];
		struct rosenpass *engine;

		setup(&worlds[i], hellos, datagrams);
		engine = worlds[i].hosts[ALICE].engine;
		slice = rosenpass_slice(engine);
		if (i == 1) {
			rosenpass_set_workers(engine, run_backwards, &pool, 1);
			assert_int_equal(rosenpass_slice(engine), at_most(2 * slice, HANDSHAKE_BATCH_MAX));
		}
		assert_int_equal(rosenpass_receive(engine, datagrams, HELLOS, worlds[i].now), HELLOS);
		host_collect(&worlds[i], ALICE);
		assert_int_equal(worlds[i].hosts[ALICE].outbox_used, HELLOS);
	}
	assert_memory_equal(worlds[0].hosts[ALICE].outbox, worlds[1].hosts[ALICE].outbox,
	                    HELLOS * sizeof worlds[0].hosts[ALICE].outbox[0]);
	assert_int_equal(pool.runs, 3);
	assert_int_equal(pool.parts, 3 * 2);
	for (int i = 0; i < 2; i++)
		world_teardown(&worlds[i]);
}

static void test_wrong_arguments(void **state)
{
	struct world world;
	struct rosenpass_datagram datagram = { .size = sizeof datagram, .data = NULL, .length = 1 };

	(void)state;
	world_setup(&world);
	assert_int_equal(rosenpass_receive_begin(NULL, NULL, 0, 0), ROSENPASS_E_ARGUMENT);
	assert_int_equal(begin(&world, NULL, 1), ROSENPASS_E_ARGUMENT);
	assert_int_equal(begin(&world, &datagram, 1), ROSENPASS_E_ARGUMENT);
	assert_int_equal(begin(&world, NULL, 0), 0);
	assert_false(rosenpass_receive_step(NULL, 0));
	assert_int_equal(rosenpass_slice(NULL), 0);
	rosenpass_set_workers(NULL, run_backwards, NULL, 1);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_pass_a_step),
		cmocka_unit_test(test_others_between_steps),
		cmocka_unit_test(test_key_from_steps),
		cmocka_unit_test(test_peer_removed_between_steps),
		cmocka_unit_test(test_biscuit_key_expires_between_steps),
		cmocka_unit_test(test_receive_finishes),
		cmocka_unit_test(test_others_in_begin),
		cmocka_unit_test(test_slices_of_initiations),
		cmocka_unit_test(test_workers_change_nothing),
		cmocka_unit_test(test_wrong_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
