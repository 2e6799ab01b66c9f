#ifndef ROSENPASS_BASE_HEAP_H
#define ROSENPASS_BASE_HEAP_H

/*
 * Deadlines in a heap. The nodes are members of what is due; room for them is reserved beforehand, so that
 * setting a deadline cannot fail. It costs O(log n), finding the earliest O(1).
 */

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* No deadline. */
#define HEAP_NEVER UINT64_MAX

/* Returns the structure of that type whose member the node is. */
#define HEAP_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Zeros: no deadline. While it has one, a node may be neither moved nor freed. */
struct heap_node {
	uint64_t at_ns; /* meaningful with a place */
	size_t place;   /* in the heap, counted from 1; 0: none */
};

struct heap {
	struct heap_node **nodes; /* earliest first */
	size_t used;
	size_t capacity;
};

/* Makes room for count nodes in all. -1: no memory, nothing changed. */
int heap_reserve(struct heap *heap, size_t count, const struct memory *memory)
	__attribute__((warn_unused_result));

void heap_release(struct heap *heap, const struct memory *memory);

/* Sets the node's deadline; HEAP_NEVER takes it out. Room must be reserved. */
void heap_set(struct heap *heap, struct heap_node *node, uint64_t at_ns);

/* Returns the node with the earliest deadline. NULL: none has one. */
struct heap_node *heap_first(const struct heap *heap);

/* Returns the earliest deadline, or HEAP_NEVER. */
uint64_t heap_deadline(const struct heap *heap);

#endif
