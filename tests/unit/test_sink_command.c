/* Programs that get keys: when they are started, what they are told, and what becomes of those that hang. */

#include "delivery_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#define PEERS 45
#define LOOKS 10000

struct scene {
	struct fixture fixture;
	struct recipient peers[PEERS];
};

/* A peer with a command: the script comes after a line in the log. */
static struct recipient *add(struct scene *scene, size_t i, const char *name, const char *script)
{
	struct recipient *peer = &scene->peers[i];
	struct string_list *words = &peer->config.exchange_command;
	char *line = NULL;

	recipient_init(peer, name, (unsigned)i);
	assert_true(asprintf(&line, "echo $ROSENPASS_PEER $ROSENPASS_REASON >>%s/log; %s",
	                     scene->fixture.folder, script) > 0);
	words->words = calloc(4, sizeof *words->words);
	assert_non_null(words->words);
	words->words[0] = text_copy("/bin/sh");
	words->words[1] = text_copy("-c");
	words->words[2] = line;
	words->count = 3;
	recipient_start(&scene->fixture, peer);
	return peer;
}

static void give(struct recipient *peer)
{
	recipient_give(peer, 0x55);
}

static const struct sink *sink(const struct recipient *peer)
{
	return delivery_sink(peer->delivery, 0);
}

static void pass(struct scene *scene, uint64_t seconds)
{
	fixture_pass(&scene->fixture, seconds);
}

static bool is_busy(const struct scene *scene)
{
	return command_queue_is_busy(scene->fixture.env.commands);
}

static const char *read_log(void)
{
	static uint8_t content[8192];
	size_t length = 0;

	if (file_read("log", content, sizeof content - 1, &length) != 0)
		length = 0;
	content[length] = '\0';
	return (const char *)content;
}

