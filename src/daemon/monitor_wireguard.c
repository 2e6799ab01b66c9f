#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/device_plan.h"
#include "system/base64.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"

static int read_extra(struct monitor_wireguard *wireguard, const struct config_peer *config)
{
	struct wireguard_words words;
	char problem[WIREGUARD_WORDS_PROBLEM_BYTES];
	char *endpoint = NULL;

	if (wireguard_words_read(&words, config->extra_params.words, config->extra_params.count, problem) !=
	    0) {
		log_error("extra_params: %s", problem);
		return -EINVAL;
	}
	if (words.endpoint != NULL) {
		endpoint = strdup(words.endpoint);
		if (endpoint == NULL) {
			wireguard_words_release(&words);
			return -ENOMEM;
		}
	}
	wireguard_words_release(&wireguard->extra);
	free(wireguard->endpoint);
	wireguard->extra = words;
	wireguard->extra.endpoint = NULL;
	wireguard->endpoint = endpoint;
	wireguard->is_extra_due = true;
	wireguard->refused = 0;
	return 0;
}

bool monitor_wireguard_is_left(const struct monitor *monitor, const struct monitor_peer *peer,
                               const struct monitor_wireguard *wireguard)
{
	return monitor->config.before_first_exchange == CONFIG_LEAVE && !wireguard->is_exchanged &&
	       peer->reason == NULL;
}

struct monitor_wireguard *monitor_wireguard_of(const struct monitor_peer *peer)
{
	/* A peer that is leaving has no delivery any more. */
	return peer->delivery == NULL
	               ? NULL
	               : (struct monitor_wireguard *)delivery_find(peer->delivery, &monitor_wireguard_sink);
}

/* The same host in both "HOST:PORT". */
static bool same_host(const char *a, const char *b)
{
	size_t a_length = (size_t)(strrchr(a, ':') - a);
	size_t b_length = (size_t)(strrchr(b, ':') - b);

	return a_length == b_length && strncmp(a, b, a_length) == 0;
}

static void set_port(union address_socket *address, const char *endpoint)
{
	in_port_t port = htons((uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10));

	if (address->any.sa_family == AF_INET6)
		address->v6.sin6_port = port;
	else
		address->v4.sin_port = port;
}

/* Whether the endpoint of WireGuard is on the host where the peer's Rosenpass is. */
static bool is_beside(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard)
{
	return peer->config.endpoint != NULL && same_host(wireguard->endpoint, peer->config.endpoint);
}

bool monitor_wireguard_needs_name(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard)
{
	return wireguard->endpoint != NULL && !address_is_literal(wireguard->endpoint) &&
	       !is_beside(peer, wireguard);
}

/* Whether the peer's name leads to the host of that address, whatever the port. */
static bool is_named(const struct monitor_peer *peer, const union address_socket *address)
{
	for (uint32_t i = 0; i < peer->addresses.count; i++) {
		union address_socket named = peer->addresses.list[i];

		if (named.any.sa_family != address->any.sa_family)
			continue;
		if (named.any.sa_family == AF_INET6)
			named.v6.sin6_port = address->v6.sin6_port;
		else
			named.v4.sin_port = address->v4.sin_port;
		if (address_equal(&named, address))
			return true;
	}
	return false;
}

/* The first address of its own name; AF_UNSPEC: not known. */
static union address_socket resolved(const struct monitor_wireguard *wireguard)
{
	size_t count;
	const union address_socket *list = hostname_addresses(wireguard->hostname, &count);

	return count == 0 ? (union address_socket){ 0 } : list[0];
}

/*
 * Of all addresses of the name, that from which the peer has proved who it is. Another address may be that of
 * a host which only forwards its messages: it must not get the tunnel's packets.
 */
static union address_socket beside(const struct monitor_peer *peer)
{
	if (peer->last.any.sa_family == AF_UNSPEC || peer->addresses.count == 0 ||
	    is_named(peer, &peer->last))
		return peer->last;
	return peer->addresses.list[0];
}

bool monitor_wireguard_endpoint(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard,
                                union address_socket *out)
{
	const char *problem;

	if (wireguard->endpoint == NULL)
		return false;
	if (address_is_literal(wireguard->endpoint))
		return address_parse(wireguard->endpoint, out, &problem) == 0;
	*out = is_beside(peer, wireguard) ? beside(peer) : resolved(wireguard);
	if (out->any.sa_family == AF_UNSPEC)
		return false;
	set_port(out, wireguard->endpoint);
	return true;
}

void monitor_wireguard_target(struct device_target *target, const struct monitor *monitor,
                              const struct monitor_peer *peer, const struct monitor_wireguard *wireguard,
                              uint64_t now_ns)
{
	memset(target, 0, sizeof *target);
	memcpy(target->public_key, wireguard->peer, WIREGUARD_KEY_BYTES);
	target->key = wireguard->key;
	target->is_left = monitor_wireguard_is_left(monitor, peer, wireguard);
	/* Until then the peer's WireGuard must not be called. */
	target->may_speak = wireguard->is_exchanged && now_ns >= wireguard->speak_ns;
	target->are_parameters_due = wireguard->is_extra_due;
	target->parameters = &wireguard->extra;
	target->is_call_due = wireguard->is_call_due;
	target->handshake_before = wireguard->handshake_before;
	if (wireguard->endpoint == NULL) {
		/* Nobody says where the peer is: it may still be where its WireGuard was heard last. */
		target->endpoint = peer->remembered.wireguard;
		target->is_guess = true;
	} else if (!monitor_wireguard_endpoint(peer, wireguard, &target->endpoint)) {
		memset(&target->endpoint, 0, sizeof target->endpoint);
	}
}

