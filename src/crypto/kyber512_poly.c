#include "crypto/kyber512_poly.h"

#include "crypto/ct.h"
#include "crypto/kyber512_reduce.h"

void kyber512_poly_add(struct kyber512_poly *sum, const struct kyber512_poly *addend)
{
	for (int i = 0; i < KYBER512_N; i++)
		sum->coeffs[i] = (int16_t)(sum->coeffs[i] + addend->coeffs[i]);
}

void kyber512_poly_reduce(struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i++)
		poly->coeffs[i] = kyber512_barrett(poly->coeffs[i]);
}

void kyber512_poly_to_bytes(uint8_t out[static KYBER512_POLY_BYTES], const struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i += 2) {
		uint32_t pair = kyber512_canonical(poly->coeffs[i]) |
		                (uint32_t)kyber512_canonical(poly->coeffs[i + 1]) << 12;

		*out++ = (uint8_t)pair;
		*out++ = (uint8_t)(pair >> 8);
		*out++ = (uint8_t)(pair >> 16);
	}
}

void kyber512_poly_from_bytes(struct kyber512_poly *poly, const uint8_t in[static KYBER512_POLY_BYTES])
{
	for (int i = 0; i < KYBER512_N; i += 2, in += 3) {
		poly->coeffs[i] = (int16_t)(in[0] | (in[1] & 0x0f) << 8);
		poly->coeffs[i + 1] = (int16_t)(in[1] >> 4 | in[2] << 4);
	}
}

/*
 * Compress_q(x, d) = round(2^d / q * x) mod 2^d. q is odd, so nothing lies halfway
 * between two integers, and rounding is adding (q - 1) / 2 before the division.
 */
static uint32_t compress(int16_t coeff, unsigned bits)
{
	uint32_t scaled = (uint32_t)kyber512_canonical(coeff) << bits;

	return kyber512_divide(scaled + KYBER512_Q / 2) & ((1U << bits) - 1);
}

/* Decompress_q(x, d) = round(q / 2^d * x) */
static int16_t decompress(uint32_t x, unsigned bits)
{
	return (int16_t)((x * KYBER512_Q + (1U << (bits - 1))) >> bits);
}

void kyber512_poly_compress10(uint8_t out[static KYBER512_POLY_COMPRESSED10_BYTES],
                              const struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i += 4) {
		uint64_t four = 0;

		for (int j = 3; j >= 0; j--)
			four = four << 10 | compress(poly->coeffs[i + j], 10);
		for (int j = 0; j < 5; j++)
			*out++ = (uint8_t)(four >> 8 * j);
	}
}

void kyber512_poly_decompress10(struct kyber512_poly *poly,
                                const uint8_t in[static KYBER512_POLY_COMPRESSED10_BYTES])
{
	for (int i = 0; i < KYBER512_N; i += 4) {
		uint64_t four = 0;

		for (int j = 0; j < 5; j++)
			four |= (uint64_t)*in++ << 8 * j;
		for (int j = 0; j < 4; j++)
			poly->coeffs[i + j] = decompress((uint32_t)(four >> 10 * j) & 0x3ff, 10);
	}
}

void kyber512_poly_compress4(uint8_t out[static KYBER512_POLY_COMPRESSED4_BYTES],
                             const struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i += 2)
		*out++ = (uint8_t)(compress(poly->coeffs[i], 4) | compress(poly->coeffs[i + 1], 4) << 4);
}

void kyber512_poly_decompress4(struct kyber512_poly *poly,
                               const uint8_t in[static KYBER512_POLY_COMPRESSED4_BYTES])
{
	for (int i = 0; i < KYBER512_N; i += 2, in++) {
		poly->coeffs[i] = decompress(*in & 0x0f, 4);
		poly->coeffs[i + 1] = decompress(*in >> 4, 4);
	}
}

void kyber512_poly_from_message(struct kyber512_poly *poly,
                                const uint8_t message[static KYBER512_MESSAGE_BYTES])
{
	for (int i = 0; i < KYBER512_N; i++) {
		uint32_t mask = ct_mask_bit_u32((uint32_t)message[i / 8] >> i % 8);

		poly->coeffs[i] = (int16_t)(mask & ((KYBER512_Q + 1) / 2));
	}
}

void kyber512_poly_to_message(uint8_t message[static KYBER512_MESSAGE_BYTES],
                              const struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_MESSAGE_BYTES; i++) {
		uint32_t byte = 0;

		for (unsigned j = 0; j < 8; j++)
			byte |= ct_barrier_u32(compress(poly->coeffs[8 * i + (int)j], 1)) << j;
		message[i] = (uint8_t)byte;
	}
}
