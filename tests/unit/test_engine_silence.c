#include "engine/parts.h"
#include "engine_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

/* Alice's engine process, which has Bob as a peer with an address; Bob is an engine of the world. */
struct scene {
	struct world world;
	struct engine_process *process;
	struct engine_peer *peer;
	struct address_path path; /* of Bob */
	int send_error;
	struct packet last; /* that Alice has sent */
	unsigned keys;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	struct rosenpass_peer_config config;

	assert_non_null(scene);
	world_setup(&scene->world);
	scene->world.now = 1000 * SECOND;
	host_add(&scene->world, ALICE, BOB, false, ROSENPASS_DIALECTS_ALL);
	host_add(&scene->world, BOB, ALICE, false, ROSENPASS_DIALECTS_ALL);
	scene->process = calloc(1, sizeof *scene->process);
	scene->peer = calloc(1, sizeof *scene->peer);
	assert_true(scene->process != NULL && scene->peer != NULL);
	scene->process->engine = scene->world.hosts[ALICE].engine;
	scene->process->queue_last = &scene->process->queue_first;
	scene->peer->handle = scene->world.hosts[ALICE].peers[BOB];
	scene->peer->serial = 1;
	scene->path.remote.v4.sin_family = AF_INET;
	scene->path.remote.v4.sin_addr.s_addr = htonl(0xc0000201);
	scene->path.remote.v4.sin_port = htons(9999);
	scene->peer->addresses[0] = scene->path.remote;
	scene->peer->address_count = 1;
	config = (struct rosenpass_peer_config){ .size = sizeof(struct rosenpass_peer_config),
		                                 .public_key = host_public_key(BOB),
		                                 .discover = true,
		                                 .user = scene->peer };
	assert_int_equal(
		rosenpass_peer_change(scene->process->engine, scene->peer->handle, &config, scene->world.now),
		0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	engine_silence_forget(scene->process, scene->peer);
	assert_null(scene->process->silent_first);
	assert_null(scene->process->silent_last);
	world_teardown(&scene->world);
	free(scene->process);
	free(scene->peer);
	free(scene);
	return 0;
}

/* What transmit.c does with outputs, without sockets. */
static void take_outputs(struct scene *scene)
{
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(scene->process->engine, &output)) {
		if (output.kind == ROSENPASS_OUTPUT_KEY) {
			scene->keys++;
			engine_silence_key(scene->process, output.user, output.role);
		}
		if (output.kind != ROSENPASS_OUTPUT_SEND || output.user == NULL)
			continue;
		engine_silence_asked(scene->process, output.user, scene->world.now);
		engine_silence_sent(scene->process, output.user, &scene->path.remote, scene->send_error);
		scene->last = (struct packet){ .from = ALICE, .length = output.length };
		memcpy(scene->last.data, output.data, output.length);
	}
}

/* Lets time pass; Bob hears nothing. */
static void wait_for(struct scene *scene, uint64_t ns)
{
	uint64_t until_ns = scene->world.now + ns;

	while (scene->world.now < until_ns) {
		scene->world.now += SECOND / 4;
		rosenpass_expire(scene->process->engine, scene->world.now);
		take_outputs(scene);
		engine_silence_serve(scene->process, scene->world.now);
	}
}

/* What the monitor is told; -1: nothing. */
static int told(struct scene *scene)
{
	if ((scene->peer->tell & REPORT_SILENCE) == 0)
		return -1;
	report_queue_forget(scene->process, scene->peer);
	return (int)scene->peer->silence.told.reason;
}

/* Gives Alice's last message to Bob, and takes what Bob answers. */
static struct packet ask_bob(struct scene *scene)
{
	host_drop(&scene->world, BOB);
	(void)host_receive(&scene->world, BOB, &scene->last);
	return host_take(&scene->world, BOB);
}

static enum rosenpass_verdict answer(struct scene *scene, const struct packet *packet)
{
	struct rosenpass_datagram datagram = { .size = sizeof datagram,
		                               .data = packet->data,
		                               .length = packet->length };

	address_pack(&datagram.from, &scene->path);
	assert_int_equal(rosenpass_receive(scene->process->engine, &datagram, 1, scene->world.now), 1);
	take_outputs(scene);
	engine_silence_received(scene->process, &datagram, 1, scene->world.now);
	return datagram.verdict;
}