static bool is_wanted(const struct config_peer *config)
{
	return config->device != NULL;
}

static void destroy(struct sink *sink)
{
	struct monitor_wireguard *wireguard = (struct monitor_wireguard *)sink;

	sink_release(sink);
	secret_memory_release(NULL, wireguard->key, WIREGUARD_KEY_BYTES);
	wireguard_words_release(&wireguard->extra);
	hostname_destroy(wireguard->hostname);
	free(wireguard->endpoint);
	free(wireguard);
}

static int create(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	struct monitor_wireguard *wireguard = calloc(1, sizeof *wireguard);
	const struct config_peer *config = peer->config;

	*out = NULL;
	if (wireguard == NULL)
		return -ENOMEM;
	if (sink_init(&wireguard->sink, &monitor_wireguard_sink, env->loop, peer) != 0) {
		free(wireguard);
		return -ENOMEM;
	}
	wireguard->monitor = env->devices;
	wireguard->owner = peer->owner;
	(void)snprintf(wireguard->device, sizeof wireguard->device, "%s", config->device);
	wireguard->key = secret_memory_allocate(NULL, WIREGUARD_KEY_BYTES);
	if (wireguard->key == NULL || entropy_fill(NULL, wireguard->key, WIREGUARD_KEY_BYTES) != 0 ||
	    base64_decode_key(wireguard->peer, config->wireguard_peer, strlen(config->wireguard_peer)) != 0 ||
	    read_extra(wireguard, config) != 0 ||
	    monitor_device_know(wireguard->monitor, wireguard->device) != 0) {
		destroy(&wireguard->sink);
		return -ENOMEM;
	}
	monitor_device_look(wireguard->monitor, wireguard->device);
	/* A random key is set before the first exchange, unless the present one is to be left. */
	if (!monitor_wireguard_is_left(wireguard->monitor, wireguard->owner, wireguard))
		sink_pending(&wireguard->sink);
	*out = &wireguard->sink;
	return 0;
}

static void take_key(struct monitor_wireguard *wireguard, const uint8_t *key, bool is_exchanged)
{
	memcpy(wireguard->key, key, WIREGUARD_KEY_BYTES);
	wireguard->is_exchanged = is_exchanged;
	wireguard->is_extra_due = true;
}

static void deliver(struct sink *sink, const struct delivery_key *key)
{
	struct monitor_wireguard *wireguard = (struct monitor_wireguard *)sink;

	take_key(wireguard, key->bytes, key->is_exchanged);
	monitor_device_look(wireguard->monitor, wireguard->device);
}

static bool same_target(const struct sink *sink, const struct config_peer *config)
{
	const struct monitor_wireguard *wireguard = (const struct monitor_wireguard *)sink;
	uint8_t peer[WIREGUARD_KEY_BYTES];

	return strcmp(wireguard->device, config->device) == 0 &&
	       base64_decode_key(peer, config->wireguard_peer, strlen(config->wireguard_peer)) == 0 &&
	       memcmp(peer, wireguard->peer, sizeof peer) == 0;
}

static void reconfigure(struct sink *sink, const struct config_peer *config)
{
	struct monitor_wireguard *wireguard = (struct monitor_wireguard *)sink;

	if (read_extra(wireguard, config) != 0)
		log_error("%s: no memory for its extra_params, which stay as they were", sink->peer->label);
	monitor_device_look(wireguard->monitor, wireguard->device);
}

/* Another peer or device of WireGuard gets the key that is in use. */
static void inherit(struct sink *sink, const struct sink *from)
{
	const struct monitor_wireguard *old = (const struct monitor_wireguard *)from;

	take_key((struct monitor_wireguard *)sink, old->key, old->is_exchanged);
}

static void retire(struct sink *sink, const uint8_t *key, enum sink_cause cause)
{
	struct monitor_wireguard *wireguard = (struct monitor_wireguard *)sink;

	(void)key;
	if (cause == SINK_REMOVED ||
	    !monitor_wireguard_is_left(wireguard->monitor, wireguard->owner, wireguard))
		monitor_orphans_add(wireguard->monitor, sink->peer->label, wireguard->device, wireguard->peer,
		                    loop_now_ns(sink->loop));
	destroy(sink);
}

static void describe(const struct sink *sink, struct sink_status *status)
{
	(void)sink;
	(void)status;
}

const struct sink_ops monitor_wireguard_sink = {
	.kind = "wireguard",
	.failure_text = "WireGuard does not have its key",
	.success_text = "WireGuard has its key",
	.is_wanted = is_wanted,
	.create = create,
	.deliver = deliver,
	.same_target = same_target,
	.reconfigure = reconfigure,
	.inherit = inherit,
	.retire = retire,
	.describe = describe,
	.destroy = destroy,
};
