#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "crypto/keccak.h"
#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/control_bits.h"
#include "crypto/mceliece460896/elimination.h"
#include "crypto/mceliece460896/goppa.h"
#include "crypto/mceliece460896/params.h"
#include "crypto/mceliece460896/sort.h"

#define VECTORS_FILE TEST_DATA_DIR "/vectors/mceliece460896.json"
#define KEYS TEST_DATA_DIR "/vectors/keys/"

#define PK_BYTES MCELIECE460896_PUBLIC_KEY_BYTES
#define SK_BYTES MCELIECE460896_SECRET_KEY_BYTES
#define SEED_BYTES MCELIECE460896_SEED_BYTES
#define SK_GOPPA_OFFSET 40
#define SK_CONTROL_BITS_OFFSET 232

/* The same numbers on every run: splitmix64. */
static uint64_t random_state;

static uint64_t random_u64(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void *allocate(size_t len)
{
	void *p = aligned_alloc(64, (len + 63) / 64 * 64);

	assert_non_null(p);
	memset(p, 0xa5, len);
	return p;
}

static uint8_t *read_key(const char *name, const char *suffix, size_t len)
{
	char path[sizeof KEYS + 64];
	uint8_t *key = allocate(len);
	FILE *file;

	snprintf(path, sizeof path, KEYS "%s.%s", name, suffix);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(key, 1, len, file), len);
	fclose(file);
	return key;
}

/* --- sorting --- */

#define SORT_MAX 8192

static int compare_i64(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Element i of len, of values 0 .. max. */
static int64_t sort_random(size_t i, size_t len, int64_t max)
{
	(void)i;
	(void)len;
	return (int64_t)(random_u64() & (uint64_t)max);
}

static int64_t sort_few_values(size_t i, size_t len, int64_t max)
{
	return sort_random(i, len, max) % 3;
}

static int64_t sort_extremes(size_t i, size_t len, int64_t max)
{
	(void)len;
	return i * 7 / 3 % 2 == 0 ? max : 0;
}

static int64_t sort_ascending(size_t i, size_t len, int64_t max)
{
	return max - (int64_t)(len - i);
}

static int64_t sort_descending(size_t i, size_t len, int64_t max)
{
	(void)len;
	return max - (int64_t)i;
}

static int64_t sort_up_and_down(size_t i, size_t len, int64_t max)
{
	(void)max;
	return (int64_t)(i < len / 2 ? 2 * i : 2 * (len - i) - 1);
}

static int64_t sort_all_the_same(size_t i, size_t len, int64_t max)
{
	(void)i;
	(void)len;
	return max;
}

static int64_t sort_last_is_least(size_t i, size_t len, int64_t max)
{
	return i == len - 1 ? 0 : max;
}

static int64_t sort_first_is_greatest(size_t i, size_t len, int64_t max)
{
	(void)len;
	return i == 0 ? max : 1;
}

static int64_t (*const sort_patterns[])(size_t i, size_t len, int64_t max) = {
	sort_random,      sort_few_values,   sort_extremes,      sort_ascending,         sort_descending,
	sort_up_and_down, sort_all_the_same, sort_last_is_least, sort_first_is_greatest,
};

/* Sorts len values in both widths and compares every list with what qsort makes of it. */
static void check_sort(int64_t (*pattern)(size_t, size_t, int64_t), size_t len, size_t lanes)
{
	static int32_t narrow[SORT_MAX];
	static int32_t work[SORT_MAX];
	static int64_t wide[SORT_MAX];
	static int64_t expected[SORT_MAX];
	size_t list_len = len / lanes;

	for (size_t i = 0; i < len; i++)
		narrow[i] = (int32_t)pattern(i, len, INT32_MAX);
	for (size_t s = 0; s < lanes; s++)
		for (size_t j = 0; j < list_len; j++)
			expected[s * list_len + j] = narrow[j * lanes + s];
	for (size_t s = 0; s < lanes; s++)
		qsort(expected + s * list_len, list_len, sizeof *expected, compare_i64);
	mceliece_sort_u31(narrow, len, lanes, work);
	for (size_t s = 0; s < lanes; s++)
		for (size_t j = 0; j < list_len; j++)
			if (narrow[j * lanes + s] != expected[s * list_len + j])
				fail_msg("length %zu, lanes %zu: list %zu differs at %zu", len, lanes, s, j);

	if (lanes != 1)
		return;
	for (size_t i = 0; i < len; i++)
		expected[i] = wide[i] = pattern(i, len, INT64_MAX);
	qsort(expected, len, sizeof *expected, compare_i64);
	mceliece_sort_u63(wide, len);
	assert_memory_equal(wide, expected, len * sizeof *wide);
}

static void test_sort(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sort_patterns / sizeof *sort_patterns; i++)
		for (size_t len = 8; len <= SORT_MAX; len *= 2)
			for (size_t lanes = 1; lanes < len; lanes *= 2)
				check_sort(sort_patterns[i], len, lanes);
	for (size_t i = 0; i < 100; i++)
		check_sort(sort_random, SORT_MAX, 1);
}

