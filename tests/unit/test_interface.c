/*
 * What programs rely on that were compiled with another version of the header: sizes of structs, values with
 * room for new ones, and no crash for NULL. And what version 1 tells about peers and keys.
 */

#include "engine_steps.h"

#include <sodium.h>

#include "protocol/messages.h"
#include "protocol/public_key.h"
#include "protocol/sized.h"
#include "protocol/state.h"

/* A struct of the caller that is larger than ours. */
struct large_output {
	struct rosenpass_output known;
	uint64_t unknown;
};
struct large_peer_config {
	struct rosenpass_peer_config known;
	uint64_t unknown;
};
struct large_datagram {
	struct rosenpass_datagram known;
	uint64_t unknown;
};

static int fill(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	memset(out, 1, out_len);
	return 0;
}

static const struct rosenpass_environment environment = { .size = sizeof environment, .random = fill };

static void test_version(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(rosenpass_version(), ROSENPASS_VERSION);
	(void)snprintf(text, sizeof text, "%d.%d.%d", ROSENPASS_VERSION_MAJOR, ROSENPASS_VERSION_MINOR,
	               ROSENPASS_VERSION_PATCH);
	assert_string_equal(rosenpass_version_text(), text);
	assert_string_equal(text, PROJECT_VERSION);
	assert_true(ROSENPASS_VERSION_NUMBER(1, 0, 0) > ROSENPASS_VERSION_NUMBER(0, 999, 999));
}

/* These are compiled into programs. */
static void test_values_never_change(void **state)
{
	(void)state;
	assert_int_equal(ROSENPASS_CROSSED, 7);
	assert_int_equal(ROSENPASS_DROPPED, 64);
	assert_int_equal(ROSENPASS_DROPPED_SIZE, 64);
	assert_int_equal(ROSENPASS_DROPPED_FAILURE, 73);
	assert_int_equal(ROSENPASS_OUTPUT_CONFIRMED, 5);
	assert_int_equal(ROSENPASS_STATE_INIT_CONF, 2);
	assert_int_equal(ROSENPASS_RESPONDER, 1);
	assert_int_equal(ROSENPASS_SHAKE256_156, 2);
	assert_int_equal(ROSENPASS_E_NO_PEER, -5);
	assert_int_equal(sizeof(struct rosenpass_address), 48);
}

/* --- NULL --- */

static void test_null_keys(void **state)
{
	static uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES];
	uint8_t sk[ROSENPASS_SECRET_KEY_BYTES] = { 0 };
	uint8_t old[ROSENPASS_SECRET_KEY_OLD_BYTES];
	uint8_t id[ROSENPASS_PEER_ID_BYTES];
	struct rosenpass_environment bad = environment;

	(void)state;
	assert_int_equal(rosenpass_keygen(NULL, sk, &environment), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_keygen(pk, NULL, &environment), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_keygen(pk, sk, NULL), ROSENPASS_E_ARGUMENT);
	bad.random = NULL;
	assert_int_equal(rosenpass_keygen(pk, sk, &bad), ROSENPASS_E_ARGUMENT);
	bad = environment;
	bad.size--;
	assert_int_equal(rosenpass_keygen(pk, sk, &bad), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_secret_key_import(NULL, sk, sizeof sk), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_secret_key_import(sk, NULL, sizeof sk), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_secret_key_export_old(NULL, sk), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_secret_key_export_old(old, NULL), ROSENPASS_E_ARGUMENT);
	assert_false(rosenpass_keypair_matches(NULL, sk));
	assert_false(rosenpass_keypair_matches(pk, NULL));
	assert_int_equal(rosenpass_peer_id(NULL, pk, ROSENPASS_BLAKE2B_188), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_id(id, NULL, ROSENPASS_BLAKE2B_188), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_id(id, pk, (enum rosenpass_dialect)ROSENPASS_DIALECT_COUNT),
	                 ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_id(id, pk, (enum rosenpass_dialect) - 1), ROSENPASS_E_ARGUMENT);
}

