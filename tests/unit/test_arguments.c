#include "fixture.h"

#include "config/arguments.h"

#define WORDS_MAX 64

/* Words for arguments_parse(), cut out of one line at its spaces. */
struct words {
	char line[1024];
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

static void parse(struct arguments *arguments, struct words *words, const char *line)
{
	char problem[ARGUMENTS_PROBLEM_BYTES] = "";

	cut(words, line);
	if (arguments_parse(arguments, words->word, words->count, problem) != 0)
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
		{ "public-key p secret-key s listen peer peer public-key q", "p", "s", false, false, 1, 1 },
		{ OWN " peer public-key q peer public-key r peer public-key t", "p", "s", false, false, 0,
		  3 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct arguments arguments;
		struct words words;

		parse(&arguments, &words, cases[i].line);
		check_text(cases[i].line, "public-key", arguments.public_key, cases[i].public_key);
		check_text(cases[i].line, "secret-key", arguments.secret_key, cases[i].secret_key);
		assert_int_equal(arguments.secret_key_was_private, cases[i].was_private);
		assert_int_equal(arguments.verbose, cases[i].verbose);
		assert_int_equal(arguments.listen_count, cases[i].listen_count);
		assert_int_equal(arguments.peer_count, cases[i].peer_count);
		arguments_release(&arguments);
		assert_null(arguments.peers);
		assert_int_equal(arguments.peer_count, 0);
	}
}

/* Addresses keep their order, as the sockets do. */
static void test_listen(void **state)
{
	struct arguments arguments;
	struct words words;
	char line[1024] = OWN;
	char expected[16];

	(void)state;
	for (int i = 0; i < ARGUMENTS_LISTEN_MAX; i++)
		(void)snprintf(line + strlen(line), sizeof line - strlen(line), " listen h:%d", i);
	parse(&arguments, &words, line);
	assert_int_equal(arguments.listen_count, ARGUMENTS_LISTEN_MAX);
	for (int i = 0; i < ARGUMENTS_LISTEN_MAX; i++) {
		(void)snprintf(expected, sizeof expected, "h:%d", i);
		assert_string_equal(arguments.listen[i], expected);
	}
	arguments_release(&arguments);
}

/* What comes after "peer", each peer by itself. */
static void test_peer(void **state)
{
	static const struct {
		const char *words;
		struct arguments_peer peer;
		const char *extra; /* the first one, where there are any */
	} cases[] = {
		{ "public-key q", { .public_key = "q" }, NULL },
		{ "public-key peer", { .public_key = "peer" }, NULL },
		{ "public-key q endpoint h:1", { .public_key = "q", .endpoint = "h:1" }, NULL },
		{ "endpoint h:1 preshared-key k public-key q outfile o",
		  { .public_key = "q", .endpoint = "h:1", .preshared_key = "k", .outfile = "o" },
		  NULL },
		/* Released versions refuse these two together, by mistake. */
		{ "public-key q preshared-key k endpoint h:1",
		  { .public_key = "q", .endpoint = "h:1", .preshared_key = "k" },
		  NULL },
		{ "outfile peer public-key q", { .public_key = "q", .outfile = "peer" }, NULL },
		{ "outfile wireguard public-key verbose",
		  { .public_key = "verbose", .outfile = "wireguard" },
		  NULL },
		{ "public-key q wireguard wg0 abc=",
		  { .public_key = "q", .wireguard_device = "wg0", .wireguard_peer = "abc=" },
		  NULL },
		{ "public-key q wireguard peer peer",
		  { .public_key = "q", .wireguard_device = "peer", .wireguard_peer = "peer" },
		  NULL },
		{ "public-key q outfile o wireguard wg0 abc= allowed-ips ::/0",
		  { .public_key = "q",
		    .outfile = "o",
		    .wireguard_device = "wg0",
		    .wireguard_peer = "abc=",
		    .wireguard_extra_count = 2 },
		  "allowed-ips" },
		{ "name n public-key q protocol-version V03 osk-organization g",
		  { .public_key = "q", .name = "n", .protocol_version = "V03", .osk_organization = "g" },
		  NULL },
		{ "osk-label a public-key q osk-label b osk-label a",
		  { .public_key = "q", .osk_labels = { "a", "b", "a" }, .osk_label_count = 3 },
		  NULL },
		{ "osk-label peer name peer public-key q",
		  { .public_key = "q", .name = "peer", .osk_labels = { "peer" }, .osk_label_count = 1 },
		  NULL },
		/* Our own words mean nothing among the extras. */
		{ "public-key q wireguard wg0 abc= outfile o public-key",
		  { .public_key = "q",
		    .wireguard_device = "wg0",
		    .wireguard_peer = "abc=",
		    .wireguard_extra_count = 3 },
		  "outfile" },
		{ "public-key q wireguard wg0 abc= wireguard wg1 def=",
		  { .public_key = "q",
		    .wireguard_device = "wg0",
		    .wireguard_peer = "abc=",
		    .wireguard_extra_count = 3 },
		  "wireguard" },
	};
	/* In front of and behind another peer nothing may change. */
	static const char *const frames[] = {
		OWN " peer %s",
		OWN " peer public-key x outfile y peer %s",
		OWN " peer public-key x wireguard a b c peer %s peer public-key z",
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases) * FIXTURE_COUNT(frames); i++) {
		size_t frame = i % FIXTURE_COUNT(frames);
		size_t n = i / FIXTURE_COUNT(frames);
		const struct arguments_peer *expected = &cases[n].peer;
		const struct arguments_peer *peer;
		struct arguments arguments;
		struct words words;
		char line[512];

		(void)snprintf(line, sizeof line, "%.*s%s%s",
		               (int)(strstr(frames[frame], "%s") - frames[frame]), frames[frame],
		               cases[n].words, strstr(frames[frame], "%s") + 2);
		parse(&arguments, &words, line);
		assert_int_equal(arguments.peer_count, frame + 1);
		peer = &arguments.peers[frame == 0 ? 0 : 1];
		check_text(line, "public-key", peer->public_key, expected->public_key);
		check_text(line, "endpoint", peer->endpoint, expected->endpoint);
		check_text(line, "preshared-key", peer->preshared_key, expected->preshared_key);
		check_text(line, "outfile", peer->outfile, expected->outfile);
		check_text(line, "device", peer->wireguard_device, expected->wireguard_device);
		check_text(line, "wireguard peer", peer->wireguard_peer, expected->wireguard_peer);
		check_text(line, "name", peer->name, expected->name);
		check_text(line, "protocol-version", peer->protocol_version, expected->protocol_version);
		check_text(line, "osk-organization", peer->osk_organization, expected->osk_organization);
		assert_int_equal(peer->osk_label_count, expected->osk_label_count);
		for (size_t j = 0; j < expected->osk_label_count; j++)
			check_text(line, "osk-label", peer->osk_labels[j], expected->osk_labels[j]);
		assert_int_equal(peer->wireguard_extra_count, expected->wireguard_extra_count);
		if (cases[n].extra != NULL)
			assert_string_equal(peer->wireguard_extra[0], cases[n].extra);
		if (frame > 0)
			assert_string_equal(arguments.peers[0].public_key, "x");
		if (frame == 2) {
			assert_string_equal(arguments.peers[2].public_key, "z");
			assert_int_equal(arguments.peers[0].wireguard_extra_count, 1);
		}
		arguments_release(&arguments);
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
		{ OWN " peer public-key q exchange-command x",
		  "peer 1: unrecognised argument exchange-command" UNKNOWN_PEER },
		{ OWN " peer public-key q peer secret-key s",
		  "peer 2: unrecognised argument secret-key" UNKNOWN_PEER },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct arguments arguments;
		struct words words;
		char problem[ARGUMENTS_PROBLEM_BYTES] = "";

		cut(&words, cases[i].line);
		if (arguments_parse(&arguments, words.word, words.count, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].line);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].line, problem, cases[i].problem);
		arguments_release(&arguments);
	}
}

