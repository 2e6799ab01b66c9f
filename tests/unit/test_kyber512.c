#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "crypto/keccak.h"
#include "crypto/kyber512.h"
#include "crypto/kyber512_ntt.h"
#include "crypto/kyber512_poly.h"
#include "crypto/kyber512_reduce.h"
#include "crypto/kyber512_sample.h"

#define VECTORS_FILE TEST_DATA_DIR "/vectors/kyber512.json"

/* The same bytes on every run. */
static void repeatable_bytes(uint8_t *out, size_t out_len, uint8_t number)
{
	keccak_shake256(out, out_len, &number, 1);
}

static void repeatable_poly(struct kyber512_poly *poly, uint8_t number)
{
	uint8_t seed[KYBER512_SEED_BYTES];

	repeatable_bytes(seed, sizeof seed, number);
	kyber512_sample_uniform(poly, seed, 0, 0);
}

/* x mod q in [0, q). */
static int modulo(int64_t x)
{
	return (int)((x % KYBER512_Q + KYBER512_Q) % KYBER512_Q);
}

static int modulo_times_r(int64_t x)
{
	return modulo((int64_t)modulo(x) << 16);
}

static void test_reductions(void **state)
{
	(void)state;
	for (int32_t a = INT16_MIN; a <= INT16_MAX; a++) {
		int barrett = kyber512_barrett((int16_t)a);
		int factors[] = { 1, -1, 17, -KYBER512_Q / 2, KYBER512_Q / 2 };

		assert_int_equal(modulo(barrett), modulo(a));
		assert_in_range(barrett + KYBER512_Q / 2, 0, KYBER512_Q - 1);
		assert_int_equal(kyber512_canonical((int16_t)a), modulo(a));
		for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
			int product = kyber512_multiply((int16_t)a, (int16_t)factors[i]);

			assert_int_equal(modulo_times_r(product), modulo((int64_t)a * factors[i]));
			assert_in_range(product + KYBER512_Q - 1, 0, 2 * KYBER512_Q - 2);
		}
	}
	for (int32_t a = -KYBER512_Q * 32768 + 1; a < KYBER512_Q * 32768; a += 97) {
		int reduced = kyber512_montgomery(a);

		if (modulo_times_r(reduced) != modulo(a) || abs(reduced) >= KYBER512_Q)
			fail_msg("%d is reduced to %d", a, reduced);
	}
}

static void test_division(void **state)
{
	(void)state;
	for (uint32_t a = 0; a < 1U << 22; a++) {
		if (kyber512_divide(a) != a / KYBER512_Q)
			fail_msg("%u divided by q gives %u", a, kyber512_divide(a));
	}
}

static void test_ntt_round_trip(void **state)
{
	(void)state;
	for (uint8_t number = 0; number < 20; number++) {
		struct kyber512_poly before;
		struct kyber512_poly after;

		repeatable_poly(&before, number);
		/* The largest coefficients that are allowed, of both signs. */
		for (int i = 0; number < 2 && i < KYBER512_N; i++)
			before.coeffs[i] = number == 0 ? KYBER512_Q - 1 : 1 - KYBER512_Q;
		after = before;
		kyber512_ntt(&after);
		for (int i = 0; i < KYBER512_N; i++)
			assert_in_range(after.coeffs[i] + KYBER512_Q / 2, 0, KYBER512_Q - 1);
		assert_memory_not_equal(&before, &after, sizeof before);
		kyber512_ntt_inverse(&after);
		for (int i = 0; i < KYBER512_N; i++) {
			assert_in_range(after.coeffs[i] + KYBER512_Q - 1, 0, 2 * KYBER512_Q - 2);
			assert_int_equal(modulo(after.coeffs[i]), modulo_times_r(before.coeffs[i]));
		}
	}
}

/* Transformed polynomials of the largest coefficients: every layer doubles one of them. */
static void test_ntt_inverse_extremes(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct kyber512_poly before;
		struct kyber512_poly after;

		for (int i = 0; i < KYBER512_N; i++)
			before.coeffs[i] = (int16_t)(sign * (KYBER512_Q - 1));
		after = before;
		kyber512_ntt_inverse(&after);
		kyber512_ntt(&after);
		for (int i = 0; i < KYBER512_N; i++)
			assert_int_equal(modulo(after.coeffs[i]), modulo_times_r(before.coeffs[i]));
	}
}

