#include "fixture.h"

#include "config/rosenpass_config.h"

#define WORDS_MAX 64
#define OWN "public-key p secret-key s "
#define WG_PEER "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

/* What config_format() makes of OWN. */
#define SAID_OWN "public_key = \"p\"\nsecret_key = \"s\"\n"
#define NO_LISTEN "listen = []\n"
#define QUIET "verbosity = \"Quiet\"\n"
#define PEER "\n[[peers]]\n"

/* Words cut out of one line at its spaces; _ stands for an empty one. */
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
		if (strcmp(word, "_") == 0)
			*word = '\0';
		words->word[words->count++] = word;
	}
}

static int read_line(struct config *config, const char *line, char problem[static CONFIG_PROBLEM_BYTES])
{
	struct words words;

	problem[0] = '\0';
	cut(&words, line);
	return config_from_words(config, words.word, words.count, problem);
}

static void test_good(void **state)
{
	static const struct {
		const char *line;
		const char *said;
	} cases[] = {
		{ OWN, SAID_OWN NO_LISTEN QUIET },
		{ OWN "peer public-key q outfile o",
		  SAID_OWN NO_LISTEN QUIET PEER "public_key = \"q\"\nkey_out = \"o\"\n" },
		{ OWN "listen 0:2345 listen :9 listen 8 listen *:7 peer public-key q outfile o",
		  SAID_OWN "listen = [\"0.0.0.0:2345\", \"[::]:9\", \"[::]:8\", \"[::]:7\"]\n" QUIET PEER
		           "public_key = \"q\"\nkey_out = \"o\"\n" },
		{ OWN "verbose listen h:0 listen [::]:9 peer public-key q outfile o",
		  SAID_OWN "listen = [\"h:0\", \"[::]:9\"]\nverbosity = \"Verbose\"\n" PEER
		           "public_key = \"q\"\nkey_out = \"o\"\n" },
		{ OWN "fwmark 0x10 peer public-key q outfile o",
		  SAID_OWN NO_LISTEN QUIET "fwmark = 16\n" PEER "public_key = \"q\"\nkey_out = \"o\"\n" },
		/*
		 * The shell has replaced variables; what is left is meant, and is written so that it stays.
		 */
		{ "public-key ${HOME} secret-key $$ peer public-key $q outfile ${STATE_DIRECTORY}/o "
		  "outfile-mode 640 outfile-group vpn",
		  "public_key = \"$${HOME}\"\nsecret_key = \"$$$\"\n" NO_LISTEN QUIET PEER
		  "public_key = \"$q\"\nkey_out = \"$${STATE_DIRECTORY}/o\"\nkey_out_mode = \"0640\"\n"
		  "key_out_group = \"vpn\"\n" },
		{ "public-key ~/p private-key ~ peer public-key ~/q outfile ~/o preshared-key ~/k",
		  "public_key = \"/home/me/p\"\nsecret_key = \"/home/me\"\n" NO_LISTEN QUIET PEER
		  "public_key = \"/home/me/q\"\npre_shared_key = \"/home/me/k\"\nkey_out = "
		  "\"/home/me/o\"\n" },
		{ OWN "peer public-key q endpoint h:1 preshared-key k outfile o name n protocol-version V03 "
		      "osk-label a osk-organization b osk-label c wireguard wg0 " WG_PEER
		      " allowed-ips _ persistent-keepalive 25 endpoint g:2",
		  SAID_OWN NO_LISTEN QUIET PEER
		  "name = \"n\"\npublic_key = \"q\"\nendpoint = \"h:1\"\n"
		  "pre_shared_key = \"k\"\nkey_out = \"o\"\n"
		  "device = \"wg0\"\npeer = \"" WG_PEER "\"\n"
		  "extra_params = [\"allowed-ips\", \"\", \"persistent-keepalive\", "
		  "\"25\", \"endpoint\", \"g:2\"]\n"
		  "protocol_version = \"V03\"\nosk_organization = \"b\"\n"
		  "osk_label = [\"a\", \"c\"]\n" },
		{ OWN "peer public-key q wireguard wg0 " WG_PEER
		      " peer public-key r outfile o protocol-version V02",
		  SAID_OWN NO_LISTEN QUIET PEER
		  "public_key = \"q\"\ndevice = \"wg0\"\npeer = \"" WG_PEER "\"\n" PEER
		  "public_key = \"r\"\nkey_out = \"o\"\nprotocol_version = \"V02\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char *said;

		if (read_line(&config, cases[i].line, problem) != 0)
			fail_msg("\"%s\" is refused: %s", cases[i].line, problem);
		said = config_format(&config);
		assert_non_null(said);
		if (strcmp(said, cases[i].said) != 0)
			fail_msg("\"%s\" is read as\n%s", cases[i].line, said);
		free(said);
		assert_null(config.file);
		assert_int_equal(config.peers[0].line, 0);
		assert_int_equal(config.secret_key_was_private, strstr(cases[i].line, "private-key") != NULL);
		config_release(&config);
	}
}

#define PEER_1 OWN "peer public-key q "

static void test_errors(void **state)
{
	static const struct {
		const char *line;
		const char *problem;
	} cases[] = {
		{ PEER_1 "outfile o outfile-mode 0666", "peer 1: outfile-mode 0666 lets everybody write; "
		                                        "expected an octal mode such as \"0640\" or "
		                                        "0o640" },
		{ PEER_1 "outfile-group x wireguard wg0 " WG_PEER,
		  "peer 1: outfile-group without outfile, which it is for" },
		{ "public-key _ secret-key s peer public-key q outfile o",
		  "public-key is empty; expected the name of a file" },
		{ "public-key p secret-key ~you peer public-key q outfile o",
		  "secret-key \"~you\": only ~ and ~/ are replaced, no other user's home directory; write it "
		  "out, or ./~ "
		  "for a file of that name" },
		{ OWN "listen h peer public-key q outfile o",
		  "listen \"h\" has no port; expected HOST:PORT" },
		{ OWN "listen _ peer public-key q outfile o", "listen \"\" has no port; expected HOST:PORT" },
		{ PEER_1, "peer 1: its key goes nowhere; add outfile FILE, or wireguard DEVICE PEER" },
		{ PEER_1 "outfile o peer public-key r",
		  "peer 2: its key goes nowhere; add outfile FILE, or wireguard DEVICE PEER" },
		{ PEER_1 "outfile o name n peer public-key r name m",
		  "peer 2: its key goes nowhere; add outfile FILE, or wireguard DEVICE PEER" },
		{ PEER_1 "outfile _", "peer 1: outfile is empty; expected the name of a file" },
		{ PEER_1 "outfile o endpoint ::1:9", "peer 1: endpoint \"::1:9\" looks like an IPv6 address; "
		                                     "write it in brackets, as in [::1]:9999" },
		{ PEER_1 "outfile o endpoint 0:9",
		  "peer 1: endpoint \"0:9\" means every address of a machine; "
		  "give the one at which the peer can be reached" },
		{ PEER_1 "outfile o endpoint h:0",
		  "peer 1: endpoint \"h:0\" has port 0, which nobody can wait on; give "
		  "the port that the peer listens on" },
		{ PEER_1 "outfile o protocol-version 3",
		  "peer 1: protocol-version \"3\" is not known; expected V02 or "
		  "V03, or leave it out to allow both" },
		{ PEER_1 "outfile o osk-label l",
		  "peer 1: osk-label without osk-organization; both are needed, the same "
		  "as the peer has" },
		{ PEER_1 "outfile o osk-organization l",
		  "peer 1: osk-organization without osk-label; both are needed, the same as the peer has" },
		{ PEER_1 "outfile o name _", "peer 1: name has to be 1 to 64 printable characters" },
		{ PEER_1 "outfile o name \x80", "peer 1: name has to be 1 to 64 printable characters" },
		{ PEER_1 "outfile o name n peer public-key r outfile u name n",
		  "peer 2 (\"n\"): peer 1 has the same name" },
		{ PEER_1 "wireguard wg/0 " WG_PEER,
		  "peer 1: wireguard device \"wg/0\" cannot be a network interface; "
		  "expected a name of 1 to 15 characters such as wg0" },
		{ PEER_1 "wireguard wg0 peer",
		  "peer 1: wireguard peer is not a WireGuard public key; expected 32 bytes in "
		  "base64 (44 characters, as wg pubkey prints them)" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (read_line(&config, cases[i].line, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].line);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].line, problem, cases[i].problem);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

/* The words of `peer add`. */
static void test_one_peer(void **state)
{
	static const struct {
		const char *line;
		const char *problem; /* NULL: it is good */
	} cases[] = {
		{ "public-key q outfile o", NULL },
		{ "outfile o name n public-key q wireguard wg0 " WG_PEER " allowed-ips ::/0", NULL },
		{ "public-key q wireguard wg0 " WG_PEER " alowed-ips ::/0",
		  "what follows wireguard DEVICE PEER: unknown argument \"alowed-ips\"; did you mean "
		  "allowed-ips?" },
		{ "", "public-key file must be set" },
		{ "outfile o", "public-key file must be set" },
		{ "public-key q", "its key goes nowhere; add outfile FILE, or wireguard DEVICE PEER" },
		{ "public-key q outfile o frobnicate",
		  "unrecognised argument frobnicate; expected public-key, endpoint, preshared-key, outfile, "
		  "wireguard "
		  "or peer" },
		{ "public-key q outfile o peer public-key r outfile u",
		  "peer starts another peer; add one at a time" },
		{ "peer public-key q outfile o", "public-key file must be set" },
		{ "public-key q outfile o endpoint h", "endpoint \"h\" has no port; expected HOST:PORT" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config_peer peer;
		struct words words;
		char problem[CONFIG_PROBLEM_BYTES] = "";
		int result;

		cut(&words, cases[i].line);
		result = config_peer_from_words(&peer, words.word, words.count, problem);
		if ((result == 0) != (cases[i].problem == NULL))
			fail_msg("\"%s\": %d, %s", cases[i].line, result, problem);
		if (cases[i].problem != NULL) {
			if (strcmp(problem, cases[i].problem) != 0)
				fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].line, problem,
				         cases[i].problem);
		} else {
			assert_string_equal(peer.public_key, "q");
			assert_string_equal(peer.key_out, "o");
		}
		config_peer_release(&peer);
		assert_true(fixture_is_zero(&peer, sizeof peer));
	}
}

static int set_home(void **state)
{
	(void)state;
	return setenv("HOME", "/home/me", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_one_peer),
	};

	return cmocka_run_group_tests(tests, set_home, NULL);
}
