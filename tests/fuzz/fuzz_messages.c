/*
 * The layouts of messages: for any bytes as a datagram, a layout is found exactly for the
 * length that the specification gives the message, each field lies within the message
 * and none over another, and mac and cookie are found right as they were sealed.
 */

#include <stdlib.h>
#include <string.h>

#include "protocol/cookie.h"
#include "protocol/messages.h"
#include "fuzz.h"

/* Checks that the field follows the one before, and writes all over it. */
static size_t fill(uint8_t *buffer, size_t offset, uint8_t *field, size_t bytes)
{
	FUZZ_CHECK(field == buffer + offset);
	memset(field, 0x5a, bytes);
	return offset + bytes;
}

static void check_hellos(uint8_t *buffer, size_t length, enum rosenpass_dialect dialect, uint32_t found)
{
	size_t skem = messages_dialect_skem_ct_bytes(dialect);
	uint8_t type = length > 0 ? buffer[0] : 0;
	struct init_hello init;
	struct resp_hello resp;
	size_t at = MESSAGE_HEADER_BYTES;

	if (messages_init_hello(&init, dialect, buffer, length) == 0) {
		FUZZ_CHECK(type != MESSAGE_INIT_HELLO || (found & ROSENPASS_DIALECT_BIT(dialect)) != 0);
		at = fill(buffer, at, init.sidi, MESSAGE_SID_BYTES);
		at = fill(buffer, at, init.epki, KYBER512_PUBLIC_KEY_BYTES);
		at = fill(buffer, at, init.sctr, skem);
		at = fill(buffer, at, init.pidi_ct, MESSAGE_PIDI_CT_BYTES);
		at = fill(buffer, at, init.auth, MESSAGE_AUTH_BYTES);
		FUZZ_CHECK(at == messages_mac_offset(length));
	} else {
		FUZZ_CHECK(type != MESSAGE_INIT_HELLO || (found & ROSENPASS_DIALECT_BIT(dialect)) == 0);
	}
	at = MESSAGE_HEADER_BYTES;
	if (messages_resp_hello(&resp, dialect, buffer, length) == 0) {
		FUZZ_CHECK(type != MESSAGE_RESP_HELLO || (found & ROSENPASS_DIALECT_BIT(dialect)) != 0);
		at = fill(buffer, at, resp.sidr, MESSAGE_SID_BYTES);
		at = fill(buffer, at, resp.sidi, MESSAGE_SID_BYTES);
		at = fill(buffer, at, resp.ecti, KYBER512_CIPHERTEXT_BYTES);
		at = fill(buffer, at, resp.scti, skem);
		at = fill(buffer, at, resp.auth, MESSAGE_AUTH_BYTES);
		at = fill(buffer, at, resp.biscuit_ct, MESSAGE_BISCUIT_CT_BYTES);
		FUZZ_CHECK(at == messages_mac_offset(length));
	} else {
		FUZZ_CHECK(type != MESSAGE_RESP_HELLO || (found & ROSENPASS_DIALECT_BIT(dialect)) == 0);
	}
}

static void check_short_ones(uint8_t *buffer, size_t length, uint32_t found)
{
	uint8_t type = length > 0 ? buffer[0] : 0;
	struct init_conf conf;
	struct empty_data empty;
	struct cookie_reply cookie;
	size_t at = MESSAGE_HEADER_BYTES;

	if (messages_init_conf(&conf, buffer, length) == 0) {
		at = fill(buffer, at, conf.sidi, MESSAGE_SID_BYTES);
		at = fill(buffer, at, conf.sidr, MESSAGE_SID_BYTES);
		at = fill(buffer, at, conf.biscuit_ct, MESSAGE_BISCUIT_CT_BYTES);
		at = fill(buffer, at, conf.auth, MESSAGE_AUTH_BYTES);
		FUZZ_CHECK(at == messages_mac_offset(length));
	} else {
		FUZZ_CHECK(type != MESSAGE_INIT_CONF || found == 0);
	}
	at = MESSAGE_HEADER_BYTES;
	if (messages_empty_data(&empty, buffer, length) == 0) {
		at = fill(buffer, at, empty.sid, MESSAGE_SID_BYTES);
		at = fill(buffer, at, empty.counter, MESSAGE_COUNTER_BYTES);
		at = fill(buffer, at, empty.auth, MESSAGE_AUTH_BYTES);
		FUZZ_CHECK(at == messages_mac_offset(length));
	} else {
		FUZZ_CHECK(type != MESSAGE_EMPTY_DATA || found == 0);
	}
	at = MESSAGE_HEADER_BYTES;
	if (messages_cookie_reply(&cookie, buffer, length) == 0) {
		at = fill(buffer, at, cookie.sid, MESSAGE_SID_BYTES);
		at = fill(buffer, at, cookie.sealed, MESSAGE_COOKIE_SEALED_BYTES);
		FUZZ_CHECK(at <= length);
	} else {
		FUZZ_CHECK(type != MESSAGE_COOKIE_REPLY || found == 0);
	}
}

static void check_seals(uint8_t *buffer, size_t length)
{
	static const uint8_t key[KEYED_HASH_KEY_BYTES] = { 1 };
	static const uint8_t host[] = { 10, 0, 0, 1 };
	struct cookie_secrets secrets = { .present = { true, false } };
	uint8_t value[COOKIE_VALUE_BYTES];

	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		messages_seal_mac(buffer, length, (enum keyed_hash)hash, key);
		FUZZ_CHECK(messages_mac_is_right(buffer, length, (enum keyed_hash)hash, key));
	}
	cookie_value(value, secrets.secret[0], host, sizeof host);
	cookie_seal(buffer, length, value);
	FUZZ_CHECK(cookie_is_right(&secrets, 0, host, sizeof host, buffer, length));
	buffer[messages_mac_offset(length)] ^= 1;
	FUZZ_CHECK(!messages_mac_is_right(buffer, length, KEYED_HASH_SHAKE256, key));
	FUZZ_CHECK(!cookie_is_right(&secrets, 0, host, sizeof host, buffer, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t found = messages_classify(data, size);
	uint8_t *buffer = malloc(size > 0 ? size : 1);

	if (buffer == NULL)
		abort();
	FUZZ_CHECK((found & ~ROSENPASS_DIALECTS_ALL) == 0);
	FUZZ_CHECK(found == 0 || (size >= MESSAGE_EMPTY_DATA_BYTES && size <= MESSAGE_MAX_BYTES));
	if (size > 0)
		memcpy(buffer, data, size);
	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++)
		check_hellos(buffer, size, (enum rosenpass_dialect)i, found);
	check_short_ones(buffer, size, found);
	if (size >= MESSAGE_TRAILER_BYTES)
		check_seals(buffer, size);
	free(buffer);
	return 0;
}

/* Every type in every length that one of the messages has, and next to it. */
size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max)
{
	static const uint16_t lengths[] = { 4, 32, 64, 176, 1060, 1092, 1100, 1132, 1200 };
	static const uint8_t types[] = { 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0 };
	size_t length_number = number / 2 % (sizeof lengths / sizeof lengths[0]);
	size_t type_number = number / 2 / (sizeof lengths / sizeof lengths[0]);
	size_t size;

	if (type_number >= sizeof types)
		return 0;
	size = lengths[length_number] - number % 2;
	if (size > out_max)
		return 0;
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(i * 7);
	out[0] = types[type_number];
	return size;
}
