#include "fixture.h"

#include "crypto/ct.h"

#define LENGTH_MAX 40

static void test_wipe(void **state)
{
	(void)state;
	for (size_t len = 0; len <= LENGTH_MAX; len++) {
		uint8_t bytes[LENGTH_MAX + 2];

		memset(bytes, 0xa5, sizeof bytes);
		ct_wipe(bytes + 1, len);
		assert_int_equal(bytes[0], 0xa5);
		assert_true(fixture_is_zero(bytes + 1, len));
		for (size_t i = len + 1; i < sizeof bytes; i++)
			assert_int_equal(bytes[i], 0xa5);
	}
	ct_wipe(NULL, 0);
}

static void test_equal_sees_every_bit(void **state)
{
	uint8_t a[LENGTH_MAX];
	uint8_t b[LENGTH_MAX];
	uint64_t numbers = 1;

	(void)state;
	fixture_fill(&numbers, a, sizeof a);
	memcpy(b, a, sizeof b);
	for (size_t len = 0; len <= LENGTH_MAX; len++)
		assert_true(ct_equal(a, b, len) == UINT64_MAX);
	for (size_t bit = 0; bit < 8 * LENGTH_MAX; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		for (size_t len = 0; len <= LENGTH_MAX; len++)
			assert_true(ct_equal(a, b, len) == (len > bit / 8 ? 0 : UINT64_MAX));
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* Differences that cancel out in a sum or in a sum of XORs are differences too. */
	b[0] ^= 0x80;
	b[1] ^= 0x80;
	assert_true(ct_equal(a, b, sizeof a) == 0);
}

static void test_select(void **state)
{
	uint8_t set[LENGTH_MAX];
	uint8_t clear[LENGTH_MAX];
	uint64_t numbers = 2;

	(void)state;
	fixture_fill(&numbers, set, sizeof set);
	fixture_fill(&numbers, clear, sizeof clear);
	for (size_t len = 0; len <= LENGTH_MAX; len++) {
		for (int is_set = 0; is_set <= 1; is_set++) {
			uint64_t mask = is_set ? UINT64_MAX : 0;
			const uint8_t *expected = is_set ? set : clear;
			uint8_t apart[LENGTH_MAX] = { 0 };
			uint8_t over_set[LENGTH_MAX];
			uint8_t over_clear[LENGTH_MAX];

			memcpy(over_set, set, sizeof over_set);
			memcpy(over_clear, clear, sizeof over_clear);
			ct_select(apart, set, clear, len, mask);
			ct_select(over_set, over_set, clear, len, mask);
			ct_select(over_clear, set, over_clear, len, mask);
			assert_memory_equal(apart, expected, len);
			assert_memory_equal(over_set, expected, len);
			assert_memory_equal(over_clear, expected, len);
			assert_true(fixture_is_zero(apart + len, LENGTH_MAX - len));
			assert_memory_equal(over_set + len, set + len, LENGTH_MAX - len);
			assert_memory_equal(over_clear + len, clear + len, LENGTH_MAX - len);
		}
	}
}

static const uint64_t numbers_of_interest[] = {
	0,
	1,
	2,
	0x7f,
	0x80,
	0xff,
	0x100,
	UINT32_MAX - UINT64_C(1),
	UINT32_MAX,
	UINT32_MAX + UINT64_C(1),
	UINT64_C(0x4000000000000000),
	INT64_MAX - UINT64_C(1),
	INT64_MAX,
	INT64_MAX + UINT64_C(1),
	INT64_MAX + UINT64_C(2),
	UINT64_MAX - 1,
	UINT64_MAX,
};

static void check_masks(uint64_t a, uint64_t b)
{
	assert_true(ct_mask_nonzero_u64(a) == (a != 0 ? UINT64_MAX : 0));
	assert_true(ct_mask_zero_u64(a) == (a == 0 ? UINT64_MAX : 0));
	assert_true(ct_mask_equal_u64(a, b) == (a == b ? UINT64_MAX : 0));
	if (a <= INT64_MAX && b <= INT64_MAX)
		assert_true(ct_mask_less_u63(a, b) == (a < b ? UINT64_MAX : 0));
	assert_true(ct_barrier_u64(a) == a);
	assert_true(ct_barrier_u32((uint32_t)a) == (uint32_t)a);
}

static void test_masks(void **state)
{
	uint64_t numbers = 3;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(numbers_of_interest); i++) {
		for (size_t j = 0; j < FIXTURE_COUNT(numbers_of_interest); j++)
			check_masks(numbers_of_interest[i], numbers_of_interest[j]);
	}
	for (unsigned bit = 0; bit < 64; bit++)
		check_masks(UINT64_C(1) << bit, 0);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t a = fixture_number(&numbers) >> fixture_below(&numbers, 64);
		uint64_t b = fixture_number(&numbers) >> fixture_below(&numbers, 64);

		check_masks(a, b);
		check_masks(a, a);
	}
}

static void test_is_set(void **state)
{
	(void)state;
	assert_false(ct_is_set(0));
	assert_true(ct_is_set(UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wipe),   cmocka_unit_test(test_equal_sees_every_bit),
		cmocka_unit_test(test_select), cmocka_unit_test(test_masks),
		cmocka_unit_test(test_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
