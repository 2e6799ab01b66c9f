/* A change of a peer's configuration fails before anything has changed, or not at all. */

#include "allocation_fixture.h"

#include "delivery/device.h"
#include "delivery/sink_file.h"
#include "delivery/sink_wireguard.h"
#include "peer_fixture.h"

#define WGPK "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="
/* More allocations than a change makes. */
#define MANY 64

struct change {
	struct scene *scene;
	struct device_table *devices;
	struct device_owner device_owner;
	struct sink_wireguard_env wireguards;
	struct peer *peer;
	struct staged_peer staged;
};

static int get_device(struct wireguard_device *device, const char *name)
{
	(void)device;
	(void)name;
	return -ENODEV;
}

static int get_link(const char *name, struct link *link)
{
	(void)name;
	(void)link;
	return -ENODEV;
}

static uint64_t no_time(void)
{
	return 0;
}

static const struct wireguard_backend backend = { .get = get_device, .link = get_link, .clock_ns = no_time };

static void locate(void *owner, void *peer, struct tunnel_place *place)
{
	(void)owner;
	(void)peer;
	(void)place;
}

static bool is_left(void *owner, void *peer)
{
	(void)owner;
	(void)peer;
	return false;
}

static const struct sink_wireguard_events wireguard_events = { .locate = locate, .is_left = is_left };

static void set_word(char **word, const char *text)
{
	free(*word);
	*word = strdup(text);
	assert_non_null(*word);
}

/* The peer's name, its endpoint, and WireGuard's endpoint and device have that name. */
static void configure(struct config_peer *config, const char *endpoint, const char *device)
{
	set_word(&config->endpoint, endpoint);
	set_word(&config->device, device);
	set_word(&config->wireguard_peer, WGPK);
	set_word(&config->extra_params.endpoint, endpoint);
	config->extra_params.endpoint[0] = 'w';
}

static struct change *open_change(void)
{
	struct change *change = calloc(1, sizeof *change);
	struct staged_peer staged;
	void *scene = NULL;

	assert_non_null(change);
	assert_int_equal(set_up(&scene), 0);
	change->scene = scene;
	assert_int_equal(
		device_table_create(&change->devices, change->scene->loop, &backend, &change->device_owner),
		0);
	change->wireguards.resolvers = change->scene->pool;
	change->wireguards.events = &wireguard_events;
	change->scene->deliveries.devices = change->devices;
	change->scene->deliveries.wireguard = &change->wireguards;
	change->scene->deliveries.kinds[0] = &sink_file;
	change->scene->deliveries.kinds[1] = &sink_wireguard;
	stage(&staged, "a", 1);
	configure(&staged.config, "a.test:1", "wg0");
	free(staged.config.key_out);
	staged.config.key_out = NULL;
	assert_int_equal(peer_create(&change->peer, &change->scene->env, &staged), 0);
	unstage(&staged);
	assert_int_equal(peer_set_add(change->scene->set, change->peer), 0);
	return change;
}

static void close_change(struct change *change)
{
	void *scene = change->scene;

	unstage(&change->staged);
	peer_set_destroy(change->scene->set);
	change->scene->set = NULL;
	device_table_destroy(change->devices);
	assert_int_equal(tear_down(&scene), 0);
	free(change);
}

/* Another endpoint for both, and an outfile; the device stays or is another one. */
static void stage_change(struct change *change, const char *device)
{
	stage(&change->staged, "a", 1);
	configure(&change->staged.config, "b.test:1", device);
}

static const char *name_of_endpoint(const struct peer *peer)
{
	return hostname_text(peer->hostname);
}

static void check_before(const struct change *change)
{
	assert_string_equal(peer_config(change->peer)->endpoint, "a.test:1");
	assert_string_equal(name_of_endpoint(change->peer), "a.test:1");
	assert_null(change->peer->next_hostname);
	assert_int_equal(delivery_sink_count(change->peer->delivery), 1);
}

static void check_after(const struct change *change, const char *device)
{
	const struct sink *sink = delivery_find(change->peer->delivery, &sink_wireguard);
	struct sink_status status;

	assert_string_equal(name_of_endpoint(change->peer), "b.test:1");
	assert_null(change->peer->next_hostname);
	assert_int_equal(delivery_sink_count(change->peer->delivery), 2);
	assert_non_null(delivery_find(change->peer->delivery, &sink_file));
	assert_non_null(sink);
	assert_ptr_equal(sink->peer, &change->peer->recipient);
	/* Nothing can be resolved, which is tried for both names. */
	loop_advance(change->scene->loop, CLOCK_SECOND_NS);
	sink_describe(sink, &status);
	assert_string_equal(status.wireguard.device, device);
	assert_non_null(status.wireguard.endpoint_error);
	assert_non_null(peer_resolve_problem(change->peer));
}

/* The i-th allocation fails. Returns false if the preparation makes fewer of them. */
static bool fail_preparation(unsigned i, const char *device)
{
	struct change *change = open_change();
	int before;
	int result;

	stage_change(change, device);
	before = live;
	calls = 0;
	fails_at = i;
	result = peer_prepare(change->peer, &change->staged);
	fails_at = 0;
	if (result != 0) {
		assert_int_equal(result, -ENOMEM);
		check_before(change);
	}
	/* What was prepared leaves nothing behind. */
	peer_cancel(change->peer);
	check_before(change);
	/* A device that was named for it goes when it is reconciled. */
	assert_in_range(live - before, 0, strcmp(device, "wg0") == 0 ? 0 : 2);
	close_change(change);
	return result != 0;
}

/* Once prepared, the change is made whatever allocation fails. */
static void fail_change(unsigned i, const char *device)
{
	struct change *change = open_change();

	stage_change(change, device);
	assert_int_equal(peer_prepare(change->peer, &change->staged), 0);
	calls = 0;
	fails_at = i;
	assert_true(peer_change(change->peer, &change->staged));
	fails_at = 0;
	check_after(change, device);
	close_change(change);
}

static const char *const devices[] = { "wg0", "wg1" };

static void test_preparation_fails(void **state)
{
	(void)state;
	for (size_t d = 0; d < FIXTURE_COUNT(devices); d++) {
		unsigned i = 1;

		while (fail_preparation(i, devices[d]))
			i++;
		/* The two names, the outfile, and more. */
		assert_in_range(i, 5, MANY);
	}
}

static void test_change_cannot_fail(void **state)
{
	(void)state;
	for (size_t d = 0; d < FIXTURE_COUNT(devices); d++) {
		for (unsigned i = 1; i < 24; i++)
			fail_change(i, devices[d]);
	}
}

/* Another preparation takes the place of the first one. */
static void test_prepared_twice(void **state)
{
	struct change *change = open_change();
	int before;

	(void)state;
	stage_change(change, "wg0");
	assert_int_equal(peer_prepare(change->peer, &change->staged), 0);
	before = live;
	assert_int_equal(peer_prepare(change->peer, &change->staged), 0);
	assert_int_equal(live, before);
	assert_true(peer_change(change->peer, &change->staged));
	check_after(change, "wg0");
	close_change(change);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preparation_fails),
		cmocka_unit_test(test_change_cannot_fail),
		cmocka_unit_test(test_prepared_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
