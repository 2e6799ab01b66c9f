/* The heap of deadlines. */

#include <stddef.h>
#include <string.h>

static void *copy(void *to, const void *from, size_t bytes);
#define memcpy copy
#include "protocol/timers.c"
#include "prove.h"

/* Three levels of the heap. */
#define SLOTS 4

static uint64_t at_ns[SLOTS];
static uint32_t position[SLOTS];
static uint32_t heap[SLOTS];

/*
 * Each slot with a deadline is in the heap once, its place is known, and no child is earlier than its
 * parent.
 */
static bool is_sound(const struct timers *timers)
{
	size_t with_deadline = 0;

	for (size_t slot = 0; slot < SLOTS; slot++) {
		if (at_ns[slot] != ROSENPASS_NEVER)
			with_deadline++;
	}
	if (timers->used > SLOTS || timers->used != with_deadline)
		return false;
	for (size_t i = 0; i < SLOTS; i++) {
		if (i >= timers->used)
			break;
		if (heap[i] >= SLOTS || position[heap[i]] != i || at_ns[heap[i]] == ROSENPASS_NEVER)
			return false;
		if (i > 0 && at_ns[heap[(i - 1) / 2]] > at_ns[heap[i]])
			return false;
	}
	return true;
}

/* Times are only compared, so that as many as there can be at once are enough. */
static uint64_t any_time(void)
{
	return nondet_bool() ? ROSENPASS_NEVER : nondet_u8() % 8;
}

/*
 * prove: timers_keep_order unwind=5,sift_up.0:4,sift_down.0:4
 * fault: src/protocol/timers.c s/child + 1 < timers->used/child + 1 <= timers->used/
 *
 * Setting a deadline stays within the heap and keeps its order.
 *
 * One timers_set() of any slot to any time, ROSENPASS_NEVER too, in any sound heap of up to 4 slots, hence
 * any number of them: no access out of bounds, no other deadline changes, the heap stays sound, and
 * timers_first() gives the earliest. Larger heaps are not proved.
 */
PROOF(timers_keep_order)
{
	struct timers timers = { at_ns, position, heap, nondet_size(), SLOTS };
	uint32_t slot = nondet_u32();
	uint32_t other = nondet_u32();
	uint32_t first_slot = UINT32_MAX;
	uint64_t time = any_time();
	uint64_t other_time;
	uint64_t first;

	for (size_t i = 0; i < SLOTS; i++)
		at_ns[i] = any_time();
	ANY(position);
	ANY(heap);
	ASSUME(is_sound(&timers));
	ASSUME(slot < SLOTS && other < SLOTS && other != slot);
	other_time = at_ns[other];
	timers_set(&timers, slot, time);
	CHECK(is_sound(&timers));
	CHECK(at_ns[slot] == time);
	CHECK(at_ns[other] == other_time);
	first = timers_first(&timers, &first_slot);
	CHECK(first <= time && first <= other_time);
	if (first == ROSENPASS_NEVER)
		CHECK(timers.used == 0 && first_slot == UINT32_MAX);
	else
		CHECK(first_slot < SLOTS && at_ns[first_slot] == first);
}

/* CBMC's own memcpy() loses what is copied to memory of another type and size. */
static void *copy(void *to, const void *from, size_t bytes)
{
	CHECK_WRITABLE(to, bytes);
	CHECK_READABLE(from, bytes);
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

/* Memory for 1 and for 3 slots, zeroed: the parts in the order in which timers_reserve() asks for them. */
static struct {
	uint64_t at_ns[1];
	uint32_t position[1];
	uint32_t heap[1];
} small;
static struct {
	uint64_t at_ns[3];
	uint32_t position[3];
	uint32_t heap[3];
} large;
static int requests;
static int failing; /* this request finds no memory */
static int given;

void *memory_get(const struct memory *memory, size_t bytes)
{
	void *parts[6] = { small.at_ns, small.position, small.heap, large.at_ns, large.position, large.heap };
	int request = requests++;

	(void)memory;
	CHECK(request < 6);
	CHECK(bytes == (request < 3 ? 1U : 3U) * (request % 3 == 0 ? sizeof(uint64_t) : sizeof(uint32_t)));
	if (request == failing)
		return NULL;
	given++;
	return parts[request];
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
	struct timers timers = { 0 };
	struct memory memory = { NULL, NULL, NULL };
	uint64_t time = any_time();
	uint32_t slot = UINT32_MAX;

	requests = 0;
	failing = failure;
	CHECK(timers_first(&timers, &slot) == ROSENPASS_NEVER);
	CHECK(timers_reserve(&timers, 1, &memory) == (failure < 3 ? -1 : 0));
	CHECK(timers.capacity == (failure < 3 ? 0U : 1U));
	if (failure >= 3) {
		timers_set(&timers, 0, time);
		CHECK(timers_reserve(&timers, 1, &memory) == 0);
		CHECK(timers_reserve(&timers, 3, &memory) == (failure < 6 ? -1 : 0));
		CHECK(timers.capacity == (failure < 6 ? 1U : 3U));
		CHECK(timers.used == (time != ROSENPASS_NEVER) && timers.at_ns[0] == time);
		CHECK(timers_first(&timers, &slot) == time);
		for (size_t i = 1; i < timers.capacity; i++)
			CHECK(timers.at_ns[i] == ROSENPASS_NEVER);
		timers_release(&timers, &memory);
	}
	CHECK(timers.capacity == 0 && timers.heap == NULL && given == 0);
}

/*
 * prove: timers_grow unwind=8,copy.0:13
 * fault: src/protocol/timers.c /memcpy(larger.position/s/timers->capacity/count/
 *
 * A heap of deadlines that grows loses nothing, even without memory.
 *
 * From nothing to 1 slot with any deadline and on to 3, where any one of the six requests for memory fails,
 * or none: after a failure all is as before, else the deadline is kept and new slots have none. All that
 * memory_get() gives is given back with its size.
 */
PROOF(timers_grow)
{
	for (int failure = 0; failure <= 6; failure++)
		check_growth(failure);
}
