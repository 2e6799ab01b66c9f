#include "fixture.h"

#include "base/index.h"

#define PAIRS_MAX 600
#define KEYS 40
#define VALUES 12

/* The model: a list of pairs, in which a pair may stand more than once. */
struct model {
	struct {
		uint64_t key;
		uint32_t value;
	} pairs[PAIRS_MAX];
	size_t used;
};

static size_t count_pair(const struct model *model, uint64_t key, uint32_t value)
{
	size_t count = 0;

	for (size_t i = 0; i < model->used; i++)
		count += model->pairs[i].key == key && model->pairs[i].value == value;
	return count;
}

static void model_remove(struct model *model, uint64_t key, uint32_t value)
{
	for (size_t i = 0; i < model->used; i++) {
		if (model->pairs[i].key == key && model->pairs[i].value == value) {
			model->pairs[i] = model->pairs[--model->used];
			return;
		}
	}
}

/* Walks over the values of the key and compares how often each comes. */
static void check_key(const struct index *index, const struct model *model, uint64_t key)
{
	size_t found[VALUES] = { 0 };
	size_t position = SIZE_MAX;
	uint32_t value;

	while ((value = index_next(index, key, &position)) != INDEX_NONE) {
		assert_true(value < VALUES);
		found[value]++;
	}
	for (uint32_t i = 0; i < VALUES; i++)
		assert_int_equal(found[i], count_pair(model, key, i));
}

/* A few keys, so that they come again: close to each other, far apart, and 0. */
static void make_keys(uint64_t *random, uint64_t keys[static KEYS])
{
	for (uint64_t i = 0; i < KEYS; i++)
		keys[i] = i < KEYS / 2 ? i : fixture_number(random);
}

static void test_against_a_list(void **state)
{
	uint64_t random = 1;
	uint64_t keys[KEYS];

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct fixture_memory allocator = { 0 };
		struct memory memory = fixture_memory_source(&allocator);
		struct index index = { 0 };
		struct model model = { .used = 0 };
		size_t room = 0;

		make_keys(&random, keys);
		for (int step = 0; step < 2000; step++) {
			uint64_t key = keys[fixture_below(&random, KEYS)];
			uint32_t value = (uint32_t)fixture_below(&random, VALUES);

			/* Grows for a while, then shrinks for a while. */
			if (fixture_below(&random, 10) < (step % 1000 < 600 ? 6u : 3u) &&
			    model.used < PAIRS_MAX) {
				if (model.used == room) {
					room += 1 + fixture_below(&random, 30);
					assert_int_equal(index_reserve(&index, room, &memory), 0);
				}
				index_insert(&index, key, value);
				model.pairs[model.used].key = key;
				model.pairs[model.used++].value = value;
			} else {
				index_remove(&index, key, value);
				model_remove(&model, key, value);
			}
			assert_int_equal(index.used, model.used);
			check_key(&index, &model, key);
		}
		for (size_t i = 0; i < KEYS; i++)
			check_key(&index, &model, keys[i]);
		index_release(&index, &memory);
		fixture_memory_check(&allocator);
	}
}

/* A table as full as it may be, emptied from either end, whose runs go around the end of the array. */
static void test_full_table(void **state)
{
	struct fixture_memory allocator = { 0 };
	struct memory memory = fixture_memory_source(&allocator);

	(void)state;
	for (int backwards = 0; backwards < 2; backwards++) {
		for (uint64_t base = 0; base < 64; base++) {
			struct index index = { 0 };
			struct model model = { .used = 0 };
			size_t room;

			assert_int_equal(index_reserve(&index, 8, &memory), 0);
			room = index.capacity / 2;
			assert_true(room >= 8);
			for (uint64_t i = 0; i < room; i++) {
				index_insert(&index, base + i / 4, (uint32_t)(i % VALUES));
				model.pairs[model.used].key = base + i / 4;
				model.pairs[model.used++].value = (uint32_t)(i % VALUES);
			}
			for (uint64_t i = 0; i < room; i++) {
				uint64_t at = backwards != 0 ? room - 1 - i : i;

				index_remove(&index, base + at / 4, (uint32_t)(at % VALUES));
				model_remove(&model, base + at / 4, (uint32_t)(at % VALUES));
				for (uint64_t key = base; key <= base + room / 4; key++)
					check_key(&index, &model, key);
			}
			assert_int_equal(index.used, 0);
			index_release(&index, &memory);
		}
	}
	fixture_memory_check(&allocator);
}

static void test_without_room(void **state)
{
	struct index index = { 0 };
	size_t position = SIZE_MAX;

	(void)state;
	assert_int_equal(index_next(&index, 0, &position), INDEX_NONE);
	index_remove(&index, 0, 0);
	assert_int_equal(index.used, 0);
}

static void test_failing_allocation(void **state)
{
	struct fixture_memory allocator = { .fails_at = 1 };
	struct memory memory = fixture_memory_source(&allocator);
	struct index index = { 0 };
	size_t position = SIZE_MAX;
	struct index before;

	(void)state;
	assert_int_equal(index_reserve(&index, 1, &memory), -1);
	assert_int_equal(index.capacity, 0);
	assert_int_equal(index_reserve(&index, 1, &memory), 0);
	index_insert(&index, 77, 5);
	before = index;
	allocator.fails_at = 3;
	assert_int_equal(index_reserve(&index, 1000, &memory), -1);
	assert_memory_equal(&index, &before, sizeof before);
	assert_int_equal(index_next(&index, 77, &position), 5);
	assert_int_equal(index_next(&index, 77, &position), INDEX_NONE);
	/* What is there already takes no allocation. */
	allocator.fails_at = allocator.calls + 1;
	assert_int_equal(index_reserve(&index, 1, &memory), 0);
	index_release(&index, &memory);
	fixture_memory_check(&allocator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_list),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_without_room),
		cmocka_unit_test(test_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
