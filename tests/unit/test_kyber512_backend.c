#include "fixture.h"

#include "crypto/keccak.h"
#include "crypto/kyber512_backend.h"
#include "crypto/kyber512_ntt.h"
#include "crypto/kyber512_reduce.h"
#include "crypto/kyber512_sample.h"

/* Backends against portable C: whole operations of each, and for AVX2 every part of them. */

struct io {
	uint8_t seed[KYBER512_SEED_BYTES];
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_INDCPA_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t message[KYBER512_MESSAGE_BYTES];
};

static void number_bytes(uint8_t *out, size_t out_len, uint32_t number)
{
	uint8_t input[4] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), 1 };

	keccak_shake256(out, out_len, input, sizeof input);
}

/* Keys and ciphertexts that nobody made: with coefficients up to 4095 and, of the first two, all the same. */
static void check_any_bytes(const struct kyber512_backend *backend, uint32_t number)
{
	struct io io, expected;

	number_bytes((uint8_t *)&io, sizeof io, number);
	if (number < 2)
		memset(&io, number == 0 ? 0xff : 0, sizeof io);
	expected = io;
	backend->decrypt(io.message, io.ct, io.sk);
	kyber512_indcpa_decrypt(expected.message, expected.ct, expected.sk);
	assert_memory_equal(&io, &expected, sizeof io);
	backend->encrypt(io.ct, io.message, io.pk, io.seed);
	kyber512_indcpa_encrypt(expected.ct, expected.message, expected.pk, expected.seed);
	assert_memory_equal(&io, &expected, sizeof io);
	backend->keygen(io.pk, io.sk, io.seed);
	kyber512_indcpa_keygen(expected.pk, expected.sk, expected.seed);
	assert_memory_equal(&io, &expected, sizeof io);
	backend->encrypt(io.ct, io.seed, io.pk, io.message);
	backend->decrypt(io.message, io.ct, io.sk);
	assert_memory_equal(io.message, io.seed, sizeof io.seed);
}

static void test_backends(void **state)
{
	const struct kyber512_backend *best = NULL;

	(void)state;
	for (size_t i = 0; kyber512_backends[i] != NULL; i++) {
		const struct kyber512_backend *backend = kyber512_backends[i];

		if (!backend->is_supported()) {
			print_message("this CPU does not support %s\n", backend->name);
			continue;
		}
		/* In a few of so many, three blocks are not enough for a polynomial of the matrix. */
		for (uint32_t number = 0; number < 1000; number++)
			check_any_bytes(backend, number);
		assert_true(kyber512_backend_works(backend));
		if (best == NULL)
			best = backend;
	}
	assert_non_null(best);
	assert_ptr_equal(kyber512_backend(), best);
}

/* A backend with one wrong bit in one operation. */
static int wrong;

static void wrong_keygen(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                         uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES],
                         const uint8_t seed[static KYBER512_SEED_BYTES])
{
	kyber512_indcpa_keygen(pk, sk, seed);
	pk[KYBER512_PUBLIC_KEY_BYTES - 1] ^= wrong == 1;
	sk[KYBER512_INDCPA_SECRET_KEY_BYTES - 1] ^= wrong == 2;
}

static void wrong_encrypt(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                          const uint8_t message[static KYBER512_MESSAGE_BYTES],
                          const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                          const uint8_t coins[static KYBER512_SEED_BYTES])
{
	kyber512_indcpa_encrypt(ct, message, pk, coins);
	ct[KYBER512_CIPHERTEXT_BYTES - 1] ^= wrong == 3;
}

static void wrong_decrypt(uint8_t message[static KYBER512_MESSAGE_BYTES],
                          const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                          const uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES])
{
	kyber512_indcpa_decrypt(message, ct, sk);
	message[KYBER512_MESSAGE_BYTES - 1] ^= wrong == 4;
}

static bool always(void)
{
	return true;
}

static void test_self_test(void **state)
{
	const struct kyber512_backend backend = { "wrong", always, wrong_keygen, wrong_encrypt,
		                                  wrong_decrypt };

	(void)state;
	for (wrong = 1; wrong <= 4; wrong++)
		assert_false(kyber512_backend_works(&backend));
	wrong = 0;
	assert_true(kyber512_backend_works(&backend));
}

#ifdef KYBER512_HAS_AVX2

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
#endif

#define VECTOR_LANES 4
#include "crypto/kyber512_vector_sample.h"

