#ifndef ROSENPASS_MONITOR_ENGINE_LINK_H
#define ROSENPASS_MONITOR_ENGINE_LINK_H

/*
 * The monitor's end of the channel to an engine process. The engine process reads from the network and
 * may have been taken over, so nothing here waits for it: a request that finds no room is queued and sent
 * from the loop. Each event is checked for its form and for whether it was asked for, and is reported by
 * a callback. An engine process that sends more events than an honest one is read more slowly.
 *
 * A request never fails within its call. When the engine process can no longer be talked to, lost() is
 * called once from the loop. After that, and after engine_link_stop(), requests are dropped and no event
 * is reported.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/channel.h"
#include "system/loop.h"

/* Names a peer: slots are used again, serials never are. */
struct peer_ref {
	uint32_t slot;
	uint32_t serial;
};

enum engine_link_loss {
	ENGINE_LINK_OPEN,   /* not lost */
	ENGINE_LINK_ENDED,  /* the engine process has closed its end; its exit status tells why */
	ENGINE_LINK_DEAF,   /* requests have waited too long */
	ENGINE_LINK_LIES,   /* an event had no sound form */
	ENGINE_LINK_HANGS,  /* a ping was not answered in time */
	ENGINE_LINK_BROKEN, /* the system does not let us send or receive */
};

/* What the engine process reports. Pointers are valid during the call. Callbacks may send requests. */
struct engine_link_events {
	void (*ready)(void *owner, const struct channel_ready *ready);
	void (*begun)(void *owner);
	void (*key)(void *owner, struct peer_ref ref, const struct channel_key *key);
	void (*stale)(void *owner, struct peer_ref ref, const struct channel_key *key);
	void (*moved)(void *owner, struct peer_ref ref, const union address_socket *address);
	void (*unanswered)(void *owner, struct peer_ref ref);
	void (*silence)(void *owner, struct peer_ref ref, const struct channel_silence *silence);
	void (*failed)(void *owner, struct peer_ref ref, int error);
	void (*rejected)(void *owner, struct peer_ref ref, const struct channel_rejected *rejected);
	void (*peer_report)(void *owner, struct peer_ref ref, const struct channel_peer_report *report);
	void (*report_end)(void *owner, const struct channel_report *report);
	void (*alive)(void *owner); /* a ping was answered */
	void (*lost)(void *owner, enum engine_link_loss loss);
};

struct engine_link;

/* Takes over the channel, [0] of channel_open(), which it also closes on failure. 0 or negative errno. */
int engine_link_open(struct engine_link **out, struct loop *loop, int channel,
                     const struct engine_link_events *events, void *owner)
	__attribute__((warn_unused_result));

/* Wipes what is queued, closes the channel and frees the link. NULL is allowed. Not within a callback. */
void engine_link_close(struct engine_link *link);

/* Requests. What they point to is copied; descriptors stay the caller's. */
void engine_link_add_peer(struct engine_link *link, struct peer_ref ref, const struct channel_peer *peer,
                          int key_fd);
void engine_link_change_peer(struct engine_link *link, struct peer_ref ref, const struct channel_peer *peer);
void engine_link_remove_peer(struct engine_link *link, struct peer_ref ref);
void engine_link_set_addresses(struct engine_link *link, struct peer_ref ref,
                               const struct channel_addresses *addresses);
/* Where the peer was in an earlier run. */
void engine_link_restore(struct engine_link *link, struct peer_ref ref, const union address_socket *address);
void engine_link_initiate(struct engine_link *link, struct peer_ref ref);
void engine_link_delivered(struct engine_link *link, struct peer_ref ref);
void engine_link_network_changed(struct engine_link *link);
void engine_link_add_socket(struct engine_link *link, uint32_t number, int family, int fd);
void engine_link_drop_socket(struct engine_link *link, uint32_t number);
void engine_link_begin(struct engine_link *link);
void engine_link_ask_report(struct engine_link *link);
/* Drops what is queued, and asks the engine process to end. */
void engine_link_stop(struct engine_link *link);

/* A request in its form for the channel; fd -1: none goes along. */
void engine_link_request(struct engine_link *link, const struct channel_request *request, int fd);

/* Pings the engine process that often from now on; it is lost if no answer comes for two minutes. */
void engine_link_watch(struct engine_link *link, uint64_t every_ns);

/* The engine process gets all its time for an answer once more: this process did not serve the loop. */
void engine_link_was_away(struct engine_link *link);

/* How many peers the engine process has, from which follows how much an honest one may say. */
void engine_link_set_peers(struct engine_link *link, size_t peers);

/* Requests that are queued. */
size_t engine_link_queued(const struct engine_link *link);

enum engine_link_loss engine_link_loss(const struct engine_link *link);

/*
 * For a caller that has to wait outside the loop: what to poll for, and to be called after poll(). A link
 * that is lost, or is read more slowly, has a descriptor of -1.
 */
struct pollfd engine_link_poll(const struct engine_link *link);
void engine_link_serve(struct engine_link *link);

#endif
