/*
 * The queue of outputs. It has 3 places of 2 bytes here, instead of 64 of 1132: places are only counted,
 * and contents only copied and wiped.
 */

#include <stddef.h>
#include <string.h>

static void *clear_output(void *output, int byte, size_t bytes);
static void *copy(void *to, const void *from, size_t bytes);
#define memset clear_output
#define memcpy copy
#include "protocol/outputs.c"
#include "prove.h"

/* These are easier than CBMC's own, which treat objects as bytes. */
static void *clear_output(void *output, int byte, size_t bytes)
{
	CHECK(byte == 0 && bytes == sizeof(struct rosenpass_output));
	*(struct rosenpass_output *)output = (struct rosenpass_output){ 0 };
	return output;
}

static void *copy(void *to, const void *from, size_t bytes)
{
	CHECK_WRITABLE(to, bytes);
	CHECK_READABLE(from, bytes);
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

/* For a caller who knows the same struct; prove_sized.c has the others. */
bool sized_can_write(const void *callers, size_t first)
{
	return ((const struct rosenpass_output *)callers)->size >= first;
}

void sized_write(void *callers, const void *own, size_t own_size)
{
	CHECK(own_size == sizeof(struct rosenpass_output));
	*(struct rosenpass_output *)callers = *(const struct rosenpass_output *)own;
}

void ct_wipe(void *p, size_t len)
{
	CHECK_WRITABLE(p, len);
	for (size_t i = 0; i < len; i++)
		((uint8_t *)p)[i] = 0;
}

static struct outputs outputs;

/* Any contents; each has a length that fits. */
static void any_outputs(size_t taken, size_t used)
{
	ANY(outputs);
	outputs.taken = taken;
	outputs.used = used;
	for (size_t i = 0; i < used; i++)
		ASSUME(outputs.slots[i].output.length <= MESSAGE_MAX_BYTES);
}

static bool is_wiped(const struct output_slot *slot)
{
	for (size_t i = 0; i < MESSAGE_MAX_BYTES; i++) {
		if (i < slot->output.length && slot->bytes[i] != 0)
			return false;
	}
	return true;
}

static void check_add_and_next(size_t taken, size_t used)
{
	struct output_slot *slot;
	struct rosenpass_output output = { .size = sizeof output };
	uint8_t data[MESSAGE_MAX_BYTES];
	size_t length = nondet_size();
	size_t at = nondet_size();

	ANY(data);
	ASSUME(length <= sizeof data && at < length);
	any_outputs(taken, used);
	CHECK(outputs_room(&outputs) == OUTPUTS_CAPACITY - used);
	slot = outputs_add(&outputs, ROSENPASS_OUTPUT_SEND, data, length);
	CHECK(outputs.taken == taken && outputs.used == used + 1 && slot == &outputs.slots[used]);
	CHECK(slot->output.length == length && slot->output.data == slot->bytes &&
	      slot->bytes[at] == data[at]);
	CHECK(outputs_next(&outputs, &output));
	CHECK(outputs.taken > taken && outputs.taken <= outputs.used);
	CHECK(!outputs.slots[outputs.taken - 1].dropped && output.length <= MESSAGE_MAX_BYTES);
}

/*
 * prove: outputs_add_and_next unwind=6
 *     sizes=OUTPUTS_CAPACITY:3,MESSAGE_MAX_BYTES:2,ROSENPASS_ADDRESS_MAX_BYTES:2
 * fault: src/protocol/outputs.c
 *     s/slot = &outputs->slots\[outputs->used++\]/slot = \&outputs->slots[++outputs->used]/
 *
 * Adding and taking outputs stays within the queue.
 *
 * Any queue with room: one more, then one taken. The data are copied, the queue stays in bounds, and what
 * is given was not dropped.
 */
PROOF(outputs_add_and_next)
{
	for (size_t used = 0; used < OUTPUTS_CAPACITY; used++) {
		for (size_t taken = 0; taken <= used; taken++)
			check_add_and_next(taken, used);
	}
}

/* Of the output in that place, where taken were taken of used. */
static void check_forget(size_t at, size_t taken, size_t used)
{
	rosenpass_peer peer = nondet_u64();
	struct output_slot *slot = &outputs.slots[at];
	void *user;

	any_outputs(taken, used);
	user = slot->output.user;
	outputs_set_user(&outputs, peer, &outputs);
	CHECK(slot->output.user == (at >= taken && slot->output.peer == peer ? (void *)&outputs : user));
	outputs_drop_peer(&outputs, peer);
	CHECK(slot->output.peer != peer || (slot->dropped && is_wiped(slot)));
	CHECK(outputs.taken == taken && outputs.used == used);
	outputs_begin(&outputs);
	CHECK(at >= taken || is_wiped(slot));
	CHECK(outputs_room(&outputs) == OUTPUTS_CAPACITY - (taken == used ? 0 : used));
}

/*
 * prove: outputs_forget unwind=6 sizes=OUTPUTS_CAPACITY:3,MESSAGE_MAX_BYTES:2,ROSENPASS_ADDRESS_MAX_BYTES:2
 * fault: src/protocol/outputs.c
 *     s/size_t i = 0; i < outputs->taken; i++/size_t i = 0; i + 1 < outputs->taken; i++/
 *
 * Outputs of a removed peer and outputs that were taken are wiped.
 *
 * Any queue that is not empty: outputs_set_user() changes what waits alone; outputs_drop_peer() wipes all
 * of a peer, and none of them will be taken; outputs_begin() wipes all that was taken, and makes room again
 * when nothing waits.
 */
PROOF(outputs_forget)
{
	for (size_t used = 1; used <= OUTPUTS_CAPACITY; used++) {
		for (size_t taken = 0; taken <= used; taken++) {
			for (size_t at = 0; at < used; at++)
				check_forget(at, taken, used);
		}
	}
}
