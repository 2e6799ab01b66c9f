/* Where WireGuard should send: what the peer's endpoint and the words of extra_params make of it. */

#include "daemon/monitor_parts.h"
#include "monitor/peer_parts.h"
#include "sockets_fixture.h"

/* A peer "hub.example:9999" whose WireGuard is at "hub.example:51820", and that has two addresses. */
struct scene {
	struct peer peer;
	struct monitor_wireguard wireguard;
};

static void setup(struct scene *scene)
{
	static char rosenpass[] = "hub.example:9999";
	static char wireguard[] = "hub.example:51820";

	memset(scene, 0, sizeof *scene);
	scene->peer.config.endpoint = rosenpass;
	scene->wireguard.endpoint = wireguard;
	scene->peer.addresses.count = 2;
	scene->peer.addresses.list[0] = v4("192.0.2.1", 9999);
	scene->peer.addresses.list[1] = v6("2001:db8::1", 9999);
}

static void assert_endpoint(const struct scene *scene, union address_socket expected)
{
	union address_socket endpoint;

	assert_true(monitor_wireguard_endpoint(&scene->peer, &scene->wireguard, &endpoint));
	assert_true(address_equal(&endpoint, &expected));
}

static void test_beside(void **state)
{
	struct scene scene;
	union address_socket endpoint;

	(void)state;
	setup(&scene);
	/* Before the first exchange nobody knows which of the addresses it is. */
	assert_false(monitor_wireguard_endpoint(&scene.peer, &scene.wireguard, &endpoint));
	scene.peer.last = v6("2001:db8::1", 9999);
	assert_endpoint(&scene, v6("2001:db8::1", 51820));
	/* Another port, as behind a port that is redirected. */
	scene.peer.last = v4("192.0.2.1", 1234);
	assert_endpoint(&scene, v4("192.0.2.1", 51820));
	/* An address that the name does not have may be that of somebody who forwards messages. */
	scene.peer.last = v4("203.0.113.66", 9999);
	assert_endpoint(&scene, v4("192.0.2.1", 51820));
	scene.peer.last = v6("2001:db8::66", 9999);
	assert_endpoint(&scene, v4("192.0.2.1", 51820));
	/* The name does not resolve: the engine process alone does not decide where packets go. */
	scene.peer.addresses.count = 0;
	assert_false(monitor_wireguard_endpoint(&scene.peer, &scene.wireguard, &endpoint));
	/* WireGuard has heard the peer at that host, now or before. */
	scene.wireguard.present_endpoint = v6("2001:db8::66", 4);
	assert_endpoint(&scene, v6("2001:db8::66", 51820));
	scene.wireguard.present_endpoint = v4("192.0.2.1", 4);
	assert_false(monitor_wireguard_endpoint(&scene.peer, &scene.wireguard, &endpoint));
	scene.peer.remembered.wireguard = v6("2001:db8::66", 5);
	assert_endpoint(&scene, v6("2001:db8::66", 51820));
}

/* What is wanted of the device: endpoint and parameters from a moment after the first exchange on. */
static void test_target(void **state)
{
	static struct monitor monitor;
	struct scene scene;
	struct device_target target;
	const union address_socket named = v4("192.0.2.1", 51820);
	const union address_socket before = v4("198.51.100.1", 51820);

	(void)state;
	setup(&scene);
	scene.peer.remembered.wireguard = before;
	scene.wireguard.speak_ns = 5;
	monitor_wireguard_target(&target, &monitor, &scene.peer, &scene.wireguard, 5);
	assert_false(target.may_speak);
	/* It is not known yet, and no guess takes its place. */
	assert_int_equal(target.endpoint.any.sa_family, AF_UNSPEC);
	scene.peer.last = v4("192.0.2.1", 9999);
	scene.wireguard.is_exchanged = true;
	monitor_wireguard_target(&target, &monitor, &scene.peer, &scene.wireguard, 4);
	assert_false(target.may_speak);
	monitor_wireguard_target(&target, &monitor, &scene.peer, &scene.wireguard, 5);
	assert_true(target.may_speak);
	assert_false(target.is_guess);
	assert_true(address_equal(&target.endpoint, &named));
	scene.wireguard.endpoint = NULL;
	monitor_wireguard_target(&target, &monitor, &scene.peer, &scene.wireguard, 5);
	assert_true(target.is_guess);
	assert_true(address_equal(&target.endpoint, &before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
