/*
 * The table of session and peer ids. Unsigned arithmetic wraps on purpose here: in the hash, and in
 * distances on a ring of entries, which are masked.
 */

#include "protocol/index.c"
#include "prove.h"

#include <stdlib.h>

/* Half of this many entries may be in use. */
#define CAPACITY 8
#define MASK (CAPACITY - 1)

static struct index_entry entries[CAPACITY];

size_t any_home(const struct index *index, uint64_t key);

/*
 * Stands for every hash: the table only compares keys and homes, and among the keys here there are as many
 * of each home as the table can have entries.
 */
size_t any_home(const struct index *index, uint64_t key)
{
	return (size_t)key & (index->capacity - 1);
}

static uint64_t any_key(void)
{
	return nondet_u8();
}

/* Values are only compared: eight different ones are more than a table and a proof can name. */
static uint32_t any_value(void)
{
	return nondet_bool() ? INDEX_NONE : nondet_u8() % 8;
}

/*
 * prove: index_home_is_inside unwind=1 without=unsigned-overflow
 * fault: src/protocol/index.c s/>> 32) & (index->capacity - 1)/>> 32) \& index->capacity/
 *
 * The hash of every key is a place in the table, whatever power of two its size is.
 */
PROOF(index_home_is_inside)
{
	struct index index = { NULL, (size_t)1 << (nondet_u8() & 63), 0 };

	CHECK(home(&index, nondet_u64()) < index.capacity);
}

static bool is_used(size_t at)
{
	return entries[at & MASK].value != INDEX_NONE;
}

/* Each entry is reached from the home of its key without passing a free one, and the count is right. */
static bool is_sound(const struct index *index)
{
	size_t used = 0;

	for (size_t at = 0; at < CAPACITY; at++) {
		size_t distance = (at - any_home(index, entries[at].key)) & MASK;

		if (!is_used(at))
			continue;
		used++;
		for (size_t back = 1; back <= MASK; back++) {
			if (back <= distance && !is_used(at + CAPACITY - back))
				return false;
		}
	}
	return used == index->used && used <= CAPACITY / 2;
}

/* Every sound table of this capacity, whatever operations have led to it. */
static struct index any_sound_index(void)
{
	struct index index = { entries, CAPACITY, nondet_size() };

	for (size_t i = 0; i < CAPACITY; i++) {
		entries[i].key = any_key();
		entries[i].value = any_value();
	}
	ASSUME(is_sound(&index));
	return index;
}

/* How many times the pair is in the table, as a search finds it. */
static size_t count_pairs(const struct index *index, uint64_t key, uint32_t value)
{
	size_t position = SIZE_MAX;
	size_t count = 0;
	uint32_t found;

	while ((found = index_next(index, key, &position)) != INDEX_NONE) {
		CHECK(position < CAPACITY);
		if (found == value)
			count++;
	}
	return count;
}

/*
 * prove: index_insert_is_found unwind=9 without=unsigned-overflow replace=home:any_home
 * fault: src/protocol/index.c
 *     /^static void place/,/^}/s/at = (at + 1) & (index->capacity - 1);/at = at + 1;/
 *
 * One insertion into any sound table of 8 entries, hence any number of them: no access out of bounds, the
 * table stays sound, the pair is found once more, and another pair as often as before. Larger tables are
 * not proved.
 */
PROOF(index_insert_is_found)
{
	struct index index = any_sound_index();
	uint64_t key = any_key();
	uint32_t value = any_value();
	uint64_t other_key = any_key();
	uint32_t other_value = any_value();
	size_t before;
	size_t other_before;

	ASSUME(index.used < CAPACITY / 2 && value != INDEX_NONE && other_value != INDEX_NONE);
	ASSUME(key != other_key || value != other_value);
	before = count_pairs(&index, key, value);
	other_before = count_pairs(&index, other_key, other_value);
	index_insert(&index, key, value);
	CHECK(is_sound(&index));
	CHECK(count_pairs(&index, key, value) == before + 1);
	CHECK(count_pairs(&index, other_key, other_value) == other_before);
}

/*
 * prove: index_remove_keeps_the_rest unwind=9 without=unsigned-overflow replace=home:any_home
 * fault: src/protocol/index.c s/distance >= ((at - hole) & mask)/distance > ((at - hole) \& mask)/
 *
 * One removal from any sound table of 8 entries: the table stays sound, the pair is found once less (if it
 * was there), and another pair as often as before.
 */
PROOF(index_remove_keeps_the_rest)
{
	struct index index = any_sound_index();
	uint64_t key = any_key();
	uint32_t value = any_value();
	uint64_t other_key = any_key();
	uint32_t other_value = any_value();
	size_t before;
	size_t other_before;

	ASSUME(value != INDEX_NONE && other_value != INDEX_NONE);
	ASSUME(key != other_key || value != other_value);
	before = count_pairs(&index, key, value);
	other_before = count_pairs(&index, other_key, other_value);
	index_remove(&index, key, value);
	CHECK(is_sound(&index));
	CHECK(count_pairs(&index, key, value) == (before > 0 ? before - 1 : 0));
	CHECK(count_pairs(&index, other_key, other_value) == other_before);
}

void *memory_get(const struct memory *memory, size_t bytes)
{
	(void)memory;
	return calloc(1, bytes);
}

void memory_put(const struct memory *memory, void *p, size_t bytes)
{
	(void)memory;
	CHECK(p == NULL || __CPROVER_w_ok(p, bytes));
	free(p);
}

/*
 * prove: index_grows unwind=33 without=unsigned-overflow replace=home:any_home
 * fault: src/protocol/index.c s/i < index->capacity; i++/i <= index->capacity; i++/
 *
 * A table that grows from nothing to 16 and to 32 entries and holds two pairs with any keys and values:
 * after a failure all is as before, else everything is found; what memory_get() gives is given back with
 * its size.
 */
PROOF(index_grows)
{
	struct index index = { NULL, 0, 0 };
	struct memory memory = { NULL, NULL, NULL };
	uint64_t keys[2] = { any_key(), any_key() };
	size_t position = SIZE_MAX;

	index_remove(&index, keys[0], 0);
	CHECK(index_next(&index, keys[0], &position) == INDEX_NONE);
	if (index_reserve(&index, 2, &memory) != 0) {
		CHECK(index.entries == NULL && index.capacity == 0);
		return;
	}
	CHECK(index.capacity == 16);
	index_insert(&index, keys[0], 0);
	index_insert(&index, keys[1], 1);
	if (index_reserve(&index, 9, &memory) == 0)
		CHECK(index.capacity == 32);
	else
		CHECK(index.capacity == 16);
	CHECK(index.used == 2);
	CHECK(index_next(&index, keys[0], &position) == 0);
	if (keys[0] == keys[1])
		CHECK(index_next(&index, keys[0], &position) == 1);
	CHECK(index_next(&index, keys[0], &position) == INDEX_NONE);
	index_release(&index, &memory);
	CHECK(index.entries == NULL && index.capacity == 0 && index.used == 0);
}
