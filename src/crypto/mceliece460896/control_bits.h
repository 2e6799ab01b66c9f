#ifndef ROSENPASS_CRYPTO_MCELIECE460896_CONTROL_BITS_H
#define ROSENPASS_CRYPTO_MCELIECE460896_CONTROL_BITS_H

/*
 * Control bits of a Benes network for a secret permutation, by sorting, as in
 * Bernstein, "Verified fast formulas for control bits for permutation networks"
 * (2020). Constant time: only sorting networks and masks touch the permutation.
 */

#include <stdint.h>

#include "crypto/mceliece460896/params.h"
#include "crypto/mceliece460896/sort.h"

/* Working memory; the caller wipes it. */
struct mceliece_control_bits_scratch {
	int32_t permutation[MCELIECE_Q];
	int32_t inverse[MCELIECE_Q];
	int32_t power[MCELIECE_Q];
	int32_t leader[MCELIECE_Q];
	int32_t key[MCELIECE_Q];
	int32_t sorted[MCELIECE_Q];
	int32_t sort_work[MCELIECE_Q + MCELIECE_SORT_EXTRA];
};

/*
 * Computes the bits of the network for permutation, which holds each of 0 .. 8191 once
 * in its first 8192 entries. Layer i crosses distance 2^i for i <= 12 and 2^(24 - i)
 * after that; bit j of a layer, the least significant bit of a byte first, stands for
 * the j-th pair in the order of its lower positions.
 */
void mceliece_control_bits(uint8_t out[static MCELIECE_BENES_BYTES], const uint16_t *permutation,
                           struct mceliece_control_bits_scratch *scratch);

#endif
