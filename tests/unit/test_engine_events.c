#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon_fixture.h"
#include "delivery/command_queue.h"
#include "monitor/peer_parts.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* A monitor whose engine process is this test, as somebody who has taken it over. */
struct scene {
	struct daemon daemon;
	char folder[64];
	struct peer *peers[2];
};

static const char *const owners[] = { "alice", "bob" };

static char *format(const char *pattern, const char *a, const char *b)
{
	char *text = NULL;
	int length = asprintf(&text, pattern, a, b);

	assert_true(length > 0);
	return text;
}

/* A command that adds its input to the file "hook". */
static void add_command(struct scene *scene, struct config_peer *config)
{
	config->exchange_command.words = calloc(4, sizeof *config->exchange_command.words);
	assert_non_null(config->exchange_command.words);
	config->exchange_command.words[0] = strdup("/bin/sh");
	config->exchange_command.words[1] = strdup("-c");
	config->exchange_command.words[2] = format("cat >>%s/hook%s", scene->folder, "");
	config->exchange_command.count = 3;
}

static void add_peer(struct scene *scene, size_t i)
{
	struct config_peer config = { 0 };

	config.public_key = format("%s/vectors/keys/%s.pk", TEST_DATA_DIR, owners[i]);
	config.key_out = format("%s/%s", scene->folder, owners[i]);
	config.name = strdup(owners[i]);
	if (i == 0)
		add_command(scene, &config);
	scene->peers[i] = daemon_add(&scene->daemon, &config);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	daemon_open(&scene->daemon, "test", NULL);
	daemon_use_engine(&scene->daemon);
	peer_host_use_link(scene->daemon.peers, scene->daemon.link);
	for (size_t i = 0; i < 2; i++)
		add_peer(scene, i);
	*state = scene;
	return 0;
}

/* Until no program runs or waits. */
static void settle(struct scene *scene)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 10000 && command_queue_is_busy(daemon_deliveries(&scene->daemon)->commands);
	     i++) {
		assert_int_equal(loop_turn(scene->daemon.loop), 0);
		(void)nanosleep(&pause, NULL);
	}
	assert_false(command_queue_is_busy(daemon_deliveries(&scene->daemon)->commands));
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	char *hook;

	settle(scene);
	for (size_t i = 0; i < 2; i++) {
		char *file = format("%s/%s", scene->folder, owners[i]);

		(void)unlink(file);
		free(file);
	}
	hook = format("%s/hook%s", scene->folder, "");
	(void)unlink(hook);
	free(hook);
	/* Nothing but these was written. */
	assert_int_equal(rmdir(scene->folder), 0);
	daemon_close(&scene->daemon);
	free(scene);
	return 0;
}

static struct channel_event key_event(uint32_t slot, uint32_t serial, uint8_t byte)
{
	struct channel_event event;

	memset(&event, 0, sizeof event);
	event.kind = CHANNEL_KEY;
	event.slot = slot;
	event.serial = serial;
	memset(event.key.key, byte, sizeof event.key.key);
	return event;
}

static void say(struct scene *scene, const struct channel_event *event)
{
	/* An engine process that says too much is listened to again a little later. */
	loop_advance(scene->daemon.loop, CLOCK_SECOND_NS);
	assert_int_equal(send(scene->daemon.engine, event, sizeof *event, 0), (ssize_t)sizeof *event);
	engine_link_serve(scene->daemon.link);
	assert_int_equal(engine_link_loss(scene->daemon.link), ENGINE_LINK_OPEN);
}

/* Whether the peer's outfile has that key; byte -1: there is no file. */
static bool has_key(const struct scene *scene, size_t peer, int byte)
{
	uint8_t expected[32];
	char text[BASE64_KEY_CHARS + 1];
	uint8_t content[64];
	size_t length = 0;
	char *file = format("%s/%s", scene->folder, owners[peer]);
	int result = file_read(file, content, sizeof content, &length);

	free(file);
	if (byte < 0)
		return result == -ENOENT;
	memset(expected, byte, sizeof expected);
	base64_encode_key(text, expected);
	return result == 0 && length == BASE64_KEY_CHARS && memcmp(content, text, length) == 0;
}

