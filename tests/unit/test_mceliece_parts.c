/* The parts of McEliece key generation: sorting, control bits, elimination. */

#include "crypto/mceliece460896/backend.h"
#include "mceliece_fixture.h"

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
static void check_sort(const struct mceliece_backend *backend, int64_t (*pattern)(size_t, size_t, int64_t),
                       size_t len, size_t lanes)
{
	static int32_t narrow[SORT_MAX];
	static int64_t work[SORT_MAX + MCELIECE_SORT_EXTRA];
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
	backend->sort_u31(narrow, len, lanes, (int32_t *)work);
	for (size_t s = 0; s < lanes; s++)
		for (size_t j = 0; j < list_len; j++)
			if (narrow[j * lanes + s] != expected[s * list_len + j])
				fail_msg("%s, length %zu, lanes %zu: list %zu differs at %zu", backend->name,
				         len, lanes, s, j);

	if (lanes != 1)
		return;
	for (size_t i = 0; i < len; i++)
		expected[i] = wide[i] = pattern(i, len, INT64_MAX);
	qsort(expected, len, sizeof *expected, compare_i64);
	backend->sort_u63(wide, len, work);
	assert_memory_equal(wide, expected, len * sizeof *wide);
}

static void check_sorts(const struct mceliece_backend *backend, size_t least)
{
	for (size_t i = 0; i < sizeof sort_patterns / sizeof *sort_patterns; i++)
		for (size_t len = least; len <= SORT_MAX; len *= 2)
			for (size_t lanes = 1; lanes < len; lanes *= 2)
				check_sort(backend, sort_patterns[i], len, lanes);
	for (size_t i = 0; i < 100; i++)
		check_sort(backend, sort_random, SORT_MAX, 1);
}

static void test_sort(void **state)
{
	const struct mceliece_backend portable = { .name = "portable",
		                                   .sort_u31 = mceliece_sort_u31,
		                                   .sort_u63 = mceliece_sort_u63 };

	(void)state;
	check_sorts(&portable, 8);
	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		if (mceliece_backends[i]->is_supported())
			check_sorts(mceliece_backends[i], 64);
	}
}

/* All inputs of up to two steps from zero to one or back, at all places: all that a last merge can see. */
static void test_sort_steps(void **state)
{
	enum {
		LENGTH = 64
	};

	(void)state;
	for (size_t b = 0; mceliece_backends[b] != NULL; b++) {
		for (int n = 0; n < LENGTH * LENGTH && mceliece_backends[b]->is_supported(); n++) {
			int32_t narrow[LENGTH];
			int64_t wide[LENGTH];
			int64_t work[LENGTH + MCELIECE_SORT_EXTRA];
			int first = n / LENGTH;
			int second = n % LENGTH;
			int zeros = 0;

			for (int i = 0; i < LENGTH; i++) {
				wide[i] = narrow[i] = (i >= first) ^ (i >= second);
				zeros += narrow[i] == 0;
			}
			mceliece_backends[b]->sort_u31(narrow, LENGTH, 1, (int32_t *)work);
			mceliece_backends[b]->sort_u63(wide, LENGTH, work);
			for (int i = 0; i < LENGTH; i++)
				assert_true(narrow[i] == (i >= zeros) && wide[i] == (i >= zeros));
		}
	}
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
		mceliece_sort_u63(wide, 16, wide);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_steps),
		cmocka_unit_test(test_sort_zeros_and_ones),
		cmocka_unit_test(test_control_bits),
		cmocka_unit_test(test_control_bits_of_stored_keys),
		cmocka_unit_test(test_elimination_of_random_matrices),
		cmocka_unit_test(test_elimination_of_made_matrices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
