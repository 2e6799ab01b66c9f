#include "fixture.h"

#include <jansson.h>

#include "crypto/keyed_hash.h"
#include "crypto/keyed_hash_backend.h"

#define LANES_MAX 17
#define MESSAGE_BYTES 300 /* two blocks and a part, for both hashes */

static uint8_t long_message[KEYED_HASH_LONG_BYTES];

/* The message of a case: in the table, or the name of a public key file. Its length is returned. */
static size_t load_message(const json_t *item)
{
	const char *data = json_string_value(json_object_get(item, "data"));
	const char *file = json_string_value(json_object_get(item, "data_file"));

	if (data != NULL) {
		fixture_hex(data, long_message, strlen(data) / 2);
		return strlen(data) / 2;
	}
	assert_non_null(file);
	assert_true(strncmp(file, "keys/", 5) == 0);
	fixture_load_key(file + 5, long_message, sizeof long_message);
	return sizeof long_message;
}

static void test_vectors(void **state)
{
	static const char *const names[KEYED_HASH_COUNT] = {
		[KEYED_HASH_BLAKE2B] = "blake2b",
		[KEYED_HASH_SHAKE256] = "shake256",
	};
	json_t *root = json_load_file(TEST_DATA_DIR "/vectors/keyed_hash.json", 0, NULL);
	json_t *cases = json_object_get(root, "cases");

	(void)state;
	assert_true(json_array_size(cases) > 0);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		json_t *item = json_array_get(cases, i);
		size_t message_len = load_message(item);
		uint8_t key[KEYED_HASH_KEY_BYTES];

		fixture_hex(json_string_value(json_object_get(item, "key")), key, sizeof key);
		for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
			uint8_t out[KEYED_HASH_OUT_BYTES];
			uint8_t expected[KEYED_HASH_OUT_BYTES];

			fixture_hex(json_string_value(json_object_get(item, names[hash])), expected,
			            sizeof expected);
			keyed_hash((enum keyed_hash)hash, out, key, long_message, message_len);
			assert_memory_equal(out, expected, sizeof expected);
		}
	}
	json_decref(root);
}

