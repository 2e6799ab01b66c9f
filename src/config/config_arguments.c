#include "config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_check.h"
#include "config/config_value.h"

/* A word that was given, and what to do with it. */
struct given {
	const char *key;
	const char *text; /* NULL: it was not given */
	char **out;
	int (*copy)(char **out, const struct config_place *place, const char *key, const char *text);
};

static int copy_given(const struct given *given, size_t count, const struct config_place *place)
{
	for (size_t i = 0; i < count; i++) {
		if (given[i].text != NULL &&
		    given[i].copy(given[i].out, place, given[i].key, given[i].text) != 0)
			return -1;
	}
	return 0;
}

static int copy_words(struct config_words *out, const struct config_place *place, const char *const *words,
                      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = NULL;

		if (config_value_any(&text, place, "", words[i]) != 0 ||
		    config_value_append(out, place, text) != 0)
			return -1;
	}
	return 0;
}

static int fill_peer(struct config_peer *peer, const struct arguments_peer *words,
                     const struct config_place *place)
{
	const struct given given[] = {
		{ "name", words->name, &peer->name, config_value_name },
		{ "public-key", words->public_key, &peer->public_key, config_value_path },
		{ "endpoint", words->endpoint, &peer->endpoint, config_value_endpoint },
		{ "preshared-key", words->preshared_key, &peer->pre_shared_key, config_value_path },
		{ "outfile", words->outfile, &peer->key_out, config_value_path },
		{ "outfile-group", words->outfile_group, &peer->key_out_group, config_value_text },
		{ "osk-organization", words->osk_organization, &peer->osk_organization, config_value_any },
		{ "wireguard device", words->wireguard_device, &peer->device, config_value_device },
		{ "wireguard peer", words->wireguard_peer, &peer->wireguard_peer,
		  config_value_wireguard_peer },
	};

	if (copy_given(given, sizeof given / sizeof given[0], place) != 0)
		return -1;
	if (words->protocol_version != NULL &&
	    config_value_dialects(&peer->dialects, place, "protocol-version", words->protocol_version) != 0)
		return -1;
	if (words->outfile_mode != NULL &&
	    config_value_mode(&peer->key_out_mode, place, "outfile-mode", words->outfile_mode) != 0)
		return -1;
	if (copy_words(&peer->osk_labels, place, words->osk_labels, words->osk_label_count) != 0 ||
	    copy_words(&peer->extra_params, place, (const char *const *)words->wireguard_extra,
	               words->wireguard_extra_count) != 0)
		return -1;
	return config_check_peer(peer, place);
}

static int fill(struct config *config, const struct arguments *arguments, struct config_place *place)
{
	const struct given given[] = {
		{ "public-key", arguments->public_key, &config->public_key, config_value_path },
		{ "secret-key", arguments->secret_key, &config->secret_key, config_value_path },
	};

	config->verbosity = arguments->verbose ? CONFIG_VERBOSE : CONFIG_QUIET;
	config->secret_key_was_private = arguments->secret_key_was_private;
	if (copy_given(given, sizeof given / sizeof given[0], place) != 0)
		return -1;
	if (arguments->fwmark != NULL &&
	    config_value_fwmark(&config->fwmark, place, "fwmark", arguments->fwmark) != 0)
		return -1;
	for (size_t i = 0; i < arguments->listen_count; i++) {
		char *text = NULL;

		if (config_value_listen(&text, place, "listen", arguments->listen[i]) != 0 ||
		    config_value_append(&config->listen, place, text) != 0)
			return -1;
	}
	if (arguments->peer_count > CONFIG_PEERS_MAX)
		return config_value_fail(place, "more than %d peers", CONFIG_PEERS_MAX);
	/* Without a peer, some can be added over the control socket. */
	config->peers = calloc(arguments->peer_count + 1, sizeof *config->peers);
	if (config->peers == NULL)
		return config_value_fail(place, "out of memory");
	config->peer_count = arguments->peer_count;
	for (size_t i = 0; i < arguments->peer_count; i++) {
		struct config_place here = *place;

		here.peer = i + 1;
		if (fill_peer(&config->peers[i], &arguments->peers[i], &here) != 0)
			return -1;
	}
	return config_check_whole(config, place);
}

int config_from_arguments(struct config *config, const struct arguments *arguments,
                          char problem[static CONFIG_PROBLEM_BYTES])
{
	struct config_place place = { .problem = problem };

	memset(config, 0, sizeof *config);
	config->before_first_exchange = CONFIG_LEAVE;
	if (fill(config, arguments, &place) == 0)
		return 0;
	config_release(config);
	return -1;
}

int config_peer_from_words(struct config_peer *peer, char *const *words, size_t count,
                           char problem[static CONFIG_PROBLEM_BYTES])
{
	static_assert(ARGUMENTS_PROBLEM_BYTES <= CONFIG_PROBLEM_BYTES, "its problems fit");
	struct config_place place = { .problem = problem };
	struct arguments_peer parsed;

	memset(peer, 0, sizeof *peer);
	if (arguments_parse_peer(&parsed, words, count, problem) != 0)
		return -1;
	if (fill_peer(peer, &parsed, &place) == 0)
		return 0;
	config_peer_release(peer);
	return -1;
}
