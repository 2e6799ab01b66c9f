#include "fixture.h"

#include "base/heap.h"

#define NODES 200

/* What the heap must say of these deadlines. */
static void check_first(const struct heap *heap, const struct heap_node nodes[static NODES],
                        const uint64_t at_ns[static NODES])
{
	const struct heap_node *first = heap_first(heap);
	uint64_t expected = HEAP_NEVER;
	size_t waiting = 0;

	for (size_t i = 0; i < NODES; i++) {
		expected = at_ns[i] < expected ? at_ns[i] : expected;
		waiting += at_ns[i] != HEAP_NEVER;
	}
	assert_int_equal(heap_deadline(heap), expected);
	assert_int_equal(heap->used, waiting);
	if (expected == HEAP_NEVER) {
		assert_null(first);
		return;
	}
	assert_true(first >= nodes && first < nodes + NODES);
	assert_int_equal(at_ns[first - nodes], expected);
}

/* Times out of a small range come twice; 0 and the last one before NEVER are times as well. */
static uint64_t random_time(uint64_t *random)
{
	switch (fixture_below(random, 10)) {
	case 0:
		return fixture_number(random) % 2 == 0 ? 0 : HEAP_NEVER - 1;
	case 1:
	case 2:
	case 3:
		return HEAP_NEVER;
	case 4:
	case 5:
		return fixture_below(random, 20);
	default:
		return fixture_number(random) / 2;
	}
}

/* Takes out the first until there is none: what lies wrong deep in the heap comes up so. */
static void drain(struct heap *heap, struct heap_node nodes[static NODES], uint64_t at_ns[static NODES])
{
	struct heap_node *first;

	while ((first = heap_first(heap)) != NULL) {
		heap_set(heap, first, HEAP_NEVER);
		at_ns[first - nodes] = HEAP_NEVER;
		check_first(heap, nodes, at_ns);
	}
}

static void test_against_a_list(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct fixture_memory allocator = { 0 };
		struct memory memory = fixture_memory_source(&allocator);
		struct heap heap = { 0 };
		struct heap_node nodes[NODES] = { { 0 } };
		uint64_t at_ns[NODES];
		size_t room = 0;

		for (size_t i = 0; i < NODES; i++)
			at_ns[i] = HEAP_NEVER;
		check_first(&heap, nodes, at_ns);
		for (int step = 0; step < 300; step++) {
			size_t node;

			if (step % 30 == 0 && room < NODES) {
				room += 1 + fixture_below(&random, NODES - room);
				assert_int_equal(heap_reserve(&heap, room, &memory), 0);
				check_first(&heap, nodes, at_ns);
			}
			node = fixture_below(&random, room);
			at_ns[node] = random_time(&random);
			heap_set(&heap, &nodes[node], at_ns[node]);
			check_first(&heap, nodes, at_ns);
		}
		drain(&heap, nodes, at_ns);
		heap_release(&heap, &memory);
		fixture_memory_check(&allocator);
	}
}

/* Taking out the first again and again gives all of them in order. */
static void test_drains_in_order(void **state)
{
	struct fixture_memory allocator = { 0 };
	struct memory memory = fixture_memory_source(&allocator);
	struct heap heap = { 0 };
	struct heap_node nodes[NODES] = { { 0 } };
	uint64_t random = 2;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(heap_reserve(&heap, NODES, &memory), 0);
	for (size_t i = 0; i < NODES; i++)
		heap_set(&heap, &nodes[i], fixture_below(&random, 100));
	for (size_t i = 0; i < NODES; i++) {
		struct heap_node *first = heap_first(&heap);

		assert_non_null(first);
		assert_true(first->at_ns >= last && first->at_ns == heap_deadline(&heap));
		last = first->at_ns;
		heap_set(&heap, first, HEAP_NEVER);
	}
	assert_null(heap_first(&heap));
	assert_int_equal(heap_deadline(&heap), HEAP_NEVER);
	heap_release(&heap, &memory);
	fixture_memory_check(&allocator);
}

struct due {
	char before[24];
	struct heap_node node;
};

static void test_owner(void **state)
{
	struct fixture_memory allocator = { 0 };
	struct memory memory = fixture_memory_source(&allocator);
	struct heap heap = { 0 };
	struct due due = { 0 };

	(void)state;
	assert_int_equal(heap_reserve(&heap, 1, &memory), 0);
	heap_set(&heap, &due.node, 7);
	assert_ptr_equal(HEAP_OWNER(heap_first(&heap), struct due, node), &due);
	/* Once more is the same node. */
	heap_set(&heap, &due.node, 9);
	assert_int_equal(heap.used, 1);
	assert_int_equal(heap_deadline(&heap), 9);
	heap_release(&heap, &memory);
	fixture_memory_check(&allocator);
}

static void test_failing_allocation(void **state)
{
	struct fixture_memory allocator = { 0 };
	struct memory memory = fixture_memory_source(&allocator);
	struct heap heap = { 0 };
	struct heap_node nodes[2] = { { 0 } };
	struct heap before;

	(void)state;
	assert_int_equal(heap_reserve(&heap, 4, &memory), 0);
	heap_set(&heap, &nodes[0], 50);
	heap_set(&heap, &nodes[1], 40);
	before = heap;
	allocator.fails_at = allocator.calls + 1;
	assert_int_equal(heap_reserve(&heap, 1000, &memory), -1);
	assert_int_equal(heap_reserve(&heap, SIZE_MAX / 4, &memory), -1);
	assert_memory_equal(&heap, &before, sizeof before);
	assert_int_equal(allocator.live, 1);
	assert_ptr_equal(heap_first(&heap), &nodes[1]);
	/* Room that is there already takes no allocation. */
	allocator.fails_at = allocator.calls + 1;
	assert_int_equal(heap_reserve(&heap, 4, &memory), 0);
	heap_release(&heap, &memory);
	fixture_memory_check(&allocator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_list),
		cmocka_unit_test(test_drains_in_order),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_failing_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
