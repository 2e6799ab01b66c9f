#include "fixture.h"

#include <pthread.h>
#include <sys/mman.h>

#include "crypto/blake2b.h"
#include "crypto/blake2b_blocks.h"
#include "crypto/bytes.h"
#include "crypto/ct.h"
#include "crypto/keccak.h"
#include "crypto/keyed_hash.h"
#include "crypto/kyber512.h"
#include "crypto/kyber512_backend.h"
#include "crypto/kyber512_indcpa.h"
#include "crypto/kyber512_ntt.h"
#include "crypto/kyber512_poly.h"
#include "crypto/kyber512_sample.h"
#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/backend.h"
#include "crypto/mceliece460896/encapsulate.h"
#include "crypto/mceliece460896/encapsulate_parts.h"
#include "crypto/mceliece460896/params.h"
#include "crypto/mceliece460896/secret_key.h"

/*
 * What is left on the stack by functions that hold secrets. Each runs in a thread of its own, whose whole
 * stack is searched afterwards for pieces of the secrets. Single words may be left where the compiler kept a
 * register; a piece of this length is an array that was not wiped.
 */
#define STACK_BYTES ((size_t)256 * 1024)
#define THREAD_EXIT_BYTES ((size_t)16 * 1024)
#define PIECE_BYTES 24
/* Where a permutation has more words than there are registers, some of them stay in its frame. */
#define STATE_PIECE_BYTES 64
/* The bits of an error vector are few: a piece has to have some of them. */
#define ERROR_PIECE_BYTES 40
#define NONZERO_BYTES 4

struct thread {
	void (*run)(void);
};

/* Keep run()'s frame away from the thread's first one, which the C library overwrites as the thread ends. */
static void *begin(void *context)
{
	uint8_t room[THREAD_EXIT_BYTES];

	/* Neither is the array left out, nor the call made a jump. */
	__asm__ volatile("" : : "r"(room) : "memory");
	((struct thread *)context)->run();
	__asm__ volatile("" : : "r"(room) : "memory");
	return NULL;
}

/* The stack as it is after run() has returned. */
static const uint8_t *stack_after(void (*run)(void))
{
	static uint8_t *stack;
	struct thread thread = { run };
	pthread_attr_t attributes;
	pthread_t id;

	if (stack == NULL)
		stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(stack, MAP_FAILED);
	memset(stack, 0, STACK_BYTES);
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_BYTES), 0);
	assert_int_equal(pthread_create(&id, &attributes, begin, &thread), 0);
	assert_int_equal(pthread_join(id, NULL), 0);
	assert_int_equal(pthread_attr_destroy(&attributes), 0);
	return stack;
}

/* Plain loops: the address sanitizer marks parts of a stack that was left, and knows memcmp(). */
__attribute__((no_sanitize("address"))) static bool is_at(const uint8_t *at, const uint8_t *piece,
                                                          size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (((const volatile uint8_t *)at)[i] != piece[i])
			return false;
	}
	return true;
}

static size_t count_nonzero(const uint8_t *bytes, size_t count)
{
	size_t nonzero = 0;

	for (size_t i = 0; i < count; i++)
		nonzero += bytes[i] != 0;
	return nonzero;
}

static bool holds(const uint8_t *stack, const void *secret, size_t secret_bytes, size_t piece_bytes)
{
	const uint8_t *bytes = secret;

	for (size_t from = 0; from + piece_bytes <= secret_bytes; from += 4) {
		if (count_nonzero(bytes + from, piece_bytes) < NONZERO_BYTES)
			continue;
		for (size_t at = 0; at + piece_bytes <= STACK_BYTES; at++) {
			if (is_at(stack + at, bytes + from, piece_bytes))
				return true;
		}
	}
	return false;
}

#define ASSERT_GONE(stack, secret) assert_false(holds((stack), (secret), sizeof(secret), PIECE_BYTES))

/* --- a function that wipes nothing is found out ---------------------------------------- */

static uint8_t spilled[64];

static void spill(void)
{
	volatile uint8_t copy[sizeof spilled];

	for (size_t i = 0; i < sizeof copy; i++)
		copy[i] = spilled[i];
}

