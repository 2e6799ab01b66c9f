#include "crypto/mceliece460896/bm.h"

#include <string.h>

#include "crypto/ct.h"

typedef struct mceliece_gf_vec gf_vec;

#define M MCELIECE_M
#define WORDS MCELIECE_BM_CONNECTION_WORDS

/* Moves every element to the next index; the last one drops out. */
static void shift(gf_vec v[static WORDS])
{
	for (unsigned b = 0; b < M; b++) {
		v[1].bit[b] = v[1].bit[b] << 1 | v[0].bit[b] >> 63;
		v[0].bit[b] <<= 1;
	}
}

/* 64 times the sum of the products of the elements of u and v. */
static void inner_product(gf_vec *sum, const gf_vec *u, const gf_vec *v, unsigned words)
{
	if (words == 1)
		mceliece_gf_vec_mul(sum, &u[0], &v[0]);
	else
		mceliece_gf_vec_mul_sum(sum, &u[0], &v[0], &u[1], &v[1]);
	for (unsigned b = 0; b < M; b++) {
		uint64_t x = sum->bit[b];

		x ^= x >> 32;
		x ^= x >> 16;
		x ^= x >> 8;
		x ^= x >> 4;
		x ^= x >> 2;
		x ^= x >> 1;
		sum->bit[b] = ct_mask_bit_u64(x);
	}
}

static uint64_t nonzero(const gf_vec *all)
{
	uint64_t any = 0;

	for (unsigned b = 0; b < M; b++)
		any |= all->bit[b];
	return any;
}

/*
 * previous is the connection before the length last grew, times x for every step since;
 * the discrepancy of that step is kept as 64 copies, as is that of this step.
 */
uint64_t mceliece_bm(gf_vec connection[static WORDS],
                     const gf_vec sequence[static MCELIECE_BM_SEQUENCE_WORDS])
{
	gf_vec previous[WORDS];
	gf_vec window[WORDS]; /* element i is s[n - i] */
	gf_vec discrepancy;
	gf_vec previous_discrepancy;
	gf_vec old;
	uint64_t length = 0;

	memset(connection, 0, WORDS * sizeof *connection);
	memset(previous, 0, sizeof previous);
	memset(window, 0, sizeof window);
	connection[0].bit[0] = 1;
	previous[0].bit[0] = 2;
	mceliece_gf_vec_set_all(&previous_discrepancy, 1);

	for (unsigned n = 0; n < MCELIECE_BM_TERMS; n++) {
		/* After n steps all coefficients above n are zero, of previous above n + 1. */
		unsigned words = n < 63 ? 1 : WORDS;
		uint64_t longer;

		shift(window);
		for (unsigned b = 0; b < M; b++)
			window[0].bit[b] |= sequence[n / 64].bit[b] >> (n % 64) & 1;
		inner_product(&discrepancy, connection, window, words);
		longer = nonzero(&discrepancy) & ct_mask_less_u63(2 * length, n + 1);
		for (unsigned w = 0; w < words; w++) {
			old = connection[w];
			mceliece_gf_vec_mul_sum(&connection[w], &old, &previous_discrepancy, &previous[w],
			                        &discrepancy);
			for (unsigned b = 0; b < M; b++)
				previous[w].bit[b] ^= longer & (previous[w].bit[b] ^ old.bit[b]);
		}
		shift(previous);
		for (unsigned b = 0; b < M; b++)
			previous_discrepancy.bit[b] ^=
				longer & (previous_discrepancy.bit[b] ^ discrepancy.bit[b]);
		length ^= longer & (length ^ (n + 1 - length));
	}
	ct_wipe(previous, sizeof previous);
	ct_wipe(window, sizeof window);
	ct_wipe(&discrepancy, sizeof discrepancy);
	ct_wipe(&previous_discrepancy, sizeof previous_discrepancy);
	ct_wipe(&old, sizeof old);
	return length;
}
