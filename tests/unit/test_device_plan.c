/* What is set on a WireGuard device: what is wanted, compared with what is there. */

#include "delivery/device_plan.h"
#include "fixture.h"
#include "sockets_fixture.h"

#define WANTED 0xaa
#define OTHER 0x55
#define HANDSHAKE 77

/* What a step sets. */
enum {
	NOTHING = 0,
	KEY = 1,
	ENDPOINT = 2,
	KEEPALIVE = 4,
	ALLOWED_IPS = 8,
	CALL = 16,
};

static uint8_t key[WIREGUARD_KEY_BYTES];
static struct ip_prefix prefix = { .family = AF_INET, .bits = 24 };
static const struct wireguard_params parameters = {
	.has_keepalive = true,
	.keepalive_seconds = 25,
	.has_allowed_ips = true,
	.allowed_ips = &prefix,
	.allowed_ip_count = 1,
};

struct sample {
	const char *title;
	/* The device. */
	bool is_missing, replaces_peers;
	uint8_t present_key;
	const char *present_endpoint;
	uint16_t keepalive;
	/* The target. */
	bool is_left, may_speak, has_session, is_guess, are_parameters_due, is_call_due;
	const char *endpoint;
	uint64_t handshake_before;
	unsigned expected;
};

static union address_socket address(const char *text)
{
	union address_socket parsed = { 0 };
	const char *problem;

	if (text != NULL)
		assert_int_equal(address_parse(text, &parsed, &problem), 0);
	return parsed;
}

static struct device_target make_target(const struct sample *sample)
{
	struct device_target target = {
		.key = key,
		.is_left = sample->is_left,
		.may_speak = sample->may_speak,
		.has_session = sample->has_session,
		.endpoint = address(sample->endpoint),
		.is_guess = sample->is_guess,
		.are_parameters_due = sample->are_parameters_due,
		.parameters = &parameters,
		.is_call_due = sample->is_call_due,
		.handshake_before = sample->handshake_before,
	};

	memset(key, WANTED, sizeof key);
	memset(target.public_key, 1, sizeof target.public_key);
	return target;
}

static unsigned sets(const struct device_step *step)
{
	const struct wireguard_peer_change *change = &step->change;

	return (change->preshared_key != NULL ? KEY : 0U) | (change->endpoint != NULL ? ENDPOINT : 0U) |
	       (change->set_keepalive ? KEEPALIVE : 0U) | (change->replace_allowed_ips ? ALLOWED_IPS : 0U) |
	       (step->is_to_call ? CALL : 0U);
}

static void try(const struct sample *sample)
{
	const struct device_target target = make_target(sample);
	struct wireguard_peer peer = { .endpoint = address(sample->present_endpoint),
		                       .keepalive_seconds = sample->keepalive,
		                       .last_handshake_seconds = HANDSHAKE };
	const struct wireguard_device present = { .peers = &peer,
		                                  .peer_count = sample->is_missing ? 0 : 1,
		                                  .replaces_peers = sample->replaces_peers };
	struct device_step step;
	bool any;

	memcpy(peer.public_key, target.public_key, sizeof peer.public_key);
	memset(peer.preshared_key, sample->present_key, sizeof peer.preshared_key);
	any = device_plan(&step, &target, 1, &present);
	if (sets(&step) != sample->expected)
		fail_msg("%s: sets %#x, expected %#x", sample->title, sets(&step), sample->expected);
	assert_int_equal(any, sample->expected != NOTHING);
	assert_int_equal(step.is_due, any);
	assert_int_equal(step.present != NULL, !sample->is_missing);
	if (any)
		assert_true(step.change.update_only);
}

#define HERE "192.0.2.1:7"
#define THERE "192.0.2.2:7"

