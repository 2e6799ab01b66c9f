#include <arpa/inet.h>
#include <string.h>

#include "engine/rejects.h"
#include "fixture.h"
#include "system/clock.h"

#define S CLOCK_SECOND_NS
#define ROUNDS 40

static const struct rejects_limits limits = { .burst = 5, .interval_ns = 60 * S, .repeat_ns = 86400 * S };

static struct channel_rejected from_v4(uint32_t host, uint16_t port, uint8_t id)
{
	struct channel_rejected rejected = { .reason = CHANNEL_REJECTED_UNKNOWN, .count = 1 };

	rejected.from.v4.sin_family = AF_INET;
	rejected.from.v4.sin_addr.s_addr = htonl(host);
	rejected.from.v4.sin_port = htons(port);
	memset(rejected.id, id, sizeof rejected.id);
	return rejected;
}

static struct channel_rejected from_v6(const char *address)
{
	struct channel_rejected rejected = from_v4(0, 0, 1);

	memset(&rejected.from, 0, sizeof rejected.from);
	rejected.from.v6.sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, address, &rejected.from.v6.sin6_addr), 1);
	return rejected;
}

static void note(struct rejects *rejects, struct channel_rejected rejected, uint64_t now_ns)
{
	rejects_note(rejects, &rejected, 0, 0, now_ns);
}

/* Tells about all that are due; how many. */
static size_t tell(struct rejects *rejects, uint64_t now_ns)
{
	struct rejects_caller *caller;
	size_t told = 0;

	while ((caller = rejects_next(rejects, &limits, now_ns)) != NULL) {
		rejects_told(rejects, &limits, caller, now_ns);
		told++;
	}
	return told;
}

/* The same caller from another port, or from another address of its /64, is told about once. */
static void test_once_per_source(void **state)
{
	static struct rejects rejects;
	uint64_t now_ns = S;

	(void)state;
	assert_int_equal(tell(&rejects, now_ns), 0);
	for (uint16_t i = 0; i < 1000; i++, now_ns += 45 * S) {
		note(&rejects, from_v4(0x0a000001, i, 7), now_ns);
		note(&rejects, from_v6(i % 2 == 0 ? "2001:db8::1" : "2001:db8::2"), now_ns);
		assert_int_equal(tell(&rejects, now_ns), i == 0 ? 2 : 0);
	}
	assert_int_equal(rejects.count, 2);
	assert_int_equal(rejects.total, 2000);
	assert_int_equal(rejects.callers[0].total, 1000);
	/* Another network, and another peer id behind the same address, are other callers. */
	note(&rejects, from_v6("2001:db8:0:1::1"), now_ns);
	note(&rejects, from_v4(0x0a000001, 1, 8), now_ns);
	assert_int_equal(tell(&rejects, now_ns), 2);
	/* A day later it still calls: once more. */
	now_ns = S + 86400 * S;
	note(&rejects, from_v4(0x0a000001, 1, 7), now_ns);
	assert_int_equal(tell(&rejects, now_ns), 1);
}

/* A caller that tries dialects of both hashes shows two ids, and is one caller. */
static void test_two_hashes(void **state)
{
	static struct rejects rejects;
	struct channel_rejected other = from_v4(0x0a000001, 1, 9);

	(void)state;
	other.dialect = ROSENPASS_SHAKE256_156;
	note(&rejects, from_v4(0x0a000001, 1, 7), S);
	note(&rejects, other, S);
	assert_int_equal(rejects.count, 1);
	assert_int_equal(rejects.callers[0].last.id[0], 7);
}

static void test_ids_of_one_source_are_bounded(void **state)
{
	static struct rejects rejects;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		note(&rejects, from_v4(0x0a000001, 1, (uint8_t)i), S);
	assert_int_equal(rejects.count, REJECTS_IDS_PER_SOURCE);
	assert_int_equal(rejects.total, 200);
	/* Others have room. */
	note(&rejects, from_v4(0x0a000002, 1, 1), S);
	assert_int_equal(rejects.count, REJECTS_IDS_PER_SOURCE + 1);
}

/* An hour of many thousand sources: five lines, and one a minute; the table has its bound. */
static void test_flood_is_bounded(void **state)
{
	static struct rejects rejects;
	size_t told = 0;

	(void)state;
	for (uint32_t i = 0; i < 36000; i++) {
		uint64_t now_ns = S + i * (S / 10);

		note(&rejects, from_v4(0x0a000000 + i, 1, (uint8_t)i), now_ns);
		told += tell(&rejects, now_ns);
		assert_true(rejects.count <= REJECTS_CALLERS);
	}
	assert_in_range(told, 60, 65);
	assert_int_equal(rejects.total, 36000);
}