static void test_search(void **state)
{
	uint64_t numbers = 1;
	const uint8_t *stack;

	(void)state;
	fixture_fill(&numbers, spilled, sizeof spilled);
	stack = stack_after(spill);
#if !defined(__clang__) || !defined(__has_feature)
	assert_true(holds(stack, spilled, sizeof spilled, PIECE_BYTES));
#elif !__has_feature(address_sanitizer)
	/* clang's address sanitizer has such arrays elsewhere: there, nothing of this can be seen. */
	assert_true(holds(stack, spilled, sizeof spilled, PIECE_BYTES));
#endif
	fixture_fill(&numbers, spilled, sizeof spilled);
	assert_false(holds(stack, spilled, sizeof spilled, PIECE_BYTES));
}

/* --- hashes ---------------------------------------------------------------------------- */

static uint8_t hash_key[KEYED_HASH_KEY_BYTES];
static uint8_t hash_data[300];
static uint8_t hash_out[KEYED_HASH_OUT_BYTES];

static void hash_with_blake2b(void)
{
	keyed_hash(KEYED_HASH_BLAKE2B, hash_out, hash_key, hash_data, sizeof hash_data);
}

static void hash_with_shake256(void)
{
	keyed_hash(KEYED_HASH_SHAKE256, hash_out, hash_key, hash_data, sizeof hash_data);
}

static uint64_t hash_state[8];
static blake2b_blocks_fn *hash_blocks;

static void hash_all_blocks(void)
{
	hash_blocks(hash_state, hash_data, sizeof hash_data / BLAKE2B_BLOCK_BYTES, BLAKE2B_BLOCK_BYTES);
}

/* Both that are there: the one in C, and that of the CPU. */
static void test_blake2b_blocks(void **state)
{
	static blake2b_blocks_fn *const all[] = { blake2b_blocks_c, blake2b_blocks };
	uint64_t numbers = 12;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const uint8_t *stack;

		fixture_fill(&numbers, hash_data, sizeof hash_data);
		fixture_fill(&numbers, (uint8_t *)hash_state, sizeof hash_state);
		hash_blocks = all[i];
		stack = stack_after(hash_all_blocks);
		assert_false(holds(stack, hash_data, sizeof hash_data, STATE_PIECE_BYTES));
		assert_false(holds(stack, hash_state, sizeof hash_state, STATE_PIECE_BYTES));
	}
}

static void test_keyed_hash(void **state)
{
	uint8_t inner_key[BLAKE2B_KEY_BYTES];
	uint8_t outer_key[BLAKE2B_KEY_BYTES];
	uint8_t inner[BLAKE2B_OUT_BYTES];
	struct keccak_shake shake;
	uint64_t numbers = 2;
	const uint8_t *stack;

	(void)state;
	fixture_fill(&numbers, hash_key, sizeof hash_key);
	fixture_fill(&numbers, hash_data, sizeof hash_data);
	for (size_t i = 0; i < sizeof hash_key; i++) {
		inner_key[i] = hash_key[i] ^ 0x36;
		outer_key[i] = hash_key[i] ^ 0x5c;
	}
	blake2b_keyed(inner, inner_key, hash_data, sizeof hash_data);
	stack = stack_after(hash_with_blake2b);
	ASSERT_GONE(stack, hash_key);
	ASSERT_GONE(stack, inner_key);
	ASSERT_GONE(stack, outer_key);
	ASSERT_GONE(stack, inner);
	ASSERT_GONE(stack, hash_out);

	keccak_shake256_init(&shake);
	keccak_shake_absorb(&shake, hash_key, sizeof hash_key);
	keccak_shake_absorb(&shake, hash_data, sizeof hash_data);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, hash_out, sizeof hash_out);
	stack = stack_after(hash_with_shake256);
	assert_false(holds(stack, shake.state, sizeof shake.state, STATE_PIECE_BYTES));
}

/* --- Kyber ----------------------------------------------------------------------------- */

static struct {
	struct fixture_random random;
	uint8_t pk[KYBER512_PUBLIC_KEY_BYTES];
	uint8_t sk[KYBER512_SECRET_KEY_BYTES];
	uint8_t ct[KYBER512_CIPHERTEXT_BYTES];
	uint8_t ss[KYBER512_SHARED_SECRET_BYTES];
	int result;
} kyber;

static void kyber_keygen(void)
{
	struct random_source source = fixture_random_source(&kyber.random);

	kyber.result = kyber512_keygen(kyber.pk, kyber.sk, &source);
}

