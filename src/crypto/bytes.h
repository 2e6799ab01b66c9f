#ifndef ROSENPASS_CRYPTO_BYTES_H
#define ROSENPASS_CRYPTO_BYTES_H

/* Little-endian words in byte strings of any alignment. */

#include <stdint.h>
#include <string.h>

static inline uint64_t bytes_load64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

static inline void bytes_store64(uint8_t *p, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	memcpy(p, &x, sizeof x);
}

#endif
