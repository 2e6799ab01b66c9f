/* Every backend of McEliece that the CPU has against portable C, as a whole and in its parts. */

#include "crypto/bytes.h"
#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/benes.h"
#include "crypto/mceliece460896/bm.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/decode.h"
#include "crypto/mceliece460896/encapsulate_parts.h"
#include "crypto/mceliece460896/fft.h"
#include "crypto/mceliece460896/secret_key.h"
#include "crypto/mceliece460896/sort.h"

#include "fixture.h"

#define T MCELIECE_T
#define M MCELIECE_M

typedef struct mceliece_gf_vec gf_vec;

static uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];

static int load_key(void **state)
{
	(void)state;
	fixture_load_key("alice.sk", sk, sizeof sk);
	return 0;
}

/* --- the parts of the AVX2 backend ----------------------------------------------------- */

#ifdef MCELIECE_HAS_AVX2

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#endif

#include "crypto/mceliece460896/vector_decode.h"
#include "crypto/mceliece460896/vector_encapsulate.h"
#include "crypto/mceliece460896/vector_matrix.h"
#include "crypto/mceliece460896/vector_sort.h"

/* From one form of 64 words and more to the other one. */
static void to_vector(struct mceliece_vector_gf *out, const gf_vec *in, size_t words)
{
	memset(out, 0, sizeof *out);
	for (size_t b = 0; b < M; b++)
		for (size_t w = 0; w < words; w++)
			out->bit[b][w] = in[w].bit[b];
}

static bool is_same(const struct mceliece_vector_gf *a, const gf_vec *b, size_t words)
{
	struct mceliece_vector_gf expected;

	to_vector(&expected, b, words);
	return memcmp(a, &expected, sizeof expected) == 0;
}

static void fill(uint64_t *random, gf_vec *out, size_t words)
{
	for (size_t w = 0; w < words; w++)
		for (size_t b = 0; b < M; b++)
			out[w].bit[b] = fixture_number(random);
}

static void check_gf(void)
{
	struct mceliece_vector_gf a, b, product, sum, inverse;
	gf_vec x[4], y[4], expected[4];
	uint64_t random = 1;

	for (int n = 0; n < 20; n++) {
		fill(&random, x, 4);
		fill(&random, y, 4);
		to_vector(&a, x, 4);
		to_vector(&b, y, 4);
		sum = a;
		mceliece_vector_gf_mul_add(&sum, &a, &b);
		mceliece_vector_gf_mul(&product, &a, &b);
		mceliece_vector_gf_inv(&inverse, &a);
		for (int w = 0; w < 4; w++)
			mceliece_gf_vec_mul(&expected[w], &x[w], &y[w]);
		assert_true(is_same(&product, expected, 4));
		for (int w = 0; w < 4; w++)
			mceliece_gf_vec_add_to(&expected[w], &x[w]);
		assert_true(is_same(&sum, expected, 4));
		for (int w = 0; w < 4; w++)
			mceliece_gf_vec_inv(&expected[w], &x[w]);
		assert_true(is_same(&inverse, expected, 4));
	}
}

static void check_twists(void)
{
	for (unsigned level = 1; level <= MCELIECE_VECTOR_TWISTS; level++) {
		struct mceliece_vector_gf twist;
		gf_vec expected[4];

		for (int w = 0; w < 4; w++)
			mceliece_gf_vec_set_all(&expected[w], 1);
		mceliece_fft_twist(expected, 4, level);
		memcpy(&twist, mceliece_vector_twists[level - 1], sizeof twist);
		assert_true(is_same(&twist, expected, 4));
	}
}

