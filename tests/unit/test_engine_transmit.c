/* From the outputs of Alice's engine to datagrams over the loopback interface. */

#include "engine/parts.h"

#include <stdlib.h>

#include "engine_steps.h"
#include "sockets_fixture.h"
#include "system/clock.h"

struct scene {
	struct world world;
	struct engine_process *process;
	struct engine_peer peer; /* slot 0, serial 0 */
	int bob;                 /* where the peer's endpoint leads */
	int carol;               /* some other place */
};

static void setup(struct scene *scene)
{
	struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = host_public_key(BOB),
		.discover = true,
		.user = &scene->peer,
	};
	union address_socket any = v4("127.0.0.1", 0);

	memset(scene, 0, sizeof *scene);
	scene->process = calloc(1, sizeof *scene->process);
	assert_non_null(scene->process);
	world_setup(&scene->world);
	host_add(&scene->world, BOB, ALICE, false, ALL);
	scene->process->engine = scene->world.hosts[ALICE].engine;
	scene->process->queue_last = &scene->process->queue_first;
	scene->bob = open_other(&any);
	scene->carol = open_other(&any);
	assert_int_equal(sockets_listen(&scene->process->sockets, &any), 0);
	scene->peer.addresses[0] = v4("127.0.0.1", port_of(scene->bob));
	scene->peer.address_count = 1;
	scene->peer.discovers = true;
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
	(void)close(scene->carol);
	free(scene->peer.key);
	free(scene->process);
	world_teardown(&scene->world);
}

/* How many datagrams wait at a socket; the last of them. */
static unsigned take_all(int fd, struct packet *packet)
{
	unsigned count = 0;
	ssize_t got;

	while ((got = recv(fd, packet->data, sizeof packet->data, MSG_DONTWAIT)) > 0) {
		packet->length = (size_t)got;
		packet->from = ALICE;
		count++;
	}
	return count;
}

static void expire(struct scene *scene)
{
	rosenpass_expire(scene->process->engine, scene->world.now);
	engine_outputs_take(scene->process, scene->world.now);
}

/* Alice gets Bob's packet from the place of that socket. */
static void receive_from(struct scene *scene, const struct packet *packet, int fd)
{
	struct address_path path = { .remote = v4("127.0.0.1", port_of(fd)) };
	struct rosenpass_datagram datagram = { .size = sizeof datagram,
		                               .data = packet->data,
		                               .length = packet->length };

	address_pack(&datagram.from, &path);
	assert_int_equal(rosenpass_receive(scene->process->engine, &datagram, 1, scene->world.now), 1);
	assert_true(datagram.verdict < ROSENPASS_DROPPED);
	engine_outputs_take(scene->process, scene->world.now);
}

/* If "everywhere" and an address that the engine knows are the same place, a message arrives once. */
static void test_once_to_each_place(void **state)
{
	struct scene scene;
	struct packet packet;

	(void)state;
	setup(&scene);
	expire(&scene);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	assert_int_equal(host_receive(&scene.world, BOB, &packet), ROSENPASS_ANSWERED);
	packet = host_take(&scene.world, BOB);
	receive_from(&scene, &packet, scene.bob);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	assert_int_equal(packet.data[0], MESSAGE_INIT_CONF);
	assert_int_equal(take_all(scene.carol, &packet), 0);
	teardown(&scene);
}

/* All places are asked while the peer may be about to start, and one at a time when it is away. */
static void test_all_places_for_three_minutes(void **state)
{
	struct scene scene;
	struct packet packet;
	unsigned asked_bob = 0;
	unsigned asked_carol = 0;
	uint64_t start;

	(void)state;
	setup(&scene);
	scene.peer.addresses[1] = v4("127.0.0.1", port_of(scene.carol));
	scene.peer.address_count = 2;
	start = scene.world.now;
	while (scene.world.now < start + 180 * SECOND) {
		expire(&scene);
		assert_int_equal(take_all(scene.bob, &packet), 1);
		assert_int_equal(take_all(scene.carol, &packet), 1);
		scene.world.now = rosenpass_deadline(scene.process->engine);
	}
	for (int i = 0; i < 40; i++) {
		unsigned bob;
		unsigned carol;

		expire(&scene);
		bob = take_all(scene.bob, &packet);
		carol = take_all(scene.carol, &packet);
		assert_int_equal(bob + carol, 1);
		asked_bob += bob;
		asked_carol += carol;
		scene.world.now = rosenpass_deadline(scene.process->engine);
	}
	assert_true(asked_bob > 0 && asked_carol > 0);
	teardown(&scene);
}