/* X^2 has the roots themselves as remainders: 17 to every odd power, in the order of the specification. */
static void test_ntt_is_the_specified_one(void **state)
{
	struct kyber512_poly poly = { { 0 } };

	(void)state;
	poly.coeffs[2] = 1;
	kyber512_ntt(&poly);
	for (int i = 0; i < 128; i++) {
		int reversed = 0;
		int64_t root = 1;

		for (int bit = 0; bit < 7; bit++)
			reversed |= (i >> bit & 1) << (6 - bit);
		for (int power = 0; power < 2 * reversed + 1; power++)
			root = modulo(17 * root);
		assert_int_equal(modulo(poly.coeffs[2 * i]), root);
		assert_int_equal(modulo(poly.coeffs[2 * i + 1]), 0);
	}
}

/* sum += a * b modulo X^256 + 1, as in school. */
static void schoolbook(int64_t sum[static KYBER512_N], const struct kyber512_poly *a,
                       const struct kyber512_poly *b)
{
	for (int i = 0; i < KYBER512_N; i++) {
		for (int j = 0; j < KYBER512_N; j++) {
			int64_t product = (int64_t)a->coeffs[i] * b->coeffs[j];

			sum[(i + j) % KYBER512_N] += i + j < KYBER512_N ? product : -product;
		}
	}
}

static void test_inner_product(void **state)
{
	(void)state;
	for (uint8_t number = 0; number < 12; number++) {
		struct kyber512_vector a;
		struct kyber512_vector b;
		struct kyber512_poly product;
		struct kyber512_poly transformed;
		int64_t expected[KYBER512_N] = { 0 };

		for (int i = 0; i < KYBER512_K; i++) {
			repeatable_poly(&a.polys[i], (uint8_t)(4 * number + i));
			repeatable_poly(&b.polys[i], (uint8_t)(4 * number + 2 + i));
			schoolbook(expected, &a.polys[i], &b.polys[i]);
			kyber512_ntt(&a.polys[i]);
			kyber512_ntt(&b.polys[i]);
			/* What a file may hold: the largest numbers of 12 bits of the same class. */
			for (int j = 0; j < KYBER512_N; j++) {
				int16_t coeff = (int16_t)modulo(a.polys[i].coeffs[j]);

				a.polys[i].coeffs[j] =
					(int16_t)(coeff < 4096 - KYBER512_Q ? coeff + KYBER512_Q : coeff);
			}
		}
		kyber512_ntt_inner_product(&product, &a, &b);
		transformed = product;
		kyber512_ntt_times_r(&transformed);
		for (int i = 0; i < KYBER512_N; i++)
			assert_int_equal(modulo(transformed.coeffs[i]), modulo_times_r(product.coeffs[i]));
		kyber512_ntt_inverse(&product);
		for (int i = 0; i < KYBER512_N; i++)
			assert_int_equal(modulo(product.coeffs[i]), modulo(expected[i]));
	}
}

static void test_inner_product_extremes(void **state)
{
	struct kyber512_vector a;
	struct kyber512_vector b;
	struct kyber512_poly product;

	(void)state;
	for (int signs = 0; signs < 4; signs++) {
		for (int i = 0; i < KYBER512_K; i++) {
			for (int j = 0; j < KYBER512_N; j++) {
				a.polys[i].coeffs[j] = signs & 1 ? -4095 : 4095;
				b.polys[i].coeffs[j] = signs & 2 ? -KYBER512_Q / 2 : KYBER512_Q / 2;
			}
		}
		kyber512_ntt_inner_product(&product, &a, &b);
		for (int i = 1; i < KYBER512_N; i += 2)
			assert_int_equal(modulo_times_r(product.coeffs[i]),
			                 modulo((int64_t)4 * a.polys[0].coeffs[0] * b.polys[0].coeffs[0]));
	}
}

