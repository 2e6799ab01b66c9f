#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "system/base64.h"
#include "system/clock.h"
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
	wireguard->resolve_error[0] = '\0';
	memset(&wireguard->resolved, 0, sizeof wireguard->resolved);
	backoff_none(&wireguard->resolve);
	if (endpoint != NULL && !address_is_literal(endpoint))
		wireguard->resolve.next_ns = 0;
	return 0;
}

struct monitor_wireguard *monitor_wireguard_create(const struct config_peer *config)
{
	struct monitor_wireguard *wireguard = calloc(1, sizeof *wireguard);

	if (wireguard == NULL)
		return NULL;
	wireguard->key = secret_memory_allocate(NULL, WIREGUARD_KEY_BYTES);
	if (wireguard->key == NULL || entropy_fill(NULL, wireguard->key, WIREGUARD_KEY_BYTES) != 0 ||
	    base64_decode_key(wireguard->peer, config->wireguard_peer, strlen(config->wireguard_peer)) != 0 ||
	    read_extra(wireguard, config) != 0) {
		monitor_wireguard_release(wireguard);
		return NULL;
	}
	return wireguard;
}

void monitor_wireguard_release(struct monitor_wireguard *wireguard)
{
	if (wireguard == NULL)
		return;
	secret_memory_release(NULL, wireguard->key, WIREGUARD_KEY_BYTES);
	wireguard_words_release(&wireguard->extra);
	free(wireguard->endpoint);
	free(wireguard);
}

int monitor_wireguard_change(struct monitor_wireguard *wireguard, const struct config_peer *config)
{
	return read_extra(wireguard, config);
}

void monitor_wireguard_take_key(struct monitor_wireguard *wireguard, const uint8_t *key, bool is_exchanged)
{
	memcpy(wireguard->key, key, WIREGUARD_KEY_BYTES);
	wireguard->is_exchanged = is_exchanged;
	wireguard->is_extra_due = true;
}

bool monitor_wireguard_is_left(const struct monitor *monitor, const struct monitor_peer *peer,
                               const struct monitor_wireguard *wireguard)
{
	return monitor->config.before_first_exchange == CONFIG_LEAVE && !wireguard->is_exchanged &&
	       peer->reason == NULL;
}

struct monitor_output *monitor_wireguard_output(struct monitor_peer *peer)
{
	for (size_t i = 0; i < peer->output_count; i++) {
		if (peer->outputs[i].kind == MONITOR_WIREGUARD)
			return &peer->outputs[i];
	}
	return NULL;
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

/* Whether both are addresses of one host, whatever the ports. */
static bool is_same_host(const union address_socket *a, const union address_socket *b)
{
	union address_socket other = *b;

	if (a->any.sa_family == AF_UNSPEC || a->any.sa_family != other.any.sa_family)
		return false;
	if (other.any.sa_family == AF_INET6)
		other.v6.sin6_port = a->v6.sin6_port;
	else
		other.v4.sin_port = a->v4.sin_port;
	return address_equal(a, &other);
}

/* Whether the peer's name leads to the host of that address. */
static bool is_named(const struct monitor_peer *peer, const union address_socket *address)
{
	for (uint32_t i = 0; i < peer->addresses.count; i++) {
		if (is_same_host(address, &peer->addresses.list[i]))
			return true;
	}
	return false;
}

/*
 * Of all addresses of the name, that from which the peer has proved who it is. Another address may be that of
 * a host which only forwards its messages, or an invention of an engine process that was taken over: it must
 * not get the tunnel's packets. As long as the name does not resolve, only a host will do at which WireGuard
 * has heard the peer.
 */
static union address_socket beside(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard)
{
	static const union address_socket unknown;

	if (peer->last.any.sa_family == AF_UNSPEC || is_named(peer, &peer->last))
		return peer->last;
	if (peer->addresses.count > 0)
		return peer->addresses.list[0];
	return is_same_host(&peer->last, &wireguard->present_endpoint) ||
	                       is_same_host(&peer->last, &peer->remembered.wireguard)
	               ? peer->last
	               : unknown;
}

bool monitor_wireguard_endpoint(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard,
                                union address_socket *out)
{
	const char *problem;

	if (wireguard->endpoint == NULL)
		return false;
	if (address_is_literal(wireguard->endpoint))
		return address_parse(wireguard->endpoint, out, &problem) == 0;
	*out = is_beside(peer, wireguard) ? beside(peer, wireguard) : wireguard->resolved;
	if (out->any.sa_family == AF_UNSPEC)
		return false;
	set_port(out, wireguard->endpoint);
	return true;
}

bool monitor_wireguard_needs_endpoint(const struct monitor_peer *peer,
                                      const struct monitor_wireguard *wireguard,
                                      const union address_socket *present, union address_socket *endpoint)
{
	uint64_t age;

	if (!wireguard->is_exchanged)
		return false;
	/* Nobody says where the peer is: it may still be where its WireGuard was heard last. */
	if (present->any.sa_family == AF_UNSPEC && wireguard->endpoint == NULL) {
		*endpoint = peer->remembered.wireguard;
		return endpoint->any.sa_family != AF_UNSPEC;
	}
	if (!monitor_wireguard_endpoint(peer, wireguard, endpoint) || address_equal(present, endpoint))
		return false;
	return present->any.sa_family == AF_UNSPEC ||
	       !handshake_age(&wireguard->handshake, clock_boot_seconds(), &age) ||
	       age > WIREGUARD_SESSION_SECONDS;
}
