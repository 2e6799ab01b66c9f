/*
 * A configuration of rp in any form, as a file and as words of a command line: it is refused with one line,
 * which names a file, or what was read is what every user of it relies on.
 */

#include <stdlib.h>
#include <string.h>

#include "config/endpoint_syntax.h"
#include "config/rp_config.h"
#include "config/wireguard_params.h"
#include "fuzz.h"

#define FILE_NAME "f.toml"
#define WORDS_MAX 64

static void check_prefixes(const char *text, bool keep_host, bool is_one)
{
	struct ip_prefix *prefixes = NULL;
	char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];
	size_t count = 0;

	FUZZ_CHECK(wireguard_params_prefixes(&prefixes, &count, text, keep_host, problem) == 0);
	FUZZ_CHECK(count > 0 && (!is_one || count == 1));
	free(prefixes);
}

static void check_address(const char *text, bool is_listen)
{
	unsigned long port;

	if (text == NULL)
		return;
	FUZZ_CHECK(endpoint_syntax_problem(text, is_listen) == NULL);
	port = strtoul(strrchr(text, ':') + 1, NULL, 10);
	FUZZ_CHECK(port >= 1 && port <= RP_CONFIG_PORT_MAX);
}

static void check_sound(const struct rp_config *config)
{
	FUZZ_CHECK(config->private_keys_dir != NULL && config->private_keys_dir[0] != '\0');
	FUZZ_CHECK(config->dev == NULL || (config->dev[0] != '\0' && strlen(config->dev) < 16));
	check_address(config->listen, true);
	for (size_t i = 0; i < config->ips.count; i++)
		check_prefixes(config->ips.words[i], true, true);
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct rp_config_peer *peer = &config->peers[i];

		FUZZ_CHECK((peer->line > 0) == (config->file != NULL));
		FUZZ_CHECK(peer->public_keys_dir != NULL && peer->public_keys_dir[0] != '\0');
		FUZZ_CHECK((peer->dialects & ~ROSENPASS_DIALECTS_ALL) == 0);
		FUZZ_CHECK(peer->has_keepalive || peer->persistent_keepalive == 0);
		check_address(peer->endpoint, false);
		if (peer->allowed_ips != NULL)
			check_prefixes(peer->allowed_ips, false, false);
		for (size_t j = 0; j < i; j++)
			FUZZ_CHECK(strcmp(config->peers[j].public_keys_dir, peer->public_keys_dir) != 0);
	}
}

static void check_refusal(const struct rp_config *config, const char *problem)
{
	FUZZ_CHECK(memchr(problem, '\0', CONFIG_PROBLEM_BYTES) != NULL && problem[0] != '\0');
	FUZZ_CHECK(config->peers == NULL && config->file == NULL && config->private_keys_dir == NULL);
}

static void try_file(const char *text, size_t size)
{
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];

	memset(problem, 'x', sizeof problem);
	if (rp_config_parse(&config, text, size, FILE_NAME, problem) != 0) {
		check_refusal(&config, problem);
		FUZZ_CHECK(strncmp(problem, FILE_NAME ":", strlen(FILE_NAME) + 1) == 0);
		return;
	}
	check_sound(&config);
	rp_config_release(&config);
}

/* Each line is a word. */
static void try_words(const char *text, size_t size)
{
	struct rp_config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char *words[WORDS_MAX];
	char *copy = strndup(text, size);
	char *rest = copy;
	size_t count = 0;

	if (copy == NULL)
		abort();
	while (rest != NULL && count < WORDS_MAX)
		words[count++] = strsep(&rest, "\n");
	memset(problem, 'x', sizeof problem);
	if (rp_config_from_words(&config, words, count, problem) != 0) {
		check_refusal(&config, problem);
	} else {
		check_sound(&config);
		rp_config_release(&config);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The same in every run. */
	if (setenv("HOME", "/home/me", 1) != 0)
		abort();
	try_file((const char *)data, size);
	try_words((const char *)data, size);
	return 0;
}

#define OWN "private_keys_dir = '~/k'\n"
#define PEER "[[peers]]\npublic_keys_dir = \"p\"\n"

/* Every key and word, in good forms and in some that are none. */
size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max)
{
	static const char *const seeds[] = {
		OWN,
		OWN "verbose = true\ndev = \"wg0\"\nip = \"fc00::1/64,10.0.0.1\"\nlisten = \"[::]:9999\"\n",
		OWN "ip = [\"fc00::1/64\", \"10.0.0.1/8\"]\nlisten = \"9999\"\npeers = []\n",
		OWN "listen = \"65535\"\n",
		OWN PEER "endpoint = \"h:1\"\npersistent_keepalive = 25\nallowed_ips = \"::/0,10.0.0.0/8\"\n",
		OWN PEER "allowed_ips = [\"fd00::/8\", \"\", \"10.0.0.1\"]\nprotocol_version = \"V02\"\n",
		OWN PEER "name = \"a\"\n[[peers]]\npublic_keys_dir = \"q\"\nname = \"a\"\n",
		OWN PEER PEER,
		"privat_keys_dir = 1979-05-27T07:32:00Z\n",
		"k\npeer\np",
		"k\ndev\nwg0\nip\nfc00::1/64\nlisten\n9999\nverbose\npeer\np\nendpoint\nh:1",
		"k\npeer\np\npersistent-keepalive\noff\nallowed-ips\n10.0.0.0/8,::/0",
		"~/k\nip\n10.0.0.1\nip\n10.0.0.2, 10.0.0.3\npeer\np\nname\na\npeer\nq\nprotocol-version\nV03",
		"peer\nendpoint\nh:65535",
		"k\nlisten\n0\n--adopt",
	};
	size_t size;

	if (number >= sizeof seeds / sizeof seeds[0])
		return 0;
	size = strlen(seeds[number]);
	if (size > out_max)
		return 0;
	memcpy(out, seeds[number], size);
	return size;
}
