#include "fixture.h"

#include "config/rp_config.h"

#define OWN "private_keys_dir = \"k\"\n"
#define PEER "[[peers]]\npublic_keys_dir = \"p\"\n"

static int parse(struct rp_config *config, const char *text, char problem[static CONFIG_PROBLEM_BYTES])
{
	problem[0] = '\0';
	return rp_config_parse(config, text, strlen(text), "f.toml", problem);
}

static const char *or_dash(const char *text)
{
	return text == NULL ? "-" : text;
}

/* All of a config in words; each in a field of its own, in the order of the struct. */
static const char *say(const struct rp_config *config)
{
	static char said[2048];
	FILE *out = fmemopen(said, sizeof said, "w");

	assert_non_null(out);
	(void)fprintf(out, "%s %s %s", config->verbose ? "loud" : "quiet", config->private_keys_dir,
	              or_dash(config->dev));
	for (size_t i = 0; i < config->ips.count; i++)
		(void)fprintf(out, " ip=%s", config->ips.words[i]);
	(void)fprintf(out, " %s", or_dash(config->listen));
	if (config->mtu != 0)
		(void)fprintf(out, " mtu=%u", config->mtu);
	if (config->fwmark.is_fixed)
		(void)fprintf(out, " mark=%u", config->fwmark.mark);
	if (config->replace_routes)
		(void)fprintf(out, " replaces");
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct rp_config_peer *peer = &config->peers[i];

		(void)fprintf(out, "; %u %s %s %s ", peer->line, or_dash(peer->name), peer->public_keys_dir,
		              or_dash(peer->endpoint));
		if (peer->has_keepalive)
			(void)fprintf(out, "%u", peer->persistent_keepalive);
		(void)fprintf(out, " %s %x", or_dash(peer->allowed_ips), (unsigned)peer->dialects);
	}
	assert_int_equal(fclose(out), 0);
	return said;
}

static void check_said(const char *what, struct rp_config *config, const char *expected)
{
	const char *said = say(config);

	if (strcmp(said, expected) != 0)
		fail_msg("%s is read as\n%s\nnot as\n%s", what, said, expected);
	rp_config_release(config);
	assert_true(fixture_is_zero(config, sizeof *config));
}

