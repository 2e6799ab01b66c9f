#include "crypto/kyber512_backend.h"

#include <stddef.h>

#include "crypto/ct.h"

static bool always(void)
{
	return true;
}

static const struct kyber512_backend portable = {
	.name = "portable",
	.is_supported = always,
	.keygen = kyber512_indcpa_keygen,
	.encrypt = kyber512_indcpa_encrypt,
	.decrypt = kyber512_indcpa_decrypt,
};

const struct kyber512_backend *const kyber512_backends[] = {
#ifdef KYBER512_HAS_AVX2
	&kyber512_avx2,
#endif
	&portable,
	NULL,
};

/* What a backend makes of inputs that are the same each time. */
struct results {
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_INDCPA_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t message[KYBER512_MESSAGE_BYTES];
	uint8_t other_message[KYBER512_MESSAGE_BYTES]; /* of arbitrary bytes as ciphertext */
};

static void run(struct results *results, const struct kyber512_backend *backend)
{
	uint8_t seed[KYBER512_SEED_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];

	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)(i * 83 + 5);
	for (size_t i = 0; i < sizeof ct; i++)
		ct[i] = (uint8_t)(i * 59 + (i >> 3));
	backend->keygen(results->pk, results->sk, seed);
	backend->encrypt(results->ct, ct, results->pk, seed);
	backend->decrypt(results->message, results->ct, results->sk);
	backend->decrypt(results->other_message, ct, results->sk);
}

bool kyber512_backend_works(const struct kyber512_backend *backend)
{
	struct results results, expected;

	run(&results, backend);
	run(&expected, &portable);
	return ct_equal(&results, &expected, sizeof results) != 0;
}

const struct kyber512_backend *kyber512_backend(void)
{
	static const struct kyber512_backend *chosen;
	const struct kyber512_backend *backend = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

	/* Threads that come here at the same time find the same one. */
	if (backend == NULL) {
		size_t i = 0;

		while (!kyber512_backends[i]->is_supported() || !kyber512_backend_works(kyber512_backends[i]))
			i++;
		backend = kyber512_backends[i];
		__atomic_store_n(&chosen, backend, __ATOMIC_RELAXED);
	}
	return backend;
}