/* A network that sorts all inputs of zeros and ones sorts everything (Knuth 5.3.4, theorem Z). */
static void test_sort_zeros_and_ones(void **state)
{
	(void)state;
	for (uint32_t input = 0; input < 1U << 16; input++) {
		int32_t narrow[16];
		int32_t work[16];
		int64_t wide[16];
		int zeros = 16 - __builtin_popcount(input);

		for (int i = 0; i < 16; i++)
			wide[i] = narrow[i] = (int32_t)(input >> i & 1);
		mceliece_sort_u31(narrow, 16, 1, work);
		mceliece_sort_u63(wide, 16);
		for (int i = 0; i < 16; i++)
			if (narrow[i] != (i >= zeros) || wide[i] != (i >= zeros))
				fail_msg("%#x is not sorted at %d", input, i);
	}
}

/* --- control bits --- */

#define POINTS MCELIECE_Q

/* Sends the list 0 .. 8191 through the network. */
static void apply_network(uint16_t list[static POINTS], const uint8_t *bits)
{
	for (size_t i = 0; i < POINTS; i++)
		list[i] = (uint16_t)i;
	for (int layer = 0; layer < 25; layer++, bits += POINTS / 16) {
		size_t distance = (size_t)1 << (layer <= 12 ? layer : 24 - layer);
		size_t pair = 0;

		for (size_t i = 0; i < POINTS; i++) {
			uint16_t low = list[i];

			if ((i & distance) != 0)
				continue;
			if ((bits[pair / 8] >> pair % 8 & 1) != 0) {
				list[i] = list[i + distance];
				list[i + distance] = low;
			}
			pair++;
		}
	}
}

static void permute_randomly(uint16_t p[static POINTS])
{
	for (size_t i = POINTS - 1; i > 0; i--) {
		size_t j = (size_t)(random_u64() % (i + 1));
		uint16_t swapped = p[i];

		p[i] = p[j];
		p[j] = swapped;
	}
}

static void check_control_bits(const uint16_t permutation[static POINTS], const char *name)
{
	static struct mceliece_control_bits_scratch scratch;
	static uint16_t list[POINTS];
	static uint8_t bits[MCELIECE_BENES_BYTES];

	memset(bits, 0xa5, sizeof bits);
	mceliece_control_bits(bits, permutation, &scratch);
	apply_network(list, bits);
	if (memcmp(list, permutation, sizeof list) != 0)
		fail_msg("%s: the network makes another permutation", name);
}

