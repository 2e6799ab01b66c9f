#include "fixture.h"

#include "crypto/keccak.h"

#define LENGTH_MAX 1000
#define DIGEST_MAX 64

enum function {
	SHA3_256,
	SHA3_512,
	SHAKE128,
	SHAKE256,
	FUNCTION_COUNT
};

static void shake128(uint8_t *out, size_t out_len, const uint8_t *in, size_t in_len)
{
	struct keccak_shake shake;

	keccak_shake128_init(&shake);
	keccak_shake_absorb(&shake, in, in_len);
	keccak_shake_finish(&shake);
	keccak_shake_squeeze(&shake, out, out_len);
}

/* The SHA-3 functions have one output length, which out_len must be. */
static void compute(enum function function, uint8_t *out, size_t out_len, const uint8_t *in, size_t in_len)
{
	switch (function) {
	case SHA3_256:
		assert_int_equal(out_len, KECCAK_SHA3_256_BYTES);
		keccak_sha3_256(out, in, in_len);
		break;
	case SHA3_512:
		assert_int_equal(out_len, KECCAK_SHA3_512_BYTES);
		keccak_sha3_512(out, in, in_len);
		break;
	case SHAKE128:
		shake128(out, out_len, in, in_len);
		break;
	case SHAKE256:
		keccak_shake256(out, out_len, in, in_len);
		break;
	case FUNCTION_COUNT:
		fail();
	}
}

/* message[i] = 7 i + length: other bytes at each length. */
static void number_message(uint8_t *message, size_t length)
{
	for (size_t i = 0; i < length; i++)
		message[i] = (uint8_t)(7 * i + length);
}

/* Known answers: the empty message, "abc" and the 1600-bit example of NIST. */
static const struct {
	enum function function;
	const char *repeated;
	size_t times;
	const char *digest;
} known[] = {
	{ SHA3_256, "", 0, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a" },
	{ SHA3_256, "abc", 1, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
	{ SHA3_256, "\xa3", 200, "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787" },
	{ SHA3_512, "", 0,
	  "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
	  "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26" },
	{ SHA3_512, "abc", 1,
	  "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
	  "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0" },
	{ SHA3_512, "\xa3", 200,
	  "e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca8"
	  "1b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00" },
	{ SHAKE128, "", 0, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26" },
	{ SHAKE128, "abc", 1, "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8" },
	{ SHAKE128, "\xa3", 200, "131ab8d2b594946b9c81333f9bb6e0ce75c3b93104fa3469d3917457385da037" },
	{ SHAKE256, "", 0,
	  "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
	  "d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be" },
	{ SHAKE256, "abc", 1,
	  "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739"
	  "d5a15bef186a5386c75744c0527e1faa9f8726e462a12a4feb06bd8801e751e4" },
	{ SHAKE256, "\xa3", 200,
	  "cd8a920ed141aa0407a22d59288652e9d9f1a7ee0c1e7c1ca699424da84a904d"
	  "2d700caae7396ece96604440577da4f3aa22aeb8857f961c4cd8e06f0ae6610b" },
};

static void test_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(known); i++) {
		uint8_t message[200];
		uint8_t digest[DIGEST_MAX];
		uint8_t expected[DIGEST_MAX];
		size_t digest_len = strlen(known[i].digest) / 2;
		size_t unit = strlen(known[i].repeated);

		for (size_t j = 0; j < known[i].times; j++)
			memcpy(message + j * unit, known[i].repeated, unit);
		fixture_hex(known[i].digest, expected, digest_len);
		compute(known[i].function, digest, digest_len, message, known[i].times * unit);
		assert_memory_equal(digest, expected, digest_len);
	}
}

/* d = 0; for n = 0 .. 1000: d = function(d || message of n bytes). Another implementation gave the ends. */
static const char *const chain_ends[FUNCTION_COUNT] = {
	[SHA3_256] = "8f32815fdf921cdc4c6b0eaaacf980cb991dc692f4288d0d9885d5f398a599da",
	[SHA3_512] = ("62266c17111477bcc8db691fae37406ea9cc8efed46dbe5e06cf0f1bcd99eba3"
	              "45b08981bd0da2b8bff1a0aaf0656276d944cea1e71c4668bcecb655d72df136"),
	[SHAKE128] = "8def08577bc92038caf71d2f3b7d47be51d7f0ee7daa418fbfbbd8fa1ca155d5",
	[SHAKE256] = "7e72902aabca7dee76b363ad3bb1b2981e84e14405a51a373d3295fc063da532",
};

static void test_every_length(void **state)
{
	(void)state;
	for (int function = 0; function < FUNCTION_COUNT; function++) {
		uint8_t message[DIGEST_MAX + LENGTH_MAX] = { 0 };
		uint8_t digest[DIGEST_MAX] = { 0 };
		uint8_t expected[DIGEST_MAX];
		size_t digest_len = strlen(chain_ends[function]) / 2;

		fixture_hex(chain_ends[function], expected, digest_len);
		for (size_t n = 0; n <= LENGTH_MAX; n++) {
			memcpy(message, digest, digest_len);
			number_message(message + digest_len, n);
			compute((enum function)function, digest, digest_len, message, digest_len + n);
		}
		assert_memory_equal(digest, expected, digest_len);
	}
}

/* SHA3-256 of 5000 bytes that SHAKE gives for "abc". */
static const struct {
	enum function function;
	const char *digest;
} long_outputs[] = {
	{ SHAKE128, "18ae658a184508884ce660b8f602d9b2a96ddfeaec5a17de86adff005d26d714" },
	{ SHAKE256, "d9fee33def27ad147c9f829859e6bb589588735abd97d70efb59c2b38431d8e2" },
};

static void test_long_outputs(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(long_outputs); i++) {
		uint8_t out[5000];
		uint8_t digest[KECCAK_SHA3_256_BYTES];
		uint8_t expected[KECCAK_SHA3_256_BYTES];

		fixture_hex(long_outputs[i].digest, expected, sizeof expected);
		compute(long_outputs[i].function, out, sizeof out, (const uint8_t *)"abc", 3);
		keccak_sha3_256(digest, out, sizeof out);
		assert_memory_equal(digest, expected, sizeof expected);
	}
}

