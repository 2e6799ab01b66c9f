/* The heap of deadlines. */

#include <stddef.h>
#include <string.h>

static void *copy(void *to, const void *from, size_t bytes);
#define memcpy copy
#include "base/heap.c"
#include "prove.h"

/* Three levels of the heap. */
#define NODES 4

static struct heap_node all[NODES];
static struct heap_node *places[NODES];

/* Each node with a place is there and nowhere else, and no child is earlier than its parent. */
static bool is_sound(const struct heap *heap)
{
	size_t with_place = 0;

	for (size_t i = 0; i < NODES; i++) {
		if (all[i].place > NODES)
			return false;
		if (all[i].place != 0)
			with_place++;
	}
	if (heap->used > NODES || heap->used != with_place)
		return false;
	for (size_t i = 0; i < NODES; i++) {
		if (i >= heap->used)
			break;
		if (places[i]->place != i + 1 || places[i]->at_ns == HEAP_NEVER)
			return false;
		if (i > 0 && places[(i - 1) / 2]->at_ns > places[i]->at_ns)
			return false;
	}
	return true;
}

/* Times are only compared, so that as many as there can be at once are enough. */
static uint64_t any_time(void)
{
	return nondet_bool() ? HEAP_NEVER : nondet_u8() % 8;
}

static uint64_t deadline_of(const struct heap_node *node)
{
	return node->place == 0 ? HEAP_NEVER : node->at_ns;
}

/*
 * prove: heap_keeps_order unwind=5,sift_up.0:4,sift_down.0:4
 * fault: src/base/heap.c s/child + 1 < heap->used/child + 1 <= heap->used/
 *
 * Setting a deadline stays within the heap and keeps its order.
 *
 * One heap_set() of any node to any time, HEAP_NEVER too, in any sound heap of up to 4 nodes, hence any
 * number of them: no access out of bounds, no other deadline changes, the heap stays sound, and heap_first()
 * gives the earliest. Larger heaps are not proved.
 */
PROOF(heap_keeps_order)
{
	struct heap heap = { places, nondet_size(), NODES };
	size_t node = nondet_size();
	size_t other = nondet_size();
	uint64_t time = any_time();
	uint64_t other_time;
	uint64_t first;

	for (size_t i = 0; i < NODES; i++) {
		size_t at = nondet_size();

		ASSUME(at < NODES);
		places[i] = &all[at];
		all[i].at_ns = any_time();
		all[i].place = nondet_size();
	}
	ASSUME(is_sound(&heap));
	ASSUME(node < NODES && other < NODES && other != node);
	other_time = deadline_of(&all[other]);
	heap_set(&heap, &all[node], time);
	CHECK(is_sound(&heap));
	CHECK(deadline_of(&all[node]) == time);
	CHECK(deadline_of(&all[other]) == other_time);
	first = heap_deadline(&heap);
	CHECK(first <= time && first <= other_time);
	if (first == HEAP_NEVER)
		CHECK(heap.used == 0 && heap_first(&heap) == NULL);
	else
		CHECK(heap_first(&heap)->at_ns == first);
}

/* CBMC's own memcpy() loses what is copied to memory of another type and size. */
static void *copy(void *to, const void *from, size_t bytes)
{
	CHECK_WRITABLE(to, bytes);
	CHECK_READABLE(from, bytes);
	CHECK(bytes % sizeof(struct heap_node *) == 0);
	for (size_t i = 0; i < bytes / sizeof(struct heap_node *); i++)
		((struct heap_node **)to)[i] = ((struct heap_node *const *)from)[i];
	return to;
}

/* Memory for 1 and for 3 nodes, in the order in which heap_reserve() asks for it. */
static struct heap_node *small[1];
static struct heap_node *large[3];
static int requests;
static int failing; /* this request finds no memory */
static int given;

void *memory_get(const struct memory *memory, size_t bytes)
{
	int request = requests++;

	(void)memory;
	CHECK(request < 2);
	CHECK(bytes == (request == 0 ? sizeof small : sizeof large));
	if (request == failing)
		return NULL;
	given++;
	return request == 0 ? small : large;
}

void memory_put(const struct memory *memory, void *p, size_t bytes)
{
	(void)memory;
	if (p == NULL)
		return;
	CHECK_WRITABLE(p, bytes);
	given--;
}

static void check_growth(int failure)
{
	struct heap heap = { 0 };
	struct memory memory = { NULL, NULL, NULL };
	struct heap_node node = { 0 };
	uint64_t time = any_time();

	requests = 0;
	failing = failure;
	CHECK(heap_deadline(&heap) == HEAP_NEVER && heap_first(&heap) == NULL);
	CHECK(heap_reserve(&heap, 1, &memory) == (failure == 0 ? -1 : 0));
	CHECK(heap.capacity == (failure == 0 ? 0U : 1U));
	if (failure > 0) {
		heap_set(&heap, &node, time);
		CHECK(heap_reserve(&heap, 1, &memory) == 0);
		CHECK(heap_reserve(&heap, 3, &memory) == (failure == 1 ? -1 : 0));
		CHECK(heap.capacity == (failure == 1 ? 1U : 3U));
		CHECK(heap.used == (time != HEAP_NEVER) && deadline_of(&node) == time);
		CHECK(heap_deadline(&heap) == time);
		heap_release(&heap, &memory);
	}
	CHECK(heap.capacity == 0 && heap.nodes == NULL && given == 0);
}

/*
 * prove: heap_grows unwind=8,copy.0:4
 * fault: src/base/heap.c /memcpy(larger.nodes/s/heap->used/count/
 *
 * A heap of deadlines that grows loses nothing, even without memory.
 *
 * From nothing to 1 node with any deadline and on to 3, where either request for memory fails, or none: after
 * a failure all is as before, else the deadline is kept. All that memory_get() gives is given back with its
 * size.
 */
PROOF(heap_grows)
{
	for (int failure = 0; failure <= 2; failure++)
		check_growth(failure);
}
