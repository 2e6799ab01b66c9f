/*
 * The queue of outputs. It has 4 places of 4 bytes here, instead of 64 of 1132: places are only counted,
 * and contents only copied and wiped.
 */

#include "protocol/outputs.c"
#include "prove.h"

void ct_wipe(void *p, size_t len)
{
	CHECK_WRITABLE(p, len);
	for (size_t i = 0; i < len; i++)
		((uint8_t *)p)[i] = 0;
}

static struct outputs outputs;

static bool is_sound(void)
{
	if (outputs.taken > outputs.used || outputs.used > OUTPUTS_CAPACITY)
		return false;
	for (size_t i = 0; i < OUTPUTS_CAPACITY; i++) {
		if (i < outputs.used && outputs.slots[i].output.length > MESSAGE_MAX_BYTES)
			return false;
	}
	return true;
}

static bool is_wiped(const struct output_slot *slot)
{
	for (size_t i = 0; i < MESSAGE_MAX_BYTES; i++) {
		if (i < slot->output.length && slot->bytes[i] != 0)
			return false;
	}
	return true;
}

/*
 * prove: outputs_add_and_next unwind=5
 *     sizes=OUTPUTS_CAPACITY:4,MESSAGE_MAX_BYTES:4,ROSENPASS_ADDRESS_MAX_BYTES:2
 * fault: src/protocol/outputs.c s/outputs->taken < outputs->used) {/outputs->taken <= outputs->used) {/
 *
 * Any sound queue: one more where there is room, then one taken. The queue stays sound, the data are
 * copied, and what is given was not dropped.
 */
PROOF(outputs_add_and_next)
{
	struct output_slot *slot;
	struct rosenpass_output output = { 0 };
	uint8_t data[MESSAGE_MAX_BYTES];
	size_t length = nondet_size();
	size_t taken;
	size_t used;

	ANY(outputs);
	ANY(data);
	ASSUME(is_sound());
	ASSUME(outputs_room(&outputs) > 0 && length <= sizeof data);
	taken = outputs.taken;
	used = outputs.used;
	slot = outputs_add(&outputs, ROSENPASS_OUTPUT_SEND, nondet_bool() ? data : NULL, length);
	CHECK(is_sound());
	CHECK(outputs.used == used + 1 && slot == &outputs.slots[used]);
	CHECK(slot->output.length == length && (length == 0 || slot->output.data == slot->bytes));
	CHECK(outputs_next(&outputs, &output));
	CHECK(is_sound() && outputs.taken > taken);
	CHECK(!outputs.slots[outputs.taken - 1].dropped && output.length <= MESSAGE_MAX_BYTES);
}

/*
 * prove: outputs_forget unwind=5 sizes=OUTPUTS_CAPACITY:4,MESSAGE_MAX_BYTES:4,ROSENPASS_ADDRESS_MAX_BYTES:2
 * fault: src/protocol/outputs.c
 *     s/size_t i = 0; i < outputs->taken; i++/size_t i = 0; i + 1 < outputs->taken; i++/
 *
 * Any sound queue: outputs_begin() wipes all that was taken and makes room again when nothing waits;
 * outputs_drop_peer() wipes all of a peer and lets none of them be taken; outputs_set_user() changes what
 * waits alone.
 */
PROOF(outputs_forget)
{
	rosenpass_peer peer = nondet_u64();
	size_t at = nondet_size();
	struct output_slot *slot;
	void *user;

	ANY(outputs);
	ASSUME(is_sound());
	ASSUME(at < outputs.used);
	slot = &outputs.slots[at];
	user = slot->output.user;
	outputs_set_user(&outputs, peer, &outputs);
	CHECK(slot->output.user ==
	      (at >= outputs.taken && slot->output.peer == peer ? (void *)&outputs : user));
	outputs_drop_peer(&outputs, peer);
	CHECK(slot->output.peer != peer || (slot->dropped && is_wiped(slot)));
	CHECK(is_sound());
	if (nondet_bool())
		outputs.taken = outputs.used;
	at = outputs.taken > 0 ? nondet_size() : 0;
	ASSUME(outputs.taken == 0 || at < outputs.taken);
	slot = &outputs.slots[at];
	{
		bool was_taken = at < outputs.taken;
		bool was_all = outputs.taken == outputs.used;

		outputs_begin(&outputs);
		CHECK(!was_taken || is_wiped(slot));
		CHECK(!was_all || outputs_room(&outputs) == OUTPUTS_CAPACITY);
	}
	CHECK(is_sound());
}
