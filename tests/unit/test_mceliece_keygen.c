/* McEliece key generation: the Goppa polynomial, the parity check matrix, whole keys. */

#include "mceliece_fixture.h"

#define ROWS MCELIECE_ELIMINATION_ROWS
#define STRIP_WORDS MCELIECE_ELIMINATION_STRIP_WORDS

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
