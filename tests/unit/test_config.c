#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/rosenpass_config.h"
#include "config/toml.h"

#define OWN "public_key = \"p\"\nsecret_key = \"s\"\n"
#define PEER "[[peers]]\npublic_key = \"q\"\nkey_out = \"o\"\n"
#define WG_PEER "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

/* What config_format() makes of OWN and PEER. */
#define SAID_OWN "public_key = \"p\"\nsecret_key = \"s\"\n"
#define SAID_PEER "\n[[peers]]\npublic_key = \"q\"\nkey_out = \"o\"\n"
#define NO_LISTEN "listen = []\n"
#define QUIET "verbosity = \"Quiet\"\n"
#define VERBOSE "verbosity = \"Verbose\"\n"

static int parse(struct config *config, const char *text, char problem[static CONFIG_PROBLEM_BYTES])
{
	problem[0] = '\0';
	return config_parse(config, text, strlen(text), "f.toml", problem);
}

/* The config says the same as this text. */
static void check_said(const char *what, const struct config *config, const char *expected)
{
	char *said = config_format(config);

	assert_non_null(said);
	if (strcmp(said, expected) != 0)
		fail_msg("%s is read as\n%s\nnot as\n%s", what, said, expected);
	free(said);
}

static void test_own_keys(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ OWN, SAID_OWN NO_LISTEN QUIET },
		{ OWN "peers = []", SAID_OWN NO_LISTEN QUIET },
		{ OWN "listen = []", SAID_OWN NO_LISTEN QUIET },
		{ OWN "listen = [\":9999\", \"*:9998\", \"9997\", \"0:9996\"]", SAID_OWN
		  "listen = [\"[::]:9999\", \"[::]:9998\", \"[::]:9997\", \"0.0.0.0:9996\"]\n" QUIET },
		{ OWN "listen = \"h:0\"", SAID_OWN "listen = [\"h:0\"]\n" QUIET },
		{ OWN "listen = [\"h:9\",\n\"[::]:65535\"]",
		  SAID_OWN "listen = [\"h:9\", \"[::]:65535\"]\n" QUIET },
		{ OWN "verbosity = \"Verbose\"", SAID_OWN NO_LISTEN VERBOSE },
		{ OWN "verbosity = \"VERBOSE\"", SAID_OWN NO_LISTEN VERBOSE },
		{ OWN "verbosity = \"quiet\"", SAID_OWN NO_LISTEN QUIET },
		{ OWN "user = \"nobody\"", SAID_OWN NO_LISTEN QUIET "user = \"nobody\"\n" },
		{ OWN "api = {}", SAID_OWN NO_LISTEN QUIET },
		{ OWN "[api]\nlisten_path = []\nlisten_fd = []\nstream_fd = []", SAID_OWN NO_LISTEN QUIET },
		{ "\"public_key\" = 'p'\nsecret_key = \"\"\"s\"\"\"", SAID_OWN NO_LISTEN QUIET },
		{ OWN PEER, SAID_OWN NO_LISTEN QUIET SAID_PEER },
		{ OWN "peers = [{public_key = \"q\", key_out = \"o\"}]", SAID_OWN NO_LISTEN QUIET SAID_PEER },
		{ OWN "peers = [\n    {\n\tpublic_key = \"q\", # theirs\n\tkey_out = \"o\",\n    },\n]\n",
		  SAID_OWN NO_LISTEN QUIET SAID_PEER },
		{ OWN "\r\n" PEER PEER, SAID_OWN NO_LISTEN QUIET SAID_PEER SAID_PEER },
		{ OWN "threads = 0", SAID_OWN NO_LISTEN QUIET },
		{ OWN "threads = 16", SAID_OWN NO_LISTEN QUIET "threads = 16\n" },
		{ OWN "fwmark = \"auto\"", SAID_OWN NO_LISTEN QUIET },
		{ OWN "fwmark = \"off\"", SAID_OWN NO_LISTEN QUIET "fwmark = \"off\"\n" },
		{ OWN "fwmark = 0", SAID_OWN NO_LISTEN QUIET "fwmark = \"off\"\n" },
		{ OWN "fwmark = \"0xca6c\"", SAID_OWN NO_LISTEN QUIET "fwmark = 51820\n" },
		{ OWN "fwmark = 0xffffffff", SAID_OWN NO_LISTEN QUIET "fwmark = 4294967295\n" },
		/* What holds for every peer that says nothing else; not for one without a file. */
		{ OWN "key_out_mode = \"0640\"\nkey_out_group = \"vpn\"", SAID_OWN NO_LISTEN QUIET },
		{ OWN "key_out_mode = \"0640\"\nkey_out_group = \"vpn\"\n" PEER PEER
		      "key_out_mode = \"0600\"\nkey_out_group = \"other\"\n"
		      "[[peers]]\npublic_key = \"q\"\nexchange_command = [\"x\"]\n",
		  SAID_OWN NO_LISTEN QUIET SAID_PEER
		  "key_out_mode = \"0640\"\nkey_out_group = \"vpn\"\n" SAID_PEER
		  "key_out_mode = \"0600\"\nkey_out_group = \"other\"\n"
		  "\n[[peers]]\npublic_key = \"q\"\nexchange_command = [\"x\"]\n" },
		{ OWN "before_first_exchange = \"block\"",
		  SAID_OWN NO_LISTEN QUIET "before_first_exchange = \"block\"\n" },
		{ OWN "before_first_exchange = \"leave\"", SAID_OWN NO_LISTEN QUIET },
		{ OWN "on_exit = \"random\"", SAID_OWN NO_LISTEN QUIET "on_exit = \"random\"\n" },
		{ OWN "on_exit = \"keep\"", SAID_OWN NO_LISTEN QUIET },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (parse(&config, cases[i].text, problem) != 0)
			fail_msg("\"%s\" is refused: %s", cases[i].text, problem);
		assert_string_equal(config.file, "f.toml");
		assert_false(config.secret_key_was_private);
		check_said(cases[i].text, &config, cases[i].said);
		config_release(&config);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

