#ifndef ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_BENES_H
#define ROSENPASS_CRYPTO_MCELIECE460896_VECTOR_BENES_H

/* The Benes network of benes.h; see vector.h for who includes this. Constant time. */

#include <stdbool.h>
#include <string.h>

#include "crypto/mceliece460896/vector_gf.h"

#define MCELIECE_VECTOR_BENES_VECTORS (MCELIECE_Q / 256)
#define MCELIECE_VECTOR_BENES_LAYER_BYTES (MCELIECE_BENES_BYTES / MCELIECE_BENES_LAYERS)

/* Pairs at the distance 2^k, within a word; see near_layer() in benes.c. */
VECTOR_INLINE void mceliece_vector_benes_near(vector bits[static MCELIECE_VECTOR_BENES_VECTORS],
                                              const uint8_t *control, unsigned k)
{
	typedef uint32_t four __attribute__((vector_size(16)));

	for (unsigned i = 0; i < MCELIECE_VECTOR_BENES_VECTORS; i++) {
		four narrow;
		vector swap;

		memcpy(&narrow, control + sizeof narrow * i, sizeof narrow);
		swap = __builtin_convertvector(narrow, vector);
		if (k < 5)
			swap = (swap | swap << 16) & 0x0000ffff0000ffff;
		if (k < 4)
			swap = (swap | swap << 8) & 0x00ff00ff00ff00ff;
		if (k < 3)
			swap = (swap | swap << 4) & 0x0f0f0f0f0f0f0f0f;
		if (k < 2)
			swap = (swap | swap << 2) & 0x3333333333333333;
		if (k < 1)
			swap = (swap | swap << 1) & 0x5555555555555555;
		swap &= bits[i] ^ bits[i] >> (1U << k);
		bits[i] ^= swap ^ swap << (1U << k);
	}
}

/* Pairs that are one word (k = 6) or two words (k = 7) apart. */
VECTOR_INLINE void mceliece_vector_benes_within(vector bits[static MCELIECE_VECTOR_BENES_VECTORS],
                                                const uint8_t *control, unsigned k)
{
	for (unsigned i = 0; i < MCELIECE_VECTOR_BENES_VECTORS; i++) {
		uint64_t first = bytes_load64(control + 16 * i);
		uint64_t second = bytes_load64(control + 16 * i + 8);
		vector x = bits[i];

		if (k == 6) {
			x ^= VECTOR_PICK(vector, x, x, 1, 0, 3, 2);
			x &= (vector){ first, first, second, second };
		} else {
			x ^= VECTOR_PICK(vector, x, x, 2, 3, 0, 1);
			x &= (vector){ first, second, first, second };
		}
		bits[i] ^= x;
	}
}

/* Pairs that are distance vectors apart. */
VECTOR_INLINE void mceliece_vector_benes_far(vector bits[static MCELIECE_VECTOR_BENES_VECTORS],
                                             const uint8_t *control, unsigned distance)
{
	for (unsigned i = 0; i < MCELIECE_VECTOR_BENES_VECTORS; i += 2 * distance) {
		for (unsigned j = i; j < i + distance; j++, control += VECTOR_BYTES) {
			vector swap = (bits[j] ^ bits[j + distance]) & vector_load_row(control);

			bits[j] ^= swap;
			bits[j + distance] ^= swap;
		}
	}
}

static void mceliece_vector_benes_layer(vector bits[static MCELIECE_VECTOR_BENES_VECTORS],
                                        const uint8_t control[static MCELIECE_BENES_BYTES], unsigned number)
{
	unsigned k = number < MCELIECE_M ? number : MCELIECE_BENES_LAYERS - 1 - number;

	control += number * MCELIECE_VECTOR_BENES_LAYER_BYTES;
	switch (k) {
	case 0:
		mceliece_vector_benes_near(bits, control, 0);
		break;
	case 1:
		mceliece_vector_benes_near(bits, control, 1);
		break;
	case 2:
		mceliece_vector_benes_near(bits, control, 2);
		break;
	case 3:
		mceliece_vector_benes_near(bits, control, 3);
		break;
	case 4:
		mceliece_vector_benes_near(bits, control, 4);
		break;
	case 5:
		mceliece_vector_benes_near(bits, control, 5);
		break;
	case 6:
		mceliece_vector_benes_within(bits, control, 6);
		break;
	case 7:
		mceliece_vector_benes_within(bits, control, 7);
		break;
	default:
		mceliece_vector_benes_far(bits, control, 1U << (k - 8));
	}
}

/* mceliece_benes_apply() or mceliece_benes_apply_inverse() */
MCELIECE_VECTOR_OUTLINE void mceliece_vector_benes(uint64_t words[static MCELIECE_Q / 64],
                                                   const uint8_t control[static MCELIECE_BENES_BYTES],
                                                   bool inverse)
{
	vector bits[MCELIECE_VECTOR_BENES_VECTORS];

	memcpy(bits, words, sizeof bits);
	for (unsigned n = 0; n < MCELIECE_BENES_LAYERS; n++)
		mceliece_vector_benes_layer(bits, control, inverse ? MCELIECE_BENES_LAYERS - 1 - n : n);
	memcpy(words, bits, sizeof bits);
	ct_wipe(bits, sizeof bits);
}

#endif
