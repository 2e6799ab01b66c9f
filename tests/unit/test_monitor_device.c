/* What a WireGuard device gets of keys and parameters, whatever state it is in. */

#include "device_fixture.h"

/* A random key before the first exchange, without anything else; then keys, and parameters after them. */
static void test_keys(void **state)
{
	struct scene *scene = *state;

	open_device(scene);
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "26");
	turn(scene);
	assert_int_equal(device.sets, 1);
	assert_false(has(0, 0));
	assert_false(has(1, 0));
	assert_string_not_equal(device.preshared_keys[0], device.preshared_keys[1]);
	assert_int_equal(device.keepalive[0], 0);
	assert_int_equal(output(scene, 0)->state, SINK_DELIVERED);
	give(scene, 0, 0xaa);
	give(scene, 1, 0xbb);
	assert_int_equal(output(scene, 0)->state, SINK_PENDING);
	wait_a_moment(scene);
	assert_int_equal(device.sets, 3);
	assert_true(has(0, 0xaa));
	assert_true(has(1, 0xbb));
	assert_int_equal(device.keepalive[0], 25);
	assert_int_equal(device.keepalive[1], 26);
	/* Nobody else's peer is touched, and what is right is not set again. */
	assert_true(has(2, 0));
	look(scene);
	assert_int_equal(device.sets, 3);
	/* Somebody else sets a key. */
	memset(device.preshared_keys[0], '9', HEX_CHARS);
	look(scene);
	assert_true(has(0, 0xaa));
	assert_int_equal(device.sets, 4);
	/* Or the last bits of one. */
	device.preshared_keys[0][HEX_CHARS - 1] = '9';
	look(scene);
	assert_true(has(0, 0xaa));
	assert_int_equal(device.sets, 5);
}

/* What is wrong with a device is said once. */
static void test_problem_is_said_once(void **state)
{
	struct scene *scene = *state;
	FILE *said = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_true(said != NULL && saved >= 0);
	add_peer(scene, 0, "25");
	assert_true(dup2(fileno(said), STDERR_FILENO) >= 0);
	log_set_level(LOG_WARN);
	look(scene);
	log_set_level(LOG_OFF);
	assert_true(lseek(fileno(said), 0, SEEK_END) > 0);
	assert_int_equal(ftruncate(fileno(said), 0), 0);
	log_set_level(LOG_WARN);
	look(scene);
	log_set_level(LOG_OFF);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	assert_int_equal(lseek(fileno(said), 0, SEEK_END), 0);
	(void)fclose(said);
}

static void test_refused(void **state)
{
	struct scene *scene = *state;

	open_device(scene);
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "99");
	give(scene, 0, 0xaa);
	give(scene, 1, 0xbb);
	wait_a_moment(scene);
	assert_true(has(0, 0xaa));
	assert_int_equal(device.keepalive[0], 25);
	assert_true(has(1, 0xbb));
	assert_int_equal(device.keepalive[1], 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(output(scene, i)->state, SINK_DELIVERED);
	assert_int_equal(wireguard(scene, 0).refused, 0);
	assert_int_equal(wireguard(scene, 1).refused, -EINVAL);
}

static void test_comes_late(void **state)
{
	struct scene *scene = *state;

	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	wait_a_moment(scene);
	assert_int_equal(output(scene, 0)->state, SINK_FAILING);
	assert_false(wireguard(scene, 0).is_there);
	/* The peer still later. */
	device.has[0] = false;
	open_device(scene);
	look(scene);
	assert_int_equal(output(scene, 0)->state, SINK_FAILING);
	assert_non_null(strstr(output(scene, 0)->error, "has no peer ERERERE"));
	assert_int_equal(device.sets, 0);
	device.has[0] = true;
	look(scene);
	assert_int_equal(output(scene, 0)->state, SINK_DELIVERED);
	assert_string_equal(output(scene, 0)->error, "");
	assert_true(has(0, 0xaa));
	assert_int_equal(device.keepalive[0], 25);
}

