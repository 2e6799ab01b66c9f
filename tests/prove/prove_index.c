/*
 * The table of session and peer ids. Unsigned arithmetic wraps on purpose here: in the hash, and in
 * distances on a ring of entries, which are masked.
 */

#include "base/index.c"
#include "prove.h"

/* Half of this many entries may be in use. */
#define CAPACITY 8
#define MASK (CAPACITY - 1)

/*
 * Keys and values are only compared with each other, and a key has a home. So there are names enough in 8
 * keys of any homes and in 2 values. Of the key that is looked at, two homes are tried: the longest search
 * from one does not come to the end of the table, from the other it goes on at the beginning.
 */
#define KEYS 8
#define KEY 0
#define FLAT 1
#define WRAPPING 6
#define VALUE 0

static struct index_entry entries[CAPACITY];
static uint8_t home_of[KEYS];

/*
 * prove: index_home_is_inside unwind=1 without=unsigned-overflow
 * fault: src/base/index.c s/>> 32) & (index->capacity - 1)/>> 32) \& index->capacity/
 *
 * The hash of every key is a place in the table.
 *
 * The hash of every key is a place in the table, whatever power of two its size is.
 */
PROOF(index_home_is_inside)
{
	struct index index = { NULL, (size_t)1 << (nondet_u8() & 63), 0 };

	CHECK(home(&index, nondet_u64()) < index.capacity);
}

size_t any_home(const struct index *index, uint64_t key);