static size_t count_calls(void)
{
	size_t lines = 0;

	for (const char *at = read_log(); (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

static void turn(struct scene *scene)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	fixture_turn(&scene->fixture);
	(void)nanosleep(&pause, NULL);
}

/* Programs take real time to write their line, and to end. */
static void wait_for(struct scene *scene, size_t calls)
{
	for (int i = 0; i < LOOKS && count_calls() < calls; i++)
		turn(scene);
	assert_int_equal(count_calls(), calls);
}

static void wait_until_idle(struct scene *scene)
{
	for (int i = 0; i < LOOKS && is_busy(scene); i++)
		turn(scene);
	assert_false(is_busy(scene));
	fixture_turn(&scene->fixture);
}

/* No command is left of those that were retired. */
static bool is_empty(const struct scene *scene)
{
	return command_queue_first(scene->fixture.env.commands) == NULL;
}

static void stop(struct scene *scene, bool at_once)
{
	command_queue_stop(scene->fixture.env.commands, at_once);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	fixture_open(&scene->fixture);
	scene->fixture.env.kinds[0] = &sink_command;
	*state = scene;
	return 0;
}

/* What still runs is ended: a stop that is in a hurry. */
static int tear_down(void **state)
{
	struct scene *scene = *state;

	stop(scene, true);
	for (int i = 0; i < 3; i++)
		pass(scene, 30);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	for (size_t i = 0; i < PEERS; i++) {
		if (scene->peers[i].delivery != NULL)
			recipient_release(&scene->peers[i]);
	}
	(void)unlink("log");
	(void)unlink("go");
	fixture_close(&scene->fixture);
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
		give(add(scene, i, name, i + 1 < count ? "exec sleep 1000" : ":"));
	}
	wait_for(scene, 32);
	pass(scene, 4);
	assert_int_equal(count_calls(), 32);
	assert_null(strstr(read_log(), "44 exchanged\n"));
	pass(scene, 1);
	wait_for(scene, count);
	assert_non_null(strstr(read_log(), "44 exchanged\n"));
	assert_int_equal(sink(&scene->peers[0])->state, SINK_PENDING);
}

/* The call that has waited longest is made first, whatever the order of the peers. */
static void test_queue_is_in_order(void **state)
{
	struct scene *scene = *state;
	struct recipient *later = add(scene, 0, "later", ":");
	struct recipient *first = add(scene, 1, "first", ":");

	/* All places are taken; one comes free before the others. */
	for (size_t i = 2; i < 34; i++) {
		char name[8];

		(void)snprintf(name, sizeof name, "%zu", i);
		give(add(scene, i, name, "exec sleep 1000"));
		if (i == 2) {
			turn(scene);
			wait_for(scene, 1);
			pass(scene, 2);
		}
	}
	turn(scene);
	wait_for(scene, 32);
	give(first);
	give(later);
	/* A newer key does not lose the place. */
	give(first);
	turn(scene);
	assert_int_equal(sink(first)->attempts, 0);
	/* Not a turn of the loop: the program could have ended by then. */
	loop_advance(scene->fixture.loop, 3 * CLOCK_SECOND_NS);
	assert_int_equal(sink(first)->attempts, 1);
	assert_int_equal(sink(later)->attempts, 0);
	wait_for(scene, 34);
	assert_int_equal(sink(later)->attempts, 1);
}

/* SIGTERM after 30 seconds from the start, SIGKILL after five more. */
static void test_deaf_program_is_killed(void **state)
{
	struct scene *scene = *state;
	struct recipient *peer =
		add(scene, 0, "deaf", "trap '' TERM; for i in $(seq 300); do sleep 0.1; done");

	give(peer);
	turn(scene);
	wait_for(scene, 1);
	pass(scene, 29);
	assert_int_equal(sink(peer)->state, SINK_PENDING);
	pass(scene, 1);
	pass(scene, 4);
	assert_true(is_busy(scene));
	pass(scene, 1);
	wait_until_idle(scene);
	assert_int_equal(sink(peer)->state, SINK_FAILING);
	assert_string_equal(sink(peer)->error, "took longer than 30 seconds");
}

/* Peers that share the words have nothing to do with each other. */
static void test_each_removed_peer_is_told(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < 6; i++) {
		char name[8];

		(void)snprintf(name, sizeof name, "%zu", i);
		give(add(scene, i, name, "[ $ROSENPASS_REASON = exchanged ] || exec sleep 1000"));
	}
	wait_until_idle(scene);
	for (size_t i = 0; i < 6; i++)
		recipient_retire(&scene->peers[i]);
	/* Another peer with the same words is no successor of theirs. */
	give(add(scene, 6, "new", "[ $ROSENPASS_REASON = exchanged ] || exec sleep 1000"));
	turn(scene);
	wait_for(scene, 13);
	for (size_t i = 0; i < 6; i++) {
		char line[16];

		(void)snprintf(line, sizeof line, "%zu stale\n", i);
		assert_non_null(strstr(read_log(), line));
	}
}

/* Once is enough when it works, and nothing stays of it. */
static void test_removed_peer_is_told_once(void **state)
{
	struct scene *scene = *state;

	give(add(scene, 0, "bob", ":"));
	wait_until_idle(scene);
	recipient_retire(&scene->peers[0]);
	wait_until_idle(scene);
	assert_string_equal(read_log(), "bob exchanged\nbob stale\n");
	assert_true(is_empty(scene));
}

/* The time for leaving starts with the first call: one that waits for its turn has all of it. */
static void test_time_for_leaving(void **state)
{
	struct scene *scene = *state;

	give(add(scene, 0, "bob", "exec sleep 1000"));
	turn(scene);
	wait_for(scene, 1);
	/* The call for the key runs. */
	recipient_retire(&scene->peers[0]);
	pass(scene, 29);
	assert_int_equal(count_calls(), 1);
	pass(scene, 1);
	wait_for(scene, 2);
	assert_string_equal(read_log(), "bob exchanged\nbob stale\n");
	/* That one hangs too, fails, and is tried again. */
	pass(scene, 30);
	wait_until_idle(scene);
	pass(scene, 5);
	wait_for(scene, 3);
	pass(scene, 30);
	wait_until_idle(scene);
	/* Then more than a minute has passed. */
	assert_true(is_empty(scene));
}