static void check_fft(void)
{
	static struct mceliece_vector_gf values[MCELIECE_VECTOR_VALUES], work[MCELIECE_VECTOR_HALF];
	static gf_vec expected[MCELIECE_FFT_VALUE_WORDS];
	uint64_t random = 2;

	for (int n = 0; n < 10; n++) {
		struct mceliece_vector_gf coefficients, sums;
		uint64_t word[MCELIECE_VECTOR_WORDS], expected_word[MCELIECE_VECTOR_WORDS];
		gf_vec f[2], expected_sums[MCELIECE_FFT_SUM_WORDS];

		fill(&random, f, 2);
		to_vector(&coefficients, f, 2);
		mceliece_vector_fft(values, &coefficients);
		mceliece_fft(expected, f);
		for (size_t i = 0; i < MCELIECE_VECTOR_VALUES; i++)
			assert_true(is_same(&values[i], &expected[4 * (i / 4 + 8 * (i % 4))], 4));
		mceliece_vector_fft_roots(word, &coefficients, work);
		mceliece_fft_roots(expected_word, f);
		assert_memory_equal(word, expected_word, sizeof word);

		for (size_t w = 0; w < MCELIECE_VECTOR_WORDS; w++)
			word[w] = n == 0 ? UINT64_MAX : fixture_number(&random);
		mceliece_vector_fft_transposed(&sums, values, word, work);
		mceliece_fft_transposed(expected_sums, expected, word);
		assert_true(is_same(&sums, expected_sums, MCELIECE_FFT_SUM_WORDS));
	}
}

static uint16_t coefficient(const struct mceliece_vector_gf *f, unsigned i)
{
	unsigned x = 0;

	for (unsigned b = 0; b < M; b++)
		x |= (unsigned)(f->bit[b][i / 64] >> (i % 64) & 1) << b;
	return (uint16_t)x;
}

static void check_sequence(const gf_vec sequence[3])
{
	struct mceliece_vector_gf locator, in;
	gf_vec connection[MCELIECE_BM_CONNECTION_WORDS];

	to_vector(&in, sequence, 3);
	mceliece_vector_bm(&locator, &in);
	(void)mceliece_bm(connection, sequence);
	for (unsigned i = 0; i <= T; i++)
		assert_int_equal(coefficient(&locator, T - i),
		                 mceliece_gf_vec_element(&connection[i / 64], i % 64));
	for (unsigned i = T + 1; i < 256; i++)
		assert_int_equal(coefficient(&locator, i), 0);
}

/* Sequences of all lengths of recurrences, and of discrepancies that are zero. */
static void check_bm(void)
{
	uint64_t random = 3;
	gf_vec sequence[3];

	for (unsigned n = 0; n < 64; n++) {
		memset(sequence, 0, sizeof sequence);
		/* The first elements and what comes between others may be zero, or all in one half. */
		for (unsigned i = n % 8 * 24; i < 2 * T; i += n < 32 ? 1 : 1 + n % 7)
			for (unsigned b = 0; b < M; b++)
				sequence[i / 64].bit[b] |= (fixture_number(&random) & 1) << (i % 64);
		check_sequence(sequence);
	}
	for (unsigned last = 0; last < 2 * T; last++) {
		memset(sequence, 0, sizeof sequence);
		sequence[last / 64].bit[last % M] = (uint64_t)1 << (last % 64);
		check_sequence(sequence);
	}
	/* Powers of an element: the length is 1 from the first step on. */
	for (uint16_t a = 1, power; a < 8192; a = (uint16_t)(a * 2 + 1)) {
		memset(sequence, 0, sizeof sequence);
		power = a;
		for (unsigned i = 0; i < 2 * T; i++, power = mceliece_gf_mul(power, a))
			for (unsigned b = 0; b < M; b++)
				sequence[i / 64].bit[b] |= (uint64_t)(power >> b & 1) << (i % 64);
		check_sequence(sequence);
	}
}

