#ifndef ROSENPASS_PROTOCOL_CHAIN_H
#define ROSENPASS_PROTOCOL_CHAIN_H

/* The chaining key of a handshake and what is done with it (PROTOCOL.md section 4). */

#include <stddef.h>
#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/keyed_hash.h"
#include "protocol/labels.h"

#define CHAIN_BYTES KEYED_HASH_OUT_BYTES

struct chain {
	enum keyed_hash hash;
	uint8_t ck[CHAIN_BYTES]; /* secret from the first mixed shared secret on */
};

void chain_start(struct chain *chain, enum keyed_hash hash, const uint8_t ck[static CHAIN_BYTES]);

/* mix(d): ck <- hash(ck, MIX, d) */
void chain_mix(struct chain *chain, const uint8_t *d, size_t d_len);

/* enc(pt): ct (pt_len + AEAD_TAG_BYTES) is sealed under the chaining key and mixed into it. */
void chain_seal(struct chain *chain, uint8_t *ct, const uint8_t *pt, size_t pt_len);

/* dec(ct). -1 when it does not authenticate; the chaining key is unchanged then. */
int chain_open(struct chain *chain, uint8_t *pt, const uint8_t *ct, size_t ct_len)
	__attribute__((warn_unused_result));

/* out = hash(ck, label): a key that leaves the handshake. */
void chain_extract(const struct chain *chain, uint8_t out[static CHAIN_BYTES],
                   const uint8_t label[static LABEL_BYTES]);

/*
 * mix(key) for many handshakes at once; keys[i] is a whole public key. Those that
 * speak the same hash run in parallel lanes. count up to CHAIN_LANES_MAX.
 */
#define CHAIN_LANES_MAX 16
void chain_mix_keys(struct chain *const chains[], const uint8_t *const keys[], size_t count);

#endif