/* A peer that comes back: the command hears of the old key's end first, and never runs twice at once. */
static void test_removed_and_added_again(void **state)
{
	struct scene *scene = *state;
	const char *script = "[ $ROSENPASS_REASON = exchanged ] || while [ ! -e go ]; do sleep 0.01; done";

	give(add(scene, 0, "bob", script));
	wait_until_idle(scene);
	recipient_retire(&scene->peers[0]);
	/* Another key of the same name; and another name for the same key. */
	give(add(scene, 1, "bob", script));
	give(add(scene, 2, "robert", script));
	scene->peers[2].peer.key_prefix = 1000;
	(void)strcpy(scene->peers[2].id, "id-0");
	turn(scene);
	wait_for(scene, 2);
	pass(scene, 10);
	/* Another one that has only just started needs some time to write its line. */
	(void)nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	assert_string_equal(read_log(), "bob exchanged\nbob stale\n");
	assert_int_equal(mknod("go", S_IFREG | 0600, 0), 0);
	wait_for(scene, 4);
	wait_until_idle(scene);
	assert_int_equal(sink(&scene->peers[1])->state, SINK_DELIVERED);
	assert_int_equal(sink(&scene->peers[2])->state, SINK_DELIVERED);
}

/* A new key is the end of the tries to tell the same target of the old one's end. */
static void test_new_key_replaces_failing_call(void **state)
{
	struct scene *scene = *state;

	give(add(scene, 0, "bob", "[ $ROSENPASS_REASON = exchanged ]"));
	wait_until_idle(scene);
	recipient_retire(&scene->peers[0]);
	wait_until_idle(scene);
	assert_false(is_empty(scene));
	assert_string_equal(read_log(), "bob exchanged\nbob stale\n");
	give(add(scene, 1, "bob", "[ $ROSENPASS_REASON = exchanged ]"));
	/* The next try is due just then. */
	pass(scene, 6);
	wait_until_idle(scene);
	assert_string_equal(read_log(), "bob exchanged\nbob stale\nbob exchanged\n");
	assert_int_equal(sink(&scene->peers[1])->state, SINK_DELIVERED);
}

/* Other words: what runs may end, and the old command is not called again. */
static void test_other_words(void **state)
{
	struct scene *scene = *state;
	struct recipient *peer = add(scene, 0, "bob", "sleep 0.2");

	give(peer);
	turn(scene);
	wait_for(scene, 1);
	free(peer->config.exchange_command.words[2]);
	peer->config.exchange_command.words[2] = text_copy("echo other >>log");
	assert_int_equal(delivery_prepare(peer->delivery, &peer->config), 0);
	delivery_change(peer->delivery);
	wait_until_idle(scene);
	assert_string_equal(read_log(), "bob exchanged\nother\n");
	assert_int_equal(sink(peer)->state, SINK_DELIVERED);
	/* Nothing is left of the old one. */
	assert_null(command_queue_first(scene->fixture.env.commands)->next);
}

/* A program that fails is started again, first after five seconds, and the key is kept as long. */
static void test_retry(void **state)
{
	struct scene *scene = *state;
	struct recipient *peer = add(scene, 0, "bob", "[ -e go ]");

	give(peer);
	wait_until_idle(scene);
	assert_int_equal(sink(peer)->state, SINK_FAILING);
	assert_string_equal(sink(peer)->error, "exited with 1");
	pass(scene, 4);
	wait_until_idle(scene);
	assert_int_equal(count_calls(), 1);
	pass(scene, 1);
	wait_until_idle(scene);
	assert_int_equal(count_calls(), 2);
	pass(scene, 9);
	wait_until_idle(scene);
	assert_int_equal(count_calls(), 2);
	assert_int_equal(mknod("go", S_IFREG | 0600, 0), 0);
	assert_true(delivery_has_key(peer->delivery));
	pass(scene, 1);
	wait_until_idle(scene);
	assert_int_equal(sink(peer)->state, SINK_DELIVERED);
	assert_int_equal(sink(peer)->attempts, 3);
	assert_int_equal(sink(peer)->failures, 2);
	assert_false(delivery_has_key(peer->delivery));
	pass(scene, 600);
	wait_until_idle(scene);
	assert_int_equal(count_calls(), 3);
}