static void test_bytes(void **state)
{
	struct kyber512_poly poly;
	struct kyber512_poly again;
	uint8_t bytes[KYBER512_POLY_BYTES];

	(void)state;
	for (int first = INT16_MIN; first < INT16_MAX; first += KYBER512_N) {
		for (int i = 0; i < KYBER512_N; i++)
			poly.coeffs[i] = (int16_t)(first + i);
		kyber512_poly_to_bytes(bytes, &poly);
		kyber512_poly_from_bytes(&again, bytes);
		for (int i = 0; i < KYBER512_N; i++)
			assert_int_equal(again.coeffs[i], modulo(poly.coeffs[i]));
	}
	/* Bit i of coefficient j is bit 12 j + i of the bytes, and 4095 stays 4095. */
	memset(bytes, 0xff, sizeof bytes);
	bytes[1] = 0xaf;
	kyber512_poly_from_bytes(&again, bytes);
	assert_int_equal(again.coeffs[0], 0xfff);
	assert_int_equal(again.coeffs[1], 0xffa);
	assert_int_equal(again.coeffs[2], 0xfff);
}

struct compression {
	int bits;
	size_t bytes;
	void (*compress)(uint8_t *out, const struct kyber512_poly *poly);
	void (*decompress)(struct kyber512_poly *poly, const uint8_t *in);
};

static void compress10(uint8_t *out, const struct kyber512_poly *poly)
{
	kyber512_poly_compress10(out, poly);
}

static void decompress10(struct kyber512_poly *poly, const uint8_t *in)
{
	kyber512_poly_decompress10(poly, in);
}

static void compress4(uint8_t *out, const struct kyber512_poly *poly)
{
	kyber512_poly_compress4(out, poly);
}

static void decompress4(struct kyber512_poly *poly, const uint8_t *in)
{
	kyber512_poly_decompress4(poly, in);
}

static void compress1(uint8_t *out, const struct kyber512_poly *poly)
{
	kyber512_poly_to_message(out, poly);
}

static void decompress1(struct kyber512_poly *poly, const uint8_t *in)
{
	kyber512_poly_from_message(poly, in);
}

static const struct compression compressions[] = {
	{ 10, KYBER512_POLY_COMPRESSED10_BYTES, compress10, decompress10 },
	{ 4, KYBER512_POLY_COMPRESSED4_BYTES, compress4, decompress4 },
	{ 1, KYBER512_MESSAGE_BYTES, compress1, decompress1 },
};
#define COMPRESSION_COUNT (sizeof compressions / sizeof *compressions)

/* Coefficient number i in the little-endian bit order of the specification. */
static int packed(const uint8_t *bytes, int bits, int i)
{
	int value = 0;

	for (int bit = 0; bit < bits; bit++) {
		int at = i * bits + bit;

		value |= (bytes[at / 8] >> at % 8 & 1) << bit;
	}
	return value;
}

static void check_compression(const struct compression *compression, int first)
{
	int steps = 1 << compression->bits;
	int worst = (KYBER512_Q + steps) / (2 * steps); /* round(q / 2^(d + 1)) */
	struct kyber512_poly poly;
	struct kyber512_poly back;
	uint8_t bytes[KYBER512_POLY_BYTES];

	for (int i = 0; i < KYBER512_N; i++)
		poly.coeffs[i] = (int16_t)(first + i);
	compression->compress(bytes, &poly);
	compression->decompress(&back, bytes);
	for (int i = 0; i < KYBER512_N; i++) {
		int x = modulo(poly.coeffs[i]);
		int compressed = (2 * steps * x + KYBER512_Q) / (2 * KYBER512_Q) % steps;
		int distance = modulo(back.coeffs[i] - x);

		if (distance > KYBER512_Q / 2)
			distance = KYBER512_Q - distance;
		assert_int_equal(packed(bytes, compression->bits, i), compressed);
		assert_int_equal(back.coeffs[i], (2 * KYBER512_Q * compressed + steps) / (2 * steps));
		assert_in_range(distance, 0, worst);
	}
}

static void test_compression_of_every_coefficient(void **state)
{
	(void)state;
	for (size_t i = 0; i < COMPRESSION_COUNT; i++) {
		for (int first = INT16_MIN; first < INT16_MAX; first += KYBER512_N)
			check_compression(&compressions[i], first);
	}
}

