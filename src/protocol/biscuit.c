#include "protocol/biscuit.h"

#include <string.h>

#include "crypto/ct.h"

static void pack(uint8_t out[static MESSAGE_BISCUIT_BYTES], const struct biscuit *biscuit)
{
	memcpy(out, biscuit->pidi, sizeof biscuit->pidi);
	memcpy(out + sizeof biscuit->pidi, biscuit->number, sizeof biscuit->number);
	memcpy(out + sizeof biscuit->pidi + sizeof biscuit->number, biscuit->ck, sizeof biscuit->ck);
}

static void unpack(struct biscuit *biscuit, const uint8_t in[static MESSAGE_BISCUIT_BYTES])
{
	memcpy(biscuit->pidi, in, sizeof biscuit->pidi);
	memcpy(biscuit->number, in + sizeof biscuit->pidi, sizeof biscuit->number);
	memcpy(biscuit->ck, in + sizeof biscuit->pidi + sizeof biscuit->number, sizeof biscuit->ck);
}

void biscuit_keys_expire(struct biscuit_keys *keys, uint64_t now_ns)
{
	for (int i = 0; i < 2; i++) {
		if (!keys->present[i] || now_ns - keys->since_ns[i] < 2 * BISCUIT_LIFETIME_NS)
			continue;
		ct_wipe(keys->key[i], sizeof keys->key[i]);
		keys->present[i] = false;
	}
}

int biscuit_keys_renew(struct biscuit_keys *keys, uint64_t now_ns, const struct random_source *random)
{
	uint8_t fresh[AEAD_KEY_BYTES];
	int result = -1;

	biscuit_keys_expire(keys, now_ns);
	if (keys->present[0] && now_ns - keys->since_ns[0] < BISCUIT_LIFETIME_NS)
		return 0;
	if (random_bytes(random, fresh, sizeof fresh) != 0)
		goto done;
	memcpy(keys->key[1], keys->key[0], sizeof keys->key[1]);
	keys->since_ns[1] = keys->since_ns[0];
	keys->present[1] = keys->present[0];
	memcpy(keys->key[0], fresh, sizeof fresh);
	keys->since_ns[0] = now_ns;
	keys->present[0] = true;
	result = 0;
done:
	ct_wipe(fresh, sizeof fresh);
	return result;
}

uint64_t biscuit_keys_deadline(const struct biscuit_keys *keys)
{
	uint64_t deadline = ROSENPASS_NEVER;

	for (int i = 0; i < 2; i++) {
		if (keys->present[i] && keys->since_ns[i] + 2 * BISCUIT_LIFETIME_NS < deadline)
			deadline = keys->since_ns[i] + 2 * BISCUIT_LIFETIME_NS;
	}
	return deadline;
}

void biscuit_additional_data(uint8_t ad[static KEYED_HASH_OUT_BYTES], enum keyed_hash hash,
                             const uint8_t fact[static PUBLIC_KEY_FACT_BYTES],
                             const uint8_t sidi[static MESSAGE_SID_BYTES],
                             const uint8_t sidr[static MESSAGE_SID_BYTES])
{
	keyed_hash(hash, ad, fact, sidi, MESSAGE_SID_BYTES);
	keyed_hash(hash, ad, ad, sidr, MESSAGE_SID_BYTES);
}

void biscuit_seal(uint8_t ct[static MESSAGE_BISCUIT_CT_BYTES], const struct biscuit *biscuit,
                  const uint8_t key[static AEAD_KEY_BYTES], const uint8_t nonce[static AEAD_X_NONCE_BYTES],
                  const uint8_t ad[static KEYED_HASH_OUT_BYTES])
{
	uint8_t plaintext[MESSAGE_BISCUIT_BYTES];

	pack(plaintext, biscuit);
	aead_x_seal(ct, key, nonce, ad, KEYED_HASH_OUT_BYTES, plaintext, sizeof plaintext);
	ct_wipe(plaintext, sizeof plaintext);
}

int biscuit_open(struct biscuit *biscuit, const struct biscuit_keys *keys,
                 const uint8_t ct[static MESSAGE_BISCUIT_CT_BYTES],
                 const uint8_t ad[static KEYED_HASH_OUT_BYTES])
{
	uint8_t plaintext[MESSAGE_BISCUIT_BYTES] = { 0 };
	int result = -1;

	for (int i = 0; i < 2 && result != 0; i++) {
		if (keys->present[i])
			result = aead_x_open(plaintext, keys->key[i], ad, KEYED_HASH_OUT_BYTES, ct,
			                     MESSAGE_BISCUIT_CT_BYTES);
	}
	if (result == 0)
		unpack(biscuit, plaintext);
	else
		ct_wipe(biscuit, sizeof *biscuit);
	ct_wipe(plaintext, sizeof plaintext);
	return result;
}
