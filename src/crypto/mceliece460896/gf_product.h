#ifndef ROSENPASS_CRYPTO_MCELIECE460896_GF_PRODUCT_H
#define ROSENPASS_CRYPTO_MCELIECE460896_GF_PRODUCT_H

/* The product of bitsliced elements of GF(2^13), for words and vectors of any type. */

/*
 * MCELIECE_GF_SUM_n(P, i, j): the sum of n products P(i, j), P(i + 1, j - 1), .. of the coefficients
 * i of one factor and j of the other.
 */
#define MCELIECE_GF_SUM_1(P, i, j) P(i, j)
#define MCELIECE_GF_SUM_2(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_1(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_3(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_2(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_4(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_3(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_5(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_4(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_6(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_5(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_7(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_6(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_8(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_7(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_9(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_8(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_10(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_9(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_11(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_10(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_12(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_11(P, i + 1, j - 1))
#define MCELIECE_GF_SUM_13(P, i, j) (P(i, j) ^ MCELIECE_GF_SUM_12(P, i + 1, j - 1))

/*
 * Schoolbook, from the highest coefficient of the product to the lowest. Those from t24
 * to t13 fall on the coefficients that are 13, 12, 10 and 9 below them. An output is
 * written when no input at or above its index is needed any more: it may be an input.
 */
#define MCELIECE_GF_PRODUCT(TYPE, OUT, ASSIGN, P)                                      \
	do {                                                                           \
		TYPE t24 = MCELIECE_GF_SUM_1(P, 12, 12);                               \
		TYPE t23 = MCELIECE_GF_SUM_2(P, 11, 12);                               \
		TYPE t22 = MCELIECE_GF_SUM_3(P, 10, 12);                               \
		TYPE t21 = MCELIECE_GF_SUM_4(P, 9, 12);                                \
		TYPE t20 = MCELIECE_GF_SUM_5(P, 8, 12);                                \
		TYPE t19 = MCELIECE_GF_SUM_6(P, 7, 12);                                \
		TYPE t18 = MCELIECE_GF_SUM_7(P, 6, 12);                                \
		TYPE t17 = MCELIECE_GF_SUM_8(P, 5, 12);                                \
		TYPE t16 = MCELIECE_GF_SUM_9(P, 4, 12);                                \
		TYPE t15 = MCELIECE_GF_SUM_10(P, 3, 12) ^ t24;                         \
		TYPE t14 = MCELIECE_GF_SUM_11(P, 2, 12) ^ t23 ^ t24;                   \
		TYPE t13 = MCELIECE_GF_SUM_12(P, 1, 12) ^ t22 ^ t23;                   \
                                                                                       \
		(OUT)[12] ASSIGN MCELIECE_GF_SUM_13(P, 0, 12) ^ t21 ^ t22 ^ t24;       \
		(OUT)[11] ASSIGN MCELIECE_GF_SUM_12(P, 0, 11) ^ t20 ^ t21 ^ t23 ^ t24; \
		(OUT)[10] ASSIGN MCELIECE_GF_SUM_11(P, 0, 10) ^ t19 ^ t20 ^ t22 ^ t23; \
		(OUT)[9] ASSIGN MCELIECE_GF_SUM_10(P, 0, 9) ^ t18 ^ t19 ^ t21 ^ t22;   \
		(OUT)[8] ASSIGN MCELIECE_GF_SUM_9(P, 0, 8) ^ t17 ^ t18 ^ t20 ^ t21;    \
		(OUT)[7] ASSIGN MCELIECE_GF_SUM_8(P, 0, 7) ^ t16 ^ t17 ^ t19 ^ t20;    \
		(OUT)[6] ASSIGN MCELIECE_GF_SUM_7(P, 0, 6) ^ t15 ^ t16 ^ t18 ^ t19;    \
		(OUT)[5] ASSIGN MCELIECE_GF_SUM_6(P, 0, 5) ^ t14 ^ t15 ^ t17 ^ t18;    \
		(OUT)[4] ASSIGN MCELIECE_GF_SUM_5(P, 0, 4) ^ t13 ^ t14 ^ t16 ^ t17;    \
		(OUT)[3] ASSIGN MCELIECE_GF_SUM_4(P, 0, 3) ^ t13 ^ t15 ^ t16;          \
		(OUT)[2] ASSIGN MCELIECE_GF_SUM_3(P, 0, 2) ^ t14 ^ t15;                \
		(OUT)[1] ASSIGN MCELIECE_GF_SUM_2(P, 0, 1) ^ t13 ^ t14;                \
		(OUT)[0] ASSIGN MCELIECE_GF_SUM_1(P, 0, 0) ^ t13;                      \
	} while (0)

/* The square: coefficient i falls on z^(2 i), reduced. OUT may be A. */
#define MCELIECE_GF_SQUARE(TYPE, OUT, A)                 \
	do {                                             \
		TYPE a7 = (A)[7];                        \
		TYPE a8 = (A)[8];                        \
		TYPE a9 = (A)[9];                        \
		TYPE a10 = (A)[10];                      \
		TYPE a11 = (A)[11];                      \
		TYPE a12 = (A)[12];                      \
                                                         \
		(OUT)[12] = (A)[6] ^ a11 ^ a12;          \
		(OUT)[11] = a10 ^ a12;                   \
		(OUT)[10] = (A)[5] ^ a10 ^ a11;          \
		(OUT)[9] = a9 ^ a11;                     \
		(OUT)[8] = (A)[4] ^ a9 ^ a10;            \
		(OUT)[7] = a8 ^ a10;                     \
		(OUT)[6] = (A)[3] ^ a8 ^ a9 ^ a12;       \
		(OUT)[5] = a7 ^ a9;                      \
		(OUT)[4] = (A)[2] ^ a7 ^ a8 ^ a11 ^ a12; \
		(OUT)[3] = a8 ^ a11 ^ a12;               \
		(OUT)[2] = (A)[1] ^ a7;                  \
		(OUT)[1] = a7 ^ a11 ^ a12;               \
		(OUT)[0] = (A)[0] ^ a11;                 \
	} while (0)

#endif
