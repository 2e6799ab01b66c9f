/* Tunnels of WireGuard: before the first exchange, with the first key, and when they fall silent. */

#include "device_fixture.h"

#include "monitor/plan_files.h"

/* --- before the first exchange, and the first key ----------------------------------------------- */

/* A preshared key that is to be left stays until the first exchange, whatever happens to the peer. */
static void test_left(void **state)
{
	struct scene *scene = *state;

	scene->monitor.config.before_first_exchange = CONFIG_LEAVE;
	open_device(scene);
	memset(device.preshared_keys[0], '7', HEX_CHARS);
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "25");
	look(scene);
	assert_int_equal(device.sets, 0);
	assert_int_equal(output(scene, 0)->state, SINK_EMPTY);
	assert_true(wireguard(scene, 0).is_left);
	/* Another configuration: now it is replaced. */
	scene->monitor.config.before_first_exchange = CONFIG_BLOCK;
	look(scene);
	assert_false(has(0, 0x77));
	assert_int_equal(output(scene, 0)->state, SINK_DELIVERED);
	scene->monitor.config.before_first_exchange = CONFIG_LEAVE;
	give(scene, 1, 0xbb);
	look(scene);
	assert_true(has(1, 0xbb));
	assert_false(wireguard(scene, 1).is_left);
	/* A key that is too old is replaced all the same. */
	put_key(scene->peers[1], NULL, "stale");
	look(scene);
	assert_false(has(1, 0xbb));
	assert_false(has(1, 0));
}

static void test_left_and_removed(void **state)
{
	struct scene *scene = *state;

	scene->monitor.config.before_first_exchange = CONFIG_LEAVE;
	open_device(scene);
	memset(device.preshared_keys[0], '7', HEX_CHARS);
	add_peer(scene, 0, "25");
	look(scene);
	monitor_peers_remove(&scene->monitor, scene->peers[0]);
	look(scene);
	assert_true(has(0, 0x77));
	assert_int_equal(device.sets, 0);
}

/* The same where another peer of the device takes its place. */
static void test_left_and_changed(void **state)
{
	struct scene *scene = *state;
	struct config_peer config;
	struct staged_peer staged;
	char problem[MONITOR_PROBLEM_BYTES];

	scene->monitor.config.before_first_exchange = CONFIG_LEAVE;
	open_device(scene);
	memset(device.preshared_keys[0], '7', HEX_CHARS);
	add_peer(scene, 0, "25");
	look(scene);
	configure(&config, 2, "25");
	free(config.public_key);
	config.public_key = copy(scene->peers[0]->config.public_key);
	assert_int_equal(plan_files_peer(&staged, &config, 1, problem), 0);
	assert_int_equal(peer_prepare(scene->peers[0], &staged), 0);
	assert_true(peer_change(scene->peers[0], &staged));
	plan_files_release(&staged);
	look(scene);
	assert_true(has(0, 0x77));
	assert_true(has(2, 0));
	assert_int_equal(device.sets, 0);
}

/* Requests of a kind that wait for the engine process. */
static unsigned requests(const struct scene *scene, uint32_t kind)
{
	struct channel_request request;
	unsigned count = 0;
	int fd = -1;

	while (channel_receive_request(scene->engine, &request, &fd) == 1) {
		count += request.kind == kind;
		if (fd >= 0)
			(void)close(fd);
	}
	return count;
}

/* A key of an exchange in which we had that role. */
static void exchange(struct scene *scene, size_t i, uint8_t number, enum rosenpass_role role)
{
	scene->peers[i]->origin.role = role;
	give(scene, i, number);
}

/*
 * The initiator waits a moment for the responder's WireGuard, sets everything at once, and calls. The peer is
 * removed and added again, since WireGuard may have tried in vain a moment ago.
 */
