#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"

/* The time that the hooks are told; it passes as these tests say. */
#define START_NS (1000 * CLOCK_SECOND_NS)
#define PEERS 45
#define LOOKS 10000

struct scene {
	struct monitor monitor;
	uint64_t now_ns;
	char folder[64];
	char *log; /* what the commands wrote: a line for each call */
	struct monitor_peer peers[PEERS];
	uint8_t keys[PEERS][ROSENPASS_KEY_BYTES];
};

static char *format(const char *pattern, const char *a)
{
	char *text = NULL;

	assert_true(asprintf(&text, pattern, a) > 0);
	return text;
}

/* A peer with a hook: the script comes after a line in the log. */
static struct monitor_peer *add(struct scene *scene, size_t i, const char *name, const char *script)
{
	struct monitor_peer *peer = &scene->peers[i];
	struct config_words *words = &peer->config.exchange_command;
	struct monitor_output *output = &peer->outputs[0];
	char *line = format("echo $ROSENPASS_PEER $ROSENPASS_REASON >>%s/log; ", scene->folder);

	memset(peer, 0, sizeof *peer);
	peer->config.name = strdup(name);
	(void)snprintf(peer->label, sizeof peer->label, "peer %s", name);
	peer->tag = 1000 + i;
	(void)snprintf(peer->ids[0], sizeof peer->ids[0], "id-%zu", i);
	peer->key = scene->keys[i];
	words->words = calloc(4, sizeof *words->words);
	assert_non_null(words->words);
	words->words[0] = strdup("/bin/sh");
	words->words[1] = strdup("-c");
	words->words[2] = calloc(1, strlen(line) + strlen(script) + 1);
	assert_non_null(words->words[2]);
	(void)strcat(strcat(words->words[2], line), script);
	free(line);
	words->count = 3;
	output->kind = MONITOR_COMMAND;
	output->hook = monitor_hooks_create(&scene->monitor, peer);
	assert_non_null(output->hook);
	backoff_none(&output->retry);
	peer->output_count = 1;
	return peer;
}

static void release_config(struct monitor_peer *peer)
{
	config_peer_release(&peer->config);
	memset(peer, 0, sizeof *peer);
}

static void give(struct scene *scene, struct monitor_peer *peer)
{
	uint8_t key[ROSENPASS_KEY_BYTES];

	memset(key, 0x55, sizeof key);
	monitor_delivery_start(&scene->monitor, peer, key, "exchanged", scene->now_ns);
}

/* The peer is gone, and its memory too. */
static void remove_peer(struct scene *scene, struct monitor_peer *peer)
{
	monitor_delivery_retire(&scene->monitor, peer, scene->now_ns);
	release_config(peer);
}

static uint64_t serve(struct scene *scene)
{
	return monitor_hooks_serve(&scene->monitor, scene->now_ns);
}

static void pass(struct scene *scene, uint64_t seconds)
{
	scene->now_ns += seconds * CLOCK_SECOND_NS;
	(void)serve(scene);
}

static const char *read_log(struct scene *scene)
{
	char *path = format("%s/log", scene->folder);
	static uint8_t content[8192];
	size_t length = 0;

	if (file_read(path, content, sizeof content - 1, &length) != 0)
		length = 0;
	content[length] = '\0';
	free(path);
	return (const char *)content;
}

static size_t count_calls(struct scene *scene)
{
	size_t lines = 0;

	for (const char *at = read_log(scene); (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

/* Programs take real time to write their line, and to end. */
static void wait_for(struct scene *scene, size_t calls)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < LOOKS && count_calls(scene) < calls; i++) {
		(void)serve(scene);
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(count_calls(scene), calls);
}

static void wait_until_idle(struct scene *scene)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < LOOKS && monitor_hooks_are_busy(&scene->monitor, scene->now_ns); i++) {
		(void)serve(scene);
		(void)nanosleep(&pause, NULL);
	}
	assert_false(monitor_hooks_are_busy(&scene->monitor, scene->now_ns));
}

