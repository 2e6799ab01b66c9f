/* The event loop, with simulated time and with real descriptors, signals and children. */

#include "fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/loop.h"

#define MANY 100000

struct record;

/* What calls callbacks write down, and what one of them does beside. */
struct record {
	struct loop *loop;
	char calls[64];
	size_t count;
};

struct thing {
	struct record *record;
	char name;
	struct loop_timer timer;
	struct loop_io io;
	struct loop_child child;
	struct thing *kills; /* removed and freed by the callback; may be itself */
	uint64_t again_ns;   /* by which the timer is set again; 0: not */
	int status;
};

static void note(struct record *record, char name)
{
	assert_true(record->count < sizeof record->calls - 1);
	record->calls[record->count++] = name;
}

static void check_calls(struct record *record, const char *calls)
{
	record->calls[record->count] = '\0';
	assert_string_equal(record->calls, calls);
	record->count = 0;
}

static void kill_timer(struct thing *thing)
{
	loop_timer_remove(thing->record->loop, &thing->timer);
	memset(thing, 0xff, sizeof *thing);
	free(thing);
}

static void expired(void *owner)
{
	struct thing *thing = owner;

	note(thing->record, thing->name);
	if (thing->again_ns != 0)
		loop_timer_set(thing->record->loop, &thing->timer,
		               loop_now_ns(thing->record->loop) + thing->again_ns - 1);
	if (thing->kills != NULL)
		kill_timer(thing->kills);
}

static struct thing *add_timer(struct record *record, char name, uint64_t at_ns)
{
	struct thing *thing = calloc(1, sizeof *thing);

	assert_non_null(thing);
	*thing = (struct thing){ .record = record, .name = name, .timer = { .expired = expired } };
	thing->timer.owner = thing;
	assert_int_equal(loop_timer_add(record->loop, &thing->timer), 0);
	loop_timer_set(record->loop, &thing->timer, at_ns);
	return thing;
}

static void test_deadlines_in_order(void **state)
{
	struct record record = { 0 };
	struct thing *things[4];

	(void)state;
	assert_int_equal(loop_open_simulated(&record.loop, 1000), 0);
	assert_int_equal(loop_now_ns(record.loop), 1000);
	things[0] = add_timer(&record, 'a', 1300);
	things[1] = add_timer(&record, 'b', 1100);
	things[2] = add_timer(&record, 'c', 1200);
	things[3] = add_timer(&record, 'd', LOOP_NEVER);
	loop_advance(record.loop, 99);
	check_calls(&record, "");
	loop_advance(record.loop, 1);
	check_calls(&record, "b");
	assert_int_equal(loop_now_ns(record.loop), 1100);
	loop_timer_set(record.loop, &things[0]->timer, 1150);
	loop_timer_set(record.loop, &things[3]->timer, 900);
	loop_advance(record.loop, 1000);
	check_calls(&record, "dac");
	assert_int_equal(loop_now_ns(record.loop), 2100);
	/* Each is met once. */
	loop_advance(record.loop, 1000);
	check_calls(&record, "");
	for (size_t i = 0; i < 4; i++)
		kill_timer(things[i]);
	loop_close(record.loop);
}

/* A callback frees its own timer, and one that would have been next. */
static void test_removal_of_timers(void **state)
{
	struct record record = { 0 };
	struct thing *things[3];

	(void)state;
	assert_int_equal(loop_open_simulated(&record.loop, 0), 0);
	things[0] = add_timer(&record, 'a', 10);
	things[0]->kills = things[0];
	things[1] = add_timer(&record, 'b', 20);
	things[2] = add_timer(&record, 'c', 20);
	things[1]->kills = things[2];
	things[2]->kills = things[1];
	loop_advance(record.loop, 20);
	assert_int_equal(record.count, 2);
	assert_int_equal(record.calls[0], 'a');
	kill_timer(record.calls[1] == 'b' ? things[1] : things[2]);
	loop_close(record.loop);
}

/* A timer that wants the present again lets others have their turn. */
static void test_no_starvation(void **state)
{
	struct record record = { 0 };
	struct thing *things[2];

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	things[0] = add_timer(&record, 'a', 0);
	things[0]->again_ns = 1;
	things[1] = add_timer(&record, 'b', 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "abaa");
	kill_timer(things[0]);
	kill_timer(things[1]);
	loop_close(record.loop);
}

