#include "crypto/mceliece460896/benes.h"

#include "crypto/bytes.h"
#include "crypto/mceliece460896/bytes.h"

#define WORDS MCELIECE_BENES_WORDS
#define WORD_BITS 6
#define LAYER_BYTES (MCELIECE_BENES_BYTES / MCELIECE_BENES_LAYERS)

/* Blocks of 2^k bits at even positions. */
static const uint64_t even_blocks[WORD_BITS - 1] = {
	0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff, 0x0000ffff0000ffff,
};

/*
 * Pairs at the distance 2^k, within a word: 32 control bits are spread over the even
 * blocks of 2^k bits. To be inlined with a constant k, as shifts by a variable are slow.
 */
__attribute__((always_inline)) static inline void near_layer(uint64_t bits[static WORDS],
                                                             const uint8_t *control, unsigned k)
{
	for (unsigned i = 0; i < WORDS; i++) {
		uint64_t swap = mceliece_bytes_load_u32(control + 4 * i);

		if (k < 5)
			swap = (swap | swap << 16) & even_blocks[4];
		if (k < 4)
			swap = (swap | swap << 8) & even_blocks[3];
		if (k < 3)
			swap = (swap | swap << 4) & even_blocks[2];
		if (k < 2)
			swap = (swap | swap << 2) & even_blocks[1];
		if (k < 1)
			swap = (swap | swap << 1) & even_blocks[0];
		swap &= bits[i] ^ bits[i] >> (1U << k);
		bits[i] ^= swap ^ swap << (1U << k);
	}
}

/* Pairs that are distance words apart. */
static void far_layer(uint64_t bits[static WORDS], const uint8_t *control, unsigned distance)
{
	for (unsigned i = 0; i < WORDS; i += 2 * distance) {
		for (unsigned j = i; j < i + distance; j++, control += 8) {
			uint64_t swap = (bits[j] ^ bits[j + distance]) & bytes_load64(control);

			bits[j] ^= swap;
			bits[j + distance] ^= swap;
		}
	}
}

static void layer(uint64_t bits[static WORDS], const uint8_t control[static MCELIECE_BENES_BYTES],
                  unsigned number)
{
	unsigned k = number < MCELIECE_M ? number : MCELIECE_BENES_LAYERS - 1 - number;

	control += number * LAYER_BYTES;
	switch (k) {
	case 0:
		near_layer(bits, control, 0);
		break;
	case 1:
		near_layer(bits, control, 1);
		break;
	case 2:
		near_layer(bits, control, 2);
		break;
	case 3:
		near_layer(bits, control, 3);
		break;
	case 4:
		near_layer(bits, control, 4);
		break;
	case 5:
		near_layer(bits, control, 5);
		break;
	default:
		far_layer(bits, control, 1U << (k - WORD_BITS));
	}
}

void mceliece_benes_apply(uint64_t bits[static WORDS], const uint8_t control[static MCELIECE_BENES_BYTES])
{
	for (unsigned number = 0; number < MCELIECE_BENES_LAYERS; number++)
		layer(bits, control, number);
}

void mceliece_benes_apply_inverse(uint64_t bits[static WORDS],
                                  const uint8_t control[static MCELIECE_BENES_BYTES])
{
	for (unsigned number = MCELIECE_BENES_LAYERS; number-- > 0;)
		layer(bits, control, number);
}
