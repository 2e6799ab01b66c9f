#include "rp/vpn.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/wireguard_words.h"
#include "daemon/monitor.h"
#include "daemon/prefix.h"
#include "rp/inputs.h"
#include "rp/interface.h"
#include "rp/keys.h"
#include "system/base64.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define EXTRA_WORDS_MAX 6

static int out_of_memory(void)
{
	log_error("out of memory");
	return -1;
}

static int say(const char *problem)
{
	log_error("%s", problem);
	return -1;
}

/* "HOST:PORT" with the port after it; NULL: no memory. The form was checked with the configuration. */
static char *next_port(const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');
	char *text = NULL;

	return asprintf(&text, "%.*s:%lu", (int)(colon - endpoint), endpoint,
	                strtoul(colon + 1, NULL, 10) + 1) < 0
	               ? NULL
	               : text;
}

/* Reads a list of prefixes into a new array. */
static int read_prefixes(struct wireguard_allowed_ip **out, size_t *count, const char *text, bool keep_host)
{
	struct wireguard_words_prefix *prefixes = NULL;
	char problem[WIREGUARD_WORDS_PROBLEM_BYTES];

	if (wireguard_words_prefixes(&prefixes, count, text, keep_host, problem) != 0)
		return say(problem);
	*out = prefix_convert(prefixes, *count);
	free(prefixes);
	return *out == NULL ? out_of_memory() : 0;
}

static int add_word(struct config_words *words, const char *word)
{
	words->words[words->count] = strdup(word);
	return words->words[words->count++] == NULL ? out_of_memory() : 0;
}

/* What WireGuard gets with the first key of an exchange. */
static int add_extra(struct config_peer *to, const struct rp_config_peer *from)
{
	struct config_words *words = &to->extra_params;
	char number[8];

	words->words = calloc(EXTRA_WORDS_MAX, sizeof *words->words);
	if (words->words == NULL)
		return out_of_memory();
	if (from->endpoint != NULL) {
		char *endpoint = next_port(from->endpoint);
		int result = endpoint == NULL ? out_of_memory() : 0;

		if (result == 0 && (add_word(words, "endpoint") != 0 || add_word(words, endpoint) != 0))
			result = -1;
		free(endpoint);
		if (result != 0)
			return -1;
	}
	if (from->has_keepalive) {
		(void)snprintf(number, sizeof number, "%u", from->persistent_keepalive);
		if (add_word(words, "persistent-keepalive") != 0 || add_word(words, number) != 0)
			return -1;
	}
	if (from->allowed_ips != NULL &&
	    (add_word(words, "allowed-ips") != 0 || add_word(words, from->allowed_ips) != 0))
		return -1;
	return 0;
}

static int copy(char **to, const char *from)
{
	*to = from == NULL ? NULL : strdup(from);
	return from != NULL && *to == NULL ? out_of_memory() : 0;
}

static int add_peer(struct config_peer *to, struct interface_peer *in, struct interface *interface,
                    const struct rp_config_peer *from)
{
	struct rp_keys_public keys;
	char problem[RP_KEYS_PROBLEM_BYTES];
	char text[BASE64_KEY_CHARS + 1];
	uint8_t own[WIREGUARD_KEY_BYTES];

	if (rp_keys_load_public(&keys, from->public_keys_dir, problem) != 0)
		return say(problem);
	memcpy(in->public_key, keys.wireguard, sizeof in->public_key);
	to->public_key = keys.public_key;
	to->pre_shared_key = keys.pre_shared_key;
	to->line = from->line;
	to->dialects = from->dialects;
	base64_encode_key(text, in->public_key);
	/* WireGuard would take such a peer without a word, and leave it out. */
	if (crypto_scalarmult_base(own, interface->private_key) == 0 &&
	    memcmp(own, in->public_key, sizeof own) == 0) {
		log_error("public-keys folder \"%s\": these are our own keys; give the folder that the peer "
		          "made",
		          from->public_keys_dir);
		return -1;
	}
	if (copy(&to->name, from->name) != 0 || copy(&to->endpoint, from->endpoint) != 0 ||
	    copy(&to->device, interface->name) != 0 || copy(&to->wireguard_peer, text) != 0)
		return -1;
	if (from->allowed_ips != NULL &&
	    read_prefixes(&in->allowed_ips, &in->allowed_ip_count, from->allowed_ips, false) != 0)
		return -1;
	for (size_t i = 0; i < in->allowed_ip_count; i++) {
		if (ways_add(&interface->ways, &in->allowed_ips[i], true) != 0)
			return out_of_memory();
	}
	return add_extra(to, from);
}

