#ifndef ROSENPASS_CRYPTO_KYBER512_POLY_H
#define ROSENPASS_CRYPTO_KYBER512_POLY_H

/*
 * Polynomials of degree below 256 over the integers modulo q, and the ways in
 * which they are written as bytes (round-3 specification, section 1.1). Constant
 * time in the coefficients.
 */

#include <stdint.h>

#define KYBER512_N 256
#define KYBER512_K 2

#define KYBER512_POLY_BYTES 384              /* 12 bits a coefficient */
#define KYBER512_POLY_COMPRESSED10_BYTES 320 /* 10 bits: a polynomial of u */
#define KYBER512_POLY_COMPRESSED4_BYTES 128  /* 4 bits: v */
#define KYBER512_MESSAGE_BYTES 32

struct kyber512_poly {
	int16_t coeffs[KYBER512_N];
};

struct kyber512_vector {
	struct kyber512_poly polys[KYBER512_K];
};

/* sum += addend; both small enough that no coefficient leaves 16 bits. */
void kyber512_poly_add(struct kyber512_poly *sum, const struct kyber512_poly *addend);

/* Brings every coefficient into [-q/2, q/2]. */
void kyber512_poly_reduce(struct kyber512_poly *poly);

/* Encode_12 of the coefficients in [0, q), and Decode_12, which gives up to 4095. */
void kyber512_poly_to_bytes(uint8_t out[static KYBER512_POLY_BYTES], const struct kyber512_poly *poly);
void kyber512_poly_from_bytes(struct kyber512_poly *poly, const uint8_t in[static KYBER512_POLY_BYTES]);

/* Encode_d(Compress_q(poly, d)) and back, Decompress_q(Decode_d(in), d), for d = 10 and d = 4. */
void kyber512_poly_compress10(uint8_t out[static KYBER512_POLY_COMPRESSED10_BYTES],
                              const struct kyber512_poly *poly);
void kyber512_poly_decompress10(struct kyber512_poly *poly,
                                const uint8_t in[static KYBER512_POLY_COMPRESSED10_BYTES]);
void kyber512_poly_compress4(uint8_t out[static KYBER512_POLY_COMPRESSED4_BYTES],
                             const struct kyber512_poly *poly);
void kyber512_poly_decompress4(struct kyber512_poly *poly,
                               const uint8_t in[static KYBER512_POLY_COMPRESSED4_BYTES]);

/* A message as a polynomial, 0 or (q + 1) / 2 for each bit, and the nearest message of a polynomial. */
void kyber512_poly_from_message(struct kyber512_poly *poly,
                                const uint8_t message[static KYBER512_MESSAGE_BYTES]);
void kyber512_poly_to_message(uint8_t message[static KYBER512_MESSAGE_BYTES],
                              const struct kyber512_poly *poly);

#endif
