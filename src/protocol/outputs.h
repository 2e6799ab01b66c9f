#ifndef ROSENPASS_PROTOCOL_OUTPUTS_H
#define ROSENPASS_PROTOCOL_OUTPUTS_H

/*
 * What the engine wants to be sent and known, in order, until the caller takes it.
 * Of fixed size: work that could overflow it is not begun.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/messages.h"
#include "rosenpass.h"

#define OUTPUTS_CAPACITY 64

struct output_slot {
	struct rosenpass_output output;
	bool dropped; /* its peer was removed */
	uint8_t bytes[MESSAGE_MAX_BYTES];
};

struct outputs {
	struct output_slot slots[OUTPUTS_CAPACITY];
	size_t taken; /* slots before this were given to the caller */
	size_t used;
};

/* Wipes and forgets what was taken. To be called before new work; invalidates pointers given out. */
void outputs_begin(struct outputs *outputs);

/* How many more can be added. */
size_t outputs_room(const struct outputs *outputs);

/*
 * Adds one; there must be room. The caller fills in the rest of the returned
 * output. length bytes of data are copied, or left to be written where data is NULL.
 */
struct output_slot *outputs_add(struct outputs *outputs, enum rosenpass_output_kind kind, const uint8_t *data,
                                size_t length);

/* Takes the oldest one. Returns false if there is none, or output->size is too small; see sized.h. */
bool outputs_next(struct outputs *outputs, struct rosenpass_output *output);

/* Outputs of that peer that wait will carry this user pointer. */
void outputs_set_user(struct outputs *outputs, rosenpass_peer peer, void *user);

/* Wipes what waits for that peer. */
void outputs_drop_peer(struct outputs *outputs, rosenpass_peer peer);

#endif
