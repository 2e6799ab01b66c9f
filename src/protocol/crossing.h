#ifndef ROSENPASS_PROTOCOL_CROSSING_H
#define ROSENPASS_PROTOCOL_CROSSING_H

/*
 * Both sides may start at the same moment. Then two handshakes run between the same peers, each side could
 * complete both, and each could end up with another key. Here it is decided which handshake goes first. The
 * rule and its reasons are in crossing.c.
 */

#include "protocol/state.h"

/*
 * Weighs an InitHello of the peer, in a dialect of that hash, against our own handshake, and changes nothing:
 * an InitHello may be a recorded one, and without a preshared key a forged one. Returns true if the InitHello
 * is to be passed over.
 */
bool crossing_goes_before_hello(struct rosenpass *engine, struct peer *peer, enum keyed_hash hash,
                                const struct rosenpass_address *from);

/* Weighs the peer's authenticated InitConf. Returns true if it is to be passed over. */
bool crossing_goes_before_conf(struct rosenpass *engine, struct peer *peer, enum keyed_hash hash);

/*
 * Returns true if the peer may hold the key of our handshake when an InitConf of its own is taken. To be
 * asked before our handshake is aborted, with biscuit_used of that InitConf.
 */
bool crossing_is_open(const struct rosenpass *engine, const struct peer *peer);

/* Makes one more handshake due soon, after which both sides have the same key for certain. */
void crossing_settle(struct rosenpass *engine, struct peer *peer);

#endif