static void test_own_errors(void **state)
{
	static const struct {
		const char *text;
		const char *problem;
	} cases[] = {
		{ "", "f.toml: public_key and secret_key are missing; name two files, and rosenpass gen-keys "
		      "makes the "
		      "key pair" },
		{ PEER, "f.toml: public_key and secret_key are missing; name two files, and rosenpass "
		        "gen-keys makes "
		        "the key pair" },
		{ "public_key = \"p\"",
		  "f.toml: public_key without secret_key; both files of the key pair are needed" },
		{ "secret_key = \"s\"",
		  "f.toml: secret_key without public_key; both files of the key pair are needed" },
		{ OWN "user = 7", "f.toml:3: user: expected a string, found an integer" },
		{ OWN "user = 7.5", "f.toml:3: user: expected a string, found a float" },
		{ OWN "user = true", "f.toml:3: user: expected a string, found a boolean" },
		{ OWN "user = []", "f.toml:3: user: expected a string, found an array" },
		{ OWN "user = {}", "f.toml:3: user: expected a string, found a table" },
		{ OWN "user = \"\"", "f.toml:3: user is empty" },
		{ "secret_key = \"\"\n", "f.toml:1: secret_key is empty; expected the name of a file" },
		{ "\n\npublic_key = \"a\\u0000b\"", "f.toml:3: public_key has a zero byte in it" },
		{ OWN "verbosity = \"loud\"",
		  "f.toml:3: verbosity \"loud\" is not known; expected Quiet or Verbose" },
		{ OWN "verbosity = \"Quiet\\u0000\"", "f.toml:3: verbosity has a zero byte in it" },
		{ OWN "before_first_exchange = \"Block\"",
		  "f.toml:3: before_first_exchange \"Block\" is not known; expected block or leave" },
		{ OWN "before_first_exchange = true",
		  "f.toml:3: before_first_exchange: expected a string, found a boolean" },
		{ OWN "on_exit = \"\"", "f.toml:3: on_exit \"\" is not known; expected keep or random" },
		{ OWN "on_exit = [\"keep\"]", "f.toml:3: on_exit: expected a string, found an array" },
		{ OWN "verbosity = 2", "f.toml:3: verbosity: expected a string, found an integer" },
		{ OWN "threads = 17", "f.toml:3: threads is 17; expected a number from 0 to 16" },
		{ OWN "threads = -1", "f.toml:3: threads is -1; expected a number from 0 to 16" },
		{ OWN "threads = \"2\"", "f.toml:3: threads: expected a number of threads, found a string" },
		{ OWN "fwmark = 4294967296",
		  "f.toml:3: fwmark is 4294967296; expected a number from 0 to 4294967295" },
		{ OWN "fwmark = \"on\"",
		  "f.toml:3: fwmark \"on\" is not a mark; expected auto, off, or a number "
		  "up to 4294967295 (0xffffffff)" },
		{ OWN "fwmark = []", "f.toml:3: fwmark: expected a string or a number, found an array" },
		{ OWN "listen = 9999", "f.toml:3: listen: expected an array of strings, found an integer" },
		{ OWN "listen = [\n9999]",
		  "f.toml:4: listen: expected strings in the array, found an integer" },
		{ OWN "listen = [\"h:1\",\n\"h\"]",
		  "f.toml:4: listen \"h\" has no port; expected HOST:PORT" },
		{ OWN "listen = \"\"", "f.toml:3: listen \"\" has no port; expected HOST:PORT" },
		{ OWN "pubic_key = \"x\"", "f.toml:3: unknown key pubic_key; did you mean public_key?" },
		{ OWN "lisetn = []", "f.toml:3: unknown key lisetn; did you mean listen?" },
		{ OWN "verbosity_ = 1", "f.toml:3: unknown key verbosity_; did you mean verbosity?" },
		{ OWN "single_socket_for_all = 1",
		  "f.toml:3: unknown key single_socket_for_all; rosenpass.toml(5) lists the known ones" },
		{ OWN "\"user\\u0000\" = \"x\"", "f.toml:3: unknown key user; did you mean user?" },
		{ OWN "peers = 1",
		  "f.toml:3: peers: expected [[peers]], a table for each peer, found an integer" },
		{ OWN "[peers]\npublic_key = \"q\"",
		  "f.toml:3: peers: expected [[peers]], a table for each peer, found a table" },
		{ OWN "peers = [\n{public_key = \"q\", key_out = \"o\"}, \n7]",
		  "f.toml:5: peer 2: peers: expected tables in the array, found an integer" },
		{ OWN "api = 1", "f.toml:3: api: expected a table, found an integer" },
		{ OWN "[api]\nlisten_path = \"x\"",
		  "f.toml:4: listen_path: expected an array, found a string" },
		{ OWN "[api]\n\nlisten_path = [\"/run/x\"]",
		  "f.toml:5: listen_path: this version has no management API; leave it out, and ask the "
		  "control socket "
		  "instead: rosenpass status" },
		{ OWN "[api]\nlisten_pth = []",
		  "f.toml:4: unknown key listen_pth; did you mean listen_path?" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (parse(&config, cases[i].text, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].text);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].text, problem, cases[i].problem);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

/* What is no TOML is said with its place. */
static void test_no_toml(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];

	(void)state;
	assert_int_equal(parse(&config, OWN "user = ", problem), -1);
	assert_memory_equal(problem, "f.toml:3: column ", 17);
	assert_int_equal(parse(&config, OWN OWN, problem), -1);
	assert_memory_equal(problem, "f.toml:3: column ", 17);
}