static void kyber_encapsulate(void)
{
	struct random_source source = fixture_random_source(&kyber.random);

	kyber.result = kyber512_encapsulate(kyber.ct, kyber.ss, kyber.pk, &source);
}

static void kyber_decapsulate(void)
{
	kyber512_decapsulate(kyber.ss, kyber.ct, kyber.sk);
}

/* Alone: in a decapsulation the encryption that follows writes over what this one leaves. */
static void kyber_decrypt(void)
{
	uint8_t message[KYBER512_MESSAGE_BYTES];

	kyber512_indcpa_decrypt(message, kyber.ct, kyber.sk);
	ct_wipe(message, sizeof message);
}

/* What the source gives next. */
static void next_random(const struct fixture_random *random, uint8_t *out, size_t out_len)
{
	uint64_t numbers = random->state;

	fixture_fill(&numbers, out, out_len);
}

static void test_kyber_keygen(void **state)
{
	uint8_t seed[KYBER512_KEYGEN_SEED_BYTES];
	uint8_t seeds[KECCAK_SHA3_512_BYTES];
	const uint8_t *stack;

	(void)state;
	kyber.random = (struct fixture_random){ .state = 3 };
	next_random(&kyber.random, seed, sizeof seed);
	keccak_sha3_512(seeds, seed, KYBER512_SEED_BYTES);
	stack = stack_after(kyber_keygen);
	assert_int_equal(kyber.result, 0);
	ASSERT_GONE(stack, seed);
	assert_false(holds(stack, seeds + KYBER512_SEED_BYTES, KYBER512_SEED_BYTES, PIECE_BYTES));
	assert_false(holds(stack, kyber.sk, KYBER512_INDCPA_SECRET_KEY_BYTES, PIECE_BYTES));
}

/* Nothing of a handshake's secrets, in whichever of both functions. */
static void check_kyber(const uint8_t *stack, const uint8_t seed[static KYBER512_ENCAPSULATE_SEED_BYTES])
{
	uint8_t input[KYBER512_MESSAGE_BYTES + KECCAK_SHA3_256_BYTES];
	uint8_t message[KYBER512_MESSAGE_BYTES];
	uint8_t key[KECCAK_SHA3_512_BYTES];
	struct kyber512_poly secret;

	keccak_sha3_256(message, seed, KYBER512_ENCAPSULATE_SEED_BYTES);
	memcpy(input, message, sizeof message);
	keccak_sha3_256(input + sizeof message, kyber.pk, sizeof kyber.pk);
	keccak_sha3_512(key, input, sizeof input);
	kyber512_poly_from_bytes(&secret, kyber.sk);
	assert_false(holds(stack, seed, KYBER512_ENCAPSULATE_SEED_BYTES, PIECE_BYTES));
	ASSERT_GONE(stack, message);
	ASSERT_GONE(stack, key);
	ASSERT_GONE(stack, secret.coeffs);
	ASSERT_GONE(stack, kyber.ss);
}

static void test_kyber(void **state)
{
	uint8_t seed[KYBER512_ENCAPSULATE_SEED_BYTES];

	(void)state;
	kyber.random = (struct fixture_random){ .state = 4 };
	kyber_keygen();
	next_random(&kyber.random, seed, sizeof seed);
	check_kyber(stack_after(kyber_encapsulate), seed);
	check_kyber(stack_after(kyber_decapsulate), seed);
	check_kyber(stack_after(kyber_decrypt), seed);
}

/* Each backend's operations alone: in a KEM operation, later calls overwrite what these leave. */
static const struct kyber512_backend *kyber_backend;
static uint8_t kyber_message[KYBER512_MESSAGE_BYTES];
static uint8_t kyber_coins[KYBER512_SEED_BYTES];

static void backend_keygen(void)
{
	kyber_backend->keygen(kyber.pk, kyber.sk, kyber_coins);
}

static void backend_encrypt(void)
{
	kyber_backend->encrypt(kyber.ct, kyber_message, kyber.pk, kyber_coins);
}

static void backend_decrypt(void)
{
	kyber_backend->decrypt(kyber_message, kyber.ct, kyber.sk);
}

