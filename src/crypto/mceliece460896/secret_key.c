#include "crypto/mceliece460896/secret_key.h"

#include <assert.h>
#include <string.h>

static_assert(MCELIECE_SECRET_KEY_S + MCELIECE_ERROR_BYTES == MCELIECE460896_SECRET_KEY_BYTES,
              "parts of a secret key");

/* The older layout: s, then the Goppa polynomial and the control bits, which stay together. */
#define OLD_S 0
#define OLD_GOPPA MCELIECE_ERROR_BYTES
#define GOPPA_AND_BENES_BYTES (MCELIECE_GOPPA_BYTES + MCELIECE_BENES_BYTES)

static_assert(OLD_GOPPA + GOPPA_AND_BENES_BYTES == MCELIECE460896_SECRET_KEY_OLD_BYTES,
              "parts of a secret key in the older layout");

void mceliece460896_secret_key_from_old(uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES],
                                        const uint8_t old[static MCELIECE460896_SECRET_KEY_OLD_BYTES])
{
	memset(sk + MCELIECE_SECRET_KEY_SEED, 0, MCELIECE460896_SEED_BYTES);
	/* The first 32 of 64 columns: all keys of this parameter set have that. */
	memset(sk + MCELIECE_SECRET_KEY_COLUMN_SELECTION, 0, MCELIECE_COLUMN_SELECTION_BYTES);
	memset(sk + MCELIECE_SECRET_KEY_COLUMN_SELECTION, 0xff, MCELIECE_COLUMN_SELECTION_BYTES / 2);
	memcpy(sk + MCELIECE_SECRET_KEY_GOPPA, old + OLD_GOPPA, GOPPA_AND_BENES_BYTES);
	memcpy(sk + MCELIECE_SECRET_KEY_S, old + OLD_S, MCELIECE_ERROR_BYTES);
}

void mceliece460896_secret_key_to_old(uint8_t old[static MCELIECE460896_SECRET_KEY_OLD_BYTES],
                                      const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	memcpy(old + OLD_S, sk + MCELIECE_SECRET_KEY_S, MCELIECE_ERROR_BYTES);
	memcpy(old + OLD_GOPPA, sk + MCELIECE_SECRET_KEY_GOPPA, GOPPA_AND_BENES_BYTES);
}