struct counter {
	struct loop *loop;
	uint64_t last_ns;
	size_t count;
};

struct many {
	struct loop_timer timer;
	struct counter *counter;
	uint64_t at_ns;
};

static void count_one(void *owner)
{
	struct many *one = owner;

	assert_int_equal(loop_now_ns(one->counter->loop), one->at_ns);
	assert_true(one->at_ns >= one->counter->last_ns);
	one->counter->last_ns = one->at_ns;
	one->counter->count++;
}

static void test_many_timers(void **state)
{
	struct many *many = calloc(MANY, sizeof *many);
	struct counter counter = { 0 };
	uint64_t random = 5;

	(void)state;
	assert_non_null(many);
	assert_int_equal(loop_open_simulated(&counter.loop, 0), 0);
	for (size_t i = 0; i < MANY; i++) {
		many[i].timer.expired = count_one;
		many[i].timer.owner = &many[i];
		many[i].counter = &counter;
		assert_int_equal(loop_timer_add(counter.loop, &many[i].timer), 0);
		loop_timer_set(counter.loop, &many[i].timer, 1);
	}
	for (size_t i = 0; i < MANY; i++) {
		many[i].at_ns = 1 + fixture_below(&random, 1000000);
		loop_timer_set(counter.loop, &many[i].timer, many[i].at_ns);
	}
	for (size_t i = 0; i < MANY; i += 2)
		loop_timer_remove(counter.loop, &many[i].timer);
	loop_advance(counter.loop, 2000000);
	assert_int_equal(counter.count, MANY / 2);
	loop_close(counter.loop);
	free(many);
}

/* Room that was given back is used again, and a loop grows while timers wait. */
static void test_room_for_timers(void **state)
{
	struct record record = { 0 };
	struct thing *things[40];

	(void)state;
	assert_int_equal(loop_open_simulated(&record.loop, 0), 0);
	for (size_t i = 0; i < 40; i++)
		things[i] = add_timer(&record, 'x', 100 - i);
	for (size_t i = 0; i < 40; i += 2)
		kill_timer(things[i]);
	for (size_t i = 0; i < 40; i += 2)
		things[i] = add_timer(&record, 'y', 200);
	loop_advance(record.loop, 150);
	check_calls(&record, "xxxxxxxxxxxxxxxxxxxx");
	for (size_t i = 0; i < 40; i++)
		kill_timer(things[i]);
	loop_close(record.loop);
}

static void kill_io(struct thing *thing)
{
	loop_io_remove(thing->record->loop, &thing->io);
	memset(thing, 0xff, sizeof *thing);
	free(thing);
}

static void ready(void *owner, short revents)
{
	struct thing *thing = owner;
	char byte;

	note(thing->record, thing->name);
	assert_true((revents & POLLIN) != 0);
	assert_int_equal(read(thing->io.fd, &byte, 1), 1);
	if (thing->kills != NULL)
		kill_io(thing->kills);
}

static struct thing *add_io(struct record *record, char name, int fd)
{
	struct thing *thing = calloc(1, sizeof *thing);

	assert_non_null(thing);
	thing->record = record;
	thing->name = name;
	thing->io = (struct loop_io){ .fd = fd, .events = POLLIN, .ready = ready, .owner = thing };
	assert_int_equal(loop_io_add(record->loop, &thing->io), 0);
	return thing;
}

static int other_fd;

static void ready_exchanges(void *owner, short revents)
{
	struct thing *thing = owner;

	(void)revents;
	note(thing->record, thing->name);
	thing->kills->io.fd = other_fd;
}

/* What has become ready was the descriptor that a watcher had. */
static void test_descriptor_exchanged_within(void **state)
{
	struct record record = { 0 };
	struct thing *things[2];
	int pipes[3][2];

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pipe(pipes[i]), 0);
	for (size_t i = 0; i < 2; i++) {
		things[i] = add_io(&record, (char)('a' + i), pipes[i][0]);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
	}
	things[0]->io.ready = ready_exchanges;
	things[0]->kills = things[1];
	other_fd = pipes[2][0];
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "a");
	kill_io(things[0]);
	kill_io(things[1]);
	for (size_t i = 0; i < 6; i++)
		(void)close(pipes[i / 2][i % 2]);
	loop_close(record.loop);
}

