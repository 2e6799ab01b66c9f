/* From the outputs of Alice's engine to datagrams over the loopback interface. */

#include "daemon/engine_parts.h"

#include <stdlib.h>

#include "engine_steps.h"
#include "sockets_fixture.h"

struct scene {
	struct world world;
	struct engine_process *process;
	struct engine_peer peer;
	int bob;   /* where the peer's endpoint leads */
	int carol; /* some other place */
};

static void setup(struct scene *scene)
{
	struct rosenpass_peer_config config = {
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
	scene->process->tell_last = &scene->process->tell_first;
	scene->bob = open_other(&any);
	scene->carol = open_other(&any);
	assert_int_equal(sockets_listen(&scene->process->sockets, &any), 0);
	scene->peer.addresses[0] = v4("127.0.0.1", port_of(scene->bob));
	scene->peer.address_count = 1;
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
	engine_send_outputs(scene->process);
}

/* Alice gets Bob's packet from the place of that socket. */
static void receive_from(struct scene *scene, const struct packet *packet, int fd)
{
	struct address_path path = { .remote = v4("127.0.0.1", port_of(fd)) };
	struct rosenpass_datagram datagram = { .data = packet->data, .length = packet->length };

	address_pack(&datagram.from, &path);
	assert_int_equal(rosenpass_receive(scene->process->engine, &datagram, 1, scene->world.now), 1);
	assert_true(datagram.verdict < ROSENPASS_DROPPED);
	engine_send_outputs(scene->process);
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
	assert_int_equal(scene.peer.tell, ENGINE_TELL_KEY | ENGINE_TELL_MOVED);
	teardown(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_to_each_place),
		cmocka_unit_test(test_forwarded_resp_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
