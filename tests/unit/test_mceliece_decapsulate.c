#include "crypto/keccak.h"
#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/benes.h"
#include "crypto/mceliece460896/bm.h"
#include "crypto/mceliece460896/decode.h"
#include "crypto/mceliece460896/encapsulate.h"
#include "crypto/mceliece460896/fft.h"
#include "crypto/mceliece460896/secret_key.h"

#include "fixture.h"

#define M MCELIECE_M
#define Q MCELIECE_Q
#define N MCELIECE_N
#define T MCELIECE_T
#define WORDS MCELIECE_FFT_VALUE_WORDS
#define TERMS MCELIECE_BM_TERMS

typedef struct mceliece_gf_vec gf_vec;

static const char *const key_names[] = { "alice", "bob", "carol" };
#define KEY_COUNT FIXTURE_COUNT(key_names)

static const size_t forms[] = { MCELIECE460896_CIPHERTEXT_156_BYTES, MCELIECE460896_CIPHERTEXT_188_BYTES };

static struct key {
	uint8_t pk[MCELIECE460896_PUBLIC_KEY_BYTES];
	uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];
	uint8_t old_sk[MCELIECE460896_SECRET_KEY_OLD_BYTES];
} keys[KEY_COUNT];

static int load_keys(void **state)
{
	(void)state;
	for (size_t k = 0; k < KEY_COUNT; k++) {
		char name[32];

		snprintf(name, sizeof name, "%s.pk", key_names[k]);
		fixture_load_key(name, keys[k].pk, sizeof keys[k].pk);
		snprintf(name, sizeof name, "%s.sk", key_names[k]);
		fixture_load_key(name, keys[k].sk, sizeof keys[k].sk);
		snprintf(name, sizeof name, "%s.v02.sk", key_names[k]);
		fixture_load_key(name, keys[k].old_sk, sizeof keys[k].old_sk);
	}
	return 0;
}

static void random_elements(uint64_t *random, uint16_t *out, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (uint16_t)fixture_below(random, Q);
}

static uint16_t element(const gf_vec *v, size_t i)
{
	return mceliece_gf_vec_element(&v[i / 64], (unsigned)(i % 64));
}

static void load(gf_vec *out, size_t words, const uint16_t *elements)
{
	for (size_t w = 0; w < words; w++)
		mceliece_gf_vec_load(&out[w], elements + 64 * w, 64);
}

static uint16_t horner(const uint16_t *f, size_t count, uint16_t x)
{
	uint16_t y = 0;

	while (count-- > 0)
		y = mceliece_gf_mul(y, x) ^ f[count];
	return y;
}

/* --- FFT --- */

static uint16_t polynomial[128];
static gf_vec coefficients[MCELIECE_FFT_COEFFICIENT_WORDS];

/* Compares both functions with Horner's rule at every point; returns the number of roots. */
static unsigned check_fft(void)
{
	static gf_vec values[WORDS];
	uint64_t roots[WORDS];
	unsigned count = 0;

	load(coefficients, MCELIECE_FFT_COEFFICIENT_WORDS, polynomial);
	mceliece_fft(values, coefficients);
	mceliece_fft_roots(roots, coefficients);
	for (uint16_t p = 0; p < Q; p++) {
		uint16_t expected = horner(polynomial, 128, mceliece_gf_reverse_bits(p));

		if (element(values, p) != expected)
			fail_msg("value at point %u is %u, not %u", p, element(values, p), expected);
		if ((roots[p / 64] >> (p % 64) & 1) != (expected == 0))
			fail_msg("point %u is taken for a root, or is not", p);
		count += expected == 0;
	}
	return count;
}

static void test_fft(void **state)
{
	uint64_t random = 1;

	(void)state;
	memset(polynomial, 0, sizeof polynomial);
	assert_int_equal(check_fft(), Q);
	for (int degree = 0; degree < 128; degree += 127) {
		memset(polynomial, 0, sizeof polynomial);
		polynomial[degree] = 1;
		(void)check_fft();
	}
	for (int n = 0; n < 2; n++) {
		random_elements(&random, polynomial, 128);
		(void)check_fft();
	}
}