static void test_control_bits(void **state)
{
	static uint16_t p[POINTS];

	(void)state;
	for (size_t i = 0; i < POINTS; i++)
		p[i] = (uint16_t)i;
	check_control_bits(p, "identity");
	for (size_t i = 0; i < POINTS; i++)
		p[i] = (uint16_t)(POINTS - 1 - i);
	check_control_bits(p, "reversal");
	for (size_t i = 0; i < POINTS; i++)
		p[i] = (uint16_t)(i ^ 1);
	check_control_bits(p, "swapped neighbours");
	for (size_t i = 0; i < POINTS; i++)
		p[i] = (uint16_t)((i + 1) % POINTS);
	check_control_bits(p, "rotation");
	for (size_t i = 0; i < POINTS; i++)
		p[i] = (uint16_t)((i >> 1 | i << 12) % POINTS);
	check_control_bits(p, "perfect shuffle");
	for (size_t i = 0; i < POINTS; i++)
		p[i] = (uint16_t)(i == 0 ? POINTS - 1 : i == POINTS - 1 ? 0 : i);
	check_control_bits(p, "ends swapped");
	for (int i = 0; i < 20; i++) {
		permute_randomly(p);
		check_control_bits(p, "random");
	}
}

/* The stored keys hold the bits that another implementation of the same algorithm found. */
static void test_control_bits_of_stored_keys(void **state)
{
	static const char *const names[] = { "alice", "bob", "carol" };
	static struct mceliece_control_bits_scratch scratch;
	static uint16_t list[POINTS];
	static uint8_t bits[MCELIECE_BENES_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		uint8_t *sk = read_key(names[i], "sk", SK_BYTES);

		apply_network(list, sk + SK_CONTROL_BITS_OFFSET);
		mceliece_control_bits(bits, list, &scratch);
		assert_memory_equal(bits, sk + SK_CONTROL_BITS_OFFSET, sizeof bits);
		free(sk);
	}
}

/* --- elimination --- */

#define ROWS MCELIECE_ELIMINATION_ROWS
#define PANELS MCELIECE_ELIMINATION_PANELS
#define STRIP_WORDS MCELIECE_ELIMINATION_STRIP_WORDS
#define ALL_WORDS (PANELS + STRIP_WORDS)

/* A square matrix followed by one strip of the right part. */
struct matrix {
	uint64_t row[ROWS][ALL_WORDS];
};

static bool bit_of(const struct matrix *m, size_t row, size_t column)
{
	return (m->row[row][column / 64] >> column % 64 & 1) != 0;
}

static void add_matrix_row(struct matrix *m, size_t to, size_t from)
{
	for (size_t w = 0; w < ALL_WORDS; w++)
		m->row[to][w] ^= m->row[from][w];
}

/* The schoolbook way. False when singular. */
static bool naive_systematic(struct matrix *m)
{
	for (size_t i = 0; i < ROWS; i++) {
		size_t pivot = i;

		while (pivot < ROWS && !bit_of(m, pivot, i))
			pivot++;
		if (pivot == ROWS)
			return false;
		if (pivot != i)
			add_matrix_row(m, i, pivot);
		for (size_t k = 0; k < ROWS; k++)
			if (k != i && bit_of(m, k, i))
				add_matrix_row(m, k, i);
	}
	return true;
}

/* Runs both and compares; the naive one works in place. Returns whether m is invertible. */
static bool check_elimination(struct matrix *m, const char *name)
{
	struct mceliece_elimination *elimination = allocate(sizeof *elimination);
	struct mceliece_elimination_strip *strip = allocate(sizeof *strip);
	bool regular = true;

	for (unsigned s = 0; regular && s < MCELIECE_ELIMINATION_SQUARE_STRIPS; s++) {
		for (size_t i = 0; i < ROWS; i++)
			memcpy(strip->row[i], m->row[i] + s * STRIP_WORDS, sizeof strip->row[i]);
		regular = mceliece_elimination_factor(elimination, strip, s);
	}
	for (size_t i = 0; i < ROWS; i++)
		memcpy(strip->row[i], m->row[i] + PANELS, sizeof strip->row[i]);
	if (regular != naive_systematic(m))
		fail_msg("%s: is %s", name, regular ? "singular" : "regular");
	if (regular) {
		mceliece_elimination_solve(elimination, strip);
		for (size_t i = 0; i < ROWS; i++)
			if (memcmp(strip->row[i], m->row[i] + PANELS, sizeof strip->row[i]) != 0)
				fail_msg("%s: row %zu differs", name, i);
	}
	free(strip);
	free(elimination);
	return regular;
}

