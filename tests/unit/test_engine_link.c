#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "monitor/engine_link.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* The test is the engine process, at the other end of the channel. */
struct scene {
	struct loop *loop;
	struct engine_link *link;
	int engine;
	int seen[CHANNEL_SILENCE + 1]; /* by the kind of event */
	struct peer_ref ref;           /* of the last event */
	int losses;
	enum engine_link_loss loss;
};

static void note(void *owner, uint32_t kind, struct peer_ref ref)
{
	struct scene *scene = owner;

	scene->seen[kind]++;
	scene->ref = ref;
}

static const struct peer_ref none;

#define NOTE(name, kind, type)                                         \
	static void name(void *owner, struct peer_ref ref, type value) \
	{                                                              \
		(void)value;                                           \
		note(owner, kind, ref);                                \
	}

NOTE(on_key, CHANNEL_KEY, const struct channel_key *)
NOTE(on_stale, CHANNEL_STALE, const struct channel_key *)
NOTE(on_moved, CHANNEL_MOVED, const union address_socket *)
NOTE(on_silence, CHANNEL_SILENCE, const struct channel_silence *)
NOTE(on_failed, CHANNEL_PEER_FAILED, int)
NOTE(on_rejected, CHANNEL_REJECTED, const struct channel_rejected *)
NOTE(on_peer_report, CHANNEL_PEER_REPORT, const struct channel_peer_report *)

static void on_unanswered(void *owner, struct peer_ref ref)
{
	note(owner, CHANNEL_TIMED_OUT, ref);
}

static void on_ready(void *owner, const struct channel_ready *ready)
{
	(void)ready;
	note(owner, CHANNEL_READY, none);
}

static void on_report_end(void *owner, const struct channel_report *report)
{
	(void)report;
	note(owner, CHANNEL_REPORT_END, none);
}

static void on_begun(void *owner)
{
	note(owner, CHANNEL_BEGUN, none);
}

static void on_alive(void *owner)
{
	note(owner, CHANNEL_PONG, none);
}

static void on_lost(void *owner, enum engine_link_loss loss)
{
	struct scene *scene = owner;

	scene->losses++;
	scene->loss = loss;
}

