#ifndef TESTS_SIM_REFERENCE_CHAIN_H
#define TESTS_SIM_REFERENCE_CHAIN_H

/*
 * Hashes, labels and the chaining key of PROTOCOL.md, sections 2 and 4, written a
 * second time and apart from src/protocol, for the simulated reference peer.
 */

#include <stddef.h>
#include <stdint.h>

#include "crypto/keyed_hash.h"

#define REFERENCE_HASH_BYTES 32
#define REFERENCE_AUTH_BYTES 16

enum reference_label {
	REFERENCE_MAC,
	REFERENCE_PEER_ID,
	REFERENCE_BISCUIT_AD,
	REFERENCE_CK_INIT,
	REFERENCE_MIX,
	REFERENCE_HS_ENC,
	REFERENCE_RES_ENC,
	REFERENCE_OSK,
	REFERENCE_LABEL_COUNT,
};

/* Computes all labels, by the real hashes even where the rest uses stand-ins. Once per process. */
void reference_labels_init(void);
const uint8_t *reference_label(enum keyed_hash hash, enum reference_label label);

/* out = hash(label, data); out may not be data. */
void reference_lhash(enum keyed_hash hash, uint8_t out[static REFERENCE_HASH_BYTES],
                     enum reference_label label, const uint8_t *data, size_t data_len);

struct reference_chain {
	enum keyed_hash hash;
	uint8_t ck[REFERENCE_HASH_BYTES];
};

void reference_mix(struct reference_chain *chain, const uint8_t *data, size_t data_len);

/* ct gets pt_len + REFERENCE_AUTH_BYTES bytes; both mix the ciphertext. -1: not authentic. */
void reference_encrypt_and_mix(struct reference_chain *chain, uint8_t *ct, const uint8_t *pt, size_t pt_len);
int reference_decrypt_and_mix(struct reference_chain *chain, uint8_t *pt, const uint8_t *ct, size_t ct_len)
	__attribute__((warn_unused_result));

/* out = hash(ck, label). */
void reference_export(const struct reference_chain *chain, uint8_t out[static REFERENCE_HASH_BYTES],
                      enum reference_label label);

#endif