static void test_good(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ OWN, "quiet k - -" },
		{ OWN "peers = []", "quiet k - -" },
		{ OWN "verbose = true", "loud k - -" },
		{ OWN "verbose = false", "quiet k - -" },
		{ OWN "dev = \"wg0\"", "quiet k wg0 -" },
		{ OWN "ip = \"fc00::1/64\"", "quiet k - ip=fc00::1/64 -" },
		{ OWN "ip = \"fc00::1/64,10.0.0.1\"", "quiet k - ip=fc00::1/64 ip=10.0.0.1 -" },
		{ OWN "ip = [\"fc00::1/64\", \"10.0.0.1/8\"]", "quiet k - ip=fc00::1/64 ip=10.0.0.1/8 -" },
		{ OWN "ip = []", "quiet k - -" },
		{ OWN "listen = \"0.0.0.0:1\"", "quiet k - 0.0.0.0:1" },
		{ OWN "listen = \"[::]:65534\"", "quiet k - [::]:65534" },
		{ OWN "listen = \"9999\"", "quiet k - [::]:9999" },
		{ OWN "listen = \"1\"", "quiet k - [::]:1" },
		{ OWN "listen = \"65534\"", "quiet k - [::]:65534" },
		{ OWN "listen = \"vpn.example.org:9\"", "quiet k - vpn.example.org:9" },
		{ OWN "mtu = 576", "quiet k - - mtu=576" },
		{ OWN "mtu = 65535", "quiet k - - mtu=65535" },
		{ OWN "mtu = 1000\nip = \"10.0.0.1\"", "quiet k - ip=10.0.0.1 - mtu=1000" },
		{ OWN "mtu = 1280\nip = \"fc00::1\"", "quiet k - ip=fc00::1 - mtu=1280" },
		{ OWN "fwmark = \"auto\"", "quiet k - -" },
		{ OWN "fwmark = \"off\"", "quiet k - - mark=0" },
		{ OWN "fwmark = 0", "quiet k - - mark=0" },
		{ OWN "fwmark = 4294967295", "quiet k - - mark=4294967295" },
		{ OWN "fwmark = 0xca6c", "quiet k - - mark=51820" },
		{ OWN "fwmark = \"0xCA6c\"", "quiet k - - mark=51820" },
		{ OWN "fwmark = \"51820\"", "quiet k - - mark=51820" },
		{ OWN "replace_routes = true", "quiet k - - replaces" },
		{ OWN "replace_routes = false", "quiet k - -" },
		{ OWN PEER, "quiet k - -; 2 - p -  - 0" },
		{ OWN "peers = [{public_keys_dir = \"p\"}]", "quiet k - -; 2 - p -  - 0" },
		{ OWN PEER "endpoint = \"h:65534\"", "quiet k - -; 2 - p h:65534  - 0" },
		{ OWN PEER "endpoint = \"[fe80::1%eth0]:1\"", "quiet k - -; 2 - p [fe80::1%eth0]:1  - 0" },
		{ OWN PEER "persistent_keepalive = 0", "quiet k - -; 2 - p - 0 - 0" },
		{ OWN PEER "persistent_keepalive = 65535", "quiet k - -; 2 - p - 65535 - 0" },
		{ OWN PEER "allowed_ips = \"fc00::2\"", "quiet k - -; 2 - p -  fc00::2 0" },
		{ OWN PEER "allowed_ips = \"0.0.0.0/0,::/0\"", "quiet k - -; 2 - p -  0.0.0.0/0,::/0 0" },
		{ OWN PEER "allowed_ips = [\"10.0.0.0/8\", \"fc00::/7\"]",
		  "quiet k - -; 2 - p -  10.0.0.0/8,fc00::/7 0" },
		{ OWN PEER "allowed_ips = []", "quiet k - -; 2 - p -  - 0" },
		{ OWN PEER "allowed_ips = \"\"", "quiet k - -; 2 - p -  - 0" },
		{ OWN PEER "allowed_ips = [\"\", \"10.0.0.1\", \" \"]", "quiet k - -; 2 - p -  10.0.0.1 0" },
		{ OWN PEER "protocol_version = \"V02\"", "quiet k - -; 2 - p -  - 3" },
		{ OWN PEER "protocol_version = \"V03\"", "quiet k - -; 2 - p -  - 4" },
		{ OWN PEER "name = \"a b\"", "quiet k - -; 2 a b p -  - 0" },
		{ OWN PEER "[[peers]]\npublic_keys_dir = \"q\"", "quiet k - -; 2 - p -  - 0; 4 - q -  - 0" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (parse(&config, cases[i].text, problem) != 0)
			fail_msg("\"%s\" is refused: %s", cases[i].text, problem);
		assert_string_equal(config.file, "f.toml");
		check_said(cases[i].text, &config, cases[i].said);
	}
}

