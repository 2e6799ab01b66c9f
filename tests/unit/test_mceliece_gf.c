#include "crypto/mceliece460896/gf.h"

#include "fixture.h"

#define Q MCELIECE_Q
#define RANDOM_VECTORS 200

typedef struct mceliece_gf_vec gf_vec;

static uint16_t random_element(uint64_t *state)
{
	return (uint16_t)fixture_below(state, Q);
}

/* By long division, and with no care for time. */
static uint16_t slow_mul(uint16_t a, uint16_t b)
{
	uint32_t product = 0;

	for (int i = 0; i < 13; i++) {
		if (b >> i & 1)
			product ^= (uint32_t)a << i;
	}
	for (int i = 24; i >= 13; i--) {
		if (product >> i & 1)
			product ^= (uint32_t)(1 << 13 | 1 << 4 | 1 << 3 | 1 << 1 | 1) << (i - 13);
	}
	return (uint16_t)product;
}

static void test_mul(void **state)
{
	uint64_t random = 1;

	(void)state;
	assert_int_equal(mceliece_gf_mul(1 << 12, 2), 0x1b);
	for (uint32_t a = 0; a < Q; a++) {
		const uint16_t others[] = { 0, 1, 2, Q / 2, Q - 1, (uint16_t)a, random_element(&random) };

		for (size_t i = 0; i < FIXTURE_COUNT(others); i++) {
			if (mceliece_gf_mul((uint16_t)a, others[i]) != slow_mul((uint16_t)a, others[i]))
				fail_msg("%u times %u", a, others[i]);
		}
	}
}

static void test_field_laws(void **state)
{
	uint64_t random = 2;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		uint16_t a = random_element(&random);
		uint16_t b = random_element(&random);
		uint16_t c = random_element(&random);

		assert_int_equal(mceliece_gf_mul(a, b), mceliece_gf_mul(b, a));
		assert_int_equal(mceliece_gf_mul(mceliece_gf_mul(a, b), c),
		                 mceliece_gf_mul(a, mceliece_gf_mul(b, c)));
		assert_int_equal(mceliece_gf_mul(a, b ^ c), mceliece_gf_mul(a, b) ^ mceliece_gf_mul(a, c));
	}
}

static void test_every_inverse(void **state)
{
	(void)state;
	assert_int_equal(mceliece_gf_inv(0), 0);
	for (uint16_t a = 1; a < Q; a++) {
		if (mceliece_gf_inv(a) >= Q || slow_mul(a, mceliece_gf_inv(a)) != 1)
			fail_msg("%u is not the inverse of %u", mceliece_gf_inv(a), a);
	}
}

static void test_reverse_bits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 13; i++)
		assert_int_equal(mceliece_gf_reverse_bits((uint16_t)(1U << i)), 1U << (12 - i));
	for (uint16_t a = 0; a < Q; a++)
		assert_int_equal(mceliece_gf_reverse_bits(mceliece_gf_reverse_bits(a)), a);
	assert_int_equal(mceliece_gf_reverse_bits(0x0016), 0x0d00);
}

static void test_load(void **state)
{
	const unsigned counts[] = { 0, 1, 33, 63, 64 };
	uint16_t elements[64];
	uint64_t random = 3;

	(void)state;
	for (size_t n = 0; n < FIXTURE_COUNT(counts); n++) {
		gf_vec v;

		for (int i = 0; i < 64; i++)
			elements[i] = random_element(&random);
		memset(&v, 0xff, sizeof v);
		mceliece_gf_vec_load(&v, elements, counts[n]);
		for (unsigned i = 0; i < 64; i++)
			assert_int_equal(mceliece_gf_vec_element(&v, i), i < counts[n] ? elements[i] : 0);
	}
}

/* Four vectors and their elements. */
struct operands {
	gf_vec v[4];
	uint16_t element[4][64];
};

static void draw(struct operands *x, uint64_t *random)
{
	for (int n = 0; n < 4; n++) {
		for (int i = 0; i < 64; i++)
			x->element[n][i] = random_element(random);
		/* 0 and 1 are there, and meet each other. */
		x->element[n][n] = 0;
		x->element[n][4 + n] = 1;
		mceliece_gf_vec_load(&x->v[n], x->element[n], 64);
	}
}

static void mul(gf_vec *out, const struct operands *x)
{
	mceliece_gf_vec_mul(out, &x->v[0], &x->v[1]);
}

static void mul_over_first(gf_vec *out, const struct operands *x)
{
	*out = x->v[0];
	mceliece_gf_vec_mul(out, out, &x->v[1]);
}

