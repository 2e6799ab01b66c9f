/* One peer's key and its sinks: who gets which key, and when it is wiped. */

#include "delivery_fixture.h"

#include <sodium.h>

/* A sink that does as it is told. */
struct fake {
	struct sink sink;
	unsigned deliveries;
	unsigned reconfigured;
	uint8_t first_byte; /* of the last key */
	bool inherited;
};

/* What became of fakes, by kind. */
static struct {
	unsigned created, destroyed, retired;
	enum sink_cause cause;
	bool had_key; /* when it was retired */
	bool fails;   /* to be created */
	bool is_fast; /* reports within the call */
} seen[2];

static const struct sink_ops first_kind, second_kind;
/* What the keys that sinks have been given point to. */
static const uint8_t *bytes;

static size_t kind_of(const struct sink *sink)
{
	return sink->ops == &second_kind;
}

static struct fake *fake_of(const struct recipient *peer, size_t i)
{
	return (struct fake *)delivery_sink(peer->delivery, i);
}

/* The configuration's words stand for targets: key_out for the first kind, device for the second. */
static bool is_first(const struct config_peer *config)
{
	return config->key_out != NULL;
}

static bool is_second(const struct config_peer *config)
{
	return config->device != NULL;
}

static int create(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer,
                  const struct sink_ops *ops, const char *target)
{
	struct fake *fake = calloc(1, sizeof *fake);

	assert_non_null(fake);
	assert_int_equal(sink_init(&fake->sink, ops, env->loop, peer), 0);
	fake->sink.target = text_copy(target);
	seen[kind_of(&fake->sink)].created++;
	*out = &fake->sink;
	return 0;
}

static int create_first(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	return seen[0].fails ? -ENOMEM : create(out, env, peer, &first_kind, peer->config->key_out);
}

static int create_second(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	return seen[1].fails ? -ENOMEM : create(out, env, peer, &second_kind, peer->config->device);
}

static void deliver(struct sink *sink, const struct delivery_key *key)
{
	struct fake *fake = (struct fake *)sink;

	fake->deliveries++;
	fake->first_byte = key->bytes[0];
	assert_false(fixture_is_zero(key->bytes, ROSENPASS_KEY_BYTES));
	bytes = key->bytes;
	if (seen[kind_of(sink)].is_fast)
		sink_delivered(sink);
}

static bool same_target(const struct sink *sink, const struct config_peer *config)
{
	return strcmp(sink->target, kind_of(sink) == 0 ? config->key_out : config->device) == 0;
}

static void reconfigure(struct sink *sink, const struct config_peer *config)
{
	(void)config;
	((struct fake *)sink)->reconfigured++;
}

static void inherit(struct sink *sink, const struct sink *from)
{
	assert_ptr_equal(sink->ops, from->ops);
	((struct fake *)sink)->inherited = true;
}

static void destroy(struct sink *sink)
{
	seen[kind_of(sink)].destroyed++;
	sink_release(sink);
	free((void *)(uintptr_t)sink->target);
	/* Whoever looks at it after this sees no kind that is there. */
	memset(sink, 0, sizeof *sink);
	free(sink);
}

static void retire(struct sink *sink, const uint8_t *key, enum sink_cause cause)
{
	size_t kind = kind_of(sink);

	seen[kind].retired++;
	seen[kind].cause = cause;
	seen[kind].had_key = key != NULL && !fixture_is_zero(key, ROSENPASS_KEY_BYTES) &&
	                     key[0] != ((struct fake *)sink)->first_byte;
	destroy(sink);
}

static void describe(const struct sink *sink, struct sink_status *status)
{
	status->target = sink->target;
}

#define FAKE(create_, is_wanted_)                                                                           \
	{                                                                                                   \
		.kind = "fake", .failure_text = "fails", .success_text = "works",                           \
		.retry_first_ns = CLOCK_SECOND_NS, .retry_most_ns = 4 * CLOCK_SECOND_NS,                    \
		.is_wanted = is_wanted_, .create = create_, .deliver = deliver, .same_target = same_target, \
		.reconfigure = reconfigure, .inherit = inherit, .retire = retire, .describe = describe,     \
		.destroy = destroy                                                                          \
	}

static const struct sink_ops first_kind = FAKE(create_first, is_first);
static const struct sink_ops second_kind = FAKE(create_second, is_second);