/* The input of the first noise polynomial, and the polynomial. */
static void assert_no_noise(const uint8_t *stack, const uint8_t *seed)
{
	uint8_t input[KYBER512_SEED_BYTES + 1] = { 0 };
	uint8_t bytes[3 * KYBER512_N / 4];
	struct kyber512_poly poly;

	memcpy(input, seed, KYBER512_SEED_BYTES);
	keccak_shake256(bytes, sizeof bytes, input, sizeof input);
	ASSERT_GONE(stack, bytes);
	kyber512_sample_noise3(&poly, seed, 0);
	kyber512_ntt(&poly);
	ASSERT_GONE(stack, poly.coeffs);
	assert_false(holds(stack, seed, KYBER512_SEED_BYTES, PIECE_BYTES));
}

static void test_kyber_backends(void **state)
{
	uint8_t seeds[KECCAK_SHA3_512_BYTES];
	struct kyber512_poly secret;
	uint64_t numbers = 5;

	(void)state;
	for (size_t i = 0; kyber512_backends[i] != NULL; i++) {
		kyber_backend = kyber512_backends[i];
		if (!kyber_backend->is_supported())
			continue;
		fixture_fill(&numbers, kyber_coins, sizeof kyber_coins);
		keccak_sha3_512(seeds, kyber_coins, KYBER512_SEED_BYTES);
		assert_no_noise(stack_after(backend_keygen), seeds + KYBER512_SEED_BYTES);
		fixture_fill(&numbers, kyber_message, sizeof kyber_message);
		assert_no_noise(stack_after(backend_encrypt), kyber_coins);
		kyber512_poly_from_bytes(&secret, kyber.sk);
		ASSERT_GONE(stack_after(backend_decrypt), secret.coeffs);
	}
}

/* --- McEliece -------------------------------------------------------------------------- */

static struct {
	struct fixture_random random;
	uint8_t pk[MCELIECE460896_PUBLIC_KEY_BYTES];
	uint8_t sk[MCELIECE460896_SECRET_KEY_BYTES];
	uint8_t ct[MCELIECE460896_CIPHERTEXT_188_BYTES];
	uint8_t ss[MCELIECE460896_SHARED_SECRET_BYTES];
	void *scratch;
	int result;
} mceliece;

static void mceliece_keygen(void)
{
	struct random_source source = fixture_random_source(&mceliece.random);

	mceliece.result = mceliece460896_keygen(mceliece.pk, mceliece.sk, mceliece.scratch, &source);
}

static void mceliece_encapsulate(void)
{
	struct random_source source = fixture_random_source(&mceliece.random);

	mceliece.result = mceliece460896_encapsulate(mceliece.ct, sizeof mceliece.ct, mceliece.ss,
	                                             mceliece.pk, &source);
}

static void mceliece_decapsulate(void)
{
	mceliece460896_decapsulate(mceliece.ss, mceliece.ct, sizeof mceliece.ct, mceliece.sk);
}

static const struct mceliece_backend *mceliece_used;
static uint8_t mceliece_error[MCELIECE_ERROR_BYTES];

static void mceliece_decode_alone(void)
{
	mceliece.result =
		mceliece_used->decode(mceliece_error, mceliece.ct, mceliece.sk + MCELIECE_SECRET_KEY_GOPPA,
	                              mceliece.sk + MCELIECE_SECRET_KEY_BENES) != 0
			? 0
			: -1;
}

/* Alone: in a decapsulation, hashes write over what decoding leaves. */
static void check_mceliece_decode(void)
{
	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		const uint8_t *stack;

		mceliece_used = mceliece_backends[i];
		if (!mceliece_used->is_supported())
			continue;
		stack = stack_after(mceliece_decode_alone);
		assert_int_equal(mceliece.result, 0);
		assert_false(holds(stack, mceliece_error, sizeof mceliece_error, ERROR_PIECE_BYTES));
	}
}

static uint8_t mceliece_random[MCELIECE_RANDOM_BYTES];

static void mceliece_encapsulate_parts(void)
{
	uint8_t parities[MCELIECE_SYNDROME_BYTES];

	mceliece_used->place(mceliece_error, mceliece_random);
	mceliece_used->parities(parities, sizeof parities, mceliece.pk, mceliece_error);
}

static void mceliece_parities_alone(void)
{
	uint8_t parities[MCELIECE_SYNDROME_BYTES];

	mceliece_used->parities(parities, sizeof parities, mceliece.pk, mceliece_error);
}

