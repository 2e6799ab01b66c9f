/* A peer that goes leaves a random key at each target, whatever allocation fails meanwhile. */

#include "allocation_fixture.h"

#include "delivery/device.h"
#include "delivery/sink_wireguard.h"
#include "delivery_fixture.h"

#define WGPK "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="
#define KINDS 3
/* More allocations than are made. */
#define MANY 64

struct scene {
	struct fixture fixture;
	struct device_owner device_owner;
	struct sink_wireguard_env wireguards;
	struct recipient peer;
};

/* It holds all keys that are to be replaced. */
static int get_device(struct wireguard_device *device, const char *name)
{
	(void)device;
	(void)name;
	return -EPERM;
}

static int get_link(const char *name, struct link *link)
{
	(void)name;
	(void)link;
	return -EPERM;
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

static void configure(struct config_peer *config)
{
	config->key_out = text_copy("f");
	config->device = text_copy("wg0");
	config->wireguard_peer = text_copy(WGPK);
	config->exchange_command.words = calloc(2, sizeof *config->exchange_command.words);
	assert_non_null(config->exchange_command.words);
	config->exchange_command.words[0] = text_copy("true");
	config->exchange_command.count = 1;
}

static void open_scene(struct scene *scene)
{
	static const struct sink_ops *const kinds[KINDS] = { &sink_file, &sink_command, &sink_wireguard };
	struct delivery_env *env = &scene->fixture.env;

	fixture_open(&scene->fixture);
	scene->device_owner = (struct device_owner){ 0 };
	assert_int_equal(device_table_create(&env->devices, env->loop, &backend, &scene->device_owner), 0);
	scene->wireguards = (struct sink_wireguard_env){ .events = &wireguard_events };
	env->wireguard = &scene->wireguards;
	memcpy(env->kinds, kinds, sizeof kinds);
	recipient_init(&scene->peer, "a", 1);
	configure(&scene->peer.config);
	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
}

static void close_scene(struct scene *scene)
{
	if (scene->peer.delivery != NULL)
		recipient_release(&scene->peer);
	device_table_destroy(scene->fixture.env.devices);
	scene->fixture.env.devices = NULL;
	assert_int_equal(unlink("f"), 0);
	fixture_close(&scene->fixture);
}

static void count_file(void *context, const char *label, const char *path, const char *error)
{
	(void)label;
	(void)error;
	assert_string_equal(path, "f");
	++*(size_t *)context;
}

static void count_command(void *context, const char *label, const struct string_list *words,
                          const char *error)
{
	(void)label;
	(void)error;
	assert_string_equal(words->words[0], "true");
	++*(size_t *)context;
}

static void count_key(void *context, const char *label, const char *target)
{
	(void)label;
	assert_string_equal(target, "wg0 " WGPK);
	++*(size_t *)context;
}

/* The targets that still have the last key, as far as somebody works on them. */
static size_t count_left(const struct scene *scene)
{
	const struct delivery_env *env = &scene->fixture.env;
	size_t count = 0;

	retired_files_each(env->retired_files, count_file, &count);
	sink_command_each_retired(env->commands, count_command, &count);
	device_table_each_retired(env->devices, count_key, &count);
	return count;
}

/* "f" has the key that was given, of which each byte is 7. */
static bool file_has_key(void)
{
	FILE *file = fopen("f", "r");
	char text[45] = "";

	assert_non_null(file);
	assert_int_equal(fread(text, 1, 44, file), 44);
	assert_int_equal(fclose(file), 0);
	return strncmp(text, "BwcHBwcH", 8) == 0;
}

/* The i-th allocation fails. Returns false if the preparation makes fewer of them. */
static bool fail_preparation(unsigned i)
{
	struct scene scene;
	int before;
	int result;

	open_scene(&scene);
	before = live;
	calls = 0;
	fails_at = i;
	result = delivery_prepare_retire(scene.peer.delivery);
	fails_at = 0;
	assert_int_equal(result, calls < i ? 0 : -ENOMEM);
	if (result == 0)
		delivery_cancel(scene.peer.delivery);
	/* Everything is as before, and can be prepared all the same. */
	assert_int_equal(live, before);
	assert_int_equal(count_left(&scene), 0);
	assert_true(file_has_key());
	assert_int_equal(delivery_prepare_retire(scene.peer.delivery), 0);
	close_scene(&scene);
	return result != 0;
}

static void test_preparation_fails(void **state)
{
	unsigned i = 1;

	(void)state;
	while (fail_preparation(i))
		i++;
	/* The file's path and line; the command's id, name and six variables; WireGuard's peer; and more. */
	assert_in_range(i, 12, MANY);
}

/* The i-th allocation fails once the removal is prepared. */
static void fail_removal(unsigned i)
{
	struct scene scene;

	open_scene(&scene);
	assert_int_equal(delivery_prepare_retire(scene.peer.delivery), 0);
	calls = 0;
	fails_at = i;
	delivery_retire(scene.peer.delivery);
	fails_at = 0;
	scene.peer.delivery = NULL;
	config_peer_release(&scene.peer.config);
	/* The command has not ended, and the device does not let itself be read. */
	assert_int_equal(count_left(&scene), file_has_key() ? 3 : 2);
	/* A file that could not be written is written a second later. */
	loop_advance(scene.fixture.loop, 2 * CLOCK_SECOND_NS);
	assert_false(file_has_key());
	close_scene(&scene);
}

static void test_removal_cannot_fail(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 24; i++)
		fail_removal(i);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preparation_fails),
		cmocka_unit_test(test_removal_cannot_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
