/*
 * Everything in the library runs on a stack of 64 KiB, key generation included. A
 * thread with that stack and a guard page below it does it all: going beyond is a
 * crash. (The sanitizers make frames of their own; they are left out.)
 */

#include "engine_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES (64 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static int count_up(void *context, uint8_t *out, size_t out_len)
{
	uint8_t *counter = context;

	for (size_t i = 0; i < out_len; i++)
		out[i] = ++*counter;
	return 0;
}

/* Results, so that no assertion has to leave the small stack. */
struct outcome {
	bool keygen;
	bool exchanges[ROSENPASS_DIALECT_COUNT];
};

static void make_key(struct outcome *outcome, uint8_t *pk, uint8_t *sk)
{
	uint8_t counter = 0;
	struct rosenpass_environment environment = { .size = sizeof environment,
		                                     .random = count_up,
		                                     .random_context = &counter };

	outcome->keygen = rosenpass_keygen(pk, sk, &environment) == 0 && rosenpass_keypair_matches(pk, sk);
}

static void *work(void *argument)
{
	static struct world world;
	static uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES];
	static uint8_t sk[ROSENPASS_SECRET_KEY_BYTES];
	struct outcome *outcome = argument;

	make_key(outcome, pk, sk);
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		world_setup(&world);
		host_add(&world, ALICE, BOB, true, ROSENPASS_DIALECT_BIT(dialect));
		host_add(&world, BOB, ALICE, false, ROSENPASS_DIALECTS_ALL);
		rosenpass_set_under_load(world.hosts[BOB].engine, true);
		world_run(&world, world.now + 300 * SECOND);
		outcome->exchanges[dialect] = world.hosts[ALICE].keys[BOB] >= 2 &&
		                              memcmp(world.hosts[ALICE].key[BOB], world.hosts[BOB].key[ALICE],
		                                     ROSENPASS_KEY_BYTES) == 0;
		world_teardown(&world);
	}
	return NULL;
}

static void test_small_stack(void **state)
{
	struct outcome outcome = { 0 };
	pthread_attr_t attributes;
	pthread_t thread;

	(void)state;
	if (SANITIZED)
		skip();
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
	assert_int_equal(pthread_create(&thread, &attributes, work, &outcome), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(outcome.keygen);
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++)
		assert_true(outcome.exchanges[dialect]);
	assert_int_equal(pthread_attr_destroy(&attributes), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
