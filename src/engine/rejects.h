#ifndef ROSENPASS_ENGINE_REJECTS_H
#define ROSENPASS_ENGINE_REJECTS_H

/*
 * Callers whose handshakes were rejected, in bounded memory, and whom of them to tell about. The engine
 * process keeps such a table to limit its events, the monitor another one to limit its log lines.
 *
 * A caller is a source network (an IPv4 address or an IPv6 /64) with the peer id or the peer that its
 * messages name. It is told about once, and again after `repeat_ns` if it still calls. Over all callers a
 * bucket of tokens limits how many are told about. While the bucket is empty callers wait, and the next
 * token goes to one of them at random: one caller with many messages has no advantage over one with few.
 * When the table is full a new caller takes the place of a random one, so that nobody can keep others out
 * for ever.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/channel.h"

#define REJECTS_CALLERS 64
/* Peer ids of one source network: more are counted as one of these. */
#define REJECTS_IDS_PER_SOURCE 4
/* A caller that was silent for so long is not told about any more. */
#define REJECTS_FRESH_NS (UINT64_C(300) * 1000000000)

struct rejects_caller {
	struct channel_rejected last; /* the last message; its count is of those not told about */
	uint32_t slot, serial;        /* of the peer that it names; serial 0: none */
	uint64_t total;
	uint64_t first_ns, last_ns;
	uint64_t told_ns; /* 0: not told about yet */
};

struct rejects_limits {
	uint32_t burst;       /* tokens of a full bucket */
	uint64_t interval_ns; /* until one more token */
	uint64_t repeat_ns;
};

/* Zeroed memory is a table without callers and with a full bucket. */
struct rejects {
	uint64_t full_ns; /* when the bucket will be full again */
	uint64_t total;   /* messages of all callers, forgotten ones too */
	size_t count;
	struct rejects_caller callers[REJECTS_CALLERS];
};

/* Notes rejected->count messages of a caller. */
void rejects_note(struct rejects *rejects, const struct channel_rejected *rejected, uint32_t slot,
                  uint32_t serial, uint64_t now_ns);

/*
 * A caller to be told about now; NULL: none, or no token. It stays the table's, until the next call of any of
 * these functions; rejects_told() takes the token and notes that it was told about.
 */
struct rejects_caller *rejects_next(struct rejects *rejects, const struct rejects_limits *limits,
                                    uint64_t now_ns);
void rejects_told(struct rejects *rejects, const struct rejects_limits *limits, struct rejects_caller *caller,
                  uint64_t now_ns);

/* Forgets the callers that name that peer: it has proven who it is, or is gone. */
void rejects_forget_peer(struct rejects *rejects, uint32_t serial);

/* Forgets the callers that name that peer id. */
void rejects_forget_id(struct rejects *rejects, const uint8_t id[static ROSENPASS_PEER_ID_BYTES]);

#endif
