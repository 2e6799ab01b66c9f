#ifndef ROSENPASS_TESTS_PROVE_H
#define ROSENPASS_TESTS_PROVE_H

/*
 * The language of the proofs in this directory, which scripts/prove.sh runs with CBMC, a bounded model
 * checker: it looks at every value that the inputs of a harness can have, and at every way through the code
 * from there.
 *
 * A harness is a function without arguments. It includes the source that it is about, so that it can call
 * static functions and replace what the source calls. The comment before a harness has these lines, read by
 * prove.sh:
 *
 *     prove: NAME OPTION...
 *     fault: FILE SED-COMMAND   a fault in FILE that this harness has to notice (prove.sh --self-test)
 *
 * with the options
 *
 *     unwind=N,LOOP:M,...       unroll loops N times, LOOP M times; the proof fails if a loop can go on
 *     without=CHECK,...         leave these checks out
 *     replace=FUNCTION:BY,...   call BY instead, which does what another proof says of FUNCTION
 *     sizes=CONSTANT:VALUE,...  give constants of our headers this value
 *
 * Then follow a sentence, which prove.sh prints, and what is proved, within which bounds, and what is not.
 * All harnesses are checked for: accesses out of bounds, invalid pointers and pointer arithmetic, overflow
 * of signed and unsigned numbers, conversions that change a value, shifts that are too far, division by
 * zero, use of functions without a body, and loops that go on after their bound. The comment says why a
 * check is left out. malloc() and its kind may fail at each call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef PROVE_CBMC
/* For compilers, which see in every build that the harnesses still fit the sources. Nothing is linked. */
void __CPROVER_assume(bool condition);
void __CPROVER_assert(bool condition, const char *text);
void __CPROVER_havoc_object(void *object);
bool __CPROVER_r_ok(const void *p, size_t bytes);
bool __CPROVER_w_ok(void *p, size_t bytes);
#endif

#define PROOF(name)      \
	void name(void); \
	void name(void)

/* Go on with those values alone that fulfil the condition. */
#define ASSUME(condition) __CPROVER_assume(condition)

/* No value may violate the condition. */
#define CHECK(condition) __CPROVER_assert(condition, #condition)

/* Bytes that may be read or written. */
#define CHECK_READABLE(p, bytes) __CPROVER_assert(__CPROVER_r_ok(p, bytes), #p " is readable")
#define CHECK_WRITABLE(p, bytes) __CPROVER_assert(__CPROVER_w_ok(p, bytes), #p " is writable")

/* Gives a whole object, whatever its type, any value. */
#define ANY(object) __CPROVER_havoc_object(&(object))

/* Any value: CBMC knows functions without a body whose name begins so. */
bool nondet_bool(void);
uint8_t nondet_u8(void);
int16_t nondet_i16(void);
int32_t nondet_i32(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
size_t nondet_size(void);

#endif
