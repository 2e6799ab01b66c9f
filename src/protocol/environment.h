#ifndef ROSENPASS_PROTOCOL_ENVIRONMENT_H
#define ROSENPASS_PROTOCOL_ENVIRONMENT_H

/* The random source and the allocator that the caller of the library hands in. */

#include "base/memory.h"
#include "rosenpass.h"

/*
 * Reads the caller's environment, which may be NULL. Returns -1 if it is invalid: its size, no random source,
 * or memory that cannot be released.
 */
int environment_read(struct rosenpass_environment *environment, const struct rosenpass_environment *callers)
	__attribute__((warn_unused_result));

/* The environment's allocator, or the C library's where it names none. */
struct memory environment_memory(const struct rosenpass_environment *environment);

#endif