struct scene {
	struct fixture fixture;
	struct recipient peer;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	memset(seen, 0, sizeof seen);
	fixture_open(&scene->fixture);
	scene->fixture.env.kinds[0] = &first_kind;
	scene->fixture.env.kinds[1] = &second_kind;
	recipient_init(&scene->peer, "bob", 1);
	scene->peer.config.key_out = text_copy("one");
	scene->peer.config.device = text_copy("two");
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	if (scene->peer.config.name != NULL)
		recipient_release(&scene->peer);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(seen[i].created, seen[i].destroyed);
	fixture_close(&scene->fixture);
	free(scene);
	return 0;
}

static void set_target(char **word, const char *text)
{
	free(*word);
	*word = text == NULL ? NULL : text_copy(text);
}

/* The key is kept until the last sink has it, and wiped then. */
static void test_wipe(void **state)
{
	struct scene *scene = *state;
	struct recipient *peer = &scene->peer;

	recipient_start(&scene->fixture, peer);
	assert_int_equal(delivery_sink_count(peer->delivery), 2);
	assert_false(delivery_is_done(peer->delivery));
	/* The first one has it at once: the second one must get it all the same. */
	seen[0].is_fast = true;
	recipient_give(peer, 7);
	assert_int_equal(fake_of(peer, 1)->first_byte, 7);
	assert_true(delivery_has_key(peer->delivery));
	assert_int_equal(bytes[0], 7);
	assert_int_equal(fake_of(peer, 0)->sink.state, SINK_DELIVERED);
	assert_int_equal(fake_of(peer, 1)->sink.state, SINK_PENDING);
	sink_delivered(&fake_of(peer, 1)->sink);
	assert_true(delivery_is_done(peer->delivery));
	assert_false(delivery_has_key(peer->delivery));
	assert_true(fixture_is_zero(bytes, ROSENPASS_KEY_BYTES));
	assert_null(fake_of(peer, 0)->sink.key);
	/* The next key is for all of them, too. */
	recipient_give(peer, 8);
	assert_int_equal(fake_of(peer, 1)->first_byte, 8);
	assert_true(delivery_has_key(peer->delivery));
}

/* A peer without a target keeps no key. */
static void test_no_sink(void **state)
{
	struct scene *scene = *state;

	set_target(&scene->peer.config.key_out, NULL);
	set_target(&scene->peer.config.device, NULL);
	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
	assert_false(delivery_has_key(scene->peer.delivery));
}

/* A sink that fails retries by itself, and a new key begins again with the shortest wait. */
static void test_retry(void **state)
{
	struct scene *scene = *state;
	struct recipient *peer = &scene->peer;
	struct fake *fake;

	set_target(&peer->config.device, NULL);
	recipient_start(&scene->fixture, peer);
	recipient_give(peer, 7);
	fake = fake_of(peer, 0);
	for (unsigned wait = 1; wait <= 4; wait *= 2) {
		unsigned before = fake->deliveries;

		sink_failed(&fake->sink, "no");
		assert_int_equal(fake->sink.state, SINK_FAILING);
		fixture_pass(&scene->fixture, wait - 1);
		assert_int_equal(fake->deliveries, before);
		fixture_pass(&scene->fixture, 1);
		assert_int_equal(fake->deliveries, before + 1);
	}
	/* Not longer than the longest. */
	sink_failed(&fake->sink, "no");
	fixture_pass(&scene->fixture, 4);
	assert_int_equal(fake->deliveries, 5);
	sink_failed(&fake->sink, "no");
	recipient_give(peer, 8);
	assert_int_equal(fake->deliveries, 6);
	assert_int_equal(fake->first_byte, 8);
	assert_int_equal(fake->sink.state, SINK_FAILING);
	/* The retry of the old key is off. */
	fixture_pass(&scene->fixture, 10);
	assert_int_equal(fake->deliveries, 6);
	sink_failed(&fake->sink, "no");
	fixture_pass(&scene->fixture, 1);
	assert_int_equal(fake->deliveries, 7);
	assert_int_equal(fake->sink.failures, 6);
	sink_delivered(&fake->sink);
	assert_string_equal(fake->sink.error, "");
	fixture_pass(&scene->fixture, 10);
	assert_int_equal(fake->deliveries, 7);
}

