/* Kyber-512 in AVX2 registers. All below is compiled for CPUs that have them, and runs on no other. */

#include "crypto/kyber512_backend.h"

#ifdef KYBER512_HAS_AVX2

#include "crypto/bytes.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
#endif

#define VECTOR_LANES 4
#include "crypto/kyber512_vector_sample.h"

/* As in kyber512_indcpa.c. */
#define PK_MATRIX_SEED (KYBER512_K * KYBER512_POLY_BYTES)
#define CT_V (KYBER512_K * KYBER512_POLY_COMPRESSED10_BYTES)

static void add(struct kyber512_poly *sum, const struct kyber512_poly *addend)
{
	for (int i = 0; i < KYBER512_N; i += COEFFS)
		kyber512_store(&sum->coeffs[i],
		               kyber512_load(&sum->coeffs[i]) + kyber512_load(&addend->coeffs[i]));
}

static void vector_from_bytes(struct kyber512_vector *out, const uint8_t *in)
{
	for (int i = 0; i < KYBER512_K; i++)
		kyber512_poly_from_bytes_vector(&out->polys[i], in + i * KYBER512_POLY_BYTES);
}

/* All that is secret, so that nothing of it is forgotten. */
struct work {
	struct kyber512_noise noise;
	struct kyber512_vector secret;
	struct kyber512_poly sum;
	struct kyber512_poly addend;
	uint8_t seeds[2 * KYBER512_SEED_BYTES];
};

static void keygen(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                   uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES],
                   const uint8_t seed[static KYBER512_SEED_BYTES])
{
	struct work work;
	struct kyber512_vector rows[KYBER512_K];

	keccak_sha3_512(work.seeds, seed, KYBER512_SEED_BYTES); /* of the matrix, of the noise */
	memcpy(pk + PK_MATRIX_SEED, work.seeds, KYBER512_SEED_BYTES);
	kyber512_matrix(rows, work.seeds, KYBER512_MATRIX);
	kyber512_noise_bytes(&work.noise, work.seeds + KYBER512_SEED_BYTES, 0);

	for (int i = 0; i < KYBER512_K; i++) {
		kyber512_noise3_vector(&work.secret.polys[i], work.noise.bytes[i]);
		kyber512_ntt_vector(&work.secret.polys[i]);
		kyber512_poly_to_bytes_vector(sk + i * KYBER512_POLY_BYTES, &work.secret.polys[i]);
	}
	for (int i = 0; i < KYBER512_K; i++) {
		kyber512_ntt_inner_product_vector(&work.sum, &rows[i], &work.secret);
		kyber512_ntt_times_r_vector(&work.sum);
		kyber512_noise3_vector(&work.addend, work.noise.bytes[KYBER512_K + i]);
		kyber512_ntt_vector(&work.addend);
		add(&work.sum, &work.addend);
		kyber512_poly_to_bytes_vector(pk + i * KYBER512_POLY_BYTES, &work.sum);
	}
	ct_wipe(&work, sizeof work);
}

static void encrypt(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                    const uint8_t message[static KYBER512_MESSAGE_BYTES],
                    const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                    const uint8_t coins[static KYBER512_SEED_BYTES])
{
	struct work work;
	struct kyber512_vector rows[KYBER512_K];

	kyber512_matrix(rows, pk + PK_MATRIX_SEED, KYBER512_TRANSPOSED);
	kyber512_noise_bytes(&work.noise, coins, 0);
	for (int i = 0; i < KYBER512_K; i++) {
		kyber512_noise3_vector(&work.secret.polys[i], work.noise.bytes[i]);
		kyber512_ntt_vector(&work.secret.polys[i]);
	}

	/* u = A^T r + e1 */
	for (int i = 0; i < KYBER512_K; i++) {
		kyber512_ntt_inner_product_vector(&work.sum, &rows[i], &work.secret);
		kyber512_ntt_inverse_vector(&work.sum);
		kyber512_noise2_vector(&work.addend, work.noise.bytes[KYBER512_K + i]);
		add(&work.sum, &work.addend);
		kyber512_poly_compress10_vector(ct + i * KYBER512_POLY_COMPRESSED10_BYTES, &work.sum);
	}

	/* v = t^T r + e2 + message */
	vector_from_bytes(&rows[0], pk);
	kyber512_ntt_inner_product_vector(&work.sum, &rows[0], &work.secret);
	kyber512_ntt_inverse_vector(&work.sum);
	kyber512_sample_noise2(&work.addend, coins, 2 * KYBER512_K);
	add(&work.sum, &work.addend);
	kyber512_poly_from_message_vector(&work.addend, message);
	add(&work.sum, &work.addend);
	kyber512_poly_compress4_vector(ct + CT_V, &work.sum);
	ct_wipe(&work, sizeof work);
}

static void decrypt(uint8_t message[static KYBER512_MESSAGE_BYTES],
                    const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                    const uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES])
{
	struct kyber512_vector u;
	struct kyber512_vector secret;
	struct kyber512_poly product;
	struct kyber512_poly v;

	for (int i = 0; i < KYBER512_K; i++) {
		kyber512_poly_decompress10_vector(&u.polys[i], ct + i * KYBER512_POLY_COMPRESSED10_BYTES);
		kyber512_ntt_vector(&u.polys[i]);
	}
	vector_from_bytes(&secret, sk);
	kyber512_ntt_inner_product_vector(&product, &secret, &u);
	kyber512_ntt_inverse_vector(&product);

	/* v - s^T u */
	kyber512_poly_decompress4_vector(&v, ct + CT_V);
	for (int i = 0; i < KYBER512_N; i += COEFFS)
		kyber512_store(&v.coeffs[i], kyber512_load(&v.coeffs[i]) - kyber512_load(&product.coeffs[i]));
	kyber512_poly_to_message_vector(message, &v);

	ct_wipe(&secret, sizeof secret);
	ct_wipe(&product, sizeof product);
	ct_wipe(&v, sizeof v);
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static bool is_supported(void)
{
	/* Of the operating system as well: whether it keeps the registers. */
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

const struct kyber512_backend kyber512_avx2 = {
	.name = "AVX2",
	.is_supported = is_supported,
	.keygen = keygen,
	.encrypt = encrypt,
	.decrypt = decrypt,
};

#endif
