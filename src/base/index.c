#include "base/index.h"

#include <assert.h>

static size_t home(const struct index *index, uint64_t key)
{
	/* Fibonacci hashing: the high half of the product depends on every bit of the key. */
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (index->capacity - 1);
}

static void place(struct index *index, uint64_t key, uint32_t value)
{
	size_t at = home(index, key);

	while (index->entries[at].value != INDEX_NONE)
		at = (at + 1) & (index->capacity - 1);
	index->entries[at] = (struct index_entry){ key, value };
}

int index_reserve(struct index *index, size_t count, const struct memory *memory)
{
	struct index larger = { NULL, 16, index->used };

	/* At most half full, so that a search is short. */
	while (larger.capacity / 2 < count)
		larger.capacity *= 2;
	if (larger.capacity <= index->capacity)
		return 0;
	larger.entries = memory_get(memory, larger.capacity * sizeof *larger.entries);
	if (larger.entries == NULL)
		return -1;
	for (size_t i = 0; i < larger.capacity; i++)
		larger.entries[i].value = INDEX_NONE;
	for (size_t i = 0; i < index->capacity; i++) {
		if (index->entries[i].value != INDEX_NONE)
			place(&larger, index->entries[i].key, index->entries[i].value);
	}
	index_release(index, memory);
	*index = larger;
	return 0;
}

void index_release(struct index *index, const struct memory *memory)
{
	memory_put(memory, index->entries, index->capacity * sizeof *index->entries);
	*index = (struct index){ NULL, 0, 0 };
}

void index_insert(struct index *index, uint64_t key, uint32_t value)
{
	assert(index->used < index->capacity / 2);
	place(index, key, value);
	index->used++;
}

void index_remove(struct index *index, uint64_t key, uint32_t value)
{
	size_t mask = index->capacity - 1;
	size_t hole;

	if (index->capacity == 0)
		return;
	hole = home(index, key);
	while (index->entries[hole].key != key || index->entries[hole].value != value) {
		if (index->entries[hole].value == INDEX_NONE)
			return;
		hole = (hole + 1) & mask;
	}
	/* Moves up every later entry of the run that its own search would no longer reach. */
	for (size_t at = (hole + 1) & mask; index->entries[at].value != INDEX_NONE; at = (at + 1) & mask) {
		size_t distance = (at - home(index, index->entries[at].key)) & mask;

		if (distance >= ((at - hole) & mask)) {
			index->entries[hole] = index->entries[at];
			hole = at;
		}
	}
	index->entries[hole] = (struct index_entry){ 0, INDEX_NONE };
	index->used--;
}

uint32_t index_next(const struct index *index, uint64_t key, size_t *position)
{
	size_t at;

	if (index->capacity == 0)
		return INDEX_NONE;
	at = *position == SIZE_MAX ? home(index, key) : (*position + 1) & (index->capacity - 1);
	for (; index->entries[at].value != INDEX_NONE; at = (at + 1) & (index->capacity - 1)) {
		if (index->entries[at].key == key) {
			*position = at;
			return index->entries[at].value;
		}
	}
	return INDEX_NONE;
}