static void test_nothing_comes_back(void **state)
{
	struct scene *scene = *state;

	assert_true(engine_silence_deadline(scene->process) == ROSENPASS_NEVER);
	wait_for(scene, SECOND);
	assert_in_range(engine_silence_deadline(scene->process), 1010 * SECOND, 1011 * SECOND);
	wait_for(scene, 8 * SECOND);
	assert_int_equal(told(scene), -1);
	wait_for(scene, 2 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
	assert_int_equal(scene->peer->silence.told.count, 1);
	assert_true(address_equal(&scene->peer->silence.told.tried[0].address, &scene->path.remote));
	/* Once, however long it lasts. */
	wait_for(scene, 3600 * SECOND);
	assert_int_equal(told(scene), -1);
}

static void test_errors_and_changes(void **state)
{
	struct scene *scene = *state;

	scene->send_error = ENETUNREACH;
	wait_for(scene, 11 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_ERRORS);
	assert_int_equal(scene->peer->silence.told.tried[0].error, ENETUNREACH);
	/* Another reason is news, but not at once. */
	scene->send_error = 0;
	wait_for(scene, 30 * SECOND);
	assert_int_equal(told(scene), -1);
	wait_for(scene, 60 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
	assert_in_range(scene->peer->silence.told.since_ns, 1000 * SECOND, 1001 * SECOND);
	wait_for(scene, 600 * SECOND);
	assert_int_equal(told(scene), -1);
}

static void test_answers_in_time(void **state)
{
	struct scene *scene = *state;
	struct packet packet;

	wait_for(scene, 8 * SECOND);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_ACCEPTED);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_CONFIRMED);
	assert_int_equal(scene->keys, 1);
	wait_for(scene, 60 * SECOND);
	assert_int_equal(told(scene), -1);
}

static void test_answers_again(void **state)
{
	struct scene *scene = *state;
	struct packet packet;

	wait_for(scene, 100 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_ACCEPTED);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_CONFIRMED);
	assert_int_equal(told(scene), CHANNEL_SILENCE_OVER);
	/* The next outage is one of its own: after the renewal at 130 s. */
	wait_for(scene, 125 * SECOND);
	assert_int_equal(told(scene), -1);
	wait_for(scene, 20 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
}

/* RespHello comes, EmptyData does not: told once, though the key is reported and renewed. */
static void test_unconfirmed(void **state)
{
	struct scene *scene = *state;
	struct packet packet;

	wait_for(scene, SECOND);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_ACCEPTED);
	wait_for(scene, 9 * SECOND);
	assert_int_equal(scene->keys, 1);
	assert_int_equal(told(scene), -1);
	wait_for(scene, 10 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_UNCONFIRMED);
	/* The renewal: again RespHello and no EmptyData. */
	wait_for(scene, 111 * SECOND);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_ACCEPTED);
	wait_for(scene, 30 * SECOND);
	assert_int_equal(scene->keys, 2);
	assert_int_equal(told(scene), -1);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_CONFIRMED);
	assert_int_equal(told(scene), CHANNEL_SILENCE_OVER);
}