static void test_fft_of_a_product(void **state)
{
	/* 96 roots: 0, and others that differ. */
	(void)state;
	memset(polynomial, 0, sizeof polynomial);
	polynomial[0] = 0x1abc;
	for (uint16_t n = 0; n < T; n++) {
		uint16_t root = (uint16_t)(85 * n);

		for (unsigned i = 127; i > 0; i--)
			polynomial[i] = polynomial[i - 1] ^ mceliece_gf_mul(polynomial[i], root);
		polynomial[0] = mceliece_gf_mul(polynomial[0], root);
	}
	assert_int_equal(check_fft(), T);
}

static void test_fft_transposed(void **state)
{
	static const uint64_t densities[][2] = { { 0, 0 }, { UINT64_MAX, UINT64_MAX }, { 0, UINT64_MAX } };
	static gf_vec values[WORDS];
	uint64_t random = 2;

	(void)state;
	for (size_t n = 0; n < FIXTURE_COUNT(densities); n++) {
		uint16_t expected[256] = { 0 };
		uint16_t elements[64];
		uint64_t word[WORDS];
		gf_vec sums[MCELIECE_FFT_SUM_WORDS];

		for (int w = 0; w < WORDS; w++) {
			random_elements(&random, elements, 64);
			mceliece_gf_vec_load(&values[w], elements, 64);
			word[w] = (fixture_number(&random) | densities[n][0]) & densities[n][1];
			for (int i = 0; i < 64; i++) {
				uint16_t a = mceliece_gf_reverse_bits((uint16_t)(64 * w + i));
				uint16_t term = elements[i];

				for (int j = 0; (word[w] >> i & 1) && j < 256; j++) {
					expected[j] ^= term;
					term = mceliece_gf_mul(term, a);
				}
			}
		}
		mceliece_fft_transposed(sums, values, word);
		for (unsigned j = 0; j < 256; j++) {
			if (element(sums, j) != expected[j])
				fail_msg("sum %u of word %zu", j, n);
		}
	}
}

/* --- Berlekamp-Massey --- */

/* The sum of c[i] s[n - i] is zero wherever it has to be. */
static void check_recurrence(const gf_vec *connection, const uint16_t s[TERMS], unsigned length)
{
	assert_int_not_equal(element(connection, 0), 0);
	for (unsigned i = length + 1; i < 128; i++)
		assert_int_equal(element(connection, i), 0);
	for (unsigned n = length; n < TERMS; n++) {
		uint16_t sum = 0;

		for (unsigned i = 0; i <= length; i++)
			sum ^= mceliece_gf_mul(element(connection, i), s[n - i]);
		assert_int_equal(sum, 0);
	}
}

static void test_bm_of_power_sums(void **state)
{
	const unsigned counts[] = { 0, 1, 2, 31, 63, 64, 65, 95, 96 };
	uint64_t random = 3;

	(void)state;
	for (size_t k = 0; k < FIXTURE_COUNT(counts); k++) {
		gf_vec sequence[MCELIECE_BM_SEQUENCE_WORDS];
		gf_vec connection[MCELIECE_BM_CONNECTION_WORDS];
		uint16_t all[128];
		uint16_t s[TERMS] = { 0 };

		/* sums of c a^i with c and a not zero, all a different */
		for (unsigned n = 0; n < counts[k]; n++) {
			uint16_t term = (uint16_t)(1 + fixture_below(&random, Q - 1));

			for (int i = 0; i < TERMS; i++) {
				s[i] ^= term;
				term = mceliece_gf_mul(term, (uint16_t)(1 + 80 * n));
			}
		}
		load(sequence, MCELIECE_BM_SEQUENCE_WORDS, s);
		assert_int_equal(mceliece_bm(connection, sequence), counts[k]);
		check_recurrence(connection, s, counts[k]);
		for (unsigned i = 0; i < 128; i++)
			all[i] = element(connection, i);
		for (unsigned n = 0; n < counts[k]; n++)
			assert_int_equal(horner(all, 128, mceliece_gf_inv((uint16_t)(1 + 80 * n))), 0);
	}
}