static void test_null_engine(void **state)
{
	struct rosenpass_peer_config config = { .size = sizeof config, .public_key = host_public_key(BOB) };
	struct rosenpass_address address = { 0 };
	struct rosenpass_datagram datagram = { .size = sizeof datagram };
	struct rosenpass_output output = { .size = sizeof output };
	struct rosenpass_peer_info info = { .size = sizeof info };
	struct rosenpass_stats stats = { .size = sizeof stats };
	rosenpass_peer peer;

	(void)state;
	assert_int_equal(rosenpass_peer_add(NULL, &config, 0, &peer), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_change(NULL, 1, &config, 0), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_remove(NULL, 1), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_find(NULL, host_public_key(BOB), &peer), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_next(NULL, 0), 0);
	assert_int_equal(rosenpass_peer_set_endpoint(NULL, 1, &address, 0), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_initiate(NULL, 1, 0), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_receive(NULL, &datagram, 1, 0), ROSENPASS_E_ARGUMENT);
	assert_true(rosenpass_deadline(NULL) == ROSENPASS_NEVER);
	rosenpass_expire(NULL, 0);
	rosenpass_set_clock(NULL, NULL, NULL);
	rosenpass_set_under_load(NULL, true);
	assert_false(rosenpass_next(NULL, &output));
	assert_int_equal(rosenpass_peer_get(NULL, 1, &info), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_get_stats(NULL, &stats), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_count_received(NULL, ROSENPASS_ANSWERED), 0);
	rosenpass_destroy(NULL);
}

static void test_null_arguments(void **state)
{
	static const char *const label_list[] = { "a", NULL };
	struct world world;
	struct rosenpass *engine;
	struct rosenpass_peer_config config = { .size = sizeof config, .public_key = host_public_key(BOB) };
	struct rosenpass_datagram datagram = { .size = sizeof datagram, .length = 1 };
	rosenpass_peer peer;

	(void)state;
	world_setup(&world);
	engine = world.hosts[ALICE].engine;
	assert_int_equal(rosenpass_peer_add(engine, NULL, 0, &peer), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_add(engine, &config, 0, NULL), ROSENPASS_E_ARGUMENT);
	config.osk_organization = "example.org";
	config.osk_label_count = 2;
	assert_int_equal(rosenpass_peer_add(engine, &config, 0, &peer), ROSENPASS_E_ARGUMENT);
	config.osk_labels = label_list;
	assert_int_equal(rosenpass_peer_add(engine, &config, 0, &peer), ROSENPASS_E_ARGUMENT);
	config.osk_label_count = 1;
	assert_int_equal(rosenpass_peer_add(engine, &config, 0, &peer), 0);
	assert_int_equal(rosenpass_peer_change(engine, peer, NULL, 0), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_set_endpoint(engine, peer, NULL, 0), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_find(engine, NULL, &peer), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_peer_find(engine, host_public_key(BOB), NULL), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_receive(engine, NULL, 1, 0), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_receive(engine, NULL, 0, 0), 0);
	assert_int_equal(rosenpass_receive(engine, &datagram, 1, 0), ROSENPASS_E_ARGUMENT);
	assert_false(rosenpass_next(engine, NULL));
	assert_int_equal(rosenpass_peer_get(engine, peer, NULL), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_get_stats(engine, NULL), ROSENPASS_E_ARGUMENT);
	world_teardown(&world);
}

static void test_create(void **state)
{
	uint8_t sk[ROSENPASS_SECRET_KEY_BYTES] = { 0 };
	struct rosenpass_config config = { .size = sizeof config,
		                           .public_key = host_public_key(ALICE),
		                           .secret_key = sk,
		                           .environment = &environment };
	struct rosenpass_config bad;
	struct rosenpass *engine = NULL;

	(void)state;
	assert_int_equal(rosenpass_create(NULL, &config), ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_create(&engine, NULL), ROSENPASS_E_ARGUMENT);
	bad = config;
	bad.public_key = NULL;
	assert_int_equal(rosenpass_create(&engine, &bad), ROSENPASS_E_ARGUMENT);
	bad = config;
	bad.secret_key = NULL;
	assert_int_equal(rosenpass_create(&engine, &bad), ROSENPASS_E_ARGUMENT);
	bad = config;
	bad.environment = NULL;
	assert_int_equal(rosenpass_create(&engine, &bad), ROSENPASS_E_ARGUMENT);
	bad = config;
	bad.size = 0;
	assert_int_equal(rosenpass_create(&engine, &bad), ROSENPASS_E_ARGUMENT);
	assert_null(engine);
	assert_int_equal(rosenpass_create(&engine, &config), 0);
	rosenpass_destroy(engine);
}

