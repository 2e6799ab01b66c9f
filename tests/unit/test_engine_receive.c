/* Datagrams in the engine process: what is handled at once, and what waits for its turn. */

#include "engine/parts.h"

#include <stdlib.h>

#include "engine_steps.h"
#include "sockets_fixture.h"

#define HELLOS 6

struct scene {
	struct world world;
	struct engine_process *process; /* has Alice's engine */
	struct engine_peer peer;        /* Bob, slot 0 */
	struct engine_peer *peers[1];
	int bob;
};

static void setup(struct scene *scene)
{
	struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = host_public_key(BOB),
		.dialects = ONLY(ROSENPASS_BLAKE2B_156),
		.user = &scene->peer,
	};
	union address_socket any = v4("127.0.0.1", 0);

	memset(scene, 0, sizeof *scene);
	scene->process = calloc(1, sizeof *scene->process);
	assert_non_null(scene->process);
	world_setup(&scene->world);
	scene->process->engine = scene->world.hosts[ALICE].engine;
	scene->process->queue_last = &scene->process->queue_first;
	engine_hold_init(scene->process);
	scene->peers[0] = &scene->peer;
	scene->process->peers = scene->peers;
	scene->process->slots = 1;
	scene->bob = open_other(&any);
	assert_int_equal(sockets_listen(&scene->process->sockets, &any), 0);
	scene->peer.key = calloc(1, ROSENPASS_KEY_BYTES);
	assert_non_null(scene->peer.key);
	assert_int_equal(
		rosenpass_peer_add(scene->process->engine, &config, scene->world.now, &scene->peer.handle),
		0);
}

static void teardown(struct scene *scene)
{
	sockets_close(&scene->process->sockets);
	(void)close(scene->bob);
	free(scene->peer.key);
	free(scene->process);
	world_teardown(&scene->world);
}

static struct sockets_packet as_received(const struct scene *scene, const struct packet *packet)
{
	struct sockets_packet received = { .path.remote = v4("127.0.0.1", port_of(scene->bob)),
		                           .length = packet->length };

	memcpy(received.data, packet->data, packet->length);
	return received;
}

/* An InitHello of a handshake that Bob begins now. */
static struct packet begin_handshake(struct scene *scene)
{
	struct host *bob = &scene->world.hosts[BOB];

	if (bob->peers[ALICE] != 0)
		assert_int_equal(rosenpass_peer_remove(bob->engine, bob->peers[ALICE]), 0);
	host_add(&scene->world, BOB, ALICE, true, ONLY(ROSENPASS_BLAKE2B_156));
	host_expire(&scene->world, BOB);
	return host_take(&scene->world, BOB);
}

/* The next datagram that Alice sent to Bob. Returns false if there is none. */
static bool next_sent(const struct scene *scene, struct packet *packet)
{
	ssize_t got = recv(scene->bob, packet->data, sizeof packet->data, MSG_DONTWAIT);

	if (got <= 0)
		return false;
	packet->from = ALICE;
	packet->length = (size_t)got;
	return true;
}

static void work_off(struct scene *scene)
{
	while (engine_receive_waits(scene->process))
		engine_receive_work(scene->process);
}

/* InitHellos wait, and an InitConf that comes after them does not; each slice's answers leave with it. */
static void test_short_messages_go_first(void **state)
{
	struct scene scene;
	struct packet conf;
	struct packet packet;
	struct sockets_packet waiting[HELLOS + 1];
	size_t slice;
	size_t answers = 0;

	(void)state;
	setup(&scene);
	packet = begin_handshake(&scene);
	waiting[0] = as_received(&scene, &packet);
	engine_receive_packets(scene.process, waiting, 1);
	assert_false(next_sent(&scene, &packet));
	work_off(&scene);
	assert_true(next_sent(&scene, &packet));
	assert_int_equal(host_receive(&scene.world, BOB, &packet), ROSENPASS_ACCEPTED);
	conf = host_take(&scene.world, BOB);
	for (int i = 0; i < HELLOS; i++) {
		packet = begin_handshake(&scene);
		waiting[i] = as_received(&scene, &packet);
	}
	waiting[HELLOS] = as_received(&scene, &conf);
	engine_receive_packets(scene.process, waiting, HELLOS + 1);
	assert_int_equal(scene.process->hellos.count, HELLOS);
	assert_true(next_sent(&scene, &packet));
	assert_int_equal(packet.data[0], MESSAGE_EMPTY_DATA);
	assert_false(next_sent(&scene, &packet));
	slice = rosenpass_slice(scene.process->engine);
	for (size_t turns = 0; engine_receive_waits(scene.process); turns++) {
		size_t due = (turns + 1) / 3 * slice;

		engine_receive_work(scene.process);
		while (next_sent(&scene, &packet)) {
			assert_int_equal(packet.data[0], MESSAGE_RESP_HELLO);
			answers++;
		}
		assert_int_equal(answers, due < HELLOS ? due : HELLOS);
	}
	assert_int_equal(answers, HELLOS);
	/* The last one is the handshake that Bob waits for. */
	assert_int_equal(host_receive(&scene.world, BOB, &packet), ROSENPASS_ACCEPTED);
	teardown(&scene);
}