static void check_benes(void)
{
	static uint8_t control[MCELIECE_BENES_BYTES];
	uint64_t random = 4;

	for (int n = 0; n < 10; n++) {
		uint64_t words[MCELIECE_VECTOR_WORDS];
		uint64_t expected[MCELIECE_VECTOR_WORDS];

		fixture_fill(&random, control, sizeof control);
		for (size_t w = 0; w < MCELIECE_VECTOR_WORDS; w++)
			expected[w] = words[w] = fixture_number(&random);
		mceliece_vector_benes(words, control, false);
		mceliece_benes_apply(expected, control);
		assert_memory_equal(words, expected, sizeof words);
		mceliece_vector_benes(words, control, true);
		mceliece_benes_apply_inverse(words, control);
		mceliece_benes_apply_inverse(expected, control);
		mceliece_benes_apply_inverse(expected, control);
		assert_memory_equal(words, expected, sizeof words);
	}
}

/* As the test has its own copy of all this, compiled like the test, the whole of it as well. */
static void check_whole(void)
{
	const uint8_t *goppa = sk + MCELIECE_SECRET_KEY_GOPPA;
	const uint8_t *control = sk + MCELIECE_SECRET_KEY_BENES;
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t expected[MCELIECE_ERROR_BYTES];
	uint8_t c0[MCELIECE_SYNDROME_BYTES];
	uint64_t random = 6;

	fixture_fill(&random, c0, sizeof c0);
	assert_true(mceliece_vector_decode(e, c0, goppa, control) == 0);
	(void)mceliece_decode(expected, c0, goppa, control);
	assert_memory_equal(e, expected, sizeof e);
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

/* The test's own copy of this, too. */
static void check_error(void)
{
	uint8_t random[MCELIECE_RANDOM_BYTES];
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t expected[MCELIECE_ERROR_BYTES];
	uint64_t numbers = 8;
	uint8_t out;
	uint8_t expected_out;

	fixture_fill(&numbers, random, sizeof random);
	mceliece_vector_place(e, random);
	mceliece_encapsulate_place(expected, random);
	assert_memory_equal(e, expected, sizeof e);
	mceliece_vector_parities(&out, 1, sk, e);
	mceliece_encapsulate_parities(&expected_out, 1, sk, e);
	assert_int_equal(out, expected_out);
}

/* From columns to rows and back, and of a sort, the same. */
static void check_key_parts(void)
{
	static struct mceliece_matrix_scratch work;
	static uint8_t out[MCELIECE460896_PUBLIC_KEY_BYTES];
	uint16_t points[MCELIECE_Q] = { 0 };
	const uint16_t goppa[T] = { 1 };
	int32_t narrow[64];
	int64_t wide[64];
	int64_t sort_work[64 + MCELIECE_SORT_EXTRA];

	assert_false(mceliece_vector_matrix(out, goppa, points, &work));
	for (int i = 0; i < 64; i++)
		wide[i] = narrow[i] = i * 37 % 64;
	mceliece_vector_sort_u31(narrow, 64, 1, (int32_t *)sort_work);
	mceliece_vector_sort_u63(wide, 64, sort_work);
	for (int i = 0; i < 64; i++)
		assert_true(narrow[i] == i && wide[i] == i);
}

static void test_parts(void **state)
{
	(void)state;
	if (!mceliece_avx2.is_supported())
		skip();
	check_gf();
	check_twists();
	check_fft();
	check_bm();
	check_benes();
	check_whole();
	check_error();
	check_key_parts();
}

#else

static void test_parts(void **state)
{
	(void)state;
	skip();
}

#endif

/* --- decoding -------------------------------------------------------------------------- */

/* Whatever a ciphertext is, the outcome is the same, and so is what is taken for the error vector. */
static void check_decode(const struct mceliece_backend *backend, const uint8_t c0[MCELIECE_SYNDROME_BYTES],
                         const uint8_t *goppa, const uint8_t *control, bool valid)
{
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t expected[MCELIECE_ERROR_BYTES];
	uint64_t result = mceliece_decode(expected, c0, goppa, control);

	assert_true(result == (valid ? UINT64_MAX : 0));
	memset(e, 0x5a, sizeof e);
	assert_true(backend->decode(e, c0, goppa, control) == result);
	assert_memory_equal(e, expected, sizeof e);
}

/* As H = (I | T), these bits are an error vector with themselves as its syndrome. */
static void random_weight(uint64_t *random, uint8_t c0[MCELIECE_SYNDROME_BYTES], unsigned weight)
{
	memset(c0, 0, MCELIECE_SYNDROME_BYTES);
	while (weight > 0) {
		size_t i = fixture_below(random, MCELIECE_ROWS);

		weight -= !(c0[i / 8] >> (i % 8) & 1);
		c0[i / 8] = (uint8_t)(c0[i / 8] | 1U << (i % 8));
	}
}

static void check_backend(const struct mceliece_backend *backend)
{
	static uint8_t control[MCELIECE_BENES_BYTES];
	const uint8_t *goppa = sk + MCELIECE_SECRET_KEY_GOPPA;
	uint8_t c0[MCELIECE_SYNDROME_BYTES];
	uint64_t random = 5;

	for (unsigned weight = 0; weight <= 200; weight += weight == 95 || weight == 96 ? 1 : 5) {
		random_weight(&random, c0, weight);
		check_decode(backend, c0, goppa, sk + MCELIECE_SECRET_KEY_BENES, weight == T);
		/* Of another key with the same polynomial. */
		fixture_fill(&random, control, sizeof control);
		check_decode(backend, c0, goppa, control, weight == T);
	}
	for (int n = 0; n < 10; n++) {
		fixture_fill(&random, c0, sizeof c0);
		check_decode(backend, c0, goppa, control, false);
	}
}

static void test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		if (!mceliece_backends[i]->is_supported())
			continue;
		check_backend(mceliece_backends[i]);
		assert_true(mceliece_backend_works(mceliece_backends[i]));
	}
}