static void test_first_key_of_initiator(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = loop_now_ns(scene->monitor.loop);

	open_device(scene);
	add_peer(scene, 0, "25");
	serve_at(scene, now_ns);
	(void)strcpy(device.endpoints[0], "192.0.2.1:7");
	exchange(scene, 0, 0xaa, ROSENPASS_INITIATOR);
	serve_at(scene, now_ns);
	assert_false(has(0, 0xaa));
	now_ns += MOMENT_NS;
	serve_at(scene, now_ns);
	assert_true(has(0, 0xaa));
	assert_int_equal(device.keepalive[0], 25);
	assert_string_equal(device.endpoints[0], "192.0.2.1:7");
	assert_int_equal(device.removals[0], 1);
	assert_int_equal(device.calls[0], 1);
	/* That was it: the next key is no first one. */
	exchange(scene, 0, 0xbb, ROSENPASS_INITIATOR);
	serve_at(scene, now_ns);
	assert_true(has(0, 0xbb));
	assert_int_equal(device.removals[0], 1);
	assert_int_equal(device.calls[0], 1);
	assert_int_equal(requests(scene, CHANNEL_DELIVERED), 0);
}

/* The responder sets its key at once, tells the engine process, and calls later unless it was called. */
static void test_first_key_of_responder(void **state)
{
	struct scene *scene = *state;

	scene->monitor.engine = &scene->process;
	open_device(scene);
	for (size_t i = 0; i < 2; i++) {
		uint64_t now_ns = loop_now_ns(scene->monitor.loop);

		add_peer(scene, i, "25");
		serve_at(scene, now_ns);
		(void)strcpy(device.endpoints[i], "192.0.2.1:7");
		(void)requests(scene, CHANNEL_DELIVERED);
		exchange(scene, i, 0xaa, ROSENPASS_RESPONDER);
		serve_at(scene, now_ns);
		assert_true(has(i, 0xaa));
		assert_int_equal(requests(scene, CHANNEL_DELIVERED), 1);
		assert_int_equal(device.keepalive[i], 0);
		assert_int_equal(device.calls[i], 0);
		/* The second one is called meanwhile. */
		device.handshake[i] = i == 1 ? (unsigned long)time(NULL) : 0;
		serve_at(scene, now_ns + CLOCK_SECOND_NS);
		assert_int_equal(device.keepalive[i], 25);
		assert_int_equal(device.calls[i], 1);
		assert_int_equal(device.removals[i], i == 0 ? 1 : 0);
		serve_at(scene, now_ns + 20 * CLOCK_SECOND_NS);
		assert_int_equal(device.removals[i], i == 0 ? 1 : 0);
		assert_int_equal(requests(scene, CHANNEL_DELIVERED), 0);
	}
}

/* A peer that has a session is not removed, and one without a keepalive gets none. */
static void test_first_key_with_session(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = loop_now_ns(scene->monitor.loop);

	open_device(scene);
	device.handshake[0] = (unsigned long)time(NULL) - 20;
	(void)strcpy(device.endpoints[0], "192.0.2.1:7");
	(void)strcpy(device.endpoints[1], "192.0.2.2:7");
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "0");
	serve_at(scene, now_ns);
	exchange(scene, 0, 0xaa, ROSENPASS_INITIATOR);
	exchange(scene, 1, 0xbb, ROSENPASS_INITIATOR);
	serve_at(scene, now_ns + MOMENT_NS);
	assert_true(has(0, 0xaa) && has(1, 0xbb));
	assert_int_equal(device.removals[0], 0);
	assert_int_equal(device.removals[1], 1);
	assert_int_equal(device.calls[1], 1);
	assert_int_equal(device.keepalive[1], 0);
	assert_string_equal(device.endpoints[1], "192.0.2.2:7");
}

/* What the device refuses does not cost the peer that was removed for a moment. */
static void test_first_key_refused(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = loop_now_ns(scene->monitor.loop);

	open_device(scene);
	(void)strcpy(device.endpoints[0], "192.0.2.1:7");
	add_peer(scene, 0, "99");
	serve_at(scene, now_ns);
	exchange(scene, 0, 0xaa, ROSENPASS_INITIATOR);
	serve_at(scene, now_ns + MOMENT_NS);
	assert_true(device.has[0]);
	assert_true(has(0, 0xaa));
	assert_string_equal(device.endpoints[0], "192.0.2.1:7");
	assert_int_equal(wireguard(scene, 0).refused, -EINVAL);
}