static const struct sample samples[] = {
	{ .title = "no such peer", .is_missing = true, .may_speak = true, .expected = NOTHING },
	{ .title = "to be left as it is", .is_left = true, .present_key = OTHER, .expected = NOTHING },
	{ .title = "the key is there", .present_key = WANTED, .expected = NOTHING },
	{ .title = "another key",
	  .present_key = OTHER,
	  .endpoint = HERE,
	  .are_parameters_due = true,
	  .expected = KEY },
	{ .title = "another key, and all that goes with it",
	  .present_key = OTHER,
	  .endpoint = HERE,
	  .may_speak = true,
	  .expected = KEY | ENDPOINT | KEEPALIVE | ALLOWED_IPS },
	{ .title = "parameters after a new key",
	  .present_key = WANTED,
	  .are_parameters_due = true,
	  .may_speak = true,
	  .expected = KEEPALIVE | ALLOWED_IPS },
	{ .title = "a parameter that is there",
	  .present_key = WANTED,
	  .are_parameters_due = true,
	  .may_speak = true,
	  .keepalive = 25,
	  .expected = ALLOWED_IPS },
	{ .title = "parameters are not due", .present_key = WANTED, .may_speak = true, .expected = NOTHING },
	{ .title = "no endpoint yet",
	  .present_key = WANTED,
	  .may_speak = true,
	  .endpoint = HERE,
	  .has_session = true,
	  .expected = ENDPOINT },
	{ .title = "too early for an endpoint",
	  .present_key = WANTED,
	  .endpoint = HERE,
	  .expected = NOTHING },
	{ .title = "another endpoint, which works",
	  .present_key = WANTED,
	  .may_speak = true,
	  .endpoint = HERE,
	  .present_endpoint = THERE,
	  .has_session = true,
	  .expected = NOTHING },
	{ .title = "another endpoint, without a session",
	  .present_key = WANTED,
	  .may_speak = true,
	  .endpoint = HERE,
	  .present_endpoint = THERE,
	  .expected = ENDPOINT },
	{ .title = "the endpoint is there",
	  .present_key = WANTED,
	  .may_speak = true,
	  .endpoint = HERE,
	  .present_endpoint = HERE,
	  .expected = NOTHING },
	{ .title = "a guess where there is none",
	  .present_key = WANTED,
	  .may_speak = true,
	  .is_guess = true,
	  .endpoint = HERE,
	  .expected = ENDPOINT },
	{ .title = "a guess where WireGuard knows",
	  .present_key = WANTED,
	  .may_speak = true,
	  .is_guess = true,
	  .endpoint = HERE,
	  .present_endpoint = THERE,
	  .expected = NOTHING },
	{ .title = "a call",
	  .present_key = WANTED,
	  .may_speak = true,
	  .present_endpoint = HERE,
	  .is_call_due = true,
	  .handshake_before = HANDSHAKE,
	  .expected = CALL },
	{ .title = "a call to an endpoint that is set",
	  .present_key = WANTED,
	  .may_speak = true,
	  .endpoint = HERE,
	  .is_call_due = true,
	  .handshake_before = HANDSHAKE,
	  .expected = ENDPOINT | CALL },
	{ .title = "nowhere to call",
	  .present_key = WANTED,
	  .may_speak = true,
	  .is_call_due = true,
	  .handshake_before = HANDSHAKE,
	  .expected = NOTHING },
	{ .title = "a call that came first",
	  .present_key = WANTED,
	  .may_speak = true,
	  .present_endpoint = HERE,
	  .is_call_due = true,
	  .handshake_before = HANDSHAKE - 1,
	  .expected = NOTHING },
	{ .title = "a call in a session",
	  .present_key = WANTED,
	  .may_speak = true,
	  .has_session = true,
	  .present_endpoint = HERE,
	  .is_call_due = true,
	  .handshake_before = HANDSHAKE,
	  .expected = NOTHING },
	{ .title = "a call that comes too early",
	  .present_key = WANTED,
	  .present_endpoint = HERE,
	  .is_call_due = true,
	  .handshake_before = HANDSHAKE,
	  .expected = NOTHING },
	{ .title = "a call would end the session",
	  .present_key = WANTED,
	  .may_speak = true,
	  .present_endpoint = HERE,
	  .is_call_due = true,
	  .handshake_before = HANDSHAKE,
	  .replaces_peers = true,
	  .expected = NOTHING },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(samples); i++)
		try(&samples[i]);
}