static void mul_over_second(gf_vec *out, const struct operands *x)
{
	*out = x->v[1];
	mceliece_gf_vec_mul(out, &x->v[0], out);
}

static uint16_t expected_mul(const uint16_t a[4])
{
	return slow_mul(a[0], a[1]);
}

static void mul_over_both(gf_vec *out, const struct operands *x)
{
	*out = x->v[0];
	mceliece_gf_vec_mul(out, out, out);
}

static void sqr(gf_vec *out, const struct operands *x)
{
	mceliece_gf_vec_sqr(out, &x->v[0]);
}

static void sqr_over_input(gf_vec *out, const struct operands *x)
{
	*out = x->v[0];
	mceliece_gf_vec_sqr(out, out);
}

static uint16_t expected_sqr(const uint16_t a[4])
{
	return slow_mul(a[0], a[0]);
}

static void mul_add(gf_vec *out, const struct operands *x)
{
	*out = x->v[2];
	mceliece_gf_vec_mul_add(out, &x->v[0], &x->v[1]);
}

static uint16_t expected_mul_add(const uint16_t a[4])
{
	return a[2] ^ slow_mul(a[0], a[1]);
}

static void mul_sum(gf_vec *out, const struct operands *x)
{
	mceliece_gf_vec_mul_sum(out, &x->v[0], &x->v[1], &x->v[2], &x->v[3]);
}

static void mul_sum_over_last(gf_vec *out, const struct operands *x)
{
	*out = x->v[3];
	mceliece_gf_vec_mul_sum(out, &x->v[0], &x->v[1], &x->v[2], out);
}

static uint16_t expected_mul_sum(const uint16_t a[4])
{
	return slow_mul(a[0], a[1]) ^ slow_mul(a[2], a[3]);
}

static void inv(gf_vec *out, const struct operands *x)
{
	mceliece_gf_vec_inv(out, &x->v[0]);
}

static void inv_over_input(gf_vec *out, const struct operands *x)
{
	*out = x->v[0];
	mceliece_gf_vec_inv(out, out);
}

static uint16_t expected_inv(const uint16_t a[4])
{
	return mceliece_gf_inv(a[0]);
}

static void add_to(gf_vec *out, const struct operands *x)
{
	*out = x->v[0];
	mceliece_gf_vec_add_to(out, &x->v[1]);
}

static uint16_t expected_add_to(const uint16_t a[4])
{
	return a[0] ^ a[1];
}

static void set_all(gf_vec *out, const struct operands *x)
{
	gf_vec factor;

	mceliece_gf_vec_set_all(&factor, 0x1234);
	mceliece_gf_vec_mul(out, &factor, &x->v[0]);
}

static uint16_t expected_set_all(const uint16_t a[4])
{
	return slow_mul(0x1234, a[0]);
}

static const struct {
	const char *name;
	void (*run)(gf_vec *out, const struct operands *x);
	uint16_t (*expected)(const uint16_t a[4]);
} operations[] = {
	{ "mul", mul, expected_mul },
	{ "mul over the first factor", mul_over_first, expected_mul },
	{ "mul over the second factor", mul_over_second, expected_mul },
	{ "mul over both factors", mul_over_both, expected_sqr },
	{ "sqr", sqr, expected_sqr },
	{ "sqr over its input", sqr_over_input, expected_sqr },
	{ "mul_add", mul_add, expected_mul_add },
	{ "mul_sum", mul_sum, expected_mul_sum },
	{ "mul_sum over an input", mul_sum_over_last, expected_mul_sum },
	{ "inv", inv, expected_inv },
	{ "inv over its input", inv_over_input, expected_inv },
	{ "add_to", add_to, expected_add_to },
	{ "set_all", set_all, expected_set_all },
};

static void test_vectors_of_elements(void **state)
{
	uint64_t random = 4;

	(void)state;
	for (int n = 0; n < RANDOM_VECTORS; n++) {
		struct operands x;

		draw(&x, &random);
		for (size_t k = 0; k < FIXTURE_COUNT(operations); k++) {
			gf_vec out;

			operations[k].run(&out, &x);
			for (unsigned i = 0; i < 64; i++) {
				uint16_t a[4];

				for (int m = 0; m < 4; m++)
					a[m] = x.element[m][i];
				if (mceliece_gf_vec_element(&out, i) != operations[k].expected(a))
					fail_msg("%s: element %u of vector %d", operations[k].name, i, n);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mul),           cmocka_unit_test(test_field_laws),
		cmocka_unit_test(test_every_inverse), cmocka_unit_test(test_reverse_bits),
		cmocka_unit_test(test_load),          cmocka_unit_test(test_vectors_of_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
