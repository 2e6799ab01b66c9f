#ifndef ROSENPASS_PROTOCOL_LABELS_H
#define ROSENPASS_PROTOCOL_LABELS_H

/*
 * The constants of the protocol's hash tree (PROTOCOL.md section 2): hashes over
 * labels only, so they are the same for everybody, one set per hash.
 * tests/unit/test_labels.c computes them again from the label texts.
 */

#include <stdint.h>

#include "crypto/keyed_hash.h"

#define LABEL_BYTES KEYED_HASH_OUT_BYTES

enum label {
	LABEL_MAC,           /* "mac" */
	LABEL_COOKIE,        /* "cookie" */
	LABEL_COOKIE_VALUE,  /* "cookie-value" */
	LABEL_COOKIE_KEY,    /* "cookie-key" */
	LABEL_PEER_ID,       /* "peer id" */
	LABEL_BISCUIT_AD,    /* "biscuit additional data" */
	LABEL_CK_INIT,       /* "chaining key init" */
	LABEL_MIX,           /* "chaining key extract", "mix" */
	LABEL_HS_ENC,        /* "chaining key extract", "handshake encryption" */
	LABEL_INI_ENC,       /* "chaining key extract", "initiator handshake encryption" */
	LABEL_RES_ENC,       /* "chaining key extract", "responder handshake encryption" */
	LABEL_USER,          /* "chaining key extract", "user" */
	LABEL_WIREGUARD_PSK, /* "chaining key extract", "user", "rosenpass.eu", "wireguard psk" */
};
#define LABEL_COUNT 13

extern const uint8_t labels[KEYED_HASH_COUNT][LABEL_COUNT][LABEL_BYTES];

#endif
