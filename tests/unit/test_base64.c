#include "fixture.h"

#include "system/base64.h"

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ONES "//////////////////////////////////////////8="
/* 0 to 31. */
#define COUNTED "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
/* Every third byte 0xfb 0xef 0xbe: only the two last characters of the alphabet and others that differ. */
#define MIXED "++++++++++++++++++++++++++++++++++++++++++8="

static void test_known(void **state)
{
	uint8_t keys[4][BASE64_KEY_BYTES];
	static const char *const texts[4] = { ZEROS, ONES, COUNTED, MIXED };

	(void)state;
	memset(keys[0], 0, BASE64_KEY_BYTES);
	memset(keys[1], 0xff, BASE64_KEY_BYTES);
	for (size_t i = 0; i < BASE64_KEY_BYTES; i++) {
		keys[2][i] = (uint8_t)i;
		keys[3][i] = (uint8_t)(i % 3 == 0 ? 0xfb : i % 3 == 1 ? 0xef : 0xbe);
	}
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		char text[BASE64_KEY_CHARS + 2];
		uint8_t key[BASE64_KEY_BYTES];

		memset(text, '#', sizeof text);
		memset(key, 0x55, sizeof key);
		base64_encode_key(text, keys[i]);
		assert_string_equal(text, texts[i]);
		assert_int_equal(text[sizeof text - 1], '#');
		assert_int_equal(base64_decode_key(key, texts[i], strlen(texts[i])), 0);
		assert_memory_equal(key, keys[i], sizeof key);
	}
}

static void test_round_trips(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint8_t key[BASE64_KEY_BYTES];
		uint8_t back[BASE64_KEY_BYTES] = { 0 };
		char text[BASE64_KEY_CHARS + 1];

		fixture_fill(&seed, key, sizeof key);
		base64_encode_key(text, key);
		assert_int_equal(strlen(text), BASE64_KEY_CHARS);
		assert_int_equal(base64_decode_key(back, text, BASE64_KEY_CHARS), 0);
		assert_memory_equal(back, key, sizeof key);
	}
}

/* text may hold a zero byte: its length is that of the array. */
#define CASE(text, good)                     \
	{                                    \
		text, sizeof(text) - 1, good \
	}

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		bool good;
	} cases[] = {
		CASE(COUNTED, true),
		CASE(COUNTED "\n", true),
		CASE(COUNTED "\r\n", true),
		CASE(COUNTED " \t\r\n\n\n  ", true),
		CASE("", false),
		CASE("\n", false),
		CASE(" \r\n\t ", false),
		CASE(" " COUNTED, false),
		CASE("\n" COUNTED, false),
		CASE("\xef\xbb\xbf" COUNTED, false),
		CASE(COUNTED "=", false),
		CASE(COUNTED "A", false),
		CASE(COUNTED "\0", false),
		CASE(COUNTED "\n\0", false),
		CASE(COUNTED "\n" COUNTED, false),
		CASE(COUNTED "\v", false),
		/* too short, without padding, with more of it */
		CASE("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false),
		CASE("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", false),
		CASE("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==", false),
		CASE("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", false),
		/* bits beyond the 32 bytes */
		CASE("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", false),
		/* inside: white space, padding, zero, the other alphabet, foreign characters */
		CASE("AAECAwQFBgcICQoLDA0ODxAR\nEhMUFRYXGBkaGxwdHh8=", false),
		CASE("AAECAwQFBgcICQoLDA0ODxAR EMUFRYXGBkaGxwdHh8=", false),
		CASE("AAECAwQFBgcICQoLDA0ODxA=EhMUFRYXGBkaGxwdHh8=", false),
		CASE("AAECAwQFBgcICQoLDA0ODxA\0EhMUFRYXGBkaGxwdHh8=", false),
		CASE("__________________________________________8=", false),
		CASE("------------------------------------------8=", false),
		CASE("AAECAwQFBgcICQoLDA0ODxA!EhMUFRYXGBkaGxwdHh8=", false),
		CASE("AAECAwQFBgcICQoLDA0ODxA\xc3\xa4hMUFRYXGBkaGxwdHh8=", false),
		/* the same key in hexadecimal */
		CASE("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false),
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		uint8_t key[BASE64_KEY_BYTES];
		int result;

		memset(key, 0x55, sizeof key);
		result = base64_decode_key(key, cases[i].text, cases[i].length);
		if (result != (cases[i].good ? 0 : -1))
			fail_msg("case %zu gives %d", i, result);
		for (size_t j = 0; j < sizeof key; j++)
			assert_int_equal(key[j], cases[i].good ? j : 0);
	}
}

/* Bytes behind text_len are not looked at. */
static void test_length(void **state)
{
	uint8_t key[BASE64_KEY_BYTES];

	(void)state;
	assert_int_equal(base64_decode_key(key, COUNTED "trailing", BASE64_KEY_CHARS), 0);
	assert_int_equal(base64_decode_key(key, COUNTED, BASE64_KEY_CHARS - 1), -1);
	assert_int_equal(base64_decode_key(key, COUNTED, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
