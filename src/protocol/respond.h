#ifndef ROSENPASS_PROTOCOL_RESPOND_H
#define ROSENPASS_PROTOCOL_RESPOND_H

/*
 * The responder's side of what arrives: InitHello and InitConf, the handshake of a peer. Each function sets
 * the verdicts of the datagrams and, where a peer is authenticated, the peer.
 */

#include "protocol/inbox.h"

/*
 * A batch of InitHellos is worked through in steps, between which anything else may be done, except
 * that no other batch is begun and the datagrams stay where they are.
 */

/*
 * Puts an InitHello into the batch, which has not begun and has room for HANDSHAKE_BATCH_MAX. Returns false,
 * with the verdict set, if it is not admitted. Until the batch is done the verdict is not final.
 */
bool respond_add(struct rosenpass *engine, struct inbox_message *message);

/* Returns true if there is a batch. */
bool respond_is_busy(const struct rosenpass *engine);

/*
 * Does one step of the batch, the last of which sends the answers and charges the budget. Returns false if
 * nothing was done: there is no batch, or no room for its outputs.
 */
bool respond_step(struct rosenpass *engine);

/* Leaves a peer that is going out of the batch. */
void respond_forget(struct rosenpass *engine, const struct peer *peer);

/* Answers those of the InitHellos, at most HANDSHAKE_BATCH_MAX, that are admitted, and charges the budget. */
void respond_init_hellos(struct rosenpass *engine, struct inbox_message *messages, size_t count);

/* Answers an InitConf with EmptyData and reports the new key; may move the peer. Answers repetitions, too. */
void respond_init_conf(struct rosenpass *engine, const struct inbox_message *received);

#endif
