#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "config/config_file.h"
#include "config/config_toml.h"
#include "config/config_value.h"

int config_read(struct config *config, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
{
	char *text;
	size_t length;
	int result;

	memset(config, 0, sizeof *config);
	if (config_file_read(&text, &length, path, problem) != 0)
		return -1;
	result = config_parse(config, text, length, path, problem);
	free(text);
	return result;
}

static int parse(struct config *config, const char *text, size_t length, const char *path,
                 char problem[static CONFIG_PROBLEM_BYTES])
{
	const struct config_place place = { .file = path, .problem = problem };
	struct toml_value root;
	int result;

	config->file = strdup(path);
	if (config->file == NULL)
		return config_value_fail(&place, "out of memory");
	if (config_file_parse(&root, text, length, path, problem) != 0)
		return -1;
	result = config_toml_read(config, &root, path, problem);
	if (result != 0)
		config_file_name_other(&root, false, problem);
	toml_release(&root);
	return result;
}

int config_parse(struct config *config, const char *text, size_t length, const char *path,
                 char problem[static CONFIG_PROBLEM_BYTES])
{
	memset(config, 0, sizeof *config);
	config->before_first_exchange = CONFIG_LEAVE;
	if (parse(config, text, length, path, problem) == 0)
		return 0;
	config_release(config);
	return -1;
}

bool config_before_from_word(enum config_before *out, const char *word)
{
	if (strcmp(word, "block") != 0 && strcmp(word, "leave") != 0)
		return false;
	*out = word[0] == 'b' ? CONFIG_BLOCK : CONFIG_LEAVE;
	return true;
}

bool config_on_exit_from_word(enum config_on_exit *out, const char *word)
{
	if (strcmp(word, "keep") != 0 && strcmp(word, "random") != 0)
		return false;
	*out = word[0] == 'k' ? CONFIG_KEEP : CONFIG_RANDOM;
	return true;
}

static void release_words(struct config_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->words[i]);
	free(words->words);
}

void config_peer_release(struct config_peer *peer)
{
	free(peer->name);
	free(peer->public_key);
	free(peer->pre_shared_key);
	free(peer->endpoint);
	free(peer->key_out);
	free(peer->key_out_group);
	free(peer->device);
	free(peer->wireguard_peer);
	free(peer->osk_organization);
	release_words(&peer->extra_params);
	release_words(&peer->exchange_command);
	release_words(&peer->osk_labels);
	memset(peer, 0, sizeof *peer);
}

void config_release(struct config *config)
{
	for (size_t i = 0; i < config->peer_count; i++)
		config_peer_release(&config->peers[i]);
	free(config->peers);
	free(config->file);
	free(config->public_key);
	free(config->secret_key);
	free(config->user);
	free(config->key_out_group);
	release_words(&config->listen);
	memset(config, 0, sizeof *config);
}

int config_peer_inherit(struct config_peer *peer, const struct config *config)
{
	if (peer->key_out == NULL)
		return 0;
	if (peer->key_out_mode == 0)
		peer->key_out_mode = config->key_out_mode;
	if (peer->key_out_group == NULL && config->key_out_group != NULL)
		peer->key_out_group = strdup(config->key_out_group);
	return peer->key_out_group == NULL && config->key_out_group != NULL ? -1 : 0;
}

/* Both NULL, or the same text. */
static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool config_words_equal(const struct config_words *a, const struct config_words *b)
{
	for (size_t i = 0; a->count == b->count && i < a->count; i++) {
		if (strcmp(a->words[i], b->words[i]) != 0)
			return false;
	}
	return a->count == b->count;
}

bool config_peer_equal(const struct config_peer *a, const struct config_peer *b)
{
	return is_same(a->name, b->name) && is_same(a->public_key, b->public_key) &&
	       is_same(a->pre_shared_key, b->pre_shared_key) && is_same(a->endpoint, b->endpoint) &&
	       is_same(a->key_out, b->key_out) && a->key_out_mode == b->key_out_mode &&
	       is_same(a->key_out_group, b->key_out_group) && is_same(a->device, b->device) &&
	       is_same(a->wireguard_peer, b->wireguard_peer) &&
	       config_words_equal(&a->extra_params, &b->extra_params) &&
	       config_words_equal(&a->exchange_command, &b->exchange_command) && a->dialects == b->dialects &&
	       is_same(a->osk_organization, b->osk_organization) &&
	       config_words_equal(&a->osk_labels, &b->osk_labels);
}
