#ifndef ROSENPASS_CRYPTO_BLAKE2B_BLOCKS_H
#define ROSENPASS_CRYPTO_BLAKE2B_BLOCKS_H

/* BLAKE2b's compression function over whole blocks that are not the last of a message: in C, and by CPU. */

#include <stddef.h>
#include <stdint.h>

#include "crypto/blake2b_rounds.h"

/*
 * h: the state, in and out. in: count blocks of BLAKE2B_BLOCK_BYTES, count > 0. counter: bytes of the message
 * up to and with the first of these blocks. Nothing of state and message stays on the stack.
 */
typedef void blake2b_blocks_fn(uint64_t h[static 8], const uint8_t *in, size_t count, uint64_t counter);

blake2b_blocks_fn blake2b_blocks_c;

/* Needs nothing that an x86-64 may lack. */
#if defined(__x86_64__) && defined(__LP64__)
blake2b_blocks_fn blake2b_blocks_x86_64;
#define blake2b_blocks blake2b_blocks_x86_64
#else
#define blake2b_blocks blake2b_blocks_c
#endif

#endif