/* A random key takes the place of an exchanged one. */
static void test_random(void **state)
{
	struct scene *scene = *state;
	const struct key_origin origin = { .reason = "stale" };

	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
	assert_int_equal(delivery_put(scene->peer.delivery, NULL, &origin), 0);
	for (size_t i = 0; i < 2; i++) {
		const struct sink *sink = delivery_sink(scene->peer.delivery, i);

		assert_false(sink->key->is_exchanged);
		assert_string_equal(sink->last->reason, "stale");
		assert_int_equal(fake_of(&scene->peer, i)->deliveries, 2);
	}
	assert_int_not_equal(sodium_memcmp(bytes, (uint8_t[]){ 7, 7, 7, 7, 7, 7, 7, 7 }, 8), 0);
}

/* Targets that stay go on, others are retired with a random key, and new ones get the present one. */
static void test_change(void **state)
{
	struct scene *scene = *state;
	struct recipient *peer = &scene->peer;

	recipient_start(&scene->fixture, peer);
	recipient_give(peer, 7);
	sink_delivered(&fake_of(peer, 0)->sink);
	set_target(&peer->config.device, "three");
	assert_int_equal(delivery_prepare(peer->delivery, &peer->config), 0);
	delivery_change(peer->delivery);
	assert_int_equal(fake_of(peer, 0)->reconfigured, 1);
	assert_int_equal(fake_of(peer, 0)->deliveries, 1);
	assert_int_equal(seen[1].retired, 1);
	assert_int_equal(seen[1].cause, SINK_REPLACED);
	assert_true(seen[1].had_key);
	assert_true(fake_of(peer, 1)->inherited);
	assert_int_equal(fake_of(peer, 1)->first_byte, 7);
	assert_true(delivery_has_key(peer->delivery));
	/* The target that kept the key is none any more. */
	set_target(&peer->config.device, NULL);
	assert_int_equal(delivery_prepare(peer->delivery, &peer->config), 0);
	delivery_change(peer->delivery);
	assert_int_equal(delivery_sink_count(peer->delivery), 1);
	assert_false(delivery_has_key(peer->delivery));
	assert_true(fixture_is_zero(bytes, ROSENPASS_KEY_BYTES));
	/* There is no key for a new one now. */
	set_target(&peer->config.device, "four");
	assert_int_equal(delivery_prepare(peer->delivery, &peer->config), 0);
	delivery_change(peer->delivery);
	assert_int_equal(fake_of(peer, 1)->deliveries, 0);
	assert_int_equal(fake_of(peer, 1)->sink.state, SINK_EMPTY);
}

/* Without memory for a new target nothing changes: what was there goes on, and what was made is gone. */
static void test_change_without_memory(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
	set_target(&scene->peer.config.key_out, "five");
	set_target(&scene->peer.config.device, "six");
	seen[1].fails = true;
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), -ENOMEM);
	assert_int_equal(seen[0].retired, 0);
	assert_int_equal(seen[0].destroyed, 1);
	assert_int_equal(delivery_sink_count(scene->peer.delivery), 2);
	assert_true(delivery_has_key(scene->peer.delivery));
	seen[1].fails = false;
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), 0);
	delivery_cancel(scene->peer.delivery);
	assert_int_equal(seen[0].destroyed, 2);
	assert_int_equal(seen[1].destroyed, 1);
	assert_int_equal(delivery_sink_count(scene->peer.delivery), 2);
}

static void test_create_without_memory(void **state)
{
	struct scene *scene = *state;

	seen[1].fails = true;
	assert_int_equal(delivery_create(&scene->peer.delivery, &scene->fixture.env, &scene->peer.peer),
	                 -ENOMEM);
	assert_null(scene->peer.delivery);
	assert_int_equal(seen[0].destroyed, 1);
}

/* A peer that is removed leaves random keys where it has given keys, and nothing where it has not. */
static void test_retire(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
	recipient_retire(&scene->peer);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(seen[i].retired, 1);
		assert_int_equal(seen[i].cause, SINK_REMOVED);
		assert_true(seen[i].had_key);
	}
	recipient_init(&scene->peer, "bob", 1);
	set_target(&scene->peer.config.key_out, "one");
	recipient_start(&scene->fixture, &scene->peer);
	recipient_retire(&scene->peer);
	assert_int_equal(seen[0].retired, 1);
	assert_int_equal(seen[0].destroyed, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wipe),   TEST(test_no_sink),
		TEST(test_retry),  TEST(test_random),
		TEST(test_change), TEST(test_change_without_memory),
		TEST(test_retire), TEST(test_create_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