static void test_too_many_addresses(void **state)
{
	struct arguments arguments;
	struct words words;
	char problem[ARGUMENTS_PROBLEM_BYTES] = "";
	char line[1024] = OWN;

	(void)state;
	for (int i = 0; i <= ARGUMENTS_LISTEN_MAX; i++)
		(void)strcat(line, " listen h:1");
	cut(&words, line);
	assert_int_equal(arguments_parse(&arguments, words.word, words.count, problem), -1);
	assert_string_equal(problem, "more than 16 listen addresses");
	arguments_release(&arguments);
}

static void test_too_many_labels(void **state)
{
	struct arguments arguments;
	struct words words;
	char problem[ARGUMENTS_PROBLEM_BYTES] = "";
	char line[1024] = OWN " peer public-key q";

	(void)state;
	for (int i = 0; i < ARGUMENTS_OSK_LABELS_MAX; i++)
		(void)strcat(line, " osk-label x");
	parse(&arguments, &words, line);
	assert_int_equal(arguments.peers[0].osk_label_count, ARGUMENTS_OSK_LABELS_MAX);
	arguments_release(&arguments);
	(void)strcat(line, " osk-label x");
	cut(&words, line);
	assert_int_equal(arguments_parse(&arguments, words.word, words.count, problem), -1);
	assert_string_equal(problem, "peer 1: more than 16 times osk-label");
	arguments_release(&arguments);
}

/* The problem is cut where its room ends. An empty word is a word. */
static void test_odd_words(void **state)
{
	static char empty[] = "";
	char long_word[2 * ARGUMENTS_PROBLEM_BYTES];
	char *words[] = { long_word, empty };
	struct arguments arguments;
	char problem[ARGUMENTS_PROBLEM_BYTES];

	(void)state;
	memset(long_word, 'x', sizeof long_word - 1);
	long_word[sizeof long_word - 1] = '\0';
	assert_int_equal(arguments_parse(&arguments, words, 1, problem), -1);
	assert_int_equal(strlen(problem), sizeof problem - 1);
	assert_memory_equal(problem, "unrecognised argument xxx", 25);
	arguments_release(&arguments);
	assert_int_equal(arguments_parse(&arguments, words + 1, 1, problem), -1);
	assert_string_equal(problem, "unrecognised argument " UNKNOWN_OWN);
	arguments_release(&arguments);
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