/* Shift registers that hold zeros but for the last place: the connection comes all at once. */
static void test_bm_of_impulses(void **state)
{
	const unsigned lengths[] = { 1, 2, 62, 63, 64, 65, 96 };
	uint64_t random = 13;

	(void)state;
	for (size_t k = 0; k < FIXTURE_COUNT(lengths); k++) {
		unsigned length = lengths[k];
		gf_vec sequence[MCELIECE_BM_SEQUENCE_WORDS];
		gf_vec connection[MCELIECE_BM_CONNECTION_WORDS];
		uint16_t taps[T + 1];
		uint16_t s[TERMS] = { 0 };

		random_elements(&random, taps, length + 1);
		s[length - 1] = 1;
		for (unsigned n = length; n < TERMS; n++) {
			for (unsigned i = 1; i <= length; i++)
				s[n] ^= mceliece_gf_mul(taps[i], s[n - i]);
		}
		load(sequence, MCELIECE_BM_SEQUENCE_WORDS, s);
		assert_int_equal(mceliece_bm(connection, sequence), length);
		check_recurrence(connection, s, length);
	}
}

static void test_bm_of_other_sequences(void **state)
{
	gf_vec sequence[MCELIECE_BM_SEQUENCE_WORDS];
	gf_vec connection[MCELIECE_BM_CONNECTION_WORDS];
	uint16_t s[TERMS] = { 0 };
	uint64_t random = 4;

	/* A single element that is not zero, late: no shorter recurrence than up to there. */
	(void)state;
	for (unsigned last = 0; last < TERMS; last += 13) {
		memset(s, 0, sizeof s);
		s[last] = 0x0123;
		load(sequence, MCELIECE_BM_SEQUENCE_WORDS, s);
		assert_int_equal(mceliece_bm(connection, sequence), last + 1);
	}
	/* A random one has no recurrence shorter than half of it, and some have one of just that. */
	for (int n = 0; n < 10; n++) {
		uint64_t length;

		random_elements(&random, s, TERMS);
		load(sequence, MCELIECE_BM_SEQUENCE_WORDS, s);
		length = mceliece_bm(connection, sequence);
		assert_in_range(length, T, T + 1);
		check_recurrence(connection, s, (unsigned)length);
	}
}

/* --- Benes network --- */

/* The network as the specification has it, bit by bit. */
static void slow_benes(uint8_t bits[Q], const uint8_t control[MCELIECE_BENES_BYTES], bool inverse)
{
	for (unsigned n = 0; n < 25; n++) {
		unsigned number = inverse ? 24 - n : n;
		unsigned distance = 1U << (number <= 12 ? number : 24 - number);
		unsigned j = Q / 2 * number;

		for (unsigned p = 0; p < Q; p++) {
			if (p & distance)
				continue;
			if (control[j / 8] >> (j % 8) & 1) {
				uint8_t other = bits[p];

				bits[p] = bits[p + distance];
				bits[p + distance] = other;
			}
			j++;
		}
	}
}

static void test_benes(void **state)
{
	static uint8_t control[MCELIECE_BENES_BYTES];
	static uint8_t bits[Q];
	uint64_t random = 5;

	(void)state;
	for (int n = 0; n < 8; n++) {
		uint64_t before[MCELIECE_BENES_WORDS];
		uint64_t words[MCELIECE_BENES_WORDS];
		bool inverse = n & 1;

		fixture_fill(&random, control, sizeof control);
		for (int i = 0; i < MCELIECE_BENES_WORDS; i++)
			before[i] = fixture_number(&random);
		for (int i = 0; i < Q; i++)
			bits[i] = before[i / 64] >> (i % 64) & 1;
		memcpy(words, before, sizeof words);

		slow_benes(bits, control, inverse);
		(inverse ? mceliece_benes_apply_inverse : mceliece_benes_apply)(words, control);
		for (int i = 0; i < Q; i++)
			assert_int_equal(words[i / 64] >> (i % 64) & 1, bits[i]);
		(inverse ? mceliece_benes_apply : mceliece_benes_apply_inverse)(words, control);
		assert_memory_equal(words, before, sizeof before);
	}
}

