#ifndef ROSENPASS_CRYPTO_KYBER512_VECTOR_SAMPLE_H
#define ROSENPASS_CRYPTO_KYBER512_VECTOR_SAMPLE_H

/* The twin of kyber512_sample.h: four polynomials from a seed at once. vector.h tells who includes this. */

#include "crypto/keccak_lanes_permute.h"
#include "crypto/kyber512_sample.h"
#include "crypto/kyber512_vector.h"

#define NOISE_BLOCKS 2 /* hold what the larger noise needs */
#define LANES VECTOR_LANES
#define CANDIDATES (KECCAK_SHAKE128_RATE / 3 * 2)

/* One padded block of input in each lane: the seed, then last, which ends with SHAKE's bits. */
VECTOR_INLINE void kyber512_absorb(struct keccak_lanes *state, const uint8_t *seed, vector last, size_t rate)
{
	for (size_t i = 0; i < KECCAK_STATE_WORDS; i++)
		state->words[i] = vector_broadcast(0);
	for (size_t i = 0; i < KYBER512_SEED_BYTES / 8; i++)
		state->words[i] = vector_broadcast(bytes_load64(seed + 8 * i));
	state->words[KYBER512_SEED_BYTES / 8] = last;
	state->words[rate / 8 - 1] ^= vector_broadcast((uint64_t)1 << 63);
}

/* The next block of each lane. */
VECTOR_INLINE void kyber512_squeeze(uint8_t *const out[LANES], struct keccak_lanes *state, size_t rate)
{
	const size_t in_squares = rate / 8 / LANES * LANES;

	keccak_lanes_permute(state);
	for (size_t i = 0; i < in_squares; i += LANES) {
		const vector *w = state->words + i;
		vector even_ab = VECTOR_PICK(vector, w[0], w[1], 0, 4, 2, 6);
		vector odd_ab = VECTOR_PICK(vector, w[0], w[1], 1, 5, 3, 7);
		vector even_cd = VECTOR_PICK(vector, w[2], w[3], 0, 4, 2, 6);
		vector odd_cd = VECTOR_PICK(vector, w[2], w[3], 1, 5, 3, 7);
		vector lanes[LANES] = {
			VECTOR_PICK(vector, even_ab, even_cd, 0, 1, 4, 5),
			VECTOR_PICK(vector, odd_ab, odd_cd, 0, 1, 4, 5),
			VECTOR_PICK(vector, even_ab, even_cd, 2, 3, 6, 7),
			VECTOR_PICK(vector, odd_ab, odd_cd, 2, 3, 6, 7),
		};

		for (size_t lane = 0; lane < LANES; lane++)
			memcpy(out[lane] + 8 * i, &lanes[lane], sizeof lanes[lane]);
	}
	for (size_t i = in_squares; i < rate / 8; i++) {
		for (size_t lane = 0; lane < LANES; lane++)
			bytes_store64(out[lane] + 8 * i, state->words[i][lane]);
	}
}

/* --- the matrix, which is public ----------------------------- */

struct kyber512_matrix_work {
	struct keccak_lanes state;
	uint8_t bytes[LANES][KECCAK_SHAKE128_RATE];
	int16_t accepted[LANES][KYBER512_N + CANDIDATES]; /* the last store may go three beyond the count */
};

/* For each set of four candidates, the octets of those in it, moved to the front. */
static const uint8_t kyber512_accepted[16][8] = {
	{ 0, 0, 0, 0, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0, 0, 0, 0 }, { 2, 3, 0, 0, 0, 0, 0, 0 },
	{ 0, 1, 2, 3, 0, 0, 0, 0 }, { 4, 5, 0, 0, 0, 0, 0, 0 }, { 0, 1, 4, 5, 0, 0, 0, 0 },
	{ 2, 3, 4, 5, 0, 0, 0, 0 }, { 0, 1, 2, 3, 4, 5, 0, 0 }, { 6, 7, 0, 0, 0, 0, 0, 0 },
	{ 0, 1, 6, 7, 0, 0, 0, 0 }, { 2, 3, 6, 7, 0, 0, 0, 0 }, { 0, 1, 2, 3, 6, 7, 0, 0 },
	{ 4, 5, 6, 7, 0, 0, 0, 0 }, { 0, 1, 4, 5, 6, 7, 0, 0 }, { 2, 3, 4, 5, 6, 7, 0, 0 },
	{ 0, 1, 2, 3, 4, 5, 6, 7 },
};

/* Appends the candidates of a block that are below q; returns the new count. */
static size_t kyber512_accept(int16_t *accepted, size_t count, const uint8_t *bytes)
{
	for (size_t i = 0; i < CANDIDATES; i += COEFFS) {
		vector_octets octets = kyber512_load_halves(bytes + i / 2 * 3, 12);
		kyber512_coeffs x = kyber512_twelve_bits(octets);
		/* A bit for each candidate: the first half from bit 0 on, the second from bit 16 on. */
		kyber512_coeffs below = (x - BROADCAST(KYBER512_Q)) >> BROADCAST(15);
		uint32_t set = (uint32_t)__builtin_ia32_pmovmskb256(
			(kyber512_chars)__builtin_ia32_packsswb256(below, below));

		for (int j = 0; j < 4; j++) {
			unsigned four = set >> (16 * (j / 2) + 4 * (j % 2)) & 0xf;
			kyber512_sixteen_chars from =
				(kyber512_sixteen_chars)(kyber512_two_words){ ((vector)x)[j], 0 };
			kyber512_two_words places = { bytes_load64(kyber512_accepted[four]), 0 };

			places = (kyber512_two_words)__builtin_ia32_pshufb128(from,
			                                                      (kyber512_sixteen_chars)places);
			bytes_store64((uint8_t *)(accepted + count), places[0]);
			count += (size_t)__builtin_popcount(four);
		}
	}
	return count;
}

