#ifndef ROSENPASS_CRYPTO_CT_H
#define ROSENPASS_CRYPTO_CT_H

/*
 * Constant-time building blocks: the only wipe, the only compare and the only
 * select of this tree. Run time and memory accesses depend on lengths alone.
 *
 * A "mask" is all ones (true) or all zeros (false). Masks made from secrets are
 * secrets; ct_is_set() turns one into a branchable value and says so.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef ROSENPASS_CT_TEST
#include <valgrind/memcheck.h>
#endif

/* Overwrites len bytes at p with zeros; the compiler cannot drop the store. */
void ct_wipe(void *p, size_t len);

/* All ones if the len bytes at a and b are the same, else 0. */
uint64_t ct_equal(const void *a, const void *b, size_t len);

/* out[i] = mask ? if_set[i] : if_clear[i]. out may be either input. */
void ct_select(uint8_t *out, const uint8_t *if_set, const uint8_t *if_clear, size_t len, uint64_t mask);

/*
 * Hides a value from the optimiser. It belongs on the finished mask: a compiler that knows that a mask is
 * zero or all ones may turn what is masked with it into a branch, even if the mask's origin is hidden.
 */
static inline uint64_t ct_barrier_u64(uint64_t x)
{
	__asm__("" : "+r"(x));
	return x;
}

static inline uint32_t ct_barrier_u32(uint32_t x)
{
	__asm__("" : "+r"(x));
	return x;
}

/* Four numbers that are worked on at once, in a vector register where the CPU has one. */
typedef int32_t ct_vector __attribute__((vector_size(16)));

/* Marks bytes as secret: under valgrind a branch or an index made from them is an error. */
static inline void ct_secret(const void *p, size_t len)
{
#ifdef ROSENPASS_CT_TEST
	(void)VALGRIND_MAKE_MEM_UNDEFINED(p, len);
#else
	(void)p;
	(void)len;
#endif
}

/* Marks bytes as public: they may be sent, branched on and used as an index. */
static inline void ct_declassify(const void *p, size_t len)
{
#ifdef ROSENPASS_CT_TEST
	(void)VALGRIND_MAKE_MEM_DEFINED(p, len);
#else
	(void)p;
	(void)len;
#endif
}

/* All ones if bit 0 of x is set; the other bits are of no importance. */
static inline uint64_t ct_mask_bit_u64(uint64_t x)
{
	return ct_barrier_u64((uint64_t)0 - (x & 1));
}

static inline uint32_t ct_mask_bit_u32(uint32_t x)
{
	return ct_barrier_u32((uint32_t)0 - (x & 1));
}

/* All ones, which is -1, if x < 0, else 0. */
static inline int32_t ct_mask_negative_i32(int32_t x)
{
	return (int32_t)ct_barrier_u32((uint32_t)(x >> 31));
}

static inline int64_t ct_mask_negative_i64(int64_t x)
{
	return (int64_t)ct_barrier_u64((uint64_t)(x >> 63));
}

/* Replaces each of the four with its mask. By reference, as some CPUs have no way to return a vector. */
static inline void ct_mask_negative_vector(ct_vector *x)
{
	*x >>= 31;
#if defined(__SSE2__)
	__asm__("" : "+x"(*x));
#elif defined(__aarch64__)
	__asm__("" : "+w"(*x));
#else
	__asm__("" : "+m"(*x));
#endif
}

/* All ones if x is not zero. */
static inline uint64_t ct_mask_nonzero_u64(uint64_t x)
{
	x = ct_barrier_u64(x);
	return ct_barrier_u64((uint64_t)0 - ((x | ((uint64_t)0 - x)) >> 63));
}

/* All ones if x is zero. */
static inline uint64_t ct_mask_zero_u64(uint64_t x)
{
	return ~ct_mask_nonzero_u64(x);
}

/* All ones if a equals b. */
static inline uint64_t ct_mask_equal_u64(uint64_t a, uint64_t b)
{
	return ct_mask_zero_u64(a ^ b);
}

/* All ones if a < b; both below 2^63. */
static inline uint64_t ct_mask_less_u63(uint64_t a, uint64_t b)
{
	return ct_barrier_u64((uint64_t)0 - (ct_barrier_u64(a - b) >> 63));
}

/* Declassifies a mask: the one place where a decision made from secrets becomes a branch. */
static inline bool ct_is_set(uint64_t mask)
{
	ct_declassify(&mask, sizeof mask);
	return mask != 0;
}

#endif
