#include "protocol/inbox.h"

#include <string.h>

#include "crypto/ct.h"
#include "protocol/outbox.h"

/* So many cookies can be made or checked in the time of one handshake, roughly. */
#define COOKIES_PER_HANDSHAKE 100

static bool has_valid_address(const struct rosenpass_datagram *datagram)
{
	return datagram->from.length <= ROSENPASS_ADDRESS_MAX_BYTES &&
	       datagram->from.group_length <= datagram->from.length;
}

/*
 * Finds the hash under which the mac is right, among those of the dialects, and the first dialect of that
 * hash: no two dialects of one hash have InitHellos or RespHellos of one size. Returns false if no hash fits.
 */
static bool find_dialect(struct rosenpass *engine, struct inbox_message *message, uint32_t dialects)
{
	const struct rosenpass_datagram *datagram = message->datagram;
	uint32_t tried = 0;

	for (int i = 0; i < ROSENPASS_DIALECT_COUNT; i++) {
		message->dialect = (enum rosenpass_dialect)i;
		message->hash = messages_dialect_hash(message->dialect);
		if ((dialects & ROSENPASS_DIALECT_BIT(i)) == 0 || (tried & (1u << message->hash)) != 0)
			continue;
		tried |= 1u << message->hash;
		if (messages_mac_is_right(datagram->data, datagram->length, message->hash,
		                          public_key_fact(&engine->own, message->hash, PUBLIC_KEY_MAC_KEY)))
			return true;
	}
	return false;
}

/* Makes a message of a datagram. Returns false, with the verdict set, if that is none to us. */
static bool check(struct rosenpass *engine, struct rosenpass_datagram *datagram,
                  struct inbox_message *message)
{
	uint32_t dialects = messages_classify(datagram->data, datagram->length);

	datagram->peer = 0;
	datagram->has_claim = false;
	datagram->claimed_peer = 0;
	datagram->verdict = ROSENPASS_DROPPED_SIZE;
	if (!has_valid_address(datagram) || dialects == 0)
		return false;
	*message = (struct inbox_message){ .datagram = datagram, .type = datagram->data[0] };
	datagram->verdict = ROSENPASS_DROPPED_MAC;
	if (message->type != MESSAGE_COOKIE_REPLY && !find_dialect(engine, message, dialects))
		return false;
	datagram->verdict = ROSENPASS_DROPPED_FAILURE;
	return true;
}

/* When messages of a type have their turn. */
static int turn_of(uint8_t type)
{
	switch (type) {
	case MESSAGE_INIT_HELLO:
		return 2;
	case MESSAGE_RESP_HELLO:
		return 1;
	default:
		return 0;
	}
}

size_t inbox_sort(struct rosenpass *engine, struct rosenpass_datagram *datagrams, size_t count,
                  struct inbox_message *messages)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		struct inbox_message message;
		size_t at = used;

		if (!check(engine, &datagrams[i], &message))
			continue;
		for (; at > 0 && turn_of(messages[at - 1].type) > turn_of(message.type); at--)
			messages[at] = messages[at - 1];
		messages[at] = message;
		used++;
	}
	return used;
}

/* Answers with a cookie of the size of the InitHello. false: no random bytes. */
static bool send_cookie(struct rosenpass *engine, const struct rosenpass_datagram *datagram)
{
	uint8_t value[COOKIE_VALUE_BYTES];
	uint8_t nonce[AEAD_X_NONCE_BYTES];
	uint8_t message[MESSAGE_MAX_BYTES];
	struct cookie_reply out;

	if (messages_cookie_reply(&out, message, datagram->length) != 0 ||
	    random_bytes(&engine->random, nonce, sizeof nonce) != 0)
		return false;
	/* The padding stays; header, session id and sealed cookie are written over its beginning. */
	memcpy(message, engine->cookie_secrets.padding, datagram->length);
	messages_set_type(message, MESSAGE_COOKIE_REPLY);
	memcpy(out.sid, datagram->data + MESSAGE_HEADER_BYTES, MESSAGE_SID_BYTES);
	cookie_value(value, engine->cookie_secrets.secret[0], datagram->from.bytes, datagram->from.length);
	cookie_reply_seal(out.sealed,
	                  public_key_fact(&engine->own, KEYED_HASH_SHAKE256, PUBLIC_KEY_COOKIE_KEY), nonce,
	                  value, datagram->data + messages_mac_offset(datagram->length));
	ct_declassify(message, datagram->length);
	outbox_reply(engine, message, datagram->length, &datagram->from);
	ct_wipe(value, sizeof value);
	return true;
}