size_t any_home(const struct index *index, uint64_t key)
{
	return home_of[key & (KEYS - 1)] & (index->capacity - 1);
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
static struct index any_sound_index(size_t home_of_key)
{
	struct index index = { entries, CAPACITY, nondet_u8() % CAPACITY };

	for (size_t i = 1; i < KEYS; i++)
		home_of[i] = nondet_u8() & MASK;
	home_of[KEY] = (uint8_t)home_of_key;
	for (size_t i = 0; i < CAPACITY; i++) {
		entries[i].key = nondet_u8() % KEYS;
		entries[i].value = nondet_bool() ? INDEX_NONE : nondet_bool();
	}
	ASSUME(is_sound(&index));
	return index;
}

/* How many times the pair is in the table. */
static size_t count_pairs(uint64_t key, uint32_t value)
{
	size_t count = 0;

	for (size_t i = 0; i < CAPACITY; i++) {
		if (entries[i].key == key && entries[i].value == value)
			count++;
	}
	return count;
}

static void check_search(size_t home_of_key)
{
	struct index index = any_sound_index(home_of_key);
	size_t position = SIZE_MAX;
	size_t count = 0;
	uint32_t found;

	while ((found = index_next(&index, KEY, &position)) != INDEX_NONE) {
		CHECK(position < CAPACITY);
		if (found == VALUE)
			count++;
	}
	CHECK(count == count_pairs(KEY, VALUE));
}

/*
 * prove: index_search_finds_all unwind=9 without=unsigned-overflow replace=home:any_home
 * fault: src/base/index.c
 *     s/(\*position + 1) & (index->capacity - 1)/(*position + 2) \& (index->capacity - 1)/
 *
 * A search of the table stays inside and finds all.
 *
 * In any sound table of 8 entries, a search ends, accesses nothing outside, and finds each value of the key
 * as often as it is there.
 */
PROOF(index_search_finds_all)
{
	check_search(FLAT);
	check_search(WRAPPING);
}

static void check_insert(size_t home_of_key)
{
	struct index index = any_sound_index(home_of_key);
	uint64_t other_key = nondet_u8() % KEYS;
	uint32_t other_value = nondet_bool();
	size_t before = count_pairs(KEY, VALUE);
	size_t other_before = count_pairs(other_key, other_value);

	ASSUME(index.used < CAPACITY / 2);
	ASSUME(other_key != KEY || other_value != VALUE);
	index_insert(&index, KEY, VALUE);
	CHECK(is_sound(&index));
	CHECK(count_pairs(KEY, VALUE) == before + 1);
	CHECK(count_pairs(other_key, other_value) == other_before);
}

/*
 * prove: index_insert_keeps_sound unwind=9 without=unsigned-overflow replace=home:any_home
 * fault: src/base/index.c
 *     /^static void place/,/^}/s/at = (at + 1) & (index->capacity - 1);/at = at + 1;/
 *
 * An insertion into the table stays inside and loses nothing.
 *
 * One insertion into any sound table of 8 entries, hence any number of them: no access out of bounds, the
 * table stays sound, the pair is there once more, and every other pair as often as before. Larger tables
 * are not proved.
 */
PROOF(index_insert_keeps_sound)
{
	check_insert(FLAT);
	check_insert(WRAPPING);
}

static void check_remove(size_t home_of_key)
{
	struct index index = any_sound_index(home_of_key);
	uint64_t other_key = nondet_u8() % KEYS;
	uint32_t other_value = nondet_bool();
	size_t before = count_pairs(KEY, VALUE);
	size_t other_before = count_pairs(other_key, other_value);

	ASSUME(other_key != KEY || other_value != VALUE);
	index_remove(&index, KEY, VALUE);
	CHECK(is_sound(&index));
	CHECK(count_pairs(KEY, VALUE) == (before > 0 ? before - 1 : 0));
	CHECK(count_pairs(other_key, other_value) == other_before);
}

/*
 * prove: index_remove_keeps_sound unwind=9 without=unsigned-overflow replace=home:any_home
 * fault: src/base/index.c s/distance >= ((at - hole) & mask)/distance > ((at - hole) \& mask)/
 *
 * A removal from the table stays inside and loses nothing else.
 *
 * One removal from any sound table of 8 entries: the table stays sound, the pair is there once less (if it
 * was there), and every other pair as often as before.
 */
PROOF(index_remove_keeps_sound)
{
	check_remove(FLAT);
	check_remove(WRAPPING);
}

static struct index_entry small[16];
static struct index_entry large[32];
static int until_failure;

/* Of the two sizes that the proof needs, zeroed, as long as there is any. */
void *memory_get(const struct memory *memory, size_t bytes)
{
	(void)memory;
	CHECK(bytes == sizeof small || bytes == sizeof large);
	if (until_failure-- == 0)
		return NULL;
	return bytes == sizeof small ? (void *)small : (void *)large;
}

void memory_put(const struct memory *memory, void *p, size_t bytes)
{
	(void)memory;
	CHECK(p == NULL || (p == small && bytes == sizeof small) || (p == large && bytes == sizeof large));
}

static void check_growth(uint64_t other, int failure)
{
	struct index index = { NULL, 0, 0 };
	struct memory memory = { NULL, NULL, NULL };
	size_t position = SIZE_MAX;
	uint32_t found[2];

	until_failure = failure;
	index_remove(&index, KEY, VALUE);
	CHECK(index_next(&index, KEY, &position) == INDEX_NONE);
	CHECK(index_reserve(&index, 2, &memory) == (failure == 0 ? -1 : 0));
	CHECK(index.capacity == (failure == 0 ? 0U : 16U));
	if (failure == 0)
		return;
	index_insert(&index, KEY, 0);
	index_insert(&index, other, 1);
	CHECK(index_reserve(&index, 9, &memory) == (failure == 1 ? -1 : 0));
	CHECK(index.capacity == (failure == 1 ? 16U : 32U) && index.used == 2);
	position = SIZE_MAX;
	found[0] = index_next(&index, KEY, &position);
	found[1] = index_next(&index, KEY, &position);
	if (other == KEY)
		CHECK((found[0] == 0 && found[1] == 1) || (found[0] == 1 && found[1] == 0));
	else
		CHECK(found[0] == 0 && found[1] == INDEX_NONE);
	index_release(&index, &memory);
	CHECK(index.entries == NULL && index.capacity == 0 && index.used == 0);
}

/*
 * prove: index_grows unwind=33 without=unsigned-overflow replace=home:any_home
 * fault: src/base/index.c s,larger.capacity / 2 < count,larger.capacity < count,
 *
 * A table that grows loses nothing, even without memory.
 *
 * A table that grows from nothing to 16 and to 32 entries and holds two pairs, of one key or of two, whose
 * home is the last entry before and after: when there is no memory, for the first or the second table, all
 * is as before, else everything is found. What memory_get() gives is given back with its size. Other
 * contents are not proved.
 */
PROOF(index_grows)
{
	home_of[KEY] = 31;
	home_of[1] = 31;
	for (int failure = 0; failure <= 2; failure++) {
		check_growth(KEY, failure);
		check_growth(1, failure);
	}
}
