#include "protocol/messages.h"

#include <string.h>

#include "crypto/ct.h"

enum keyed_hash messages_dialect_hash(enum rosenpass_dialect dialect)
{
	return dialect == ROSENPASS_SHAKE256_156 ? KEYED_HASH_SHAKE256 : KEYED_HASH_BLAKE2B;
}

size_t messages_dialect_skem_ct_bytes(enum rosenpass_dialect dialect)
{
	return dialect == ROSENPASS_BLAKE2B_188 ? MCELIECE460896_CIPHERTEXT_188_BYTES
	                                        : MCELIECE460896_CIPHERTEXT_156_BYTES;
}

size_t messages_init_hello_bytes(enum rosenpass_dialect dialect)
{
	return MESSAGE_HEADER_BYTES + MESSAGE_SID_BYTES + KYBER512_PUBLIC_KEY_BYTES +
	       messages_dialect_skem_ct_bytes(dialect) + MESSAGE_PIDI_CT_BYTES + MESSAGE_AUTH_BYTES +
	       MESSAGE_TRAILER_BYTES;
}

size_t messages_resp_hello_bytes(enum rosenpass_dialect dialect)
{
	return MESSAGE_HEADER_BYTES + 2 * MESSAGE_SID_BYTES + KYBER512_CIPHERTEXT_BYTES +
	       messages_dialect_skem_ct_bytes(dialect) + MESSAGE_AUTH_BYTES + MESSAGE_BISCUIT_CT_BYTES +
	       MESSAGE_TRAILER_BYTES;
}

uint32_t messages_classify(const uint8_t *message, size_t length)
{
	uint32_t dialects = 0;

	if (length < MESSAGE_HEADER_BYTES)
		return 0;
	switch (message[0]) {
	case MESSAGE_INIT_HELLO:
	case MESSAGE_RESP_HELLO:
		for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
			enum rosenpass_dialect dialect = (enum rosenpass_dialect)i;
			size_t expected = message[0] == MESSAGE_INIT_HELLO
			                          ? messages_init_hello_bytes(dialect)
			                          : messages_resp_hello_bytes(dialect);
			if (length == expected)
				dialects |= ROSENPASS_DIALECT_BIT(i);
		}
		return dialects;
	case MESSAGE_INIT_CONF:
		return length == MESSAGE_INIT_CONF_BYTES ? ROSENPASS_DIALECTS_ALL : 0;
	case MESSAGE_EMPTY_DATA:
		return length == MESSAGE_EMPTY_DATA_BYTES ? ROSENPASS_DIALECTS_ALL : 0;
	case MESSAGE_COOKIE_REPLY:
		return length >= MESSAGE_COOKIE_REPLY_MIN_BYTES && length <= MESSAGE_MAX_BYTES
		               ? ROSENPASS_DIALECTS_ALL
		               : 0;
	default:
		return 0;
	}
}

/* A bounds-checked walk over a message. Once too much was asked for, it stays failed. */
struct cursor {
	uint8_t *at;
	size_t left;
	bool failed;
};

static uint8_t *take(struct cursor *cursor, size_t bytes)
{
	uint8_t *field = cursor->at;

	if (cursor->failed || bytes > cursor->left) {
		cursor->failed = true;
		return NULL;
	}
	cursor->at += bytes;
	cursor->left -= bytes;
	return field;
}

static struct cursor payload_of(uint8_t *buffer, size_t length)
{
	struct cursor cursor = { buffer, length, false };

	take(&cursor, MESSAGE_HEADER_BYTES);
	return cursor;
}

/* Whether the walk ended just before mac and cookie, or exactly at the end. */
static int finish(const struct cursor *cursor, size_t rest)
{
	return !cursor->failed && cursor->left == rest ? 0 : -1;
}