static void test_key_goes_to_its_peer(void **state)
{
	struct scene *scene = *state;
	struct channel_event event = key_event(scene->peers[1]->ref.slot, scene->peers[1]->ref.serial, 0x55);

	say(scene, &event);
	assert_true(has_key(scene, 0, -1));
	assert_true(has_key(scene, 1, 0x55));
	/* Delivered: no copy stays. */
	assert_false(delivery_has_key(scene->peers[1]->delivery));
}

/* Every output gets every key: one that has it at once must not take it away from one that is slower. */
static void test_file_and_command_get_each_key(void **state)
{
	struct scene *scene = *state;
	char expected[3 * (BASE64_KEY_CHARS + 1) + 1] = "";
	uint8_t content[sizeof expected];
	char *file = format("%s/hook%s", scene->folder, "");
	size_t length = 0;

	for (uint8_t byte = 1; byte <= 3; byte++) {
		struct channel_event event =
			key_event(scene->peers[0]->ref.slot, scene->peers[0]->ref.serial, byte);
		char *line = expected + strlen(expected);

		say(scene, &event);
		assert_true(has_key(scene, 0, byte));
		settle(scene);
		assert_true(delivery_is_done(scene->peers[0]->delivery));
		assert_false(delivery_has_key(scene->peers[0]->delivery));
		base64_encode_key(line, event.key.key);
		line[BASE64_KEY_CHARS] = '\n';
		line[BASE64_KEY_CHARS + 1] = '\0';
	}
	assert_int_equal(file_read(file, content, sizeof content, &length), 0);
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(content, expected, length);
	free(file);
}

/* The engine process should say so after 180 s; a key does not stay in use when it does not. */
static void test_silent_engine(void **state)
{
	struct scene *scene = *state;
	struct channel_event event = key_event(scene->peers[1]->ref.slot, scene->peers[1]->ref.serial, 0x66);

	say(scene, &event);
	loop_advance(scene->daemon.loop, 179 * CLOCK_SECOND_NS);
	assert_true(has_key(scene, 1, 0x66));
	loop_advance(scene->daemon.loop, 12 * CLOCK_SECOND_NS);
	assert_false(has_key(scene, 1, 0x66));
}

static void test_stale_gives_random_key(void **state)
{
	struct scene *scene = *state;
	struct channel_event event = key_event(scene->peers[0]->ref.slot, scene->peers[0]->ref.serial, 0x11);

	say(scene, &event);
	assert_true(has_key(scene, 0, 0x11));
	/* A key that comes along is not looked at: it could be one that somebody else has. */
	event.kind = CHANNEL_STALE;
	memset(event.key.key, 0x22, sizeof event.key.key);
	say(scene, &event);
	assert_false(has_key(scene, 0, 0x11));
	assert_false(has_key(scene, 0, 0x22));
	assert_false(has_key(scene, 0, 0x00));
}

/* The engine process and the monitor's clock both say so: the files have one random key, not two. */
static void test_stale_twice(void **state)
{
	struct scene *scene = *state;
	struct channel_event event = key_event(scene->peers[1]->ref.slot, scene->peers[1]->ref.serial, 0x11);
	char *file = format("%s/%s", scene->folder, owners[1]);
	uint8_t content[2][64];
	size_t length[2] = { 0 };

	say(scene, &event);
	event.kind = CHANNEL_STALE;
	for (int i = 0; i < 2; i++) {
		say(scene, &event);
		assert_int_equal(file_read(file, content[i], sizeof content[i], &length[i]), 0);
	}
	assert_int_equal(length[0], length[1]);
	assert_memory_equal(content[0], content[1], length[0]);
	free(file);
}

/* What it says of its sandbox counts while it is set up, not when somebody may have taken it over. */
static void test_ready_once(void **state)
{
	struct scene *scene = *state;
	struct channel_event event = { .kind = CHANNEL_READY };

	event.ready.memory = SECRET_MEMORY_LOCKED;
	say(scene, &event);
	assert_true(scene->daemon.source.is_ready);
	event.ready.memory = SECRET_MEMORY_MEMFD_SECRET;
	say(scene, &event);
	assert_int_equal(scene->daemon.source.ready.memory, SECRET_MEMORY_LOCKED);
}

