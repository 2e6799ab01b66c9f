#ifndef ROSENPASS_PROTOCOL_OUTBOX_H
#define ROSENPASS_PROTOCOL_OUTBOX_H

/*
 * What leaves the engine: datagrams, sealed here with mac and cookie, and events for the caller. All of them
 * are queued in order (outputs.h) until the caller takes them, so nothing here can fail; the caller of each
 * function has made sure that there is room. Events that report a change of a peer's key make that change,
 * so that the report and the state agree. This is the only place where a mac is made; inbox.h checks them.
 */

#include "protocol/state.h"

/*
 * Writes mac and cookie of a message to the peer and queues the message. The message has room for both at
 * its end and is at most MESSAGE_MAX_BYTES long; hash is that of its dialect. The cookie is zero unless the
 * peer has sent one that is still valid; an expired one is wiped. An address of length 0 stands for all
 * addresses that the caller knows. repeated: the same message has been sent before.
 */
void outbox_send(struct rosenpass *engine, struct peer *peer, uint8_t *message, size_t length,
                 enum keyed_hash hash, const struct rosenpass_address *to, bool repeated);

/* Queues a finished message of at most MESSAGE_MAX_BYTES to an address, for no known peer. */
void outbox_reply(struct rosenpass *engine, const uint8_t *message, size_t length,
                  const struct rosenpass_address *to);

/*
 * Takes a key into use and reports it. confirmed: the peer has proved that it has this key. Its age counts
 * from established_ns; the next handshake is due ENGINE_RENEW_RESPONDER_NS or ENGINE_RENEW_INITIATOR_NS after
 * that, by the role.
 */
void outbox_key(struct rosenpass *engine, struct peer *peer, const uint8_t osk[static ROSENPASS_KEY_BYTES],
                enum rosenpass_role role, enum rosenpass_dialect dialect, uint64_t established_ns,
                bool confirmed);

/* Reports that the peer has proved to have the key in use. */
void outbox_confirmed(struct rosenpass *engine, struct peer *peer);

/* Puts the peer's key out of use and reports that it is too old. */
void outbox_stale(struct rosenpass *engine, struct peer *peer);

/* Reports that the peer has moved: its endpoint, as it is now. */
void outbox_endpoint(struct rosenpass *engine, struct peer *peer);

/* Counts and reports a handshake of ours that was not answered. */
void outbox_timeout(struct rosenpass *engine, struct peer *peer);

#endif
