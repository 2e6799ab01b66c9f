#include "fixture.h"

#include "protocol/outputs.h"

static struct outputs outputs;

static int start_empty(void **state)
{
	(void)state;
	memset(&outputs, 0, sizeof outputs);
	return 0;
}

/* Queues a datagram for the peer, of which each byte is `fill`. */
static void add(rosenpass_peer peer, uint8_t fill, size_t length)
{
	uint8_t data[MESSAGE_MAX_BYTES];
	struct output_slot *slot;

	memset(data, fill, sizeof data);
	slot = outputs_add(&outputs, ROSENPASS_OUTPUT_SEND, data, length);
	slot->output.peer = peer;
}

static void expect(rosenpass_peer peer, uint8_t fill, size_t length)
{
	struct rosenpass_output output = { .size = sizeof output };

	assert_true(outputs_next(&outputs, &output));
	assert_int_equal(output.kind, ROSENPASS_OUTPUT_SEND);
	assert_int_equal(output.peer, peer);
	assert_int_equal(output.length, length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(output.data[i], fill);
}

static void expect_none(void)
{
	struct rosenpass_output output = { .size = sizeof output };

	assert_false(outputs_next(&outputs, &output));
}

static bool all_bytes_are_zero(void)
{
	for (size_t i = 0; i < OUTPUTS_CAPACITY; i++) {
		if (!fixture_is_zero(outputs.slots[i].bytes, sizeof outputs.slots[i].bytes))
			return false;
	}
	return true;
}

static void test_in_order_up_to_the_capacity(void **state)
{
	(void)state;
	expect_none();
	/* Twice, so that slots are used again. */
	for (int round = 0; round < 2; round++) {
		outputs_begin(&outputs);
		for (size_t i = 0; i < OUTPUTS_CAPACITY; i++) {
			assert_int_equal(outputs_room(&outputs), OUTPUTS_CAPACITY - i);
			add(i + 1, (uint8_t)(i + 1), 1 + i * 17);
		}
		assert_int_equal(outputs_room(&outputs), 0);
		for (size_t i = 0; i < OUTPUTS_CAPACITY; i++)
			expect(i + 1, (uint8_t)(i + 1), 1 + i * 17);
		expect_none();
	}
}

static void test_without_data(void **state)
{
	struct rosenpass_output output = { .size = sizeof output };
	struct output_slot *slot;

	(void)state;
	add(9, 0xff, MESSAGE_MAX_BYTES);
	expect(9, 0xff, MESSAGE_MAX_BYTES);
	outputs_begin(&outputs);
	/* Nothing of what the slot was used for before shows through. */
	slot = outputs_add(&outputs, ROSENPASS_OUTPUT_STALE, NULL, 0);
	assert_int_equal(slot->output.peer, 0);
	assert_true(outputs_next(&outputs, &output));
	assert_int_equal(output.kind, ROSENPASS_OUTPUT_STALE);
	assert_null(output.data);
	assert_int_equal(output.length, 0);
	assert_null(output.user);
	assert_false(output.repeated);
}

static void test_data_to_be_written_later(void **state)
{
	struct output_slot *slot = outputs_add(&outputs, ROSENPASS_OUTPUT_SEND, NULL, 3);

	(void)state;
	slot->output.peer = 4;
	memset(slot->bytes, 7, 3);
	expect(4, 7, 3);
}

/* What was given to the caller is valid until work begins, and wiped then. */
static void test_begin_wipes_what_was_taken(void **state)
{
	(void)state;
	add(1, 0xaa, 32);
	add(2, 0xbb, 32);
	expect(1, 0xaa, 32);
	assert_int_equal(outputs.slots[0].bytes[0], 0xaa);
	outputs_begin(&outputs);
	assert_true(fixture_is_zero(outputs.slots[0].bytes, sizeof outputs.slots[0].bytes));
	/* The other one still waits, and takes up its room with that before it. */
	assert_int_equal(outputs_room(&outputs), OUTPUTS_CAPACITY - 2);
	add(3, 0xcc, 5);
	expect(2, 0xbb, 32);
	expect(3, 0xcc, 5);
	expect_none();
	outputs_begin(&outputs);
	assert_int_equal(outputs_room(&outputs), OUTPUTS_CAPACITY);
	assert_true(all_bytes_are_zero());
}

static void test_drop_peer(void **state)
{
	(void)state;
	add(1, 0x11, 100);
	add(2, 0x22, MESSAGE_MAX_BYTES);
	add(1, 0x33, 32);
	add(0, 0x44, 64);
	add(2, 0x55, 1);
	outputs_drop_peer(&outputs, 1);
	expect(2, 0x22, MESSAGE_MAX_BYTES);
	outputs_drop_peer(&outputs, 3);
	expect(0, 0x44, 64);
	outputs_drop_peer(&outputs, 2);
	expect_none();
	outputs_begin(&outputs);
	assert_int_equal(outputs_room(&outputs), OUTPUTS_CAPACITY);
	assert_true(all_bytes_are_zero());
	/* A slot that was dropped is used again. */
	for (uint8_t i = 0; i < 5; i++)
		add(7, i, 10);
	for (uint8_t i = 0; i < 5; i++)
		expect(7, i, 10);
	expect_none();
}

static void test_dropped_secrets_are_wiped_at_once(void **state)
{
	(void)state;
	add(1, 0x11, ROSENPASS_KEY_BYTES);
	outputs_drop_peer(&outputs, 1);
	assert_true(all_bytes_are_zero());
}

static void test_set_user(void **state)
{
	int before;
	int after;
	struct rosenpass_output output = { .size = sizeof output };

	(void)state;
	for (rosenpass_peer peer = 0; peer < 3; peer++) {
		add(peer, 0xff, 10);
		outputs.slots[peer].output.user = &before;
	}
	add(1, 0xee, 10);
	outputs_set_user(&outputs, 1, &after);
	for (rosenpass_peer peer = 0; peer < 3; peer++) {
		assert_true(outputs_next(&outputs, &output));
		assert_ptr_equal(output.user, peer == 1 ? &after : &before);
	}
	assert_true(outputs_next(&outputs, &output));
	assert_ptr_equal(output.user, &after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_order_up_to_the_capacity, start_empty),
		cmocka_unit_test_setup(test_without_data, start_empty),
		cmocka_unit_test_setup(test_data_to_be_written_later, start_empty),
		cmocka_unit_test_setup(test_begin_wipes_what_was_taken, start_empty),
		cmocka_unit_test_setup(test_drop_peer, start_empty),
		cmocka_unit_test_setup(test_dropped_secrets_are_wiped_at_once, start_empty),
		cmocka_unit_test_setup(test_set_user, start_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
