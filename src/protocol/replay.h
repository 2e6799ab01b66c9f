#ifndef ROSENPASS_PROTOCOL_REPLAY_H
#define ROSENPASS_PROTOCOL_REPLAY_H

/*
 * InitHellos answered not long ago, in constant memory, known by their mac. An initiator sends the same
 * InitHello again if no answer comes, 0.25 s later at the earliest and 6 times in the first 10 s. Copies that
 * come sooner or more often are replays.
 *
 * Whoever sees an InitHello can replay it. So that replays do not use up the initiator's share, the address
 * that sent the first copy has a share of its own, and all other addresses have one together.
 */

#include <stdbool.h>
#include <stdint.h>

#include "crypto/short_hash.h"
#include "protocol/messages.h"
#include "rosenpass.h"

#define REPLAY_SETS 256
#define REPLAY_WAYS 4
#define REPLAY_GAP_NS UINT64_C(200000000)      /* copies that follow each other sooner are dropped */
#define REPLAY_WINDOW_NS UINT64_C(10000000000) /* in this time ... */
#define REPLAY_COPIES 8                        /* ... at most so many are answered */

struct replay_share {
	uint64_t last_ns;
	uint64_t window_ns; /* the window began here */
	uint32_t copies;    /* in the window; 0: there was none ever */
};

struct replay_entry {
	uint64_t mac_hash;
	uint64_t source_hash; /* of the first copy's address */
	struct replay_share shares[2];
};

struct replay_filter {
	uint8_t key[SHORT_HASH_KEY_BYTES]; /* random */
	struct replay_entry entries[REPLAY_SETS][REPLAY_WAYS];
};

/* Returns true if an InitHello with this mac, which was verified, repeats another too soon or too often. */
bool replay_is_copy(const struct replay_filter *filter, const uint8_t mac[static MESSAGE_MAC_BYTES],
                    const struct rosenpass_address *from, uint64_t now_ns);

/* Takes note of an InitHello that is going to be answered. The oldest of its set makes room for a new one. */
void replay_note(struct replay_filter *filter, const uint8_t mac[static MESSAGE_MAC_BYTES],
                 const struct rosenpass_address *from, uint64_t now_ns);

#endif