static void test_false_answers(void **state)
{
	struct scene *scene = *state;
	struct rosenpass_datagram false_answer = { .size = sizeof false_answer,
		                                   .verdict = ROSENPASS_DROPPED_AUTH,
		                                   .claimed_peer = scene->peer->handle };
	struct packet packet;

	wait_for(scene, SECOND);
	packet = ask_bob(scene);
	/*
	 * The peer's own message with another chaining key: as if forged by somebody who knows our public
	 * key.
	 */
	packet.data[200] ^= 1;
	assert_int_equal(answer(scene, &packet), ROSENPASS_DROPPED_MAC);
	wait_for(scene, 10 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
	/* What the engine says of an InitHello and of an answer with another key. */
	false_answer.has_claim = true;
	engine_silence_received(scene->process, &false_answer, 1, scene->world.now);
	wait_for(scene, 90 * SECOND);
	assert_int_equal(told(scene), -1);
	false_answer.has_claim = false;
	engine_silence_received(scene->process, &false_answer, 1, scene->world.now);
	wait_for(scene, 90 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_FALSE);
}

/* Silent in another way since the renewal: the outage began before. */
static void test_outage_goes_on(void **state)
{
	struct scene *scene = *state;
	struct packet packet;

	wait_for(scene, SECOND);
	packet = ask_bob(scene);
	assert_int_equal(answer(scene, &packet), ROSENPASS_ACCEPTED);
	wait_for(scene, 20 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_UNCONFIRMED);
	wait_for(scene, 180 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
	assert_in_range(scene->peer->silence.told.since_ns, 1000 * SECOND, 1010 * SECOND);
}

/* It leaves while it is waited for. */
static void test_removed_while_silent(void **state)
{
	struct scene *scene = *state;

	wait_for(scene, SECOND);
	assert_ptr_equal(scene->process->silent_first, scene->peer);
	engine_silence_forget(scene->process, scene->peer);
	assert_null(scene->process->silent_first);
}

/* Its calls arrive, ours are not answered. */
static void test_one_way(void **state)
{
	struct scene *scene = *state;
	struct rosenpass_datagram datagram = { .size = sizeof datagram,
		                               .verdict = ROSENPASS_ANSWERED,
		                               .peer = scene->peer->handle };

	wait_for(scene, SECOND);
	engine_silence_received(scene->process, &datagram, 1, scene->world.now);
	wait_for(scene, 10 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_ONE_WAY);
}

static void test_no_address(void **state)
{
	struct scene *scene = *state;

	scene->peer->address_count = 0;
	engine_silence_new_addresses(scene->peer);
	wait_for(scene, 11 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NO_ADDRESS);
	assert_int_equal(scene->peer->silence.told.count, 0);
}

/* A peer that is no longer asked is not silent any more, nor does it answer. */
static void test_not_asked_any_more(void **state)
{
	struct scene *scene = *state;
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = host_public_key(BOB),
		                                .user = scene->peer };

	wait_for(scene, 11 * SECOND);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
	engine_silence_check(scene->process, scene->peer);
	assert_int_equal(told(scene), -1);
	assert_int_equal(
		rosenpass_peer_change(scene->process->engine, scene->peer->handle, &config, scene->world.now),
		0);
	wait_for(scene, 200 * SECOND);
	engine_silence_check(scene->process, scene->peer);
	assert_int_equal(told(scene), CHANNEL_SILENCE_ENDED);
}

/* --- callers -------------------------------------------------------------------------------- */

/* Carol's InitHello, which names Carol, in an engine process that does not know her. */
static void test_unknown_caller(void **state)
{
	struct scene *scene = *state;
	struct rosenpass_datagram datagram;
	struct rejects_caller *caller;
	struct channel_event event;
	struct packet packet;
	uint8_t id[ROSENPASS_PEER_ID_BYTES];

	host_add(&scene->world, CAROL, ALICE, true, ROSENPASS_DIALECT_BIT(ROSENPASS_SHAKE256_156));
	host_expire(&scene->world, CAROL);
	packet = host_take(&scene->world, CAROL);
	datagram = (struct rosenpass_datagram){ .size = sizeof(struct rosenpass_datagram),
		                                .data = packet.data,
		                                .length = packet.length };
	address_pack(&datagram.from, &scene->path);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rosenpass_receive(scene->process->engine, &datagram, 1, scene->world.now),
		                 1);
		assert_int_equal(datagram.verdict, ROSENPASS_DROPPED_PEER);
		engine_rejected_note(scene->process, &datagram, 1, scene->world.now);
		scene->world.now += SECOND / 4;
	}
	caller = engine_rejected_next(scene->process, scene->world.now, &event);
	assert_non_null(caller);
	assert_int_equal(event.kind, CHANNEL_REJECTED);
	assert_int_equal(event.serial, 0);
	assert_int_equal(event.rejected.reason, CHANNEL_REJECTED_UNKNOWN);
	assert_int_equal(event.rejected.count, 3);
	assert_int_equal(event.rejected.dialect, ROSENPASS_SHAKE256_156);
	rosenpass_peer_id(id, host_public_key(CAROL), ROSENPASS_SHAKE256_156);
	assert_memory_equal(event.rejected.id, id, sizeof id);
	assert_true(channel_read_event(&event, (const uint8_t *)&event, sizeof event));
	engine_rejected_told(scene->process, caller, scene->world.now);
	assert_null(engine_rejected_next(scene->process, scene->world.now, &event));
	/* Garbage of the right length is a call for another key; what is no InitHello is nothing. */
	packet.data[60] ^= 1;
	assert_int_equal(rosenpass_receive(scene->process->engine, &datagram, 1, scene->world.now), 1);
	engine_rejected_note(scene->process, &datagram, 1, scene->world.now);
	assert_non_null(engine_rejected_next(scene->process, scene->world.now, &event));
	assert_int_equal(event.rejected.reason, CHANNEL_REJECTED_OTHER_KEY);
}

