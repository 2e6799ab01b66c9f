/* When WireGuard calls after the first key, and when a silent tunnel asks for a new one. */

#include "delivery/tunnel_watch.h"
#include "fixture.h"

#define S UINT64_C(1000000000)
#define START_NS (1000 * S)
#define NEVER TUNNEL_WATCH_NEVER

/* Looks in the order of time, in tenths of a second since the start. */
struct step {
	uint64_t at;
	uint64_t sent, received, handshake; /* in all */
	bool should_call, has_many, is_random;
	bool asks;
	uint64_t again; /* when to look again, likewise; NEVER */
};

static void run(struct tunnel_watch *watch, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct tunnel_watch_look look = {
			.now_ns = START_NS + steps[i].at * (S / 10),
			.is_exchanged = !steps[i].is_random,
			.has_many = steps[i].has_many,
			.should_call = steps[i].should_call,
			.last_handshake_seconds = steps[i].handshake,
			.received_bytes = steps[i].received,
			.sent_bytes = steps[i].sent,
		};
		struct tunnel_watch_result result = tunnel_watch_look(watch, &look);
		uint64_t again_ns = steps[i].again == NEVER ? NEVER : START_NS + steps[i].again * (S / 10);

		if (result.asks != steps[i].asks || result.again_ns != again_ns)
			fail_msg("step %zu: asks %d, again after %lld ns", i, result.asks,
			         (long long)(result.again_ns - START_NS));
	}
}

#define RUN(watch, ...)                                    \
	run((watch), (const struct step[]){ __VA_ARGS__ }, \
	    sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))

/* The initiator sets its key a moment later, and calls with it. */
static void test_initiator(void **state)
{
	struct tunnel_watch watch = { 0 };

	(void)state;
	assert_int_equal(tunnel_watch_first_key(&watch, false, 7, START_NS), START_NS + S / 10);
	assert_int_equal(watch.speak_ns, START_NS);
	assert_int_equal(watch.handshake_before, 7);
	assert_true(watch.is_call_due);
	tunnel_watch_called(&watch);
	RUN(&watch, { .at = 1, .again = 11 }, { .at = 11, .should_call = true, .again = NEVER });
	assert_false(watch.is_call_due);
}

/* The responder sets its key at once, and waits for the call of the other side. */
static void test_responder(void **state)
{
	struct tunnel_watch watch = { 0 };

	(void)state;
	assert_int_equal(tunnel_watch_first_key(&watch, true, 0, START_NS), START_NS);
	assert_int_equal(watch.speak_ns, START_NS + S * 7 / 10);
	RUN(&watch, { .at = 0, .should_call = true, .again = 7 },
	    { .at = 6, .should_call = true, .again = 7 }, { .at = 7, .should_call = true, .again = NEVER });
	/* It could not be made to call: that is tried again. */
	assert_true(watch.is_call_due);
	RUN(&watch, { .at = 8, .should_call = false, .again = NEVER });
	assert_false(watch.is_call_due);
}

static void test_silence(void **state)
{
	struct tunnel_watch watch = { 0 };

	(void)state;
	RUN(&watch,
	    /* Traffic in both directions, then nothing at all. */
	    { .at = 0, .sent = 1, .received = 1, .again = 30 },
	    { .at = 30, .sent = 1, .received = 1, .again = NEVER },
	    /* Three looks, and four seconds after the first of them. */
	    { .at = 100, .sent = 2, .received = 1, .again = 110 },
	    { .at = 110, .sent = 3, .received = 1, .again = 120 },
	    { .at = 120, .sent = 4, .received = 1, .again = 130 },
	    { .at = 139, .sent = 5, .received = 1, .again = 149 },
	    { .at = 140, .sent = 5, .received = 1, .again = 150 },
	    { .at = 141, .sent = 6, .received = 1, .asks = true, .again = 151 },
	    /* Not again before 30 seconds have passed. */
	    { .at = 440, .sent = 7, .received = 1, .again = 450 },
	    { .at = 441, .sent = 8, .received = 1, .asks = true, .again = 451 },
	    /* Then twice as long. */
	    { .at = 1040, .sent = 9, .received = 1, .again = 1050 },
	    { .at = 1041, .sent = 10, .received = 1, .asks = true, .again = 1051 },
	    /* Nothing is sent any more. */
	    { .at = 1341, .sent = 10, .received = 1, .again = 1351 },
	    { .at = 1342, .sent = 10, .received = 1, .again = NEVER });
}

/* Each of these ends a silence. */
static void test_alive(void **state)
{
	static const struct step ends[] = {
		{ .at = 50, .sent = 5, .received = 2, .again = 80 },
		{ .at = 50, .sent = 5, .received = 1, .handshake = 9, .again = 80 },
		/* Counters that began with zero again. */
		{ .at = 50, .sent = 3, .received = 1, .again = 80 },
		/* No key that came from an exchange. */
		{ .at = 50, .sent = 5, .received = 1, .is_random = true, .again = NEVER },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(ends); i++) {
		struct tunnel_watch watch = { 0 };

		RUN(&watch, { .at = 0, .sent = 1, .received = 1, .again = 30 },
		    { .at = 1, .sent = 2, .received = 1, .again = 11 },
		    { .at = 11, .sent = 3, .received = 1, .again = 21 },
		    { .at = 21, .sent = 4, .received = 1, .again = 31 });
		run(&watch, &ends[i], 1);
		assert_int_equal(watch.silent_looks, 0);
	}
}

/* A device with many peers is not read more often, but asks all the same. */
static void test_many(void **state)
{
	struct tunnel_watch watch = { 0 };

	(void)state;
	RUN(&watch, { .at = 0, .sent = 1, .received = 1, .has_many = true, .again = NEVER },
	    { .at = 150, .sent = 2, .received = 1, .has_many = true, .again = NEVER },
	    { .at = 300, .sent = 3, .received = 1, .has_many = true, .again = NEVER },
	    { .at = 450, .sent = 4, .received = 1, .has_many = true, .asks = true, .again = NEVER });
}

/* The waits grow to five minutes, and begin with the first again after ten without a question. */
static void test_waits(void **state)
{
	static const uint64_t waits[] = { 30, 60, 120, 240, 300, 300 };
	struct tunnel_watch watch = { 0 };
	uint64_t at = 0;
	uint64_t sent = 1;

	(void)state;
	RUN(&watch, { .at = 0, .sent = 1, .received = 1, .again = 30 });
	for (; sent < 4; sent++, at += 20)
		RUN(&watch,
		    { .at = at, .sent = sent + 1, .received = 1, .asks = sent == 3, .again = at + 10 });
	at -= 20;
	for (size_t i = 0; i < FIXTURE_COUNT(waits); i++) {
		at += 10 * waits[i];
		RUN(&watch, { .at = at - 1, .sent = sent + 2, .received = 1, .again = at + 9 });
		sent += 3;
		RUN(&watch, { .at = at, .sent = sent, .received = 1, .asks = true, .again = at + 10 });
	}
	at += 9001;
	RUN(&watch, { .at = at, .sent = ++sent, .received = 1, .asks = true, .again = at + 10 });
	assert_int_equal(watch.ask_wait_ns, 30 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initiator), cmocka_unit_test(test_responder),
		cmocka_unit_test(test_silence),   cmocka_unit_test(test_alive),
		cmocka_unit_test(test_many),      cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
