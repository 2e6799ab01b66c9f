#ifndef ROSENPASS_PROTOCOL_MESSAGES_H
#define ROSENPASS_PROTOCOL_MESSAGES_H

/*
 * The messages on the wire (PROTOCOL.md section 3): their sizes and where the
 * fields lie. A layout is a set of pointers into a buffer that holds the message,
 * the same for reading and for writing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/keyed_hash.h"
#include "crypto/kyber512.h"
#include "crypto/mceliece460896.h"
#include "rosenpass.h"

#define MESSAGE_INIT_HELLO 0x81
#define MESSAGE_RESP_HELLO 0x82
#define MESSAGE_INIT_CONF 0x83
#define MESSAGE_EMPTY_DATA 0x84
#define MESSAGE_COOKIE_REPLY 0x86

#define MESSAGE_HEADER_BYTES 4 /* type and three reserved zero bytes */
#define MESSAGE_SID_BYTES 4
#define MESSAGE_MAC_BYTES 16
#define MESSAGE_COOKIE_BYTES 16
#define MESSAGE_TRAILER_BYTES (MESSAGE_MAC_BYTES + MESSAGE_COOKIE_BYTES)
#define MESSAGE_AUTH_BYTES 16
#define MESSAGE_PIDI_CT_BYTES 48
#define MESSAGE_BISCUIT_BYTES 76
#define MESSAGE_BISCUIT_CT_BYTES 116
#define MESSAGE_COUNTER_BYTES 8
#define MESSAGE_COOKIE_SEALED_BYTES 56 /* nonce 24, value 16, tag 16 */

#define MESSAGE_INIT_HELLO_MAX_BYTES 1092
#define MESSAGE_RESP_HELLO_MAX_BYTES 1132
#define MESSAGE_INIT_CONF_BYTES 176
#define MESSAGE_EMPTY_DATA_BYTES 64
#define MESSAGE_COOKIE_REPLY_MIN_BYTES 64
#define MESSAGE_MAX_BYTES 1132

/* The hash of a dialect, and the size of its static KEM ciphertext. */
enum keyed_hash messages_dialect_hash(enum rosenpass_dialect dialect);
size_t messages_dialect_skem_ct_bytes(enum rosenpass_dialect dialect);

/* The sizes of the two messages that carry a static KEM ciphertext. */
size_t messages_init_hello_bytes(enum rosenpass_dialect dialect);
size_t messages_resp_hello_bytes(enum rosenpass_dialect dialect);

/*
 * The dialects in which a message of this type and length may be, as
 * ROSENPASS_DIALECT_BITs; 0 when there is no such message. CookieReply is the
 * same in all of them.
 */
uint32_t messages_classify(const uint8_t *message, size_t length);

struct init_hello {
	uint8_t *sidi;
	uint8_t *epki;
	uint8_t *sctr; /* messages_dialect_skem_ct_bytes() */
	uint8_t *pidi_ct;
	uint8_t *auth;
};

struct resp_hello {
	uint8_t *sidr;
	uint8_t *sidi;
	uint8_t *ecti;
	uint8_t *scti; /* messages_dialect_skem_ct_bytes() */
	uint8_t *auth;
	uint8_t *biscuit_ct;
};

struct init_conf {
	uint8_t *sidi;
	uint8_t *sidr;
	uint8_t *biscuit_ct;
	uint8_t *auth;
};

struct empty_data {
	uint8_t *sid;
	uint8_t *counter;
	uint8_t *auth;
};

struct cookie_reply {
	uint8_t *sid;
	uint8_t *sealed;
};

/*
 * Lay a message over a buffer of length bytes. -1, and nothing set, unless the
 * length is exactly that of the message (for CookieReply: at least its smallest).
 */
int messages_init_hello(struct init_hello *m, enum rosenpass_dialect dialect, uint8_t *buffer, size_t length)
	__attribute__((warn_unused_result));
int messages_resp_hello(struct resp_hello *m, enum rosenpass_dialect dialect, uint8_t *buffer, size_t length)
	__attribute__((warn_unused_result));
int messages_init_conf(struct init_conf *m, uint8_t *buffer, size_t length)
	__attribute__((warn_unused_result));
int messages_empty_data(struct empty_data *m, uint8_t *buffer, size_t length)
	__attribute__((warn_unused_result));
int messages_cookie_reply(struct cookie_reply *m, uint8_t *buffer, size_t length)
	__attribute__((warn_unused_result));

/* Writes type and reserved bytes. */
void messages_set_type(uint8_t *message, uint8_t type);

/* Where mac and cookie of an envelope of that length lie. */
size_t messages_mac_offset(size_t length);
size_t messages_cookie_offset(size_t length);

/* mac = hash(mac_key, all before mac)[0..16], with the receiver's mac key. */
void messages_seal_mac(uint8_t *message, size_t length, enum keyed_hash hash,
                       const uint8_t mac_key[static KEYED_HASH_KEY_BYTES]);
bool messages_mac_is_right(const uint8_t *message, size_t length, enum keyed_hash hash,
                           const uint8_t mac_key[static KEYED_HASH_KEY_BYTES]);

#endif
