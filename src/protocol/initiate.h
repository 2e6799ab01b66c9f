#ifndef ROSENPASS_PROTOCOL_INITIATE_H
#define ROSENPASS_PROTOCOL_INITIATE_H

/*
 * Our own handshake: InitHello is built, sent and sent again, in the dialects that the peer may speak; and
 * whatever else is due for a peer, such as a key that has become too old.
 */

#include "protocol/state.h"

/*
 * Does what is due, until workers_slice() InitHellos are built or outputs have to be taken first. Without
 * random bytes a peer is due again after ENGINE_RETRY_NS.
 */
void initiate_expire(struct rosenpass *engine);

/* Sends the message of our handshake, InitHello or InitConf, and sets the time of the next transmission. */
void initiate_send(struct rosenpass *engine, struct peer *peer);

#endif