/* What is known about a caller is noted when the work is done. */
static void test_verdicts_are_noted(void **state)
{
	struct scene scene;
	struct packet packet;
	struct sockets_packet received;

	(void)state;
	setup(&scene);
	packet = begin_handshake(&scene);
	received = as_received(&scene, &packet);
	engine_receive_packets(scene.process, &received, 1);
	assert_int_equal(scene.peer.silence.call_ns, 0);
	work_off(&scene);
	assert_int_not_equal(scene.peer.silence.call_ns, 0);
	/* Wrong mac: it is done at once, since there is no work for it. */
	received.data[received.length - 40] ^= 1;
	engine_receive_packets(scene.process, &received, 1);
	engine_receive_work(scene.process);
	assert_false(engine_receive_waits(scene.process));
	assert_int_equal(scene.process->rejects[CHANNEL_REJECTED_OTHER_KEY].count, 1);
	teardown(&scene);
}

/* A RespHello that is for no handshake of ours. */
static struct sockets_packet forged_answer(const struct scene *scene)
{
	struct sockets_packet forged = { .path.remote = v4("127.0.0.1", port_of(scene->bob)),
		                         .length = messages_resp_hello_bytes(ROSENPASS_BLAKE2B_156) };

	forged.data[0] = MESSAGE_RESP_HELLO;
	return forged;
}

/* RespHellos, which our own handshakes wait for, have their turn before InitHellos, even begun ones. */
static void test_answers_before_hellos(void **state)
{
	struct scene scene;
	struct packet packet;
	struct sockets_packet received;
	uint64_t begun;

	(void)state;
	setup(&scene);
	packet = begin_handshake(&scene);
	received = as_received(&scene, &packet);
	engine_receive_packets(scene.process, &received, 1);
	engine_receive_work(scene.process);
	begun = scene.process->begun_count;
	assert_int_equal(begun, 1);
	received = forged_answer(&scene);
	engine_receive_packets(scene.process, &received, 1);
	assert_int_equal(scene.process->answers.count, 1);
	engine_receive_work(scene.process);
	assert_int_equal(scene.process->answers.count, 0);
	assert_int_equal(scene.process->begun_count, 1);
	work_off(&scene);
	assert_true(next_sent(&scene, &packet));
	teardown(&scene);
}

/* Fills the queue with RespHellos that are for no handshake. */
static void flood(struct scene *scene)
{
	struct sockets_packet forged = forged_answer(scene);

	while (scene->process->answers.count < ENGINE_BACKLOG)
		engine_receive_packets(scene->process, &forged, 1);
}

/* A flood of RespHellos that never ends leaves every other turn to InitHellos, and is dropped quickly. */
static void test_flood_of_answers(void **state)
{
	struct scene scene;
	struct packet packet;
	struct sockets_packet received;
	size_t slice;
	int turns = 0;

	(void)state;
	setup(&scene);
	slice = rosenpass_slice(scene.process->engine);
	packet = begin_handshake(&scene);
	received = as_received(&scene, &packet);
	engine_receive_packets(scene.process, &received, 1);
	while (!next_sent(&scene, &packet)) {
		flood(&scene);
		engine_receive_work(scene.process);
		if (turns++ % 2 == 0)
			assert_int_equal(scene.process->answers.count, ENGINE_BACKLOG - 8 * slice);
		assert_true(turns <= 6);
	}
	assert_int_equal(packet.data[0], MESSAGE_RESP_HELLO);
	teardown(&scene);
}

/* When nothing more fits, the sockets are left alone. The places are used again and again. */
static void test_room(void **state)
{
	struct scene scene;
	struct sockets_packet waiting[SOCKETS_BATCH] = { 0 };

	(void)state;
	setup(&scene);
	for (int i = 0; i < SOCKETS_BATCH; i++) {
		waiting[i] = forged_answer(&scene);
		if (i % 2 == 0) {
			waiting[i].data[0] = MESSAGE_INIT_HELLO;
			waiting[i].length = messages_init_hello_bytes(ROSENPASS_BLAKE2B_156);
		}
	}
	for (int round = 0; round < 5; round++) {
		size_t batches = 0;

		while (engine_receive_has_room(scene.process)) {
			engine_receive_packets(scene.process, waiting, SOCKETS_BATCH);
			batches++;
		}
		assert_in_range(batches, ENGINE_BACKLOG / SOCKETS_BATCH, 2 * ENGINE_BACKLOG / SOCKETS_BATCH);
		assert_true(scene.process->hellos.count <= ENGINE_BACKLOG);
		work_off(&scene);
		assert_true(engine_receive_has_room(scene.process));
	}
	/* Neither an empty datagram nor one of another length is anything that could wait. */
	waiting[0].length = 0;
	waiting[1].length--;
	engine_receive_packets(scene.process, waiting, 2);
	assert_false(engine_receive_waits(scene.process));
	teardown(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_messages_go_first),
		cmocka_unit_test(test_verdicts_are_noted),
		cmocka_unit_test(test_answers_before_hellos),
		cmocka_unit_test(test_flood_of_answers),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