static void test_compression_of_every_byte_string(void **state)
{
	struct kyber512_poly poly;
	uint8_t bytes[KYBER512_POLY_BYTES];
	uint8_t again[KYBER512_POLY_BYTES];

	(void)state;
	for (size_t i = 0; i < COMPRESSION_COUNT; i++) {
		for (uint8_t number = 0; number < 50; number++) {
			repeatable_bytes(bytes, compressions[i].bytes, number);
			compressions[i].decompress(&poly, bytes);
			compressions[i].compress(again, &poly);
			assert_memory_equal(bytes, again, compressions[i].bytes);
		}
	}
}

/* A bit survives every error below q / 4. */
static void test_message_with_errors(void **state)
{
	uint8_t message[KYBER512_MESSAGE_BYTES];
	uint8_t decoded[KYBER512_MESSAGE_BYTES];
	struct kyber512_poly poly;

	(void)state;
	repeatable_bytes(message, sizeof message, 0);
	for (int error = -KYBER512_Q / 4 + 1; error < KYBER512_Q / 4; error++) {
		kyber512_poly_from_message(&poly, message);
		for (int i = 0; i < KYBER512_N; i++)
			poly.coeffs[i] = (int16_t)(poly.coeffs[i] + error);
		kyber512_poly_to_message(decoded, &poly);
		assert_memory_equal(decoded, message, sizeof message);
	}
}

/* The centered binomial distribution as the specification writes it, bit by bit. */
static int binomial(const uint8_t *bytes, int eta, int i)
{
	int difference = 0;

	for (int bit = 0; bit < eta; bit++) {
		difference += packed(bytes, 1, 2 * i * eta + bit);
		difference -= packed(bytes, 1, 2 * i * eta + eta + bit);
	}
	return difference;
}

static void test_noise(void **state)
{
	uint8_t input[KYBER512_SEED_BYTES + 1];
	uint8_t bytes[3 * KYBER512_N / 4];
	struct kyber512_poly poly;

	(void)state;
	for (uint8_t nonce = 0; nonce < 8; nonce++) {
		repeatable_bytes(input, KYBER512_SEED_BYTES, nonce);
		input[KYBER512_SEED_BYTES] = nonce;
		keccak_shake256(bytes, sizeof bytes, input, sizeof input);
		kyber512_sample_noise3(&poly, input, nonce);
		for (int i = 0; i < KYBER512_N; i++)
			assert_int_equal(poly.coeffs[i], binomial(bytes, 3, i));
		kyber512_sample_noise2(&poly, input, nonce);
		for (int i = 0; i < KYBER512_N; i++)
			assert_int_equal(poly.coeffs[i], binomial(bytes, 2, i));
	}
}

static void test_uniform(void **state)
{
	uint8_t input[KYBER512_SEED_BYTES + 2];
	uint8_t bytes[3 * 1024];
	struct kyber512_poly poly;
	struct keccak_shake shake;

	(void)state;
	for (uint8_t number = 0; number < 100; number++) {
		int count = 0;

		repeatable_bytes(input, sizeof input, number);
		kyber512_sample_uniform(&poly, input, input[KYBER512_SEED_BYTES],
		                        input[KYBER512_SEED_BYTES + 1]);
		keccak_shake128_init(&shake);
		keccak_shake_absorb(&shake, input, sizeof input);
		keccak_shake_finish(&shake);
		keccak_shake_squeeze(&shake, bytes, sizeof bytes);
		for (int i = 0; i < 2048 && count < KYBER512_N; i++) {
			int candidate = packed(bytes, 12, i);

			if (candidate < KYBER512_Q)
				assert_int_equal(poly.coeffs[count++], candidate);
		}
		assert_int_equal(count, KYBER512_N);
	}
}

/* The bytes that a case of the vectors gives in hexadecimal digits. */
static void get_bytes(uint8_t *out, size_t out_len, const json_t *json)
{
	const char *hex = json_string_value(json);
	size_t len = 0;

	assert_non_null(hex);
	assert_int_equal(sodium_hex2bin(out, out_len, hex, strlen(hex), NULL, &len, NULL), 0);
	assert_int_equal(len, out_len);
}

