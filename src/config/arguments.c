#include "config/arguments.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"

struct reader {
	char *const *words;
	size_t count;
	size_t at;
	char *problem;
};

static int fail(const struct reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(const struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(reader->problem, ARGUMENTS_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

static bool is_word(const struct reader *reader, const char *word)
{
	return reader->at < reader->count && strcmp(reader->words[reader->at], word) == 0;
}

/* Takes the keyword at hand and its value. of: "" or "peer 2 " for the message. */
static int take_value(struct reader *reader, const char **value, const char *of)
{
	const char *keyword = reader->words[reader->at++];

	if (*value != NULL)
		return fail(reader, "%s%s was already set", of, keyword);
	if (reader->at == reader->count)
		return fail(reader, "%s%s needs a value after it", of, keyword);
	*value = reader->words[reader->at++];
	return 0;
}

static int take_listen(struct reader *reader, struct arguments *arguments)
{
	const char *value = NULL;

	if (arguments->listen_count == ARGUMENTS_LISTEN_MAX)
		return fail(reader, "more than %d listen addresses", ARGUMENTS_LISTEN_MAX);
	if (take_value(reader, &value, "") != 0)
		return -1;
	arguments->listen[arguments->listen_count++] = value;
	return 0;
}

static int parse_own(struct reader *reader, struct arguments *arguments)
{
	while (reader->at < reader->count && !is_word(reader, "peer")) {
		int result;

		if (is_word(reader, "public-key")) {
			result = take_value(reader, &arguments->public_key, "");
		} else if (is_word(reader, "secret-key") || is_word(reader, "private-key")) {
			arguments->secret_key_was_private |= is_word(reader, "private-key");
			result = take_value(reader, &arguments->secret_key, "");
		} else if (is_word(reader, "listen")) {
			result = take_listen(reader, arguments);
		} else if (is_word(reader, "fwmark")) {
			result = take_value(reader, &arguments->fwmark, "");
		} else if (is_word(reader, "verbose")) {
			arguments->verbose = true;
			reader->at++;
			result = 0;
		} else {
			result = fail(reader,
			              "unrecognised argument %s; expected public-key, secret-key, listen, "
			              "fwmark, verbose or peer",
			              reader->words[reader->at]);
		}
		if (result != 0)
			return -1;
	}
	if (arguments->public_key == NULL)
		return fail(reader, "public-key file must be set");
	if (arguments->secret_key == NULL)
		return fail(reader, "secret-key file must be set");
	return 0;
}

static int take_wireguard(struct reader *reader, struct arguments_peer *peer, const char *of)
{
	if (take_value(reader, &peer->wireguard_device, of) != 0)
		return -1;
	if (reader->at == reader->count)
		return fail(reader, "%swireguard needs a device and a peer after it", of);
	peer->wireguard_peer = reader->words[reader->at++];
	peer->wireguard_extra = reader->words + reader->at;
	while (reader->at < reader->count && !is_word(reader, "peer"))
		reader->at++;
	peer->wireguard_extra_count = (size_t)(reader->words + reader->at - peer->wireguard_extra);
	return 0;
}

static int take_label(struct reader *reader, struct arguments_peer *peer, const char *of)
{
	const char *value = NULL;

	if (peer->osk_label_count == ARGUMENTS_OSK_LABELS_MAX)
		return fail(reader, "%smore than %d times osk-label", of, ARGUMENTS_OSK_LABELS_MAX);
	if (take_value(reader, &value, of) != 0)
		return -1;
	peer->osk_labels[peer->osk_label_count++] = value;
	return 0;
}

static int fail_at_peer_word(const struct reader *reader, const char *of)
{
	/* Those that are asked for too rarely to be named to everybody. */
	static const char *const rare[] = {
		"name", "outfile-mode", "outfile-group", "protocol-version", "osk-organization", "osk-label"
	};
	const char *word = reader->words[reader->at];
	const char *nearest = suggest_nearest(word, rare, sizeof rare / sizeof rare[0]);

	if (nearest != NULL)
		return fail(reader, "%sunrecognised argument %s; did you mean %s?", of, word, nearest);
	return fail(reader,
	            "%sunrecognised argument %s; expected public-key, endpoint, preshared-key, outfile, "
	            "wireguard "
	            "or peer",
	            of, word);
}

/* Takes the word at hand, and what belongs to it. */
static int take_peer_word(struct reader *reader, struct arguments_peer *peer, const char *of)
{
	const struct {
		const char *word;
		const char **value;
	} values[] = {
		{ "public-key", &peer->public_key },
		{ "endpoint", &peer->endpoint },
		{ "preshared-key", &peer->preshared_key },
		{ "outfile", &peer->outfile },
		{ "outfile-mode", &peer->outfile_mode },
		{ "outfile-group", &peer->outfile_group },
		{ "name", &peer->name },
		{ "protocol-version", &peer->protocol_version },
		{ "osk-organization", &peer->osk_organization },
	};

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		if (is_word(reader, values[i].word))
			return take_value(reader, values[i].value, of);
	}
	if (is_word(reader, "osk-label"))
		return take_label(reader, peer, of);
	if (is_word(reader, "wireguard"))
		return take_wireguard(reader, peer, of);
	return fail_at_peer_word(reader, of);
}

static int parse_peer(struct reader *reader, struct arguments_peer *peer, const char *of)
{
	while (reader->at < reader->count && !is_word(reader, "peer")) {
		if (take_peer_word(reader, peer, of) != 0)
			return -1;
	}
	if (peer->public_key == NULL)
		return fail(reader, "%spublic-key file must be set", of);
	return 0;
}

int arguments_parse(struct arguments *arguments, char *const *words, size_t count,
                    char problem[static ARGUMENTS_PROBLEM_BYTES])
{
	struct reader reader = { words, count, 0, problem };
	size_t most = 0;

	memset(arguments, 0, sizeof *arguments);
	if (parse_own(&reader, arguments) != 0)
		return -1;
	/* Some of these words may be values instead. */
	for (size_t i = reader.at; i < count; i++)
		most += strcmp(words[i], "peer") == 0;
	arguments->peers = calloc(most + 1, sizeof *arguments->peers);
	if (arguments->peers == NULL)
		return fail(&reader, "out of memory");
	while (reader.at < reader.count) {
		char of[32];

		reader.at++;
		(void)snprintf(of, sizeof of, "peer %zu: ", arguments->peer_count + 1);
		if (parse_peer(&reader, &arguments->peers[arguments->peer_count], of) != 0)
			return -1;
		arguments->peer_count++;
	}
	return 0;
}

int arguments_parse_peer(struct arguments_peer *peer, char *const *words, size_t count,
                         char problem[static ARGUMENTS_PROBLEM_BYTES])
{
	struct reader reader = { words, count, 0, problem };

	memset(peer, 0, sizeof *peer);
	if (parse_peer(&reader, peer, "") != 0)
		return -1;
	if (reader.at < reader.count)
		return fail(&reader, "peer starts another peer; add one at a time");
	return 0;
}

void arguments_release(struct arguments *arguments)
{
	free(arguments->peers);
	memset(arguments, 0, sizeof *arguments);
}
