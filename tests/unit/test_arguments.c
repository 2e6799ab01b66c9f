#include "fixture.h"

#include "config/rosenpass_config.h"

#define WORDS_MAX 200

/* Words for config_from_words(), cut out of one line at its spaces. */
struct words {
	char line[2048];
	char *word[WORDS_MAX];
	size_t count;
};

static void cut(struct words *words, const char *line)
{
	words->count = 0;
	assert_true(strlen(line) < sizeof words->line);
	(void)strcpy(words->line, line);
	for (char *word = strtok(words->line, " "); word != NULL; word = strtok(NULL, " ")) {
		assert_true(words->count < WORDS_MAX);
		words->word[words->count++] = word;
	}
}

static int read_words(struct config *config, const char *line, char problem[static CONFIG_PROBLEM_BYTES])
{
	struct words words;

	problem[0] = '\0';
	cut(&words, line);
	return config_from_words(config, words.word, words.count, problem);
}

static void parse(struct config *config, const char *line)
{
	char problem[CONFIG_PROBLEM_BYTES];

	if (read_words(config, line, problem) != 0)
		fail_msg("\"%s\" is refused: %s", line, problem);
	assert_string_equal(problem, "");
}

/* Both NULL, or the same text. */
static void check_text(const char *line, const char *name, const char *got, const char *expected)
{
	if ((got == NULL) != (expected == NULL) || (got != NULL && strcmp(got, expected) != 0))
		fail_msg("\"%s\": %s is %s, not %s", line, name, got == NULL ? "(none)" : got,
		         expected == NULL ? "(none)" : expected);
}

#define OWN "public-key p secret-key s"
#define KEY "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

