#include "protocol/public_key.h"

#include <string.h>

#include "protocol/labels.h"
#include "rosenpass.h"

void public_key_init(struct public_key *key, const uint8_t *bytes)
{
	memset(key, 0, sizeof *key);
	key->bytes = bytes;
}

const uint8_t *public_key_fact(struct public_key *key, enum keyed_hash hash, enum public_key_fact fact)
{
	static const enum label label_of[PUBLIC_KEY_FACT_COUNT] = {
		[PUBLIC_KEY_MAC_KEY] = LABEL_MAC,           [PUBLIC_KEY_PEER_ID] = LABEL_PEER_ID,
		[PUBLIC_KEY_CK_INIT] = LABEL_CK_INIT,       [PUBLIC_KEY_BISCUIT_AD] = LABEL_BISCUIT_AD,
		[PUBLIC_KEY_COOKIE_KEY] = LABEL_COOKIE_KEY,
	};
	uint8_t *value = key->facts[hash][fact];

	if (!key->known[hash][fact]) {
		keyed_hash(hash, value, labels[hash][label_of[fact]], key->bytes, ROSENPASS_PUBLIC_KEY_BYTES);
		key->known[hash][fact] = true;
	}
	return value;
}