static void test_removed(void **state)
{
	struct scene *scene = *state;

	open_device(scene);
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "25");
	give(scene, 0, 0xaa);
	give(scene, 1, 0xbb);
	turn(scene);
	assert_int_equal(peer_host_remove(scene->daemon.peers, scene->peers[0]), 0);
	turn(scene);
	assert_false(has(0, 0xaa));
	assert_false(has(0, 0));
	assert_true(has(1, 0xbb));
	assert_int_equal(retired_count(scene), 0);
	/* Where there is no such peer there is no key. */
	device.has[1] = false;
	assert_int_equal(peer_host_remove(scene->daemon.peers, scene->peers[1]), 0);
	assert_int_equal(retired_count(scene), 1);
	turn(scene);
	assert_int_equal(retired_count(scene), 0);
}

static void abandon(struct scene *scene, const struct config_peer *config)
{
	struct device_table *devices = daemon_deliveries(&scene->daemon)->devices;
	const char *word = config->wireguard_peer;
	struct device_peer peer = { 0 };
	struct retired_key *retired;

	assert_int_equal(base64_decode_key(peer.public_key, word, strlen(word)), 0);
	assert_int_equal(device_attach(devices, config->device, &peer), 0);
	assert_int_equal(device_prepare_retired(&retired, peer.public_key), 0);
	device_retire_key(peer.device, retired, scene->peers[0]->label);
	device_detach(&peer);
}

/* What it was for before is another peer of the device. */
static void test_abandoned(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = loop_now_ns(scene->daemon.loop);
	struct config_peer config;

	open_device(scene);
	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	memset(device.preshared_keys[2], 'a', HEX_CHARS);
	serve_at(scene, now_ns);
	assert_true(has(2, 0xaa));
	configure(&config, 2, "25");
	abandon(scene, &config);
	/* One that says nothing keeps it for later. */
	device.is_mute = true;
	userspace_use_patience(200);
	serve_at(scene, now_ns);
	assert_int_equal(retired_count(scene), 1);
	device.is_mute = false;
	userspace_use_patience(20000);
	serve_at(scene, now_ns + 61 * CLOCK_SECOND_NS);
	assert_int_equal(retired_count(scene), 0);
	assert_false(has(2, 0xaa));
	assert_false(has(2, 0));
	assert_true(has(0, 0xaa));
	/* A peer that is an output again has its own key. */
	abandon(scene, &scene->peers[0]->config);
	look(scene);
	assert_int_equal(retired_count(scene), 0);
	assert_true(has(0, 0xaa));
	/* Given up after two minutes. */
	abandon(scene, &config);
	device.is_mute = true;
	userspace_use_patience(200);
	serve_at(scene, now_ns + 210 * CLOCK_SECOND_NS);
	assert_int_equal(retired_count(scene), 0);
	release_config(&config);
}

struct maker {
	struct scene *scene;
	unsigned calls;
	int result;
	uint64_t again_ns; /* it has put something off until then; 0: nothing */
};

static int ensure(void *context, const char *name, uint64_t *again_ns)
{
	struct maker *maker = context;

	assert_string_equal(name, DEVICE);
	maker->calls++;
	if (maker->again_ns != 0)
		*again_ns = maker->again_ns;
	if (maker->result == 0 && maker->scene->listener < 0)
		open_device(maker->scene);
	return maker->result;
}

/* Interfaces are made by us, as in rp. */
static void let_make(struct scene *scene, struct maker *maker)
{
	const struct device_owner devices = { .ensure = ensure, .own_name = DEVICE, .owner = maker };

	daemon_close_parts(&scene->daemon);
	daemon_open_parts(&scene->daemon, DEVICE, &free_of_cost, &devices);
}

/* Who makes the device is asked at each look, and left alone for a minute when that has failed. */
static void test_ensure(void **state)
{
	struct scene *scene = *state;
	struct maker maker = { .scene = scene, .result = -1 };
	uint64_t now_ns = loop_now_ns(scene->daemon.loop);

	let_make(scene, &maker);
	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	wait_a_moment(scene);
	assert_int_equal(maker.calls, 1);
	for (unsigned i = 1; i < 59; i++)
		serve_at(scene, now_ns + i * CLOCK_SECOND_NS);
	assert_int_equal(maker.calls, 1);
	maker.result = 0;
	for (unsigned i = 60; i < 80; i++)
		serve_at(scene, now_ns + i * CLOCK_SECOND_NS);
	assert_true(maker.calls >= 2);
	assert_true(has(0, 0xaa));
	assert_int_equal(output(scene, 0)->state, SINK_DELIVERED);
	maker.result = 1;
	serve_at(scene, now_ns + 100 * CLOCK_SECOND_NS);
	look(scene);
	maker.calls = 0;
	/* Once a second at most. */
	look(scene);
	assert_int_equal(maker.calls, 0);
	serve_at(scene, now_ns + 102 * CLOCK_SECOND_NS);
	assert_int_equal(maker.calls, 1);
}