static void fill_randomly(struct matrix *m)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t w = 0; w < ALL_WORDS; w++)
			m->row[i][w] = random_u64();
}

static void test_elimination_of_random_matrices(void **state)
{
	struct matrix *m = allocate(sizeof *m);
	int regular = 0;
	int singular = 0;

	(void)state;
	for (int i = 0; i < 100 && (regular < 3 || singular < 3); i++) {
		fill_randomly(m);
		if (check_elimination(m, "random matrix"))
			regular++;
		else
			singular++;
	}
	assert_true(regular >= 3 && singular >= 3);
	free(m);
}

/* A random invertible matrix: the product of a lower and an upper triangle. */
static void fill_invertibly(struct matrix *m)
{
	struct matrix *upper = allocate(sizeof *upper);

	fill_randomly(upper);
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t w = 0; w < i / 64; w++)
			upper->row[i][w] = 0;
		upper->row[i][i / 64] &= ~(uint64_t)0 << i % 64;
		upper->row[i][i / 64] |= (uint64_t)1 << i % 64;
	}
	*m = *upper;
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t k = 0; k < i; k++) {
			if ((random_u64() & 1) == 0)
				continue;
			for (size_t w = 0; w < ALL_WORDS; w++)
				m->row[i][w] ^= upper->row[k][w];
		}
	}
	free(upper);
}

static void test_elimination_of_made_matrices(void **state)
{
	/* Where a defect sits: ends and middles of panels and of strips. */
	static const size_t places[] = { 0, 1, 63, 64, 127, 255, 256, 700, ROWS - 65, ROWS - 2, ROWS - 1 };
	struct matrix *base = allocate(sizeof *base);
	struct matrix *m = allocate(sizeof *m);
	size_t count = sizeof places / sizeof *places;

	(void)state;
	fill_invertibly(base);
	*m = *base;
	assert_true(check_elimination(m, "invertible matrix"));

	for (size_t i = 0; i < count; i++) {
		size_t place = places[i];

		*m = *base;
		for (size_t k = 0; k < ROWS; k++)
			m->row[k][place / 64] &= ~((uint64_t)1 << place % 64);
		assert_false(check_elimination(m, "matrix with a zero column"));

		*m = *base;
		memcpy(m->row[place], m->row[places[(i + 1) % count]], sizeof m->row[place]);
		assert_false(check_elimination(m, "matrix with a row twice"));

		*m = *base;
		memset(m->row[place], 0, sizeof m->row[place]);
		assert_false(check_elimination(m, "matrix with a zero row"));
	}

	/* Pivots that stand as far below as the window of 64 further rows reaches. */
	fill_randomly(m);
	for (size_t i = 0; i < ROWS; i++) {
		size_t column = i ^ 64;

		memset(m->row[i], 0, PANELS * sizeof m->row[i][0]);
		m->row[i][column / 64] = (uint64_t)1 << column % 64;
	}
	assert_true(check_elimination(m, "swapped panels"));
	free(m);
	free(base);
}

/* --- Goppa polynomial and parity check matrix --- */

#define DEGREE MCELIECE_T

static uint16_t gf_multiply(uint16_t a, uint16_t b)
{
	uint32_t product = 0;

	for (int i = 12; i >= 0; i--) {
		product <<= 1;
		if ((product & 0x2000) != 0)
			product ^= 0x201b;
		if ((b >> i & 1) != 0)
			product ^= a;
	}
	return (uint16_t)product;
}

