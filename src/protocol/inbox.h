#ifndef ROSENPASS_PROTOCOL_INBOX_H
#define ROSENPASS_PROTOCOL_INBOX_H

/*
 * What arrives, before anybody works on it. A batch of datagrams is sorted once: by size and type, by the
 * dialects of that size, and by the mac, which tells the hash. An InitHello is then admitted or turned away
 * by load. This is the only place where macs are checked; outbox.h makes them.
 */

#include "protocol/state.h"

/* A datagram that is a message to us. Its mac proves only that the sender knows our public key. */
struct inbox_message {
	struct rosenpass_datagram *datagram; /* the caller's, where the verdict goes */
	uint8_t type;                        /* MESSAGE_... */
	enum keyed_hash hash;                /* that of the mac; meaningless in CookieReply, which has none */
	enum rosenpass_dialect dialect;      /* of InitHello and RespHello; meaningless in the others */
	bool in_budget;                      /* InitHello: admitted at the expense of the budget */
};

/*
 * Sorts datagrams: messages[] needs room for count. Returns how many are messages to us; their datagrams have
 * the verdict DROPPED_FAILURE for now, all others have the final one. The order is that of the work: first
 * whatever is short, in the order of arrival; then RespHellos, which our own handshakes wait for; InitHellos
 * last. A RespHello that is here already ends the wait that an InitHello of the same peer would have to be
 * weighed against.
 */
size_t inbox_sort(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                  struct inbox_message *messages);

/*
 * Returns true if an InitHello may cost a handshake now, else sets the verdict. Copies that follow each other
 * too fast are dropped (replay.h). A sender with a valid cookie takes from the share of its network
 * (rate_limit.h) and from the budget for all. A sender without a cookie, or beyond that share, takes from the
 * budget for strangers, or from the reserve if it is where a peer is (budget.h, sources.h). The caller
 * charges the budget afterwards. A cookie is demanded only when the budget is used up, because software that
 * ignores CookieReply has no other way in; and only as long as there is time for cookies (share.h).
 */
bool inbox_admit_hello(struct rosenpass *engine, struct inbox_message *message);

/* Computes a keyed hash of a message without its cookie, by which a copy is recognized. */
void inbox_identity(const struct rosenpass *engine, uint8_t identity[static KEYED_HASH_OUT_BYTES],
                    const uint8_t *message, size_t length);

#endif
