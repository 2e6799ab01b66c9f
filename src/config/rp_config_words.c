#include "config/rp_config_words.h"

#include <stdlib.h>
#include <string.h>

#include "config/rp_config_value.h"
#include "config/suggest.h"

/* So much of a word is shown. */
#define WORD_SHOWN 100

struct reader {
	char *const *words;
	size_t count;
	size_t at;
	bool has_fwmark;
	struct config_place place; /* of the part that is read */
};

static const char *const own_words[] = { "dev", "ip", "listen", "mtu", "fwmark", "verbose", "peer" };
static const char *const peer_words[] = { "endpoint", "persistent-keepalive", "allowed-ips",
	                                  "name",     "protocol-version",     "peer" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_among(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static bool is_at_peer(const struct reader *reader)
{
	return reader->at < reader->count && strcmp(reader->words[reader->at], "peer") == 0;
}

/*
 * Takes the folder that a part begins with. Who forgets it would else read about the word after the next one.
 */
static int take_folder(struct reader *reader, char **out, const char *called)
{
	const char *word = reader->at < reader->count ? reader->words[reader->at] : NULL;

	if (word == NULL)
		return config_value_fail(&reader->place, "%s is missing", called);
	if (is_among(word, own_words, COUNT(own_words)) || is_among(word, peer_words, COUNT(peer_words)))
		return config_value_fail(&reader->place,
		                         "%s is missing before %s (or ./%s, if that is its name)", called,
		                         word, word);
	reader->at++;
	return config_value_path(out, &reader->place, called, word);
}

/* Takes the word at hand and the value after it. NULL: said. */
static const char *take_value(struct reader *reader, bool is_set)
{
	const char *word = reader->words[reader->at++];

	if (is_set) {
		(void)config_value_fail(&reader->place, "%s was already set", word);
		return NULL;
	}
	if (reader->at == reader->count) {
		(void)config_value_fail(&reader->place, "%s needs a value after it", word);
		return NULL;
	}
	return reader->words[reader->at++];
}

/* A word that is none of this part; elsewhere: of the other part, and where it belongs. */
static int fail_at_word(const struct reader *reader, const char *const *known, size_t known_count,
                        bool is_elsewhere, const char *where)
{
	const char *word = reader->words[reader->at];
	const char *nearest;

	if (is_elsewhere)
		return config_value_fail(&reader->place, "%s %s", word, where);
	if (word[0] == '-')
		return config_value_fail(&reader->place,
		                         "option %.*s has to stand directly after the command", WORD_SHOWN,
		                         word);
	nearest = suggest_nearest(word, known, known_count);
	if (nearest != NULL)
		return config_value_fail(&reader->place, "unknown word %.*s; did you mean %s?", WORD_SHOWN,
		                         word, nearest);
	return config_value_fail(&reader->place, "unknown word %.*s; rp help exchange lists the known ones",
	                         WORD_SHOWN, word);
}

static int take_own_word(struct reader *reader, struct rp_config *config)
{
	const char *word = reader->words[reader->at];
	const struct {
		const char *word;
		char **out;
		int (*copy)(char **out, const struct config_place *place, const char *key, const char *text);
	} values[] = {
		{ "dev", &config->dev, config_value_device },
		{ "listen", &config->listen, rp_config_value_listen },
	};
	const char *value;

	for (size_t i = 0; i < COUNT(values); i++) {
		if (strcmp(word, values[i].word) != 0)
			continue;
		value = take_value(reader, *values[i].out != NULL);
		return value == NULL ? -1 : values[i].copy(values[i].out, &reader->place, word, value);
	}
	if (strcmp(word, "ip") == 0) {
		value = take_value(reader, false);
		return value == NULL ? -1 : rp_config_value_ips(&config->ips, &reader->place, word, value);
	}
	if (strcmp(word, "mtu") == 0) {
		value = take_value(reader, config->mtu != 0);
		return value == NULL ? -1 : rp_config_value_mtu(&config->mtu, &reader->place, word, value);
	}
	if (strcmp(word, "fwmark") == 0) {
		value = take_value(reader, reader->has_fwmark);
		reader->has_fwmark = true;
		return value == NULL ? -1 : config_value_fwmark(&config->fwmark, &reader->place, word, value);
	}
	if (strcmp(word, "verbose") == 0) {
		config->verbose = true;
		reader->at++;
		return 0;
	}
	return fail_at_word(reader, own_words, COUNT(own_words),
	                    is_among(word, peer_words, COUNT(peer_words)),
	                    "is about a peer; it stands after peer PUBLIC_KEYS_DIR");
}

/* Values that several words may add to, or that are no text. */
static int take_other_peer_word(struct reader *reader, struct rp_config_peer *peer)
{
	const char *word = reader->words[reader->at];
	const char *value;

	if (strcmp(word, "persistent-keepalive") == 0) {
		value = take_value(reader, peer->has_keepalive);
		return value == NULL ? -1 : rp_config_value_keepalive(peer, &reader->place, word, value);
	}
	if (strcmp(word, "protocol-version") == 0) {
		value = take_value(reader, peer->dialects != 0);
		return value == NULL ? -1
		                     : config_value_dialects(&peer->dialects, &reader->place, word, value);
	}
	return fail_at_word(reader, peer_words, COUNT(peer_words),
	                    is_among(word, own_words, COUNT(own_words)),
	                    "is not about a peer; it stands before the first one");
}

static int take_peer_word(struct reader *reader, struct rp_config_peer *peer)
{
	const char *word = reader->words[reader->at];
	const struct {
		const char *word;
		char **out;
		int (*copy)(char **out, const struct config_place *place, const char *key, const char *text);
	} values[] = {
		{ "endpoint", &peer->endpoint, rp_config_value_endpoint },
		{ "allowed-ips", &peer->allowed_ips, rp_config_value_allowed_ips },
		{ "name", &peer->name, config_value_name },
	};

	for (size_t i = 0; i < COUNT(values); i++) {
		const char *value;

		if (strcmp(word, values[i].word) != 0)
			continue;
		value = take_value(reader, *values[i].out != NULL);
		return value == NULL ? -1 : values[i].copy(values[i].out, &reader->place, word, value);
	}
	return take_other_peer_word(reader, peer);
}

static int read_peers(struct reader *reader, struct rp_config *config)
{
	size_t most = 0;

	/* Some of these words may be values instead. */
	for (size_t i = reader->at; i < reader->count; i++)
		most += strcmp(reader->words[i], "peer") == 0;
	if (most > CONFIG_PEERS_MAX)
		return config_value_fail(&reader->place, "more than %d peers", CONFIG_PEERS_MAX);
	config->peers = calloc(most + 1, sizeof *config->peers);
	if (config->peers == NULL)
		return config_value_fail(&reader->place, "out of memory");
	while (reader->at < reader->count) {
		struct rp_config_peer *peer = &config->peers[config->peer_count];

		reader->place.peer = ++config->peer_count;
		reader->at++;
		if (take_folder(reader, &peer->public_keys_dir, "PUBLIC_KEYS_DIR") != 0)
			return -1;
		while (reader->at < reader->count && !is_at_peer(reader)) {
			if (take_peer_word(reader, peer) != 0)
				return -1;
		}
	}
	return 0;
}

int rp_config_words_read(struct rp_config *config, const struct config_place *place, char *const *words,
                         size_t count)
{
	struct reader reader = { .words = words, .count = count, .place = *place };

	if (take_folder(&reader, &config->private_keys_dir, "PRIVATE_KEYS_DIR") != 0)
		return -1;
	while (reader.at < reader.count && !is_at_peer(&reader)) {
		if (take_own_word(&reader, config) != 0)
			return -1;
	}
	return read_peers(&reader, config);
}