/* out = a b mod y^96 + y^10 + y^9 + y^6 + 1; out may be a or b. */
static void ring_multiply(uint16_t out[static DEGREE], const uint16_t a[static DEGREE],
                          const uint16_t b[static DEGREE])
{
	uint16_t product[2 * DEGREE] = { 0 };

	for (size_t i = 0; i < DEGREE; i++)
		for (size_t j = 0; j < DEGREE; j++)
			product[i + j] ^= gf_multiply(a[i], b[j]);
	for (size_t i = 2 * DEGREE - 1; i >= DEGREE; i--) {
		product[i - DEGREE] ^= product[i];
		product[i - DEGREE + 6] ^= product[i];
		product[i - DEGREE + 9] ^= product[i];
		product[i - DEGREE + 10] ^= product[i];
	}
	memcpy(out, product, DEGREE * sizeof *out);
}

static bool minimal_polynomial(uint16_t g[static DEGREE], const uint16_t beta[static DEGREE])
{
	struct mceliece_goppa_scratch *scratch = allocate(sizeof *scratch);
	uint64_t found = mceliece_goppa_minimal_polynomial(g, beta, scratch);

	assert_true(found == 0 || found == UINT64_MAX);
	free(scratch);
	return found != 0;
}

static void test_minimal_polynomial(void **state)
{
	static const uint16_t zero[DEGREE];

	(void)state;
	for (int i = 0; i < 10; i++) {
		uint16_t beta[DEGREE];
		uint16_t g[DEGREE];
		uint16_t value[DEGREE] = { 1 }; /* of the polynomial at beta, from the top */

		for (size_t k = 0; k < DEGREE; k++)
			beta[k] = (uint16_t)(random_u64() & 0x1fff);
		assert_true(minimal_polynomial(g, beta));
		for (size_t k = DEGREE; k-- > 0;) {
			ring_multiply(value, value, beta);
			value[0] ^= g[k];
		}
		assert_memory_equal(value, zero, sizeof zero);
	}
}

static void test_minimal_polynomial_of_chosen_elements(void **state)
{
	uint16_t expected[DEGREE] = { [0] = 1, [6] = 1, [9] = 1, [10] = 1 };
	uint16_t beta[DEGREE] = { 0 };
	uint16_t power[DEGREE];
	uint16_t product[DEGREE];
	uint16_t g[DEGREE];

	(void)state;
	assert_false(minimal_polynomial(g, beta)); /* 0 */
	beta[0] = 1;
	assert_false(minimal_polynomial(g, beta)); /* 1 */
	beta[0] = 0x1234;
	assert_false(minimal_polynomial(g, beta)); /* in GF(2^13) */
	beta[0] = 0;
	beta[1] = 1;
	assert_true(minimal_polynomial(g, beta)); /* y, whose minimal polynomial makes the ring */
	assert_memory_equal(g, expected, sizeof expected);

	/* The product of the conjugates b and b^(q^48) is in the subfield of degree 48. */
	for (size_t i = 0; i < DEGREE; i++)
		beta[i] = power[i] = (uint16_t)(random_u64() & 0x1fff);
	for (int i = 0; i < 13 * 48; i++)
		ring_multiply(power, power, power);
	ring_multiply(product, power, beta);
	assert_true(minimal_polynomial(g, beta));
	assert_false(minimal_polynomial(g, product));
}