static void test_descriptors(void **state)
{
	struct record record = { 0 };
	struct thing *things[3];
	struct thing *nowhere;
	int pipes[3][2];

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		things[i] = add_io(&record, (char)('a' + i), pipes[i][0]);
	}
	nowhere = add_io(&record, 'n', -1);
	assert_int_equal(write(pipes[1][1], "xx", 2), 2);
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "b");
	assert_int_equal(write(pipes[0][1], "x", 1), 1);
	/* Those that were added first come first. */
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "ab");
	/* Without an interest there is no call. */
	things[0]->io.events = 0;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(write(pipes[i][1], "xx", 2), 2);
	things[1]->kills = things[2];
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "b");
	things[1]->kills = things[1];
	things[0]->io.events = POLLIN;
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "ab");
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "a");
	kill_io(things[0]);
	kill_io(nowhere);
	for (size_t i = 0; i < 3; i++) {
		(void)close(pipes[i][0]);
		(void)close(pipes[i][1]);
	}
	loop_close(record.loop);
}

#define ADDED 40

static struct thing *added[ADDED];

static void ready_adds(void *owner, short revents)
{
	struct thing *thing = owner;

	(void)revents;
	note(thing->record, thing->name);
	for (size_t i = 0; i < ADDED; i++)
		added[i] = add_io(thing->record, 'n', -1);
	added[ADDED - 1]->io.fd = thing->io.fd;
	loop_io_remove(thing->record->loop, &thing->io);
}

/* New watchers, for which the lists move, are served from the next turn on. */
static void test_descriptors_added_within(void **state)
{
	struct record record = { 0 };
	struct thing *thing;
	struct thing *second;
	int pipes[2][2];

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	assert_int_equal(pipe(pipes[0]), 0);
	assert_int_equal(pipe(pipes[1]), 0);
	thing = add_io(&record, 'a', pipes[0][0]);
	second = add_io(&record, 'b', pipes[1][0]);
	thing->io.ready = ready_adds;
	assert_int_equal(write(pipes[0][1], "x", 1), 1);
	assert_int_equal(write(pipes[1][1], "x", 1), 1);
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "ab");
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "n");
	for (size_t i = 0; i < ADDED; i++)
		kill_io(added[i]);
	free(thing);
	free(second);
	for (size_t i = 0; i < 4; i++)
		(void)close(pipes[i / 2][i % 2]);
	loop_close(record.loop);
}

static void exited(void *owner, int status)
{
	struct thing *thing = owner;

	note(thing->record, thing->name);
	thing->status = status;
	if (thing->kills != NULL)
		loop_child_remove(thing->record->loop, &thing->kills->child);
}

static void caught(void *owner, int number)
{
	note(owner, number == SIGCHLD ? 'C' : number == SIGUSR1 ? 'U' : '?');
}

static void start_child(struct thing *thing, struct record *record, char name, int code)
{
	*thing = (struct thing){ .record = record, .name = name, .child = { .exited = exited } };
	thing->child.owner = thing;
	thing->child.pid = fork();
	assert_true(thing->child.pid >= 0);
	if (thing->child.pid == 0)
		_exit(code);
}

static void wait_unreaped(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void test_children(void **state)
{
	struct record record = { 0 };
	struct thing first;
	struct thing second;
	struct thing other;

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	/* It has ended, and its signal was lost, before anybody watches. */
	start_child(&first, &record, 'a', 3);
	wait_unreaped(first.child.pid);
	assert_int_equal(loop_child_add(record.loop, &first.child), 0);
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "a");
	assert_true(WIFEXITED(first.status) && WEXITSTATUS(first.status) == 3);
	assert_int_equal(waitpid(first.child.pid, NULL, WNOHANG), -1);

	assert_int_equal(loop_catch(record.loop, SIGCHLD, caught, &record), 0);
	start_child(&other, &record, 'x', 0);
	start_child(&second, &record, 'b', 4);
	assert_int_equal(loop_child_add(record.loop, &second.child), 0);
	wait_unreaped(other.child.pid);
	wait_unreaped(second.child.pid);
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "bC");
	assert_int_equal(WEXITSTATUS(second.status), 4);
	/* A child without a watcher stays for whoever started it. */
	assert_int_equal(waitpid(other.child.pid, NULL, WNOHANG), other.child.pid);
	loop_close(record.loop);
}

