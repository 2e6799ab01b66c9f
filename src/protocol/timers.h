#ifndef ROSENPASS_PROTOCOL_TIMERS_H
#define ROSENPASS_PROTOCOL_TIMERS_H

/* One deadline for each slot number, in a heap: setting one and finding the first cost O(log n) and O(1). */

#include <stddef.h>
#include <stdint.h>

#include "protocol/memory.h"

struct timers {
	uint64_t *at_ns;    /* by slot; ROSENPASS_NEVER: not in the heap */
	uint32_t *position; /* by slot: where in the heap */
	uint32_t *heap;     /* slots, earliest first */
	size_t used;
	size_t capacity;
};

/* Makes room for slots 0 to count - 1. -1: no memory, nothing changed. */
int timers_reserve(struct timers *timers, size_t count, const struct memory *memory)
	__attribute__((warn_unused_result));

void timers_release(struct timers *timers, const struct memory *memory);

/* Sets the slot's deadline; ROSENPASS_NEVER takes it out. */
void timers_set(struct timers *timers, uint32_t slot, uint64_t at_ns);

/* The earliest deadline and whose it is; ROSENPASS_NEVER when there is none. */
uint64_t timers_first(const struct timers *timers, uint32_t *slot);

#endif
