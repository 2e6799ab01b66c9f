#include "fixture.h"

#include "config/rp_config.h"

#define WORDS_MAX 32

/* Splits a line at single spaces, so that an empty word can be given, and reads it. */
static int read_line(struct rp_config *config, const char *line, char problem[static CONFIG_PROBLEM_BYTES])
{
	static char copy[1024];
	char *words[WORDS_MAX];
	size_t count = 0;
	char *rest = copy;

	assert_true(strlen(line) < sizeof copy);
	(void)strcpy(copy, line);
	while (rest != NULL && line[0] != '\0') {
		assert_true(count < WORDS_MAX);
		words[count++] = strsep(&rest, " ");
	}
	problem[0] = '\0';
	return rp_config_from_words(config, words, count, problem);
}

static const char *or_dash(const char *text)
{
	return text == NULL ? "-" : text;
}

/* What was read, in the words that make it. */
static const char *say(const struct rp_config *config)
{
	static char said[2048];
	FILE *out = fmemopen(said, sizeof said, "w");

	assert_non_null(out);
	(void)fprintf(out, "%s%s dev %s", config->verbose ? "verbose " : "", config->private_keys_dir,
	              or_dash(config->dev));
	for (size_t i = 0; i < config->ips.count; i++)
		(void)fprintf(out, " ip %s", config->ips.words[i]);
	(void)fprintf(out, " listen %s", or_dash(config->listen));
	if (config->mtu != 0)
		(void)fprintf(out, " mtu %u", config->mtu);
	if (config->fwmark.is_fixed)
		(void)fprintf(out, " fwmark %u", config->fwmark.mark);
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct rp_config_peer *peer = &config->peers[i];

		assert_int_equal(peer->line, 0);
		(void)fprintf(out, " peer %s endpoint %s", peer->public_keys_dir, or_dash(peer->endpoint));
		if (peer->has_keepalive)
			(void)fprintf(out, " keepalive %u", peer->persistent_keepalive);
		(void)fprintf(out, " allowed %s", or_dash(peer->allowed_ips));
		if (peer->name != NULL || peer->dialects != 0)
			(void)fprintf(out, " name %s %x", or_dash(peer->name), (unsigned)peer->dialects);
	}
	assert_int_equal(fclose(out), 0);
	return said;
}

