#ifndef BENCH_HANDSHAKES_H
#define BENCH_HANDSHAKES_H

/* Whole handshakes between two engines in memory: what both sides together compute for one key. */

#include <stddef.h>
#include <stdint.h>

/* The engines use the key pair for both ends of a link. -1 when memory is short or no key comes about. */
int bench_handshakes_prepare(const uint8_t *pk, const uint8_t *sk, const uint8_t *other_pk,
                             const uint8_t *other_sk) __attribute__((warn_unused_result));
void bench_handshakes_release(void);

/* One handshake in the dialect. */
void bench_handshake_blake2b_188(size_t number);
void bench_handshake_blake2b_156(size_t number);
void bench_handshake_shake256_156(size_t number);

#endif
