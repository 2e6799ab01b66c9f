/*
 * How Kyber's encryption puts its parts together: each part is given coefficients in the range that its
 * header names, and no sum between them leaves 16 bits. The parts are replaced by their ranges:
 * prove_kyber512_ntt.c and prove_kyber512_poly.c prove them for the NTT and the encodings; for sampling
 * they are those of kyber512_sample.h. A polynomial is cut down to two coefficients, since what stands here
 * treats all of them alike.
 */

#include "crypto/kyber512_indcpa.c"
#include "crypto/kyber512_reduce.h"
#include "prove.h"

static void any_poly(struct kyber512_poly *poly, int low, int high)
{
	for (int i = 0; i < KYBER512_N; i++) {
		poly->coeffs[i] = nondet_i16();
		ASSUME(poly->coeffs[i] >= low && poly->coeffs[i] <= high);
	}
}

static void check_poly(const struct kyber512_poly *poly, int limit)
{
	for (int i = 0; i < KYBER512_N; i++)
		CHECK(poly->coeffs[i] >= -limit && poly->coeffs[i] <= limit);
}

void kyber512_ntt(struct kyber512_poly *poly)
{
	check_poly(poly, KYBER512_Q - 1);
	any_poly(poly, -(KYBER512_Q / 2), KYBER512_Q / 2);
}

void kyber512_ntt_inverse(struct kyber512_poly *poly)
{
	check_poly(poly, KYBER512_Q - 1);
	any_poly(poly, -KYBER512_Q + 1, KYBER512_Q - 1);
}

void kyber512_ntt_inner_product(struct kyber512_poly *out, const struct kyber512_vector *a,
                                const struct kyber512_vector *b)
{
	for (int i = 0; i < KYBER512_K; i++) {
		check_poly(&a->polys[i], 4095);
		check_poly(&b->polys[i], KYBER512_Q / 2);
	}
	any_poly(out, -KYBER512_Q + 1, KYBER512_Q - 1);
}

void kyber512_ntt_times_r(struct kyber512_poly *poly)
{
	any_poly(poly, -KYBER512_Q + 1, KYBER512_Q - 1);
}

void kyber512_poly_add(struct kyber512_poly *sum, const struct kyber512_poly *addend)
{
	for (int i = 0; i < KYBER512_N; i++)
		sum->coeffs[i] = (int16_t)(sum->coeffs[i] + addend->coeffs[i]);
}

void kyber512_poly_to_bytes(uint8_t out[static KYBER512_POLY_BYTES], const struct kyber512_poly *poly)
{
	(void)poly;
	CHECK_WRITABLE(out, KYBER512_POLY_BYTES);
}

void kyber512_poly_from_bytes(struct kyber512_poly *poly, const uint8_t in[static KYBER512_POLY_BYTES])
{
	CHECK_READABLE(in, KYBER512_POLY_BYTES);
	any_poly(poly, 0, 4095);
}

void kyber512_poly_compress10(uint8_t out[static KYBER512_POLY_COMPRESSED10_BYTES],
                              const struct kyber512_poly *poly)
{
	(void)poly;
	CHECK_WRITABLE(out, KYBER512_POLY_COMPRESSED10_BYTES);
}

void kyber512_poly_decompress10(struct kyber512_poly *poly,
                                const uint8_t in[static KYBER512_POLY_COMPRESSED10_BYTES])
{
	CHECK_READABLE(in, KYBER512_POLY_COMPRESSED10_BYTES);
	any_poly(poly, 0, KYBER512_Q - 1);
}

void kyber512_poly_compress4(uint8_t out[static KYBER512_POLY_COMPRESSED4_BYTES],
                             const struct kyber512_poly *poly)
{
	(void)poly;
	CHECK_WRITABLE(out, KYBER512_POLY_COMPRESSED4_BYTES);
}

void kyber512_poly_decompress4(struct kyber512_poly *poly,
                               const uint8_t in[static KYBER512_POLY_COMPRESSED4_BYTES])
{
	CHECK_READABLE(in, KYBER512_POLY_COMPRESSED4_BYTES);
	any_poly(poly, 0, KYBER512_Q - 1);
}

void kyber512_poly_from_message(struct kyber512_poly *poly,
                                const uint8_t message[static KYBER512_MESSAGE_BYTES])
{
	CHECK_READABLE(message, KYBER512_MESSAGE_BYTES);
	any_poly(poly, 0, (KYBER512_Q + 1) / 2);
}

void kyber512_poly_to_message(uint8_t message[static KYBER512_MESSAGE_BYTES],
                              const struct kyber512_poly *poly)
{
	(void)poly;
	CHECK_WRITABLE(message, KYBER512_MESSAGE_BYTES);
}

void kyber512_sample_uniform(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                             uint8_t first, uint8_t second)
{
	CHECK_READABLE(seed, KYBER512_SEED_BYTES);
	CHECK(first < KYBER512_K && second < KYBER512_K);
	any_poly(poly, 0, KYBER512_Q - 1);
}

void kyber512_sample_noise3(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                            uint8_t nonce)
{
	CHECK_READABLE(seed, KYBER512_SEED_BYTES);
	CHECK(nonce < 2 * KYBER512_K);
	any_poly(poly, -3, 3);
}

void kyber512_sample_noise2(struct kyber512_poly *poly, const uint8_t seed[static KYBER512_SEED_BYTES],
                            uint8_t nonce)
{
	CHECK_READABLE(seed, KYBER512_SEED_BYTES);
	CHECK(nonce >= KYBER512_K && nonce <= 2 * KYBER512_K);
	any_poly(poly, -2, 2);
}

void keccak_sha3_512(uint8_t out[static KECCAK_SHA3_512_BYTES], const uint8_t *in, size_t in_len)
{
	CHECK_WRITABLE(out, KECCAK_SHA3_512_BYTES);
	CHECK_READABLE(in, in_len);
}

void ct_wipe(void *p, size_t len)
{
	CHECK_WRITABLE(p, len);
}

/*
 * prove: indcpa_ranges unwind=3 sizes=KYBER512_N:2
 * fault: src/crypto/kyber512_indcpa.c s/(&product, &secret, &u)/(\&product, \&u, \&secret)/
 *
 * Kyber: each part of the encryption is given coefficients in its range.
 *
 * Key generation, encryption and decryption, for any keys, ciphertexts and messages.
 */
PROOF(indcpa_ranges)
{
	uint8_t seed[KYBER512_SEED_BYTES];
	uint8_t public_key[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t secret_key[KYBER512_INDCPA_SECRET_KEY_BYTES];
	uint8_t ciphertext[KYBER512_CIPHERTEXT_BYTES];
	uint8_t message[KYBER512_MESSAGE_BYTES];

	ANY(seed);
	ANY(public_key);
	ANY(secret_key);
	ANY(ciphertext);
	ANY(message);
	kyber512_indcpa_keygen(public_key, secret_key, seed);
	kyber512_indcpa_encrypt(ciphertext, message, public_key, seed);
	kyber512_indcpa_decrypt(message, ciphertext, secret_key);
}