/* --- encapsulation --------------------------------------------------------------------- */

/* Random numbers, of which some are the same, or draw what stands for other positions. */
static void check_place(const struct mceliece_backend *backend, uint64_t *random, unsigned kind)
{
	uint8_t bytes[MCELIECE_RANDOM_BYTES];
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t expected[MCELIECE_ERROR_BYTES];

	fixture_fill(random, bytes, sizeof bytes);
	for (unsigned i = 0; i < T; i++) {
		uint64_t r = bytes_load64(bytes + 8 * i);

		if (kind == 1)
			r = (uint64_t)0 - (r & 1);
		else if (kind == 2)
			r >>= 5; /* below position 144 of those that are left */
		else if (kind == 3 && i < 60)
			r = bytes_load64(bytes + 8 * (i + 36));
		bytes_store64(bytes + 8 * i, r);
	}
	memset(e, 0x5a, sizeof e);
	backend->place(e, bytes);
	mceliece_encapsulate_place(expected, bytes);
	assert_memory_equal(e, expected, sizeof e);
}

/* Neither bytes around the rows and the last 3360 bits of e count, nor the alignment of the rows. */
static void check_parities(const struct mceliece_backend *backend, uint64_t *random, size_t groups)
{
	static uint8_t rows[8 * MCELIECE_ROW_BYTES * 20 + 32];
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t out[21];
	uint8_t expected[20];
	const uint8_t *from = rows + groups;

	fixture_fill(random, rows, sizeof rows);
	fixture_fill(random, e, sizeof e);
	memset(out, 0x5a, sizeof out);
	backend->parities(out, groups, from, e);
	mceliece_encapsulate_parities(expected, groups, from, e);
	assert_memory_equal(out, expected, groups);
	assert_int_equal(out[groups], 0x5a);
}

