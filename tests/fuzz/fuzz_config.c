/*
 * A configuration in any form: it is refused with one line that names the file, or what
 * was read says the same again when it is written and read once more.
 */

#include <stdlib.h>
#include <string.h>

#include "config/rosenpass_config.h"
#include "fuzz.h"

#define FILE_NAME "f.toml"

static void check_words(const struct string_list *a, const struct string_list *b)
{
	FUZZ_CHECK(a->count == b->count);
	for (size_t i = 0; i < a->count; i++)
		FUZZ_CHECK(strcmp(a->words[i], b->words[i]) == 0);
}

static void check_text(const char *a, const char *b)
{
	FUZZ_CHECK((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0));
}

/* What every user of a config relies on. */
static void check_sound(const struct config *config)
{
	FUZZ_CHECK(config->public_key != NULL && config->public_key[0] != '\0');
	FUZZ_CHECK(config->secret_key != NULL && config->secret_key[0] != '\0');
	FUZZ_CHECK(config->listen.count <= CONFIG_LISTEN_MAX);
	FUZZ_CHECK(config->user == NULL || config->user[0] != '\0');
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct config_peer *peer = &config->peers[i];
		size_t osk = 0;

		FUZZ_CHECK(peer->line > 0 && peer->public_key != NULL && peer->public_key[0] != '\0');
		FUZZ_CHECK(peer->key_out != NULL || peer->device != NULL || peer->exchange_command.count > 0);
		FUZZ_CHECK((peer->device == NULL) == (peer->wireguard_peer == NULL));
		FUZZ_CHECK((peer->osk_organization == NULL) == (peer->osk_labels.count == 0));
		FUZZ_CHECK((peer->dialects & ~ROSENPASS_DIALECTS_ALL) == 0);
		FUZZ_CHECK(peer->osk_labels.count <= CONFIG_OSK_LABELS_MAX);
		for (size_t j = 0; j < peer->osk_labels.count; j++)
			osk += strlen(peer->osk_labels.words[j]) + 1;
		FUZZ_CHECK(peer->osk_organization == NULL ||
		           osk + strlen(peer->osk_organization) + 1 <= CONFIG_OSK_BYTES);
		for (size_t j = 0; j < i && peer->name != NULL; j++)
			FUZZ_CHECK(config->peers[j].name == NULL ||
			           strcmp(config->peers[j].name, peer->name) != 0);
	}
}

static void check_reads_back(const struct config *config)
{
	struct config again;
	char problem[CONFIG_PROBLEM_BYTES];
	char *text = config_format(config);

	if (text == NULL)
		abort();
	FUZZ_CHECK(config_parse(&again, text, strlen(text), FILE_NAME, problem) == 0);
	check_text(config->public_key, again.public_key);
	check_text(config->secret_key, again.secret_key);
	check_text(config->user, again.user);
	check_words(&config->listen, &again.listen);
	FUZZ_CHECK(config->verbosity == again.verbosity && config->peer_count == again.peer_count);
	for (size_t i = 0; i < config->peer_count; i++)
		FUZZ_CHECK(config_peer_equal(&config->peers[i], &again.peers[i]));
	config_release(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];

	/* The same in every run. */
	if (setenv("HOME", "/home/me", 1) != 0)
		abort();
	memset(problem, 'x', sizeof problem);
	if (config_parse(&config, (const char *)data, size, FILE_NAME, problem) != 0) {
		FUZZ_CHECK(memchr(problem, '\0', sizeof problem) != NULL);
		FUZZ_CHECK(strncmp(problem, FILE_NAME ":", strlen(FILE_NAME) + 1) == 0);
		FUZZ_CHECK(config.peers == NULL && config.file == NULL);
		return 0;
	}
	check_sound(&config);
	check_reads_back(&config);
	config_release(&config);
	return 0;
}

#define OWN "public_key = \"p\"\nsecret_key = '~/s'\n"
#define PEER "[[peers]]\npublic_key = \"q\"\n"
#define OUT "key_out = \"o\"\n"
#define WG_PEER "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

/* Every key, in good forms and in some that are none. */
size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max)
{
	static const char *const seeds[] = {
		OWN,
		OWN "listen = [\"0.0.0.0:1\", \"[fe80::1%eth0]:9999\"]\nverbosity = \"Verbose\"\nuser = "
		    "\"nobody\"\n",
		OWN "listen = \"h:0\"\n[api]\nlisten_path = []\nlisten_fd = []\nstream_fd = []\n",
		OWN PEER OUT "endpoint = \"h:1\"\npre_shared_key = \"k\"\nname = \"n \\u00e9\"\n",
		OWN PEER "device = \"wg0\"\npeer = \"" WG_PEER "\"\nextra_params = [\"a\", \"\"]\n",
		OWN PEER "wireguard = {interface = \"wg0\", public_key = \"" WG_PEER "\"}\n",
		OWN PEER "[peers.wireguard]\ninterface = \"wg0\"\npublic_key = \"" WG_PEER "\"\n",
		OWN PEER "exchange_command = [\"~/x\", \"y\"]\nprotocol_version = \"V02\"\n" PEER OUT
			 "protocol_version = \"V03\"\n",
		OWN PEER OUT "osk_organization = \"o\"\nosk_label = [\"a\", \"b\"]\n",
		OWN PEER OUT "name = \"a\"\n" PEER OUT "name = \"b\"\n" PEER OUT,
		OWN PEER OUT "name = \"a\"\n" PEER OUT "name = \"a\"\n",
		OWN "peers = [{public_key = \"q\", key_out = \"\\\"\\\\\\n\\u0001\"}]\n",
		"pubic_key = 1979-05-27T07:32:00Z\n",
		"public_key.x = [1, 2.5, true]\n",
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
