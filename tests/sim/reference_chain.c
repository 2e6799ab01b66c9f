#include "reference_chain.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/blake2b.h"
#include "crypto/keccak.h"

static uint8_t labels[KEYED_HASH_COUNT][REFERENCE_LABEL_COUNT][REFERENCE_HASH_BYTES];

static const uint8_t zero_nonce[AEAD_NONCE_BYTES];

/* The real keyed hash: in the stand-in program keyed_hash() is another function. */
static void real_hash(enum keyed_hash hash, uint8_t *out, const uint8_t *key, const uint8_t *data,
                      size_t data_len)
{
	uint8_t padded[BLAKE2B_KEY_BYTES];
	uint8_t inner[BLAKE2B_OUT_BYTES];
	struct keccak_shake shake;

	if (hash == KEYED_HASH_SHAKE256) {
		keccak_shake256_init(&shake);
		keccak_shake_absorb(&shake, key, KEYED_HASH_KEY_BYTES);
		keccak_shake_absorb(&shake, data, data_len);
		keccak_shake_finish(&shake);
		keccak_shake_squeeze(&shake, out, REFERENCE_HASH_BYTES);
		return;
	}
	for (int i = 0; i < BLAKE2B_KEY_BYTES; i++)
		padded[i] = key[i] ^ 0x36;
	blake2b_keyed(inner, padded, data, data_len);
	for (int i = 0; i < BLAKE2B_KEY_BYTES; i++)
		padded[i] = key[i] ^ 0x5c;
	blake2b_keyed(out, padded, inner, sizeof inner);
}

static void hash_words(enum keyed_hash hash, uint8_t *out, const char *const *words)
{
	memset(out, 0, REFERENCE_HASH_BYTES);
	for (; *words != NULL; words++) {
		uint8_t key[REFERENCE_HASH_BYTES];

		memcpy(key, out, sizeof key);
		real_hash(hash, out, key, (const uint8_t *)*words, strlen(*words));
	}
}

void reference_labels_init(void)
{
	static const char *const protocols[KEYED_HASH_COUNT] = {
		[KEYED_HASH_BLAKE2B] = "Rosenpass v1 mceliece460896 Kyber512 ChaChaPoly1305 BLAKE2s",
		[KEYED_HASH_SHAKE256] = "Rosenpass v1 mceliece460896 Kyber512 ChaChaPoly1305 SHAKE256",
	};
	static const char extract[] = "chaining key extract";

	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		const char *const protocol = protocols[hash];
		const char *const words[REFERENCE_LABEL_COUNT][6] = {
			[REFERENCE_MAC] = { protocol, "mac" },
			[REFERENCE_PEER_ID] = { protocol, "peer id" },
			[REFERENCE_BISCUIT_AD] = { protocol, "biscuit additional data" },
			[REFERENCE_CK_INIT] = { protocol, "chaining key init" },
			[REFERENCE_MIX] = { protocol, extract, "mix" },
			[REFERENCE_HS_ENC] = { protocol, extract, "handshake encryption" },
			[REFERENCE_RES_ENC] = { protocol, extract, "responder handshake encryption" },
			[REFERENCE_OSK] = { protocol, extract, "user", "rosenpass.eu", "wireguard psk" },
		};

		for (int i = 0; i < REFERENCE_LABEL_COUNT; i++)
			hash_words((enum keyed_hash)hash, labels[hash][i], words[i]);
	}
}

const uint8_t *reference_label(enum keyed_hash hash, enum reference_label label)
{
	return labels[hash][label];
}

void reference_lhash(enum keyed_hash hash, uint8_t out[static REFERENCE_HASH_BYTES],
                     enum reference_label label, const uint8_t *data, size_t data_len)
{
	keyed_hash(hash, out, labels[hash][label], data, data_len);
}

void reference_mix(struct reference_chain *chain, const uint8_t *data, size_t data_len)
{
	uint8_t key[REFERENCE_HASH_BYTES];

	keyed_hash(chain->hash, key, chain->ck, labels[chain->hash][REFERENCE_MIX], REFERENCE_HASH_BYTES);
	keyed_hash(chain->hash, chain->ck, key, data, data_len);
}

void reference_export(const struct reference_chain *chain, uint8_t out[static REFERENCE_HASH_BYTES],
                      enum reference_label label)
{
	keyed_hash(chain->hash, out, chain->ck, labels[chain->hash][label], REFERENCE_HASH_BYTES);
}

void reference_encrypt_and_mix(struct reference_chain *chain, uint8_t *ct, const uint8_t *pt, size_t pt_len)
{
	uint8_t key[REFERENCE_HASH_BYTES];

	reference_export(chain, key, REFERENCE_HS_ENC);
	aead_seal(ct, key, zero_nonce, pt, pt_len);
	reference_mix(chain, ct, pt_len + AEAD_TAG_BYTES);
}

int reference_decrypt_and_mix(struct reference_chain *chain, uint8_t *pt, const uint8_t *ct, size_t ct_len)
{
	uint8_t key[REFERENCE_HASH_BYTES];
	int result;

	reference_export(chain, key, REFERENCE_HS_ENC);
	result = aead_open(pt, key, zero_nonce, ct, ct_len);
	reference_mix(chain, ct, ct_len);
	return result;
}
