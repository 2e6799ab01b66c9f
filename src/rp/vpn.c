#include "rp/vpn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/wireguard_params.h"
#include "monitor/monitor.h"
#include "programs/rp_keys.h"
#include "programs/rp_plan.h"
#include "rp/inputs.h"
#include "rp/interface.h"
#include "rp/labels.h"
#include "rp/daemon_name.h"
#include "rp/leftovers.h"
#include "system/log.h"
#include "system/secret_memory.h"

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

/* Reads a list of prefixes into a new array; NULL for none. */
static int read_prefixes(struct ip_prefix **out, size_t *count, const char *text, bool keep_host)
{
	char problem[WIREGUARD_PARAMS_PROBLEM_BYTES];

	if (wireguard_params_prefixes(out, count, text, keep_host, problem) != 0)
		return say(problem);
	return 0;
}

/* What WireGuard gets with the first key of an exchange. */
static int add_extra(struct wireguard_params *to, const struct rp_config_peer *from,
                     const struct interface_peer *in)
{
	const struct wireguard_params params = {
		.has_keepalive = from->has_keepalive,
		.keepalive_seconds = from->persistent_keepalive,
		.has_allowed_ips = from->allowed_ips != NULL,
		.allowed_ips = in->allowed_ips,
		.allowed_ip_count = in->allowed_ip_count,
	};

	if (wireguard_params_copy(to, &params) != 0)
		return out_of_memory();
	to->endpoint = from->endpoint == NULL ? NULL : next_port(from->endpoint);
	return from->endpoint != NULL && to->endpoint == NULL ? out_of_memory() : 0;
}

/* The address of the peer's WireGuard, where it is given as one. */
static int read_endpoint(struct interface_peer *in, const char *endpoint)
{
	char *text;
	const char *problem;

	if (endpoint == NULL)
		return 0;
	in->needs_name = !address_is_literal(endpoint);
	if (in->needs_name)
		return 0;
	text = next_port(endpoint);
	if (text == NULL)
		return -1;
	/* An interface that is named in it may come later. */
	if (address_parse(text, &in->endpoint, &problem) != 0)
		memset(&in->endpoint, 0, sizeof in->endpoint);
	free(text);
	return 0;
}

static int add_peer(struct config_peer *to, struct interface_peer *in, struct interface *interface,
                    const struct rp_config_peer *from, const char *label)
{
	bool is_wide = false;

	if (rp_plan_peer(to, in->public_key, from, interface->name, interface->private_key) != 0)
		return -1;
	free(to->name);
	to->name = strdup(label);
	if (to->name == NULL)
		return out_of_memory();
	if (from->allowed_ips != NULL &&
	    read_prefixes(&in->allowed_ips, &in->allowed_ip_count, from->allowed_ips, false) != 0)
		return -1;
	if (read_endpoint(in, from->endpoint) != 0)
		return out_of_memory();
	for (size_t i = 0; i < in->allowed_ip_count; i++) {
		if (ways_add(&interface->ways, &in->allowed_ips[i], true) != 0)
			return out_of_memory();
		is_wide |= ways_is_wide(&in->allowed_ips[i]);
	}
	in->needs_name &= is_wide;
	return add_extra(&to->extra_params, from, in);
}

static int add_addresses(struct interface *interface, const struct string_list *ips)
{
	for (size_t i = 0; i < ips->count; i++) {
		struct ip_prefix *one;
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
	char *copy;

	if (listen == NULL)
		return 0;
	copy = strdup(listen);
	if (copy == NULL || string_list_append(&config->listen, copy) != 0)
		return out_of_memory();
	interface->has_port = true;
	interface->port = (uint16_t)(strtoul(strrchr(listen, ':') + 1, NULL, 10) + 1);
	return 0;
}

/* What the daemon and the interface are to be, from what rp was told. */
static int plan(struct config *config, struct interface *interface, const struct rp_config *from)
{
	char **labels;
	int result = 0;

	config->peers = calloc(from->peer_count + 1, sizeof *config->peers);
	interface->peers = calloc(from->peer_count + 1, sizeof *interface->peers);
	if (config->peers == NULL || interface->peers == NULL)
		return out_of_memory();
	if (add_listen(config, interface, from->listen) != 0 || add_addresses(interface, &from->ips) != 0)
		return -1;
	if (labels_make(&labels, from) != 0)
		return out_of_memory();
	for (size_t i = 0; i < from->peer_count && result == 0; i++) {
		config->peer_count++;
		interface->peer_count++;
		result = add_peer(&config->peers[i], &interface->peers[i], interface, &from->peers[i],
		                  labels[i]);
	}
	labels_release(labels, from->peer_count);
	return result;
}

static int run(const struct rp_config *from, const struct vpn_options *options, struct interface *interface)
{
	struct config config = { 0 };
	struct rp_keys_private keys = { 0 };
	struct inputs inputs = { 0 };
	char name[DAEMON_NAME_BYTES];
	struct monitor_options monitor = {
		.identity.name = name,
		.device = interface->name,
		.settings.user = options->user,
		.version = options->version,
		.no_sandbox = options->no_sandbox,
		.has_fixed_name = true,
		.ensure = interface_ensure,
		.reach = interface_reach,
		.check = interface_check,
		.context = interface,
		.no_reload = "rp reads its configuration once; end it and start it again",
		.only_net_admin = true,
	};
	char problem[RP_KEYS_PROBLEM_BYTES];
	int status = EXIT_FAILURE;

	monitor.identity.is_temporary = !daemon_name_choose(name, interface->name);
	if (rp_keys_load_private(&keys, from->private_keys_dir, problem) != 0) {
		log_error("%s", problem);
		return EXIT_FAILURE;
	}
	config.secret_key = keys.secret_key;
	config.public_key = keys.public_key;
	keys.secret_key = NULL;
	keys.public_key = NULL;
	rp_keys_warn_private(from->private_keys_dir);
	config.fwmark = from->fwmark;
	interface->private_key = keys.wireguard;
	interface->mtu = from->mtu;
	interface->has_fwmark = from->fwmark.is_fixed;
	interface->fwmark = from->fwmark.mark;
	interface->ways.replace = options->replace_routes || from->replace_routes;
	leftovers_remove();
	if (plan(&config, interface, from) == 0) {
		if (inputs_collect(&inputs, from) == 0) {
			monitor.identity.inputs = inputs.all;
			monitor.identity.input_count = inputs.count;
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
