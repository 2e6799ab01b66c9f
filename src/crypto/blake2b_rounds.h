#ifndef ROSENPASS_CRYPTO_BLAKE2B_ROUNDS_H
#define ROSENPASS_CRYPTO_BLAKE2B_ROUNDS_H

/* What every implementation of BLAKE2b (RFC 7693) has in common. */

#include <stdint.h>

#include "crypto/blake2b.h"

#define BLAKE2B_BLOCK_BYTES 128

static const uint64_t blake2b_iv[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* digest length, key length, fan-out 1 and depth 1: the first parameter word (section 2.5) */
#define BLAKE2B_PARAMETERS \
	((uint64_t)BLAKE2B_OUT_BYTES | (uint64_t)BLAKE2B_KEY_BYTES << 8 | (uint64_t)0x0101 << 16)

/* The twelve rounds. The schedule stands in the calls, so that every message word has a fixed place. */
#define BLAKE2B_ROUNDS(ROUND)                                                \
	do {                                                                 \
		ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); \
		ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3); \
		ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4); \
		ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8); \
		ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13); \
		ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9); \
		ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11); \
		ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10); \
		ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5); \
		ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0); \
		ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); \
		ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3); \
	} while (0)

#endif