static void test_many_listen(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char text[1024] = OWN "listen = [";

	(void)state;
	for (int i = 0; i < CONFIG_LISTEN_MAX; i++)
		(void)strcat(text, "\"h:1\",");
	(void)strcat(text, "]");
	assert_int_equal(parse(&config, text, problem), 0);
	assert_int_equal(config.listen.count, CONFIG_LISTEN_MAX);
	config_release(&config);
	(void)strcpy(strrchr(text, ']'), "\"h:1\"]");
	assert_int_equal(parse(&config, text, problem), -1);
	assert_string_equal(problem, "f.toml:3: listen has more than 16 addresses");
}

static void test_home(void **state)
{
	static const struct {
		const char *home;
		const char *written;
		const char *read; /* NULL: refused */
	} cases[] = {
		{ "/home/me", "~", "/home/me" },
		{ "/home/me", "~/", "/home/me/" },
		{ "/home/me", "~/k/~/x~", "/home/me/k/~/x~" },
		{ "/", "~/k", "/k" },
		{ "/", "~", "/" },
		{ "/home/me", "./~/k", "./~/k" },
		{ "/home/me", "a~/k", "a~/k" },
		{ NULL, "a~/k", "a~/k" },
		{ "/home/me", "~you/k", NULL },
		{ "/home/me", "~~", NULL },
		{ NULL, "~/k", NULL },
		{ "", "~/k", NULL },
		{ "home", "~/k", NULL },
		{ "~", "~/k", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[128];

		if (cases[i].home != NULL)
			assert_int_equal(setenv("HOME", cases[i].home, 1), 0);
		else
			assert_int_equal(unsetenv("HOME"), 0);
		(void)snprintf(text, sizeof text, "secret_key = \"s\"\npublic_key = \"%s\"",
		               cases[i].written);
		if (cases[i].read == NULL) {
			assert_int_equal(parse(&config, text, problem), -1);
			assert_memory_equal(problem, "f.toml:2: public_key \"~", 22);
			continue;
		}
		if (parse(&config, text, problem) != 0)
			fail_msg("\"%s\" is refused: %s", cases[i].written, problem);
		assert_string_equal(config.public_key, cases[i].read);
		config_release(&config);
	}
	assert_int_equal(setenv("HOME", "/home/me", 1), 0);
}

/* What other versions write, and all that ours knows. */
static void test_samples(void **state)
{
	static const struct {
		const char *name;
		const char *said;
	} cases[] = {
		{ "reference-docs.toml",
		  "public_key = \"rp-public-key\"\nsecret_key = \"rp-secret-key\"\n"
		  "listen = [\"0.0.0.0:9999\", \"[::]:9999\"]\n" VERBOSE
		  "\n[[peers]]\npublic_key = \"rp-peer-public-key\"\nendpoint = \"my-peer.test:9999\"\n"
		  "pre_shared_key = \"additional-key\"\nkey_out = \"rp-key-out\"\n"
		  "\n[[peers]]\npublic_key = \"/etc/rosenpass/wg0/peers/office/pqpk\"\n"
		  "endpoint = \"192.0.2.7:51821\"\ndevice = \"wg0\"\npeer = \"" WG_PEER "\"\n"
		  "extra_params = [\"persistent-keepalive\", \"25\"]\nprotocol_version = \"V03\"\n"
		  "osk_organization = \"example.org\"\nosk_label = [\"vpn\", \"between offices\"]\n" },
		{ "gen-config-0.2.toml",
		  "public_key = \"rp-public-key\"\nsecret_key = \"rp-secret-key\"\n" NO_LISTEN QUIET
		  "\n[[peers]]\npublic_key = \"rp-peer-public-key\"\nendpoint = \"my-peer.test:9999\"\n"
		  "key_out = \"rp-key-out\"\n"
		  "exchange_command = [\"deliver\", \"--peer\", \"<PEER_ID>\", \"/dev/stdin\"]\n" },
		{ "gen-config-main.toml",
		  "public_key = \"/path/to/rp-public-key\"\nsecret_key = "
		  "\"/path/to/rp-secret-key\"\n" NO_LISTEN VERBOSE
		  "\n[[peers]]\npublic_key = \"/path/to/rp-peer-public-key\"\nendpoint = \"127.0.0.1:9998\"\n"
		  "key_out = \"/path/to/rp-key-out.txt\"\n" },
		{ "saved-by-main.toml",
		  "public_key = \"/etc/rosenpass/wg0/pqpk\"\n"
		  "secret_key = \"/run/credentials/rosenpass@wg0.service/pqsk\"\n"
		  "listen = [\"[fe80::1%2]:9999\"]\n" QUIET
		  "\n[[peers]]\npublic_key = \"/etc/rosenpass/wg0/peers/office/pqpk\"\n"
		  "endpoint = \"office.example.org:9999\"\ndevice = \"wg0\"\npeer = \"" WG_PEER "\"\n"
		  "protocol_version = \"V02\"\n" },
		{ "nixos.toml",
		  "public_key = \"/etc/rosenpass/public-key\"\n"
		  "secret_key = \"/run/credentials/rosenpass.service/pqsk\"\n"
		  "listen = [\"0.0.0.0:9999\"]\n" VERBOSE
		  "\n[[peers]]\npublic_key = \"/nix/store/peer.pqpk\"\nendpoint = \"192.168.0.1:9999\"\n"
		  "device = \"rosenpass0\"\npeer = \"" WG_PEER "\"\n" },
		{ "go-rosenpass.toml",
		  "public_key = \"/etc/wireguard/wg0/pqpk\"\nsecret_key = \"/etc/wireguard/wg0/pqsk\"\n"
		  "listen = [\"localhost:9999\", \"[::1]:9999\"]\n" VERBOSE
		  "\n[[peers]]\npublic_key = \"/etc/wireguard/wg0/q6CJUAvlYe.pqpk\"\n"
		  "endpoint = \"peer.example.org:9999\"\ndevice = \"wg0\"\npeer = \"" WG_PEER "\"\n"
		  "\n[[peers]]\npublic_key = \"other.pqpk\"\nkey_out = \"other.psk\"\n"
		  "device = \"wg1\"\npeer = \"" WG_PEER "\"\n" },
		{ "every-key.toml",
		  "public_key = \"/etc/rosenpass/wg0/pqpk\"\nsecret_key = \"/etc/rosenpass/wg0/pqsk\"\n"
		  "listen = [\"[::]:9999\"]\n" VERBOSE "user = \"rosenpass\"\n"
		  "\n[[peers]]\nname = \"Büro № 1\"\npublic_key = \"office.pqpk\"\nendpoint = "
		  "\"[fe80::1%eth0]:9999\"\n"
		  "pre_shared_key = \"office.psk\"\nkey_out = \"keys\\\\office\"\n"
		  "exchange_command = [\"notify-me\", \"--fast\", \"x\"]\ndevice = \"wg0\"\npeer = \"" WG_PEER
		  "\"\n"
		  "extra_params = [\"allowed-ips\", \"10.0.0.0/8\"]\nprotocol_version = \"V02\"\n"
		  "osk_organization = \"example.org\"\nosk_label = [\"one\", \"two\"]\n"
		  "\n[[peers]]\npublic_key = \"é.pqpk\"\nexchange_command = [\"notify-me\"]\n" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char path[512];

		(void)snprintf(path, sizeof path, "%s/config/%s", TEST_DATA_DIR, cases[i].name);
		if (config_read(&config, path, problem) != 0)
			fail_msg("%s", problem);
		assert_string_equal(config.file, path);
		check_said(path, &config, cases[i].said);
		config_release(&config);
	}
}

static void test_unreadable(void **state)
{
	char folder[] = "/tmp/rosenpass-test-XXXXXX";
	char path[64];
	char problem[CONFIG_PROBLEM_BYTES];
	char expected[CONFIG_PROBLEM_BYTES];
	struct config config;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/x", folder);
	assert_int_equal(config_read(&config, path, problem), -1);
	(void)snprintf(expected, sizeof expected, "config file \"%s\" does not exist", path);
	assert_string_equal(problem, expected);
	assert_int_equal(config_read(&config, folder, problem), -1);
	(void)snprintf(expected, sizeof expected, "cannot read config file \"%s\": Is a directory", folder);
	assert_string_equal(problem, expected);
	/* A file of holes, and one byte beyond the limit. */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, TOML_TEXT_MAX_BYTES + 1), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(config_read(&config, path, problem), -1);
	assert_memory_equal(problem, path, strlen(path));
	assert_true(fixture_is_zero(&config, sizeof config));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* However long what the user wrote is, the message is whole and within its room. */
static void test_long_words(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char text[4096];
	char word[2001];

	(void)state;
	memset(word, 'x', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	(void)snprintf(text, sizeof text, OWN "verbosity = \"%s\"", word);
	assert_int_equal(parse(&config, text, problem), -1);
	assert_non_null(strstr(problem, "xxx\" is not known; expected Quiet or Verbose"));
	(void)snprintf(text, sizeof text, OWN "listen = \"%s:x\"", word);
	assert_int_equal(parse(&config, text, problem), -1);
	assert_non_null(strstr(problem, "xxx\" has a host name that is too long"));
	(void)snprintf(text, sizeof text, OWN "%s = 1", word);
	assert_int_equal(parse(&config, text, problem), -1);
	assert_non_null(strstr(problem, "xxx; rosenpass.toml(5) lists the known ones"));
	assert_int_equal(config_parse(&config, "x = 1", 5, word, problem), -1);
	assert_non_null(strstr(problem, ":1: unknown key x"));
	assert_int_equal(config_read(&config, word, problem), -1);
	assert_non_null(strstr(problem, "xxx\": File name too long"));
}

/* As systemd sets them for a service. */
static void test_variables(void **state)
{
	static const struct {
		const char *path;
		const char *expected; /* NULL: refused, with this in the problem: */
		const char *problem;
	} cases[] = {
		{ "${CREDENTIALS_DIRECTORY}/pqsk", "/run/credentials/x.service/pqsk", NULL },
		{ "${RUNTIME_DIRECTORY}/k", "/run/one/k", NULL },
		{ "${CREDENTIALS_DIRECTORY}${CREDENTIALS_DIRECTORY}",
		  "/run/credentials/x.service/run/credentials/x.service", NULL },
		{ "/a${CREDENTIALS_DIRECTORY}", "/a/run/credentials/x.service", NULL },
		{ "~/${CREDENTIALS_DIRECTORY}", "/home/me//run/credentials/x.service", NULL },
		{ "a$b", "a$b", NULL },
		{ "a$", "a$", NULL },
		{ "$CREDENTIALS_DIRECTORY/k", "$CREDENTIALS_DIRECTORY/k", NULL },
		{ "a$$b", "a$b", NULL },
		{ "$$$$", "$$", NULL },
		{ "$${CREDENTIALS_DIRECTORY}", "${CREDENTIALS_DIRECTORY}", NULL },
		{ "$$${CREDENTIALS_DIRECTORY}", "$/run/credentials/x.service", NULL },
		{ "${STATE_DIRECTORY}/k", NULL, "\"${STATE_DIRECTORY}/k\": STATE_DIRECTORY is not set" },
		{ "${HOME}/k", NULL, "${HOME} is not known; there are ${CREDENTIALS_DIRECTORY}" },
		{ "${}/k", NULL, "${} is not known" },
		{ "${RUNTIME_DIRECTORY", NULL, "a } is missing after ${" },
		{ "${RUNTIME_DIRECTORYX}", NULL, "${RUNTIME_DIRECTORYX} is not known" },
		{ "${RUNTIME_DIRECTOR}", NULL, "${RUNTIME_DIRECTOR} is not known" },
	};

	(void)state;
	assert_int_equal(setenv("HOME", "/home/me", 1), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x.service", 1), 0);
	assert_int_equal(setenv("RUNTIME_DIRECTORY", "/run/one:/run/other", 1), 0);
	assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[256];

		(void)snprintf(text, sizeof text, "secret_key = \"s\"\npublic_key = \"%s\"\n", cases[i].path);
		if (parse(&config, text, problem) == 0) {
			if (cases[i].expected == NULL || strcmp(config.public_key, cases[i].expected) != 0)
				fail_msg("\"%s\" is \"%s\"", cases[i].path, config.public_key);
			config_release(&config);
		} else {
			assert_null(cases[i].expected);
			assert_memory_equal(problem, "f.toml:2: public_key", 20);
			if (strstr(problem, cases[i].problem) == NULL)
				fail_msg("\"%s\": %s", cases[i].path, problem);
		}
	}
	assert_int_equal(setenv("STATE_DIRECTORY", "lib", 1), 0);
	{
		struct config config;
		char problem[CONFIG_PROBLEM_BYTES];

		assert_int_equal(parse(&config, "secret_key = \"${STATE_DIRECTORY}/s\"\n", problem), -1);
		assert_non_null(strstr(problem, "STATE_DIRECTORY is \"lib\", and no absolute path"));
	}
}

/* Whose a configuration is, by the keys that only one of the programs has. */
static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		enum config_kind kind;
	} cases[] = {
		{ "", CONFIG_KIND_UNKNOWN },
		{ "listen = []", CONFIG_KIND_UNKNOWN },
		{ "public_key = \"p\"", CONFIG_KIND_ROSENPASS },
		{ "secret_key = \"p\"", CONFIG_KIND_ROSENPASS },
		{ "[[peers]]\npublic_key = \"p\"", CONFIG_KIND_ROSENPASS },
		{ "private_keys_dir = \"p\"", CONFIG_KIND_RP },
		{ "[[peers]]\n[[peers]]\npublic_keys_dir = \"p\"", CONFIG_KIND_RP },
		{ "private_keys_dir = \"p\"\nsecret_key = \"s\"", CONFIG_KIND_UNKNOWN },
		{ "private_keys_dir = \"p\"\n[[peers]]\npublic_key = \"q\"", CONFIG_KIND_UNKNOWN },
		{ "private_keys_dir", CONFIG_KIND_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++)
		assert_int_equal(config_kind_of_text(cases[i].text, strlen(cases[i].text)), cases[i].kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables),   cmocka_unit_test(test_own_keys),
		cmocka_unit_test(test_own_errors),  cmocka_unit_test(test_no_toml),
		cmocka_unit_test(test_many_listen), cmocka_unit_test(test_home),
		cmocka_unit_test(test_samples),     cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_long_words),  cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