/* --- error vectors --- */

static unsigned weight(const uint8_t e[MCELIECE_ERROR_BYTES])
{
	unsigned count = 0;

	for (int i = 0; i < N; i++)
		count += e[i / 8] >> (i % 8) & 1;
	return count;
}

static void set_bit(uint8_t e[MCELIECE_ERROR_BYTES], size_t i)
{
	e[i / 8] = (uint8_t)(e[i / 8] | 1U << (i % 8));
}

static void random_error(uint64_t *random, uint8_t e[MCELIECE_ERROR_BYTES], unsigned errors)
{
	while (weight(e) < errors)
		set_bit(e, fixture_below(random, N));
}

/* The definition, with 128-bit numbers by parts and a table of what is taken. */
static void slow_sample(uint8_t e[MCELIECE_ERROR_BYTES], const uint8_t seed[MCELIECE460896_SEED_BYTES])
{
	static const char label[] = "mceliece460896 error vector";
	uint8_t in[sizeof label - 1 + MCELIECE460896_SEED_BYTES];
	uint8_t random[8 * T];

	memcpy(in, label, sizeof label - 1);
	memcpy(in + sizeof label - 1, seed, MCELIECE460896_SEED_BYTES);
	keccak_shake256(random, sizeof random, in, sizeof in);
	memset(e, 0, MCELIECE_ERROR_BYTES);
	for (unsigned i = T; i-- > 0;) {
		uint32_t carry = 0;
		unsigned position;

		/* r (N - i), a byte at a time; what is carried out of the last one is the quotient */
		for (int k = 0; k < 8; k++)
			carry = (random[8 * i + (unsigned)k] * (N - i) + carry) >> 8;
		position = i + carry;
		assert_in_range(position, i, N - 1);
		set_bit(e, e[position / 8] >> (position % 8) & 1 ? i : position);
	}
}

static void test_sample(void **state)
{
	static unsigned count[N];
	uint64_t random = 6;
	unsigned in_eighth[8] = { 0 };
	enum {
		SEEDS = 3000
	};

	(void)state;
	for (int n = 0; n < SEEDS; n++) {
		uint8_t seed[MCELIECE460896_SEED_BYTES];
		uint8_t e[MCELIECE_ERROR_BYTES];
		uint8_t expected[MCELIECE_ERROR_BYTES];

		fixture_fill(&random, seed, sizeof seed);
		mceliece_encapsulate_sample(e, seed);
		assert_int_equal(weight(e), T);
		if (n < 100) {
			slow_sample(expected, seed);
			assert_memory_equal(e, expected, sizeof e);
		}
		for (int i = 0; i < N; i++)
			count[i] += e[i / 8] >> (i % 8) & 1;
	}
	/* 62.5 per position and 36000 per eighth, give or take six standard deviations. */
	for (int i = 0; i < N; i++) {
		assert_in_range(count[i], 15, 110);
		in_eighth[i / (N / 8)] += count[i];
	}
	for (int i = 0; i < 8; i++)
		assert_in_range(in_eighth[i], 36000 - 1100, 36000 + 1100);
}

/* --- encoding and decoding --- */

