#ifndef ROSENPASS_CRYPTO_RANDOM_H
#define ROSENPASS_CRYPTO_RANDOM_H

/*
 * Where random bytes come from. The caller of a primitive hands the source in;
 * nothing below src/system knows an operating system.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * Writes out_len uniformly random bytes to out and returns 0, or returns a
 * nonzero value when it cannot; what out holds is then of no importance.
 */
typedef int random_fill_fn(void *context, uint8_t *out, size_t out_len);

struct random_source {
	random_fill_fn *fill;
	void *context;
};

/*
 * Fills out from the source and marks the bytes as secret for the constant-time
 * tests. Returns 0, or -1 when the source failed; out is then wiped.
 */
int random_bytes(const struct random_source *source, uint8_t *out, size_t out_len)
	__attribute__((warn_unused_result));

#endif
