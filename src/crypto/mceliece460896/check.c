#include "crypto/mceliece460896.h"

#include <string.h>

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/mceliece460896/benes.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/encapsulate.h"
#include "crypto/mceliece460896/secret_key.h"

#define Q MCELIECE_Q
#define WORDS MCELIECE_BENES_WORDS
/* So many error vectors of weight 96 have each of the 4608 positions once. */
#define VECTORS (MCELIECE_N / MCELIECE_T)

/* The expanded seed, as far as it is looked at: s, 32 bits per element of the ordering. */
#define EXPANDED_PREFIX 64
#define VALUE_BYTES 4
#define VALUE_BITS (8 * VALUE_BYTES)
/* Bits of all values that are held at a time: the whole ordering would need 32 KiB of stack. */
#define PLANES 8

/*
 * All ones if each error vector comes back from decoding. A damaged bit of the public key changes one bit of
 * the ciphertext of the one vector that has its column, which then decodes to something else or not at all.
 * Vector k has the positions k, k + 48 and so on, so that damage next to each other shows in different ones.
 */
static uint64_t check_columns(const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                              const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	uint64_t right = UINT64_MAX;

	for (unsigned k = 0; k < VECTORS; k++) {
		uint8_t e[MCELIECE_ERROR_BYTES] = { 0 };
		uint8_t ct[MCELIECE460896_CIPHERTEXT_156_BYTES];
		uint8_t sent[MCELIECE460896_SHARED_SECRET_BYTES];
		uint8_t received[MCELIECE460896_SHARED_SECRET_BYTES];

		for (unsigned i = k; i < MCELIECE_N; i += VECTORS)
			e[i / 8] |= (uint8_t)(1U << i % 8);
		mceliece_encapsulate_error(ct, sizeof ct, sent, pk, e);
		mceliece460896_decapsulate(received, ct, sizeof ct, sk);
		right &= ct_equal(sent, received, sizeof sent);
		ct_wipe(received, sizeof received);
	}
	return right;
}

/* Coefficients have 13 bits; decoding would pass over the rest. */
static uint64_t check_padding(const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	static const uint8_t selection[MCELIECE_COLUMN_SELECTION_BYTES] = { 0xff, 0xff, 0xff, 0xff };
	uint64_t excess = 0;

	for (unsigned i = 0; i < MCELIECE_T; i++)
		excess |= mceliece_bytes_load_u16(sk + MCELIECE_SECRET_KEY_GOPPA + 2 * i) >> MCELIECE_M;
	return ct_mask_zero_u64(excess) &
	       ct_equal(sk + MCELIECE_SECRET_KEY_COLUMN_SELECTION, selection, sizeof selection);
}

static void begin_expansion(struct keccak_shake *shake, const uint8_t seed[static MCELIECE460896_SEED_BYTES])
{
	const uint8_t prefix = EXPANDED_PREFIX;

	keccak_shake256_init(shake);
	keccak_shake_absorb(shake, &prefix, 1);
	keccak_shake_absorb(shake, seed, MCELIECE460896_SEED_BYTES);
	keccak_shake_finish(shake);
}

/* planes[b] = bit 8 byte + b of all values of the ordering. Returns whether s is as the seed says. */
static uint64_t expand(uint64_t planes[static PLANES][WORDS], unsigned byte,
                       const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	struct keccak_shake shake;
	uint8_t s[MCELIECE_ERROR_BYTES];
	uint8_t values[64 * VALUE_BYTES];
	uint64_t right;

	begin_expansion(&shake, sk + MCELIECE_SECRET_KEY_SEED);
	keccak_shake_squeeze(&shake, s, sizeof s);
	right = ct_equal(s, sk + MCELIECE_SECRET_KEY_S, sizeof s);
	for (unsigned w = 0; w < WORDS; w++) {
		keccak_shake_squeeze(&shake, values, sizeof values);
		for (unsigned b = 0; b < PLANES; b++) {
			uint64_t word = 0;

			for (unsigned i = 0; i < 64; i++)
				word |= (uint64_t)(values[VALUE_BYTES * i + byte] >> b & 1) << i;
			planes[b][w] = word;
		}
	}
	ct_wipe(&shake, sizeof shake);
	ct_wipe(s, sizeof s);
	ct_wipe(values, sizeof values);
	return right;
}

/*
 * All ones if s is as the seed says, and the control bits sort the values that the seed gives: value pi(i) is
 * less than value pi(i + 1). The values are compared bit by bit from the highest. A changed control bit
 * exchanges two of them, also where decoding does not need them.
 */
static uint64_t check_seed(const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	uint64_t planes[PLANES][WORDS];
	uint64_t less[WORDS] = { 0 };
	uint64_t right = UINT64_MAX;
	uint64_t wrong = 0;
	uint64_t undecided = 0;

	for (unsigned byte = VALUE_BYTES; byte-- > 0;) {
		right &= expand(planes, byte, sk);
		for (unsigned b = PLANES; b-- > 0;) {
			mceliece_benes_apply(planes[b], sk + MCELIECE_SECRET_KEY_BENES);
			for (unsigned w = 0; w < WORDS; w++) {
				uint64_t a = planes[b][w];
				/* The last has no successor: one that is greater at once. */
				uint64_t next = w + 1 < WORDS ? planes[b][w + 1] & 1 : 1;
				uint64_t c = a >> 1 | next << 63;

				if (w + 1 == WORDS)
					a &= UINT64_MAX >> 1;
				wrong |= ~less[w] & a & ~c;
				less[w] |= ~a & c;
			}
		}
	}
	for (unsigned w = 0; w < WORDS; w++)
		undecided |= ~less[w];
	ct_wipe(planes, sizeof planes);
	ct_wipe(less, sizeof less);
	return right & ct_mask_zero_u64(wrong) & ct_mask_zero_u64(undecided);
}

int mceliece460896_check(const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                         const uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES])
{
	static const uint8_t no_seed[MCELIECE460896_SEED_BYTES];
	uint64_t right = check_padding(sk) & check_columns(pk, sk);

	/* A key in the older layout has no seed. That there is none is no secret. */
	right &= check_seed(sk) | ct_equal(sk + MCELIECE_SECRET_KEY_SEED, no_seed, sizeof no_seed);
	return ct_is_set(right) ? 0 : -1;
}
