#ifndef ROSENPASS_PROTOCOL_MEMORY_H
#define ROSENPASS_PROTOCOL_MEMORY_H

/* The allocator that the caller of the library handed in. */

#include <stddef.h>

#include "rosenpass.h"

struct memory {
	rosenpass_allocate_fn *allocate;
	rosenpass_release_fn *release;
	void *context;
};

/* The environment's allocator, or the C library's where it names none. */
struct memory memory_from_environment(const struct rosenpass_environment *environment);

/* Zeroed memory, or NULL. */
void *memory_get(const struct memory *memory, size_t bytes);

/* Wipes and releases. NULL is allowed. */
void memory_put(const struct memory *memory, void *p, size_t bytes);

#endif