static void check_case(const json_t *test)
{
	const json_t *random = json_object_get(test, "keygen_random");
	uint8_t keygen_seed[KYBER512_KEYGEN_SEED_BYTES];
	uint8_t seed[KYBER512_ENCAPSULATE_SEED_BYTES];
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];
	uint8_t expected[KYBER512_SECRET_KEY_BYTES];

	get_bytes(keygen_seed, 32, json_array_get(random, 0));
	get_bytes(keygen_seed + 32, 32, json_array_get(random, 1));
	kyber512_keygen_from_seed(pk, sk, keygen_seed);
	get_bytes(expected, sizeof pk, json_object_get(test, "pk"));
	assert_memory_equal(pk, expected, sizeof pk);
	get_bytes(expected, sizeof sk, json_object_get(test, "sk"));
	assert_memory_equal(sk, expected, sizeof sk);

	get_bytes(seed, sizeof seed, json_array_get(json_object_get(test, "enc_random"), 0));
	kyber512_encapsulate_from_seed(ct, ss, pk, seed);
	get_bytes(expected, sizeof ct, json_object_get(test, "ct"));
	assert_memory_equal(ct, expected, sizeof ct);
	get_bytes(expected, sizeof ss, json_object_get(test, "ss"));
	assert_memory_equal(ss, expected, sizeof ss);

	memset(ss, 0, sizeof ss);
	kyber512_decapsulate(ss, ct, sk);
	assert_memory_equal(ss, expected, sizeof ss);
	get_bytes(ct, sizeof ct, json_object_get(test, "bad_ct"));
	get_bytes(expected, sizeof ss, json_object_get(test, "bad_ss"));
	kyber512_decapsulate(ss, ct, sk);
	assert_memory_equal(ss, expected, sizeof ss);
}

static void test_vectors(void **state)
{
	json_error_t error;
	json_t *file = json_load_file(VECTORS_FILE, 0, &error);
	const json_t *cases = json_object_get(file, "cases");

	(void)state;
	if (file == NULL)
		fail_msg("%s: %s", VECTORS_FILE, error.text);
	assert_int_not_equal(json_array_size(cases), 0);
	for (size_t i = 0; i < json_array_size(cases); i++)
		check_case(json_array_get(cases, i));
	json_decref(file);
}

/* KDF(z || H(ct)), with z the last 32 bytes of the secret key. */
static void rejection_secret(uint8_t ss[static KYBER512_SHARED_SECRET_BYTES],
                             const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                             const uint8_t sk[static KYBER512_SECRET_KEY_BYTES])
{
	uint8_t input[64];

	memcpy(input, sk + KYBER512_SECRET_KEY_BYTES - 32, 32);
	keccak_sha3_256(input + 32, ct, KYBER512_CIPHERTEXT_BYTES);
	keccak_shake256(ss, KYBER512_SHARED_SECRET_BYTES, input, sizeof input);
}

static void test_implicit_rejection(void **state)
{
	uint8_t seed[KYBER512_KEYGEN_SEED_BYTES];
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t genuine[KYBER512_SHARED_SECRET_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];
	uint8_t expected[KYBER512_SHARED_SECRET_BYTES];

	(void)state;
	repeatable_bytes(seed, sizeof seed, 1);
	kyber512_keygen_from_seed(pk, sk, seed);
	kyber512_encapsulate_from_seed(ct, genuine, pk, seed);
	for (int i = 0; i < 2 * KYBER512_CIPHERTEXT_BYTES; i++) {
		/* The lowest bit leaves the message as it is: nothing but the comparison sees it. */
		uint8_t damage = (uint8_t)(1 << (i % 2 == 0 ? i / 2 % 8 : 0));

		ct[i / 2] ^= damage;
		kyber512_decapsulate(ss, ct, sk);
		rejection_secret(expected, ct, sk);
		assert_memory_equal(ss, expected, sizeof ss);
		ct[i / 2] ^= damage;
	}
	kyber512_decapsulate(ss, ct, sk);
	assert_memory_equal(ss, genuine, sizeof ss);
	for (uint8_t number = 0; number < 20; number++) {
		repeatable_bytes(ct, sizeof ct, number);
		kyber512_decapsulate(ss, ct, sk);
		rejection_secret(expected, ct, sk);
		assert_memory_equal(ss, expected, sizeof ss);
	}
}