/* Each single bit of a row counts, and that of e. */
static void check_bits(const struct mceliece_backend *backend)
{
	static uint8_t rows[8 * MCELIECE_ROW_BYTES];
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t out;

	memset(e, 0xff, sizeof e);
	for (unsigned i = 0; i < MCELIECE_COLUMNS; i++) {
		uint8_t *row = rows + MCELIECE_ROW_BYTES * (i % 8) + i / 8;

		*row = (uint8_t)(1U << i % 8);
		backend->parities(&out, 1, rows, e);
		assert_int_equal(out, 1U << i % 8);
		*row = 0;
	}
}

static void test_encapsulate(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		if (!mceliece_backends[i]->is_supported())
			continue;
		for (unsigned n = 0; n < 200; n++)
			check_place(mceliece_backends[i], &random, n % 4);
		for (size_t groups = 0; groups <= 20; groups++)
			check_parities(mceliece_backends[i], &random, groups);
		check_bits(mceliece_backends[i]);
	}
}

/* --- the matrix of a key --------------------------------------------------------------- */

static uint8_t pk[MCELIECE460896_PUBLIC_KEY_BYTES];
static uint8_t expected_pk[MCELIECE460896_PUBLIC_KEY_BYTES];
static struct mceliece_matrix_scratch scratch;
static uint16_t points[MCELIECE_Q];

static void shuffle_points(uint64_t *random)
{
	for (unsigned i = 0; i < MCELIECE_Q; i++)
		points[i] = (uint16_t)i;
	for (unsigned i = MCELIECE_Q; i > 1; i--) {
		size_t other = fixture_below(random, i);
		uint16_t point = points[i - 1];

		points[i - 1] = points[other];
		points[other] = point;
	}
}

/* Returns whether there was a key. */
static bool check_matrix(const struct mceliece_backend *backend, const uint16_t goppa[static T])
{
	bool is_key = mceliece_matrix(expected_pk, goppa, points, &scratch);

	memset(pk, 0x5a, sizeof pk);
	assert_int_equal(backend->matrix(pk, goppa, points, &scratch), is_key);
	if (is_key)
		assert_memory_equal(pk, expected_pk, sizeof pk);
	else
		assert_true(pk[0] == 0x5a && memcmp(pk, pk + 1, sizeof pk - 1) == 0);
	return is_key;
}

static void test_matrix(void **state)
{
	uint16_t goppa[T];
	uint64_t random = 9;

	(void)state;
	for (unsigned i = 0; i < T; i++)
		goppa[i] = mceliece_bytes_load_u16(sk + MCELIECE_SECRET_KEY_GOPPA + 2 * i);
	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		unsigned keys = 0;
		unsigned tries = 0;

		if (!mceliece_backends[i]->is_supported())
			continue;
		for (; keys < 3 || tries < keys + 3; tries++) {
			shuffle_points(&random);
			keys += check_matrix(mceliece_backends[i], goppa);
		}
		/* The same column twice, the second time in the last place. */
		points[MCELIECE_ROWS - 1] = points[0];
		assert_false(check_matrix(mceliece_backends[i], goppa));
		assert_true(mceliece_backend_makes_keys(mceliece_backends[i], pk, &scratch));
	}
}

static bool (*matrix)(uint8_t *out, const uint16_t *goppa, const uint16_t *point,
                      struct mceliece_matrix_scratch *work) = mceliece_matrix;

static bool matrix_wrongly(uint8_t *out, const uint16_t *goppa, const uint16_t *point,
                           struct mceliece_matrix_scratch *work)
{
	bool is_key = matrix(out, goppa, point, work);

	if (is_key)
		out[MCELIECE460896_PUBLIC_KEY_BYTES - 1] ^= 0x80;
	return is_key;
}

static bool matrix_always(uint8_t *out, const uint16_t *goppa, const uint16_t *point,
                          struct mceliece_matrix_scratch *work)
{
	(void)matrix(out, goppa, point, work);
	return true;
}