/* Each bit of the key counts. */
static void test_key_is_compared_whole(void **state)
{
	const struct device_target target = make_target(&samples[0]);
	struct wireguard_peer peer = { 0 };

	(void)state;
	assert_false(device_plan_has_key(&target, NULL));
	for (size_t bit = 0; bit < 8 * sizeof key; bit++) {
		memset(peer.preshared_key, WANTED, sizeof peer.preshared_key);
		assert_true(device_plan_has_key(&target, &peer));
		peer.preshared_key[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_false(device_plan_has_key(&target, &peer));
	}
}

/* Peers of a device come in any order, and not all of them are ours. */
static void test_match(void **state)
{
	static const uint8_t order[] = { 9, 4, 2, 7 };
	struct device_target targets[3] = { { .key = key }, { .key = key }, { .key = key } };
	struct wireguard_peer peers[FIXTURE_COUNT(order)] = { 0 };
	const struct wireguard_device present = { .peers = peers, .peer_count = FIXTURE_COUNT(order) };
	struct device_step steps[3];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(order); i++)
		peers[i].public_key[0] = order[i];
	targets[0].public_key[0] = 2;
	targets[1].public_key[0] = 5;
	targets[2].public_key[0] = 9;
	device_plan_match(steps, targets, 3, &present);
	assert_ptr_equal(steps[0].present, &peers[2]);
	assert_null(steps[1].present);
	assert_ptr_equal(steps[2].present, &peers[0]);
	device_plan_match(steps, targets, 3, &(struct wireguard_device){ 0 });
	assert_null(steps[0].present);
	assert_false(device_plan(steps, targets, 0, &present));
}

/* What a peer has, and nobody wants to change, it has when it was removed and added again. */
static void test_complete(void **state)
{
	struct ip_prefix ips[2] = { { .family = AF_INET, .bits = 24 }, { .family = AF_INET6, .bits = 64 } };
	struct wireguard_peer present = { .keepalive_seconds = 25,
		                          .allowed_ips = ips,
		                          .allowed_ip_count = 2 };
	struct wireguard_peer_change change = { .update_only = true };

	(void)state;
	device_plan_complete(&change, &present);
	assert_false(change.update_only);
	assert_ptr_equal(change.preshared_key, present.preshared_key);
	assert_null(change.endpoint);
	assert_int_equal(change.keepalive_seconds, 25);
	assert_ptr_equal(change.allowed_ips, ips);
	assert_int_equal(change.allowed_ip_count, 2);
}

/* A call takes a removal, an addition and, without a keepalive, the end of the one that made the call. */
static void test_request(void **state)
{
	struct wireguard_peer present[2] = { { .keepalive_seconds = 5 }, { .public_key = { 3 } } };
	struct device_step steps[4] = { { .present = &present[0], .is_due = true, .is_to_call = true },
		                        { .present = &present[0] },
		                        { .present = &present[1],
		                          .is_due = true,
		                          .is_to_call = true,
		                          .change = { .public_key = { 3 } } },
		                        { .is_due = true, .change = { .public_key = { 8 } } } };
	struct wireguard_peer_change out[4 * DEVICE_PLAN_CHANGES];

	(void)state;
	assert_int_equal(device_plan_request(out, steps, 4), 6);
	assert_true(out[0].remove);
	assert_int_equal(out[1].keepalive_seconds, 5);
	assert_false(out[1].update_only);
	assert_true(out[2].remove);
	assert_int_equal(out[3].public_key[0], 3);
	assert_true(out[3].keepalive_seconds > 0);
	assert_true(out[4].set_keepalive && out[4].update_only);
	assert_int_equal(out[4].keepalive_seconds, 0);
	assert_int_equal(out[5].public_key[0], 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),   cmocka_unit_test(test_key_is_compared_whole),
		cmocka_unit_test(test_match),   cmocka_unit_test(test_complete),
		cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
