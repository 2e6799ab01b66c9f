#include "protocol/chain.h"

#include <assert.h>
#include <string.h>

#include "crypto/ct.h"
#include "rosenpass.h"

static const uint8_t zero_nonce[AEAD_NONCE_BYTES];

void chain_start(struct chain *chain, enum keyed_hash hash, const uint8_t ck[static CHAIN_BYTES])
{
	chain->hash = hash;
	memcpy(chain->ck, ck, CHAIN_BYTES);
}

/* The first half of a mix: replaces ck by the key under which the data is hashed. */
static void begin_mix(struct chain *chain)
{
	keyed_hash(chain->hash, chain->ck, chain->ck, labels[chain->hash][LABEL_MIX], LABEL_BYTES);
}

void chain_mix(struct chain *chain, const uint8_t *d, size_t d_len)
{
	begin_mix(chain);
	keyed_hash(chain->hash, chain->ck, chain->ck, d, d_len);
}

void chain_mix_keys(struct chain *const chains[], const uint8_t *const keys[], size_t count)
{
	struct keyed_hash_lane lanes[CHAIN_LANES_MAX];

	assert(count <= CHAIN_LANES_MAX);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		size_t used = 0;

		for (size_t i = 0; i < count; i++) {
			if (chains[i]->hash != (enum keyed_hash)hash)
				continue;
			begin_mix(chains[i]);
			lanes[used++] = (struct keyed_hash_lane){ chains[i]->ck, keys[i], chains[i]->ck };
		}
		keyed_hash_lanes((enum keyed_hash)hash, lanes, used, ROSENPASS_PUBLIC_KEY_BYTES);
	}
}

void chain_seal(struct chain *chain, uint8_t *ct, const uint8_t *pt, size_t pt_len)
{
	uint8_t key[CHAIN_BYTES];

	chain_extract(chain, key, labels[chain->hash][LABEL_HS_ENC]);
	aead_seal(ct, key, zero_nonce, pt, pt_len);
	chain_mix(chain, ct, pt_len + AEAD_TAG_BYTES);
	ct_wipe(key, sizeof key);
}

int chain_open(struct chain *chain, uint8_t *pt, const uint8_t *ct, size_t ct_len)
{
	uint8_t key[CHAIN_BYTES];
	int result;

	chain_extract(chain, key, labels[chain->hash][LABEL_HS_ENC]);
	result = aead_open(pt, key, zero_nonce, ct, ct_len);
	if (result == 0)
		chain_mix(chain, ct, ct_len);
	ct_wipe(key, sizeof key);
	return result;
}

void chain_extract(const struct chain *chain, uint8_t out[static CHAIN_BYTES],
                   const uint8_t label[static LABEL_BYTES])
{
	keyed_hash(chain->hash, out, chain->ck, label, LABEL_BYTES);
}
