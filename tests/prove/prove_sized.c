/*
 * Structs of other sizes than ours: whatever size the caller writes into a struct, no byte behind it is
 * touched, on either side. Structs are a size and a few bytes here.
 */

#include <stddef.h>
#include <string.h>

static void *copy(void *to, const void *from, size_t bytes);
static void *clear(void *to, int byte, size_t bytes);
#define memcpy copy
#define memset clear
#include "protocol/sized.c"
#include "prove.h"

#define CALLERS_BYTES (sizeof(size_t) + 6)
#define OWN_BYTES (sizeof(size_t) + 4)
#define FIRST_BYTES (sizeof(size_t) + 2)

/* These are easier than CBMC's own, which treat objects as arrays of any size. */
static void *copy(void *to, const void *from, size_t bytes)
{
	CHECK_WRITABLE(to, bytes);
	CHECK_READABLE(from, bytes);
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

static void *clear(void *to, int byte, size_t bytes)
{
	CHECK(byte == 0);
	CHECK_WRITABLE(to, bytes);
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = 0;
	return to;
}

/* The caller's struct ends where its array ends. */
static void check_sizes(size_t size)
{
	uint8_t array[CALLERS_BYTES];
	uint8_t *callers = array + CALLERS_BYTES - size;
	uint8_t own[OWN_BYTES];
	uint8_t written[OWN_BYTES];
	size_t at = nondet_size();
	uint8_t before;

	ANY(array);
	ANY(written);
	copy(callers, &size, sizeof size);
	ASSUME(at < size);
	before = callers[at];
	CHECK(!sized_read(own, OWN_BYTES, FIRST_BYTES, NULL) && !sized_can_write(NULL, FIRST_BYTES));
	CHECK(sized_can_write(callers, FIRST_BYTES) == (size >= FIRST_BYTES));
	if (sized_read(own, OWN_BYTES, FIRST_BYTES, callers)) {
		CHECK(size >= FIRST_BYTES);
		CHECK(before == (at < OWN_BYTES ? own[at] : 0));
	}
	if (!sized_can_write(callers, FIRST_BYTES))
		return;
	sized_write(callers, written, OWN_BYTES);
	CHECK(callers[at] == (at < sizeof size ? before : at < OWN_BYTES ? written[at] : 0));
}

/*
 * prove: sized_stays_in_both unwind=16
 * fault: src/protocol/sized.c s/memcpy(own, callers, smaller(size, own_size))/memcpy(own, callers, size)/
 *
 * Structs of other versions are read and written within their size.
 *
 * For structs of callers that are 0 to 6 bytes behind the size, ours of 4 and the first version's of 2:
 * what is read is what the caller set, and zero where he does not know more; what is written leaves his
 * size as it was, and is zero where we do not know more.
 */
PROOF(sized_stays_in_both)
{
	for (size_t size = sizeof(size_t); size <= CALLERS_BYTES; size++)
		check_sizes(size);
}
