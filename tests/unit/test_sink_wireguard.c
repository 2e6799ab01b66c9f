/* A sink of WireGuard, with a device in memory and a daemon that is played by the test. */

#include "delivery/sink_wireguard.h"

#include <errno.h>
#include <time.h>

#include "delivery/delivery.h"
#include "delivery/device.h"
#include "sockets_fixture.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define START_NS (1000 * CLOCK_SECOND_NS)
/* Base64 of 32 bytes of 0x11. */
#define PUBLIC_KEY "ERERERERERERERERERERERERERERERERERERERERERE="

/* The device has one peer, 0x11 over and over. */
static struct {
	struct wireguard_peer peer;
	bool has_peer;
	int refused; /* of everything but a key */
	unsigned gets, sets, removals;
	uint64_t cost_ns; /* of reading it */
	uint64_t clock_ns;
} device;

static int get(struct wireguard_device *out, const char *name)
{
	assert_string_equal(name, "wg0");
	memset(out, 0, sizeof *out);
	device.gets++;
	device.clock_ns += device.cost_ns;
	out->peers = secret_memory_allocate(NULL, sizeof *out->peers);
	assert_non_null(out->peers);
	out->peers[0] = device.peer;
	out->peer_count = device.has_peer ? 1 : 0;
	return 0;
}

static int set(const char *name, const struct wireguard_change *change)
{
	(void)name;
	device.sets++;
	for (size_t i = 0; i < change->peer_count; i++) {
		const struct wireguard_peer_change *peer = &change->peers[i];

		if (device.refused != 0 && (peer->endpoint != NULL || peer->set_keepalive))
			return device.refused;
		device.removals += peer->remove;
		if (peer->preshared_key != NULL)
			memcpy(device.peer.preshared_key, peer->preshared_key, WIREGUARD_KEY_BYTES);
		if (peer->endpoint != NULL)
			device.peer.endpoint = *peer->endpoint;
		if (peer->set_keepalive)
			device.peer.keepalive_seconds = peer->keepalive_seconds;
	}
	return 0;
}

static int find_link(const char *name, struct link *link)
{
	(void)name;
	*link = (struct link){ .index = 7, .is_up = true };
	return 0;
}

static uint64_t fake_clock(void)
{
	return device.clock_ns;
}

static const struct wireguard_backend backend = { get, set, find_link, fake_clock };

struct scene {
	struct loop *loop;
	struct device_owner nobody;
	struct delivery_env env;
	struct sink_wireguard_env wireguard;
	struct config_peer config;
	struct sink_peer peer;
	struct delivery *delivery;
	bool is_first_left;
	struct tunnel_place place;
	unsigned confirmed, silent, heard;
	union address_socket heard_at;
};

static void locate(void *owner, void *peer, struct tunnel_place *place)
{
	assert_string_equal(peer, "owner of the peer");
	*place = ((struct scene *)owner)->place;
}

static bool is_left(void *owner, void *peer)
{
	(void)peer;
	return ((struct scene *)owner)->is_first_left;
}

static void confirmed(void *owner, void *peer)
{
	(void)peer;
	((struct scene *)owner)->confirmed++;
}

static void silent(void *owner, void *peer)
{
	(void)peer;
	((struct scene *)owner)->silent++;
}

static void heard(void *owner, void *peer, const union address_socket *endpoint)
{
	(void)peer;
	((struct scene *)owner)->heard++;
	((struct scene *)owner)->heard_at = *endpoint;
}

static const struct sink_wireguard_events events = { locate, is_left, confirmed, silent, heard };

static void open_scene(struct scene *scene)
{
	static char name[] = "wg0";
	static char key[] = PUBLIC_KEY;
	static char owner[] = "owner of the peer";

	memset(scene, 0, sizeof *scene);
	memset(&device, 0, sizeof device);
	memset(device.peer.public_key, 0x11, WIREGUARD_KEY_BYTES);
	memset(device.peer.preshared_key, 0x77, WIREGUARD_KEY_BYTES);
	device.has_peer = true;
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open_simulated(&scene->loop, START_NS), 0);
	assert_int_equal(device_table_create(&scene->env.devices, scene->loop, &backend, &scene->nobody), 0);
	scene->wireguard = (struct sink_wireguard_env){ .events = &events, .owner = scene };
	scene->env.loop = scene->loop;
	scene->env.kinds[0] = &sink_wireguard;
	scene->env.wireguard = &scene->wireguard;
	scene->config.device = name;
	scene->config.wireguard_peer = key;
	scene->peer = (struct sink_peer){ .label = "peer x", .config = &scene->config, .owner = owner };
}

