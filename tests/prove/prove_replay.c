/*
 * The filter of replays. There is one set here instead of 256; the set is chosen by a remainder. Hashes have
 * any value, and those of the same mac or address are the same.
 */

#include "protocol/replay.c"
#include "prove.h"

#define LATEST_NS (UINT64_MAX / 2)

static uint8_t mac[MESSAGE_MAC_BYTES];
static struct replay_filter filter;
static uint64_t mac_value;
static uint64_t source_value;

uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
	CHECK_READABLE(key, SHORT_HASH_KEY_BYTES);
	CHECK_READABLE(data, data_len);
	return data == mac ? mac_value : source_value;
}

/* Notes are of the past, and no share has more copies in its window than may be answered. */
static bool is_sound(const struct replay_entry *entry, uint64_t now_ns)
{
	for (int i = 0; i < 2; i++) {
		const struct replay_share *share = &entry->shares[i];

		if (share->last_ns > now_ns || share->window_ns > share->last_ns ||
		    share->copies > REPLAY_COPIES)
			return false;
	}
	return true;
}

/*
 * prove: replay_stays_in_its_set unwind=5 sizes=REPLAY_SETS:1
 * fault: src/protocol/replay.c s/while (way < REPLAY_WAYS \&\&/while (way <= REPLAY_WAYS \&\&/
 *
 * The replay filter stays within its table and does not overflow.
 *
 * One InitHello with any mac from any valid address, in any sound set of 4 entries: no access out of bounds,
 * no time overflows, and the set stays sound. If the InitHello is answered and noted, the next copy from
 * there is recognized at once, and at most one entry makes room.
 */
PROOF(replay_stays_in_its_set)
{
	struct rosenpass_address from;
	uint64_t now_ns = nondet_u64();
	size_t way = nondet_u8() % REPLAY_WAYS;
	size_t other = nondet_u8() % REPLAY_WAYS;
	const struct replay_entry *set = filter.entries[0];
	uint64_t before;
	uint64_t other_before;

	ANY(filter);
	ANY(from);
	ASSUME(from.length <= ROSENPASS_ADDRESS_MAX_BYTES && from.group_length <= from.length);
	ASSUME(now_ns <= LATEST_NS && other != way);
	mac_value = nondet_u64();
	source_value = nondet_u64();
	for (size_t i = 0; i < REPLAY_WAYS; i++)
		ASSUME(is_sound(&set[i], now_ns));
	before = set[way].mac_hash;
	other_before = set[other].mac_hash;
	if (replay_is_copy(&filter, mac, &from, now_ns))
		return;
	replay_note(&filter, mac, &from, now_ns);
	CHECK(replay_is_copy(&filter, mac, &from, now_ns));
	CHECK(is_sound(&set[way], now_ns));
	CHECK(set[way].mac_hash == before || set[other].mac_hash == other_before);
}
