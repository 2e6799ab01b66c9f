#ifndef ROSENPASS_DELIVERY_TUNNEL_WATCH_H
#define ROSENPASS_DELIVERY_TUNNEL_WATCH_H

/*
 * When WireGuard may call a peer after its first key, and when a tunnel that has fallen silent needs a new
 * key. Judged by what the device says each time it is read; no clock is read here.
 *
 * A handshake of WireGuard fails as long as only one of both sides has a new preshared key, and WireGuard
 * waits five seconds before its next try. Hence the order with the first key (and with the first one after a
 * key became too old):
 *
 *     responder                                  initiator
 *     1. sets the key, and no endpoint
 *     2. sends EmptyData (engine/hold.c)  ---->
 *                                                3. sets key and endpoint; WireGuard calls
 *     4. sets the endpoint; WireGuard calls,
 *        unless it was called
 *
 * Responders of other implementations send EmptyData before step 1 is done, so step 3 waits a moment.
 *
 * WireGuard may have tried before there was a key, or without an endpoint, and waits for its next try. A peer
 * that is removed and added again, with all that it had, does not wait; it has no session that could be lost.
 * And a WireGuard without traffic has no reason to call: switching on the keepalive is one.
 */

#include <stdbool.h>
#include <stdint.h>

#define TUNNEL_WATCH_NEVER UINT64_MAX

/* Zeroed memory is a tunnel whose peer had no key yet. */
struct tunnel_watch {
	uint64_t speak_ns;         /* endpoint and parameters are set from then on */
	bool is_call_due;          /* WireGuard is to call the peer */
	bool has_called;           /* it was made to since the last look */
	uint64_t handshake_before; /* the last handshake when the first key came */

	uint64_t received_bytes, sent_bytes, handshake; /* at the last look */
	unsigned silent_looks; /* looks since something was received at which more had been sent */
	uint64_t silent_ns;    /* the first of them */
	uint64_t sent_ns;      /* the last of them */
	uint64_t ask_ns;       /* a new key is not asked for again before then */
	uint64_t ask_wait_ns;
};

/* What the device says; it holds the peer's key. */
struct tunnel_watch_look {
	uint64_t now_ns;
	bool is_exchanged; /* the key comes from an exchange */
	bool has_many;     /* the device has many peers, and reading it takes long */
	bool should_call;  /* as device_plan_should_call() says */
	uint64_t last_handshake_seconds;
	uint64_t received_bytes, sent_bytes;
};

/* What is to be done. */
struct tunnel_watch_result {
	uint64_t again_ns; /* when to look again; TUNNEL_WATCH_NEVER: at any time */
	bool asks;         /* for a new key */
};

/*
 * The first key of an exchange is on its way to the device. handshake_seconds: the last handshake as the
 * device told it. Returns when the key may be set: now_ns, or later.
 */
uint64_t tunnel_watch_first_key(struct tunnel_watch *watch, bool is_responder, uint64_t handshake_seconds,
                                uint64_t now_ns);

/* Notes that WireGuard was made to call. */
void tunnel_watch_called(struct tunnel_watch *watch);

struct tunnel_watch_result tunnel_watch_look(struct tunnel_watch *watch,
                                             const struct tunnel_watch_look *look);

#endif
