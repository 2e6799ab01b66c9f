#ifndef ROSENPASS_PROTOCOL_COMPLETE_H
#define ROSENPASS_PROTOCOL_COMPLETE_H

/*
 * The initiator's side of what arrives: RespHello, EmptyData and CookieReply, by which our own handshake goes
 * on. Each function sets the verdicts of the datagrams and, where a peer has proved its identity, the peer.
 */

#include "protocol/inbox.h"

/* Answers RespHellos, at most HANDSHAKE_BATCH_MAX, with InitConf. */
void complete_resp_hellos(struct rosenpass *engine, const struct inbox_message *messages, size_t count);

/* Takes an EmptyData, which confirms our InitConf: reports the key unless it was, and may move the peer. */
void complete_empty_data(struct rosenpass *engine, const struct inbox_message *received);

/* Stores the cookie of a CookieReply and sends our InitHello with it, once for each transmission. */
void complete_cookie_reply(struct rosenpass *engine, const struct inbox_message *received);

#endif
