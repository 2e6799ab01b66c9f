#ifndef ROSENPASS_BASE_MEMORY_H
#define ROSENPASS_BASE_MEMORY_H

/* An allocator as a value: the C library's, or that of a caller who embeds the library. */

#include <stddef.h>

struct memory {
	void *(*allocate)(void *context, size_t bytes);
	void (*release)(void *context, void *p, size_t bytes);
	void *context;
};

/* Returns the C library's allocator. */
struct memory memory_of_libc(void);

/* Zeroed memory, whatever the allocator gives, or NULL. */
void *memory_get(const struct memory *memory, size_t bytes);

/* Wipes and releases. NULL is allowed. */
void memory_put(const struct memory *memory, void *p, size_t bytes);

#endif
