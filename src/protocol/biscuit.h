#ifndef ROSENPASS_PROTOCOL_BISCUIT_H
#define ROSENPASS_PROTOCOL_BISCUIT_H

/*
 * Biscuits: the responder's state of a handshake, sealed under a key that only it
 * knows and kept by the initiator, so that the responder keeps nothing before
 * InitConf. Private to the responder but for their length.
 */

#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/random.h"
#include "protocol/chain.h"
#include "protocol/messages.h"
#include "protocol/public_key.h"

#define BISCUIT_NUMBER_BYTES 12
#define BISCUIT_LIFETIME_NS (300 * UINT64_C(1000000000)) /* a key seals so long, and opens as long again */

/* The plaintext. The number is 64 bits of counter, then one byte of dialect; the rest is zero. */
struct biscuit {
	uint8_t pidi[PUBLIC_KEY_FACT_BYTES];
	uint8_t number[BISCUIT_NUMBER_BYTES];
	uint8_t ck[CHAIN_BYTES];
};

struct biscuit_keys {
	uint8_t key[2][AEAD_KEY_BYTES]; /* newest first */
	uint64_t since_ns[2];
	bool present[2];
};

/* Makes a new key where the newest is too old and wipes what has expired. -1: no random bytes for it. */
int biscuit_keys_renew(struct biscuit_keys *keys, uint64_t now_ns, const struct random_source *random)
	__attribute__((warn_unused_result));

/* Wipes the keys that have expired. */
void biscuit_keys_expire(struct biscuit_keys *keys, uint64_t now_ns);

/* When biscuit_keys_expire() has something to do. ROSENPASS_NEVER: nothing. */
uint64_t biscuit_keys_deadline(const struct biscuit_keys *keys);

/* ad = lhash("biscuit additional data", spkr, sidi, sidr) from the key's fact. */
void biscuit_additional_data(uint8_t ad[static KEYED_HASH_OUT_BYTES], enum keyed_hash hash,
                             const uint8_t fact[static PUBLIC_KEY_FACT_BYTES],
                             const uint8_t sidi[static MESSAGE_SID_BYTES],
                             const uint8_t sidr[static MESSAGE_SID_BYTES]);

void biscuit_seal(uint8_t ct[static MESSAGE_BISCUIT_CT_BYTES], const struct biscuit *biscuit,
                  const uint8_t key[static AEAD_KEY_BYTES], const uint8_t nonce[static AEAD_X_NONCE_BYTES],
                  const uint8_t ad[static KEYED_HASH_OUT_BYTES]);

/* -1, and *biscuit zeroed, when no key that is present opens it. */
int biscuit_open(struct biscuit *biscuit, const struct biscuit_keys *keys,
                 const uint8_t ct[static MESSAGE_BISCUIT_CT_BYTES],
                 const uint8_t ad[static KEYED_HASH_OUT_BYTES]) __attribute__((warn_unused_result));

#endif
