#include "fixture.h"

#include <errno.h>

#include "config/rosenpass_config.h"
#include "config/config_utf8.h"

#define RUNS 3000
#define WG_PEER "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

/* A text of characters that need care, now and then a long one. Not empty; no ~ in front. */
static char *any_text(uint64_t *numbers)
{
	static const char *const parts[] = {
		"a",
		"Z",
		"0",
		" ",
		"\"",
		"\\",
		"'",
		"\n",
		"\r",
		"\t",
		"\b",
		"\f",
		"\x01",
		"\x1f",
		"\x7f",
		"#",
		"=",
		"[",
		"]",
		"{",
		"}",
		",",
		".",
		"~",
		"$",
		"$$",
		"${",
		"${STATE_DIRECTORY}",
		"\"\"\"",
		"'''",
		"\\u0041",
		"\xc2\x80",
		"\xc3\xa9",
		"\xe2\x82\xac",
		"\xef\xbf\xbd",
		"\xf0\x9f\x8c\xb9",
		"\xf4\x8f\xbf\xbf",
	};
	size_t count = fixture_below(numbers, 20) == 0 ? 300 : 1 + fixture_below(numbers, 8);
	char *text = calloc(count + 1, 24);

	assert_non_null(text);
	(void)strcpy(text, "x");
	for (size_t i = 0; i < count; i++)
		(void)strcat(text, parts[fixture_below(numbers, FIXTURE_COUNT(parts))]);
	return text;
}

static char *perhaps(uint64_t *numbers, char *text)
{
	if (fixture_below(numbers, 2) == 0)
		return text;
	free(text);
	return NULL;
}

static void any_words(uint64_t *numbers, struct string_list *words, size_t least, size_t most)
{
	words->count = least + fixture_below(numbers, most - least + 1);
	words->words = calloc(words->count + 1, sizeof *words->words);
	assert_non_null(words->words);
	for (size_t i = 0; i < words->count; i++)
		words->words[i] = any_text(numbers);
}

static char *copy(const char *text)
{
	char *copied = strdup(text);

	assert_non_null(copied);
	return copied;
}

/* None, or one of each; no two peers may have the same prefix. */
static void any_extra(uint64_t *numbers, struct wireguard_params *params, size_t number)
{
	char prefixes[64];
	char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];
	char *const list[] = {
		(char[]){ "endpoint" }, (char[]){ "[fe80::1%wg-0]:1" }, (char[]){ "persistent-keepalive" },
		(char[]){ "off" },      (char[]){ "allowed-ips" },      prefixes
	};

	(void)snprintf(prefixes, sizeof prefixes, "10.%zu.0.0/16,::%zx", number, number);
	if (fixture_below(numbers, 2) == 0)
		return;
	assert_int_equal(wireguard_params_read(params, list, FIXTURE_COUNT(list), problem), 0);
}

static void any_peer(uint64_t *numbers, struct config_peer *peer, size_t number)
{
	static const uint32_t dialects[] = { 0, CONFIG_DIALECTS_V02, CONFIG_DIALECTS_V03 };
	char name[32];

	(void)snprintf(name, sizeof name, "\"\\\xc3\xa9 %zu", number);
	peer->name = perhaps(numbers, copy(name));
	peer->public_key = any_text(numbers);
	peer->pre_shared_key = perhaps(numbers, any_text(numbers));
	peer->endpoint = perhaps(numbers, copy("[fe80::1%wg-0]:9999"));
	peer->key_out = any_text(numbers);
	peer->key_out_mode = fixture_below(numbers, 2) == 0 ? 0 : 0640;
	peer->key_out_group = perhaps(numbers, any_text(numbers));
	if (fixture_below(numbers, 2) == 0) {
		peer->device = copy("wg-\"0");
		peer->wireguard_peer = copy(WG_PEER);
		any_extra(numbers, &peer->extra_params, number);
	}
	any_words(numbers, &peer->exchange_command, 0, 3);
	peer->dialects = dialects[fixture_below(numbers, FIXTURE_COUNT(dialects))];
	/* Not the longest: there is a limit for both together. */
	if (fixture_below(numbers, 2) == 0) {
		peer->osk_organization = copy("\"\xc3\xa9\\");
		peer->osk_labels.count = 2;
		peer->osk_labels.words = calloc(2, sizeof *peer->osk_labels.words);
		assert_non_null(peer->osk_labels.words);
		peer->osk_labels.words[0] = copy("");
		peer->osk_labels.words[1] = copy("\n]");
	}
}

