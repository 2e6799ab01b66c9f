#include "crypto/mceliece460896.h"

#include <stdbool.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/control_bits.h"
#include "crypto/mceliece460896/gf.h"
#include "crypto/mceliece460896/goppa.h"
#include "crypto/mceliece460896/matrix.h"
#include "crypto/mceliece460896/params.h"
#include "crypto/mceliece460896/sort.h"

#define M MCELIECE_M
#define Q MCELIECE_Q
#define T MCELIECE_T
#define SEED_BYTES MCELIECE460896_SEED_BYTES

/* The expanded seed: s, 32 bits per element of the ordering, 16 per coefficient, the next seed. */
#define S_BYTES MCELIECE_ERROR_BYTES
#define ORDERING_BYTES (4 * Q)
#define COEFFICIENT_BYTES (2 * T)
#define EXPANDED_BYTES (S_BYTES + ORDERING_BYTES + COEFFICIENT_BYTES + SEED_BYTES)
#define EXPANDED_PREFIX 64

/* Column selection of a key whose first m t columns were independent. */
static const uint8_t column_selection[MCELIECE_COLUMN_SELECTION_BYTES] = { 0xff, 0xff, 0xff, 0xff };

struct scratch {
	uint8_t seed[SEED_BYTES];
	uint8_t expanded[EXPANDED_BYTES];
	uint16_t goppa[T];
	uint16_t permutation[Q]; /* pi of the field ordering */
	uint16_t point[Q];       /* pi with the bits of each value reversed: the field elements */
	union {
		struct {
			int64_t ordering[Q];
			int64_t sort_work[Q + MCELIECE_SORT_EXTRA];
		};
		struct {
			uint16_t beta[T];
			struct mceliece_goppa_scratch work;
		} irreducible;
		struct mceliece_matrix_scratch matrix;
		struct mceliece_control_bits_scratch control_bits;
	};
};

size_t mceliece460896_keygen_scratch_bytes(void)
{
	return sizeof(struct scratch);
}

static void expand_seed(struct scratch *s)
{
	uint8_t in[1 + SEED_BYTES];

	in[0] = EXPANDED_PREFIX;
	memcpy(in + 1, s->seed, SEED_BYTES);
	keccak_shake256(s->expanded, sizeof s->expanded, in, sizeof in);
	ct_wipe(in, sizeof in);
}

/* FieldOrdering: sorts random values along with their indices. False if a value is repeated. */
static bool field_ordering(struct scratch *s)
{
	const uint8_t *random = s->expanded + S_BYTES;
	uint64_t repeated = 0;

	for (size_t i = 0; i < Q; i++, random += 4) {
		int64_t a = mceliece_bytes_load_u32(random);

		s->ordering[i] = a << M | (int64_t)i;
	}
	mceliece_backend()->sort_u63(s->ordering, Q, s->sort_work);
	for (size_t i = 1; i < Q; i++)
		repeated |= ct_mask_zero_u64((uint64_t)(s->ordering[i] ^ s->ordering[i - 1]) >> M);
	if (ct_is_set(repeated))
		return false;
	for (size_t i = 0; i < Q; i++) {
		s->permutation[i] = (uint16_t)(s->ordering[i] & (Q - 1));
		s->point[i] = mceliece_gf_reverse_bits(s->permutation[i]);
	}
	return true;
}

/* Irreducible. False if the random element has a minimal polynomial of lower degree. */
static bool goppa_polynomial(struct scratch *s)
{
	const uint8_t *random = s->expanded + S_BYTES + ORDERING_BYTES;

	for (size_t i = 0; i < T; i++, random += 2)
		s->irreducible.beta[i] = mceliece_bytes_load_u16(random) & (Q - 1);
	return ct_is_set(
		mceliece_goppa_minimal_polynomial(s->goppa, s->irreducible.beta, &s->irreducible.work));
}

static void secret_key(uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES], struct scratch *s)
{
	memcpy(sk, s->seed, SEED_BYTES);
	sk += SEED_BYTES;
	memcpy(sk, column_selection, sizeof column_selection);
	sk += sizeof column_selection;
	for (size_t i = 0; i < T; i++, sk += 2)
		mceliece_bytes_store_u16(sk, s->goppa[i]);
	mceliece_control_bits(sk, s->permutation, &s->control_bits);
	sk += MCELIECE_BENES_BYTES;
	memcpy(sk, s->expanded, S_BYTES);
}

void mceliece460896_keygen_from_seed(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                     uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES],
                                     const uint8_t seed[static MCELIECE460896_SEED_BYTES], void *scratch)
{
	struct scratch *s = scratch;
	const struct mceliece_backend *backend = mceliece_backend_for_keys(pk, &s->matrix);

	memcpy(s->seed, seed, SEED_BYTES);
	expand_seed(s);
	while (!field_ordering(s) || !goppa_polynomial(s) ||
	       !backend->matrix(pk, s->goppa, s->point, &s->matrix)) {
		memcpy(s->seed, s->expanded + EXPANDED_BYTES - SEED_BYTES, SEED_BYTES);
		expand_seed(s);
	}
	secret_key(sk, s);
	ct_wipe(s, sizeof *s);
}

int mceliece460896_keygen(uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                          uint8_t sk[static MCELIECE460896_SECRET_KEY_BYTES], void *scratch,
                          const struct random_source *random)
{
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	if (random_bytes(random, seed, sizeof seed) != 0)
		return -1;
	mceliece460896_keygen_from_seed(pk, sk, seed, scratch);
	ct_wipe(seed, sizeof seed);
	return 0;
}