static const struct engine_link_events events = {
	.ready = on_ready,
	.begun = on_begun,
	.key = on_key,
	.stale = on_stale,
	.moved = on_moved,
	.unanswered = on_unanswered,
	.silence = on_silence,
	.failed = on_failed,
	.rejected = on_rejected,
	.peer_report = on_peer_report,
	.report_end = on_report_end,
	.alive = on_alive,
	.lost = on_lost,
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	int pair[2];

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open_simulated(&scene->loop, CLOCK_SECOND_NS), 0);
	assert_int_equal(channel_open(pair), 0);
	scene->engine = pair[1];
	assert_int_equal(engine_link_open(&scene->link, scene->loop, pair[0], &events, scene), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	engine_link_close(scene->link);
	if (scene->engine >= 0)
		(void)close(scene->engine);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

static void turn(struct scene *scene)
{
	assert_int_equal(loop_turn(scene->loop), 0);
}

static struct channel_event sound_event(uint32_t kind)
{
	struct channel_event event;

	memset(&event, 0, sizeof event);
	event.kind = kind;
	event.slot = 3;
	event.serial = 7;
	if (kind == CHANNEL_MOVED)
		event.moved.any.sa_family = AF_INET;
	if (kind == CHANNEL_SILENCE)
		event.silence.since_ns = 1;
	if (kind == CHANNEL_REJECTED) {
		event.rejected.from.any.sa_family = AF_INET6;
		event.rejected.count = 1;
	}
	return event;
}

/* false: there is no room. */
static bool try_to_say(struct scene *scene, uint32_t kind)
{
	const struct channel_event event = sound_event(kind);

	return send(scene->engine, &event, sizeof event, MSG_DONTWAIT) == (ssize_t)sizeof event;
}

static void say(struct scene *scene, uint32_t kind)
{
	assert_true(try_to_say(scene, kind));
	turn(scene);
}

/* The next request that the engine process gets; kind 0: none. */
static struct channel_request hear(struct scene *scene, int *fd)
{
	struct channel_request request;
	int other = -1;

	memset(&request, 0, sizeof request);
	if (channel_receive_request(scene->engine, &request, fd != NULL ? fd : &other) != 1)
		memset(&request, 0, sizeof request);
	if (other >= 0)
		(void)close(other);
	return request;
}

/* --- requests -------------------------------------------------------------------------- */

static void test_each_request(void **state)
{
	struct scene *scene = *state;
	const struct peer_ref ref = { 3, 7 };
	struct channel_peer peer = { .label = "peer bob" };
	struct channel_addresses addresses = { .count = 1, .forget = 1 };
	static const uint32_t kinds[] = {
		CHANNEL_CHANGE_PEER, CHANNEL_REMOVE_PEER, CHANNEL_SET_ADDRESSES,
		CHANNEL_RESTORE,     CHANNEL_INITIATE,    CHANNEL_DELIVERED,
	};
	struct channel_request request;
	int fd = -1;

	addresses.list[0].any.sa_family = AF_INET;
	engine_link_add_peer(scene->link, ref, &peer, scene->engine);
	request = hear(scene, &fd);
	assert_int_equal(request.kind, CHANNEL_ADD_PEER);
	assert_int_equal(request.serial, 7);
	assert_string_equal(request.peer.label, "peer bob");
	assert_true(fd >= 0);
	(void)close(fd);
	engine_link_change_peer(scene->link, ref, &peer);
	engine_link_remove_peer(scene->link, ref);
	engine_link_set_addresses(scene->link, ref, &addresses);
	engine_link_restore(scene->link, ref, &addresses.list[0]);
	engine_link_initiate(scene->link, ref);
	engine_link_delivered(scene->link, ref);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		request = hear(scene, NULL);
		assert_int_equal(request.kind, kinds[i]);
		assert_int_equal(request.slot, 3);
		assert_int_equal(request.serial, 7);
		if (kinds[i] == CHANNEL_SET_ADDRESSES)
			assert_memory_equal(&request.addresses, &addresses, sizeof addresses);
		if (kinds[i] == CHANNEL_RESTORE)
			assert_int_equal(request.addresses.count, 1);
	}
	engine_link_network_changed(scene->link);
	assert_int_equal(hear(scene, NULL).kind, CHANNEL_NETWORK_CHANGED);
	engine_link_add_socket(scene->link, 2, AF_INET6, scene->engine);
	request = hear(scene, &fd);
	assert_int_equal(request.kind, CHANNEL_ADD_SOCKET);
	assert_int_equal(request.slot, 2);
	assert_int_equal(request.family, AF_INET6);
	assert_true(fd >= 0);
	(void)close(fd);
	engine_link_drop_socket(scene->link, 2);
	assert_int_equal(hear(scene, NULL).kind, CHANNEL_DROP_SOCKET);
	engine_link_begin(scene->link);
	assert_int_equal(hear(scene, NULL).kind, CHANNEL_BEGIN);
	engine_link_ask_report(scene->link);
	assert_int_equal(hear(scene, NULL).kind, CHANNEL_REPORT);
	engine_link_stop(scene->link);
	assert_int_equal(hear(scene, NULL).kind, CHANNEL_STOP);
	/* That was the last word. */
	engine_link_initiate(scene->link, ref);
	assert_int_equal(hear(scene, NULL).kind, 0);
	assert_int_equal(scene->losses, 0);
}

/* Sends until some wait; all have their own serial. Returns how many were sent. */
static uint32_t fill(struct scene *scene, size_t queued)
{
	const struct channel_peer peer = { .has_psk = 1 };
	uint32_t serial = 0;

	while (engine_link_queued(scene->link) < queued) {
		engine_link_add_peer(scene->link, (struct peer_ref){ 1, ++serial }, &peer, scene->engine);
		assert_true(serial < 1000000);
	}
	return serial;
}

/* Nothing waits for an engine process that does not read, and nothing is lost or comes in another order. */
static void test_requests_wait_in_order(void **state)
{
	struct scene *scene = *state;
	uint32_t last = fill(scene, 10);
	uint32_t next = 1;

	while (next <= last) {
		int fd = -1;
		struct channel_request request = hear(scene, &fd);

		if (request.kind == 0) {
			turn(scene);
			continue;
		}
		assert_int_equal(request.serial, next++);
		assert_true(fd >= 0);
		(void)close(fd);
		/* A later one does not overtake those that wait. */
		if (next == 3)
			engine_link_initiate(scene->link, (struct peer_ref){ 1, last + 1 });
	}
	turn(scene);
	assert_int_equal(hear(scene, NULL).serial, last + 1);
	assert_int_equal(engine_link_queued(scene->link), 0);
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 0);
}

