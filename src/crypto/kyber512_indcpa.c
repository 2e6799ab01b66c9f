#include "crypto/kyber512_indcpa.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/kyber512_ntt.h"
#include "crypto/kyber512_reduce.h"

/* A public key is t (K polynomials of 12 bits a coefficient), then the matrix seed. */
#define PK_MATRIX_SEED (KYBER512_K * KYBER512_POLY_BYTES)

/* A ciphertext is u (K polynomials of 10 bits a coefficient), then v. */
#define CT_V (KYBER512_K * KYBER512_POLY_COMPRESSED10_BYTES)

static void vector_from_bytes(struct kyber512_vector *vector, const uint8_t *in)
{
	for (int i = 0; i < KYBER512_K; i++)
		kyber512_poly_from_bytes(&vector->polys[i], in + i * KYBER512_POLY_BYTES);
}

/* A secret vector with coefficients in [-3, 3], transformed. Takes the nonces from first_nonce. */
static void secret_vector(struct kyber512_vector *vector, const uint8_t seed[static KYBER512_SEED_BYTES],
                          int first_nonce)
{
	for (int i = 0; i < KYBER512_K; i++) {
		kyber512_sample_noise3(&vector->polys[i], seed, (uint8_t)(first_nonce + i));
		kyber512_ntt(&vector->polys[i]);
	}
}

void kyber512_indcpa_keygen(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                            uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES],
                            const uint8_t seed[static KYBER512_SEED_BYTES])
{
	uint8_t seeds[2 * KYBER512_SEED_BYTES]; /* of the matrix, of the noise */
	const uint8_t *noise_seed = seeds + KYBER512_SEED_BYTES;
	struct kyber512_vector row;
	struct kyber512_vector secret;
	struct kyber512_poly error;
	struct kyber512_poly t;

	keccak_sha3_512(seeds, seed, KYBER512_SEED_BYTES);
	memcpy(pk + PK_MATRIX_SEED, seeds, KYBER512_SEED_BYTES);

	secret_vector(&secret, noise_seed, 0);
	for (int i = 0; i < KYBER512_K; i++)
		kyber512_poly_to_bytes(sk + i * KYBER512_POLY_BYTES, &secret.polys[i]);

	for (int i = 0; i < KYBER512_K; i++) {
		for (int j = 0; j < KYBER512_K; j++)
			kyber512_sample_uniform(&row.polys[j], seeds, (uint8_t)j, (uint8_t)i);
		kyber512_ntt_inner_product(&t, &row, &secret);
		kyber512_ntt_times_r(&t);
		kyber512_sample_noise3(&error, noise_seed, (uint8_t)(KYBER512_K + i));
		kyber512_ntt(&error);
		kyber512_poly_add(&t, &error);
		kyber512_poly_to_bytes(pk + i * KYBER512_POLY_BYTES, &t);
	}

	ct_wipe(seeds, sizeof seeds);
	ct_wipe(&secret, sizeof secret);
	ct_wipe(&error, sizeof error);
	ct_wipe(&t, sizeof t);
}

void kyber512_indcpa_encrypt(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                             const uint8_t message[static KYBER512_MESSAGE_BYTES],
                             const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
                             const uint8_t coins[static KYBER512_SEED_BYTES])
{
	const uint8_t *matrix_seed = pk + PK_MATRIX_SEED;
	struct kyber512_vector row;
	struct kyber512_vector secret;
	struct kyber512_poly sum;
	struct kyber512_poly addend;

	secret_vector(&secret, coins, 0);

	/* u = A^T r + e1 */
	for (int i = 0; i < KYBER512_K; i++) {
		for (int j = 0; j < KYBER512_K; j++)
			kyber512_sample_uniform(&row.polys[j], matrix_seed, (uint8_t)i, (uint8_t)j);
		kyber512_ntt_inner_product(&sum, &row, &secret);
		kyber512_ntt_inverse(&sum);
		kyber512_sample_noise2(&addend, coins, (uint8_t)(KYBER512_K + i));
		kyber512_poly_add(&sum, &addend);
		kyber512_poly_compress10(ct + i * KYBER512_POLY_COMPRESSED10_BYTES, &sum);
	}

	/* v = t^T r + e2 + message */
	vector_from_bytes(&row, pk);
	kyber512_ntt_inner_product(&sum, &row, &secret);
	kyber512_ntt_inverse(&sum);
	kyber512_sample_noise2(&addend, coins, 2 * KYBER512_K);
	kyber512_poly_add(&sum, &addend);
	kyber512_poly_from_message(&addend, message);
	kyber512_poly_add(&sum, &addend);
	kyber512_poly_compress4(ct + CT_V, &sum);

	ct_wipe(&secret, sizeof secret);
	ct_wipe(&sum, sizeof sum);
	ct_wipe(&addend, sizeof addend);
}

void kyber512_indcpa_decrypt(uint8_t message[static KYBER512_MESSAGE_BYTES],
                             const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
                             const uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES])
{
	struct kyber512_vector u;
	struct kyber512_vector secret;
	struct kyber512_poly product;
	struct kyber512_poly v;

	for (int i = 0; i < KYBER512_K; i++) {
		kyber512_poly_decompress10(&u.polys[i], ct + i * KYBER512_POLY_COMPRESSED10_BYTES);
		kyber512_ntt(&u.polys[i]);
	}
	vector_from_bytes(&secret, sk);
	kyber512_ntt_inner_product(&product, &secret, &u);
	kyber512_ntt_inverse(&product);

	/* v - s^T u */
	kyber512_poly_decompress4(&v, ct + CT_V);
	for (int i = 0; i < KYBER512_N; i++)
		v.coeffs[i] = (int16_t)(v.coeffs[i] - product.coeffs[i]);
	kyber512_poly_to_message(message, &v);

	ct_wipe(&secret, sizeof secret);
	ct_wipe(&product, sizeof product);
	ct_wipe(&v, sizeof v);
}
