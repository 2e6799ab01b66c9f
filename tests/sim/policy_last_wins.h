#ifndef TESTS_SIM_POLICY_LAST_WINS_H
#define TESTS_SIM_POLICY_LAST_WINS_H

/*
 * A simulated reference peer: PROTOCOL.md written a second time, without a line of
 * src/protocol, with the policy of the existing implementations:
 *
 * - it answers every genuine InitHello, its own handshake or not;
 * - as initiator it takes the key at RespHello, as responder at a new InitConf, which
 *   also ends its own handshake with that peer: the last exchange wins;
 * - one dialect; it ignores cookies.
 *
 * The Rust implementation answers a repeated InitConf from its memory, the Go one drops it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/random.h"
#include "rosenpass.h"

struct reference;

struct reference_config {
	enum rosenpass_dialect dialect;
	bool go; /* the Go implementation's answer to a repeated InitConf: none */
	const uint8_t *public_key;
	const uint8_t *secret_key;
	struct random_source random;
	/* Gets SEND, KEY and STALE; output.peer counts from 1 in the order of adding. */
	void (*emit)(void *context, const struct rosenpass_output *output);
	void *context;
};

struct reference *reference_create(const struct reference_config *config);
void reference_destroy(struct reference *reference);

/* Begins a handshake at the next expire where the endpoint is known. Returns its number, from 1. */
rosenpass_peer reference_peer_add(struct reference *reference, const uint8_t *public_key, const uint8_t *psk,
                                  const struct rosenpass_address *endpoint, uint64_t now_ns);

/* As the engine's verdict. peer: who it came from, 0 if not authenticated. */
enum rosenpass_verdict reference_receive(struct reference *reference, const uint8_t *data, size_t length,
                                         const struct rosenpass_address *from, uint64_t now_ns,
                                         rosenpass_peer *peer);
uint64_t reference_deadline(const struct reference *reference);
void reference_expire(struct reference *reference, uint64_t now_ns);

/* Whether an own handshake with the peer is in progress. */
bool reference_is_trying(const struct reference *reference, rosenpass_peer peer);

/* Gives a message whose content was changed the mac that its receiver expects. */
void reference_seal_mac(uint8_t *message, size_t length, enum rosenpass_dialect dialect,
                        const uint8_t *receiver_public_key);
bool reference_mac_is_right(const uint8_t *message, size_t length, enum rosenpass_dialect dialect,
                            const uint8_t *receiver_public_key);

#endif