static void test_strangers_are_ignored(void **state)
{
	struct scene *scene = *state;
	const struct {
		uint32_t slot, serial;
	} strangers[] = {
		{ scene->peers[0]->ref.slot, scene->peers[0]->ref.serial + 7 },
		{ scene->peers[0]->ref.slot, scene->peers[1]->ref.serial },
		{ scene->peers[1]->ref.slot + 1, scene->peers[1]->ref.serial },
		{ CHANNEL_PEERS_MAX - 1, scene->peers[0]->ref.serial },
		{ 1000, 0 },
	};

	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
		struct channel_event event = key_event(strangers[i].slot, strangers[i].serial, 0x77);

		say(scene, &event);
		event.kind = CHANNEL_MOVED;
		memset(&event.moved, 0, sizeof event.moved);
		event.moved.any.sa_family = AF_INET;
		say(scene, &event);
	}
	assert_true(has_key(scene, 0, -1));
	assert_true(has_key(scene, 1, -1));
	assert_int_equal(scene->peers[0]->last.any.sa_family, AF_UNSPEC);
}

static void test_removed_peer_is_silent(void **state)
{
	struct scene *scene = *state;
	struct channel_event event = key_event(scene->peers[0]->ref.slot, scene->peers[0]->ref.serial, 0x33);

	say(scene, &event);
	assert_int_equal(peer_host_remove(scene->daemon.peers, scene->peers[0]), 0);
	/* Its key was taken out of use, and the engine cannot bring it back. */
	assert_false(has_key(scene, 0, 0x33));
	say(scene, &event);
	assert_false(has_key(scene, 0, 0x33));
}

/* What an engine process that was replaced still says of peers, callers and itself is dropped. */
static void test_other_engine(void **state)
{
	struct scene *scene = *state;
	const struct peer_ref ref = peer_ref(scene->peers[0]);
	struct channel_event event = key_event(ref.slot, ref.serial, 0x33);
	const struct channel_rejected rejected = { .reason = CHANNEL_REJECTED_AUTH, .count = 1 };
	const struct channel_report report = { 0 };
	const struct rejects *rejects =
		silence_rejected(peer_host_silence(scene->daemon.peers), CHANNEL_REJECTED_AUTH);

	scene->daemon.source.is_present = false;
	say(scene, &event);
	assert_true(has_key(scene, 0, -1));
	engine_events.rejected(&scene->daemon.source, ref, &rejected);
	assert_int_equal(rejects->total, 0);
	engine_events.report_end(&scene->daemon.source, &report);
	assert_int_equal(scene->daemon.reports, 0);
	scene->daemon.source.is_present = true;
	engine_events.rejected(&scene->daemon.source, ref, &rejected);
	assert_int_equal(rejects->total, 1);
	engine_events.report_end(&scene->daemon.source, &report);
	assert_int_equal(scene->daemon.reports, 1);
}

/* Sound events in any order and number, with any contents: keys of our peers are all that can change. */
static void test_any_sequence(void **state)
{
	struct scene *scene = *state;
	uint32_t random = 1;

	for (int i = 0; i < 20000; i++) {
		struct channel_event event;
		struct channel_event checked;
		uint8_t *bytes = (uint8_t *)&event;

		for (size_t at = 0; at < sizeof event; at++) {
			random = random * 1664525 + 1013904223;
			/* Small values are the ones that pass. */
			bytes[at] = (random >> 30) != 0 ? 0 : (uint8_t)(random >> 24);
		}
		event.kind = random >> 8 & 15;
		event.slot = random >> 12 & 3;
		event.serial = random >> 16 & 3;
		if (event.kind == CHANNEL_KEY || !channel_read_event(&checked, bytes, sizeof event))
			continue;
		say(scene, &event);
	}
	assert_true(has_key(scene, 0, -1) || scene->peers[0]->origin.reason != NULL);
	assert_int_equal(peer_set_count(peer_host_set(scene->daemon.peers)), 2);
	assert_int_equal(scene->daemon.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_key_goes_to_its_peer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_and_command_get_each_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_silent_engine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stale_gives_random_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stale_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ready_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_strangers_are_ignored, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed_peer_is_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_engine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_sequence, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