/* --- sizes --- */

static void test_inputs_of_a_newer_caller(void **state)
{
	struct world world;
	struct large_peer_config config = { .known = { .size = sizeof config,
		                                       .public_key = host_public_key(BOB) } };
	rosenpass_peer peer;

	(void)state;
	world_setup(&world);
	/* Something is wished that this library cannot do. */
	config.unknown = 1;
	assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &config.known, 0, &peer),
	                 ROSENPASS_E_ARGUMENT);
	config.unknown = 0;
	config.known.size = SIZED_PEER_CONFIG - 1;
	assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &config.known, 0, &peer),
	                 ROSENPASS_E_ARGUMENT);
	config.known.size = sizeof config;
	assert_int_equal(rosenpass_peer_add(world.hosts[ALICE].engine, &config.known, 0, &peer), 0);
	world_teardown(&world);
}

/* Ours has a member more than the caller's. */
static void test_read_of_an_older_caller(void **state)
{
	struct {
		size_t size;
		uint32_t first;
		uint32_t added;
	} own = { 99, 99, 99 }, callers = { offsetof(__typeof__(own), added), 7, 8 };

	(void)state;
	assert_true(sized_read(&own, sizeof own, callers.size, &callers));
	assert_int_equal(own.first, 7);
	assert_int_equal(own.added, 0);
	/* Written back, what the caller does not know stays untouched. */
	own.first = 5;
	own.added = 6;
	sized_write(&callers, &own, sizeof own);
	assert_int_equal(callers.size, offsetof(__typeof__(own), added));
	assert_int_equal(callers.first, 5);
	assert_int_equal(callers.added, 8);
}

static void test_outputs_of_a_newer_caller(void **state)
{
	struct world world;
	struct large_output output = { .known = { .size = sizeof output }, .unknown = 1 };
	struct rosenpass_peer_info info = { .size = SIZED_PEER_INFO - 1 };
	struct rosenpass_stats stats = { .size = SIZED_STATS - 1 };

	(void)state;
	pair(&world, ROSENPASS_DIALECTS_ALL, ROSENPASS_DIALECTS_ALL);
	rosenpass_expire(world.hosts[ALICE].engine, world.now);
	output.known.size = SIZED_OUTPUT - 1;
	assert_false(rosenpass_next(world.hosts[ALICE].engine, &output.known));
	output.known.size = sizeof output;
	assert_true(rosenpass_next(world.hosts[ALICE].engine, &output.known));
	assert_int_equal(output.known.kind, ROSENPASS_OUTPUT_SEND);
	assert_int_equal(output.known.size, sizeof output);
	assert_int_equal(output.unknown, 0);
	assert_int_equal(rosenpass_peer_get(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB], &info),
	                 ROSENPASS_E_ARGUMENT);
	assert_int_equal(rosenpass_get_stats(world.hosts[ALICE].engine, &stats), ROSENPASS_E_ARGUMENT);
	world_teardown(&world);
}

static void test_datagrams_of_a_newer_caller(void **state)
{
	struct world world;
	struct packet hello;
	struct large_datagram datagrams[3] = { 0 };

	(void)state;
	pair(&world, ROSENPASS_DIALECTS_ALL, ROSENPASS_DIALECTS_ALL);
	host_expire(&world, ALICE);
	hello = host_take(&world, ALICE);
	for (size_t i = 0; i < 3; i++) {
		datagrams[i].known.size = sizeof datagrams[i];
		datagrams[i].known.data = hello.data;
		datagrams[i].known.length = i == 1 ? hello.length : 1;
		datagrams[i].known.verdict = ROSENPASS_DROPPED_FAILURE;
	}
	/* The group is the whole address, and stays what the caller said. */
	datagrams[1].known.from = (struct rosenpass_address){ .length = 2, .bytes = { 1, 2 } };
	datagrams[2].known.size = sizeof datagrams[0].known;
	assert_int_equal(rosenpass_receive(world.hosts[BOB].engine, &datagrams[0].known, 3, world.now),
	                 ROSENPASS_E_ARGUMENT);
	assert_int_equal(datagrams[1].known.verdict, ROSENPASS_DROPPED_FAILURE);
	datagrams[2].known.size = sizeof datagrams[0];
	assert_int_equal(rosenpass_receive(world.hosts[BOB].engine, &datagrams[0].known, 3, world.now), 3);
	assert_int_equal(datagrams[0].known.verdict, ROSENPASS_DROPPED_SIZE);
	assert_int_equal(datagrams[1].known.verdict, ROSENPASS_ANSWERED);
	assert_int_equal(datagrams[1].known.from.group_length, 0);
	assert_int_equal(datagrams[2].known.verdict, ROSENPASS_DROPPED_SIZE);
	world_teardown(&world);
}