static void test_columns(void **state)
{
	struct mceliece_elimination_strip *strip = allocate(sizeof *strip);
	uint8_t *sk = read_key("alice", "sk", SK_BYTES);
	uint16_t points[64];
	uint16_t g[DEGREE];

	(void)state;
	for (size_t i = 0; i < DEGREE; i++)
		g[i] = (uint16_t)(sk[SK_GOPPA_OFFSET + 2 * i] | sk[SK_GOPPA_OFFSET + 2 * i + 1] << 8);
	for (size_t j = 0; j < 64; j++)
		points[j] = (uint16_t)(j < 2 ? j : random_u64() & 0x1fff);
	for (unsigned word = 0; word < STRIP_WORDS; word++) {
		memset(strip, 0xa5, sizeof *strip);
		mceliece_goppa_columns(strip, word, g, points);
		for (size_t j = 0; j < 64; j++) {
			uint16_t value = 1;        /* g(a) */
			uint16_t expected[DEGREE]; /* g(a) times the column: the powers of a */
			uint16_t power = 1;

			for (size_t i = DEGREE; i-- > 0;)
				value = gf_multiply(value, points[j]) ^ g[i];
			for (size_t i = 0; i < DEGREE; i++, power = gf_multiply(power, points[j]))
				expected[i] = power;
			for (size_t i = 0; i < DEGREE; i++) {
				uint16_t entry = 0;

				for (size_t b = 0; b < 13; b++)
					entry |= (uint16_t)((strip->row[13 * i + b][word] >> j & 1) << b);
				assert_int_equal(gf_multiply(entry, value), expected[i]);
			}
		}
		for (size_t i = 0; i < ROWS; i++)
			for (unsigned w = 0; w < STRIP_WORDS; w++)
				if (w != word || i >= 13 * DEGREE)
					assert_int_equal(strip->row[i][w], 0xa5a5a5a5a5a5a5a5);
	}
	free(sk);
	free(strip);
}

/* --- key generation --- */

struct keys {
	uint8_t *pk;
	uint8_t *sk;
	uint8_t *scratch;
};

static struct keys allocate_keys(void)
{
	return (struct keys){
		.pk = allocate(PK_BYTES),
		.sk = allocate(SK_BYTES),
		.scratch = allocate(mceliece460896_keygen_scratch_bytes()),
	};
}

static void free_keys(struct keys *keys)
{
	free(keys->pk);
	free(keys->sk);
	free(keys->scratch);
}

static void assert_all_bytes(const uint8_t *p, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != value)
			fail_msg("byte %zu of %zu is %02x, not %02x", i, len, p[i], value);
}

static void expect_stored_keys(const struct keys *keys, const char *name)
{
	uint8_t *pk = read_key(name, "pk", PK_BYTES);
	uint8_t *sk = read_key(name, "sk", SK_BYTES);

	assert_memory_equal(keys->pk, pk, PK_BYTES);
	assert_memory_equal(keys->sk, sk, SK_BYTES);
	assert_all_bytes(keys->scratch, mceliece460896_keygen_scratch_bytes(), 0);
	free(sk);
	free(pk);
}

static void read_hex(uint8_t out[static SEED_BYTES], const char *hex)
{
	assert_int_equal(strlen(hex), 2 * SEED_BYTES);
	for (size_t i = 0; i < SEED_BYTES; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		char *end;

		out[i] = (uint8_t)strtoul(digits, &end, 16);
		assert_ptr_equal(end, digits + 2);
	}
}

