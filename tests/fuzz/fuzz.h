#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/*
 * A fuzz target is a file with these functions. Built by clang with libFuzzer it looks
 * for inputs by itself; linked with replay.c it runs given inputs, with any compiler.
 */

#include <stddef.h>
#include <stdint.h>

/* Works through one input. Aborts when a promise of the code under test is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number-th input to start from; its length, at most out_max, or 0 when there are no more. */
size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max);

/* No input needs to be longer. */
#define FUZZ_INPUT_MAX 4096

/* States a promise: unlike assert() it is there in every build. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* Takes an input to pieces; gives zeros when nothing is left. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

uint8_t fuzz_byte(struct fuzz_input *input);
uint16_t fuzz_two_bytes(struct fuzz_input *input);

/* Copies up to out_len bytes and fills the rest with zeros. */
void fuzz_bytes(struct fuzz_input *input, uint8_t *out, size_t out_len);

#endif
