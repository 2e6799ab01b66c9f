#ifndef ROSENPASS_CRYPTO_MCELIECE460896_PARAMS_H
#define ROSENPASS_CRYPTO_MCELIECE460896_PARAMS_H

/*
 * The parameter set mceliece460896 of the Classic McEliece specification (round 4), in
 * its names. The extension field of the Goppa polynomial is GF(2^13)[y] / F(y) with
 * F(y) = y^96 + y^10 + y^9 + y^6 + 1.
 */

#define MCELIECE_M 13   /* bits of a field element */
#define MCELIECE_Q 8192 /* field elements */
#define MCELIECE_N 4608 /* length of the code: bits of an error vector */
#define MCELIECE_T 96   /* errors corrected: weight of an error vector, degree of g */

#define MCELIECE_ROWS (MCELIECE_M * MCELIECE_T)       /* 1248: of the parity check matrix */
#define MCELIECE_COLUMNS (MCELIECE_N - MCELIECE_ROWS) /* 3360: of T, the public key */

#define MCELIECE_ROW_BYTES (MCELIECE_COLUMNS / 8)   /* 420: a row of T */
#define MCELIECE_SYNDROME_BYTES (MCELIECE_ROWS / 8) /* 156: C0 */
#define MCELIECE_ERROR_BYTES (MCELIECE_N / 8)       /* 576: e, and s of a secret key */
#define MCELIECE_RANDOM_BYTES (8 * MCELIECE_T)      /* from which an error vector is made */
#define MCELIECE_CONFIRMATION_BYTES 32              /* C1 */
#define MCELIECE_GOPPA_BYTES (2 * MCELIECE_T)       /* 192: g without its leading 1 */
#define MCELIECE_COLUMN_SELECTION_BYTES 8
#define MCELIECE_BENES_LAYERS (2 * MCELIECE_M - 1)
#define MCELIECE_BENES_BYTES (MCELIECE_BENES_LAYERS * MCELIECE_Q / 16) /* 12800 */

#endif
