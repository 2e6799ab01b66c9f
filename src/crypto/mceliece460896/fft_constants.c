#include "crypto/mceliece460896/fft_constants.h"

#define WORD_BITS 6
#define INDEX_BITS 8

const uint16_t mceliece_fft_basis[MCELIECE_FFT_LEVELS][MCELIECE_M] = {
	{ 0x1000, 0x0800, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010, 0x0008, 0x0004, 0x0002,
	  0x0001 },
	{ 0x1c12, 0x1509, 0x1c49, 0x1f99, 0x1fad, 0x1fc0, 0x07e0, 0x01f0, 0x0078, 0x001c, 0x0006, 0x0001 },
	{ 0x11da, 0x1241, 0x10ed, 0x18fc, 0x0e71, 0x0f1f, 0x1a85, 0x17b8, 0x017c, 0x0016, 0x0001 },
	{ 0x147e, 0x1faf, 0x09c9, 0x0977, 0x124b, 0x1593, 0x1c47, 0x17a4, 0x0116, 0x0001 },
	{ 0x104a, 0x0a28, 0x064e, 0x02cc, 0x14d4, 0x107f, 0x11d8, 0x01ce, 0x0001 },
	{ 0x040f, 0x0a9a, 0x0a17, 0x1c85, 0x1c31, 0x089f, 0x10b8, 0x0001 },
	{ 0x16e7, 0x0177, 0x1a81, 0x1cbe, 0x0d3f, 0x1d2e, 0x0001 },
	{ 0x1141, 0x0246, 0x07a8, 0x1088, 0x074f, 0x0001 },
};

/* The scale of level k to the power of 2^(b - k): the twist for bit b of an index. */
static const uint16_t twist[MCELIECE_FFT_LEVELS][INDEX_BITS] = {
	{ 0 },
	{ 0, 0x0006, 0x0014, 0x0110, 0x01d8, 0x11ae, 0x1ce0, 0x17f7 },
	{ 0, 0, 0x0012, 0x0104, 0x00c8, 0x1076, 0x0d4e, 0x0b17 },
	{ 0, 0, 0, 0x0102, 0x00dc, 0x1166, 0x0c96, 0x1ab9 },
	{ 0, 0, 0, 0, 0x00da, 0x1172, 0x0d86, 0x1b61 },
	{ 0, 0, 0, 0, 0, 0x1174, 0x0d92, 0x1a71 },
	{ 0, 0, 0, 0, 0, 0, 0x0d94, 0x1a65 },
	{ 0, 0, 0, 0, 0, 0, 0, 0x1a63 },
};

/* The positions in a word whose bit k is set. */
static const uint64_t bit_is_set[WORD_BITS] = {
	0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
	0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000,
};

void mceliece_fft_points(struct mceliece_gf_vec *points, unsigned level)
{
	unsigned dimension = MCELIECE_M - 1 - level < WORD_BITS ? MCELIECE_M - 1 - level : WORD_BITS;
	struct mceliece_gf_vec element;

	mceliece_gf_vec_set_all(points, 0);
	for (unsigned k = 0; k < dimension; k++) {
		mceliece_gf_vec_set_all(&element, mceliece_fft_basis[level][k]);
		for (unsigned i = 0; i < MCELIECE_M; i++)
			points->bit[i] ^= element.bit[i] & bit_is_set[k];
	}
}

void mceliece_fft_twist(struct mceliece_gf_vec *coefficients, unsigned words, unsigned level)
{
	struct mceliece_gf_vec powers;
	struct mceliece_gf_vec factor;

	mceliece_gf_vec_set_all(&powers, 1);
	for (unsigned k = level; k < WORD_BITS; k++) {
		/* twist where the bit is set, 1 elsewhere */
		mceliece_gf_vec_set_all(&factor, twist[level][k] ^ 1);
		for (unsigned i = 0; i < MCELIECE_M; i++)
			factor.bit[i] &= bit_is_set[k];
		factor.bit[0] = ~factor.bit[0];
		mceliece_gf_vec_mul(&powers, &powers, &factor);
	}
	for (unsigned w = 0; w < words; w++) {
		struct mceliece_gf_vec *word = &coefficients[w];

		mceliece_gf_vec_mul(word, word, &powers);
		for (unsigned k = level > WORD_BITS ? level : WORD_BITS; k < INDEX_BITS; k++) {
			if (w >> (k - WORD_BITS) & 1) {
				mceliece_gf_vec_set_all(&factor, twist[level][k]);
				mceliece_gf_vec_mul(word, word, &factor);
			}
		}
	}
}