/* One message in 20 seconds is not enough. */
static void test_slow_reader_is_lost(void **state)
{
	struct scene *scene = *state;

	(void)fill(scene, 10);
	for (int i = 0; i < 3 && scene->losses == 0; i++) {
		int fd = -1;

		(void)hear(scene, &fd);
		(void)close(fd);
		turn(scene);
		loop_advance(scene->loop, 20 * CLOCK_SECOND_NS);
	}
	assert_int_equal(scene->losses, 1);
	assert_int_equal(scene->loss, ENGINE_LINK_DEAF);
	assert_int_equal(engine_link_queued(scene->link), 0);
}

/* More requests have more time. */
static void test_many_requests_have_time(void **state)
{
	struct scene *scene = *state;

	(void)fill(scene, 100);
	loop_advance(scene->loop, 50 * CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 0);
	loop_advance(scene->loop, 10 * CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 1);
}

static void test_stop_drops_what_waits(void **state)
{
	struct scene *scene = *state;

	(void)fill(scene, 10);
	engine_link_stop(scene->link);
	assert_in_range(engine_link_queued(scene->link), 0, 1);
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 0);
}

/* --- events ------------------------------------------------------------------------------ */

static void test_each_event(void **state)
{
	struct scene *scene = *state;
	static const uint32_t kinds[] = {
		CHANNEL_KEY,     CHANNEL_STALE,       CHANNEL_MOVED,    CHANNEL_TIMED_OUT,
		CHANNEL_SILENCE, CHANNEL_PEER_FAILED, CHANNEL_REJECTED,
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		say(scene, kinds[i]);
		assert_int_equal(scene->seen[kinds[i]], 1);
		assert_int_equal(scene->ref.slot, 3);
		assert_int_equal(scene->ref.serial, 7);
	}
}

/* An answer counts if there was a question. */
static void test_answers_to_no_question(void **state)
{
	struct scene *scene = *state;
	static const uint32_t answers[] = { CHANNEL_BEGUN, CHANNEL_PONG, CHANNEL_REPORT_END,
		                            CHANNEL_PEER_REPORT };

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		say(scene, answers[i]);
		assert_int_equal(scene->seen[answers[i]], 0);
	}
	engine_link_begin(scene->link);
	engine_link_ask_report(scene->link);
	engine_link_watch(scene->link, CLOCK_SECOND_NS);
	loop_advance(scene->loop, 1);
	say(scene, CHANNEL_PEER_REPORT);
	assert_int_equal(scene->seen[CHANNEL_PEER_REPORT], 1);
	for (int times = 0; times < 2; times++) {
		say(scene, CHANNEL_BEGUN);
		say(scene, CHANNEL_PONG);
		say(scene, CHANNEL_REPORT_END);
		say(scene, CHANNEL_READY);
		assert_int_equal(scene->seen[CHANNEL_BEGUN], 1);
		assert_int_equal(scene->seen[CHANNEL_PONG], 1);
		assert_int_equal(scene->seen[CHANNEL_REPORT_END], 1);
		assert_int_equal(scene->seen[CHANNEL_READY], 1);
	}
}

static void test_lies(void **state)
{
	struct scene *scene = *state;
	struct channel_event event = sound_event(CHANNEL_KEY);

	event.key.dialect = 99;
	assert_int_equal(send(scene->engine, &event, sizeof event, 0), (ssize_t)sizeof event);
	assert_true(try_to_say(scene, CHANNEL_STALE));
	turn(scene);
	turn(scene);
	assert_int_equal(scene->losses, 1);
	assert_int_equal(scene->loss, ENGINE_LINK_LIES);
	/* It is not listened to any more, nor told of anything. */
	assert_int_equal(scene->seen[CHANNEL_STALE], 0);
	engine_link_initiate(scene->link, (struct peer_ref){ 1, 1 });
	assert_int_equal(hear(scene, NULL).kind, 0);
}

