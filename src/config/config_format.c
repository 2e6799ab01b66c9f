#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_utf8.h"

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

static int put_words(FILE *out, const char *key, const struct config_words *words)
{
	int result = 0;

	if (words->count == 0)
		return 0;
	(void)fprintf(out, "%s = [", key);
	for (size_t i = 0; i < words->count && result == 0; i++) {
		if (i > 0)
			(void)fputs(", ", out);
		result = put_string(out, words->words[i]);
	}
	(void)fputs("]\n", out);
	return result;
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
	if (put_text(out, "name", peer->name) != 0 || put_text(out, "public_key", peer->public_key) != 0 ||
	    put_text(out, "endpoint", peer->endpoint) != 0 ||
	    put_text(out, "pre_shared_key", peer->pre_shared_key) != 0 ||
	    put_text(out, "key_out", peer->key_out) != 0 ||
	    put_words(out, "exchange_command", &peer->exchange_command) != 0 ||
	    put_text(out, "device", peer->device) != 0 || put_text(out, "peer", peer->wireguard_peer) != 0 ||
	    put_words(out, "extra_params", &peer->extra_params) != 0 ||
	    put_text(out, "protocol_version", version_of(peer->dialects)) != 0 ||
	    put_text(out, "osk_organization", peer->osk_organization) != 0)
		return -1;
	return put_words(out, "osk_label", &peer->osk_labels);
}

static int put_config(FILE *out, const struct config *config)
{
	if (put_text(out, "public_key", config->public_key) != 0 ||
	    put_text(out, "secret_key", config->secret_key) != 0 ||
	    put_words(out, "listen", &config->listen) != 0 ||
	    put_text(out, "verbosity", config->verbosity == CONFIG_VERBOSE ? "Verbose" : "Quiet") != 0 ||
	    put_text(out, "user", config->user) != 0 ||
	    put_text(out, "before_first_exchange",
	             config->before_first_exchange == CONFIG_BLOCK ? "block" : NULL) != 0 ||
	    put_text(out, "on_exit", config->on_exit == CONFIG_RANDOM ? "random" : NULL) != 0)
		return -1;
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