static void start(struct scene *scene)
{
	assert_int_equal(delivery_create(&scene->delivery, &scene->env, &scene->peer), 0);
}

static void close_scene(struct scene *scene)
{
	delivery_destroy(scene->delivery);
	device_table_destroy(scene->env.devices);
	loop_close(scene->loop);
}

static void pass(struct scene *scene, uint64_t ns)
{
	loop_advance(scene->loop, ns);
	assert_int_equal(loop_turn(scene->loop), 0);
}

static void give(struct scene *scene, uint8_t number, enum rosenpass_role role)
{
	const struct key_origin origin = { .reason = "exchanged", .role = role };
	uint8_t key[ROSENPASS_KEY_BYTES];

	memset(key, number, sizeof key);
	assert_int_equal(delivery_put(scene->delivery, key, &origin), 0);
}

static bool has(uint8_t number)
{
	uint8_t key[WIREGUARD_KEY_BYTES];

	memset(key, number, sizeof key);
	return memcmp(device.peer.preshared_key, key, sizeof key) == 0;
}

static struct sink_status status_of(const struct scene *scene)
{
	struct sink_status status;

	sink_describe(delivery_sink(scene->delivery, 0), &status);
	return status;
}

/* Until there is a key the device has a random one. */
static void test_random_first(void **state)
{
	struct scene scene;
	struct sink_status status;

	(void)state;
	open_scene(&scene);
	start(&scene);
	assert_int_equal(status_of(&scene).state, SINK_PENDING);
	pass(&scene, 1);
	assert_false(has(0x77));
	assert_false(has(0));
	status = status_of(&scene);
	assert_int_equal(status.state, SINK_DELIVERED);
	assert_true(status.is_wireguard);
	assert_string_equal(status.wireguard.device, "wg0");
	assert_string_equal(status.wireguard.peer, PUBLIC_KEY);
	assert_true(status.wireguard.is_there && status.wireguard.is_up);
	assert_false(status.wireguard.is_exchanged || status.wireguard.is_left);
	assert_int_equal(scene.confirmed, 0);
	close_scene(&scene);
}

/* A preshared key that is to be left stays until the first exchange, and when the peer is removed. */
static void test_left(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	scene.is_first_left = true;
	start(&scene);
	pass(&scene, 20 * CLOCK_SECOND_NS);
	assert_int_equal(device.sets, 0);
	assert_true(status_of(&scene).wireguard.is_left);
	assert_int_equal(status_of(&scene).state, SINK_EMPTY);
	give(&scene, 0xaa, ROSENPASS_RESPONDER);
	pass(&scene, 1);
	assert_true(has(0xaa));
	assert_false(status_of(&scene).wireguard.is_left);
	close_scene(&scene);
}

/* The responder's key is set at once and confirmed once; endpoint and keepalive follow 0.7 seconds later. */
static void test_responder(void **state)
{
	static char endpoint[] = "192.0.2.1:7";
	const union address_socket expected = v4("192.0.2.1", 7);
	struct scene scene;

	(void)state;
	open_scene(&scene);
	scene.config.extra_params =
		(struct wireguard_params){ .has_keepalive = true, .keepalive_seconds = 25 };
	scene.config.extra_params.endpoint = endpoint;
	start(&scene);
	pass(&scene, 1);
	give(&scene, 0xaa, ROSENPASS_RESPONDER);
	pass(&scene, 1);
	assert_true(has(0xaa));
	assert_int_equal(scene.confirmed, 1);
	assert_int_equal(device.peer.keepalive_seconds, 0);
	assert_int_equal(device.peer.endpoint.any.sa_family, AF_UNSPEC);
	pass(&scene, CLOCK_SECOND_NS);
	assert_int_equal(device.peer.keepalive_seconds, 25);
	assert_true(address_equal(&device.peer.endpoint, &expected));
	assert_int_equal(device.removals, 1);
	assert_int_equal(scene.confirmed, 1);
	/* The next key is set at once, whoever began. */
	give(&scene, 0xbb, ROSENPASS_INITIATOR);
	pass(&scene, 1);
	assert_true(has(0xbb));
	assert_int_equal(scene.confirmed, 1);
	assert_int_equal(device.removals, 1);
	close_scene(&scene);
}