/* A device that has been left alone for a while, with its key. Returns the time. */
static uint64_t settle(struct scene *scene, struct maker *maker)
{
	uint64_t now_ns = loop_now_ns(scene->daemon.loop);

	let_make(scene, maker);
	open_device(scene);
	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	serve_at(scene, now_ns + 100 * CLOCK_SECOND_NS);
	return now_ns + 100 * CLOCK_SECOND_NS;
}

/* The maker is asked once a second at most, and what happens in between is not forgotten. */
static void test_ensure_is_made_up(void **state)
{
	struct scene *scene = *state;
	struct maker maker = { .scene = scene, .result = 1 };
	uint64_t now_ns = settle(scene, &maker);

	sink_wireguard_reconcile_soon(output(scene, 0));
	serve_at(scene, now_ns);
	maker.calls = 0;
	now_ns += CLOCK_SECOND_NS / 2;
	sink_wireguard_reconcile_soon(output(scene, 0));
	serve_at(scene, now_ns);
	assert_int_equal(maker.calls, 0);
	serve_at(scene, now_ns + CLOCK_SECOND_NS / 2);
	assert_int_equal(maker.calls, 1);
}

/* What the maker has put off is done when it said, not when the device is looked at anyway. */
static void test_ensure_is_put_off(void **state)
{
	struct scene *scene = *state;
	struct maker maker = { .scene = scene, .result = 1 };
	uint64_t now_ns = settle(scene, &maker);

	maker.again_ns = now_ns + 3 * CLOCK_SECOND_NS;
	sink_wireguard_reconcile_soon(output(scene, 0));
	serve_at(scene, now_ns);
	maker.calls = 0;
	serve_at(scene, maker.again_ns - 1);
	assert_int_equal(maker.calls, 0);
	maker.again_ns = 0;
	serve_at(scene, now_ns + 3 * CLOCK_SECOND_NS);
	assert_int_equal(maker.calls, 1);
}

/* An interface of somebody else that has our name, and a peer of ours too: nothing of it is changed. */
static void test_foreign(void **state)
{
	struct scene *scene = *state;
	struct maker maker = { .scene = scene, .result = DEVICE_NOT_OURS };
	uint64_t now_ns = loop_now_ns(scene->daemon.loop);
	struct config_peer config;

	let_make(scene, &maker);
	open_device(scene);
	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	configure(&config, 2, "25");
	abandon(scene, &config);
	memset(device.preshared_keys[2], 'a', HEX_CHARS);
	for (unsigned i = 0; i < 100; i++)
		serve_at(scene, now_ns + i * CLOCK_SECOND_NS);
	assert_int_equal(device.sets, 0);
	assert_int_equal(output(scene, 0)->state, SINK_FAILING);
	assert_string_equal(output(scene, 0)->error, "another program has made interface " DEVICE
	                                             "; stop that program, or start rp again with --adopt");
	/* Nor does it count that it should have the key. */
	memset(device.preshared_keys[0], 'a', HEX_CHARS);
	sink_wireguard_reconcile_soon(output(scene, 0));
	serve_at(scene, now_ns + 100 * CLOCK_SECOND_NS);
	assert_int_equal(output(scene, 0)->state, SINK_FAILING);
	maker.result = 1;
	serve_at(scene, now_ns + 200 * CLOCK_SECOND_NS);
	assert_int_equal(output(scene, 0)->state, SINK_DELIVERED);
	release_config(&config);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),
		TEST(test_refused),
		TEST(test_comes_late),
		TEST(test_removed),
		TEST(test_abandoned),
		TEST(test_ensure),
		TEST(test_foreign),
		TEST(test_problem_is_said_once),
		TEST(test_ensure_is_made_up),
		TEST(test_ensure_is_put_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
