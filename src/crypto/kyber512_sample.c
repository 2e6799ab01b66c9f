#include "crypto/kyber512_sample.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/kyber512_reduce.h"

#define NOISE3_BYTES (3 * KYBER512_N / 4)
#define NOISE2_BYTES (2 * KYBER512_N / 4)

void kyber512_sample_uniform(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                             uint8_t first, uint8_t second)
{
	uint8_t input[KYBER512_SEED_BYTES + 2];
	uint8_t block[KECCAK_SHAKE128_RATE]; /* a whole number of pairs of candidates */
	struct keccak_shake shake;
	int count = 0;

	memcpy(input, seed, KYBER512_SEED_BYTES);
	input[KYBER512_SEED_BYTES] = first;
	input[KYBER512_SEED_BYTES + 1] = second;
	ct_declassify(input, sizeof input);

	keccak_shake128_init(&shake);
	keccak_shake_absorb(&shake, input, sizeof input);
	keccak_shake_finish(&shake);
	while (count < KYBER512_N) {
		keccak_shake_squeeze(&shake, block, sizeof block);
		for (size_t i = 0; i < sizeof block && count < KYBER512_N; i += 3) {
			int low = block[i] | (block[i + 1] & 0x0f) << 8;
			int high = block[i + 1] >> 4 | block[i + 2] << 4;

			if (low < KYBER512_Q)
				poly->coeffs[count++] = (int16_t)low;
			if (high < KYBER512_Q && count < KYBER512_N)
				poly->coeffs[count++] = (int16_t)high;
		}
	}
}

static void noise_bytes(uint8_t *out, size_t out_len, const uint8_t seed[static KYBER512_SEED_BYTES],
                        uint8_t nonce)
{
	uint8_t input[KYBER512_SEED_BYTES + 1];

	memcpy(input, seed, KYBER512_SEED_BYTES);
	input[KYBER512_SEED_BYTES] = nonce;
	keccak_shake256(out, out_len, input, sizeof input);
	ct_wipe(input, sizeof input);
}

void kyber512_sample_noise3(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                            uint8_t nonce)
{
	uint8_t bytes[NOISE3_BYTES];

	noise_bytes(bytes, sizeof bytes, seed, nonce);
	for (int i = 0; i < KYBER512_N / 4; i++) {
		uint32_t x =
			bytes[3 * i] | (uint32_t)bytes[3 * i + 1] << 8 | (uint32_t)bytes[3 * i + 2] << 16;
		/* Eight groups of three bits: the number of ones in each, two groups a coefficient. */
		uint32_t ones = (x & 0x249249) + (x >> 1 & 0x249249) + (x >> 2 & 0x249249);

		for (int j = 0; j < 4; j++, ones >>= 6)
			poly->coeffs[4 * i + j] = (int16_t)((int)(ones & 7) - (int)(ones >> 3 & 7));
	}
	ct_wipe(bytes, sizeof bytes);
}

void kyber512_sample_noise2(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                            uint8_t nonce)
{
	uint8_t bytes[NOISE2_BYTES];

	noise_bytes(bytes, sizeof bytes, seed, nonce);
	for (int i = 0; i < KYBER512_N / 2; i++) {
		uint32_t x = bytes[i];
		/* Four groups of two bits. */
		uint32_t ones = (x & 0x55) + (x >> 1 & 0x55);

		for (int j = 0; j < 2; j++, ones >>= 4)
			poly->coeffs[2 * i + j] = (int16_t)((int)(ones & 3) - (int)(ones >> 2 & 3));
	}
	ct_wipe(bytes, sizeof bytes);
}
