#include "crypto/blake2b.h"

#include <string.h>

#include "crypto/blake2b_blocks.h"
#include "crypto/bytes.h"
#include "crypto/ct.h"

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
static void compress(uint64_t h[static 8], uint64_t m[static 16],
                     const uint8_t block[static BLAKE2B_BLOCK_BYTES], uint64_t counter, uint64_t last)
{
	uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
	uint64_t v8 = blake2b_iv[0], v9 = blake2b_iv[1], v10 = blake2b_iv[2], v11 = blake2b_iv[3];
	uint64_t v12 = blake2b_iv[4] ^ counter, v13 = blake2b_iv[5], v14 = blake2b_iv[6] ^ last,
		 v15 = blake2b_iv[7];

	for (int i = 0; i < 16; i++)
		m[i] = bytes_load64(block + 8 * i);
	BLAKE2B_ROUNDS(ROUND);
	h[0] ^= v0 ^ v8;
	h[1] ^= v1 ^ v9;
	h[2] ^= v2 ^ v10;
	h[3] ^= v3 ^ v11;
	h[4] ^= v4 ^ v12;
	h[5] ^= v5 ^ v13;
	h[6] ^= v6 ^ v14;
	h[7] ^= v7 ^ v15;
}

void blake2b_blocks_c(uint64_t h[static 8], const uint8_t *in, size_t count, uint64_t counter)
{
	uint64_t m[16];

	for (; count > 0; count--) {
		compress(h, m, in, counter, 0);
		in += BLAKE2B_BLOCK_BYTES;
		counter += BLAKE2B_BLOCK_BYTES;
	}
	ct_wipe(m, sizeof m);
}

void blake2b_keyed(uint8_t out[static BLAKE2B_OUT_BYTES], const uint8_t key[static BLAKE2B_KEY_BYTES],
                   const uint8_t *in, size_t in_len)
{
	uint64_t h[8];
	uint64_t m[16];
	uint8_t block[BLAKE2B_BLOCK_BYTES] = { 0 };
	uint64_t counter = BLAKE2B_BLOCK_BYTES;

	memcpy(h, blake2b_iv, sizeof h);
	h[0] ^= BLAKE2B_PARAMETERS;
	/* The key is a block of its own before the message; the last block of all is marked. */
	memcpy(block, key, BLAKE2B_KEY_BYTES);
	compress(h, m, block, counter, in_len == 0 ? UINT64_MAX : 0);
	if (in_len > BLAKE2B_BLOCK_BYTES) {
		size_t count = (in_len - 1) / BLAKE2B_BLOCK_BYTES;

		blake2b_blocks(h, in, count, counter + BLAKE2B_BLOCK_BYTES);
		counter += count * BLAKE2B_BLOCK_BYTES;
		in += count * BLAKE2B_BLOCK_BYTES;
		in_len -= count * BLAKE2B_BLOCK_BYTES;
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
