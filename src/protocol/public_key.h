#ifndef ROSENPASS_PROTOCOL_PUBLIC_KEY_H
#define ROSENPASS_PROTOCOL_PUBLIC_KEY_H

/*
 * A static public key and the hashes over it that no session changes. Each costs
 * a pass over 524160 bytes, so each is computed at most once, when it is first
 * wanted. What is not here and still needs the whole key are the three mixes of a
 * handshake (chain_mix_keys).
 */

#include <stdbool.h>
#include <stdint.h>

#include "crypto/keyed_hash.h"

#define PUBLIC_KEY_FACT_BYTES KEYED_HASH_OUT_BYTES

enum public_key_fact {
	PUBLIC_KEY_MAC_KEY,    /* lhash("mac", pk): keys the mac of what is sent to its owner */
	PUBLIC_KEY_PEER_ID,    /* lhash("peer id", pk) */
	PUBLIC_KEY_CK_INIT,    /* lhash("chaining key init", pk) */
	PUBLIC_KEY_BISCUIT_AD, /* lhash("biscuit additional data", pk) */
	PUBLIC_KEY_COOKIE_KEY, /* lhash("cookie-key", pk): with SHAKE256 in every dialect */
};
#define PUBLIC_KEY_FACT_COUNT 5

struct public_key {
	const uint8_t *bytes; /* 524160, the caller's */
	bool known[KEYED_HASH_COUNT][PUBLIC_KEY_FACT_COUNT];
	uint8_t facts[KEYED_HASH_COUNT][PUBLIC_KEY_FACT_COUNT][PUBLIC_KEY_FACT_BYTES];
};

/* Starts with nothing known. */
void public_key_init(struct public_key *key, const uint8_t *bytes);

/* A fact, computed now if it was not yet. PUBLIC_KEY_FACT_BYTES, owned by key. */
const uint8_t *public_key_fact(struct public_key *key, enum keyed_hash hash, enum public_key_fact fact);

#endif