/* Every bit of the key and of the message is hashed, and so is the length. */
static void test_every_bit_counts(void **state)
{
	(void)state;
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		uint8_t input[KEYED_HASH_KEY_BYTES + 136] = { 0 };
		uint8_t reference[KEYED_HASH_OUT_BYTES];
		uint8_t out[KEYED_HASH_OUT_BYTES];
		const uint8_t *message = input + KEYED_HASH_KEY_BYTES;

		keyed_hash((enum keyed_hash)hash, reference, input, message, 136);
		keyed_hash((enum keyed_hash)hash, out, input, message, 135);
		assert_memory_not_equal(out, reference, sizeof out);
		for (size_t bit = 0; bit < 8 * sizeof input; bit++) {
			input[bit / 8] ^= (uint8_t)(1u << bit % 8);
			keyed_hash((enum keyed_hash)hash, out, input, message, 136);
			assert_memory_not_equal(out, reference, sizeof out);
			input[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void test_out_may_be_key(void **state)
{
	uint64_t numbers = 1;

	(void)state;
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		uint8_t message[MESSAGE_BYTES];
		uint8_t key[KEYED_HASH_KEY_BYTES];
		uint8_t out[KEYED_HASH_OUT_BYTES];

		fixture_fill(&numbers, message, sizeof message);
		fixture_fill(&numbers, key, sizeof key);
		keyed_hash((enum keyed_hash)hash, out, key, message, sizeof message);
		keyed_hash((enum keyed_hash)hash, key, key, message, sizeof message);
		assert_memory_equal(key, out, sizeof out);
	}
}

/* What the lanes of a call have in common. */
enum sharing {
	NOTHING_SHARED,
	MESSAGE_SHARED,
	KEY_SHARED,
	OUT_IS_KEY,
	SHARING_COUNT
};

/* backend: NULL: whichever keyed_hash_lanes() takes. */
static void check_lanes(const struct keyed_hash_backend *backend, enum keyed_hash hash, size_t lane_count,
                        size_t message_len, enum sharing sharing, uint64_t *numbers)
{
	struct keyed_hash_lane lanes[LANES_MAX + 1];
	uint8_t messages[LANES_MAX][MESSAGE_BYTES];
	uint8_t keys[LANES_MAX][KEYED_HASH_KEY_BYTES];
	uint8_t outs[LANES_MAX + 1][KEYED_HASH_OUT_BYTES];
	uint8_t expected[LANES_MAX][KEYED_HASH_OUT_BYTES];

	fixture_fill(numbers, messages[0], sizeof messages);
	fixture_fill(numbers, keys[0], sizeof keys);
	memset(outs, 0x5a, sizeof outs);
	for (size_t i = 0; i < LANES_MAX; i++) {
		lanes[i].data = messages[sharing == MESSAGE_SHARED ? 0 : i];
		lanes[i].key = keys[sharing == KEY_SHARED ? 0 : i];
		lanes[i].out = sharing == OUT_IS_KEY ? keys[i] : outs[i];
		keyed_hash(hash, expected[i], lanes[i].key, lanes[i].data, message_len);
	}
	if (backend == NULL)
		keyed_hash_lanes(hash, lanes, lane_count, message_len);
	else
		backend->compute(hash, lanes, lane_count, message_len);
	for (size_t i = 0; i < lane_count; i++)
		assert_memory_equal(lanes[i].out, expected[i], sizeof expected[i]);
	/* Lanes that were not asked for are left alone. */
	for (size_t i = lane_count; i <= LANES_MAX && sharing != OUT_IS_KEY; i++) {
		for (size_t j = 0; j < KEYED_HASH_OUT_BYTES; j++)
			assert_int_equal(outs[i][j], 0x5a);
	}
}

/* Around the blocks of both hashes; SHAKE256's first one begins with the key. */
static const size_t lengths[] = { 0,   1,   32,  103, 104, 105, 127, 128, 129,
	                          135, 136, 239, 240, 241, 255, 256, 257, MESSAGE_BYTES };

static void check_all_lanes(const struct keyed_hash_backend *backend, size_t most, uint64_t *numbers)
{
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		for (size_t lane_count = backend == NULL ? 0 : 1; lane_count <= most; lane_count++) {
			for (size_t i = 0; i < FIXTURE_COUNT(lengths); i++) {
				for (int sharing = 0; sharing < SHARING_COUNT; sharing++)
					check_lanes(backend, (enum keyed_hash)hash, lane_count, lengths[i],
					            (enum sharing)sharing, numbers);
			}
		}
	}
}

static void test_lanes(void **state)
{
	uint64_t numbers = 2;

	(void)state;
	check_all_lanes(NULL, LANES_MAX, &numbers);
}

/* Each one that this CPU supports computes what portable C does, and one of them is in use. */
static void test_backends(void **state)
{
	const struct keyed_hash_backend *best = NULL;
	uint64_t numbers = 3;

	(void)state;
	for (size_t i = 0; keyed_hash_backends[i] != NULL; i++) {
		const struct keyed_hash_backend *backend = keyed_hash_backends[i];

		if (!backend->is_supported()) {
			print_message("this CPU does not support %s\n", backend->name);
			continue;
		}
		assert_in_range(backend->lanes, 1, KEYED_HASH_BACKEND_LANES_MAX);
		check_all_lanes(backend, backend->lanes, &numbers);
		assert_true(keyed_hash_backend_works(backend));
		if (best == NULL)
			best = backend;
	}
	assert_non_null(best);
	assert_ptr_equal(keyed_hash_backend(), best);
}

/* A backend that computes one lane of one hash wrongly, perhaps only when the message is shared. */
static struct {
	enum keyed_hash hash;
	size_t lane;
	bool is_shared;
} fault;

static void compute_wrongly(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                            size_t data_len)
{
	for (size_t i = 0; i < lane_count; i++)
		keyed_hash(hash, lanes[i].out, lanes[i].key, lanes[i].data, data_len);
	if (hash == fault.hash && fault.lane < lane_count &&
	    (lanes[0].data == lanes[lane_count - 1].data) == fault.is_shared)
		lanes[fault.lane].out[KEYED_HASH_OUT_BYTES - 1] ^= 1;
}

static bool never(void)
{
	return false;
}

static void test_self_test(void **state)
{
	const struct keyed_hash_backend backend = { "wrong", KEYED_HASH_BACKEND_LANES_MAX, never,
		                                    compute_wrongly };

	(void)state;
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		for (size_t i = 0; i < 2 * backend.lanes; i++) {
			fault.hash = (enum keyed_hash)hash;
			fault.lane = i / 2;
			fault.is_shared = i % 2 == 1;
			assert_false(keyed_hash_backend_works(&backend));
		}
	}
	fault.lane = backend.lanes;
	assert_true(keyed_hash_backend_works(&backend));
}

static void test_no_lanes(void **state)
{
	(void)state;
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++)
		keyed_hash_lanes((enum keyed_hash)hash, NULL, 0, MESSAGE_BYTES);
}

/* One count for each long message, whichever way it is hashed. */
static void test_long_count(void **state)
{
	uint8_t key[KEYED_HASH_KEY_BYTES] = { 0 };
	uint8_t outs[3][KEYED_HASH_OUT_BYTES];
	struct keyed_hash_lane lanes[3];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(lanes); i++)
		lanes[i] = (struct keyed_hash_lane){ key, long_message, outs[i] };
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		uint64_t before = keyed_hash_long_count;

		keyed_hash((enum keyed_hash)hash, outs[0], key, long_message, KEYED_HASH_LONG_BYTES - 1);
		keyed_hash_lanes((enum keyed_hash)hash, lanes, 3, KEYED_HASH_LONG_BYTES - 1);
		assert_true(keyed_hash_long_count == before);
		keyed_hash((enum keyed_hash)hash, outs[0], key, long_message, KEYED_HASH_LONG_BYTES);
		assert_true(keyed_hash_long_count == before + 1);
		keyed_hash_lanes((enum keyed_hash)hash, lanes, 3, KEYED_HASH_LONG_BYTES);
		assert_true(keyed_hash_long_count == before + 4);
		keyed_hash_lanes((enum keyed_hash)hash, lanes, 0, KEYED_HASH_LONG_BYTES);
		assert_true(keyed_hash_long_count == before + 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),        cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_out_may_be_key), cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_backends),       cmocka_unit_test(test_self_test),
		cmocka_unit_test(test_no_lanes),       cmocka_unit_test(test_long_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
