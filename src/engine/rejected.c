#include "engine/parts.h"

#include <string.h>

#include "protocol/messages.h"
#include "system/clock.h"

/* After a peer was added no caller is called unknown for so long: more peers may follow. */
#define SETTLE_NS (3 * CLOCK_SECOND_NS)

/* Events are cheap for the monitor, which limits its log lines once more. */
static const struct rejects_limits limits = {
	.burst = 16,
	.interval_ns = CLOCK_SECOND_NS,
	.repeat_ns = 30 * CLOCK_SECOND_NS,
};

/* Whether a datagram is a handshake that was rejected, and why. */
static bool is_rejected(const struct rosenpass_datagram *datagram, enum channel_rejected_reason *reason)
{
	switch (datagram->verdict) {
	case ROSENPASS_DROPPED_MAC:
		*reason = CHANNEL_REJECTED_OTHER_KEY;
		return datagram->data[0] == MESSAGE_INIT_HELLO;
	case ROSENPASS_DROPPED_PEER:
		*reason = CHANNEL_REJECTED_UNKNOWN;
		return datagram->has_claim;
	case ROSENPASS_DROPPED_AUTH:
		*reason = CHANNEL_REJECTED_AUTH;
		return datagram->has_claim && datagram->claimed_peer != 0;
	case ROSENPASS_DROPPED_DIALECT:
		*reason = CHANNEL_REJECTED_DIALECT;
		return datagram->has_claim && datagram->claimed_peer != 0;
	default:
		return false;
	}
}

static void note(struct engine_process *process, const struct rosenpass_datagram *datagram,
                 enum channel_rejected_reason reason, uint64_t now_ns)
{
	struct channel_rejected rejected = { .reason = reason, .count = 1 };
	struct rosenpass_peer_info info = { .size = sizeof info };
	const struct engine_peer *peer = NULL;
	struct address_path path;

	if (address_unpack(&path, &datagram->from) != 0)
		return;
	if (datagram->claimed_peer != 0) {
		if (rosenpass_peer_get(process->engine, datagram->claimed_peer, &info) != 0)
			return;
		peer = info.user;
	}
	rejected.from = path.remote;
	if (datagram->has_claim) {
		rejected.dialect = datagram->claimed_dialect;
		memcpy(rejected.id, datagram->claimed_id, sizeof rejected.id);
	}
	rejects_note(&process->rejects[reason], &rejected, peer == NULL ? 0 : peer->slot,
	             peer == NULL ? 0 : peer->serial, now_ns);
}

void engine_rejected_note(struct engine_process *process, const struct rosenpass_datagram *datagrams,
                          size_t count, uint64_t now_ns)
{
	for (size_t i = 0; i < count; i++) {
		enum channel_rejected_reason reason;

		if (is_rejected(&datagrams[i], &reason))
			note(process, &datagrams[i], reason, now_ns);
	}
}

void engine_rejected_added(struct engine_process *process, const struct engine_peer *peer, uint64_t now_ns)
{
	struct rejects *unknown = &process->rejects[CHANNEL_REJECTED_UNKNOWN];

	process->added_ns = now_ns;
	/* Hashing a public key takes a millisecond: only where it is of use. */
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT && unknown->count > 0; i++) {
		uint8_t id[ROSENPASS_PEER_ID_BYTES];

		if (i == ROSENPASS_BLAKE2B_156)
			continue;
		rosenpass_peer_id(id, peer->public_key.bytes, (enum rosenpass_dialect)i);
		rejects_forget_id(unknown, id);
	}
}

struct rejects_caller *engine_rejected_next(struct engine_process *process, uint64_t now_ns,
                                            struct channel_event *event)
{
	for (size_t i = 0; i < CHANNEL_REJECTED_COUNT; i++) {
		struct rejects_caller *caller;

		if (i == CHANNEL_REJECTED_UNKNOWN && process->added_ns != 0 &&
		    now_ns < process->added_ns + SETTLE_NS)
			continue;
		caller = rejects_next(&process->rejects[i], &limits, now_ns);

		if (caller == NULL)
			continue;
		memset(event, 0, sizeof *event);
		event->kind = CHANNEL_REJECTED;
		event->slot = caller->slot;
		event->serial = caller->serial;
		event->rejected = caller->last;
		return caller;
	}
	return NULL;
}

void engine_rejected_told(struct engine_process *process, struct rejects_caller *caller, uint64_t now_ns)
{
	rejects_told(&process->rejects[caller->last.reason], &limits, caller, now_ns);
}
