#include "rosenpass.h"

#include <stdint.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896.h"
#include "protocol/environment.h"
#include "protocol/labels.h"
#include "protocol/messages.h"

#define SCRATCH_ALIGNMENT 64

int rosenpass_keygen(uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES], uint8_t sk[ROSENPASS_SECRET_KEY_BYTES],
                     const struct rosenpass_environment *callers)
{
	struct rosenpass_environment environment;
	struct memory memory;
	struct random_source random;
	size_t bytes = mceliece460896_keygen_scratch_bytes() + SCRATCH_ALIGNMENT - 1;
	uint8_t *scratch;
	uintptr_t past;
	int result;

	if (pk == NULL || sk == NULL || environment_read(&environment, callers) != 0)
		return ROSENPASS_E_ARGUMENT;
	memory = environment_memory(&environment);
	random = (struct random_source){ environment.random, environment.random_context };
	scratch = memory_get(&memory, bytes);
	if (scratch == NULL)
		return ROSENPASS_E_MEMORY;
	past = (uintptr_t)scratch % SCRATCH_ALIGNMENT;
	result = mceliece460896_keygen(pk, sk, scratch + (SCRATCH_ALIGNMENT - past) % SCRATCH_ALIGNMENT,
	                               &random);
	memory_put(&memory, scratch, bytes);
	return result == 0 ? 0 : ROSENPASS_E_RANDOM;
}

int rosenpass_secret_key_import(uint8_t sk[ROSENPASS_SECRET_KEY_BYTES], const uint8_t *in, size_t in_len)
{
	if (sk == NULL || in == NULL)
		return ROSENPASS_E_ARGUMENT;
	switch (in_len) {
	case ROSENPASS_SECRET_KEY_BYTES:
		for (size_t i = 0; i < in_len; i++)
			sk[i] = in[i];
		return 0;
	case ROSENPASS_SECRET_KEY_OLD_BYTES:
		mceliece460896_secret_key_from_old(sk, in);
		return 0;
	default:
		return ROSENPASS_E_ARGUMENT;
	}
}

int rosenpass_secret_key_export_old(uint8_t out[ROSENPASS_SECRET_KEY_OLD_BYTES],
                                    const uint8_t sk[ROSENPASS_SECRET_KEY_BYTES])
{
	if (out == NULL || sk == NULL)
		return ROSENPASS_E_ARGUMENT;
	mceliece460896_secret_key_to_old(out, sk);
	return 0;
}

bool rosenpass_keypair_matches(const uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES],
                               const uint8_t sk[ROSENPASS_SECRET_KEY_BYTES])
{
	return pk != NULL && sk != NULL && mceliece460896_check(pk, sk) == 0;
}

int rosenpass_peer_id(uint8_t id[ROSENPASS_PEER_ID_BYTES], const uint8_t pk[ROSENPASS_PUBLIC_KEY_BYTES],
                      enum rosenpass_dialect dialect)
{
	enum keyed_hash hash;

	if (id == NULL || pk == NULL || (unsigned)dialect >= ROSENPASS_DIALECT_COUNT)
		return ROSENPASS_E_ARGUMENT;
	hash = messages_dialect_hash(dialect);
	keyed_hash(hash, id, labels[hash][LABEL_PEER_ID], pk, ROSENPASS_PUBLIC_KEY_BYTES);
	return 0;
}