/* At the start peers call that the engine process is only about to be told of. */
static void test_peer_calls_before_it_is_added(void **state)
{
	struct scene *scene = *state;
	struct channel_rejected early = { .reason = CHANNEL_REJECTED_UNKNOWN, .count = 1 };
	struct engine_peer carol = { .public_key.bytes = host_public_key(CAROL) };
	struct rejects *unknown = &scene->process->rejects[CHANNEL_REJECTED_UNKNOWN];
	struct channel_event event;

	early.from = scene->path.remote;
	engine_rejected_added(scene->process, scene->peer, scene->world.now);
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		early.dialect = (uint32_t)i;
		rosenpass_peer_id(early.id, host_public_key(CAROL), (enum rosenpass_dialect)i);
		early.from.v4.sin_addr.s_addr++;
		rejects_note(unknown, &early, 0, 0, scene->world.now);
	}
	memset(early.id, 9, sizeof early.id);
	early.from.v4.sin_addr.s_addr++;
	rejects_note(unknown, &early, 0, 0, scene->world.now);
	assert_null(engine_rejected_next(scene->process, scene->world.now, &event));
	engine_rejected_added(scene->process, &carol, scene->world.now + SECOND);
	assert_int_equal(unknown->count, 1);
	assert_null(engine_rejected_next(scene->process, scene->world.now + 3 * SECOND, &event));
	assert_non_null(engine_rejected_next(scene->process, scene->world.now + 4 * SECOND, &event));
	assert_int_equal(event.rejected.id[0], 9);
}

/* Bob with another preshared key: the event names the peer. */
static void test_other_preshared_key(void **state)
{
	static const uint8_t psk[ROSENPASS_PSK_BYTES] = { 1 };
	struct scene *scene = *state;
	struct host *bob = &scene->world.hosts[BOB];
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = host_public_key(ALICE),
		                                .psk = psk,
		                                .endpoint = host_address(ALICE) };
	struct rosenpass_datagram datagram;
	struct channel_event event;
	struct packet packet;

	assert_int_equal(rosenpass_peer_change(bob->engine, bob->peers[ALICE], &config, scene->world.now), 0);
	host_expire(&scene->world, BOB);
	packet = host_take(&scene->world, BOB);
	datagram = (struct rosenpass_datagram){ .size = sizeof(struct rosenpass_datagram),
		                                .data = packet.data,
		                                .length = packet.length };
	address_pack(&datagram.from, &scene->path);
	assert_int_equal(rosenpass_receive(scene->process->engine, &datagram, 1, scene->world.now), 1);
	assert_int_equal(datagram.verdict, ROSENPASS_DROPPED_AUTH);
	assert_int_equal(datagram.peer, 0);
	assert_true(datagram.has_claim);
	assert_true(datagram.claimed_peer == scene->peer->handle);
	engine_rejected_note(scene->process, &datagram, 1, scene->world.now);
	assert_non_null(engine_rejected_next(scene->process, scene->world.now, &event));
	assert_int_equal(event.rejected.reason, CHANNEL_REJECTED_AUTH);
	assert_int_equal(event.serial, scene->peer->serial);
}

/* Bob demands a cookie with the first message, and with as many more as are given. */
static void demand_cookies(struct scene *scene, unsigned more)
{
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = host_public_key(BOB),
		                                .discover = true,
		                                .user = scene->peer,
		                                .dialects = ROSENPASS_DIALECT_BIT(ROSENPASS_SHAKE256_156) };
	struct packet cookie;

	assert_int_equal(
		rosenpass_peer_change(scene->process->engine, scene->peer->handle, &config, scene->world.now),
		0);
	rosenpass_set_under_load(scene->world.hosts[BOB].engine, true);
	wait_for(scene, SECOND / 4);
	/* It is the same message each time, so that the same cookie fits. */
	cookie = ask_bob(scene);
	for (unsigned i = 0; i <= more; i++) {
		assert_int_equal(answer(scene, &cookie), ROSENPASS_COOKIE_TAKEN);
		wait_for(scene, SECOND / 2);
	}
	wait_for(scene, 11 * SECOND - more * SECOND / 2);
}

static void test_under_load(void **state)
{
	struct scene *scene = *state;

	demand_cookies(scene, 20);
	assert_int_equal(told(scene), CHANNEL_SILENCE_BUSY);
}

/* A peer that rejects us had a busy moment. */
static void test_under_load_for_a_moment(void **state)
{
	struct scene *scene = *state;

	demand_cookies(scene, 1);
	assert_int_equal(told(scene), CHANNEL_SILENCE_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_under_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_under_load_for_a_moment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors_and_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unconfirmed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_false_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_outage_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed_while_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_asked_any_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_caller, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_peer_calls_before_it_is_added, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_preshared_key, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