/* RespHello was forwarded: InitConf goes there and to the configured address, and nothing moves. */
static void test_forwarded_resp_hello(void **state)
{
	struct scene scene;
	struct packet packet;
	struct packet other;

	(void)state;
	setup(&scene);
	expire(&scene);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	assert_int_equal(host_receive(&scene.world, BOB, &packet), ROSENPASS_ANSWERED);
	packet = host_take(&scene.world, BOB);
	receive_from(&scene, &packet, scene.carol);
	assert_false(scene.peer.has_last);
	assert_int_equal(scene.peer.tell, 0);
	assert_int_equal(take_all(scene.carol, &other), 1);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	assert_memory_equal(packet.data, other.data, packet.length);
	assert_int_equal(host_receive(&scene.world, BOB, &packet), ROSENPASS_EXCHANGED);
	packet = host_take(&scene.world, BOB);
	receive_from(&scene, &packet, scene.bob);
	assert_true(scene.peer.has_last);
	assert_true(address_equal(&scene.peer.last.remote, &scene.peer.addresses[0]));
	assert_int_equal(scene.peer.tell, REPORT_KEY | REPORT_MOVED);
	teardown(&scene);
}

/* What was not answered is counted, until the key comes from where the peer is known to be: nothing moves. */
static void test_answers(void **state)
{
	struct scene scene;
	struct packet packet;
	struct packet first;

	(void)state;
	setup(&scene);
	scene.peer.addresses[1] = v4("127.0.0.1", port_of(scene.carol));
	scene.peer.address_count = 2;
	expire(&scene);
	assert_int_equal(take_all(scene.bob, &first) + take_all(scene.carol, &packet), 2);
	assert_int_equal(scene.peer.unanswered, 1);
	for (int i = 0; i < 2; i++) {
		assert_true(host_receive(&scene.world, BOB, &first) < ROSENPASS_DROPPED);
		packet = host_take(&scene.world, BOB);
		if (i == 1) {
			struct address_path path = { .remote = v4("127.0.0.1", port_of(scene.bob)) };
			struct rosenpass_address packed;

			address_pack(&packed, &path);
			assert_int_equal(rosenpass_peer_set_endpoint(scene.process->engine, scene.peer.handle,
			                                             &packed, scene.world.now),
			                 0);
			scene.peer.unanswered = 25;
		}
		receive_from(&scene, &packet, scene.bob);
		if (i == 0)
			assert_int_equal(take_all(scene.bob, &first), 1);
	}
	assert_int_equal(scene.peer.tell & REPORT_MOVED, 0);
	assert_int_equal(scene.peer.tell & REPORT_KEY, REPORT_KEY);
	assert_int_equal(scene.peer.unanswered, 0);
	teardown(&scene);
}

/* --- EmptyData that waits --------------------------------------------------------------------- */

/* Bob begins an exchange with Alice, up to his InitConf. */
static struct packet begin_by_bob(struct scene *scene)
{
	struct packet packet;

	assert_int_equal(
		rosenpass_peer_remove(scene->world.hosts[BOB].engine, scene->world.hosts[BOB].peers[ALICE]),
		0);
	host_add(&scene->world, BOB, ALICE, true, ONLY(ROSENPASS_BLAKE2B_188));
	host_expire(&scene->world, BOB);
	packet = host_take(&scene->world, BOB);
	receive_from(scene, &packet, scene->bob);
	assert_int_equal(take_all(scene->bob, &packet), 1);
	assert_int_equal(packet.data[0], MESSAGE_RESP_HELLO);
	assert_int_equal(host_receive(&scene->world, BOB, &packet), ROSENPASS_ACCEPTED);
	return host_take(&scene->world, BOB);
}

static struct channel_request request_for_peer(uint32_t kind)
{
	return (struct channel_request){ .kind = kind };
}

/* Makes the peer one that requests find. */
static void list_peer(struct scene *scene)
{
	static struct engine_peer *peers[1];

	peers[0] = &scene->peer;
	scene->process->peers = peers;
	scene->process->slots = 1;
	engine_hold_init(scene->process);
}

/* It waits for the delivery of the key, and goes to all from whom InitConf came, once each. */
static void test_held_until_delivered(void **state)
{
	const struct channel_request delivered = request_for_peer(CHANNEL_DELIVERED);
	struct scene scene;
	struct packet conf;
	struct packet packet;

	(void)state;
	setup(&scene);
	list_peer(&scene);
	scene.peer.holds = true;
	conf = begin_by_bob(&scene);
	receive_from(&scene, &conf, scene.carol);
	assert_int_equal(scene.peer.tell & REPORT_KEY, REPORT_KEY);
	receive_from(&scene, &conf, scene.bob);
	receive_from(&scene, &conf, scene.bob);
	assert_int_equal(take_all(scene.bob, &packet) + take_all(scene.carol, &packet), 0);
	assert_true(engine_hold_deadline(scene.process) != UINT64_MAX);
	engine_peers_delivered(scene.process, &delivered);
	assert_int_equal(take_all(scene.carol, &packet), 1);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	assert_int_equal(host_receive(&scene.world, BOB, &packet), ROSENPASS_CONFIRMED);
	assert_true(engine_hold_deadline(scene.process) == UINT64_MAX);
	/* What comes later is answered at once. */
	receive_from(&scene, &conf, scene.bob);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	engine_peers_delivered(scene.process, &delivered);
	assert_int_equal(take_all(scene.bob, &packet), 0);
	teardown(&scene);
}