static void test_keygen_vectors(void **state)
{
	json_t *root = json_load_file(VECTORS_FILE, 0, NULL);
	json_t *tests = json_object_get(root, "keygen");

	(void)state;
	assert_int_equal(json_array_size(tests), 3);
	for (size_t i = 0; i < json_array_size(tests); i++) {
		const json_t *test = json_array_get(tests, i);
		const char *name = json_string_value(json_object_get(test, "name"));
		struct keys keys = allocate_keys();
		uint8_t seed[SEED_BYTES];

		read_hex(seed, json_string_value(json_object_get(test, "seed")));
		mceliece460896_keygen_from_seed(keys.pk, keys.sk, seed, keys.scratch);
		expect_stored_keys(&keys, name);

		/* The seed in the key is the one that succeeded: it makes the same key. */
		memcpy(seed, keys.sk, SEED_BYTES);
		mceliece460896_keygen_from_seed(keys.pk, keys.sk, seed, keys.scratch);
		expect_stored_keys(&keys, name);
		free_keys(&keys);
	}
	json_decref(root);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * The seed 4, 0, 0 ... was searched for: its field ordering repeats a value and all else
 * would give a key. The key has to be that of the next seed.
 */
static void test_repeated_ordering_value_is_rejected(void **state)
{
	static const size_t expanded_bytes = 33568;
	uint8_t in[1 + SEED_BYTES] = { 64, 4 };
	uint8_t *expanded = allocate(expanded_bytes);
	uint32_t *ordering = allocate(MCELIECE_Q * sizeof *ordering);
	struct keys keys = allocate_keys();
	struct keys next = allocate_keys();
	int repeated = 0;

	(void)state;
	keccak_shake256(expanded, expanded_bytes, in, sizeof in);
	for (size_t i = 0; i < MCELIECE_Q; i++)
		ordering[i] = mceliece_bytes_load_u32(expanded + MCELIECE_ERROR_BYTES + 4 * i);
	qsort(ordering, MCELIECE_Q, sizeof *ordering, compare_u32);
	for (size_t i = 1; i < MCELIECE_Q; i++)
		repeated += ordering[i] == ordering[i - 1];
	assert_int_equal(repeated, 1);

	mceliece460896_keygen_from_seed(keys.pk, keys.sk, in + 1, keys.scratch);
	mceliece460896_keygen_from_seed(next.pk, next.sk, expanded + expanded_bytes - SEED_BYTES,
	                                next.scratch);
	assert_memory_not_equal(keys.sk, in + 1, SEED_BYTES);
	assert_memory_equal(keys.sk, next.sk, SK_BYTES);
	assert_memory_equal(keys.pk, next.pk, PK_BYTES);
	free_keys(&next);
	free_keys(&keys);
	free(ordering);
	free(expanded);
}

static int fill_from_context(void *context, uint8_t *out, size_t out_len)
{
	assert_int_equal(out_len, SEED_BYTES);
	memcpy(out, context, out_len);
	return 0;
}

static int fill_and_fail(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	memset(out, 0x77, out_len);
	return 1;
}

static void test_keygen_from_random_source(void **state)
{
	uint8_t *stored = read_key("bob", "sk", SK_BYTES);
	struct random_source random = { .fill = fill_from_context, .context = stored };
	struct keys keys = allocate_keys();

	(void)state;
	assert_int_equal(mceliece460896_keygen(keys.pk, keys.sk, keys.scratch, &random), 0);
	expect_stored_keys(&keys, "bob");
	free_keys(&keys);
	free(stored);
}

static void test_failing_source_writes_nothing(void **state)
{
	struct random_source random = { .fill = fill_and_fail };
	struct keys keys = allocate_keys();

	(void)state;
	assert_int_equal(mceliece460896_keygen(keys.pk, keys.sk, keys.scratch, &random), -1);
	assert_all_bytes(keys.pk, PK_BYTES, 0xa5);
	assert_all_bytes(keys.sk, SK_BYTES, 0xa5);
	assert_all_bytes(keys.scratch, mceliece460896_keygen_scratch_bytes(), 0xa5);
	free_keys(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_zeros_and_ones),
		cmocka_unit_test(test_control_bits),
		cmocka_unit_test(test_control_bits_of_stored_keys),
		cmocka_unit_test(test_elimination_of_random_matrices),
		cmocka_unit_test(test_elimination_of_made_matrices),
		cmocka_unit_test(test_minimal_polynomial),
		cmocka_unit_test(test_minimal_polynomial_of_chosen_elements),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_keygen_vectors),
		cmocka_unit_test(test_repeated_ordering_value_is_rejected),
		cmocka_unit_test(test_keygen_from_random_source),
		cmocka_unit_test(test_failing_source_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
