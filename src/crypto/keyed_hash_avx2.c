/* Four lanes in AVX2 registers. All below is compiled for CPUs that have them, and runs on no other. */

#include "crypto/keyed_hash_backend.h"

#ifdef KEYED_HASH_HAS_AVX2

#include "crypto/bytes.h"
#include "crypto/ct.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
#endif

#define VECTOR_LANES 4
#include "crypto/keyed_hash_vector.h"

static void compute(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                    size_t data_len)
{
	keyed_hash_vector(hash, lanes, lane_count, data_len);
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

const struct keyed_hash_backend keyed_hash_avx2 = {
	.name = "AVX2",
	.lanes = VECTOR_LANES,
	.is_supported = is_supported,
	.compute = compute,
};

#endif
