#ifndef ROSENPASS_CRYPTO_MCELIECE460896_MATRIX_H
#define ROSENPASS_CRYPTO_MCELIECE460896_MATRIX_H

/* "MatGen" of the Classic McEliece specification (round 4). Constant time but for the answer. */

#include <stdbool.h>
#include <stdint.h>

#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/elimination.h"
#include "crypto/mceliece460896/params.h"

/* Bytes that backends with vectors need instead. */
#define MCELIECE_MATRIX_VECTOR_BYTES 307200

/* Working memory; the caller wipes it. */
struct mceliece_matrix_scratch {
	union {
		struct {
			struct mceliece_elimination elimination;
			struct mceliece_elimination_strip strip;
		};
		uint8_t vectors[MCELIECE_MATRIX_VECTOR_BYTES] __attribute__((aligned(64)));
	};
};

/*
 * pk = the right part of the systematic form of the parity check matrix of goppa, without its leading 1, and
 * the first 4608 points. Returns false if there is none, as the first m t columns are not independent; pk is
 * not touched then. Declassifies the answer and pk.
 */
bool mceliece_matrix(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                     const uint16_t goppa[static MCELIECE_T], const uint16_t point[static MCELIECE_Q],
                     struct mceliece_matrix_scratch *scratch);

#endif
