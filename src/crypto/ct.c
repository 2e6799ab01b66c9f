#include "crypto/ct.h"

#include <string.h>

void ct_wipe(void *p, size_t len)
{
	if (len == 0)
		return;
	memset(p, 0, len);
	/* The asm claims to read what p points to, so the memset is not dead. */
	__asm__ volatile("" : : "r"(p) : "memory");
}

uint64_t ct_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a;
	const uint8_t *y = b;
	uint64_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference |= (uint64_t)(x[i] ^ y[i]);
	return ct_mask_zero_u64(difference);
}

void ct_select(uint8_t *out, const uint8_t *if_set, const uint8_t *if_clear, size_t len, uint64_t mask)
{
	uint8_t m = (uint8_t)ct_barrier_u64(mask);

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(if_clear[i] ^ (m & (if_set[i] ^ if_clear[i])));
}