/* Keys that nobody generated must do no harm: no number out of range (the sanitizers look on). */
static void test_any_bytes_as_keys(void **state)
{
	uint8_t seed[KYBER512_ENCAPSULATE_SEED_BYTES] = { 0 };
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];
	uint8_t expected[KYBER512_SHARED_SECRET_BYTES];

	(void)state;
	for (int number = 0; number < 20; number++) {
		repeatable_bytes(pk, sizeof pk, (uint8_t)number);
		repeatable_bytes(sk, sizeof sk, (uint8_t)number);
		if (number == 0) {
			memset(pk, 0xff, sizeof pk);
			memset(sk, 0xff, sizeof sk);
		}
		kyber512_encapsulate_from_seed(ct, ss, pk, seed);
		kyber512_decapsulate(ss, ct, sk);
		rejection_secret(expected, ct, sk);
		assert_memory_equal(ss, expected, sizeof ss);
	}
}

static int fill_counting(void *context, uint8_t *out, size_t out_len)
{
	uint8_t *number = context;

	repeatable_bytes(out, out_len, (*number)++);
	return 0;
}

static int fill_failing(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	memset(out, 0x5a, out_len / 2);
	return 1;
}

static void test_random_source(void **state)
{
	uint8_t number = 0;
	struct random_source random = { fill_counting, &number };
	uint8_t seed[KYBER512_KEYGEN_SEED_BYTES];
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];
	uint8_t expected[KYBER512_SECRET_KEY_BYTES];
	uint8_t expected_pk[KYBER512_PUBLIC_KEY_BYTES];

	(void)state;
	assert_int_equal(kyber512_keygen(pk, sk, &random), 0);
	repeatable_bytes(seed, sizeof seed, 0);
	kyber512_keygen_from_seed(expected_pk, expected, seed);
	assert_memory_equal(pk, expected_pk, sizeof pk);
	assert_memory_equal(sk, expected, sizeof sk);

	assert_int_equal(kyber512_encapsulate(ct, ss, pk, &random), 0);
	assert_int_equal(number, 2);
	kyber512_decapsulate(expected, ct, sk);
	assert_memory_equal(ss, expected, sizeof ss);
	repeatable_bytes(seed, KYBER512_ENCAPSULATE_SEED_BYTES, 1);
	kyber512_encapsulate_from_seed(expected, expected_pk, pk, seed);
	assert_memory_equal(ct, expected, sizeof ct);
	assert_memory_equal(ss, expected_pk, sizeof ss);
}

static void assert_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], 0);
}

static void test_failing_random_source(void **state)
{
	struct random_source random = { fill_failing, NULL };
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];

	(void)state;
	memset(pk, 1, sizeof pk);
	memset(sk, 1, sizeof sk);
	assert_int_equal(kyber512_keygen(pk, sk, &random), -1);
	assert_zero(pk, sizeof pk);
	assert_zero(sk, sizeof sk);

	repeatable_bytes(pk, sizeof pk, 0);
	memset(ct, 1, sizeof ct);
	memset(ss, 1, sizeof ss);
	assert_int_equal(kyber512_encapsulate(ct, ss, pk, &random), -1);
	assert_zero(ct, sizeof ct);
	assert_zero(ss, sizeof ss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reductions),
		cmocka_unit_test(test_division),
		cmocka_unit_test(test_ntt_round_trip),
		cmocka_unit_test(test_ntt_inverse_extremes),
		cmocka_unit_test(test_ntt_is_the_specified_one),
		cmocka_unit_test(test_inner_product),
		cmocka_unit_test(test_inner_product_extremes),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_compression_of_every_coefficient),
		cmocka_unit_test(test_compression_of_every_byte_string),
		cmocka_unit_test(test_message_with_errors),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_uniform),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_implicit_rejection),
		cmocka_unit_test(test_any_bytes_as_keys),
		cmocka_unit_test(test_random_source),
		cmocka_unit_test(test_failing_random_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