static void test_matrix_self_test(void **state)
{
	const struct mceliece_backend wrong = { .matrix = matrix_wrongly };
	const struct mceliece_backend always = { .matrix = matrix_always };

	(void)state;
	assert_false(mceliece_backend_makes_keys(&wrong, pk, &scratch));
	assert_false(mceliece_backend_makes_keys(&always, pk, &scratch));
	assert_ptr_equal(mceliece_backend_for_keys(pk, &scratch), mceliece_backend());
	assert_ptr_equal(mceliece_backend_for_keys(pk, &scratch), mceliece_backend());
}

static void test_choice(void **state)
{
	size_t i = 0;

	(void)state;
	while (!mceliece_backends[i]->is_supported())
		i++;
	assert_ptr_equal(mceliece_backend(), mceliece_backends[i]);
	assert_ptr_equal(mceliece_backend(), mceliece_backends[i]);
}

/* --- the self-test --------------------------------------------------------------------- */

static unsigned decodings;
static unsigned wrong_decoding;
static bool wrong_result;

/* Right but for one bit in one of the decodings, or for its result. */
static uint64_t decode_wrongly(uint8_t e[static MCELIECE_ERROR_BYTES],
                               const uint8_t c0[static MCELIECE_SYNDROME_BYTES],
                               const uint8_t goppa[static MCELIECE_GOPPA_BYTES],
                               const uint8_t control[static MCELIECE_BENES_BYTES])
{
	uint64_t result = mceliece_decode(e, c0, goppa, control);

	if (decodings++ != wrong_decoding)
		return result;
	e[MCELIECE_ERROR_BYTES - 1] ^= wrong_result ? 0 : 0x80;
	return wrong_result ? ~result : result;
}

static void place_wrongly(uint8_t e[static MCELIECE_ERROR_BYTES],
                          const uint8_t random[static MCELIECE_RANDOM_BYTES])
{
	mceliece_encapsulate_place(e, random);
	e[0] ^= 1;
}

static void parities_wrongly(uint8_t *out, size_t out_len, const uint8_t *rows,
                             const uint8_t e[static MCELIECE_ERROR_BYTES])
{
	mceliece_encapsulate_parities(out, out_len, rows, e);
	out[out_len - 1] ^= 0x80;
}

static void sort_u31_wrongly(int32_t *x, size_t len, size_t lanes, int32_t *work)
{
	mceliece_sort_u31(x, len, lanes, work);
	x[0] ^= lanes == 16;
}

static void sort_u63_wrongly(int64_t *x, size_t len, int64_t *work)
{
	mceliece_sort_u63(x, len, work);
	x[len - 1]--;
}

static void test_self_test(void **state)
{
	const struct mceliece_backend *portable = mceliece_backends[0];
	struct mceliece_backend backend;

	(void)state;
	for (size_t i = 0; mceliece_backends[i] != NULL; i++)
		portable = mceliece_backends[i];
	backend = *portable;
	backend.decode = decode_wrongly;
	for (wrong_decoding = 0; wrong_decoding < 3; wrong_decoding++) {
		for (int n = 0; n < 2; n++) {
			wrong_result = n != 0;
			decodings = 0;
			/* There are two; the error vector of the second one is of no importance. */
			assert_true(mceliece_backend_works(&backend) ==
			            (wrong_decoding == 2 || (wrong_decoding == 1 && !wrong_result)));
		}
	}
	backend = *portable;
	backend.place = place_wrongly;
	assert_false(mceliece_backend_works(&backend));
	backend = *portable;
	backend.parities = parities_wrongly;
	assert_false(mceliece_backend_works(&backend));
	backend = *portable;
	backend.sort_u31 = sort_u31_wrongly;
	assert_false(mceliece_backend_works(&backend));
	backend = *portable;
	backend.sort_u63 = sort_u63_wrongly;
	assert_false(mceliece_backend_works(&backend));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_encapsulate),
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_matrix_self_test),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_self_test),
	};

	return cmocka_run_group_tests(tests, load_key, NULL);
}
