#include "config/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_utf8.h"
#include "config/config_variables.h"

/* A basic string. -1: the text is no UTF-8, which TOML has no way to write. */
static int put_string(FILE *out, const char *text)
{
	static const char plain[] = "\"\\\b\t\n\f\r";
	static const char letters[] = "\"\\btnfr";

	(void)fputc('"', out);
	while (*text != '\0') {
		uint32_t point = 0;
		size_t length = config_utf8_decode(text, &point);
		const char *special = length == 1 ? strchr(plain, *text) : NULL;

		if (length == 0)
			return -1;
		if (special != NULL)
			(void)fprintf(out, "\\%c", letters[special - plain]);
		else if (point < 0x20 || point == 0x7f)
			(void)fprintf(out, "\\u%04X", point);
		else
			(void)fwrite(text, 1, length, out);
		text += length;
	}
	(void)fputc('"', out);
	return 0;
}

static int put_text(FILE *out, const char *key, const char *text)
{
	int result;

	if (text == NULL)
		return 0;
	(void)fprintf(out, "%s = ", key);
	result = put_string(out, text);
	(void)fputc('\n', out);
	return result;
}

/* A path as it has to be written; without memory the stream is broken anyway. */
static int put_path_string(FILE *out, const char *path)
{
	char *escaped = config_variables_escape(path);
	int result = put_string(out, escaped == NULL ? "" : escaped);

	if (escaped == NULL)
		(void)fputs("\"out of memory", out);
	free(escaped);
	return result;
}

static int put_path(FILE *out, const char *key, const char *path)
{
	int result;

	if (path == NULL)
		return 0;
	(void)fprintf(out, "%s = ", key);
	result = put_path_string(out, path);
	(void)fputc('\n', out);
	return result;
}

/* first: how the first one is written. */
static int put_list(FILE *out, const char *key, const struct config_words *words,
                    int (*first)(FILE *, const char *))
{
	int result = 0;

	if (words->count == 0)
		return 0;
	(void)fprintf(out, "%s = [", key);
	for (size_t i = 0; i < words->count && result == 0; i++) {
		if (i > 0)
			(void)fputs(", ", out);
		result = i == 0 ? first(out, words->words[i]) : put_string(out, words->words[i]);
	}
	(void)fputs("]\n", out);
	return result;
}

static int put_words(FILE *out, const char *key, const struct config_words *words)
{
	return put_list(out, key, words, put_string);
}

static void put_mode(FILE *out, const char *key, uint32_t mode)
{
	if (mode != 0)
		(void)fprintf(out, "%s = \"%04o\"\n", key, mode);
}

/* Programs in Rust insist on this key, even if there is nothing to say. */
static int put_listen(FILE *out, const struct config_words *words)
{
	if (words->count > 0)
		return put_words(out, "listen", words);
	(void)fputs("listen = []\n", out);
	return 0;
}

static const char *version_of(uint32_t dialects)
{
	if (dialects == CONFIG_DIALECTS_V02)
		return "V02";
	return dialects == CONFIG_DIALECTS_V03 ? "V03" : NULL;
}

static int put_peer(FILE *out, const struct config_peer *peer)
{
	(void)fputs("\n[[peers]]\n", out);
	if (put_text(out, "name", peer->name) != 0 || put_path(out, "public_key", peer->public_key) != 0 ||
	    put_text(out, "endpoint", peer->endpoint) != 0 ||
	    put_path(out, "pre_shared_key", peer->pre_shared_key) != 0 ||
	    put_path(out, "key_out", peer->key_out) != 0)
		return -1;
	put_mode(out, "key_out_mode", peer->key_out_mode);
	if (put_text(out, "key_out_group", peer->key_out_group) != 0 ||
	    put_list(out, "exchange_command", &peer->exchange_command, put_path_string) != 0 ||
	    put_text(out, "device", peer->device) != 0 || put_text(out, "peer", peer->wireguard_peer) != 0 ||
	    put_words(out, "extra_params", &peer->extra_params) != 0 ||
	    put_text(out, "protocol_version", version_of(peer->dialects)) != 0 ||
	    put_text(out, "osk_organization", peer->osk_organization) != 0)
		return -1;
	return put_words(out, "osk_label", &peer->osk_labels);
}

static void put_fwmark(FILE *out, const struct config_fwmark *fwmark)
{
	if (fwmark->is_fixed && fwmark->mark != 0)
		(void)fprintf(out, "fwmark = %" PRIu32 "\n", fwmark->mark);
	else if (fwmark->is_fixed)
		(void)fputs("fwmark = \"off\"\n", out);
}

static int put_config(FILE *out, const struct config *config)
{
	if (put_path(out, "public_key", config->public_key) != 0 ||
	    put_path(out, "secret_key", config->secret_key) != 0 || put_listen(out, &config->listen) != 0 ||
	    put_text(out, "verbosity", config->verbosity == CONFIG_VERBOSE ? "Verbose" : "Quiet") != 0 ||
	    put_text(out, "user", config->user) != 0 ||
	    put_text(out, "before_first_exchange",
	             config->before_first_exchange == CONFIG_BLOCK ? "block" : NULL) != 0 ||
	    put_text(out, "on_exit", config->on_exit == CONFIG_RANDOM ? "random" : NULL) != 0)
		return -1;
	put_fwmark(out, &config->fwmark);
	for (size_t i = 0; i < config->peer_count; i++) {
		if (put_peer(out, &config->peers[i]) != 0)
			return -1;
	}
	return 0;
}

char *config_format(const struct config *config)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	int error = 0;

	if (out == NULL)
		return NULL;
	if (put_config(out, config) != 0)
		error = EILSEQ;
	else if (ferror(out))
		error = ENOMEM;
	if (fclose(out) != 0 && error == 0)
		error = ENOMEM;
	if (error == 0)
		return text;
	free(text);
	errno = error;
	return NULL;
}