/* Alone, for the same reason. */
static void check_mceliece_encapsulate(void)
{
	uint64_t numbers = 9;

	for (size_t i = 0; mceliece_backends[i] != NULL; i++) {
		void (*const parts[])(void) = { mceliece_encapsulate_parts, mceliece_parities_alone };
		uint16_t drawn[MCELIECE_T];

		mceliece_used = mceliece_backends[i];
		if (!mceliece_used->is_supported())
			continue;
		fixture_fill(&numbers, mceliece_random, sizeof mceliece_random);
		for (unsigned k = 0; k < MCELIECE_T; k++) {
			/* The high 32 bits decide all but a few. */
			uint64_t high = bytes_load64(mceliece_random + 8 * k) >> 32;

			drawn[k] = (uint16_t)(k + (high * (MCELIECE_N - k) >> 32));
		}
		for (size_t part = 0; part < FIXTURE_COUNT(parts); part++) {
			const uint8_t *stack = stack_after(parts[part]);

			assert_false(holds(stack, mceliece_error, sizeof mceliece_error, ERROR_PIECE_BYTES));
			ASSERT_GONE(stack, drawn);
		}
	}
}

static void check_mceliece(const uint8_t *stack, const uint8_t seed[static MCELIECE460896_SEED_BYTES])
{
	static const char label[] = "mceliece460896 error vector";
	uint8_t e[MCELIECE_ERROR_BYTES];
	uint8_t random[8 * MCELIECE_T];
	struct keccak_shake shake;

	mceliece_encapsulate_sample(e, seed);
	keccak_shake256_init(&shake);
	keccak_shake_absorb(&shake, (const uint8_t *)label, sizeof label - 1);
	keccak_shake_absorb(&shake, seed, MCELIECE460896_SEED_BYTES);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, random, sizeof random);
	assert_false(holds(stack, seed, MCELIECE460896_SEED_BYTES, PIECE_BYTES));
	assert_false(holds(stack, e, sizeof e, ERROR_PIECE_BYTES));
	assert_false(holds(stack, random, sizeof random, STATE_PIECE_BYTES));
	assert_false(holds(stack, shake.state, sizeof shake.state, STATE_PIECE_BYTES));
	ASSERT_GONE(stack, mceliece.ss);
}

static void test_mceliece(void **state)
{
	uint8_t seed[MCELIECE460896_SEED_BYTES];
	const uint8_t *stack;

	(void)state;
	mceliece.random = (struct fixture_random){ .state = 5 };
	mceliece.scratch = aligned_alloc(64, (mceliece460896_keygen_scratch_bytes() + 63) / 64 * 64);
	assert_non_null(mceliece.scratch);
	next_random(&mceliece.random, seed, sizeof seed);
	stack = stack_after(mceliece_keygen);
	assert_int_equal(mceliece.result, 0);
	ASSERT_GONE(stack, seed);
	assert_true(fixture_is_zero(mceliece.scratch, mceliece460896_keygen_scratch_bytes()));
	free(mceliece.scratch);

	next_random(&mceliece.random, seed, sizeof seed);
	check_mceliece(stack_after(mceliece_encapsulate), seed);
	assert_int_equal(mceliece.result, 0);
	check_mceliece(stack_after(mceliece_decapsulate), seed);
	check_mceliece_decode();
	check_mceliece_encapsulate();
}

/* --- random bytes ---------------------------------------------------------------------- */

static int fail_half_way(void *context, uint8_t *out, size_t out_len)
{
	fixture_fill(context, out, out_len / 2);
	return -1;
}

static void test_failing_source(void **state)
{
	uint64_t numbers = 6;
	const struct random_source source = { fail_half_way, &numbers };
	uint8_t out[32] = { 0 };

	(void)state;
	assert_int_equal(random_bytes(&source, out, sizeof out), -1);
	assert_true(fixture_is_zero(out, sizeof out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),     cmocka_unit_test(test_blake2b_blocks),
		cmocka_unit_test(test_keyed_hash), cmocka_unit_test(test_kyber_keygen),
		cmocka_unit_test(test_kyber),      cmocka_unit_test(test_kyber_backends),
		cmocka_unit_test(test_mceliece),   cmocka_unit_test(test_failing_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
