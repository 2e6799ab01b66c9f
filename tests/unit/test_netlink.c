#include "fixture.h"

#include <errno.h>

#include "system/netlink.h"

/* A message with a header of its own of that many bytes, and an attribute with a key. */
static void make(struct netlink_message *message, size_t fixed_len, const uint8_t *key, size_t key_len)
{
	static const uint8_t fixed[16];

	netlink_begin(message, 20, 0, fixed, fixed_len);
	assert_true(netlink_add(message, 1, key, key_len));
}

/* What is cut off may be a key. */
static void test_cut_is_wiped(void **state)
{
	struct netlink_message message;
	uint64_t numbers = 1;
	uint8_t key[32];
	size_t before;

	(void)state;
	memset(&message, 0, sizeof message);
	fixture_fill(&numbers, key, sizeof key);
	make(&message, 4, key, sizeof key);
	before = message.length;
	assert_true(netlink_add(&message, 2, key, sizeof key));
	netlink_cut(&message, before);
	assert_int_equal(message.length, before);
	assert_true(fixture_is_zero(message.bytes + before, sizeof message.bytes - before));
	assert_memory_equal(message.bytes + before - sizeof key, key, sizeof key);
}

/* Attributes are added as long as they fit, and then not at all. */
static void test_full(void **state)
{
	static struct netlink_message message;
	static const uint8_t data[7];
	size_t before = 0;

	(void)state;
	make(&message, 4, data, sizeof data);
	do {
		before = message.length;
	} while (netlink_add(&message, 2, data, sizeof data));
	assert_int_equal(message.length, before);
	assert_true(message.length <= sizeof message.bytes);
	assert_true(sizeof message.bytes - message.length < 12);
}

/* The length of an attribute, against what is there. */
static void test_attribute_lengths(void **state)
{
	static const struct {
		uint16_t claimed;
		size_t there;
		int result;
	} cases[] = {
		{ 4, 4, 1 },
		{ 8, 8, 1 },
		{ 7, 8, 1 },
		{ 7, 7, 1 },
		{ 0, 0, 0 },
		{ 4, 3, -EBADMSG },
		{ 0, 4, -EBADMSG },
		{ 3, 4, -EBADMSG },
		{ 5, 4, -EBADMSG },
		{ 9, 8, -EBADMSG },
		{ 0xffff, 8, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		uint8_t bytes[16] = { (uint8_t)cases[i].claimed, (uint8_t)(cases[i].claimed >> 8), 9 };
		struct netlink_rest rest = { bytes, cases[i].there };
		struct netlink_attribute attribute = { 0 };

		assert_int_equal(netlink_next(&rest, &attribute), cases[i].result);
		if (cases[i].result != 1)
			continue;
		assert_int_equal(attribute.type, 9);
		assert_int_equal(attribute.length, cases[i].claimed - 4);
		assert_int_equal(rest.left, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_is_wiped),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_attribute_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
