#include "protocol/replay.h"

#include <stddef.h>

static uint64_t hash_of_source(const struct replay_filter *filter, const struct rosenpass_address *from)
{
	return short_hash(filter->key, from->bytes, from->length);
}

/* Returns when the entry was used last; 0 if it never was. */
static uint64_t last_use(const struct replay_entry *entry)
{
	uint64_t first_ns = entry->shares[0].copies > 0 ? entry->shares[0].last_ns + 1 : 0;
	uint64_t others_ns = entry->shares[1].copies > 0 ? entry->shares[1].last_ns + 1 : 0;

	return first_ns > others_ns ? first_ns : others_ns;
}

/* Returns the place of the mac in its set, or REPLAY_WAYS if the mac is not there. */
static size_t find(const struct replay_entry set[static REPLAY_WAYS], uint64_t mac_hash)
{
	size_t way = 0;

	while (way < REPLAY_WAYS && (set[way].mac_hash != mac_hash || last_use(&set[way]) == 0))
		way++;
	return way;
}

static int share_of(const struct replay_entry *entry, uint64_t source_hash)
{
	return entry->source_hash == source_hash ? 0 : 1;
}

bool replay_is_copy(const struct replay_filter *filter, const uint8_t mac[static MESSAGE_MAC_BYTES],
                    const struct rosenpass_address *from, uint64_t now_ns)
{
	uint64_t mac_hash = short_hash(filter->key, mac, MESSAGE_MAC_BYTES);
	const struct replay_entry *set = filter->entries[mac_hash % REPLAY_SETS];
	const struct replay_share *share;
	size_t way = find(set, mac_hash);

	if (way == REPLAY_WAYS)
		return false;
	share = &set[way].shares[share_of(&set[way], hash_of_source(filter, from))];
	if (share->copies == 0)
		return false;
	return now_ns - share->last_ns < REPLAY_GAP_NS ||
	       (share->copies >= REPLAY_COPIES && now_ns - share->window_ns < REPLAY_WINDOW_NS);
}

void replay_note(struct replay_filter *filter, const uint8_t mac[static MESSAGE_MAC_BYTES],
                 const struct rosenpass_address *from, uint64_t now_ns)
{
	uint64_t mac_hash = short_hash(filter->key, mac, MESSAGE_MAC_BYTES);
	struct replay_entry *set = filter->entries[mac_hash % REPLAY_SETS];
	uint64_t source_hash = hash_of_source(filter, from);
	struct replay_share *share;
	size_t way = find(set, mac_hash);

	if (way == REPLAY_WAYS) {
		way = 0;
		for (size_t i = 1; i < REPLAY_WAYS; i++) {
			if (last_use(&set[i]) < last_use(&set[way]))
				way = i;
		}
		set[way] = (struct replay_entry){ .mac_hash = mac_hash, .source_hash = source_hash };
	}
	share = &set[way].shares[share_of(&set[way], source_hash)];
	if (share->copies == 0 || now_ns - share->window_ns >= REPLAY_WINDOW_NS) {
		share->window_ns = now_ns;
		share->copies = 0;
	}
	share->copies++;
	share->last_ns = now_ns;
}