/* How many of ROUNDS floods a caller of its own gets through: it is told about within that many minutes. */
static size_t count_told(uint32_t sources, uint32_t minutes)
{
	size_t good = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct rejects rejects = { 0 };
		bool is_told = false;
		uint32_t random = (uint32_t)round;
		uint32_t call = 5;

		for (uint32_t second = 0; second < minutes * 60 && !is_told; second++) {
			uint64_t now_ns = S + second * S;
			struct rejects_caller *caller;

			for (int i = 0; i < 20; i++) {
				random = random * 1664525 + 1013904223;
				note(&rejects, from_v4(0x0a000000 + (random >> 8) % sources, 1, 1), now_ns);
			}
			/* As an absent peer is asked: every 45 seconds, more or less. */
			if (second == call) {
				note(&rejects, from_v4(0xc0000201, 1, 2), now_ns);
				call += 40 + (random >> 8) % 10;
			}
			while ((caller = rejects_next(&rejects, &limits, now_ns)) != NULL) {
				is_told |= caller->last.id[0] == 2;
				rejects_told(&rejects, &limits, caller, now_ns);
			}
		}
		good += is_told;
	}
	return good;
}

/* One stranger with many messages, some strangers, and so many that each pushes another out. */
static void test_flood_is_fair(void **state)
{
	(void)state;
	assert_int_equal(count_told(1, 1), ROUNDS);
	assert_int_equal(count_told(30, 60), ROUNDS);
	/* Not kept out for ever: a quarter of the rounds. */
	assert_true(count_told(1000000, 240) > 0);
}

/* A table full of callers: one who has stopped makes room for a new one, else chance decides. */
static void test_room(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		static struct rejects rejects;
		struct channel_rejected late = from_v4(0x0b000000, 1, 1);
		size_t others = 0;

		memset(&rejects, 0, sizeof rejects);
		for (uint32_t i = 0; i < REJECTS_CALLERS; i++)
			note(&rejects, from_v4(0x0a000000 + i, 1, 1), i == 7 ? S : S + REJECTS_FRESH_NS);
		note(&rejects, late, S + REJECTS_FRESH_NS + 1);
		assert_true(address_equal(&rejects.callers[7].last.from, &late.from));
		/* Now all are fresh: it is not always the oldest one who goes. */
		for (uint32_t i = 0; i < REJECTS_CALLERS; i++) {
			late = from_v4(0x0c000000 + i, 1, 1);
			note(&rejects, late, S + REJECTS_FRESH_NS + 2 + i);
		}
		for (uint32_t i = 0; i < REJECTS_CALLERS; i++)
			others += ntohl(rejects.callers[i].last.from.v4.sin_addr.s_addr) >> 24 != 0x0c;
		assert_true(others > 0);
	}
}

/* The calls of one caller add up until they are told, and from there on anew. */
static void test_counts(void **state)
{
	static struct rejects rejects;

	(void)state;
	for (int i = 0; i < 3; i++)
		note(&rejects, from_v4(0x0a000001, 1, 1), S);
	assert_int_equal(rejects.count, 1);
	assert_int_equal(rejects.callers[0].last.count, 3);
	assert_int_equal(rejects.callers[0].total, 3);
	assert_int_equal(tell(&rejects, S), 1);
	note(&rejects, from_v4(0x0a000001, 1, 1), 2 * S);
	assert_int_equal(rejects.callers[0].last.count, 1);
	assert_int_equal(rejects.callers[0].total, 4);
	assert_int_equal(rejects.total, 4);
}

/* Whoever has stopped calling is not told about when a token comes. */
static void test_old_news(void **state)
{
	static struct rejects rejects;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		note(&rejects, from_v4(0x0a000000 + i, 1, 1), S);
	assert_int_equal(tell(&rejects, S), 5);
	assert_int_equal(tell(&rejects, S + 59 * S), 0);
	assert_int_equal(tell(&rejects, S + 61 * S), 1);
	assert_int_equal(tell(&rejects, S + 3600 * S), 0);
}

static void test_forgets_a_peer(void **state)
{
	static struct rejects rejects;
	struct channel_rejected rejected = from_v4(0x0a000001, 1, 1);

	(void)state;
	rejects_note(&rejects, &rejected, 3, 7, S);
	rejects_note(&rejects, &rejected, 4, 8, S);
	assert_int_equal(tell(&rejects, S), 2);
	rejects_forget_peer(&rejects, 7);
	assert_int_equal(rejects.count, 1);
	assert_int_equal(rejects.callers[0].serial, 8);
	rejects_forget_peer(&rejects, 8);
	assert_int_equal(rejects.count, 0);
	rejects_note(&rejects, &rejected, 4, 8, S);
	assert_int_equal(tell(&rejects, S), 1);
	/* Wrong again after it was right: news. */
	rejects_note(&rejects, &rejected, 3, 7, 2 * S);
	assert_int_equal(tell(&rejects, 2 * S), 1);
}

/* Those whom nobody knows have no serial. A peer without one takes none of them along. */
static void test_keeps_strangers(void **state)
{
	static struct rejects rejects;
	struct channel_rejected rejected = from_v4(0x0a000001, 1, 1);

	(void)state;
	rejects_note(&rejects, &rejected, 0, 0, S);
	rejects_forget_peer(&rejects, 0);
	assert_int_equal(rejects.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_per_source),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_two_hashes),
		cmocka_unit_test(test_ids_of_one_source_are_bounded),
		cmocka_unit_test(test_flood_is_bounded),
		cmocka_unit_test(test_flood_is_fair),
		cmocka_unit_test(test_old_news),
		cmocka_unit_test(test_forgets_a_peer),
		cmocka_unit_test(test_keeps_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
