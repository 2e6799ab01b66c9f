/* When WireGuard's last handshake was, with wall clocks that are set back and forward. */

#include "fixture.h"

#include "delivery/handshake.h"

#define NEVER UINT64_MAX

/* What WireGuard says at one look, and the age that comes of it; all in seconds. */
struct look {
	uint64_t boot;
	uint64_t wall;
	uint64_t told;
	uint64_t age;
};

static void check_looks(const char *what, const struct look *looks, size_t count)
{
	struct handshake handshake = { 0 };

	for (size_t i = 0; i < count; i++) {
		uint64_t age = 0;
		bool had_one;

		handshake_note(&handshake, looks[i].told, looks[i].wall, looks[i].boot);
		had_one = handshake_age(&handshake, looks[i].boot, &age);
		if (had_one != (looks[i].age != NEVER) || (had_one && age != looks[i].age))
			fail_msg("%s, look %zu: %s, %llu seconds ago, not %lld", what, i,
			         had_one ? "one" : "none", (unsigned long long)age, (long long)looks[i].age);
	}
}

#define CHECK(what, ...)                                            \
	do {                                                        \
		static const struct look looks[] = { __VA_ARGS__ }; \
		check_looks(what, looks, FIXTURE_COUNT(looks));     \
	} while (0)

static void test_right_clock(void **state)
{
	(void)state;
	CHECK("no handshake", { 100, 5000, 0, NEVER }, { 110, 5010, 0, NEVER });
	CHECK("one, and the next", { 1000, 5000, 4900, 100 }, { 1010, 5010, 4900, 110 },
	      { 1020, 5020, 5015, 5 }, { 1200, 5200, 5015, 185 });
	CHECK("the device was made again", { 1000, 5000, 4900, 100 }, { 1010, 5010, 0, NEVER },
	      { 1020, 5020, 5018, 2 });
	CHECK("three seconds after the last", { 1000, 5000, 4990, 10 }, { 1010, 5010, 4993, 10 });
	CHECK("the machine has slept", { 1000, 5000, 4990, 10 }, { 9000, 13000, 4990, 8010 });
	CHECK("before the system started: as long as it runs", { 50, 5000, 4000, 50 });
}

/* A look from before the handshake was noted. */
static void test_no_age_below_zero(void **state)
{
	struct handshake handshake = { 0 };
	uint64_t age = NEVER;

	(void)state;
	handshake_note(&handshake, 5000, 5000, 1000);
	assert_true(handshake_age(&handshake, 999, &age));
	assert_int_equal(age, 0);
}

static void test_set_back(void **state)
{
	(void)state;
	/* The kernel's time of it lies ahead now. It gets old all the same. */
	CHECK("after a handshake", { 1000, 5000, 4990, 10 }, { 1010, 2010, 4990, 20 },
	      { 1200, 2200, 4990, 210 });
	CHECK("handshakes after that", { 1000, 5000, 4990, 10 }, { 1010, 2010, 4990, 20 },
	      { 1020, 2020, 2015, 5 }, { 1300, 2300, 2015, 285 });
	CHECK("between a handshake and the look", { 1000, 5000, 4990, 10 }, { 1010, 2010, 5005, 0 },
	      { 1300, 2300, 5005, 290 });
	/* Nothing is known but that it was. */
	CHECK("before the first look", { 1000, 2000, 5000, 0 }, { 1181, 2181, 5000, 181 });
}

static void test_set_forward(void **state)
{
	(void)state;
	CHECK("after a handshake", { 1000, 5000, 4990, 10 }, { 1010, 95010, 4990, 20 });
	CHECK("handshakes after that", { 1000, 5000, 4990, 10 }, { 1010, 95010, 95008, 2 });
	/* It was after the last look, though the clock says a day ago. */
	CHECK("between a handshake and the look", { 1000, 5000, 4990, 10 }, { 1010, 95010, 5005, 10 },
	      { 1020, 95020, 5005, 20 });
	CHECK("back and forward", { 1000, 5000, 4990, 10 }, { 1010, 10, 4990, 20 }, { 1020, 5020, 4990, 30 });
}

/* Programs that tell how long ago it was, from which a time is made with the present clock. */
static void test_counted_back(void **state)
{
	(void)state;
	CHECK("its time is another one by a second", { 1000, 5000, 4900, 100 }, { 1010, 5010, 4901, 110 },
	      { 1020, 5020, 4899, 120 }, { 1030, 5030, 4900, 130 });
	CHECK("the clock is set back", { 1000, 5000, 4900, 100 }, { 1010, 2010, 1900, 110 },
	      { 1020, 2020, 1901, 120 }, { 1030, 2030, 2025, 5 });
	CHECK("the clock is set forward", { 1000, 5000, 4900, 100 }, { 1010, 95010, 94900, 110 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_clock),  cmocka_unit_test(test_no_age_below_zero),
		cmocka_unit_test(test_set_back),     cmocka_unit_test(test_set_forward),
		cmocka_unit_test(test_counted_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