static int add_addresses(struct interface *interface, const struct config_words *ips)
{
	for (size_t i = 0; i < ips->count; i++) {
		struct wireguard_allowed_ip *one;
		size_t count;
		int result = 0;

		if (read_prefixes(&one, &count, ips->words[i], true) != 0)
			return -1;
		if (count > 0)
			result = ways_add(&interface->ways, &one[0], false);
		free(one);
		if (result != 0)
			return out_of_memory();
	}
	return 0;
}

static int add_listen(struct config *config, struct interface *interface, const char *listen)
{
	if (listen == NULL)
		return 0;
	config->listen.words = calloc(1, sizeof *config->listen.words);
	if (config->listen.words == NULL || add_word(&config->listen, listen) != 0)
		return out_of_memory();
	interface->has_port = true;
	interface->port = (uint16_t)(strtoul(strrchr(listen, ':') + 1, NULL, 10) + 1);
	return 0;
}

/* What the daemon and the interface are to be, from what rp was told. */
static int plan(struct config *config, struct interface *interface, const struct rp_config *from)
{
	config->peers = calloc(from->peer_count + 1, sizeof *config->peers);
	interface->peers = calloc(from->peer_count + 1, sizeof *interface->peers);
	if (config->peers == NULL || interface->peers == NULL)
		return out_of_memory();
	if (add_listen(config, interface, from->listen) != 0 || add_addresses(interface, &from->ips) != 0)
		return -1;
	for (size_t i = 0; i < from->peer_count; i++) {
		config->peer_count++;
		interface->peer_count++;
		if (add_peer(&config->peers[i], &interface->peers[i], interface, &from->peers[i]) != 0)
			return -1;
	}
	return 0;
}

static int run(const struct rp_config *from, const struct vpn_options *options, struct interface *interface)
{
	struct config config = { 0 };
	struct rp_keys_private keys = { 0 };
	struct inputs inputs = { 0 };
	struct monitor_options monitor = {
		.name = interface->name,
		.user = options->user,
		.version = options->version,
		.no_sandbox = options->no_sandbox,
		.establish = interface_establish,
		.forget = interface_forget,
		.context = interface,
		.no_reload = "rp reads its configuration once; end it and start it again",
		.only_net_admin = true,
	};
	char problem[RP_KEYS_PROBLEM_BYTES];
	int status = EXIT_FAILURE;

	if (rp_keys_load_private(&keys, from->private_keys_dir, problem) != 0) {
		log_error("%s", problem);
		return EXIT_FAILURE;
	}
	config.secret_key = keys.secret_key;
	config.public_key = keys.public_key;
	keys.secret_key = NULL;
	keys.public_key = NULL;
	rp_keys_warn_private(from->private_keys_dir);
	interface->private_key = keys.wireguard;
	if (plan(&config, interface, from) == 0) {
		if (inputs_collect(&inputs, from) == 0) {
			monitor.inputs = inputs.all;
			monitor.input_count = inputs.count;
			status = monitor_run(&config, &monitor);
		} else {
			(void)out_of_memory();
		}
	}
	inputs_release(&inputs);
	config_release(&config);
	interface_end(interface);
	interface->private_key = NULL;
	rp_keys_release_private(&keys);
	return status;
}

int vpn_run(struct rp_config *config, const struct vpn_options *options)
{
	struct interface interface = { .adopt = options->adopt, .guard = { .fd = -1 } };
	const char *name = config->dev != NULL ? config->dev : RP_CONFIG_DEFAULT_DEVICE;
	int status = EXIT_FAILURE;
	int result = guard_start(&interface.guard);

	(void)snprintf(interface.name, sizeof interface.name, "%s", name);
	if (secret_memory_protect_process() != 0)
		log_warn("cannot forbid core dumps of this process");
	if (result != 0)
		log_error("cannot start a process: %s", strerror(-result));
	else
		status = run(config, options, &interface);
	guard_end(&interface.guard);
	interface_release(&interface);
	rp_config_release(config);
	return status;
}
