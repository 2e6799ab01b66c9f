#ifndef ROSENPASS_PROTOCOL_ENDPOINT_H
#define ROSENPASS_PROTOCOL_ENDPOINT_H

/*
 * Where a peer is: what proves an address, and where messages to the peer go. The rules are in endpoint.c.
 */

#include "protocol/state.h"

/* Returns true if the two addresses are the same, and not empty. */
bool endpoint_is_same(const struct rosenpass_address *a, const struct rosenpass_address *b);

/* Takes the caller's word for where the peer is. Length 0: the caller does not know. */
void endpoint_set(struct peer *peer, const struct rosenpass_address *address);

/* Forgets where the peer was seen: it does not answer there, and the caller may know other addresses. */
void endpoint_lose(struct peer *peer);

/*
 * Moves the peer to the address from which a message came that completed a handshake. identity is the
 * inbox_identity() of the message. Returns true if the endpoint has moved, which is reported then.
 */
bool endpoint_authenticated(struct rosenpass *engine, struct peer *peer, const struct rosenpass_address *from,
                            const uint8_t identity[static KEYED_HASH_OUT_BYTES]);

/* Takes note of a copy of the message of that identity. Returns true if that had an effect. */
bool endpoint_repeated(struct rosenpass *engine, struct peer *peer, const struct rosenpass_address *from,
                       const uint8_t identity[static KEYED_HASH_OUT_BYTES]);

/* Lets InitConf go to that address, too. Returns false if it does so already, or to too many. */
bool endpoint_add_candidate(struct peer *peer, const struct rosenpass_address *from);

/* Returns true if an InitHello to the peer can be sent: to its endpoint, or to all that the caller knows. */
bool endpoint_can_reach(const struct peer *peer);

/* Returns true if the message of our handshake can be sent anywhere. */
bool endpoint_has_way(const struct peer *peer);

/* Returns the greatest number of datagrams that endpoint_send() leads to. */
size_t endpoint_ways(const struct peer *peer);

/* Seals a message of our handshake and queues it (outbox_send()) for every address where the peer may be. */
void endpoint_send(struct rosenpass *engine, struct peer *peer, uint8_t *message, size_t length,
                   enum keyed_hash hash, bool repeated);

#endif