/*
 * Makes A, or its transpose. second: what follows the seed for the second polynomial of the first row. That
 * is column 1 and row 0 of A (KYBER512_MATRIX), or the opposite (KYBER512_TRANSPOSED).
 */
#define KYBER512_MATRIX 0x0001
#define KYBER512_TRANSPOSED 0x0100

static void kyber512_matrix(struct kyber512_vector rows[KYBER512_K], const uint8_t *seed, uint64_t second)
{
	struct kyber512_matrix_work work;
	uint8_t public_seed[KYBER512_SEED_BYTES];
	uint8_t *out[LANES] = { work.bytes[0], work.bytes[1], work.bytes[2], work.bytes[3] };
	size_t counts[LANES] = { 0 };
	bool complete = false;
	vector places = { 0, second, 0x0101 - second, 0x0101 };

	memcpy(public_seed, seed, sizeof public_seed);
	ct_declassify(public_seed, sizeof public_seed);
	kyber512_absorb(&work.state, public_seed, places | (uint64_t)KECCAK_DOMAIN_SHAKE << 16,
	                KECCAK_SHAKE128_RATE);
	while (!complete) {
		kyber512_squeeze(out, &work.state, KECCAK_SHAKE128_RATE);
		complete = true;
		for (size_t lane = 0; lane < LANES; lane++) {
			if (counts[lane] < KYBER512_N)
				counts[lane] = kyber512_accept(work.accepted[lane], counts[lane], out[lane]);
			complete = complete && counts[lane] >= KYBER512_N;
		}
	}
	for (size_t lane = 0; lane < LANES; lane++)
		memcpy(&rows[lane / KYBER512_K].polys[lane % KYBER512_K], work.accepted[lane],
		       sizeof rows->polys[0]);
}

/* --- noise ----------------------------- */

/* What the PRF gives for four nonces; lanes that need less than NOISE_BLOCKS have them all the same. */
struct kyber512_noise {
	struct keccak_lanes state;
	uint8_t bytes[LANES][NOISE_BLOCKS * KECCAK_SHAKE256_RATE];
};

static void kyber512_noise_bytes(struct kyber512_noise *noise, const uint8_t *seed, uint64_t first_nonce)
{
	uint8_t *out[LANES];
	vector nonces = (vector){ 0, 1, 2, 3 } + first_nonce;

	kyber512_absorb(&noise->state, seed, nonces | (uint64_t)KECCAK_DOMAIN_SHAKE << 8,
	                KECCAK_SHAKE256_RATE);
	for (size_t block = 0; block < NOISE_BLOCKS; block++) {
		for (size_t lane = 0; lane < LANES; lane++)
			out[lane] = noise->bytes[lane] + block * KECCAK_SHAKE256_RATE;
		kyber512_squeeze(out, &noise->state, KECCAK_SHAKE256_RATE);
	}
}

/* Thirty-two coefficients at a time: four from the 24 bits in each half of a word. */
static void kyber512_noise3_vector(struct kyber512_poly *poly, const uint8_t *bytes)
{
	for (int i = 0; i < KYBER512_N; i += 2 * COEFFS) {
		vector_octets octets = kyber512_load_halves(bytes + i / 4 * 3, 12);
		vector_halves x = (vector_halves)PICK_OCTETS(octets, 0, 1, 2, 12, 3, 4, 5, 12, 6, 7, 8, 12, 9,
		                                             10, 11, 12, 16, 17, 18, 28, 19, 20, 21, 28, 22,
		                                             23, 24, 28, 25, 26, 27, 28);
		/* Ones in eight groups of three bits, then differences, each with 3 added. */
		vector_halves ones = (x & 0x249249) + (x >> 1 & 0x249249) + (x >> 2 & 0x249249);
		vector_halves sums = (ones & 0x1c71c7) + 0x0c30c3 - (ones >> 3 & 0x1c71c7);
		vector_halves first = (sums & 0x3f) | (sums & 0xfc0) << 10;
		vector_halves second = (sums >> 12 & 0x3f) | (sums >> 2 & 0x3f0000);
		vector_halves low = VECTOR_PICK(vector_halves, first, second, 0, 8, 1, 9, 4, 12, 5, 13);
		vector_halves high = VECTOR_PICK(vector_halves, first, second, 2, 10, 3, 11, 6, 14, 7, 15);
		kyber512_coeffs a = (kyber512_coeffs)low, b = (kyber512_coeffs)high;

		kyber512_pair_8(&a, &b);
		kyber512_store(&poly->coeffs[i], a - BROADCAST(3));
		kyber512_store(&poly->coeffs[i + COEFFS], b - BROADCAST(3));
	}
}

static void kyber512_noise2_vector(struct kyber512_poly *poly, const uint8_t *bytes)
{
	for (int i = 0; i < KYBER512_N; i += COEFFS) {
		uint64_t x = bytes_load64(bytes + i / 2);
		/* Groups of two bits: the number of ones in each, then differences, each with 2 added. */
		uint64_t ones = (x & 0x5555555555555555) + (x >> 1 & 0x5555555555555555);
		uint64_t sums =
			(ones & 0x3333333333333333) + 0x2222222222222222 - (ones >> 2 & 0x3333333333333333);

		kyber512_store(&poly->coeffs[i], kyber512_nibbles(sums) - BROADCAST(2));
	}
}

#endif