/* group_length 0 would else put all senders into one group, which shares one limit. */
static void test_group_of_the_whole_address(void **state)
{
	enum {
		HELLOS = 60
	};
	struct world world;
	struct packet packet;
	struct packet with_cookie;
	unsigned answered = 0;

	(void)state;
	pair(&world, ONLY(ROSENPASS_BLAKE2B_188), ROSENPASS_DIALECTS_ALL);
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	for (unsigned i = 0; i < HELLOS; i++) {
		struct rosenpass_datagram datagram = { .size = sizeof datagram,
			                               .from = { .length = 2, .bytes = { (uint8_t)i, 9 } } };

		(void)rosenpass_peer_initiate(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB],
		                              world.now);
		host_expire(&world, ALICE);
		packet = host_take(&world, ALICE);
		datagram.data = packet.data;
		datagram.length = packet.length;
		assert_int_equal(rosenpass_receive(world.hosts[BOB].engine, &datagram, 1, world.now), 1);
		assert_int_equal(datagram.verdict, ROSENPASS_COOKIE_SENT);
		host_collect(&world, BOB);
		packet = host_take(&world, BOB);
		assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_COOKIE_TAKEN);
		with_cookie = host_take(&world, ALICE);
		datagram.data = with_cookie.data;
		datagram.length = with_cookie.length;
		assert_int_equal(rosenpass_receive(world.hosts[BOB].engine, &datagram, 1, world.now), 1);
		answered += datagram.verdict == ROSENPASS_ANSWERED;
		host_collect(&world, BOB);
		/* The next one is the same InitHello. */
		memset(&world.hosts[BOB].engine->replays, 0, sizeof world.hosts[BOB].engine->replays);
		host_drop(&world, BOB);
		host_drop(&world, ALICE);
	}
	assert_int_equal(answered, HELLOS);
	world_teardown(&world);
}

/* --- peers --- */

static void test_find_and_go_through(void **state)
{
	struct world world;
	struct host *alice = &world.hosts[ALICE];
	rosenpass_peer found;
	rosenpass_peer first;
	rosenpass_peer second;

	(void)state;
	world_setup(&world);
	assert_int_equal(rosenpass_peer_next(alice->engine, 0), 0);
	/* Under any hash that the peer may use. */
	host_add(&world, ALICE, BOB, false, ONLY(ROSENPASS_BLAKE2B_188));
	host_add(&world, ALICE, CAROL, false, ONLY(ROSENPASS_SHAKE256_156));
	assert_int_equal(rosenpass_peer_find(alice->engine, host_public_key(BOB), &found), 0);
	assert_true(found == alice->peers[BOB]);
	assert_int_equal(rosenpass_peer_find(alice->engine, host_public_key(CAROL), &found), 0);
	assert_true(found == alice->peers[CAROL]);
	assert_int_equal(rosenpass_peer_find(alice->engine, host_public_key(ALICE), &found),
	                 ROSENPASS_E_NO_PEER);
	assert_true(found == alice->peers[CAROL]);

	first = rosenpass_peer_next(alice->engine, 0);
	second = rosenpass_peer_next(alice->engine, first);
	assert_true(first != second);
	assert_true(first == alice->peers[BOB] || first == alice->peers[CAROL]);
	assert_true(second == alice->peers[BOB] || second == alice->peers[CAROL]);
	assert_int_equal(rosenpass_peer_next(alice->engine, second), 0);
	/* From a peer that is gone it goes on all the same. */
	assert_int_equal(rosenpass_peer_remove(alice->engine, first), 0);
	assert_true(rosenpass_peer_next(alice->engine, first) == second);
	assert_true(rosenpass_peer_next(alice->engine, 0) == second);
	assert_true(rosenpass_peer_next(alice->engine, UINT64_MAX) == 0);
	world_teardown(&world);
}