static int set_up(void **state)
{
	static char name[] = "test";
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	scene->now_ns = START_NS;
	scene->monitor.name = name;
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	*state = scene;
	return 0;
}

/* What still runs is ended: a stop that is in a hurry. */
static int tear_down(void **state)
{
	static const char *const files[] = { "log", "go" };
	struct scene *scene = *state;

	scene->monitor.stopping = true;
	monitor_hooks_stop(&scene->monitor, scene->now_ns, true);
	for (int i = 0; i < 3; i++)
		pass(scene, 30);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	for (size_t i = 0; i < PEERS; i++) {
		if (scene->peers[i].output_count > 0)
			release_config(&scene->peers[i]);
	}
	monitor_hooks_release_all(&scene->monitor);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char *path = format("%s/", scene->folder);
		char *file = calloc(1, strlen(path) + strlen(files[i]) + 1);

		assert_non_null(file);
		(void)unlink(strcat(strcpy(file, path), files[i]));
		free(file);
		free(path);
	}
	assert_int_equal(rmdir(scene->folder), 0);
	free(scene);
	return 0;
}

/* Commands that hang keep another one waiting for five seconds at most, and all have their turn in order. */
static void test_hanging_ones_do_not_hold_up(void **state)
{
	struct scene *scene = *state;
	size_t count = PEERS;

	for (size_t i = 0; i < count; i++) {
		char name[8];

		(void)snprintf(name, sizeof name, "%zu", i);
		give(scene, add(scene, i, name, i + 1 < count ? "exec sleep 1000" : ":"));
	}
	assert_true(serve(scene) <= scene->now_ns + 5 * CLOCK_SECOND_NS);
	wait_for(scene, 32);
	pass(scene, 4);
	assert_int_equal(count_calls(scene), 32);
	assert_null(strstr(read_log(scene), "44 exchanged\n"));
	pass(scene, 1);
	wait_for(scene, count);
	assert_non_null(strstr(read_log(scene), "44 exchanged\n"));
	assert_int_equal(scene->peers[0].outputs[0].state, MONITOR_WAITING);
}

/* The call that has waited longest is made first, whatever the order of the peers. */
static void test_queue_is_in_order(void **state)
{
	struct scene *scene = *state;
	struct monitor_peer *later = add(scene, 0, "later", ":");
	struct monitor_peer *first = add(scene, 1, "first", ":");

	/* All places are taken; one comes free before the others. */
	for (size_t i = 2; i < 34; i++) {
		char name[8];

		(void)snprintf(name, sizeof name, "%zu", i);
		give(scene, add(scene, i, name, "exec sleep 1000"));
		if (i == 2) {
			(void)serve(scene);
			wait_for(scene, 1);
			scene->now_ns += 2 * CLOCK_SECOND_NS;
		}
	}
	(void)serve(scene);
	wait_for(scene, 32);
	give(scene, first);
	give(scene, later);
	/* A newer key does not lose the place. */
	give(scene, first);
	(void)serve(scene);
	assert_int_equal(first->outputs[0].attempts, 0);
	scene->now_ns += 3 * CLOCK_SECOND_NS;
	(void)serve(scene);
	assert_int_equal(first->outputs[0].attempts, 1);
	assert_int_equal(later->outputs[0].attempts, 0);
	wait_for(scene, 34);
	assert_int_equal(later->outputs[0].attempts, 1);
}

/* SIGTERM after 30 seconds from the start, SIGKILL after five more. */
static void test_deaf_program_is_killed(void **state)
{
	struct scene *scene = *state;
	struct monitor_peer *peer =
		add(scene, 0, "deaf", "trap '' TERM; for i in $(seq 300); do sleep 0.1; done");

	give(scene, peer);
	(void)serve(scene);
	wait_for(scene, 1);
	pass(scene, 29);
	assert_int_equal(peer->outputs[0].state, MONITOR_WAITING);
	pass(scene, 1);
	pass(scene, 4);
	assert_true(monitor_hooks_are_busy(&scene->monitor, scene->now_ns));
	pass(scene, 1);
	wait_until_idle(scene);
	assert_int_equal(peer->outputs[0].state, MONITOR_FAILING);
	assert_string_equal(peer->outputs[0].error, "took longer than 30 seconds");
}