/* Where a peer's WireGuard was before the daemon was restarted. */
static void test_remembered_endpoint(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = loop_now_ns(scene->monitor.loop);
	const char *problem;

	open_device(scene);
	add_peer(scene, 0, "25");
	assert_int_equal(address_parse("192.0.2.9:7", &scene->peers[0]->remembered.wireguard, &problem), 0);
	serve_at(scene, now_ns);
	assert_string_equal(device.endpoints[0], "");
	exchange(scene, 0, 0xaa, ROSENPASS_INITIATOR);
	serve_at(scene, now_ns + MOMENT_NS);
	assert_string_equal(device.endpoints[0], "192.0.2.9:7");
	/* WireGuard knows better. */
	(void)strcpy(device.endpoints[0], "192.0.2.10:7");
	serve_at(scene, now_ns + 100 * CLOCK_SECOND_NS);
	assert_string_equal(device.endpoints[0], "192.0.2.10:7");
}

/* Only an endpoint from which WireGuard has heard the peer is worth remembering. */
static void test_endpoint_is_remembered(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = loop_now_ns(scene->monitor.loop);

	open_device(scene);
	(void)strcpy(device.endpoints[0], "192.0.2.10:7");
	add_peer(scene, 0, "25");
	serve_at(scene, now_ns);
	exchange(scene, 0, 0xaa, ROSENPASS_INITIATOR);
	serve_at(scene, now_ns + CLOCK_SECOND_NS);
	look(scene);
	assert_int_equal(peer_remembered(scene->peers[0])->wireguard.any.sa_family, AF_UNSPEC);
	device.handshake[0] = (unsigned long)time(NULL);
	look(scene);
	assert_int_equal(peer_remembered(scene->peers[0])->wireguard.v4.sin_port, htons(7));
}

/* --- a tunnel that falls silent ------------------------------------------------------------------ */

/* Looks as often as wanted for some seconds, in each of which so many bytes are sent and received. */
static unsigned run(struct scene *scene, uint64_t *now_ns, unsigned seconds, unsigned long sent,
                    unsigned long received)
{
	unsigned asked = 0;

	for (uint64_t end_ns = *now_ns + seconds * CLOCK_SECOND_NS; *now_ns < end_ns;
	     *now_ns += CLOCK_SECOND_NS) {
		device.sent[0] += sent;
		device.received[0] += received;
		serve_at(scene, *now_ns);
		asked += requests(scene, CHANNEL_INITIATE);
	}
	return asked;
}

static void test_silence(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = loop_now_ns(scene->monitor.loop);

	scene->monitor.engine = &scene->process;
	open_device(scene);
	device.handshake[0] = (unsigned long)time(NULL);
	add_peer(scene, 0, "25");
	exchange(scene, 0, 0xaa, ROSENPASS_INITIATOR);
	assert_int_equal(run(scene, &now_ns, 60, 100, 100), 0);
	/* Nothing is sent: that is no silence. */
	assert_int_equal(run(scene, &now_ns, 60, 0, 0), 0);
	assert_int_equal(run(scene, &now_ns, 10, 100, 100), 0);
	/* The peer is gone: within a few seconds, then less and less often. */
	assert_int_equal(run(scene, &now_ns, 3, 100, 0), 0);
	assert_int_equal(run(scene, &now_ns, 8, 100, 0), 1);
	assert_int_equal(run(scene, &now_ns, 600, 100, 0), 4);
	/* Never more rarely than every five minutes. */
	assert_in_range(run(scene, &now_ns, 3600, 100, 0), 11, 13);
	/* It is back, and gone again soon. */
	assert_int_equal(run(scene, &now_ns, 10, 100, 100), 0);
	assert_in_range(run(scene, &now_ns, 300, 100, 0), 0, 1);
	/* After a long time of peace it is as at first. */
	assert_int_equal(run(scene, &now_ns, 1200, 100, 100), 0);
	assert_int_equal(run(scene, &now_ns, 11, 100, 0), 1);
	/* A key that is too old says enough. */
	put_key(scene->peers[0], NULL, "stale");
	assert_int_equal(run(scene, &now_ns, 600, 100, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_left),
		TEST(test_left_and_removed),
		TEST(test_left_and_changed),
		TEST(test_first_key_of_initiator),
		TEST(test_first_key_of_responder),
		TEST(test_first_key_with_session),
		TEST(test_first_key_refused),
		TEST(test_remembered_endpoint),
		TEST(test_endpoint_is_remembered),
		TEST(test_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