/* A newer key waits for the running program, whose outcome does not matter any more. */
static void test_newer_key(void **state)
{
	struct scene *scene = *state;
	struct recipient *peer =
		add(scene, 0, "bob", "cat >>log; while [ ! -e go ]; do sleep 0.01; done; exit 1");

	recipient_give(peer, 1);
	wait_for(scene, 2);
	recipient_give(peer, 2);
	recipient_give(peer, 3);
	pass(scene, 1);
	assert_int_equal(count_calls(), 2);
	assert_int_equal(mknod("go", S_IFREG | 0600, 0), 0);
	wait_for(scene, 4);
	assert_non_null(strstr(read_log(), "AQEBAQEBAQEB"));
	assert_null(strstr(read_log(), "AgICAgICAgIC"));
	assert_non_null(strstr(read_log(), "AwMDAwMDAwMD"));
	wait_until_idle(scene);
	assert_int_equal(sink(peer)->failures, 1);
	assert_int_equal(sink(peer)->attempts, 1);
}

/* Calls that are due are made, programs have fifteen seconds, then SIGTERM, and five more before SIGKILL. */
static void test_stop(void **state)
{
	struct scene *scene = *state;

	give(add(scene, 0, "bob", ":"));
	give(add(scene, 1, "deaf", "trap '' TERM; for i in $(seq 300); do sleep 0.1; done"));
	wait_for(scene, 2);
	recipient_retire(&scene->peers[0]);
	stop(scene, false);
	wait_for(scene, 3);
	assert_non_null(strstr(read_log(), "bob stale\n"));
	pass(scene, 14);
	assert_true(is_busy(scene));
	pass(scene, 1);
	pass(scene, 5);
	wait_until_idle(scene);
	assert_int_equal(count_calls(), 3);
	assert_string_equal(sink(&scene->peers[1])->error, "did not end in time when the daemon stopped");
}

/* No call is started after that time. */
static void test_stop_at_once(void **state)
{
	struct scene *scene = *state;

	give(add(scene, 0, "bob", "exec sleep 1000"));
	turn(scene);
	wait_for(scene, 1);
	recipient_retire(&scene->peers[0]);
	stop(scene, false);
	stop(scene, true);
	assert_true(is_busy(scene));
	wait_until_idle(scene);
	assert_string_equal(read_log(), "bob exchanged\n");
}

static bool is_never_blocked(const struct command_call *call)
{
	(void)call;
	return false;
}

static void do_nothing(struct command_call *call)
{
	(void)call;
}

/* The daemon does not wait for a process that cannot be killed. */
static void test_stuck_in_the_kernel(void **state)
{
	struct scene *scene = *state;
	struct command_queue *queue = scene->fixture.env.commands;
	struct command_call call = { .is_running = true,
		                     .is_blocked = is_never_blocked,
		                     .start = do_nothing,
		                     .stop = do_nothing,
		                     .end = do_nothing,
		                     .settle = do_nothing };

	command_queue_add(queue, &call);
	stop(scene, true);
	pass(scene, 10);
	assert_true(is_busy(scene));
	pass(scene, 1);
	assert_false(is_busy(scene));
	command_queue_remove(queue, &call);
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
		cmocka_unit_test_setup_teardown(test_retry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newer_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stuck_in_the_kernel, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