/* Returns true if there is time to make or check a cookie for that sender. */
static bool has_time_for_cookie(struct rosenpass *engine, const struct rosenpass_address *from)
{
	return share_has_room(&engine->cookie_share, usage_of(&engine->cookie_usage, from, engine->now_ns),
	                      engine->now_ns);
}

static void charge_cookie(struct rosenpass *engine, const struct rosenpass_address *from)
{
	uint64_t handshake_ns =
		engine->budget.is_measured ? engine->budget.cost_ns : ENGINE_HANDSHAKE_COST_NS;

	usage_add(&engine->cookie_usage, from, engine->now_ns);
	share_charge(&engine->cookie_share, handshake_ns / COOKIES_PER_HANDSHAKE);
}

/* Returns true if the InitHello shows a valid cookie. A wrong one is charged like a reply. */
static bool has_cookie(struct rosenpass *engine, const struct rosenpass_datagram *datagram)
{
	if (!cookie_is_present(datagram->data, datagram->length) ||
	    !has_time_for_cookie(engine, &datagram->from))
		return false;
	if (cookie_is_right(&engine->cookie_secrets, engine->now_ns, datagram->from.bytes,
	                    datagram->from.length, datagram->data, datagram->length))
		return true;
	charge_cookie(engine, &datagram->from);
	return false;
}

/* Takes what the InitHello will cost from the share of its network or from the budget. */
static bool take_time(struct rosenpass *engine, struct inbox_message *message, bool has_cookie)
{
	const struct rosenpass_address *from = &message->datagram->from;
	bool is_measured = engine->clock != NULL;
	uint64_t usage = is_measured ? usage_of(&engine->usage, from, engine->now_ns) : 0;
	bool is_reserved = false;

	if (has_cookie && rate_limit_take(&engine->rate_limit, from, engine->now_ns) &&
	    (!is_measured || budget_take(&engine->budget, BUDGET_COOKIE, usage))) {
		usage_add(&engine->usage, from, engine->now_ns);
		return true;
	}
	if (engine->under_load)
		return false;
	if (!is_measured)
		return true;
	message->in_budget = budget_take(&engine->budget, BUDGET_STRANGER, usage);
	if (!message->in_budget) {
		is_reserved = sources_take(&engine->sources, from, engine->now_ns);
		message->in_budget = is_reserved && budget_take(&engine->budget, BUDGET_RESERVED, 0);
	}
	if (!message->in_budget)
		engine->load_until_ns = engine->now_ns + ENGINE_CALM_NS;
	else if (!is_reserved)
		usage_add(&engine->usage, from, engine->now_ns);
	return message->in_budget;
}

/* Demands a cookie, if there is time for that, and sets the verdict. */
static void demand_cookie(struct rosenpass *engine, struct rosenpass_datagram *datagram)
{
	datagram->verdict = ROSENPASS_DROPPED_LOAD;
	if (!has_time_for_cookie(engine, &datagram->from))
		return;
	datagram->verdict = ROSENPASS_DROPPED_FAILURE;
	if (cookie_secrets_renew(&engine->cookie_secrets, engine->now_ns, &engine->random) != 0 ||
	    !send_cookie(engine, datagram))
		return;
	charge_cookie(engine, &datagram->from);
	datagram->verdict = ROSENPASS_COOKIE_SENT;
}

bool inbox_admit_hello(struct rosenpass *engine, struct inbox_message *message)
{
	struct rosenpass_datagram *datagram = message->datagram;
	const uint8_t *mac = datagram->data + messages_mac_offset(datagram->length);
	bool is_limited = engine->under_load || engine->clock != NULL;
	bool shows_cookie;

	datagram->verdict = ROSENPASS_DROPPED_REPLAY;
	if (replay_is_copy(&engine->replays, mac, &datagram->from, engine->now_ns))
		return false;
	shows_cookie = is_limited && has_cookie(engine, datagram);
	datagram->verdict = ROSENPASS_DROPPED_LOAD;
	if (take_time(engine, message, shows_cookie)) {
		replay_note(&engine->replays, mac, &datagram->from, engine->now_ns);
		return true;
	}
	if (!shows_cookie)
		demand_cookie(engine, datagram);
	return false;
}

void inbox_identity(const struct rosenpass *engine, uint8_t identity[static KEYED_HASH_OUT_BYTES],
                    const uint8_t *message, size_t length)
{
	keyed_hash(KEYED_HASH_BLAKE2B, identity, engine->identity_key, message,
	           messages_cookie_offset(length));
}
