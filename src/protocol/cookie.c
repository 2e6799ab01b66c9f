#include "protocol/cookie.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/keyed_hash.h"
#include "protocol/labels.h"

static bool is_alive(const struct cookie_secrets *secrets, int i, uint64_t now_ns)
{
	return secrets->present[i] && now_ns - secrets->since_ns[i] < 2 * COOKIE_LIFETIME_NS;
}

void cookie_secrets_expire(struct cookie_secrets *secrets, uint64_t now_ns)
{
	for (int i = 0; i < 2; i++) {
		if (!secrets->present[i] || is_alive(secrets, i, now_ns))
			continue;
		ct_wipe(secrets->secret[i], sizeof secrets->secret[i]);
		secrets->present[i] = false;
	}
}

uint64_t cookie_secrets_deadline(const struct cookie_secrets *secrets)
{
	uint64_t deadline = ROSENPASS_NEVER;

	for (int i = 0; i < 2; i++) {
		if (secrets->present[i] && secrets->since_ns[i] + 2 * COOKIE_LIFETIME_NS < deadline)
			deadline = secrets->since_ns[i] + 2 * COOKIE_LIFETIME_NS;
	}
	return deadline;
}

int cookie_secrets_renew(struct cookie_secrets *secrets, uint64_t now_ns, const struct random_source *random)
{
	uint8_t fresh[COOKIE_SECRET_BYTES + MESSAGE_MAX_BYTES]; /* secret and padding */

	cookie_secrets_expire(secrets, now_ns);
	if (secrets->present[0] && now_ns - secrets->since_ns[0] < COOKIE_LIFETIME_NS)
		return 0;
	if (random_bytes(random, fresh, sizeof fresh) != 0)
		return -1;
	memcpy(secrets->padding, fresh + COOKIE_SECRET_BYTES, sizeof secrets->padding);
	ct_declassify(secrets->padding, sizeof secrets->padding);
	memcpy(secrets->secret[1], secrets->secret[0], sizeof secrets->secret[1]);
	secrets->since_ns[1] = secrets->since_ns[0];
	secrets->present[1] = secrets->present[0];
	memcpy(secrets->secret[0], fresh, COOKIE_SECRET_BYTES);
	secrets->since_ns[0] = now_ns;
	secrets->present[0] = true;
	ct_wipe(fresh, sizeof fresh);
	return 0;
}

void cookie_value(uint8_t value[static COOKIE_VALUE_BYTES], const uint8_t secret[static COOKIE_SECRET_BYTES],
                  const uint8_t *host, size_t host_len)
{
	uint8_t hash[KEYED_HASH_OUT_BYTES];

	keyed_hash(KEYED_HASH_SHAKE256, hash, labels[KEYED_HASH_SHAKE256][LABEL_COOKIE_VALUE], secret,
	           COOKIE_SECRET_BYTES);
	keyed_hash(KEYED_HASH_SHAKE256, hash, hash, host, host_len);
	memcpy(value, hash, COOKIE_VALUE_BYTES);
	ct_wipe(hash, sizeof hash);
}

static void cookie_field(uint8_t field[static MESSAGE_COOKIE_BYTES],
                         const uint8_t value[static COOKIE_VALUE_BYTES], const uint8_t *message,
                         size_t length)
{
	uint8_t hash[KEYED_HASH_OUT_BYTES];

	keyed_hash(KEYED_HASH_SHAKE256, hash, labels[KEYED_HASH_SHAKE256][LABEL_COOKIE], value,
	           COOKIE_VALUE_BYTES);
	keyed_hash(KEYED_HASH_SHAKE256, hash, hash, message, messages_cookie_offset(length));
	memcpy(field, hash, MESSAGE_COOKIE_BYTES);
	ct_wipe(hash, sizeof hash);
}

void cookie_seal(uint8_t *message, size_t length, const uint8_t *value)
{
	uint8_t *field = message + messages_cookie_offset(length);

	if (value != NULL)
		cookie_field(field, value, message, length);
	else
		memset(field, 0, MESSAGE_COOKIE_BYTES);
}

bool cookie_is_present(const uint8_t *message, size_t length)
{
	static const uint8_t none[MESSAGE_COOKIE_BYTES];

	return memcmp(message + messages_cookie_offset(length), none, sizeof none) != 0;
}

bool cookie_is_right(const struct cookie_secrets *secrets, uint64_t now_ns, const uint8_t *host,
                     size_t host_len, const uint8_t *message, size_t length)
{
	uint8_t value[COOKIE_VALUE_BYTES];
	uint8_t field[MESSAGE_COOKIE_BYTES];
	uint64_t right = 0;

	/* The older secret is tried only if the newer is wrong. Which one is right is no secret. */
	for (int i = 0; i < 2 && !ct_is_set(right); i++) {
		if (!is_alive(secrets, i, now_ns))
			continue;
		cookie_value(value, secrets->secret[i], host, host_len);
		cookie_field(field, value, message, length);
		right |= ct_equal(field, message + messages_cookie_offset(length), sizeof field);
	}
	ct_wipe(value, sizeof value);
	ct_wipe(field, sizeof field);
	return ct_is_set(right);
}

void cookie_reply_seal(uint8_t sealed[static MESSAGE_COOKIE_SEALED_BYTES],
                       const uint8_t cookie_key[static AEAD_KEY_BYTES],
                       const uint8_t nonce[static AEAD_X_NONCE_BYTES],
                       const uint8_t value[static COOKIE_VALUE_BYTES],
                       const uint8_t mac[static MESSAGE_MAC_BYTES])
{
	aead_x_seal(sealed, cookie_key, nonce, mac, MESSAGE_MAC_BYTES, value, COOKIE_VALUE_BYTES);
}

int cookie_reply_open(uint8_t value[static COOKIE_VALUE_BYTES],
                      const uint8_t cookie_key[static AEAD_KEY_BYTES],
                      const uint8_t sealed[static MESSAGE_COOKIE_SEALED_BYTES],
                      const uint8_t mac[static MESSAGE_MAC_BYTES])
{
	return aead_x_open(value, cookie_key, mac, MESSAGE_MAC_BYTES, sealed, MESSAGE_COOKIE_SEALED_BYTES);
}