int messages_init_hello(struct init_hello *m, enum rosenpass_dialect dialect, uint8_t *buffer, size_t length)
{
	struct cursor c = payload_of(buffer, length);
	struct init_hello fields = {
		.sidi = take(&c, MESSAGE_SID_BYTES),
		.epki = take(&c, KYBER512_PUBLIC_KEY_BYTES),
		.sctr = take(&c, messages_dialect_skem_ct_bytes(dialect)),
		.pidi_ct = take(&c, MESSAGE_PIDI_CT_BYTES),
		.auth = take(&c, MESSAGE_AUTH_BYTES),
	};

	if (finish(&c, MESSAGE_TRAILER_BYTES) != 0)
		return -1;
	*m = fields;
	return 0;
}

int messages_resp_hello(struct resp_hello *m, enum rosenpass_dialect dialect, uint8_t *buffer, size_t length)
{
	struct cursor c = payload_of(buffer, length);
	struct resp_hello fields = {
		.sidr = take(&c, MESSAGE_SID_BYTES),
		.sidi = take(&c, MESSAGE_SID_BYTES),
		.ecti = take(&c, KYBER512_CIPHERTEXT_BYTES),
		.scti = take(&c, messages_dialect_skem_ct_bytes(dialect)),
		.auth = take(&c, MESSAGE_AUTH_BYTES),
		.biscuit_ct = take(&c, MESSAGE_BISCUIT_CT_BYTES),
	};

	if (finish(&c, MESSAGE_TRAILER_BYTES) != 0)
		return -1;
	*m = fields;
	return 0;
}

int messages_init_conf(struct init_conf *m, uint8_t *buffer, size_t length)
{
	struct cursor c = payload_of(buffer, length);
	struct init_conf fields = {
		.sidi = take(&c, MESSAGE_SID_BYTES),
		.sidr = take(&c, MESSAGE_SID_BYTES),
		.biscuit_ct = take(&c, MESSAGE_BISCUIT_CT_BYTES),
		.auth = take(&c, MESSAGE_AUTH_BYTES),
	};

	if (finish(&c, MESSAGE_TRAILER_BYTES) != 0)
		return -1;
	*m = fields;
	return 0;
}

int messages_empty_data(struct empty_data *m, uint8_t *buffer, size_t length)
{
	struct cursor c = payload_of(buffer, length);
	struct empty_data fields = {
		.sid = take(&c, MESSAGE_SID_BYTES),
		.counter = take(&c, MESSAGE_COUNTER_BYTES),
		.auth = take(&c, MESSAGE_AUTH_BYTES),
	};

	if (finish(&c, MESSAGE_TRAILER_BYTES) != 0)
		return -1;
	*m = fields;
	return 0;
}

int messages_cookie_reply(struct cookie_reply *m, uint8_t *buffer, size_t length)
{
	struct cursor c = payload_of(buffer, length);
	struct cookie_reply fields = {
		.sid = take(&c, MESSAGE_SID_BYTES),
		.sealed = take(&c, MESSAGE_COOKIE_SEALED_BYTES),
	};

	/* What follows is padding. */
	if (finish(&c, c.left) != 0)
		return -1;
	*m = fields;
	return 0;
}

void messages_set_type(uint8_t *message, uint8_t type)
{
	memset(message, 0, MESSAGE_HEADER_BYTES);
	message[0] = type;
}

size_t messages_mac_offset(size_t length)
{
	return length - MESSAGE_TRAILER_BYTES;
}

size_t messages_cookie_offset(size_t length)
{
	return length - MESSAGE_COOKIE_BYTES;
}

void messages_seal_mac(uint8_t *message, size_t length, enum keyed_hash hash,
                       const uint8_t mac_key[static KEYED_HASH_KEY_BYTES])
{
	uint8_t mac[KEYED_HASH_OUT_BYTES];
	size_t offset = messages_mac_offset(length);

	keyed_hash(hash, mac, mac_key, message, offset);
	memcpy(message + offset, mac, MESSAGE_MAC_BYTES);
}

bool messages_mac_is_right(const uint8_t *message, size_t length, enum keyed_hash hash,
                           const uint8_t mac_key[static KEYED_HASH_KEY_BYTES])
{
	uint8_t mac[KEYED_HASH_OUT_BYTES];
	size_t offset = messages_mac_offset(length);

	keyed_hash(hash, mac, mac_key, message, offset);
	return ct_is_set(ct_equal(mac, message + offset, MESSAGE_MAC_BYTES));
}