static void test_last_dropped(void **state)
{
	struct world world;
	struct public_key alice;
	struct packet answer;

	(void)state;
	pair_started(&world);
	world_settle(&world);
	assert_false(info_of(&world, ALICE, BOB).has_dropped);
	(void)rosenpass_peer_initiate(world.hosts[ALICE].engine, world.hosts[ALICE].peers[BOB], world.now);
	host_expire(&world, ALICE);
	answer = host_take(&world, ALICE);
	assert_int_equal(host_receive(&world, BOB, &answer), ROSENPASS_ANSWERED);
	answer = host_take(&world, BOB);
	answer.data[100] ^= 1;
	public_key_init(&alice, host_public_key(ALICE));
	messages_seal_mac(answer.data, answer.length, KEYED_HASH_BLAKE2B,
	                  public_key_fact(&alice, KEYED_HASH_BLAKE2B, PUBLIC_KEY_MAC_KEY));
	world.now += 5;
	assert_int_equal(host_receive(&world, ALICE, &answer), ROSENPASS_DROPPED_AUTH);
	assert_true(info_of(&world, ALICE, BOB).has_dropped);
	assert_int_equal(info_of(&world, ALICE, BOB).dropped, ROSENPASS_DROPPED_AUTH);
	assert_true(info_of(&world, ALICE, BOB).dropped_ns == world.now);
	world_teardown(&world);
}

/* --- confirmation --- */

static void test_confirmed_at_once(void **state)
{
	struct world world;

	(void)state;
	pair_started(&world);
	world_settle(&world);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	assert_true(world.hosts[ALICE].confirmed[BOB]);
	assert_true(world.hosts[BOB].confirmed[ALICE]);
	assert_true(info_of(&world, ALICE, BOB).confirmed);
	assert_true(info_of(&world, BOB, ALICE).confirmed);
	assert_int_equal(world.hosts[ALICE].confirmations[BOB], 0);
	assert_int_equal(world.hosts[BOB].confirmations[ALICE], 0);
	world.now += 181 * SECOND;
	host_expire(&world, BOB);
	assert_false(info_of(&world, BOB, ALICE).confirmed);
	world_teardown(&world);
}

static void test_confirmed_later(void **state)
{
	struct world world;
	struct packet empty = message_of_step(&world, 3);

	(void)state;
	assert_int_equal(world.hosts[ALICE].keys[BOB], 0);
	world.now += 2 * SECOND;
	host_expire(&world, ALICE);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	assert_false(world.hosts[ALICE].confirmed[BOB]);
	assert_false(info_of(&world, ALICE, BOB).confirmed);
	assert_int_equal(host_receive(&world, ALICE, &empty), ROSENPASS_CONFIRMED);
	assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
	assert_int_equal(world.hosts[ALICE].confirmations[BOB], 1);
	assert_true(info_of(&world, ALICE, BOB).confirmed);
	/* Once. */
	(void)host_receive(&world, ALICE, &empty);
	assert_int_equal(world.hosts[ALICE].confirmations[BOB], 1);
	world_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_values_never_change),
		cmocka_unit_test(test_null_keys),
		cmocka_unit_test(test_null_engine),
		cmocka_unit_test(test_null_arguments),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_inputs_of_a_newer_caller),
		cmocka_unit_test(test_read_of_an_older_caller),
		cmocka_unit_test(test_outputs_of_a_newer_caller),
		cmocka_unit_test(test_datagrams_of_a_newer_caller),
		cmocka_unit_test(test_group_of_the_whole_address),
		cmocka_unit_test(test_find_and_go_through),
		cmocka_unit_test(test_last_dropped),
		cmocka_unit_test(test_confirmed_at_once),
		cmocka_unit_test(test_confirmed_later),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
