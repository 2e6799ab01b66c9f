#ifndef ROSENPASS_PROTOCOL_RESPOND_H
#define ROSENPASS_PROTOCOL_RESPOND_H

/*
 * The responder's side of what arrives: InitHello and InitConf, the handshake of a peer. Each function sets
 * the verdicts of the datagrams and, where a peer is authenticated, the peer.
 */

#include "protocol/inbox.h"

/* Answers those of the InitHellos, at most HANDSHAKE_BATCH_MAX, that are admitted, and charges the budget. */
void respond_init_hellos(struct rosenpass *engine, struct inbox_message *messages, size_t count);

/* Answers an InitConf with EmptyData and reports the new key; may move the peer. Answers repetitions, too. */
void respond_init_conf(struct rosenpass *engine, const struct inbox_message *received);

#endif