/* After a child has been looked at once, the loop waits again. */
static void test_waits_with_children(void **state)
{
	struct record record = { 0 };
	struct thing *timer;
	struct thing child;

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	start_child(&child, &record, 'a', 0);
	assert_int_equal(loop_child_add(record.loop, &child.child), 0);
	while (record.count == 0)
		assert_int_equal(loop_turn(record.loop), 0);
	timer = add_timer(&record, 't', clock_now_ns() + FIXTURE_SECOND_NS / 10);
	/* The signal of the child, if it is not read yet, and the deadline. */
	for (int i = 0; i < 2 && record.count < 2; i++)
		assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "at");
	kill_timer(timer);
	loop_close(record.loop);
}

static void test_children_that_are_not_ours(void **state)
{
	struct record record = { 0 };
	struct thing first;
	struct thing second;

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	start_child(&first, &record, 'a', 0);
	start_child(&second, &record, 'b', 0);
	assert_int_equal(loop_child_add(record.loop, &first.child), 0);
	assert_int_equal(loop_child_add(record.loop, &second.child), 0);
	first.kills = &second;
	assert_int_equal(waitpid(first.child.pid, NULL, 0), first.child.pid);
	wait_unreaped(second.child.pid);
	assert_int_equal(loop_turn(record.loop), 0);
	/* Somebody reaped the first; the second was removed by its callback. */
	assert_int_equal(first.status, LOOP_STATUS_UNKNOWN);
	check_calls(&record, "a");
	assert_int_equal(waitpid(second.child.pid, NULL, 0), second.child.pid);
	loop_close(record.loop);
}

static void test_signals(void **state)
{
	struct record record = { 0 };

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	assert_int_equal(loop_catch(record.loop, SIGUSR1, caught, &record), 0);
	assert_int_equal(loop_catch(record.loop, SIGUSR2, caught, &record), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "U");
	assert_int_equal(raise(SIGUSR2), 0);
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "?");
	loop_close(record.loop);
}

/* The clock of the machine; a tenth of a second at most is allowed for being woken. */
static void test_real_time(void **state)
{
	struct record record = { 0 };
	uint64_t begin_ns = clock_now_ns();
	struct thing *things[2];

	(void)state;
	assert_int_equal(loop_open(&record.loop), 0);
	things[0] = add_timer(&record, 'a', begin_ns + FIXTURE_SECOND_NS / 50);
	things[1] = add_timer(&record, 'b', begin_ns + FIXTURE_SECOND_NS / 25);
	while (record.count < 2)
		assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "ab");
	assert_true(loop_now_ns(record.loop) >= begin_ns + FIXTURE_SECOND_NS / 25);
	/* A deadline that has been put off does not wake us. */
	loop_timer_set(record.loop, &things[0]->timer, clock_now_ns() + FIXTURE_SECOND_NS / 50);
	loop_timer_set(record.loop, &things[0]->timer, LOOP_NEVER);
	loop_timer_set(record.loop, &things[1]->timer, clock_now_ns() + FIXTURE_SECOND_NS / 25);
	assert_int_equal(loop_turn(record.loop), 0);
	check_calls(&record, "b");
	kill_timer(things[0]);
	kill_timer(things[1]);
	loop_close(record.loop);
}

/* The time stands still until it is asked for; a simulated one is moved by tests alone. */
static void test_refresh(void **state)
{
	struct loop *loop;
	uint64_t begin_ns;

	(void)state;
	assert_int_equal(loop_open(&loop), 0);
	begin_ns = loop_now_ns(loop);
	while (clock_now_ns() == begin_ns)
		;
	assert_true(loop_now_ns(loop) == begin_ns);
	loop_refresh(loop);
	assert_true(loop_now_ns(loop) > begin_ns);
	loop_close(loop);
	assert_int_equal(loop_open_simulated(&loop, 7), 0);
	loop_refresh(loop);
	assert_true(loop_now_ns(loop) == 7);
	loop_close(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadlines_in_order),
		cmocka_unit_test(test_removal_of_timers),
		cmocka_unit_test(test_no_starvation),
		cmocka_unit_test(test_many_timers),
		cmocka_unit_test(test_room_for_timers),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_descriptor_exchanged_within),
		cmocka_unit_test(test_descriptors_added_within),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_waits_with_children),
		cmocka_unit_test(test_children_that_are_not_ours),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_real_time),
		cmocka_unit_test(test_refresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
