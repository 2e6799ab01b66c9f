#include "config/config_check.h"

#include "config/prefix_claims.h"
#include "config/wireguard_words.h"

#include <stdlib.h>
#include <string.h>

/* What a key of the file is called on a command line. */
static const char *called(const struct config_place *place, const char *in_file, const char *as_word)
{
	return place->file != NULL ? in_file : as_word;
}

/* The words are read again by those who use them; here for their form alone. */
static int check_extra(const struct config_peer *peer, const struct config_place *place)
{
	struct wireguard_words words;
	char problem[WIREGUARD_WORDS_PROBLEM_BYTES];

	if (wireguard_words_read(&words, peer->extra_params.words, peer->extra_params.count, problem) != 0)
		return config_value_fail(place, "%s: %s",
		                         called(place, "extra_params", "what follows wireguard DEVICE PEER"),
		                         problem);
	wireguard_words_release(&words);
	return 0;
}

static int check_wireguard(const struct config_peer *peer, const struct config_place *place)
{
	if (peer->device != NULL && peer->wireguard_peer == NULL)
		return config_value_fail(place,
		                         "device without peer; peer = \"...\" is the WireGuard public key "
		                         "of the peer that gets the key");
	if (peer->device == NULL && peer->wireguard_peer != NULL)
		return config_value_fail(place,
		                         "peer without device; device = \"...\" is the WireGuard interface "
		                         "that has this peer");
	if (peer->device == NULL && peer->extra_params.count > 0)
		return config_value_fail(place, "extra_params without device and peer, which they are for");
	return check_extra(peer, place);
}

static int check_osk(const struct config_peer *peer, const struct config_place *place)
{
	const char *organization = called(place, "osk_organization", "osk-organization");
	const char *label = called(place, "osk_label", "osk-label");
	size_t bytes;

	if (peer->osk_organization == NULL && peer->osk_labels.count == 0)
		return 0;
	if (peer->osk_labels.count == 0)
		return config_value_fail(place, "%s without %s; both are needed, the same as the peer has",
		                         organization, label);
	if (peer->osk_organization == NULL)
		return config_value_fail(place, "%s without %s; both are needed, the same as the peer has",
		                         label, organization);
	if (peer->osk_labels.count > CONFIG_OSK_LABELS_MAX)
		return config_value_fail(place, "%s has more than %d labels", label, CONFIG_OSK_LABELS_MAX);
	bytes = strlen(peer->osk_organization) + 1;
	for (size_t i = 0; i < peer->osk_labels.count; i++)
		bytes += strlen(peer->osk_labels.words[i]) + 1;
	if (bytes > CONFIG_OSK_BYTES)
		return config_value_fail(place, "%s and %s are longer than %zu bytes together", organization,
		                         label, CONFIG_OSK_BYTES - peer->osk_labels.count - 1);
	return 0;
}

int config_check_peer(const struct config_peer *peer, const struct config_place *place)
{
	if (peer->public_key == NULL)
		return config_value_fail(place,
		                         "public_key is missing; name the file with the peer's public key");
	if (check_wireguard(peer, place) != 0 || check_osk(peer, place) != 0)
		return -1;
	if (peer->key_out == NULL && (peer->key_out_mode != 0 || peer->key_out_group != NULL))
		return config_value_fail(place, "%s without %s, which it is for",
		                         peer->key_out_mode != 0
		                                 ? called(place, "key_out_mode", "outfile-mode")
		                                 : called(place, "key_out_group", "outfile-group"),
		                         called(place, "key_out", "outfile"));
	if (peer->key_out == NULL && peer->device == NULL && peer->exchange_command.count == 0)
		return config_value_fail(place, "its key goes nowhere; add %s",
		                         called(place, "key_out, or device and peer, or exchange_command",
		                                "outfile FILE, or wireguard DEVICE PEER"));
	return 0;
}

static int check_pair(const struct config *config, const struct config_place *place)
{
	if (config->public_key != NULL && config->secret_key != NULL)
		return 0;
	if (config->public_key != NULL || config->secret_key != NULL)
		return config_value_fail(place, "%s without %s; both files of the key pair are needed",
		                         config->public_key != NULL ? "public_key" : "secret_key",
		                         config->public_key != NULL ? "secret_key" : "public_key");
	return config_value_fail(place,
	                         "public_key and secret_key are missing; name two files, and rosenpass "
	                         "gen-keys makes the key pair");
}

static int compare_names(const void *a, const void *b)
{
	const struct config_peer *const *left = a;
	const struct config_peer *const *right = b;
	int order = strcmp((*left)->name, (*right)->name);

	/* Then in the order of the file, so that the message is about the second one. */
	return order != 0 ? order : (*left > *right) - (*left < *right);
}

/* The peers that have a name, sorted by it. */
static size_t sort_names(const struct config_peer **sorted, const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->peer_count; i++) {
		if (config->peers[i].name != NULL)
			sorted[count++] = &config->peers[i];
	}
	qsort(sorted, count, sizeof *sorted, compare_names);
	return count;
}

static int check_names(const struct config *config, const struct config_place *place)
{
	const struct config_peer **sorted = calloc(config->peer_count + 1, sizeof(*sorted));
	size_t count;
	int result = 0;

	if (sorted == NULL)
		return config_value_fail(place, "out of memory");
	count = sort_names(sorted, config);
	for (size_t i = 1; i < count && result == 0; i++) {
		struct config_place here = *place;

		if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0)
			continue;
		here.line = sorted[i]->line;
		here.peer = (size_t)(sorted[i] - config->peers) + 1;
		here.name = sorted[i]->name;
		result = config_value_fail(&here, "peer %zu has the same name",
		                           (size_t)(sorted[i - 1] - config->peers) + 1);
	}
	free(sorted);
	return result;
}

static int claim_prefixes(struct prefix_claims *claims, const struct config *config)
{
	for (size_t i = 0; i < config->peer_count; i++) {
		const struct config_peer *peer = &config->peers[i];
		struct wireguard_words words;
		char problem[WIREGUARD_WORDS_PROBLEM_BYTES];
		int result;

		/* Those that are wrong were refused with their peer. */
		if (peer->device == NULL || wireguard_words_read(&words, peer->extra_params.words,
		                                                 peer->extra_params.count, problem) != 0)
			continue;
		result =
			prefix_claims_add(claims, peer->device, i, words.allowed_ips, words.allowed_ip_count);
		wireguard_words_release(&words);
		if (result != 0)
			return -1;
	}
	return 0;
}

static int check_prefixes(const struct config *config, const struct config_place *place)
{
	struct prefix_claims claims = { 0 };
	struct config_place here = *place;
	char prefix[PREFIX_CLAIMS_TEXT_BYTES];
	size_t first;
	size_t second;
	int result = 0;

	if (claim_prefixes(&claims, config) != 0) {
		result = config_value_fail(place, "out of memory");
	} else if (prefix_claims_collide(&claims, &first, &second, prefix)) {
		here.line = config->peers[second].line;
		here.peer = second + 1;
		here.name = config->peers[second].name;
		result = config_value_fail(&here,
		                           "allowed-ips %s is of peer %zu already; WireGuard sends to one "
		                           "of them only",
		                           prefix, first + 1);
	}
	prefix_claims_release(&claims);
	return result;
}

int config_check_whole(const struct config *config, const struct config_place *place)
{
	if (check_pair(config, place) != 0 || check_names(config, place) != 0)
		return -1;
	return check_prefixes(config, place);
}
