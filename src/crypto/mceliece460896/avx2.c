/* AVX2 registers of 256 bits. All below is compiled for CPUs that have them, and runs on no other. */

#include "crypto/mceliece460896/backend.h"

#ifdef MCELIECE_HAS_AVX2

#include <assert.h>

#include "crypto/bytes.h"
#include "crypto/ct.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

#include "crypto/mceliece460896/vector_decode.h"
#include "crypto/mceliece460896/vector_encapsulate.h"
#include "crypto/mceliece460896/vector_matrix.h"
#include "crypto/mceliece460896/vector_sort.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static bool is_supported(void)
{
	/* Of the operating system as well: whether it keeps the registers. */
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("popcnt");
}

const struct mceliece_backend mceliece_avx2 = {
	.name = "AVX2",
	.is_supported = is_supported,
	.decode = mceliece_vector_decode,
	.place = mceliece_vector_place,
	.parities = mceliece_vector_parities,
	.matrix = mceliece_vector_matrix,
	.sort_u31 = mceliece_vector_sort_u31,
	.sort_u63 = mceliece_vector_sort_u63,
};

#endif