static const struct {
	void (*init)(struct keccak_shake *shake);
	enum function function;
	size_t rate;
} shakes[] = {
	{ keccak_shake128_init, SHAKE128, KECCAK_SHAKE128_RATE },
	{ keccak_shake256_init, SHAKE256, KECCAK_SHAKE256_RATE },
};

#define SPLIT_MAX (2 * KECCAK_SHAKE128_RATE + 9)

/* All ways to give a message in two parts, and to take the output in two. */
static void test_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(shakes); i++) {
		uint8_t message[SPLIT_MAX];
		uint8_t whole[SPLIT_MAX];
		uint8_t parts[SPLIT_MAX];
		size_t lengths[] = { 1, 8, shakes[i].rate, 2 * shakes[i].rate + 9 };

		for (size_t j = 0; j < FIXTURE_COUNT(lengths); j++) {
			size_t length = lengths[j];

			number_message(message, length);
			compute(shakes[i].function, whole, length, message, length);
			for (size_t split = 0; split <= length; split++) {
				struct keccak_shake shake;

				memset(parts, 0, sizeof parts);
				shakes[i].init(&shake);
				keccak_shake_absorb(&shake, message, split);
				keccak_shake_absorb(&shake, message + split, length - split);
				keccak_shake_finish(&shake);
				keccak_shake_squeeze(&shake, parts, split);
				keccak_shake_squeeze(&shake, parts + split, length - split);
				assert_memory_equal(parts, whole, length);
			}
		}
	}
}

/* Many parts of any length, some of them empty, at any alignment. */
static void test_many_parts(void **state)
{
	uint64_t numbers = 1;

	(void)state;
	for (int run = 0; run < 200; run++) {
		uint8_t message[LENGTH_MAX];
		uint8_t whole[LENGTH_MAX];
		uint8_t parts[LENGTH_MAX + 1];
		size_t i = (size_t)run % FIXTURE_COUNT(shakes);
		size_t length = fixture_below(&numbers, LENGTH_MAX + 1);
		size_t limit = 1 + fixture_below(&numbers, 40);
		struct keccak_shake shake;

		fixture_fill(&numbers, message, length);
		compute(shakes[i].function, whole, sizeof whole, message, length);
		shakes[i].init(&shake);
		for (size_t done = 0; done < length;) {
			size_t part = fixture_below(&numbers, limit + 1);

			part = part < length - done ? part : length - done;
			keccak_shake_absorb(&shake, message + done, part);
			done += part;
		}
		keccak_shake_finish(&shake);
		for (size_t done = 0; done < LENGTH_MAX;) {
			size_t part = fixture_below(&numbers, limit + 1);

			part = part < LENGTH_MAX - done ? part : LENGTH_MAX - done;
			/* The byte behind a part belongs to somebody else. */
			parts[done + part] = 0x5a;
			keccak_shake_squeeze(&shake, parts + done, part);
			assert_int_equal(parts[done + part], 0x5a);
			done += part;
		}
		assert_memory_equal(parts, whole, LENGTH_MAX);
	}
}

/* The first lanes after one and after two permutations of the zero state. */
static const uint64_t from_zero[2][5] = {
	{ 0xf1258f7940e1dde7, 0x84d5ccf933c0478a, 0xd598261ea65aa9ee, 0xbd1547306f80494d,
	  0x8b284e056253d057 },
	{ 0x2d5c954df96ecb3c, 0x6a332cd07057b56d, 0x093d8d1270d76b6c, 0x8a20d9b25569d094,
	  0x4f9c4f99e5e7f156 },
};

static void test_permutation(void **state)
{
	uint64_t lanes[KECCAK_STATE_WORDS] = { 0 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(from_zero); i++) {
		keccak_f1600(lanes);
		for (size_t j = 0; j < FIXTURE_COUNT(from_zero[i]); j++)
			assert_true(lanes[j] == from_zero[i][j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers), cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_long_outputs),  cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_many_parts),    cmocka_unit_test(test_permutation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
