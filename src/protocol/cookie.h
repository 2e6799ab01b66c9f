#ifndef ROSENPASS_PROTOCOL_COOKIE_H
#define ROSENPASS_PROTOCOL_COOKIE_H

/*
 * Cookies (PROTOCOL.md section 6): proof that the sender of an InitHello receives
 * what is sent to the address it writes from. SHAKE256 in every dialect.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/random.h"
#include "protocol/messages.h"

#define COOKIE_SECRET_BYTES 16
#define COOKIE_VALUE_BYTES 16
#define COOKIE_LIFETIME_NS (120 * UINT64_C(1000000000)) /* of a received value, and of a secret while new */

struct cookie_secrets {
	uint8_t secret[2][COOKIE_SECRET_BYTES]; /* newest first */
	uint64_t since_ns[2];
	bool present[2];
	uint8_t padding[MESSAGE_MAX_BYTES]; /* random, and public: fills up replies; new with each secret */
};

/* Makes a new secret where the newest is too old; wipes what has expired. -1: no random bytes for it. */
int cookie_secrets_renew(struct cookie_secrets *secrets, uint64_t now_ns, const struct random_source *random)
	__attribute__((warn_unused_result));

/* Wipes the secrets that have expired. */
void cookie_secrets_expire(struct cookie_secrets *secrets, uint64_t now_ns);

/* When cookie_secrets_expire() has something to do. ROSENPASS_NEVER: nothing. */
uint64_t cookie_secrets_deadline(const struct cookie_secrets *secrets);

/* lhash("cookie-value", secret, host)[0..16] */
void cookie_value(uint8_t value[static COOKIE_VALUE_BYTES], const uint8_t secret[static COOKIE_SECRET_BYTES],
                  const uint8_t *host, size_t host_len);

/* Writes the cookie field of an envelope whose mac is set; all zero where value is NULL. */
void cookie_seal(uint8_t *message, size_t length, const uint8_t *value);

/* Returns true if the cookie field is not empty. */
bool cookie_is_present(const uint8_t *message, size_t length);

/* Whether the cookie field was made with the value that one of the secrets gives for this host. */
bool cookie_is_right(const struct cookie_secrets *secrets, uint64_t now_ns, const uint8_t *host,
                     size_t host_len, const uint8_t *message, size_t length);

/* The sealed field of a CookieReply: the value under the replier's cookie key, bound to InitHello's mac. */
void cookie_reply_seal(uint8_t sealed[static MESSAGE_COOKIE_SEALED_BYTES],
                       const uint8_t cookie_key[static AEAD_KEY_BYTES],
                       const uint8_t nonce[static AEAD_X_NONCE_BYTES],
                       const uint8_t value[static COOKIE_VALUE_BYTES],
                       const uint8_t mac[static MESSAGE_MAC_BYTES]);
int cookie_reply_open(uint8_t value[static COOKIE_VALUE_BYTES],
                      const uint8_t cookie_key[static AEAD_KEY_BYTES],
                      const uint8_t sealed[static MESSAGE_COOKIE_SEALED_BYTES],
                      const uint8_t mac[static MESSAGE_MAC_BYTES]) __attribute__((warn_unused_result));

#endif
