#ifndef ROSENPASS_CRYPTO_MCELIECE460896_BM_H
#define ROSENPASS_CRYPTO_MCELIECE460896_BM_H

/*
 * The Berlekamp-Massey algorithm without divisions (Massey 1969; the form without
 * inversions is Burton's, 1971), for 192 elements of GF(2^13). Constant time.
 */

#include <stdint.h>

#include "crypto/mceliece460896/gf.h"

#define MCELIECE_BM_TERMS (2 * MCELIECE_T)
#define MCELIECE_BM_SEQUENCE_WORDS 3
#define MCELIECE_BM_CONNECTION_WORDS 2

/*
 * The shortest recurrence of the sequence s: connection c, c[0] not zero, with the sum of
 * c[i] s[n - i] zero for length <= n < 192. Returns the length. When that is above 96,
 * connection holds only those of the coefficients that are below 128, and is of no use.
 */
uint64_t mceliece_bm(struct mceliece_gf_vec connection[static MCELIECE_BM_CONNECTION_WORDS],
                     const struct mceliece_gf_vec sequence[static MCELIECE_BM_SEQUENCE_WORDS]);

#endif
