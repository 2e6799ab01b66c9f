#include "protocol/outputs.h"

#include <assert.h>
#include <string.h>

#include "crypto/ct.h"
#include "protocol/sized.h"

static void wipe_slot(struct output_slot *slot)
{
	ct_wipe(slot->bytes, slot->output.length);
}

void outputs_begin(struct outputs *outputs)
{
	for (size_t i = 0; i < outputs->taken; i++)
		wipe_slot(&outputs->slots[i]);
	if (outputs->taken == outputs->used) {
		outputs->taken = 0;
		outputs->used = 0;
	}
}

size_t outputs_room(const struct outputs *outputs)
{
	return OUTPUTS_CAPACITY - outputs->used;
}

struct output_slot *outputs_add(struct outputs *outputs, enum rosenpass_output_kind kind, const uint8_t *data,
                                size_t length)
{
	struct output_slot *slot;

	assert(outputs->used < OUTPUTS_CAPACITY);
	assert(length <= sizeof slot->bytes);
	slot = &outputs->slots[outputs->used++];
	memset(&slot->output, 0, sizeof slot->output);
	slot->dropped = false;
	slot->output.kind = kind;
	slot->output.data = length > 0 ? slot->bytes : NULL;
	slot->output.length = length;
	if (data != NULL)
		memcpy(slot->bytes, data, length);
	return slot;
}

bool outputs_next(struct outputs *outputs, struct rosenpass_output *output)
{
	if (!sized_can_write(output, SIZED_OUTPUT))
		return false;
	while (outputs->taken < outputs->used) {
		struct output_slot *slot = &outputs->slots[outputs->taken++];

		if (slot->dropped)
			continue;
		sized_write(output, &slot->output, sizeof slot->output);
		return true;
	}
	return false;
}

void outputs_set_user(struct outputs *outputs, rosenpass_peer peer, void *user)
{
	for (size_t i = outputs->taken; i < outputs->used; i++) {
		if (outputs->slots[i].output.peer == peer)
			outputs->slots[i].output.user = user;
	}
}

void outputs_drop_peer(struct outputs *outputs, rosenpass_peer peer)
{
	for (size_t i = 0; i < outputs->used; i++) {
		struct output_slot *slot = &outputs->slots[i];

		if (slot->output.peer != peer)
			continue;
		wipe_slot(slot);
		slot->dropped = true;
	}
}