static void test_own_errors(void **state)
{
	static const struct {
		const char *text;
		const char *problem;
	} cases[] = {
		{ "", "f.toml: private_keys_dir is missing; name the directory that rp genkey made" },
		{ PEER, "f.toml: private_keys_dir is missing; name the directory that rp genkey made" },
		{ "private_keys_dir = 1", "f.toml:1: private_keys_dir: expected a string, found an integer" },
		{ "private_keys_dir = \"\"",
		  "f.toml:1: private_keys_dir is empty; expected the name of a file" },
		{ "private_keys_dir = \"~you/k\"", NULL },
		{ OWN "verbose = \"yes\"", "f.toml:2: verbose: expected true or false, found a string" },
		{ OWN "verbose = 1", "f.toml:2: verbose: expected true or false, found an integer" },
		{ OWN "dev = \"a name that is too long\"", NULL },
		{ OWN "dev = \"\"", NULL },
		{ OWN "dev = [\"wg0\"]", "f.toml:2: dev: expected a string, found an array" },
		{ OWN "ip = 10", "f.toml:2: ip: expected a string or an array of strings, found an integer" },
		{ OWN "ip = [\n\"10.0.0.1\",\n10]",
		  "f.toml:4: ip: expected strings in the array, found an integer" },
		{ OWN "ip = \"\"", "f.toml:2: ip is empty; expected an address such as fc00::1/64" },
		{ OWN "ip = [\"\"]", "f.toml:2: ip is empty; expected an address such as fc00::1/64" },
		{ OWN "ip = \"10.0.0.1\\u0000\"", "f.toml:2: ip has a zero byte in it" },
		{ OWN "ip = \"here\"", NULL },
		{ OWN "ip = [\n\"10.0.0.1\",\n\"10.0.0.256\"]", NULL },
		{ OWN "listen = 9999", "f.toml:2: listen: expected a string, found an integer" },
		{ OWN "listen = [\"[::]:9999\"]", "f.toml:2: listen: expected a string, found an array" },
		{ OWN "listen = \"\"", "f.toml:2: listen \"\" has no port; expected HOST:PORT" },
		{ OWN "listen = \"h\"", "f.toml:2: listen \"h\" has no port; expected HOST:PORT" },
		{ OWN "listen = \"99999\"", "f.toml:2: listen \"99999\" has a port beyond 65535" },
		{ OWN "listen = \"123456\"", "f.toml:2: listen \"123456\" has no port; expected HOST:PORT" },
		{ OWN "listen = \"65535\"", "f.toml:2: listen \"65535\" has the last port, 65535, and "
		                            "WireGuard needs the one after it; "
		                            "choose one up to 65534" },
		{ OWN "listen = \"[::]:65535\"", "f.toml:2: listen \"[::]:65535\" has the last port, 65535, "
		                                 "and WireGuard needs the one after "
		                                 "it; choose one up to 65534" },
		{ OWN "listen = \"[::]:0\"",
		  "f.toml:2: listen \"[::]:0\" has port 0; give one from 1 to 65534, or leave listen out for "
		  "a free one" },
		{ OWN "listen = \"0\"", "f.toml:2: listen \"0\" has port 0; give one from 1 to 65534, or "
		                        "leave listen out for a free "
		                        "one" },
		{ OWN "listen = \"-1\"", "f.toml:2: listen \"-1\" has no port; expected HOST:PORT" },
		{ OWN "mtu = 575", "f.toml:2: mtu is 575; expected bytes from 576 to 65535" },
		{ OWN "mtu = 65536", "f.toml:2: mtu is 65536; expected bytes from 576 to 65535" },
		{ OWN "mtu = \"1420\"", "f.toml:2: mtu: expected a number of bytes, found a string" },
		{ OWN "mtu = 1279\nip = [\"10.0.0.1\", \"fc00::1\"]",
		  "f.toml: mtu 1279 is too small for the address fc00::1; IPv6 needs 1280 or more" },
		{ OWN "fwmark = -1", "f.toml:2: fwmark is -1; expected a number from 0 to 4294967295" },
		{ OWN "fwmark = 4294967296",
		  "f.toml:2: fwmark is 4294967296; expected a number from 0 to 4294967295" },
		{ OWN "fwmark = true", "f.toml:2: fwmark: expected a string or a number, found a boolean" },
		{ OWN "fwmark = \"0x100000000\"",
		  "f.toml:2: fwmark \"0x100000000\" is not a mark; expected auto, off, or a number up to "
		  "4294967295 (0xffffffff)" },
		{ OWN "fwmark = \"99999999999999999999\"", "f.toml:2: fwmark \"99999999999999999999\" is not "
		                                           "a mark; expected auto, off, or a number up "
		                                           "to 4294967295 (0xffffffff)" },
		{ OWN "fwmark = \"\"",
		  "f.toml:2: fwmark \"\" is not a mark; expected auto, off, or a number up "
		  "to 4294967295 (0xffffffff)" },
		{ OWN "fwmark = \"0x\"",
		  "f.toml:2: fwmark \"0x\" is not a mark; expected auto, off, or a number "
		  "up to 4294967295 (0xffffffff)" },
		{ OWN "fwmark = \"12g\"", "f.toml:2: fwmark \"12g\" is not a mark; expected auto, off, or a "
		                          "number up to 4294967295 (0xffffffff)" },
		{ OWN "fwmark = \"-1\"", "f.toml:2: fwmark \"-1\" is not a mark; expected auto, off, or a "
		                         "number up to 4294967295 (0xffffffff)" },
		{ OWN "replace_routes = 1",
		  "f.toml:2: replace_routes: expected true or false, found an integer" },
		{ OWN "lisetn = \"1\"", "f.toml:2: unknown key lisetn; did you mean listen?" },
		{ OWN "private_key_dir = \"k\"",
		  "f.toml:2: unknown key private_key_dir; did you mean private_keys_dir?" },
		{ OWN "verbosity_of_it = 1",
		  "f.toml:2: unknown key verbosity_of_it; rp.toml(5) lists the known ones" },
		{ OWN "public_key = \"p\"",
		  "f.toml:2: unknown key public_key; rp.toml(5) lists the known ones" },
		{ OWN "peers = 1",
		  "f.toml:2: peers: expected [[peers]], a table for each peer, found an integer" },
		{ OWN "peers = [1]",
		  "f.toml:2: peer 1: peers: expected tables in the array, found an integer" },
		{ OWN OWN, NULL },
		{ OWN "x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (parse(&config, cases[i].text, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].text);
		if (cases[i].problem != NULL && strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].text, problem, cases[i].problem);
		assert_memory_equal(problem, "f.toml:", 7);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

/* What comes after OWN and PEER. */
static void test_peer_errors(void **state)
{
	static const struct {
		const char *text;
		const char *problem;
	} cases[] = {
		{ "endpoint = \"h\"", "f.toml:4: peer 1: endpoint \"h\" has no port; expected HOST:PORT" },
		{ "endpoint = \"9999\"",
		  "f.toml:4: peer 1: endpoint \"9999\" has no port; expected HOST:PORT" },
		{ "endpoint = \"h:65535\"", "f.toml:4: peer 1: endpoint \"h:65535\" has the last port, "
		                            "65535, and WireGuard needs the one "
		                            "after it; choose one up to 65534" },
		{ "endpoint = \"0:9999\"", "f.toml:4: peer 1: endpoint \"0:9999\" means every address of a "
		                           "machine; give the one at which the peer can be reached" },
		{ "endpoint = \"[ff02::1]:9999\"", "f.toml:4: peer 1: endpoint \"[ff02::1]:9999\" is a "
		                                   "multicast address, which no single machine has" },
		{ "endpoint = \"h:0\"", "f.toml:4: peer 1: endpoint \"h:0\" has port 0, which nobody can "
		                        "wait on; give the port that "
		                        "the peer listens on" },
		{ "persistent_keepalive = -1",
		  "f.toml:4: peer 1: persistent_keepalive is -1; expected seconds from 1 to 65535, or 0 for "
		  "none" },
		{ "persistent_keepalive = 65536", "f.toml:4: peer 1: persistent_keepalive is 65536; expected "
		                                  "seconds from 1 to 65535, or 0 for "
		                                  "none" },
		{ "persistent_keepalive = \"25\"",
		  "f.toml:4: peer 1: persistent_keepalive: expected a number of seconds, found a string" },
		{ "allowed_ips = 1", "f.toml:4: peer 1: allowed_ips: expected a string or an array of "
		                     "strings, found an integer" },
		{ "allowed_ips = [\"10.0.0.1\", 1]",
		  "f.toml:4: peer 1: allowed_ips: expected strings in the array, found an integer" },
		{ "protocol_version = \"V04\"",
		  "f.toml:4: peer 1: protocol_version \"V04\" is not known; expected V02 or V03, or leave it "
		  "out to allow both" },
		{ "protocol_version = 3",
		  "f.toml:4: peer 1: protocol_version: expected a string, found an integer" },
		{ "name = \"\"", "f.toml:4: peer 1: name has to be 1 to 64 printable characters" },
		{ "alowed_ips = \"\"\nname = \"office\"",
		  "f.toml:4: peer 1 (\"office\"): unknown key alowed_ips; did you mean allowed_ips?" },
		{ "public_key = \"p\"",
		  "f.toml:4: peer 1: unknown key public_key; rp.toml(5) lists the known ones" },
		{ "[[peers]]\nname = \"b\"", "f.toml:4: peer 2 (\"b\"): public_keys_dir is missing; name the "
		                             "directory that rp pubkey made for "
		                             "this peer" },
		{ "[[peers]]\npublic_keys_dir = \"p\"\n",
		  "f.toml:4: peer 2: peer 1 has the same public_keys_dir" },
		{ "name = \"a\"\n[[peers]]\npublic_keys_dir = \"b\"\n[[peers]]\npublic_keys_dir = "
		  "\"q\"\nname = "
		  "\"a\"\n",
		  "f.toml:7: peer 3 (\"a\"): peer 1 has the same name" },
		{ "allowed_ips = [\"fd00::/8\", \"10.0.0.1\"]\n[[peers]]\npublic_keys_dir = \"q\"\n"
		  "allowed_ips = \"10.0.0.1/32\"\n",
		  "f.toml:5: peer 2: allowed_ips 10.0.0.1/32 is of peer 1 (p) already; WireGuard sends to "
		  "one of them only" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[512];

		(void)snprintf(text, sizeof text, "%s%s%s", OWN, PEER, cases[i].text);
		if (parse(&config, text, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].text);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].text, problem, cases[i].problem);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

/* Prefixes that are none: what is wrong with them is said by their reader, the place by ours. */
static void test_prefix_errors(void **state)
{
	static const char *const bad[] = { "here",       "10.0.0.256", "10.0.0.1/33", "fc00::/129",
		                           "10.0.0.1/",  "10.0.0.1,",  ",10.0.0.1",   "10.0.0.1,,10.0.0.2",
		                           "10.0.0.1/x", "[fc00::1]" };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(bad); i++) {
		struct rp_config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char text[256];

		(void)snprintf(text, sizeof text, "%sip = \"%s\"", OWN, bad[i]);
		if (parse(&config, text, problem) != -1)
			fail_msg("ip \"%s\" is accepted", bad[i]);
		if (strncmp(problem, "f.toml:2: ip", 12) != 0)
			fail_msg("ip \"%s\": %s", bad[i], problem);
		(void)snprintf(text, sizeof text, "%s%sallowed_ips = [\n\"10.0.0.9\",\n\"%s\"]", OWN, PEER,
		               bad[i]);
		if (parse(&config, text, problem) != -1)
			fail_msg("allowed_ips \"%s\" is accepted", bad[i]);
		if (strncmp(problem, "f.toml:6: peer 1: allowed_ips", 29) != 0)
			fail_msg("allowed_ips \"%s\": %s", bad[i], problem);
	}
}

static void test_samples(void **state)
{
	static const struct {
		const char *name;
		const char *said;
	} cases[] = {
		{ "rp-example.toml",
		  "loud /run/credentials/rp@example.service rp-example ip=fc00::1/64 [::]:51821; "
		  "8 - /etc/rosenpass/example/peers/client -  fc00::2 0" },
		{ "rp-every-key.toml",
		  "quiet /home/me/vpn/keys vpn0 ip=fc00::1/64 ip=10.0.0.1/24 ip=192.0.2.7 [::]:9999; "
		  "8 b\xc3\xbcro /home/me/vpn/office vpn.example.org:9999 25 "
		  "fc00::2,10.0.0.2/32,192.168.5.0/24 4; "
		  "16 old /etc/peers/old [2001:db8::1]:65534 0 10.1.0.0/16,fd00::/8 3; "
		  "24 - /etc/peers/third -  - 0" },
	};

	(void)state;
	assert_int_equal(setenv("HOME", "/home/me", 1), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_config config;
		char problem[CONFIG_PROBLEM_BYTES];
		char path[512];

		(void)snprintf(path, sizeof path, "%s/config/%s", TEST_DATA_DIR, cases[i].name);
		if (rp_config_read(&config, path, problem) != 0)
			fail_msg("%s", problem);
		assert_string_equal(config.file, path);
		check_said(cases[i].name, &config, cases[i].said);
	}
}

static void test_unreadable(void **state)
{
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];

	(void)state;
	assert_int_equal(rp_config_read(&config, "/nonexistent/f.toml", problem), -1);
	assert_string_equal(problem, "config file \"/nonexistent/f.toml\" does not exist");
	assert_true(fixture_is_zero(&config, sizeof config));
	assert_int_equal(rp_config_read(&config, "/", problem), -1);
	assert_string_equal(problem, "cannot read config file \"/\": Is a directory");
}

/* As many peers as a hub has; the check for equal ones takes no time. */
static void test_many_peers(void **state)
{
	enum {
		PEERS = 20000,
		LINE = 64
	};
	char *text = malloc((size_t)PEERS * LINE + sizeof OWN);
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	size_t used;

	(void)state;
	assert_non_null(text);
	(void)strcpy(text, OWN);
	used = strlen(text);
	for (int i = 0; i < PEERS; i++)
		used += (size_t)snprintf(text + used, LINE, "[[peers]]\npublic_keys_dir = \"%d\"\n", i);
	assert_int_equal(rp_config_parse(&config, text, used, "f.toml", problem), 0);
	assert_int_equal(config.peer_count, PEERS);
	rp_config_release(&config);
	(void)strcpy(text + used - 7, "12\"\n");
	assert_int_equal(rp_config_parse(&config, text, strlen(text), "f.toml", problem), -1);
	assert_non_null(strstr(problem, "has the same public_keys_dir"));
	free(text);
}

static void test_too_many_peers(void **state)
{
	static const char peer[] = "[[peers]]\n";
	size_t count = CONFIG_PEERS_MAX + 1;
	char *text = malloc(sizeof OWN + count * strlen(peer));
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char *end;

	(void)state;
	assert_non_null(text);
	end = stpcpy(text, OWN);
	for (size_t i = 0; i < count; i++)
		end = stpcpy(end, peer);
	assert_int_equal(rp_config_parse(&config, text, (size_t)(end - text), "f.toml", problem), -1);
	assert_non_null(strstr(problem, "more than "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_many_peers), cmocka_unit_test(test_good),
		cmocka_unit_test(test_own_errors),     cmocka_unit_test(test_peer_errors),
		cmocka_unit_test(test_prefix_errors),  cmocka_unit_test(test_samples),
		cmocka_unit_test(test_unreadable),     cmocka_unit_test(test_many_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