/* H e, column by column. */
static void slow_encode(uint8_t c0[MCELIECE_SYNDROME_BYTES], const uint8_t *pk,
                        const uint8_t e[MCELIECE_ERROR_BYTES])
{
	memcpy(c0, e, MCELIECE_SYNDROME_BYTES);
	for (int column = MCELIECE_ROWS; column < N; column++) {
		int j = column - MCELIECE_ROWS;

		if (!(e[column / 8] >> (column % 8) & 1))
			continue;
		for (int row = 0; row < MCELIECE_ROWS; row++) {
			unsigned bit = pk[MCELIECE_ROW_BYTES * row + j / 8] >> (j % 8) & 1;

			c0[row / 8] = (uint8_t)(c0[row / 8] ^ bit << (row % 8));
		}
	}
}

static uint64_t decode(uint8_t e[MCELIECE_ERROR_BYTES], const uint8_t c0[MCELIECE_SYNDROME_BYTES],
                       const uint8_t *sk)
{
	return mceliece_decode(e, c0, sk + MCELIECE_SECRET_KEY_GOPPA, sk + MCELIECE_SECRET_KEY_BENES);
}

static void check_decode(const struct key *key, const uint8_t e[MCELIECE_ERROR_BYTES])
{
	uint8_t c0[MCELIECE_SYNDROME_BYTES];
	uint8_t found[MCELIECE_ERROR_BYTES];
	uint64_t valid;

	slow_encode(c0, key->pk, e);
	valid = decode(found, c0, key->sk);
	if (weight(e) == T) {
		assert_true(valid == UINT64_MAX);
		assert_memory_equal(found, e, sizeof found);
	} else {
		assert_true(valid == 0);
	}
}

static void test_decode(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (size_t k = 0; k < KEY_COUNT; k++) {
		const unsigned weights[] = { 0, 1, 94, 95, 96, 97, 98, 192 };
		uint8_t e[MCELIECE_ERROR_BYTES] = { 0 };

		/* the first and the last 96 positions, then random ones */
		memset(e, 0xff, T / 8);
		check_decode(&keys[k], e);
		memset(e, 0, sizeof e);
		memset(e + sizeof e - T / 8, 0xff, T / 8);
		check_decode(&keys[k], e);
		for (size_t i = 0; i < FIXTURE_COUNT(weights); i++) {
			memset(e, 0, sizeof e);
			random_error(&random, e, weights[i]);
			check_decode(&keys[k], e);
		}
	}
}

/*
 * The support has elements behind those that are columns: one of them in error is no
 * decoding. Swaps position 4096 .. 4607 with another one 512 further on, in a layer after
 * which these two halves of 1024 positions do not mix any more.
 */
static void test_decode_behind_the_code(void **state)
{
	static uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];
	const unsigned layer = 15;
	uint64_t word[MCELIECE_BENES_WORDS] = { 0 };
	uint8_t e[MCELIECE_ERROR_BYTES] = { 0 };
	uint8_t c0[MCELIECE_SYNDROME_BYTES];
	uint8_t found[MCELIECE_ERROR_BYTES];
	uint64_t random = 8;
	unsigned moved = 0;

	(void)state;
	memcpy(sk, keys[0].sk, sizeof sk);
	/* The pair (4096, 4608) is number 2048 of its layer. */
	sk[MCELIECE_SECRET_KEY_BENES + 512 * layer + 2048 / 8] ^= 1;
	for (unsigned p = 4608; p < 5120; p++) {
		memset(word, 0, sizeof word);
		word[p / 64] = (uint64_t)1 << p % 64;
		mceliece_benes_apply_inverse(word, sk + MCELIECE_SECRET_KEY_BENES);
		mceliece_benes_apply(word, keys[0].sk + MCELIECE_SECRET_KEY_BENES);
		for (unsigned i = 4096; i < 4608; i++) {
			if (word[i / 64] >> (i % 64) & 1)
				moved = i;
		}
	}
	assert_int_not_equal(moved, 0);

	set_bit(e, moved);
	random_error(&random, e, T);
	slow_encode(c0, keys[0].pk, e);
	assert_true(decode(found, c0, keys[0].sk) == UINT64_MAX);
	assert_true(decode(found, c0, sk) == 0);
	/* The same key decodes other errors. */
	e[moved / 8] = (uint8_t)(e[moved / 8] & ~(1U << moved % 8));
	set_bit(e, moved == 4096 ? 4097 : 4096);
	random_error(&random, e, T);
	slow_encode(c0, keys[0].pk, e);
	assert_true(decode(found, c0, sk) == UINT64_MAX);
}

