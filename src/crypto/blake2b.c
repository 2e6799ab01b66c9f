#include "crypto/blake2b.h"

#include <string.h>

#include "crypto/bytes.h"
#include "crypto/ct.h"

#define BLOCK_BYTES 128

static const uint64_t iv[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* digest length, key length, fan-out 1 and depth 1: the first parameter word (RFC 7693 section 2.5) */
#define PARAMETERS ((uint64_t)BLAKE2B_OUT_BYTES | (uint64_t)BLAKE2B_KEY_BYTES << 8 | (uint64_t)0x0101 << 16)

#define ROTATE_RIGHT(x, n) ((x) >> (n) | (x) << (64 - (n)))

#define G(a, b, c, d, x, y)                  \
	do {                                 \
		a += b + m[x];               \
		d = ROTATE_RIGHT(d ^ a, 32); \
		c += d;                      \
		b = ROTATE_RIGHT(b ^ c, 24); \
		a += b + m[y];               \
		d = ROTATE_RIGHT(d ^ a, 16); \
		c += d;                      \
		b = ROTATE_RIGHT(b ^ c, 63); \
	} while (0)

/* The schedule stands in the calls, so that every message word has a fixed place. */
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
	do {                                                                        \
		G(v0, v4, v8, v12, s0, s1);                                         \
		G(v1, v5, v9, v13, s2, s3);                                         \
		G(v2, v6, v10, v14, s4, s5);                                        \
		G(v3, v7, v11, v15, s6, s7);                                        \
		G(v0, v5, v10, v15, s8, s9);                                        \
		G(v1, v6, v11, v12, s10, s11);                                      \
		G(v2, v7, v8, v13, s12, s13);                                       \
		G(v3, v4, v9, v14, s14, s15);                                       \
	} while (0)

/* The compression function F. m is the caller's, so that the caller can wipe it. */
static void compress(uint64_t h[static 8], uint64_t m[static 16], const uint8_t block[static BLOCK_BYTES],
                     uint64_t counter, uint64_t last)
{
	uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
	uint64_t v8 = iv[0], v9 = iv[1], v10 = iv[2], v11 = iv[3];
	uint64_t v12 = iv[4] ^ counter, v13 = iv[5], v14 = iv[6] ^ last, v15 = iv[7];

	for (int i = 0; i < 16; i++)
		m[i] = bytes_load64(block + 8 * i);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
	ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
	ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
	ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
	ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
	ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
	ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
	ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	h[0] ^= v0 ^ v8;
	h[1] ^= v1 ^ v9;
	h[2] ^= v2 ^ v10;
	h[3] ^= v3 ^ v11;
	h[4] ^= v4 ^ v12;
	h[5] ^= v5 ^ v13;
	h[6] ^= v6 ^ v14;
	h[7] ^= v7 ^ v15;
}

void blake2b_keyed(uint8_t out[static BLAKE2B_OUT_BYTES], const uint8_t key[static BLAKE2B_KEY_BYTES],
                   const uint8_t *in, size_t in_len)
{
	uint64_t h[8];
	uint64_t m[16];
	uint8_t block[BLOCK_BYTES] = { 0 };
	uint64_t counter = BLOCK_BYTES;

	memcpy(h, iv, sizeof h);
	h[0] ^= PARAMETERS;
	/* The key is a block of its own before the message; the last block of all is marked. */
	memcpy(block, key, BLAKE2B_KEY_BYTES);
	compress(h, m, block, counter, in_len == 0 ? UINT64_MAX : 0);
	while (in_len > BLOCK_BYTES) {
		counter += BLOCK_BYTES;
		compress(h, m, in, counter, 0);
		in += BLOCK_BYTES;
		in_len -= BLOCK_BYTES;
	}
	if (in_len > 0) {
		memset(block, 0, sizeof block);
		memcpy(block, in, in_len);
		compress(h, m, block, counter + in_len, UINT64_MAX);
	}
	for (int i = 0; i < BLAKE2B_OUT_BYTES / 8; i++)
		bytes_store64(out + 8 * i, h[i]);
	ct_wipe(h, sizeof h);
	ct_wipe(m, sizeof m);
	ct_wipe(block, sizeof block);
}
