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

/*
 * Reads the caller's environment, which may be NULL. Returns -1 if it is invalid: its size, no random source,
 * or memory that cannot be released.
 */
int environment_read(struct rosenpass_environment *environment, const struct rosenpass_environment *callers)
	__attribute__((warn_unused_result));

/* The environment's allocator, or the C library's where it names none. */
struct memory memory_from_environment(const struct rosenpass_environment *environment);

/* Zeroed memory, whatever the allocator gives, or NULL. */
void *memory_get(const struct memory *memory, size_t bytes);

/* Wipes and releases. NULL is allowed. */
void memory_put(const struct memory *memory, void *p, size_t bytes);

#endif
