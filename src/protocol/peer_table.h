#ifndef ROSENPASS_PROTOCOL_PEER_TABLE_H
#define ROSENPASS_PROTOCOL_PEER_TABLE_H

/*
 * Where the engine finds its peers: in slots by handle, and in hash tables by peer id and by the session id
 * of our own handshake; and when each peer is due. Memory is reserved before a peer is added, so that
 * everything else here cannot fail. Each function costs O(log n) at most, but for reserving and releasing.
 */

#include "protocol/state.h"

/* Makes room for one more peer. ROSENPASS_E_MEMORY: the table is as before. */
int peer_table_reserve(struct rosenpass *engine) __attribute__((warn_unused_result));

/* Gives the peer a slot and a handle. Room is reserved. The table owns the peer's memory from here on. */
void peer_table_add(struct rosenpass *engine, struct peer *peer);

/* Makes the peer known by its ids under the hashes of its dialects, which must not change while it is. */
void peer_table_list_ids(struct rosenpass *engine, struct peer *peer);
void peer_table_unlist_ids(struct rosenpass *engine, struct peer *peer);

/* Makes the peer known by the session id of our own handshake, until that is aborted. */
void peer_table_list_sid(struct rosenpass *engine, const struct peer *peer);

/* Ends our own handshake with the peer and wipes it. */
void peer_table_abort_handshake(struct rosenpass *engine, struct peer *peer);

/* Removes the peer and the outputs that wait for it, and wipes and releases its memory. */
void peer_table_remove(struct rosenpass *engine, struct peer *peer);

/* Removes all peers and releases the table. */
void peer_table_release(struct rosenpass *engine);

/* Each returns NULL if there is no such peer. */
struct peer *peer_table_by_handle(const struct rosenpass *engine, rosenpass_peer handle);
/* By the whole public key, under any hash. */
struct peer *peer_table_by_key(struct rosenpass *engine, struct public_key *key);
struct peer *peer_table_by_id(struct rosenpass *engine, enum keyed_hash hash,
                              const uint8_t id[static PUBLIC_KEY_FACT_BYTES]);
struct peer *peer_table_by_sid(const struct rosenpass *engine, const uint8_t sid[static MESSAGE_SID_BYTES]);

/*
 * Goes through all peers, in no particular order: the one in the first slot from *slot on, which is set to
 * that slot. Returns NULL after the last.
 */
struct peer *peer_table_from(const struct rosenpass *engine, size_t *slot);

/* Returns true if the address is in one of the networks where the peer is known to be. */
bool peer_table_is_near(const struct rosenpass *engine, const struct peer *peer,
                        const struct rosenpass_address *address);

/*
 * Sets the peer's timer, and the networks where it is known to be, from its state.
 * To be called after every change of that.
 */
void peer_table_schedule(struct rosenpass *engine, struct peer *peer);

/* Stops the peer's timer until the next peer_table_schedule(). */
void peer_table_unschedule(struct rosenpass *engine, struct peer *peer);

/* Returns the peer that has been due for longest, or NULL if none is. */
struct peer *peer_table_due(const struct rosenpass *engine);

/* Returns when the next peer is due, in nanoseconds; ROSENPASS_NEVER if no timer is set. */
uint64_t peer_table_deadline(const struct rosenpass *engine);

#endif