/* Peers that share the words have nothing to do with each other. */
static void test_each_removed_peer_is_told(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < 6; i++) {
		char name[8];

		(void)snprintf(name, sizeof name, "%zu", i);
		give(scene, add(scene, i, name, "[ $ROSENPASS_REASON = exchanged ] || exec sleep 1000"));
	}
	wait_until_idle(scene);
	for (size_t i = 0; i < 6; i++)
		remove_peer(scene, &scene->peers[i]);
	/* Another peer with the same words is no successor of theirs. */
	give(scene, add(scene, 6, "new", "[ $ROSENPASS_REASON = exchanged ] || exec sleep 1000"));
	(void)serve(scene);
	wait_for(scene, 13);
	for (size_t i = 0; i < 6; i++) {
		char line[16];

		(void)snprintf(line, sizeof line, "%zu stale\n", i);
		assert_non_null(strstr(read_log(scene), line));
	}
}

/* Once is enough when it works, and nothing stays of it. */
static void test_removed_peer_is_told_once(void **state)
{
	struct scene *scene = *state;

	give(scene, add(scene, 0, "bob", ":"));
	wait_until_idle(scene);
	remove_peer(scene, &scene->peers[0]);
	wait_until_idle(scene);
	assert_string_equal(read_log(scene), "bob exchanged\nbob stale\n");
	assert_null(scene->monitor.hooks);
}

/* The time for leaving starts with the first call: one that waits for its turn has all of it. */
static void test_time_for_leaving(void **state)
{
	struct scene *scene = *state;

	give(scene, add(scene, 0, "bob", "exec sleep 1000"));
	(void)serve(scene);
	wait_for(scene, 1);
	/* The call for the key runs. */
	remove_peer(scene, &scene->peers[0]);
	pass(scene, 29);
	assert_int_equal(count_calls(scene), 1);
	pass(scene, 1);
	wait_for(scene, 2);
	assert_string_equal(read_log(scene), "bob exchanged\nbob stale\n");
	/* That one hangs too, fails, and is tried again. */
	pass(scene, 30);
	wait_until_idle(scene);
	pass(scene, 5);
	wait_for(scene, 3);
	pass(scene, 30);
	wait_until_idle(scene);
	/* Then more than a minute has passed. */
	assert_null(scene->monitor.hooks);
}

/* A peer that comes back: the command hears of the old key's end first, and never runs twice at once. */
static void test_removed_and_added_again(void **state)
{
	struct scene *scene = *state;
	const char *script = "[ $ROSENPASS_REASON = exchanged ] || while [ ! -e go ]; do sleep 0.01; done";

	assert_int_equal(chdir(scene->folder), 0);
	give(scene, add(scene, 0, "bob", script));
	wait_until_idle(scene);
	remove_peer(scene, &scene->peers[0]);
	/* Another key of the same name; and another name for the same key. */
	give(scene, add(scene, 1, "bob", script));
	give(scene, add(scene, 2, "robert", script));
	scene->peers[2].tag = 1000;
	(void)snprintf(scene->peers[2].ids[0], sizeof scene->peers[2].ids[0], "id-0");
	(void)serve(scene);
	wait_for(scene, 2);
	pass(scene, 10);
	/* Another one that has only just started needs some time to write its line. */
	(void)nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	assert_string_equal(read_log(scene), "bob exchanged\nbob stale\n");
	assert_int_equal(mknod("go", S_IFREG | 0600, 0), 0);
	wait_for(scene, 4);
	wait_until_idle(scene);
	assert_int_equal(scene->peers[1].outputs[0].state, MONITOR_DELIVERED);
	assert_int_equal(scene->peers[2].outputs[0].state, MONITOR_DELIVERED);
	assert_int_equal(chdir("/"), 0);
}

