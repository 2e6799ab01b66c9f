/*
 * The encodings of polynomials, for all coefficients and all bytes. What they are rounded to is the
 * business of tests/unit and of recorded vectors; here it is ranges, bounds and the way back.
 */

#include "crypto/kyber512_poly.c"
#include "prove.h"

/* The proofs are for short polynomials in buffers that fit: so do the real ones. */
_Static_assert(KYBER512_POLY_BYTES * 8 == KYBER512_N * 12 || KYBER512_N == 8, "12 bits a coefficient");
_Static_assert(KYBER512_POLY_COMPRESSED10_BYTES * 8 == KYBER512_N * 10 || KYBER512_N == 4, "10 bits");
_Static_assert(KYBER512_POLY_COMPRESSED4_BYTES * 8 == KYBER512_N * 4 || KYBER512_N == 4, "4 bits");
_Static_assert(KYBER512_MESSAGE_BYTES * 8 == KYBER512_N || KYBER512_N == 4, "a bit");

static struct kyber512_poly poly;
static struct kyber512_poly back;

/*
 * prove: poly_bytes_and_back unwind=5 without=conversion sizes=KYBER512_N:4,KYBER512_POLY_BYTES:6
 * fault: src/crypto/kyber512_poly.c s/in\[1\] >> 4 | in\[2\] << 4/in[1] >> 4 | in[2] << 5/
 *
 * Kyber: encoding and decoding 12 bits a coefficient.
 *
 * 12 bits a coefficient: any coefficients become bytes and come back as the same numbers modulo q, in [0,
 * q); any bytes become coefficients in [0, 4095]. Conversions to bytes cut on purpose.
 */
PROOF(poly_bytes_and_back)
{
	uint8_t bytes[KYBER512_POLY_BYTES];
	uint8_t i = nondet_u8() % KYBER512_N;

	ANY(poly);
	ANY(bytes);
	kyber512_poly_from_bytes(&back, bytes);
	CHECK(back.coeffs[i] >= 0 && back.coeffs[i] <= 4095);
	kyber512_poly_to_bytes(bytes, &poly);
	kyber512_poly_from_bytes(&back, bytes);
	CHECK(back.coeffs[i] == kyber512_canonical(poly.coeffs[i]));
}

static void check_compression(int16_t coeff, unsigned bits)
{
	uint32_t x;
	int difference;

	CHECK(((uint32_t)kyber512_canonical(coeff) << bits) + KYBER512_Q / 2 < 1U << 22);
	x = compress(coeff, bits);
	CHECK(x < 1U << bits);
	difference = kyber512_canonical(coeff) - decompress(x, bits);
	CHECK(decompress(x, bits) >= 0 && decompress(x, bits) < KYBER512_Q);
	if (difference > KYBER512_Q / 2)
		difference -= KYBER512_Q;
	CHECK(difference <= (KYBER512_Q + (1 << bits)) >> (bits + 1));
	CHECK(-difference <= (KYBER512_Q + (1 << bits)) >> (bits + 1));
}

/*
 * prove: compression_and_back unwind=1 without=conversion
 * fault: src/crypto/kyber512_poly.c s/scaled + KYBER512_Q \/ 2/scaled + KYBER512_Q/
 *
 * Kyber: compressed coefficients have their size and their precision.
 *
 * For every coefficient of 16 bits and for 1, 4 and 10 bits: the division is within its exact range, the
 * result has so many bits, and what it stands for differs from the coefficient by at most round(q / 2^(bits
 * + 1)), around the circle of q. A mask is all ones, which is also -1.
 */
PROOF(compression_and_back)
{
	check_compression(nondet_i16(), 1);
	check_compression(nondet_i16(), 4);
	check_compression(nondet_i16(), 10);
}

uint32_t any_compressed(int16_t coeff, unsigned bits);

uint32_t any_compressed(int16_t coeff, unsigned bits)
{
	uint32_t x = nondet_u32();

	(void)coeff;
	ASSUME(x < 1U << bits);
	return x;
}

/*
 * prove: compressed_poly_bounds unwind=9 without=unsigned-overflow,conversion
 *     replace=compress:any_compressed
 *     sizes=KYBER512_N:8,KYBER512_POLY_COMPRESSED10_BYTES:10,KYBER512_POLY_COMPRESSED4_BYTES:4
 *     sizes=KYBER512_MESSAGE_BYTES:1
 * fault: src/crypto/kyber512_poly.c s/for (int j = 0; j < 5; j++)/for (int j = 0; j < 6; j++)/
 *
 * Kyber: packing compressed coefficients stays within its buffers.
 *
 * Packing compressed coefficients writes its buffer and no more, and unpacking gives [0, q), for any bytes;
 * so do messages. compress() is replaced by any value of so many bits. Conversions to bytes cut on purpose,
 * and masks are made by a difference that wraps.
 */
PROOF(compressed_poly_bounds)
{
	uint8_t u[KYBER512_POLY_COMPRESSED10_BYTES];
	uint8_t v[KYBER512_POLY_COMPRESSED4_BYTES];
	uint8_t message[KYBER512_MESSAGE_BYTES];
	uint8_t i = nondet_u8() % KYBER512_N;

	ANY(poly);
	kyber512_poly_compress10(u, &poly);
	kyber512_poly_compress4(v, &poly);
	kyber512_poly_to_message(message, &poly);
	kyber512_poly_decompress10(&back, u);
	CHECK(back.coeffs[i] >= 0 && back.coeffs[i] < KYBER512_Q);
	kyber512_poly_decompress4(&back, v);
	CHECK(back.coeffs[i] >= 0 && back.coeffs[i] < KYBER512_Q);
	kyber512_poly_from_message(&back, message);
	CHECK(back.coeffs[i] == 0 || back.coeffs[i] == (KYBER512_Q + 1) / 2);
}
