/*
 * The layouts of messages: whatever length a datagram has, no field lies outside, and what is laid out is
 * what messages_classify() promises. The walk is over pointers alone, so that contents need no bound.
 */

#include "protocol/messages.c"
#include "prove.h"

/* Longer than any message, so that lengths on both sides of each are tried. */
#define DATAGRAM_MAX_BYTES 1500

/* A function of its input, of which nothing else is known. */
static uint8_t hash_value[KEYED_HASH_OUT_BYTES];

void keyed_hash(enum keyed_hash hash, uint8_t out[static KEYED_HASH_OUT_BYTES],
                const uint8_t key[static KEYED_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
	(void)hash;
	CHECK_WRITABLE(out, KEYED_HASH_OUT_BYTES);
	CHECK_READABLE(key, KEYED_HASH_KEY_BYTES);
	CHECK_READABLE(data, data_len);
	memcpy(out, hash_value, sizeof hash_value);
}

uint64_t ct_equal(const void *a, const void *b, size_t len)
{
	CHECK_READABLE(a, len);
	CHECK_READABLE(b, len);
	return memcmp(a, b, len) == 0 ? UINT64_MAX : 0;
}

static enum rosenpass_dialect any_dialect(void)
{
	uint32_t dialect = nondet_u32();

	ASSUME(dialect < ROSENPASS_DIALECT_COUNT);
	return (enum rosenpass_dialect)dialect;
}

static uint8_t datagram[DATAGRAM_MAX_BYTES];

/* Any contents and any length; what lies behind the length is not to be touched. */
static uint8_t *any_datagram(size_t *length)
{
	ANY(datagram);
	*length = nondet_size();
	ASSUME(*length <= DATAGRAM_MAX_BYTES);
	/* Ends where the array ends, so that one byte more is out of bounds. */
	return datagram + (DATAGRAM_MAX_BYTES - *length);
}

/*
 * prove: cursor_stays_inside unwind=1
 * fault: src/protocol/messages.c s/bytes > cursor->left/bytes > cursor->left + 1/
 *
 * The cursor gives no field outside of the datagram.
 *
 * One field of any size, SIZE_MAX too, from any place in a buffer of any length up to 1500, hence a walk of
 * any number of fields: a field that is given lies in the buffer, and the next one will begin behind it.
 * After a refusal nothing is given any more, and the walk counts as failed.
 */
PROOF(cursor_stays_inside)
{
	size_t length;
	uint8_t *buffer = any_datagram(&length);
	size_t used = nondet_size();
	size_t bytes = nondet_size();
	bool failed = nondet_bool();
	struct cursor cursor;
	uint8_t *field;

	ASSUME(used <= length);
	cursor = (struct cursor){ buffer + used, length - used, failed };
	field = take(&cursor, bytes);
	if (field == NULL) {
		CHECK(failed || bytes > length - used);
		CHECK(cursor.failed && finish(&cursor, cursor.left) == -1);
		return;
	}
	CHECK(!failed && !cursor.failed && finish(&cursor, cursor.left) == 0);
	CHECK(field == buffer + used && bytes <= length - used);
	CHECK(cursor.at == field + bytes && cursor.left == length - used - bytes);
}

/*
 * prove: init_hello_layout unwind=4
 * fault: src/protocol/messages.c
 *     s/take(&c, KYBER512_PUBLIC_KEY_BYTES)/take(\&c, KYBER512_PUBLIC_KEY_BYTES - 1)/
 *
 * The fields of InitHello lie in the datagram, in order.
 *
 * For every length up to 1500, every dialect: accepted exactly where messages_classify() names the dialect;
 * then the fields follow each other without a gap, from behind the header to mac and cookie. Else nothing
 * is set.
 */
PROOF(init_hello_layout)
{
	size_t length;
	uint8_t *buffer = any_datagram(&length);
	enum rosenpass_dialect dialect = any_dialect();
	struct init_hello m = { 0 };
	int result = messages_init_hello(&m, dialect, buffer, length);

	if (length > 0 && buffer[0] == MESSAGE_INIT_HELLO)
		CHECK((result == 0) ==
		      ((messages_classify(buffer, length) & ROSENPASS_DIALECT_BIT(dialect)) != 0));
	CHECK((result == 0) == (length == messages_init_hello_bytes(dialect)));
	if (result != 0) {
		CHECK(m.sidi == NULL && m.epki == NULL && m.sctr == NULL && m.pidi_ct == NULL &&
		      m.auth == NULL);
		return;
	}
	CHECK(length <= MESSAGE_INIT_HELLO_MAX_BYTES);
	CHECK(m.sidi == buffer + MESSAGE_HEADER_BYTES);
	CHECK(m.epki == m.sidi + MESSAGE_SID_BYTES);
	CHECK(m.sctr == m.epki + KYBER512_PUBLIC_KEY_BYTES);
	CHECK(m.pidi_ct == m.sctr + messages_dialect_skem_ct_bytes(dialect));
	CHECK(m.auth == m.pidi_ct + MESSAGE_PIDI_CT_BYTES);
	CHECK(m.auth + MESSAGE_AUTH_BYTES == buffer + messages_mac_offset(length));
}

/*
 * prove: resp_hello_layout unwind=4
 * fault: src/protocol/messages.c
 *     s/return MESSAGE_HEADER_BYTES + 2 \* MESSAGE_SID_BYTES/return 2 * MESSAGE_SID_BYTES/
 *
 * The fields of RespHello lie in the datagram, in order.
 *
 * For every length and dialect, as in init_hello_layout.
 */
PROOF(resp_hello_layout)
{
	size_t length;
	uint8_t *buffer = any_datagram(&length);
	enum rosenpass_dialect dialect = any_dialect();
	struct resp_hello m = { 0 };
	int result = messages_resp_hello(&m, dialect, buffer, length);

	if (length > 0 && buffer[0] == MESSAGE_RESP_HELLO)
		CHECK((result == 0) ==
		      ((messages_classify(buffer, length) & ROSENPASS_DIALECT_BIT(dialect)) != 0));
	CHECK((result == 0) == (length == messages_resp_hello_bytes(dialect)));
	if (result != 0) {
		CHECK(m.sidr == NULL && m.sidi == NULL && m.ecti == NULL && m.scti == NULL &&
		      m.auth == NULL && m.biscuit_ct == NULL);
		return;
	}
	CHECK(length <= MESSAGE_RESP_HELLO_MAX_BYTES);
	CHECK(m.sidr == buffer + MESSAGE_HEADER_BYTES);
	CHECK(m.sidi == m.sidr + MESSAGE_SID_BYTES);
	CHECK(m.ecti == m.sidi + MESSAGE_SID_BYTES);
	CHECK(m.scti == m.ecti + KYBER512_CIPHERTEXT_BYTES);
	CHECK(m.auth == m.scti + messages_dialect_skem_ct_bytes(dialect));
	CHECK(m.biscuit_ct == m.auth + MESSAGE_AUTH_BYTES);
	CHECK(m.biscuit_ct + MESSAGE_BISCUIT_CT_BYTES == buffer + messages_mac_offset(length));
}

/*
 * prove: short_layouts unwind=4
 * fault: src/protocol/messages.c s/length >= MESSAGE_COOKIE_REPLY_MIN_BYTES/length >= MESSAGE_HEADER_BYTES/
 *
 * The fields of InitConf, EmptyData and CookieReply lie in the datagram, in order.
 *
 * The same of InitConf, EmptyData and CookieReply, and that classify reads no byte behind the length. A
 * CookieReply may have padding, as far as MESSAGE_MAX_BYTES.
 */
PROOF(short_layouts)
{
	size_t length;
	uint8_t *buffer = any_datagram(&length);
	uint32_t dialects = messages_classify(buffer, length);
	uint8_t type = length > 0 ? buffer[0] : 0;
	struct init_conf conf = { 0 };
	struct empty_data data = { 0 };
	struct cookie_reply reply = { 0 };
	int result;

	CHECK((dialects & ~(uint32_t)ROSENPASS_DIALECTS_ALL) == 0);
	result = messages_init_conf(&conf, buffer, length);
	CHECK((result == 0) == (length == MESSAGE_INIT_CONF_BYTES));
	CHECK(type != MESSAGE_INIT_CONF || (result == 0) == (dialects != 0));
	if (result == 0) {
		CHECK(conf.sidi == buffer + MESSAGE_HEADER_BYTES);
		CHECK(conf.sidr == conf.sidi + MESSAGE_SID_BYTES);
		CHECK(conf.biscuit_ct == conf.sidr + MESSAGE_SID_BYTES);
		CHECK(conf.auth == conf.biscuit_ct + MESSAGE_BISCUIT_CT_BYTES);
		CHECK(conf.auth + MESSAGE_AUTH_BYTES == buffer + messages_mac_offset(length));
	}
	result = messages_empty_data(&data, buffer, length);
	CHECK((result == 0) == (length == MESSAGE_EMPTY_DATA_BYTES));
	CHECK(type != MESSAGE_EMPTY_DATA || (result == 0) == (dialects != 0));
	if (result == 0) {
		CHECK(data.sid == buffer + MESSAGE_HEADER_BYTES);
		CHECK(data.counter == data.sid + MESSAGE_SID_BYTES);
		CHECK(data.auth == data.counter + MESSAGE_COUNTER_BYTES);
		CHECK(data.auth + MESSAGE_AUTH_BYTES == buffer + messages_mac_offset(length));
	}
	result = messages_cookie_reply(&reply, buffer, length);
	CHECK((result == 0) == (length >= MESSAGE_COOKIE_REPLY_MIN_BYTES));
	CHECK(type != MESSAGE_COOKIE_REPLY || dialects == 0 || result == 0);
	if (result == 0) {
		CHECK(reply.sid == buffer + MESSAGE_HEADER_BYTES);
		CHECK(reply.sealed == reply.sid + MESSAGE_SID_BYTES);
		CHECK_WRITABLE(reply.sealed, MESSAGE_COOKIE_SEALED_BYTES);
	}
}

/*
 * prove: mac_is_in_the_trailer unwind=17
 * fault: src/protocol/messages.c
 *     s/memcpy(message + offset, mac, MESSAGE_MAC_BYTES)/memcpy(message + offset, mac, 33)/
 *
 * The mac covers all before it and is written in its place only.
 *
 * For every envelope that messages_classify() accepts, and every hash: what is hashed is all before the
 * mac; sealing writes the 16 bytes of the mac alone, and a sealed message is right. Nothing is said about
 * the hash itself.
 */
PROOF(mac_is_in_the_trailer)
{
	uint8_t key[KEYED_HASH_KEY_BYTES];
	uint8_t before;
	size_t length;
	uint8_t *buffer = any_datagram(&length);
	size_t at = nondet_size();
	size_t mac;

	ASSUME(messages_classify(buffer, length) != 0);
	mac = messages_mac_offset(length);
	ASSUME(at < mac || (at >= mac + MESSAGE_MAC_BYTES && at < length));
	ANY(key);
	ANY(hash_value);
	CHECK(mac + MESSAGE_TRAILER_BYTES == length);
	CHECK(messages_cookie_offset(length) == mac + MESSAGE_MAC_BYTES);
	before = buffer[at];
	messages_seal_mac(buffer, length, KEYED_HASH_SHAKE256, key);
	CHECK(buffer[at] == before);
	CHECK(messages_mac_is_right(buffer, length, KEYED_HASH_SHAKE256, key));
}