static void test_short_message(void **state)
{
	struct scene *scene = *state;
	static const uint8_t bytes[sizeof(struct channel_event) - 1] = { CHANNEL_PONG };

	assert_int_equal(send(scene->engine, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
	turn(scene);
	assert_int_equal(scene->loss, ENGINE_LINK_LIES);
}

static void test_long_message(void **state)
{
	struct scene *scene = *state;
	static const uint8_t bytes[sizeof(struct channel_event) + 1] = { CHANNEL_PONG };

	assert_int_equal(send(scene->engine, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
	turn(scene);
	assert_int_equal(scene->loss, ENGINE_LINK_LIES);
}

/* A request to an engine process that has ended does not call back within itself. */
static void test_end(void **state)
{
	struct scene *scene = *state;

	(void)close(scene->engine);
	scene->engine = -1;
	engine_link_initiate(scene->link, (struct peer_ref){ 1, 1 });
	assert_int_equal(scene->losses, 0);
	assert_int_equal(engine_link_loss(scene->link), ENGINE_LINK_ENDED);
	loop_advance(scene->loop, 1);
	assert_int_equal(scene->losses, 1);
	assert_int_equal(scene->loss, ENGINE_LINK_ENDED);
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 1);
}

static void test_silent_after_stop(void **state)
{
	struct scene *scene = *state;

	engine_link_stop(scene->link);
	say(scene, CHANNEL_KEY);
	assert_int_equal(scene->seen[CHANNEL_KEY], 0);
	(void)close(scene->engine);
	scene->engine = -1;
	turn(scene);
	loop_advance(scene->loop, CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 0);
}

/* How many events get through in that many seconds if the channel is always full. */
static int flood(struct scene *scene, uint32_t kind, unsigned seconds)
{
	int before = scene->seen[kind];

	for (unsigned i = 0; i < 10 * seconds; i++) {
		for (int turns = 0; turns < 50; turns++) {
			while (try_to_say(scene, kind))
				;
			turn(scene);
		}
		loop_advance(scene->loop, CLOCK_SECOND_NS / 10);
	}
	return scene->seen[kind] - before;
}

static void test_flood(void **state)
{
	struct scene *scene = *state;

	/* A burst at first, then so many a second. */
	assert_in_range(flood(scene, CHANNEL_REJECTED, 10), 2500, 3500);
	assert_in_range(flood(scene, CHANNEL_REJECTED, 10), 1500, 2500);
	/* Nothing is polled for meanwhile. */
	for (int i = 0; i < 50; i++)
		turn(scene);
	assert_int_equal(scene->losses, 0);
	assert_int_equal(engine_link_poll(scene->link).fd, -1);
	loop_advance(scene->loop, CLOCK_SECOND_NS);
	assert_true(engine_link_poll(scene->link).fd >= 0);
}

/* Reports of many peers were asked for: they are no flood. */
static void test_long_report(void **state)
{
	struct scene *scene = *state;
	int said = 0;

	engine_link_set_peers(scene->link, 20000);
	engine_link_ask_report(scene->link);
	engine_link_set_peers(scene->link, 0);
	while (said < 20000) {
		while (said < 20000 && try_to_say(scene, CHANNEL_PEER_REPORT))
			said++;
		turn(scene);
	}
	for (int i = 0; i < 10; i++)
		turn(scene);
	assert_int_equal(scene->seen[CHANNEL_PEER_REPORT], 20000);
	assert_true(engine_link_poll(scene->link).fd >= 0);
}

/* --- the watchdog ------------------------------------------------------------------------- */

static void test_watchdog(void **state)
{
	struct scene *scene = *state;

	engine_link_watch(scene->link, 20 * CLOCK_SECOND_NS);
	for (int i = 0; i < 100; i++) {
		loop_advance(scene->loop, 20 * CLOCK_SECOND_NS);
		while (hear(scene, NULL).kind == CHANNEL_PING)
			;
		say(scene, CHANNEL_PONG);
	}
	assert_in_range(scene->seen[CHANNEL_PONG], 99, 100);
	assert_int_equal(scene->losses, 0);
	loop_advance(scene->loop, 100 * CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 0);
	loop_advance(scene->loop, 50 * CLOCK_SECOND_NS);
	assert_int_equal(scene->losses, 1);
	assert_int_equal(scene->loss, ENGINE_LINK_HANGS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_request),
		TEST(test_requests_wait_in_order),
		TEST(test_slow_reader_is_lost),
		TEST(test_many_requests_have_time),
		TEST(test_stop_drops_what_waits),
		TEST(test_each_event),
		TEST(test_answers_to_no_question),
		TEST(test_lies),
		TEST(test_short_message),
		TEST(test_long_message),
		TEST(test_end),
		TEST(test_silent_after_stop),
		TEST(test_flood),
		TEST(test_long_report),
		TEST(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
