#include "crypto/mceliece460896/backend.h"

#include <stddef.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/decode.h"
#include "crypto/mceliece460896/gf.h"

#define T MCELIECE_T

static bool always(void)
{
	return true;
}

static const struct mceliece_backend portable = {
	.name = "portable",
	.is_supported = always,
	.decode = mceliece_decode,
};

const struct mceliece_backend *const mceliece_backends[] = {
#ifdef MCELIECE_HAS_AVX2
	&mceliece_avx2,
#endif
	&portable,
	NULL,
};

/* Control bits without much of a pattern, in constant memory, as the stack is small. */
#define BYTE(i) (uint8_t)((i) * (i)*167U / 32 + (i) / 5)
#define BYTES_2(i) BYTE(i), BYTE((i) + 1)
#define BYTES_4(i) BYTES_2(i), BYTES_2((i) + 2)
#define BYTES_8(i) BYTES_4(i), BYTES_4((i) + 4)
#define BYTES_16(i) BYTES_8(i), BYTES_8((i) + 8)
#define BYTES_32(i) BYTES_16(i), BYTES_16((i) + 16)
#define BYTES_64(i) BYTES_32(i), BYTES_32((i) + 32)
#define BYTES_128(i) BYTES_64(i), BYTES_64((i) + 64)
#define BYTES_256(i) BYTES_128(i), BYTES_128((i) + 128)
#define BYTES_512(i) BYTES_256(i), BYTES_256((i) + 256)
#define BYTES_2560(i)                                                                     \
	BYTES_512(i), BYTES_512((i) + 512), BYTES_512((i) + 1024), BYTES_512((i) + 1536), \
		BYTES_512((i) + 2048)

static const uint8_t test_control[MCELIECE_BENES_BYTES] = { BYTES_2560(0U), BYTES_2560(2560U),
	                                                    BYTES_2560(5120U), BYTES_2560(7680U),
	                                                    BYTES_2560(10240U) };

/* y^96 + y^10 + y^9 + y^6 + 1 for y = x / scale, times scale^96: irreducible. */
static void make_goppa(uint8_t goppa[static MCELIECE_GOPPA_BYTES], uint16_t scale)
{
	static const uint8_t exponents[] = { 0, 6, 9, 10 };
	uint16_t powers[T]; /* scale^(96 - i) */
	uint16_t power = 1;

	for (unsigned i = T; i-- > 0;) {
		power = mceliece_gf_mul(power, scale);
		powers[i] = power;
	}
	memset(goppa, 0, MCELIECE_GOPPA_BYTES);
	for (unsigned k = 0; k < sizeof exponents; k++)
		mceliece_bytes_store_u16(goppa + 2 * exponents[k], powers[exponents[k]]);
}

/* Compares one decoding; for a syndrome that has none, only that none was found. */
static bool decodes(const struct mceliece_backend *backend, const uint8_t c0[static MCELIECE_SYNDROME_BYTES],
                    const uint8_t goppa[static MCELIECE_GOPPA_BYTES], bool valid)
{
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t expected[MCELIECE_ERROR_BYTES];
	uint64_t result = backend->decode(e, c0, goppa, test_control);

	return mceliece_decode(expected, c0, goppa, test_control) == result && (result != 0) == valid &&
	       (!valid || ct_equal(e, expected, sizeof e) != 0);
}

/* A syndrome of weight 96 or less is an error vector with that syndrome, if zeros are appended. */
bool mceliece_backend_works(const struct mceliece_backend *backend)
{
	uint8_t goppa[MCELIECE_GOPPA_BYTES];
	uint8_t c0[MCELIECE_SYNDROME_BYTES];

	make_goppa(goppa, 0x1234);
	for (unsigned i = 0; i < sizeof c0; i++)
		c0[i] = (uint8_t)(i >= 20 && i < 20 + T ? 1U << (i % 8) : 0);
	if (!decodes(backend, c0, goppa, true))
		return false;
	/* 97 errors */
	c0[0] = 0x80;
	return decodes(backend, c0, goppa, false);
}

const struct mceliece_backend *mceliece_backend(void)
{
	static const struct mceliece_backend *chosen;
	const struct mceliece_backend *backend = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

	/* Threads that come here at the same time find the same one. */
	if (backend == NULL) {
		size_t i = 0;

		while (!mceliece_backends[i]->is_supported() || !mceliece_backend_works(mceliece_backends[i]))
			i++;
		backend = mceliece_backends[i];
		__atomic_store_n(&chosen, backend, __ATOMIC_RELAXED);
	}
	return backend;
}
