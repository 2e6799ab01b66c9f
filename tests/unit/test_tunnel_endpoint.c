/* Where WireGuard should send: what the peer's endpoint and the words of extra_params make of it. */

#include "delivery/tunnel_endpoint.h"
#include "sockets_fixture.h"

#define ENDPOINT "hub.example:51820"

static void assert_beside(const struct tunnel_place *place, const union address_socket *present,
                          union address_socket expected)
{
	union address_socket endpoint;

	assert_true(tunnel_endpoint_beside(&endpoint, ENDPOINT, place, present));
	assert_true(address_equal(&endpoint, &expected));
}

static void test_is_beside(void **state)
{
	static const struct {
		const char *endpoint, *rosenpass;
		bool is_beside;
	} cases[] = {
		{ ENDPOINT, "hub.example:9999", true },  { ENDPOINT, "hub.example.org:9999", false },
		{ ENDPOINT, "hub.exampla:9999", false }, { ENDPOINT, NULL, false },
		{ "[::1]:1", "[::1]:2", true },          { "[::1]:1", "[::2]:1", false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++)
		assert_int_equal(tunnel_endpoint_is_beside(cases[i].endpoint, cases[i].rosenpass),
		                 cases[i].is_beside);
}

/* A peer "hub.example:9999" whose WireGuard is at the same host, and that has two addresses. */
static void test_beside(void **state)
{
	const union address_socket list[] = { v4("192.0.2.1", 9999), v6("2001:db8::1", 9999) };
	struct tunnel_place place = { .addresses = list, .address_count = FIXTURE_COUNT(list) };
	union address_socket present = { 0 };
	union address_socket endpoint;

	(void)state;
	/* Before the first exchange nobody knows which of the addresses it is. */
	assert_false(tunnel_endpoint_beside(&endpoint, ENDPOINT, &place, &present));
	place.authenticated = v6("2001:db8::1", 9999);
	assert_beside(&place, &present, v6("2001:db8::1", 51820));
	/* Another port, as behind a port that is redirected. */
	place.authenticated = v4("192.0.2.1", 1234);
	assert_beside(&place, &present, v4("192.0.2.1", 51820));
	/* An address that the name does not have may be that of a host that forwards messages. */
	place.authenticated = v4("203.0.113.66", 9999);
	assert_beside(&place, &present, v4("192.0.2.1", 51820));
	place.authenticated = v6("2001:db8::66", 9999);
	assert_beside(&place, &present, v4("192.0.2.1", 51820));
	/* The name does not resolve: the engine process alone does not decide where packets go. */
	place.address_count = 0;
	assert_false(tunnel_endpoint_beside(&endpoint, ENDPOINT, &place, &present));
	/* WireGuard has heard the peer at that host, now or before. */
	present = v6("2001:db8::66", 4);
	assert_beside(&place, &present, v6("2001:db8::66", 51820));
	present = v4("192.0.2.1", 4);
	assert_false(tunnel_endpoint_beside(&endpoint, ENDPOINT, &place, &present));
	place.remembered = v6("2001:db8::66", 5);
	assert_beside(&place, &present, v6("2001:db8::66", 51820));
}

static void test_own(void **state)
{
	const union address_socket list[] = { v6("2001:db8::1", 1), v4("192.0.2.1", 1) };
	const union address_socket named = v6("2001:db8::1", 51820);
	const union address_socket literal = v4("192.0.2.9", 7);
	union address_socket endpoint;

	(void)state;
	assert_false(tunnel_endpoint_own(&endpoint, ENDPOINT, list, 0));
	assert_true(tunnel_endpoint_own(&endpoint, ENDPOINT, list, FIXTURE_COUNT(list)));
	assert_true(address_equal(&endpoint, &named));
	assert_true(tunnel_endpoint_own(&endpoint, "192.0.2.9:7", NULL, 0));
	assert_true(address_equal(&endpoint, &literal));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_beside),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
