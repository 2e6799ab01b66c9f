#include "protocol/timers.h"

#include <assert.h>
#include <string.h>

int timers_reserve(struct timers *timers, size_t count, const struct memory *memory)
{
	struct timers larger = { .used = timers->used, .capacity = count };

	if (count <= timers->capacity)
		return 0;
	larger.at_ns = memory_get(memory, count * sizeof *larger.at_ns);
	larger.position = memory_get(memory, count * sizeof *larger.position);
	larger.heap = memory_get(memory, count * sizeof *larger.heap);
	if (larger.at_ns == NULL || larger.position == NULL || larger.heap == NULL) {
		timers_release(&larger, memory);
		return -1;
	}
	for (size_t i = timers->capacity; i < count; i++)
		larger.at_ns[i] = ROSENPASS_NEVER;
	if (timers->capacity > 0) {
		memcpy(larger.at_ns, timers->at_ns, timers->capacity * sizeof *larger.at_ns);
		memcpy(larger.position, timers->position, timers->capacity * sizeof *larger.position);
		memcpy(larger.heap, timers->heap, timers->used * sizeof *larger.heap);
	}
	timers_release(timers, memory);
	*timers = larger;
	return 0;
}

void timers_release(struct timers *timers, const struct memory *memory)
{
	memory_put(memory, timers->at_ns, timers->capacity * sizeof *timers->at_ns);
	memory_put(memory, timers->position, timers->capacity * sizeof *timers->position);
	memory_put(memory, timers->heap, timers->capacity * sizeof *timers->heap);
	memset(timers, 0, sizeof *timers);
}

static void put(struct timers *timers, size_t position, uint32_t slot)
{
	timers->heap[position] = slot;
	timers->position[slot] = (uint32_t)position;
}

static void sift_up(struct timers *timers, size_t position)
{
	uint32_t slot = timers->heap[position];

	while (position > 0) {
		size_t parent = (position - 1) / 2;

		if (timers->at_ns[timers->heap[parent]] <= timers->at_ns[slot])
			break;
		put(timers, position, timers->heap[parent]);
		position = parent;
	}
	put(timers, position, slot);
}

static void sift_down(struct timers *timers, size_t position)
{
	uint32_t slot = timers->heap[position];

	for (;;) {
		size_t child = 2 * position + 1;

		if (child >= timers->used)
			break;
		if (child + 1 < timers->used &&
		    timers->at_ns[timers->heap[child + 1]] < timers->at_ns[timers->heap[child]])
			child++;
		if (timers->at_ns[slot] <= timers->at_ns[timers->heap[child]])
			break;
		put(timers, position, timers->heap[child]);
		position = child;
	}
	put(timers, position, slot);
}

static void take_out(struct timers *timers, uint32_t slot)
{
	size_t position = timers->position[slot];
	uint32_t last = timers->heap[--timers->used];

	timers->at_ns[slot] = ROSENPASS_NEVER;
	if (last == slot)
		return;
	put(timers, position, last);
	sift_up(timers, position);
	sift_down(timers, timers->position[last]);
}

void timers_set(struct timers *timers, uint32_t slot, uint64_t at_ns)
{
	bool present;

	assert(slot < timers->capacity);
	present = timers->at_ns[slot] != ROSENPASS_NEVER;
	if (at_ns == ROSENPASS_NEVER) {
		if (present)
			take_out(timers, slot);
		return;
	}
	timers->at_ns[slot] = at_ns;
	if (!present)
		put(timers, timers->used++, slot);
	sift_up(timers, timers->position[slot]);
	sift_down(timers, timers->position[slot]);
}

uint64_t timers_first(const struct timers *timers, uint32_t *slot)
{
	if (timers->used == 0)
		return ROSENPASS_NEVER;
	*slot = timers->heap[0];
	return timers->at_ns[*slot];
}
