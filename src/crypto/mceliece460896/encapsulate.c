#include "crypto/mceliece460896/encapsulate.h"

#include <assert.h>
#include <string.h>

#include "crypto/bytes.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/session_key.h"

#define T MCELIECE_T
#define N MCELIECE_N
#define ERROR_WORDS (N / 64)

/*
 * Put before the seed, so that no other use of SHAKE256 has the same input: those of the
 * specification begin with one of the bytes 0, 1, 2 and 64.
 */
static const char label[] = "mceliece460896 error vector";

/* 1 << k for k < 64, k secret. */
static uint64_t power_of_two(uint64_t k)
{
	uint64_t x = 1;

	for (unsigned i = 0; i < 6; i++) {
		uint64_t mask = ct_mask_bit_u64(k >> i);

		x ^= mask & (x ^ x << (1U << i));
	}
	return x;
}

/* floor(r k / 2^64) for k < 2^32 */
static uint64_t high_product(uint64_t r, uint32_t k)
{
	return ((r >> 32) * k + ((r & 0xffffffff) * k >> 32)) >> 32;
}

/*
 * Sendrier, "Secure sampling of constant-weight words: application to BIKE" (2021): for i
 * from 95 down to 0 a uniform position of i .. N - 1, or i itself if that position was
 * taken before. Every set of positions has the same probability, and nothing is rejected.
 *
 * The position is i + floor(r k / 2^64) with k = N - i and a uniform r of 64 bits. At most
 * ceil(2^64 / k) numbers r give the same one, so that it has a probability of up to
 * 1/k + 1/2^64 = (1 + k / 2^64) / k, with k / 2^64 below 2^-51. For all 96 positions, and
 * for a set of them, the factor is below (1 + 2^-51.8)^96 < 1 + 2^-45 < 1 + 2^-44: no
 * attack gains more than this factor over one on exactly uniform error vectors.
 */
static void sample_positions(uint16_t position[static T], const uint8_t random[static MCELIECE_RANDOM_BYTES])
{
	for (unsigned i = T; i-- > 0;) {
		uint64_t x = i + high_product(bytes_load64(random + 8 * i), N - i);
		uint64_t taken = 0;

		for (unsigned j = i + 1; j < T; j++)
			taken |= ct_mask_equal_u64(x, position[j]);
		position[i] = (uint16_t)(x ^ (taken & (x ^ i)));
	}
}

void mceliece_encapsulate_place(uint8_t e[static MCELIECE_ERROR_BYTES],
                                const uint8_t random[static MCELIECE_RANDOM_BYTES])
{
	uint16_t position[T];
	uint64_t words[ERROR_WORDS] = { 0 };

	sample_positions(position, random);
	for (unsigned i = 0; i < T; i++) {
		uint64_t bit = power_of_two(position[i] % 64);
		uint64_t word = position[i] / 64;

		for (unsigned w = 0; w < ERROR_WORDS; w++)
			words[w] |= bit & ct_mask_equal_u64(word, w);
	}
	for (unsigned w = 0; w < ERROR_WORDS; w++)
		bytes_store64(e + 8 * w, words[w]);
	ct_wipe(position, sizeof position);
	ct_wipe(words, sizeof words);
}

void mceliece_encapsulate_sample(uint8_t e[static MCELIECE_ERROR_BYTES],
                                 const uint8_t seed[static MCELIECE460896_SEED_BYTES])
{
	struct keccak_shake shake;
	uint8_t random[MCELIECE_RANDOM_BYTES];

	keccak_shake256_init(&shake);
	keccak_shake_absorb(&shake, (const uint8_t *)label, sizeof label - 1);
	keccak_shake_absorb(&shake, seed, MCELIECE460896_SEED_BYTES);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, random, sizeof random);
	mceliece_backend()->place(e, random);
	ct_wipe(&shake, sizeof shake);
	ct_wipe(random, sizeof random);
}

/* A row of T: 52 words and a half. The byte order of words is of no importance for a parity. */
#define ROW_WORDS (MCELIECE_ROW_BYTES / 8)

