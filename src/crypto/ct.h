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

/* Hides the value from the optimiser, so that no branch is made from it. */
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

/*
 * All ones if x is not zero. The mask itself is hidden: a compiler that knows it to be zero or all ones makes
 * a branch of a value that is masked with it (clang 19 does).
 */
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
