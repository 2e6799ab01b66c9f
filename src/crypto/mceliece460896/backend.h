#ifndef ROSENPASS_CRYPTO_MCELIECE460896_BACKEND_H
#define ROSENPASS_CRYPTO_MCELIECE460896_BACKEND_H

/*
 * Implementations of the parts that take most of the time, for one kind of CPU each, and the choice among
 * them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/mceliece460896/matrix.h"
#include "crypto/mceliece460896/params.h"

/*
 * Every function does what the function with this name in decode.h, encapsulate.h, matrix.h or sort.h does.
 * The sorts take 64 elements and more.
 */
struct mceliece_backend {
	const char *name;
	bool (*is_supported)(void); /* by this CPU and the operating system */
	uint64_t (*decode)(uint8_t e[static MCELIECE_ERROR_BYTES],
	                   const uint8_t c0[static MCELIECE_SYNDROME_BYTES],
	                   const uint8_t goppa[static MCELIECE_GOPPA_BYTES],
	                   const uint8_t control[static MCELIECE_BENES_BYTES]);
	void (*place)(uint8_t e[static MCELIECE_ERROR_BYTES],
	              const uint8_t random[static MCELIECE_RANDOM_BYTES]);
	void (*parities)(uint8_t *out, size_t out_len, const uint8_t *rows,
	                 const uint8_t e[static MCELIECE_ERROR_BYTES]);
	bool (*matrix)(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
	               const uint16_t goppa[static MCELIECE_T], const uint16_t point[static MCELIECE_Q],
	               struct mceliece_matrix_scratch *scratch);
	void (*sort_u31)(int32_t *x, size_t len, size_t lanes, int32_t *work);
	void (*sort_u63)(int64_t *x, size_t len, int64_t *work);
};

#if defined(__x86_64__) && defined(__GNUC__)
#define MCELIECE_HAS_AVX2
extern const struct mceliece_backend mceliece_avx2;
#endif

/* All that were built, the best first; the last but the end, NULL, is portable C and works everywhere. */
extern const struct mceliece_backend *const mceliece_backends[];

/* The self-test of all but matrix: whether a backend that this CPU supports computes what portable C does. */
bool mceliece_backend_works(const struct mceliece_backend *backend);

/* The first one that this CPU supports and that passes its self-test, which the first call makes. */
const struct mceliece_backend *mceliece_backend(void);

/* The self-test of matrix, for which pk and scratch are working memory. Takes as long as a key or two. */
bool mceliece_backend_makes_keys(const struct mceliece_backend *backend,
                                 uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                 struct mceliece_matrix_scratch *scratch);

/* mceliece_backend() if that passes this test, too, which the first call makes; else portable C. */
const struct mceliece_backend *mceliece_backend_for_keys(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                                         struct mceliece_matrix_scratch *scratch);

#endif