static_assert(MCELIECE_ROW_BYTES == 8 * ROW_WORDS + 4 && ROW_WORDS % 4 == 0, "a row ends with half a word");

static uint64_t load_word(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof x);
	return x;
}

static uint64_t load_half(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof x);
	return x;
}

/* Bit 0 of the result: the parity of row & e. */
static uint64_t row_parity(const uint8_t row[static MCELIECE_ROW_BYTES],
                           const uint64_t e[static ROW_WORDS + 1])
{
	uint64_t x = load_half(row + 8 * ROW_WORDS) & e[ROW_WORDS];

	for (unsigned w = 0; w < ROW_WORDS; w += 4) {
		x ^= load_word(row + 8 * w) & e[w];
		x ^= load_word(row + 8 * w + 8) & e[w + 1];
		x ^= load_word(row + 8 * w + 16) & e[w + 2];
		x ^= load_word(row + 8 * w + 24) & e[w + 3];
	}
	x ^= x >> 32;
	x ^= x >> 16;
	x ^= x >> 8;
	x ^= x >> 4;
	x ^= x >> 2;
	x ^= x >> 1;
	return x & 1;
}

void mceliece_encapsulate_parities(uint8_t *out, size_t out_len, const uint8_t *rows,
                                   const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	uint64_t words[ROW_WORDS + 1];

	for (unsigned w = 0; w < ROW_WORDS; w++)
		words[w] = load_word(e + MCELIECE_SYNDROME_BYTES + 8 * w);
	words[ROW_WORDS] = load_half(e + MCELIECE_SYNDROME_BYTES + 8 * ROW_WORDS);

	for (size_t i = 0; i < out_len; i++) {
		uint64_t byte = 0;

		for (unsigned b = 0; b < 8; b++, rows += MCELIECE_ROW_BYTES)
			byte |= row_parity(rows, words) << b;
		out[i] = (uint8_t)byte;
	}
	ct_wipe(words, sizeof words);
}

void mceliece_encapsulate_error(uint8_t *ct, size_t ct_len,
                                uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	assert(ct_len == MCELIECE460896_CIPHERTEXT_156_BYTES ||
	       ct_len == MCELIECE460896_CIPHERTEXT_188_BYTES);

	/* C0 = H e = (I | T) e */
	mceliece_backend()->parities(ct, MCELIECE_SYNDROME_BYTES, pk, e);
	for (unsigned i = 0; i < MCELIECE_SYNDROME_BYTES; i++)
		ct[i] ^= e[i];
	if (ct_len == MCELIECE460896_CIPHERTEXT_188_BYTES)
		mceliece_session_key_confirm(ct + MCELIECE_SYNDROME_BYTES, e);
	mceliece_session_key_derive(ss, 1, e, ct, ct_len);
	ct_declassify(ct, ct_len);
}

void mceliece460896_encapsulate_from_seed(uint8_t *ct, size_t ct_len,
                                          uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                                          const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                                          const uint8_t seed[static MCELIECE460896_SEED_BYTES])
{
	uint8_t e[MCELIECE_ERROR_BYTES];

	mceliece_encapsulate_sample(e, seed);
	mceliece_encapsulate_error(ct, ct_len, ss, pk, e);
	ct_wipe(e, sizeof e);
}

int mceliece460896_encapsulate(uint8_t *ct, size_t ct_len,
                               uint8_t ss[static MCELIECE460896_SHARED_SECRET_BYTES],
                               const uint8_t pk[static MCELIECE460896_PUBLIC_KEY_BYTES],
                               const struct random_source *random)
{
	uint8_t seed[MCELIECE460896_SEED_BYTES];

	if (random_bytes(random, seed, sizeof seed) != 0) {
		ct_wipe(ct, ct_len);
		ct_wipe(ss, MCELIECE460896_SHARED_SECRET_BYTES);
		return -1;
	}
	mceliece460896_encapsulate_from_seed(ct, ct_len, ss, pk, seed);
	ct_wipe(seed, sizeof seed);
	return 0;
}