/* A new key is the end of the tries to tell the same target of the old one's end. */
static void test_new_key_replaces_failing_call(void **state)
{
	struct scene *scene = *state;

	give(scene, add(scene, 0, "bob", "[ $ROSENPASS_REASON = exchanged ]"));
	wait_until_idle(scene);
	remove_peer(scene, &scene->peers[0]);
	wait_until_idle(scene);
	assert_non_null(scene->monitor.hooks);
	assert_string_equal(read_log(scene), "bob exchanged\nbob stale\n");
	give(scene, add(scene, 1, "bob", "[ $ROSENPASS_REASON = exchanged ]"));
	/* The next try is due just then. */
	pass(scene, 6);
	wait_until_idle(scene);
	assert_string_equal(read_log(scene), "bob exchanged\nbob stale\nbob exchanged\n");
	assert_int_equal(scene->peers[1].outputs[0].state, MONITOR_DELIVERED);
}

/* Other words: what runs may end, and the old command is not called again. */
static void test_other_words(void **state)
{
	struct scene *scene = *state;
	struct monitor_peer *peer = add(scene, 0, "bob", "sleep 0.2");

	give(scene, peer);
	(void)serve(scene);
	wait_for(scene, 1);
	monitor_hooks_leave(&scene->monitor, peer->outputs[0].hook, &peer->config.exchange_command, NULL);
	peer->output_count = 0;
	config_peer_release(&peer->config);
	assert_true(monitor_hooks_are_busy(&scene->monitor, scene->now_ns));
	wait_until_idle(scene);
	assert_null(scene->monitor.hooks);
	assert_int_equal(count_calls(scene), 1);
}

/* Calls that are due are made, programs have fifteen seconds, then SIGTERM, and five more before SIGKILL. */
static void test_stop(void **state)
{
	struct scene *scene = *state;

	give(scene, add(scene, 0, "bob", ":"));
	give(scene, add(scene, 1, "deaf", "trap '' TERM; for i in $(seq 300); do sleep 0.1; done"));
	wait_for(scene, 2);
	remove_peer(scene, &scene->peers[0]);
	scene->monitor.stopping = true;
	monitor_hooks_stop(&scene->monitor, scene->now_ns, false);
	wait_for(scene, 3);
	assert_non_null(strstr(read_log(scene), "bob stale\n"));
	pass(scene, 14);
	assert_true(monitor_hooks_are_busy(&scene->monitor, scene->now_ns));
	pass(scene, 1);
	pass(scene, 5);
	wait_until_idle(scene);
	assert_int_equal(count_calls(scene), 3);
	assert_string_equal(scene->peers[1].outputs[0].error, "did not end in time when the daemon stopped");
}

/* No call is started after that time, and the daemon does not wait for a process that cannot be killed. */
static void test_stop_at_once(void **state)
{
	struct scene *scene = *state;

	give(scene, add(scene, 0, "bob", "exec sleep 1000"));
	(void)serve(scene);
	wait_for(scene, 1);
	remove_peer(scene, &scene->peers[0]);
	scene->monitor.stopping = true;
	monitor_hooks_stop(&scene->monitor, scene->now_ns, false);
	monitor_hooks_stop(&scene->monitor, scene->now_ns, true);
	assert_true(monitor_hooks_are_busy(&scene->monitor, scene->now_ns));
	assert_false(monitor_hooks_are_busy(&scene->monitor, scene->now_ns + 12 * CLOCK_SECOND_NS));
	wait_until_idle(scene);
	assert_string_equal(read_log(scene), "bob exchanged\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hanging_ones_do_not_hold_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_queue_is_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deaf_program_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_removed_peer_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed_peer_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time_for_leaving, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed_and_added_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_new_key_replaces_failing_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stop_at_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