/* Where reading is slow the key is set, and the peer told, all the same; delivered it is when it was read. */
static void test_slow(void **state)
{
	struct scene scene;
	unsigned gets;

	(void)state;
	open_scene(&scene);
	start(&scene);
	device.cost_ns = CLOCK_SECOND_NS / 10;
	pass(&scene, 1);
	gets = device.gets;
	give(&scene, 0xaa, ROSENPASS_RESPONDER);
	pass(&scene, 1);
	assert_true(has(0xaa));
	assert_int_equal(scene.confirmed, 1);
	assert_int_equal(device.gets, gets);
	assert_int_equal(status_of(&scene).state, SINK_PENDING);
	assert_int_equal(status_of(&scene).attempts, 1);
	pass(&scene, 2 * CLOCK_SECOND_NS);
	assert_int_equal(status_of(&scene).state, SINK_DELIVERED);
	assert_int_equal(scene.confirmed, 1);
	close_scene(&scene);
}

static void test_initiator(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	/* Where the peer was in an earlier run is a guess that is better than nothing. */
	scene.place.remembered = v4("192.0.2.9", 9);
	start(&scene);
	pass(&scene, 1);
	give(&scene, 0xaa, ROSENPASS_INITIATOR);
	pass(&scene, CLOCK_SECOND_NS / 10 - 1);
	assert_false(has(0xaa));
	pass(&scene, 1);
	assert_true(has(0xaa));
	assert_true(address_equal(&device.peer.endpoint, &scene.place.remembered));
	assert_int_equal(scene.confirmed, 0);
	assert_int_equal(scene.heard, 0);
	/* WireGuard knows better, which is remembered as soon as it has had a handshake. */
	device.peer.endpoint = v4("192.0.2.10", 10);
	device.peer.last_handshake_seconds = (uint64_t)time(NULL);
	pass(&scene, 20 * CLOCK_SECOND_NS);
	assert_true(address_equal(&device.peer.endpoint, &scene.heard_at));
	assert_int_equal(ntohs(scene.heard_at.v4.sin_port), 10);
	assert_true(status_of(&scene).wireguard.had_handshake);
	close_scene(&scene);
}

static void test_silent(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	device.peer.last_handshake_seconds = (uint64_t)time(NULL);
	start(&scene);
	give(&scene, 0xaa, ROSENPASS_INITIATOR);
	for (unsigned i = 0; i < 30; i++) {
		device.peer.sent_bytes += 100;
		device.peer.received_bytes += 100;
		pass(&scene, CLOCK_SECOND_NS);
	}
	assert_int_equal(scene.silent, 0);
	for (unsigned i = 0; i < 20; i++) {
		device.peer.sent_bytes += 100;
		pass(&scene, CLOCK_SECOND_NS);
	}
	assert_int_equal(scene.silent, 1);
	close_scene(&scene);
}

/* A device that takes the key alone has it; one without the peer has not. */
static void test_refused(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	device.refused = -EINVAL;
	scene.config.extra_params =
		(struct wireguard_params){ .has_keepalive = true, .keepalive_seconds = 25 };
	start(&scene);
	give(&scene, 0xaa, ROSENPASS_INITIATOR);
	pass(&scene, CLOCK_SECOND_NS);
	assert_true(has(0xaa));
	assert_int_equal(status_of(&scene).state, SINK_DELIVERED);
	assert_int_equal(status_of(&scene).wireguard.refused, -EINVAL);
	/* It is set again until it is taken. */
	device.refused = 0;
	pass(&scene, 20 * CLOCK_SECOND_NS);
	assert_int_equal(device.peer.keepalive_seconds, 25);
	assert_int_equal(status_of(&scene).wireguard.refused, 0);
	device.has_peer = false;
	pass(&scene, 20 * CLOCK_SECOND_NS);
	assert_int_equal(status_of(&scene).state, SINK_FAILING);
	assert_non_null(strstr(status_of(&scene).error, "wg0 has no peer " PUBLIC_KEY));
	assert_false(status_of(&scene).wireguard.is_there);
	close_scene(&scene);
}

/* The device of a peer that is removed gets a random key. */
static void test_retired(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene);
	start(&scene);
	give(&scene, 0xaa, ROSENPASS_RESPONDER);
	pass(&scene, 1);
	assert_true(has(0xaa));
	assert_int_equal(delivery_prepare_retire(scene.delivery), 0);
	delivery_retire(scene.delivery);
	scene.delivery = NULL;
	pass(&scene, CLOCK_SECOND_NS);
	assert_false(has(0xaa));
	assert_false(has(0));
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_first), cmocka_unit_test(test_left),
		cmocka_unit_test(test_responder),    cmocka_unit_test(test_initiator),
		cmocka_unit_test(test_silent),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_retired),      cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