static void test_good(void **state)
{
	static const struct {
		const char *line;
		const char *said;
	} cases[] = {
		{ "k peer p", "k dev - listen - peer p endpoint - allowed -" },
		/* Peers can be added to a VPN that runs. */
		{ "k", "k dev - listen -" },
		{ "k dev peer listen 1", "k dev peer listen [::]:1" },
		/* As the documents of others have it. */
		{ "server.rosenpass-secret dev rosenpass0 listen 0.0.0.0:9999 peer client.rosenpass-public "
		  "allowed-ips 10.0.0.0/8",
		  "server.rosenpass-secret dev rosenpass0 listen 0.0.0.0:9999 peer client.rosenpass-public "
		  "endpoint - allowed 10.0.0.0/8" },
		{ "k dev wg1 peer p endpoint 192.0.2.1:9999 persistent-keepalive 25 allowed-ips "
		  "fe80::/64,10.0.0.0/8",
		  "k dev wg1 listen - peer p endpoint 192.0.2.1:9999 keepalive 25 allowed "
		  "fe80::/64,10.0.0.0/8" },
		{ "k listen 9999 peer p", "k dev - listen [::]:9999 peer p endpoint - allowed -" },
		{ "k listen :9999 peer p endpoint 127.1:1",
		  "k dev - listen [::]:9999 peer p endpoint 127.0.0.1:1 allowed -" },
		{ "k listen *:9999", "k dev - listen [::]:9999" },
		{ "k listen 0:9999", "k dev - listen 0.0.0.0:9999" },
		{ "k ip fc00::1/64 ip 10.0.0.1/8,192.0.2.1 peer p",
		  "k dev - ip fc00::1/64 ip 10.0.0.1/8 ip 192.0.2.1 listen - peer p endpoint - allowed -" },
		{ "k verbose listen 1 verbose dev d peer p",
		  "verbose k dev d listen [::]:1 peer p endpoint - allowed -" },
		{ "k fwmark 0x10 mtu 1300 listen 1 peer p",
		  "k dev - listen [::]:1 mtu 1300 fwmark 16 peer p endpoint - allowed -" },
		{ "k fwmark off peer p", "k dev - listen - fwmark 0 peer p endpoint - allowed -" },
		{ "k fwmark auto peer p", "k dev - listen - peer p endpoint - allowed -" },
		/* What one peer has is not the next one's. */
		{ "k peer p allowed-ips 10.0.0.1 endpoint h:1 persistent-keepalive 1 peer q",
		  "k dev - listen - peer p endpoint h:1 keepalive 1 allowed 10.0.0.1 peer q endpoint - "
		  "allowed "
		  "-" },
		{ "k peer p persistent-keepalive off",
		  "k dev - listen - peer p endpoint - keepalive 0 allowed -" },
		{ "k peer p persistent-keepalive 0",
		  "k dev - listen - peer p endpoint - keepalive 0 allowed -" },
		{ "k peer p persistent-keepalive 65535",
		  "k dev - listen - peer p endpoint - keepalive 65535 allowed -" },
		{ "k peer p allowed-ips ", "k dev - listen - peer p endpoint - allowed -" },
		{ "k peer p name n protocol-version V03 peer q protocol-version V02",
		  "k dev - listen - peer p endpoint - allowed - name n 4 peer q endpoint - allowed - name - "
		  "3" },
		/* Values that look like words. */
		{ "k dev peer peer p name peer",
		  "k dev peer listen - peer p endpoint - allowed - name peer 0" },
		{ "./peer peer ./endpoint", "./peer dev - listen - peer ./endpoint endpoint - allowed -" },
		{ "~/k peer ~/p", "/home/me/k dev - listen - peer /home/me/p endpoint - allowed -" },
	};

	(void)state;
	assert_int_equal(setenv("HOME", "/home/me", 1), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (read_line(&config, cases[i].line, problem) != 0)
			fail_msg("\"%s\" is refused: %s", cases[i].line, problem);
		if (strcmp(say(&config), cases[i].said) != 0)
			fail_msg("\"%s\" is read as\n%s\nnot as\n%s", cases[i].line, say(&config),
			         cases[i].said);
		assert_null(config.file);
		rp_config_release(&config);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *line;
		const char *problem;
	} cases[] = {
		{ "", "PRIVATE_KEYS_DIR is missing" },
		{ " peer p", "PRIVATE_KEYS_DIR is empty; expected the name of a file" },
		{ "peer p", "PRIVATE_KEYS_DIR is missing before peer (or ./peer, if that is its name)" },
		{ "dev wg0 peer p",
		  "PRIVATE_KEYS_DIR is missing before dev (or ./dev, if that is its name)" },
		{ "k dev", "dev needs a value after it" },
		{ "k ip", "ip needs a value after it" },
		{ "k listen", "listen needs a value after it" },
		{ "k dev a dev b peer p", "dev was already set" },
		{ "k listen 1 listen 2 peer p", "listen was already set" },
		{ "k dev a/b peer p", "dev \"a/b\" cannot be a network interface; expected a name of 1 to 15 "
		                      "characters such as wg0" },
		{ "k listen 65535 peer p",
		  "listen \"65535\" has the last port, 65535, and WireGuard needs the "
		  "one after it; choose one up to 65534" },
		{ "k mtu", "mtu needs a value after it" },
		{ "k mtu 575 peer p", "mtu \"575\" is not an MTU; expected bytes from 576 to 65535" },
		{ "k mtu 1e3 peer p", "mtu \"1e3\" is not an MTU; expected bytes from 576 to 65535" },
		{ "k mtu 1400 mtu 1400 peer p", "mtu was already set" },
		{ "k mtu 1000 ip fd00::1 peer p",
		  "mtu 1000 is too small for the address fd00::1; IPv6 needs 1280 or more" },
		{ "k fwmark auto fwmark auto peer p", "fwmark was already set" },
		{ "k fwmark on peer p", "fwmark \"on\" is not a mark; expected auto, off, or a number up to "
		                        "4294967295 (0xffffffff)" },
		{ "k peer p mtu 1400", "peer 1: mtu is not about a peer; it stands before the first one" },
		{ "k lisen 1 peer p", "unknown argument lisen; did you mean listen?" },
		{ "k something peer p", "unknown argument something; rp help exchange lists the known ones" },
		{ "k endpoint h:1 peer p", "endpoint is about a peer; it stands after peer PUBLIC_KEYS_DIR" },
		{ "k --adopt peer p", "option --adopt has to stand directly after the command" },
		{ "k peer", "peer 1: PUBLIC_KEYS_DIR is missing" },
		{ "k peer peer p",
		  "peer 1: PUBLIC_KEYS_DIR is missing before peer (or ./peer, if that is its "
		  "name)" },
		{ "k peer p peer", "peer 2: PUBLIC_KEYS_DIR is missing" },
		{ "k peer endpoint h:1",
		  "peer 1: PUBLIC_KEYS_DIR is missing before endpoint (or ./endpoint, if that is its name)" },
		{ "k peer p endpoint", "peer 1: endpoint needs a value after it" },
		{ "k peer p endpoint h", "peer 1: endpoint \"h\" has no port; expected HOST:PORT" },
		{ "k peer p endpoint 0.0.0.0:9",
		  "peer 1: endpoint \"0.0.0.0:9\" means every address of a machine; give the one at which "
		  "the peer can be reached" },
		{ "k peer p peer q endpoint h:65535", "peer 2: endpoint \"h:65535\" has the last port, "
		                                      "65535, and WireGuard needs the one after it; "
		                                      "choose one up to 65534" },
		{ "k peer p endpoint h:1 endpoint h:2", "peer 1: endpoint was already set" },
		{ "k peer p allowed-ips 10.0.0.1 allowed-ips 10.0.0.2",
		  "peer 1: allowed-ips was already set" },
		{ "k peer p persistent-keepalive 0 persistent-keepalive 1",
		  "peer 1: persistent-keepalive was already set" },
		{ "k peer p persistent-keepalive", "peer 1: persistent-keepalive needs a value after it" },
		{ "k peer p persistent-keepalive 65536", "peer 1: persistent-keepalive \"65536\" is not a "
		                                         "time; expected seconds from 1 to 65535, or "
		                                         "off" },
		{ "k peer p persistent-keepalive 99999999999999999999999",
		  "peer 1: persistent-keepalive \"99999999999999999999999\" is not a time; expected seconds "
		  "from "
		  "1 to 65535, or off" },
		{ "k peer p persistent-keepalive -1", "peer 1: persistent-keepalive \"-1\" is not a time; "
		                                      "expected seconds from 1 to 65535, or off" },
		{ "k peer p persistent-keepalive 25s", "peer 1: persistent-keepalive \"25s\" is not a time; "
		                                       "expected seconds from 1 to 65535, or off" },
		{ "k peer p persistent-keepalive ", "peer 1: persistent-keepalive \"\" is not a time; "
		                                    "expected seconds from 1 to 65535, or off" },
		{ "k peer p protocol-version V1", "peer 1: protocol-version \"V1\" is not known; expected "
		                                  "V02 or V03, or leave it out to allow "
		                                  "both" },
		{ "k peer p protocol-version V02 protocol-version V03",
		  "peer 1: protocol-version was already set" },
		{ "k peer p name a name b", "peer 1: name was already set" },
		{ "k peer p listen 1", "peer 1: listen is not about a peer; it stands before the first one" },
		{ "k peer p allowed-ip 10.0.0.1",
		  "peer 1: unknown argument allowed-ip; did you mean allowed-ips?" },
		{ "k peer p q", "peer 1: unknown argument q; rp help exchange lists the known ones" },
		{ "k peer p --adopt", "peer 1: option --adopt has to stand directly after the command" },
		{ "k peer p peer p", "peer 2: peer 1 has the same PUBLIC_KEYS_DIR" },
		{ "k peer p name a peer q name a", "peer 2 (\"a\"): peer 1 has the same name" },
		{ "k peer p allowed-ips ::/0 peer q name a allowed-ips 10.0.0.0/8,fe80::/0",
		  "peer 2 (\"a\"): allowed-ips ::/0 is of peer 1 (p) already; WireGuard sends to one of them "
		  "only" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_config config;
		char problem[CONFIG_PROBLEM_BYTES];

		if (read_line(&config, cases[i].line, problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].line);
		if (strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].line, problem, cases[i].problem);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

/* The reason is the reader's of prefixes, the place is ours. */
static void test_wrong_prefixes(void **state)
{
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];

	(void)state;
	assert_int_equal(read_line(&config, "k ip 10.0.0.1/33 peer p", problem), -1);
	assert_memory_equal(problem, "ip", 2);
	assert_int_equal(read_line(&config, "k peer p peer q allowed-ips 10.0.0.1,x", problem), -1);
	assert_memory_equal(problem, "peer 2: allowed-ips", 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_wrong_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
