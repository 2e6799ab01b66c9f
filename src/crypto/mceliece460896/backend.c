#include "crypto/mceliece460896/backend.h"

#include <stddef.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/decode.h"
#include "crypto/mceliece460896/encapsulate_parts.h"
#include "crypto/mceliece460896/gf.h"
#include "crypto/mceliece460896/sort.h"

#define T MCELIECE_T
#define TEST_POINT 2731U

static bool always(void)
{
	return true;
}

static const struct mceliece_backend portable = {
	.name = "portable",
	.is_supported = always,
	.decode = mceliece_decode,
	.place = mceliece_encapsulate_place,
	.parities = mceliece_encapsulate_parities,
	.matrix = mceliece_matrix,
	.sort_u31 = mceliece_sort_u31,
	.sort_u63 = mceliece_sort_u63,
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

/* test_control serves as random bytes, as an error vector and as rows of a public key. */
static bool encapsulates(const struct mceliece_backend *backend)
{
	enum {
		ROW_GROUPS = MCELIECE_BENES_BYTES / (8 * MCELIECE_ROW_BYTES)
	};
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t expected[MCELIECE_ERROR_BYTES];
	uint8_t random[MCELIECE_RANDOM_BYTES] = { 0 };
	uint8_t parities[2][ROW_GROUPS];

	/* Two thirds of the positions are drawn from test_control, and the rest is all 0. */
	memcpy(random, test_control, sizeof random - 8 * 32);
	backend->place(e, random);
	mceliece_encapsulate_place(expected, random);
	backend->parities(parities[0], ROW_GROUPS, test_control, test_control);
	mceliece_encapsulate_parities(parities[1], ROW_GROUPS, test_control, test_control);
	return ct_equal(e, expected, sizeof e) != 0 && ct_equal(parities[0], parities[1], ROW_GROUPS) != 0;
}

/* Lists of all lengths and numbers of lanes that differ in how they are sorted. */
static bool sorts(const struct mceliece_backend *backend)
{
	enum {
		LENGTH = 128
	};
	int64_t wide[2][LENGTH];
	int32_t narrow[2][LENGTH];
	int64_t work[LENGTH + MCELIECE_SORT_EXTRA];
	uint64_t same = UINT64_MAX;

	for (size_t lanes = 1; lanes <= 16; lanes *= 2) {
		memcpy(wide[0], test_control + 64 * lanes, sizeof wide[0]);
		for (size_t i = 0; i < LENGTH; i++) {
			wide[0][i] &= 0x7fffffffffffffff;
			narrow[0][i] = (int32_t)(wide[0][i] & 0x7fffffff);
		}
		memcpy(wide[1], wide[0], sizeof wide[0]);
		memcpy(narrow[1], narrow[0], sizeof narrow[0]);
		backend->sort_u31(narrow[0], LENGTH, lanes, (int32_t *)work);
		mceliece_sort_u31(narrow[1], LENGTH, lanes, (int32_t *)work);
		backend->sort_u63(wide[0], LENGTH, work);
		mceliece_sort_u63(wide[1], LENGTH, work);
		same &= ct_equal(narrow[0], narrow[1], sizeof narrow[0]) &
		        ct_equal(wide[0], wide[1], sizeof wide[0]);
	}
	return same != 0;
}

/* A syndrome of weight 96 or less is an error vector with that syndrome, if zeros are appended. */
bool mceliece_backend_works(const struct mceliece_backend *backend)
{
	uint8_t goppa[MCELIECE_GOPPA_BYTES];
	uint8_t c0[MCELIECE_SYNDROME_BYTES];

	make_goppa(goppa, 0x1234);
	for (unsigned i = 0; i < sizeof c0; i++)
		c0[i] = (uint8_t)(i >= 20 && i < 20 + T ? 1U << (i % 8) : 0);
	if (!encapsulates(backend) || !sorts(backend) || !decodes(backend, c0, goppa, true))
		return false;
	/* 97 errors */
	c0[0] = 0x80;
	return decodes(backend, c0, goppa, false);
}

/*
 * The key of a polynomial and of an ordering that everybody knows, by its hash: portable C would need as long
 * for it as for a key that is wanted. With the same point twice, there is none.
 */
bool mceliece_backend_makes_keys(const struct mceliece_backend *backend,
                                 uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                 struct mceliece_matrix_scratch *scratch)
{
	static const uint8_t expected[] = { 0xe8, 0xff, 0x5b, 0x1e, 0x3e, 0x9a, 0x80, 0x31,
		                            0x85, 0x4a, 0x3a, 0x04, 0xf8, 0x1f, 0x62, 0xf9 };
	uint8_t bytes[MCELIECE_GOPPA_BYTES];
	uint8_t hash[sizeof expected];
	uint16_t goppa[T];
	uint16_t points[MCELIECE_Q];

	make_goppa(bytes, 0x1234);
	for (unsigned i = 0; i < T; i++)
		goppa[i] = mceliece_bytes_load_u16(bytes + 2 * i);
	for (unsigned i = 0; i < MCELIECE_Q; i++)
		points[i] = (uint16_t)((TEST_POINT * i) % MCELIECE_Q);
	points[0] = points[1];
	if (backend->matrix(pk, goppa, points, scratch))
		return false;
	points[0] = 0;
	if (!backend->matrix(pk, goppa, points, scratch))
		return false;
	keccak_shake256(hash, sizeof hash, pk, MCELIECE460896_PUBLIC_KEY_BYTES);
	return ct_equal(hash, expected, sizeof hash) != 0;
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

const struct mceliece_backend *mceliece_backend_for_keys(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                                         struct mceliece_matrix_scratch *scratch)
{
	static const struct mceliece_backend *chosen;
	const struct mceliece_backend *backend = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

	if (backend == NULL) {
		backend = mceliece_backend();
		if (backend != &portable && !mceliece_backend_makes_keys(backend, pk, scratch))
			backend = &portable;
		__atomic_store_n(&chosen, backend, __ATOMIC_RELAXED);
	}
	return backend;
}
