#ifndef ROSENPASS_CRYPTO_KYBER512_BACKEND_H
#define ROSENPASS_CRYPTO_KYBER512_BACKEND_H

/* Implementations of kyber512_indcpa.h for one kind of CPU each, and the choice among them. */

#include <stdbool.h>
#include <stdint.h>

#include "crypto/kyber512_indcpa.h"

/* The functions compute what those of kyber512_indcpa.h compute, byte for byte and in constant time. */
struct kyber512_backend {
	const char *name;
	bool (*is_supported)(void); /* by this CPU and the operating system */
	void (*keygen)(uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
	               uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES],
	               const uint8_t seed[static KYBER512_SEED_BYTES]);
	void (*encrypt)(uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
	                const uint8_t message[static KYBER512_MESSAGE_BYTES],
	                const uint8_t pk[static KYBER512_PUBLIC_KEY_BYTES],
	                const uint8_t coins[static KYBER512_SEED_BYTES]);
	void (*decrypt)(uint8_t message[static KYBER512_MESSAGE_BYTES],
	                const uint8_t ct[static KYBER512_CIPHERTEXT_BYTES],
	                const uint8_t sk[static KYBER512_INDCPA_SECRET_KEY_BYTES]);
};

#if defined(__x86_64__) && defined(__GNUC__)
#define KYBER512_HAS_AVX2
extern const struct kyber512_backend kyber512_avx2;
#endif

/* All that were built, the best first; the last before the end, NULL, is portable C and works everywhere. */
extern const struct kyber512_backend *const kyber512_backends[];

/* The self-test: returns true if a backend that this CPU supports computes what portable C computes. */
bool kyber512_backend_works(const struct kyber512_backend *backend);

/* Returns the first backend that this CPU supports and that passes its self-test. The first call tests. */
const struct kyber512_backend *kyber512_backend(void);

#endif