/* --- the KEM --- */

/* SHAKE256(b || first || second), 32 bytes. */
static void hash(uint8_t out[32], uint8_t b, const uint8_t first[MCELIECE_ERROR_BYTES], const uint8_t *second,
                 size_t second_len)
{
	uint8_t in[1 + MCELIECE_ERROR_BYTES + MCELIECE460896_CIPHERTEXT_188_BYTES];

	in[0] = b;
	memcpy(in + 1, first, MCELIECE_ERROR_BYTES);
	memcpy(in + 1 + MCELIECE_ERROR_BYTES, second, second_len);
	keccak_shake256(out, 32, in, 1 + MCELIECE_ERROR_BYTES + second_len);
}

static void test_encapsulate(void **state)
{
	uint64_t random = 9;

	(void)state;
	for (size_t n = 0; n < KEY_COUNT * FIXTURE_COUNT(forms); n++) {
		const struct key *key = &keys[n / FIXTURE_COUNT(forms)];
		size_t ct_len = forms[n % FIXTURE_COUNT(forms)];
		uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
		uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
		uint8_t e[MCELIECE_ERROR_BYTES] = { 0 };
		uint8_t expected[MCELIECE_SYNDROME_BYTES];
		uint8_t h[32];

		random_error(&random, e, T);
		mceliece_encapsulate_error(ct, ct_len, ss, key->pk, e);
		slow_encode(expected, key->pk, e);
		assert_memory_equal(ct, expected, sizeof expected);
		if (ct_len == MCELIECE460896_CIPHERTEXT_188_BYTES) {
			hash(h, 2, e, ct, 0);
			assert_memory_equal(ct + MCELIECE_SYNDROME_BYTES, h, sizeof h);
		}
		hash(h, 1, e, ct, ct_len);
		assert_memory_equal(ss, h, sizeof h);
	}
}

/* Decapsulates a ciphertext with a wrong bit. */
static void check_rejected(const struct key *key, uint8_t *ct, size_t ct_len, size_t bit)
{
	uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t rejected[32];

	ct[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	mceliece460896_decapsulate(ss, ct, ct_len, key->sk);
	hash(rejected, 0, key->sk + MCELIECE_SECRET_KEY_S, ct, ct_len);
	assert_memory_equal(ss, rejected, sizeof rejected);
	ct[bit / 8] ^= (uint8_t)(1U << (bit % 8));
}

/* A genuine ciphertext, and then the same with each of some bits wrong. */
static void check_decapsulate(const struct key *key, size_t ct_len, const uint8_t *seed)
{
	uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
	uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
	uint8_t other_ss[MCELIECE460896_SHARED_SECRET_BYTES];

	mceliece460896_encapsulate_from_seed(ct, ct_len, ss, key->pk, seed);
	mceliece460896_decapsulate(other_ss, ct, ct_len, key->sk);
	assert_memory_equal(other_ss, ss, sizeof ss);
	for (size_t bit = 0; bit < 8 * ct_len; bit += bit < 8 * (MCELIECE_SYNDROME_BYTES - 1) ? 155 : 51)
		check_rejected(key, ct, ct_len, bit);
	check_rejected(key, ct, ct_len, 8 * ct_len - 1);
}

static void test_decapsulate(void **state)
{
	uint64_t random = 10;

	(void)state;
	for (size_t n = 0; n < KEY_COUNT * FIXTURE_COUNT(forms); n++) {
		for (int i = 0; i < 10; i++) {
			uint8_t seed[MCELIECE460896_SEED_BYTES];

			fixture_fill(&random, seed, sizeof seed);
			check_decapsulate(&keys[n / FIXTURE_COUNT(forms)], forms[n % FIXTURE_COUNT(forms)],
			                  seed);
		}
	}
}

/* Ciphertexts that nobody made, for keys that nobody generated. */
static void test_decapsulate_garbage(void **state)
{
	static uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];
	static const uint8_t fill[] = { 0x00, 0xff };
	uint64_t random = 11;

	(void)state;
	for (size_t n = 0; n < 12; n++) {
		size_t ct_len = forms[n % FIXTURE_COUNT(forms)];
		uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
		uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
		uint8_t rejected[32];

		memcpy(sk, keys[0].sk, sizeof sk);
		fixture_fill(&random, ct, sizeof ct);
		if (n < 4)
			memset(ct, fill[n / 2], sizeof ct);
		else if (n < 8)
			memset(sk + MCELIECE_SECRET_KEY_GOPPA, fill[n / 2 % 2], MCELIECE_GOPPA_BYTES);
		else
			fixture_fill(&random, sk, sizeof sk);
		mceliece460896_decapsulate(ss, ct, ct_len, sk);
		hash(rejected, 0, sk + MCELIECE_SECRET_KEY_S, ct, ct_len);
		assert_memory_equal(ss, rejected, sizeof rejected);
	}
}