/* The own part: the order is free, and a value may be any word. */
static void test_own(void **state)
{
	static const struct {
		const char *line;
		const char *public_key;
		const char *secret_key;
		bool was_private;
		bool verbose;
		size_t listen_count;
		size_t peer_count;
	} cases[] = {
		{ "public-key p secret-key s", "p", "s", false, false, 0, 0 },
		{ "secret-key s public-key p", "p", "s", false, false, 0, 0 },
		{ "private-key s public-key p", "p", "s", true, false, 0, 0 },
		{ "verbose secret-key s verbose public-key p", "p", "s", false, true, 0, 0 },
		{ "listen a:1 public-key p listen b:2 secret-key s listen a:1", "p", "s", false, false, 3,
		  0 },
		{ "public-key peer secret-key peer", "peer", "peer", false, false, 0, 0 },
		{ "public-key secret-key secret-key public-key", "secret-key", "public-key", false, false, 0,
		  0 },
		{ "public-key verbose secret-key listen", "verbose", "listen", false, false, 0, 0 },
		{ "secret-key peer public-key p peer public-key q outfile o", "p", "peer", false, false, 0,
		  1 },
		{ OWN " peer public-key q outfile a peer public-key r outfile b peer public-key t outfile c",
		  "p", "s", false, false, 0, 3 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;

		parse(&config, cases[i].line);
		check_text(cases[i].line, "public-key", config.public_key, cases[i].public_key);
		check_text(cases[i].line, "secret-key", config.secret_key, cases[i].secret_key);
		assert_int_equal(config.secret_key_was_private, cases[i].was_private);
		assert_int_equal(config.verbosity, cases[i].verbose ? CONFIG_VERBOSE : CONFIG_QUIET);
		assert_int_equal(config.before_first_exchange, CONFIG_LEAVE);
		assert_int_equal(config.listen.count, cases[i].listen_count);
		assert_int_equal(config.peer_count, cases[i].peer_count);
		config_release(&config);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

/* Addresses keep their order, as the sockets do. */
static void test_listen(void **state)
{
	struct config config;
	char line[1024] = OWN;
	char expected[16];

	(void)state;
	for (int i = 0; i < CONFIG_LISTEN_MAX; i++)
		(void)snprintf(line + strlen(line), sizeof line - strlen(line), " listen h:%d", i);
	parse(&config, line);
	assert_int_equal(config.listen.count, CONFIG_LISTEN_MAX);
	for (int i = 0; i < CONFIG_LISTEN_MAX; i++) {
		(void)snprintf(expected, sizeof expected, "h:%d", i);
		assert_string_equal(config.listen.words[i], expected);
	}
	config_release(&config);
}

/* A peer as config_format() writes it, allocated. */
static char *format_peer(const struct config *config, size_t number)
{
	static const char head[] = "\n[[peers]]\n";
	char *text = config_format(config);
	const char *from = text;
	const char *end;
	char *peer;

	assert_non_null(text);
	for (size_t i = 0; i <= number; i++) {
		from = strstr(from, head);
		assert_non_null(from);
		from += strlen(head);
	}
	end = strstr(from, head);
	peer = end == NULL ? strdup(from) : strndup(from, (size_t)(end - from));
	assert_non_null(peer);
	free(text);
	return peer;
}

/* What comes after "peer", each peer by itself. */
static void test_peer(void **state)
{
	static const struct {
		const char *words;
		const char *expected;
	} cases[] = {
		{ "public-key q outfile o", "public_key = \"q\"\nkey_out = \"o\"\n" },
		{ "public-key peer outfile o", "public_key = \"peer\"\nkey_out = \"o\"\n" },
		{ "endpoint h:1 preshared-key k public-key q outfile o",
		  "public_key = \"q\"\nendpoint = \"h:1\"\npre_shared_key = \"k\"\nkey_out = \"o\"\n" },
		/* Released versions refuse these two together, by mistake. */
		{ "public-key q preshared-key k endpoint h:1 outfile o",
		  "public_key = \"q\"\nendpoint = \"h:1\"\npre_shared_key = \"k\"\nkey_out = \"o\"\n" },
		{ "outfile peer public-key q", "public_key = \"q\"\nkey_out = \"peer\"\n" },
		{ "outfile wireguard public-key verbose",
		  "public_key = \"verbose\"\nkey_out = \"wireguard\"\n" },
		{ "public-key q wireguard wg0 " KEY,
		  "public_key = \"q\"\ndevice = \"wg0\"\npeer = \"" KEY "\"\n" },
		{ "public-key q wireguard peer " KEY,
		  "public_key = \"q\"\ndevice = \"peer\"\npeer = \"" KEY "\"\n" },
		{ "public-key q outfile o wireguard wg0 " KEY " allowed-ips ::/0",
		  "public_key = \"q\"\nkey_out = \"o\"\ndevice = \"wg0\"\npeer = \"" KEY
		  "\"\nextra_params = [\"allowed-ips\", \"::/0\"]\n" },
		{ "name n public-key q protocol-version V03 osk-organization g osk-label l outfile o",
		  "name = \"n\"\npublic_key = \"q\"\nkey_out = \"o\"\nprotocol_version = \"V03\"\n"
		  "osk_organization = \"g\"\nosk_label = [\"l\"]\n" },
		{ "osk-label a public-key q osk-label b osk-label a outfile o osk-organization g",
		  "public_key = \"q\"\nkey_out = \"o\"\nosk_organization = \"g\"\nosk_label = [\"a\", "
		  "\"b\", \"a\"]\n" },
		{ "osk-label peer name peer public-key q osk-organization peer outfile o",
		  "name = \"peer\"\npublic_key = \"q\"\nkey_out = \"o\"\nosk_organization = \"peer\"\n"
		  "osk_label = [\"peer\"]\n" },
	};
	/* In front of and behind another peer nothing may change. */
	static const char *const frames[] = {
		OWN " peer %s",
		OWN " peer public-key x outfile y peer %s",
		OWN " peer public-key x wireguard a " KEY " endpoint h:1 peer %s peer public-key z outfile z",
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases) * FIXTURE_COUNT(frames); i++) {
		size_t frame = i % FIXTURE_COUNT(frames);
		size_t n = i / FIXTURE_COUNT(frames);
		struct config config;
		char line[512];
		char *peer;

		(void)snprintf(line, sizeof line, "%.*s%s%s",
		               (int)(strstr(frames[frame], "%s") - frames[frame]), frames[frame],
		               cases[n].words, strstr(frames[frame], "%s") + 2);
		parse(&config, line);
		assert_int_equal(config.peer_count, frame + 1);
		peer = format_peer(&config, frame == 0 ? 0 : 1);
		if (strcmp(peer, cases[n].expected) != 0)
			fail_msg("\"%s\" is read as\n%s", line, peer);
		free(peer);
		if (frame > 0)
			assert_string_equal(config.peers[0].public_key, "x");
		if (frame == 2) {
			assert_string_equal(config.peers[2].public_key, "z");
			assert_string_equal(config.peers[0].extra_params.endpoint, "h:1");
		}
		config_release(&config);
	}
}

#define UNKNOWN_OWN "; expected public-key, secret-key, listen, fwmark, verbose or peer"
#define UNKNOWN_PEER "; expected public-key, endpoint, preshared-key, outfile, wireguard or peer"

static void test_errors(void **state)
{
	static const struct {
		const char *line;
		const char *problem;
	} cases[] = {
		{ "", "public-key file must be set" },
		{ "peer", "public-key file must be set" },
		{ "secret-key s", "public-key file must be set" },
		{ "public-key p", "secret-key file must be set" },
		{ "secret-key s peer public-key p", "public-key file must be set" },
		{ "public-key p peer secret-key s", "secret-key file must be set" },
		{ "public-key p public-key p", "public-key was already set" },
		{ "secret-key s secret-key s", "secret-key was already set" },
		{ "secret-key s private-key s", "private-key was already set" },
		{ "private-key s secret-key s", "secret-key was already set" },
		{ "public-key", "public-key needs a value after it" },
		{ "public-key p secret-key", "secret-key needs a value after it" },
		{ "private-key", "private-key needs a value after it" },
		{ OWN " listen", "listen needs a value after it" },
		{ "Public-Key p", "unrecognised argument Public-Key" UNKNOWN_OWN },
		{ OWN " endpoint h:1", "unrecognised argument endpoint" UNKNOWN_OWN },
		{ OWN " --verbose", "unrecognised argument --verbose" UNKNOWN_OWN },
		{ "public-key=p", "unrecognised argument public-key=p" UNKNOWN_OWN },
		{ OWN " peer", "peer 1: public-key file must be set" },
		{ OWN " peer peer public-key q", "peer 1: public-key file must be set" },
		{ OWN " peer public-key q peer outfile o", "peer 2: public-key file must be set" },
		{ OWN " peer public-key q peer", "peer 2: public-key file must be set" },
		{ OWN " peer public-key", "peer 1: public-key needs a value after it" },
		{ OWN " peer public-key q endpoint", "peer 1: endpoint needs a value after it" },
		{ OWN " peer public-key q preshared-key", "peer 1: preshared-key needs a value after it" },
		{ OWN " peer public-key q outfile", "peer 1: outfile needs a value after it" },
		{ OWN " peer public-key q wireguard", "peer 1: wireguard needs a value after it" },
		{ OWN " peer public-key q wireguard wg0",
		  "peer 1: wireguard needs a device and a peer after it" },
		{ OWN " peer public-key q public-key q", "peer 1: public-key was already set" },
		{ OWN " peer endpoint a:1 endpoint b:2", "peer 1: endpoint was already set" },
		{ OWN " peer preshared-key a preshared-key b", "peer 1: preshared-key was already set" },
		{ OWN " peer public-key q peer outfile a outfile b", "peer 2: outfile was already set" },
		{ OWN " peer public-key q listen a:1", "peer 1: unrecognised argument listen" UNKNOWN_PEER },
		{ OWN " peer public-key q verbose", "peer 1: unrecognised argument verbose" UNKNOWN_PEER },
		{ OWN " peer public-key q name", "peer 1: name needs a value after it" },
		{ OWN " peer public-key q osk-label a osk-label",
		  "peer 1: osk-label needs a value after it" },
		{ OWN " peer name a name a", "peer 1: name was already set" },
		{ OWN " peer protocol-version V02 protocol-version V03",
		  "peer 1: protocol-version was already set" },
		{ OWN " peer osk-organization a osk-label b osk-organization a",
		  "peer 1: osk-organization was already set" },
		{ OWN " peer osk-lable a",
		  "peer 1: unrecognised argument osk-lable; did you mean osk-label?" },
		/* Our own words mean nothing among the extras. */
		{ OWN " peer public-key q wireguard wg0 " KEY " outfile o",
		  "peer 1: what follows wireguard DEVICE PEER: unknown argument \"outfile\"; expected "
		  "endpoint, "
		  "persistent-keepalive or allowed-ips, each with a value after it" },
		{ OWN " peer public-key q wireguard wg0 " KEY " wireguard wg1",
		  "peer 1: what follows wireguard DEVICE PEER: unknown argument \"wireguard\"; expected "
		  "endpoint, persistent-keepalive or allowed-ips, each with a value after it" },
		{ OWN " peer public-key q exchange-command x",
		  "peer 1: unrecognised argument exchange-command" UNKNOWN_PEER },
		{ OWN " peer public-key q peer secret-key s",
		  "peer 2: unrecognised argument secret-key" UNKNOWN_PEER },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (read_words(&config, cases[i].line, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].line);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].line, problem, cases[i].problem);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

static void test_too_many_addresses(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char line[1024] = OWN;

	(void)state;
	for (int i = 0; i <= CONFIG_LISTEN_MAX; i++)
		(void)strcat(line, " listen h:1");
	assert_int_equal(read_words(&config, line, problem), -1);
	assert_string_equal(problem, "more than 16 listen addresses");
}

static void test_too_many_labels(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char line[1024] = OWN " peer public-key q outfile o osk-organization g";

	(void)state;
	for (int i = 0; i < CONFIG_OSK_LABELS_MAX; i++)
		(void)strcat(line, " osk-label x");
	parse(&config, line);
	assert_int_equal(config.peers[0].osk_labels.count, CONFIG_OSK_LABELS_MAX);
	config_release(&config);
	(void)strcat(line, " osk-label x");
	assert_int_equal(read_words(&config, line, problem), -1);
	assert_string_equal(problem, "peer 1: osk-label has more than 64 labels");
}

/* The problem is cut where its room ends. An empty word is a word. */
static void test_odd_words(void **state)
{
	static char empty[] = "";
	char long_word[2 * CONFIG_PROBLEM_BYTES];
	char *words[] = { long_word, empty };
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];

	(void)state;
	memset(long_word, 'x', sizeof long_word - 1);
	long_word[sizeof long_word - 1] = '\0';
	assert_int_equal(config_from_words(&config, words, 1, problem), -1);
	assert_int_equal(strlen(problem), sizeof problem - 1);
	assert_memory_equal(problem, "unrecognised argument xxx", 25);
	assert_int_equal(config_from_words(&config, words + 1, 1, problem), -1);
	assert_string_equal(problem, "unrecognised argument " UNKNOWN_OWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_too_many_addresses),
		cmocka_unit_test(test_too_many_labels),
		cmocka_unit_test(test_odd_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