static void avx2_to_bytes(uint8_t *out, const struct kyber512_poly *poly)
{
	kyber512_poly_to_bytes_vector(out, poly);
}

static void avx2_compress10(uint8_t *out, const struct kyber512_poly *poly)
{
	kyber512_poly_compress10_vector(out, poly);
}

static void avx2_compress4(uint8_t *out, const struct kyber512_poly *poly)
{
	kyber512_poly_compress4_vector(out, poly);
}

static void avx2_to_message(uint8_t *out, const struct kyber512_poly *poly)
{
	kyber512_poly_to_message_vector(out, poly);
}

static void avx2_barrett(struct kyber512_poly *poly)
{
	for (int i = 0; i < KYBER512_N; i += COEFFS)
		kyber512_store(&poly->coeffs[i], kyber512_barrett_vector(kyber512_load(&poly->coeffs[i])));
}

static void avx2_times_r(struct kyber512_poly *poly)
{
	kyber512_ntt_times_r_vector(poly);
}

static void avx2_ntt(struct kyber512_poly *poly)
{
	kyber512_ntt_vector(poly);
}

static void avx2_ntt_inverse(struct kyber512_poly *poly)
{
	kyber512_ntt_inverse_vector(poly);
}

static void avx2_inner_product(struct kyber512_poly *out, const struct kyber512_vector *a,
                               const struct kyber512_vector *b)
{
	kyber512_ntt_inner_product_vector(out, a, b);
}

static void avx2_from_bytes(int way, struct kyber512_poly *poly, const uint8_t *in)
{
	switch (way) {
	case 0:
		kyber512_poly_from_bytes_vector(poly, in);
		break;
	case 1:
		kyber512_poly_decompress10_vector(poly, in);
		break;
	case 2:
		kyber512_poly_decompress4_vector(poly, in);
		break;
	default:
		kyber512_poly_from_message_vector(poly, in);
	}
}