static void test_random_source(void **state)
{
	struct fixture_random random = { .state = 12 };
	struct random_source source = fixture_random_source(&random);
	uint8_t seed[MCELIECE460896_SEED_BYTES];
	uint8_t ct[2][MCELIECE460896_CIPHERTEXT_188_BYTES];
	uint8_t ss[2][MCELIECE460896_SHARED_SECRET_BYTES];
	uint64_t same = random.state;

	(void)state;
	assert_int_equal(mceliece460896_encapsulate(ct[0], sizeof ct[0], ss[0], keys[1].pk, &source), 0);
	fixture_fill(&same, seed, sizeof seed);
	mceliece460896_encapsulate_from_seed(ct[1], sizeof ct[1], ss[1], keys[1].pk, seed);
	assert_memory_equal(ct[0], ct[1], sizeof ct[0]);
	assert_memory_equal(ss[0], ss[1], sizeof ss[0]);

	random.fails_at = random.calls + 1;
	assert_int_equal(mceliece460896_encapsulate(ct[0], sizeof ct[0], ss[0], keys[1].pk, &source), -1);
	assert_true(fixture_is_zero(ct[0], sizeof ct[0]));
	assert_true(fixture_is_zero(ss[0], sizeof ss[0]));
}

static void test_layouts(void **state)
{
	static uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];
	static uint8_t old[MCELIECE460896_SECRET_KEY_OLD_BYTES];

	(void)state;
	for (size_t k = 0; k < KEY_COUNT; k++) {
		memset(sk, 0x55, sizeof sk);
		memset(old, 0x55, sizeof old);
		mceliece460896_secret_key_to_old(old, keys[k].sk);
		assert_memory_equal(old, keys[k].old_sk, sizeof old);
		mceliece460896_secret_key_from_old(sk, keys[k].old_sk);
		assert_true(fixture_is_zero(sk, MCELIECE460896_SEED_BYTES));
		assert_memory_equal(sk + MCELIECE460896_SEED_BYTES, keys[k].sk + MCELIECE460896_SEED_BYTES,
		                    sizeof sk - MCELIECE460896_SEED_BYTES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fft),
		cmocka_unit_test(test_fft_of_a_product),
		cmocka_unit_test(test_fft_transposed),
		cmocka_unit_test(test_bm_of_power_sums),
		cmocka_unit_test(test_bm_of_impulses),
		cmocka_unit_test(test_bm_of_other_sequences),
		cmocka_unit_test(test_benes),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_behind_the_code),
		cmocka_unit_test(test_encapsulate),
		cmocka_unit_test(test_decapsulate),
		cmocka_unit_test(test_decapsulate_garbage),
		cmocka_unit_test(test_random_source),
		cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests(tests, load_keys, NULL);
}
