/*
 * The networks of our peers. The index is replaced by a search of the list, which finds what the proofs of
 * prove_index.c say that an index finds: the place of each hash that was inserted, and not removed.
 */

#include <stddef.h>
#include <string.h>

static void *copy(void *to, const void *from, size_t bytes);
#define memcpy copy
#include "protocol/sources.c"
#include "prove.h"

#define PLACES 3

static struct source list[PLACES];
static bool is_indexed[PLACES];

static void *copy(void *to, const void *from, size_t bytes)
{
	size_t count = bytes / sizeof(struct source);

	CHECK_WRITABLE(to, bytes);
	CHECK_READABLE(from, bytes);
	for (size_t i = 0; i < count; i++)
		((struct source *)to)[i] = ((const struct source *)from)[i];
	return to;
}

uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
	CHECK_READABLE(key, SHORT_HASH_KEY_BYTES);
	CHECK_READABLE(data, data_len);
	return nondet_u64();
}

size_t usage_network_bytes(const struct rosenpass_address *address, int level)
{
	size_t bytes = nondet_size();

	CHECK(level == 0);
	ASSUME(bytes <= address->length);
	return bytes;
}

uint32_t index_next(const struct index *index, uint64_t key, size_t *position)
{
	(void)index;
	CHECK(*position == SIZE_MAX);
	for (uint32_t at = 0; at < PLACES; at++) {
		if (is_indexed[at] && list[at].hash == key)
			return at;
	}
	return INDEX_NONE;
}

void index_insert(struct index *index, uint64_t key, uint32_t value)
{
	(void)index;
	CHECK(value < PLACES && !is_indexed[value] && list[value].hash == key);
	is_indexed[value] = true;
}

void index_remove(struct index *index, uint64_t key, uint32_t value)
{
	(void)index;
	CHECK(value < PLACES && is_indexed[value] && list[value].hash == key);
	is_indexed[value] = false;
}

/*
 * Each place is either indexed, with peers and a hash of its own, or on the list of free ones, which ends.
 * No network lacks more than its share.
 */
static bool is_sound(const struct sources *sources, uint64_t now_ns)
{
	uint32_t at = sources->first_free;
	size_t free_count = 0;

	for (size_t i = 0; i < PLACES; i++) {
		if (is_indexed[i] != (list[i].peers > 0))
			return false;
		if (is_indexed[i] && (list[i].hash == 0 || (list[i].full_ns > now_ns &&
		                                            list[i].full_ns - now_ns > SOURCES_INTERVAL_NS)))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (is_indexed[i] && is_indexed[j] && list[i].hash == list[j].hash)
				return false;
		}
		if (!is_indexed[i])
			free_count++;
	}
	for (size_t i = 0; i < PLACES; i++) {
		if (at == INDEX_NONE)
			return free_count == 0;
		if (at >= PLACES || is_indexed[at] || free_count == 0)
			return false;
		at = list[at].next_free;
		free_count--;
	}
	return at == INDEX_NONE && free_count == 0;
}

/* The numbers of peers are below the limit, which is a power of two. */
static struct sources any_sources(uint64_t now_ns, uint32_t peers_limit)
{
	struct sources sources = { .list = list, .capacity = PLACES, .first_free = nondet_u32() };

	ANY(list);
	for (size_t i = 0; i < PLACES; i++) {
		is_indexed[i] = nondet_bool();
		list[i].peers = nondet_u32() & (peers_limit - 1);
	}
	ASSUME(is_sound(&sources, now_ns));
	return sources;
}

static uint32_t peers_of(uint64_t hash)
{
	for (size_t i = 0; i < PLACES; i++) {
		if (is_indexed[i] && list[i].hash == hash)
			return list[i].peers;
	}
	return 0;
}

/*
 * prove: sources_stay_sound unwind=4
 * fault: src/protocol/sources.c s/sources->first_free = source->next_free;/sources->first_free = at + 1;/
 *
 * Counting peers in networks stays within the list and loses nothing.
 *
 * One peer more or less in a network, in any sound sources of 3 places: no access out of bounds, each place
 * is counted or free but not both, and the counts of other networks stay. Room for one more is there, as
 * peer_table_reserve() provides.
 */