static void any_config(uint64_t *numbers, struct config *config)
{
	memset(config, 0, sizeof *config);
	config->public_key = any_text(numbers);
	config->secret_key = any_text(numbers);
	config->user = perhaps(numbers, any_text(numbers));
	config->before_first_exchange = fixture_below(numbers, 2) == 0 ? CONFIG_BLOCK : CONFIG_LEAVE;
	config->on_exit = fixture_below(numbers, 2) == 0 ? CONFIG_KEEP : CONFIG_RANDOM;
	config->verbosity = fixture_below(numbers, 2) == 0 ? CONFIG_QUIET : CONFIG_VERBOSE;
	config->threads = (uint32_t)fixture_below(numbers, CONFIG_THREADS_MAX + 1);
	config->fwmark.is_fixed = fixture_below(numbers, 2) == 0;
	if (config->fwmark.is_fixed && fixture_below(numbers, 2) == 0)
		config->fwmark.mark = (uint32_t)fixture_number(numbers);
	if (fixture_below(numbers, 2) == 0) {
		config->listen.words = calloc(1, sizeof *config->listen.words);
		assert_non_null(config->listen.words);
		config->listen.words[config->listen.count++] = copy("[::]:0");
	}
	config->peer_count = fixture_below(numbers, 4);
	config->peers = calloc(config->peer_count + 1, sizeof *config->peers);
	assert_non_null(config->peers);
	for (size_t i = 0; i < config->peer_count; i++)
		any_peer(numbers, &config->peers[i], i);
}

static void check_same(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

/* What is written reads back as the same. */
static void test_reads_back(void **state)
{
	uint64_t numbers = 1;

	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct config written;
		struct config read;
		char problem[CONFIG_PROBLEM_BYTES];
		char *text;

		any_config(&numbers, &written);
		text = config_format(&written);
		assert_non_null(text);
		if (config_parse(&read, text, strlen(text), "f", problem) != 0)
			fail_msg("%s\n%s", problem, text);
		check_same(written.public_key, read.public_key);
		check_same(written.secret_key, read.secret_key);
		check_same(written.user, read.user);
		assert_int_equal(written.verbosity, read.verbosity);
		assert_int_equal(written.threads, read.threads);
		assert_int_equal(written.fwmark.is_fixed, read.fwmark.is_fixed);
		assert_int_equal(written.fwmark.mark, read.fwmark.mark);
		assert_int_equal(written.before_first_exchange, read.before_first_exchange);
		assert_int_equal(written.on_exit, read.on_exit);
		assert_int_equal(written.listen.count, read.listen.count);
		if (written.listen.count > 0)
			check_same(written.listen.words[0], read.listen.words[0]);
		assert_int_equal(written.peer_count, read.peer_count);
		for (size_t i = 0; i < written.peer_count; i++) {
			if (!config_peer_equal(&written.peers[i], &read.peers[i]))
				fail_msg("peer %zu of\n%s", i + 1, text);
		}
		free(text);
		config_release(&written);
		config_release(&read);
	}
}

/* A file name from a command line may be no UTF-8. */
static void test_no_utf8(void **state)
{
	static char *const texts[] = { "\x80",
		                       "a\xff",
		                       "\xc3",
		                       "\xc3(",
		                       "\xc0\x80",
		                       "\xed\xa0\x80",
		                       "\xe2\x82",
		                       "\xf4\x90\x80\x80",
		                       "\xf8\x88\x80\x80\x80" };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		struct config config = { .public_key = texts[i] };

		errno = 0;
		if (config_format(&config) != NULL)
			fail_msg("text %zu is written", i);
		assert_int_equal(errno, EILSEQ);
	}
}

/* Every code point there is, and none that there is not. */
static void test_utf8(void **state)
{
	uint32_t found;

	(void)state;
	for (uint32_t point = 1; point < 0x110000; point++) {
		char text[5] = { 0 };
		size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
		static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
		bool good = point < 0xd800 || point > 0xdfff;

		text[0] = (char)(first[length] | point >> 6 * (length - 1));
		for (size_t i = 1; i < length; i++)
			text[i] = (char)(0x80 | (point >> 6 * (length - 1 - i) & 0x3f));
		if (config_utf8_decode(text, &found) != (good ? length : 0) || (good && found != point))
			fail_msg("U+%04X is read as U+%04X", point, found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_back),
		cmocka_unit_test(test_no_utf8),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
