#include "protocol/sources.h"

#include <string.h>

#include "protocol/usage.h"

int sources_reserve(struct sources *sources, size_t count, const struct memory *memory)
{
	struct source *larger;

	if (count <= sources->capacity)
		return 0;
	if (index_reserve(&sources->by_hash, count, memory) != 0)
		return -1;
	larger = memory_get(memory, count * sizeof *larger);
	if (larger == NULL)
		return -1;
	if (sources->capacity > 0)
		memcpy(larger, sources->list, sources->capacity * sizeof *larger);
	else
		sources->first_free = INDEX_NONE;
	for (size_t i = sources->capacity; i < count; i++) {
		larger[i].next_free = sources->first_free;
		sources->first_free = (uint32_t)i;
	}
	memory_put(memory, sources->list, sources->capacity * sizeof *larger);
	sources->list = larger;
	sources->capacity = count;
	return 0;
}

void sources_release(struct sources *sources, const struct memory *memory)
{
	memory_put(memory, sources->list, sources->capacity * sizeof *sources->list);
	index_release(&sources->by_hash, memory);
	sources->list = NULL;
	sources->capacity = 0;
}

uint64_t sources_hash(const struct sources *sources, const struct rosenpass_address *address)
{
	uint64_t hash;

	if (address->length == 0)
		return 0;
	hash = short_hash(sources->key, address->bytes, usage_network_bytes(address, 0));
	return hash != 0 ? hash : 1;
}

static struct source *find(const struct sources *sources, uint64_t hash)
{
	size_t position = SIZE_MAX;
	uint32_t at = index_next(&sources->by_hash, hash, &position);

	return at == INDEX_NONE ? NULL : &sources->list[at];
}

void sources_add(struct sources *sources, uint64_t hash)
{
	struct source *source = find(sources, hash);

	if (hash == 0)
		return;
	if (source == NULL) {
		uint32_t at = sources->first_free;

		source = &sources->list[at];
		sources->first_free = source->next_free;
		*source = (struct source){ .hash = hash };
		index_insert(&sources->by_hash, hash, at);
	}
	source->peers++;
}

void sources_remove(struct sources *sources, uint64_t hash)
{
	struct source *source = find(sources, hash);
	uint32_t at;

	if (hash == 0 || source == NULL || --source->peers > 0)
		return;
	at = (uint32_t)(source - sources->list);
	index_remove(&sources->by_hash, hash, at);
	source->next_free = sources->first_free;
	sources->first_free = at;
}

bool sources_take(struct sources *sources, const struct rosenpass_address *address, uint64_t now_ns)
{
	struct source *source = find(sources, sources_hash(sources, address));
	uint64_t each_ns;

	if (source == NULL)
		return false;
	each_ns = SOURCES_INTERVAL_NS / source->peers;
	if (source->full_ns < now_ns)
		source->full_ns = now_ns;
	if (source->full_ns - now_ns > SOURCES_INTERVAL_NS - each_ns)
		return false;
	source->full_ns += each_ns;
	return true;
}
