#ifndef ROSENPASS_MONITOR_PEER_SET_H
#define ROSENPASS_MONITOR_PEER_SET_H

/*
 * All peers of the daemon, by slot and serial, by which the engine process names them. Slots are used again,
 * serials never are. (src/protocol has a peer_table of its own, which is linked into the same programs.)
 */

#include <stdbool.h>
#include <stddef.h>

#include "monitor/peer.h"

#define PEER_SET_PROBLEM_BYTES 768

struct peer_set;

/* 0 or -ENOMEM. */
int peer_set_create(struct peer_set **out, struct loop *loop) __attribute__((warn_unused_result));
/* Destroys all peers, too. NULL is allowed. */
void peer_set_destroy(struct peer_set *set);

/* Makes room for that many more peers, whose addition then cannot fail. 0; -ENOMEM: as peer_set_add(). */
int peer_set_reserve(struct peer_set *set, size_t count) __attribute__((warn_unused_result));
/* Gives the peer a slot and a serial. 0; -ENOMEM: no memory, or no slot is left. */
int peer_set_add(struct peer_set *set, struct peer *peer) __attribute__((warn_unused_result));
/* peer_remove() of a peer that was prepared for that; the peer is not found any more. */
void peer_set_remove(struct peer_set *set, struct peer *peer);
/* Gives the slot of a removed peer back; for its gone(). */
void peer_set_drop(struct peer_set *set, struct peer *peer);

/* NULL: no such peer, or it is leaving. */
struct peer *peer_set_get(const struct peer_set *set, struct peer_ref ref);
/*
 * Finds a peer by name, number or (the first 8 characters or more of) its id. NULL and problem: there is
 * none, or several.
 */
struct peer *peer_set_find(const struct peer_set *set, const char *word,
                           char problem[static PEER_SET_PROBLEM_BYTES]);
/*
 * Peers that are not leaving, one a call: start with *position 0; NULL ends. Peers may be removed meanwhile.
 */
struct peer *peer_set_next(const struct peer_set *set, size_t *position);
/* How many of them there are. */
size_t peer_set_count(const struct peer_set *set);
/* Slots that were made so far, an upper limit of any slot's number. */
size_t peer_set_slots(const struct peer_set *set);

/* Computes one more peer id; from the loop this is done by itself. Returns false if all are there. */
bool peer_set_compute_id(struct peer_set *set);
/* Returns true if all outputs of all peers have their keys. The next call begins where this one stopped. */
bool peer_set_is_settled(struct peer_set *set);

#endif
