#ifndef ROSENPASS_BASE_INDEX_H
#define ROSENPASS_BASE_INDEX_H

/*
 * An open-addressed table from 64-bit keys to 32-bit values, with room reserved
 * beforehand: inserting never allocates. A key may stand for several values.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define INDEX_NONE UINT32_MAX

struct index_entry {
	uint64_t key;
	uint32_t value; /* INDEX_NONE: free */
};

struct index {
	struct index_entry *entries;
	size_t capacity; /* 0 or a power of two */
	size_t used;
};

/* Makes room for count entries in all. -1: no memory, nothing changed. */
int index_reserve(struct index *index, size_t count, const struct memory *memory)
	__attribute__((warn_unused_result));

void index_release(struct index *index, const struct memory *memory);

/* Room must be reserved. */
void index_insert(struct index *index, uint64_t key, uint32_t value);

/* Removes that pair, where it is there. */
void index_remove(struct index *index, uint64_t key, uint32_t value);

/*
 * Values of a key, one a call: start with *position = SIZE_MAX; INDEX_NONE ends.
 * The table must not change meanwhile.
 */
uint32_t index_next(const struct index *index, uint64_t key, size_t *position);

#endif