/* The noise of four nonces, the first two with three bits a side and the others with two; and the matrix. */
static void avx2_sample(struct kyber512_poly noise[4], struct kyber512_vector matrix[KYBER512_K],
                        const uint8_t *seed, bool transposed)
{
	struct kyber512_noise bytes;

	kyber512_noise_bytes(&bytes, seed, 0);
	for (int i = 0; i < 4; i++) {
		if (i < 2)
			kyber512_noise3_vector(&noise[i], bytes.bytes[i]);
		else
			kyber512_noise2_vector(&noise[i], bytes.bytes[i]);
	}
	kyber512_matrix(matrix, seed, transposed ? KYBER512_TRANSPOSED : KYBER512_MATRIX);
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static void assert_same_classes(const struct kyber512_poly *a, const struct kyber512_poly *b, int limit)
{
	for (int i = 0; i < KYBER512_N; i++) {
		assert_int_equal(kyber512_canonical(a->coeffs[i]), kyber512_canonical(b->coeffs[i]));
		assert_in_range(a->coeffs[i] + limit, 0, 2 * limit);
	}
}

static void check_coefficients(const struct kyber512_poly *poly)
{
	uint8_t bytes[2][KYBER512_POLY_BYTES] = { { 0 } };
	struct kyber512_poly changed = *poly, expected = *poly;

	avx2_to_bytes(bytes[0], poly);
	kyber512_poly_to_bytes(bytes[1], poly);
	assert_memory_equal(bytes[0], bytes[1], KYBER512_POLY_BYTES);
	avx2_compress10(bytes[0], poly);
	kyber512_poly_compress10(bytes[1], poly);
	assert_memory_equal(bytes[0], bytes[1], KYBER512_POLY_BYTES);
	avx2_compress4(bytes[0], poly);
	kyber512_poly_compress4(bytes[1], poly);
	assert_memory_equal(bytes[0], bytes[1], KYBER512_POLY_BYTES);
	avx2_to_message(bytes[0], poly);
	kyber512_poly_to_message(bytes[1], poly);
	assert_memory_equal(bytes[0], bytes[1], KYBER512_POLY_BYTES);

	avx2_barrett(&changed);
	kyber512_poly_reduce(&expected);
	assert_memory_equal(&changed, &expected, sizeof changed);
	changed = expected = *poly;
	avx2_times_r(&changed);
	kyber512_ntt_times_r(&expected);
	assert_memory_equal(&changed, &expected, sizeof changed);
}

static void test_every_coefficient(void **state)
{
	struct kyber512_poly poly;

	(void)state;
	/* In another order each time, so that every coefficient comes to several places. */
	for (int step = 1; step < 64; step += 20) {
		for (int first = INT16_MIN; first < INT16_MAX; first += KYBER512_N) {
			for (int i = 0; i < KYBER512_N; i++)
				poly.coeffs[i] = (int16_t)(first + (i * step) % KYBER512_N);
			check_coefficients(&poly);
		}
	}
}

static void test_every_byte(void **state)
{
	static void (*const ways[])(struct kyber512_poly *, const uint8_t *) = { kyber512_poly_from_bytes,
		                                                                 kyber512_poly_decompress10,
		                                                                 kyber512_poly_decompress4,
		                                                                 kyber512_poly_from_message };
	uint8_t bytes[KYBER512_POLY_BYTES];
	struct kyber512_poly poly, expected;

	(void)state;
	for (uint32_t number = 0; number < 300; number++) {
		number_bytes(bytes, sizeof bytes, number);
		if (number < 2)
			memset(bytes, number == 0 ? 0 : 0xff, sizeof bytes);
		for (int way = 0; way < 4; way++) {
			avx2_from_bytes(way, &poly, bytes);
			ways[way](&expected, bytes);
			assert_memory_equal(&poly, &expected, sizeof poly);
		}
	}
}

/* Coefficients from -limit to limit; of the first four numbers, the largest ones, of one sign or of both. */
static void limited(struct kyber512_poly *poly, int limit, uint32_t number)
{
	uint8_t bytes[2 * KYBER512_N];

	number_bytes(bytes, sizeof bytes, number);
	for (int i = 0; i < KYBER512_N; i++) {
		int x = (bytes[2 * i] | bytes[2 * i + 1] << 8) % (2 * limit + 1) - limit;

		if (number < 4)
			x = (number & 1) == 0 || (number == 3 && bytes[2 * i] < 128) ? limit : -limit;
		poly->coeffs[i] = (int16_t)x;
	}
}

static void test_transforms(void **state)
{
	struct kyber512_poly poly, expected;
	struct kyber512_vector a, b;

	(void)state;
	for (uint32_t number = 0; number < 300; number++) {
		limited(&poly, KYBER512_Q - 1, number);
		expected = poly;
		avx2_ntt(&poly);
		kyber512_ntt(&expected);
		assert_same_classes(&poly, &expected, KYBER512_Q / 2);

		limited(&poly, KYBER512_Q - 1, number);
		expected = poly;
		avx2_ntt_inverse(&poly);
		kyber512_ntt_inverse(&expected);
		assert_same_classes(&poly, &expected, KYBER512_Q - 1);

		for (uint32_t i = 0; i < KYBER512_K; i++) {
			limited(&a.polys[i], 4095, number < 4 ? number : number + 300 * i);
			limited(&b.polys[i], KYBER512_Q / 2, number < 4 ? number / 2 : number + 1000 * i);
		}
		avx2_inner_product(&poly, &a, &b);
		kyber512_ntt_inner_product(&expected, &a, &b);
		assert_same_classes(&poly, &expected, KYBER512_Q - 1);
	}
}

static void test_sampling(void **state)
{
	uint8_t seed[KYBER512_SEED_BYTES];
	struct kyber512_poly noise[4], expected;
	struct kyber512_vector matrix[KYBER512_K];

	(void)state;
	for (uint32_t number = 0; number < 300; number++) {
		bool transposed = number % 2 == 1;

		number_bytes(seed, sizeof seed, number);
		avx2_sample(noise, matrix, seed, transposed);
		for (uint8_t i = 0; i < 4; i++) {
			if (i < 2)
				kyber512_sample_noise3(&expected, seed, i);
			else
				kyber512_sample_noise2(&expected, seed, i);
			assert_memory_equal(&noise[i], &expected, sizeof expected);
			kyber512_sample_uniform(&expected, seed, transposed ? i / 2 : i % 2,
			                        transposed ? i % 2 : i / 2);
			assert_memory_equal(&matrix[i / 2].polys[i % 2], &expected, sizeof expected);
		}
	}
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backends),
		cmocka_unit_test(test_self_test),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
#ifdef KYBER512_HAS_AVX2
	const struct CMUnitTest avx2_tests[] = {
		cmocka_unit_test(test_every_coefficient),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_transforms),
		cmocka_unit_test(test_sampling),
	};

	if (kyber512_avx2.is_supported())
		failed += cmocka_run_group_tests(avx2_tests, NULL, NULL);
#endif
	return failed;
}