/* A monitor that is busy holds nobody up for longer than a second. */
static void test_held_for_a_second(void **state)
{
	struct scene scene;
	struct packet conf;
	struct packet packet;
	uint64_t deadline_ns;

	(void)state;
	setup(&scene);
	list_peer(&scene);
	scene.peer.holds = true;
	conf = begin_by_bob(&scene);
	receive_from(&scene, &conf, scene.bob);
	deadline_ns = engine_hold_deadline(scene.process);
	assert_true(deadline_ns <= clock_now_ns() + CLOCK_SECOND_NS);
	engine_hold_expire(scene.process, deadline_ns - 1);
	assert_int_equal(take_all(scene.bob, &packet), 0);
	engine_hold_expire(scene.process, deadline_ns);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	assert_true(engine_hold_deadline(scene.process) == UINT64_MAX);
	teardown(&scene);
}

static void test_not_held(void **state)
{
	struct scene scene;
	struct packet conf;
	struct packet packet;

	(void)state;
	setup(&scene);
	list_peer(&scene);
	conf = begin_by_bob(&scene);
	receive_from(&scene, &conf, scene.bob);
	assert_int_equal(take_all(scene.bob, &packet), 1);
	/* Of a peer that is removed nothing is left behind. */
	scene.peer.holds = true;
	engine_hold_begin(scene.process, &scene.peer);
	engine_hold_forget(scene.process, &scene.peer);
	assert_true(engine_hold_deadline(scene.process) == UINT64_MAX);
	teardown(&scene);
}

/* --- a remembered address ----------------------------------------------------------------------- */

static struct channel_request restore_to(int fd)
{
	struct channel_request request = request_for_peer(CHANNEL_RESTORE);

	request.addresses.count = 1;
	request.addresses.list[0] = v4("127.0.0.1", port_of(fd));
	return request;
}

/* The configured address comes first; the remembered one is tried when that does not answer. */
static void test_restored_beside_endpoint(void **state)
{
	struct scene scene;
	struct channel_request request;
	struct packet packet;
	unsigned sent = 0;

	(void)state;
	setup(&scene);
	list_peer(&scene);
	request = restore_to(scene.carol);
	/* Not in place of where it is. */
	scene.peer.has_last = true;
	scene.peer.last.remote = v4("127.0.0.1", 1);
	engine_peers_restore(scene.process, &request);
	assert_false(scene.peer.is_restored);
	assert_int_equal(scene.peer.last.remote.v4.sin_port, htons(1));
	scene.peer.has_last = false;
	engine_peers_restore(scene.process, &request);
	for (int i = 0; i < 4; i++) {
		expire(&scene);
		assert_true(take_all(scene.bob, &packet) > 0);
		sent = take_all(scene.carol, &packet);
		assert_true(i < 2 ? sent == 0 : sent > 0);
		scene.world.now = rosenpass_deadline(scene.process->engine);
	}
	/* Without any other address at once. */
	scene.peer.address_count = 0;
	scene.peer.unanswered = 0;
	expire(&scene);
	assert_true(take_all(scene.carol, &packet) > 0);
	teardown(&scene);
}

/* A peer without an endpoint is called there for three minutes; then it is left alone. */
static void test_restored_without_endpoint(void **state)
{
	struct rosenpass_peer_config config = { .size = sizeof config, .public_key = host_public_key(BOB) };
	struct scene scene;
	struct channel_request request;
	struct packet packet;
	uint64_t start;
	unsigned sent = 0;

	(void)state;
	setup(&scene);
	list_peer(&scene);
	config.user = &scene.peer;
	scene.peer.discovers = false;
	assert_int_equal(rosenpass_peer_remove(scene.process->engine, scene.peer.handle), 0);
	assert_int_equal(
		rosenpass_peer_add(scene.process->engine, &config, scene.world.now, &scene.peer.handle), 0);
	scene.peer.address_count = 0;
	expire(&scene);
	assert_int_equal(take_all(scene.carol, &packet), 0);
	start = clock_now_ns();
	request = restore_to(scene.carol);
	engine_peers_restore(scene.process, &request);
	scene.world.now = start > scene.world.now ? start : scene.world.now;
	while (scene.world.now < start + 400 * SECOND) {
		uint64_t deadline = rosenpass_deadline(scene.process->engine);

		expire(&scene);
		sent += take_all(scene.carol, &packet);
		scene.world.now = deadline > scene.world.now ? deadline : scene.world.now + SECOND;
	}
	assert_in_range(sent, 60, 200);
	assert_false(scene.peer.has_last);
	for (int i = 0; i < 200; i++) {
		scene.world.now += 10 * SECOND;
		expire(&scene);
		assert_int_equal(take_all(scene.carol, &packet), 0);
	}
	teardown(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_to_each_place),
		cmocka_unit_test(test_all_places_for_three_minutes),
		cmocka_unit_test(test_forwarded_resp_hello),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_held_until_delivered),
		cmocka_unit_test(test_held_for_a_second),
		cmocka_unit_test(test_not_held),
		cmocka_unit_test(test_restored_beside_endpoint),
		cmocka_unit_test(test_restored_without_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
