#include "base/heap.h"

#include <assert.h>
#include <string.h>

int heap_reserve(struct heap *heap, size_t count, const struct memory *memory)
{
	struct heap larger = { .used = heap->used, .capacity = count };

	if (count <= heap->capacity)
		return 0;
	if (count > SIZE_MAX / sizeof(struct heap_node *))
		return -1;
	larger.nodes = memory_get(memory, count * sizeof(struct heap_node *));
	if (larger.nodes == NULL)
		return -1;
	if (heap->used > 0)
		memcpy(larger.nodes, heap->nodes, heap->used * sizeof(struct heap_node *));
	heap_release(heap, memory);
	*heap = larger;
	return 0;
}

void heap_release(struct heap *heap, const struct memory *memory)
{
	memory_put(memory, heap->nodes, heap->capacity * sizeof(struct heap_node *));
	memset(heap, 0, sizeof *heap);
}

static void put(struct heap *heap, size_t position, struct heap_node *node)
{
	heap->nodes[position] = node;
	node->place = position + 1;
}

static void sift_up(struct heap *heap, size_t position)
{
	struct heap_node *node = heap->nodes[position];

	while (position > 0) {
		size_t parent = (position - 1) / 2;

		if (heap->nodes[parent]->at_ns <= node->at_ns)
			break;
		put(heap, position, heap->nodes[parent]);
		position = parent;
	}
	put(heap, position, node);
}

static void sift_down(struct heap *heap, size_t position)
{
	struct heap_node *node = heap->nodes[position];

	for (;;) {
		size_t child = 2 * position + 1;

		if (child >= heap->used)
			break;
		if (child + 1 < heap->used && heap->nodes[child + 1]->at_ns < heap->nodes[child]->at_ns)
			child++;
		if (node->at_ns <= heap->nodes[child]->at_ns)
			break;
		put(heap, position, heap->nodes[child]);
		position = child;
	}
	put(heap, position, node);
}

static void take_out(struct heap *heap, struct heap_node *node)
{
	size_t position = node->place - 1;
	struct heap_node *last = heap->nodes[--heap->used];

	node->place = 0;
	if (last == node)
		return;
	put(heap, position, last);
	sift_up(heap, position);
	sift_down(heap, last->place - 1);
}

void heap_set(struct heap *heap, struct heap_node *node, uint64_t at_ns)
{
	if (at_ns == HEAP_NEVER) {
		if (node->place != 0)
			take_out(heap, node);
		return;
	}
	node->at_ns = at_ns;
	if (node->place == 0) {
		assert(heap->used < heap->capacity);
		put(heap, heap->used++, node);
	}
	sift_up(heap, node->place - 1);
	sift_down(heap, node->place - 1);
}

struct heap_node *heap_first(const struct heap *heap)
{
	return heap->used == 0 ? NULL : heap->nodes[0];
}

uint64_t heap_deadline(const struct heap *heap)
{
	return heap->used == 0 ? HEAP_NEVER : heap->nodes[0]->at_ns;
}