PROOF(sources_stay_sound)
{
	uint64_t now_ns = nondet_u64();
	struct sources sources = any_sources(now_ns, UINT32_C(1) << 31);
	uint64_t hash = nondet_u64();
	uint64_t other = nondet_u64();
	uint32_t before = peers_of(hash);
	uint32_t other_before = peers_of(other);

	ASSUME(now_ns <= UINT64_MAX / 2 && other != hash);
	if (nondet_bool()) {
		ASSUME(sources.first_free != INDEX_NONE || before > 0);
		sources_add(&sources, hash);
		CHECK(peers_of(hash) == (hash == 0 ? 0 : before + 1));
	} else {
		sources_remove(&sources, hash);
		CHECK(peers_of(hash) == (before > 0 ? before - 1 : 0));
	}
	CHECK(peers_of(other) == other_before);
	CHECK(is_sound(&sources, now_ns));
}

/*
 * prove: sources_take_is_bounded unwind=4
 * fault: src/protocol/sources.c s/if (source == NULL)$/if (source == sources->list)/
 *
 * The shares of networks do not overflow.
 *
 * Every valid address takes from the share of its network, or from none: no division by zero, no overflow,
 * and no network comes to lack more than its share. A network has up to 7 peers.
 */
PROOF(sources_take_is_bounded)
{
	uint64_t now_ns = nondet_u64();
	struct sources sources = any_sources(now_ns, 8);
	struct rosenpass_address address;

	ANY(address);
	ASSUME(address.length <= ROSENPASS_ADDRESS_MAX_BYTES && now_ns <= UINT64_MAX / 2);
	(void)sources_take(&sources, &address, now_ns);
	CHECK(is_sound(&sources, now_ns));
}

static struct source larger_list[PLACES];
static struct source small_list[1];
static bool has_memory;

/* Room for the index, or none. */
int index_reserve(struct index *index, size_t count, const struct memory *memory)
{
	(void)index;
	(void)memory;
	CHECK(count == 1 || count == PLACES);
	return nondet_bool() ? 0 : -1;
}

void *memory_get(const struct memory *memory, size_t bytes)
{
	(void)memory;
	CHECK(bytes == sizeof small_list || bytes == sizeof larger_list);
	has_memory = nondet_bool();
	if (!has_memory)
		return NULL;
	return bytes == sizeof small_list ? (void *)small_list : (void *)larger_list;
}

void memory_put(const struct memory *memory, void *p, size_t bytes)
{
	(void)memory;
	CHECK(p == NULL ? bytes == 0 : p == small_list && bytes == sizeof small_list);
}

/*
 * prove: sources_grow unwind=4
 * fault: src/protocol/sources.c
 *     s/for (size_t i = sources->capacity; i < count/for (size_t i = 1; i < count/
 *
 * A list of networks that grows loses nothing, even without memory.
 *
 * From nothing to 1 place and on to 3: without memory all is as before, else the new places are free, and
 * the old one is as it was.
 */
PROOF(sources_grow)
{
	struct sources sources = { .first_free = 7 };
	struct memory memory = { NULL, NULL, NULL };
	bool is_taken = nondet_bool();

	if (sources_reserve(&sources, 1, &memory) != 0) {
		CHECK(sources.capacity == 0 && sources.list == NULL);
		return;
	}
	CHECK(sources.list == small_list && sources.capacity == 1 && sources.first_free == 0);
	CHECK(small_list[0].next_free == INDEX_NONE);
	small_list[0].hash = 5;
	if (is_taken)
		sources.first_free = INDEX_NONE;
	if (sources_reserve(&sources, PLACES, &memory) != 0) {
		CHECK(sources.capacity == 1 && sources.list == small_list);
		return;
	}
	CHECK(sources.list == larger_list && sources.capacity == PLACES && sources.list[0].hash == 5);
	CHECK(sources.first_free == 2 && sources.list[2].next_free == 1);
	CHECK(sources.list[1].next_free == (is_taken ? INDEX_NONE : 0));
	CHECK(sources_reserve(&sources, PLACES, &memory) == 0);
}
