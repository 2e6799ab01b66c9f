#include "daemon/monitor_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/device_plan.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"
#include "wireguard/explain.h"

#define RESOLVE_FIRST_NS (5 * CLOCK_SECOND_NS)
#define RESOLVE_MOST_NS (300 * CLOCK_SECOND_NS)
#define RESOLVE_AGAIN_NS (600 * CLOCK_SECOND_NS)

static int read_extra(struct monitor_wireguard *wireguard, const struct config_peer *config)
{
	struct wireguard_params params;

	if (wireguard_params_copy(&params, &config->extra_params) != 0)
		return -ENOMEM;
	wireguard_params_release(&wireguard->extra);
	free(wireguard->endpoint);
	wireguard->endpoint = params.endpoint;
	params.endpoint = NULL;
	wireguard->extra = params;
	wireguard->is_extra_due = true;
	wireguard->refused = 0;
	return 0;
}

bool monitor_wireguard_is_left(const struct monitor *monitor, const struct peer *peer,
                               const struct monitor_wireguard *wireguard)
{
	return monitor->config.before_first_exchange == CONFIG_LEAVE && !wireguard->is_exchanged &&
	       peer_key_origin(peer)->reason == NULL;
}

struct monitor_wireguard *monitor_wireguard_of(const struct peer *peer)
{
	/* A peer that is leaving has no delivery any more. */
	return peer_delivery(peer) == NULL ? NULL
	                                   : (struct monitor_wireguard *)delivery_find(
						     peer_delivery(peer), &monitor_wireguard_sink);
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
static bool is_beside(const struct peer *peer, const struct monitor_wireguard *wireguard)
{
	return peer_config(peer)->endpoint != NULL &&
	       same_host(wireguard->endpoint, peer_config(peer)->endpoint);
}

static bool needs_name(const struct peer *peer, const struct monitor_wireguard *wireguard)
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
static bool is_named(const struct peer *peer, const union address_socket *address)
{
	const struct channel_addresses *addresses = peer_addresses(peer);

	for (uint32_t i = 0; i < addresses->count; i++) {
		if (is_same_host(address, &addresses->list[i]))
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
 * a host which only forwards its messages, or an invention of an engine process that was taken over: it must
 * not get the tunnel's packets. As long as the name does not resolve, only a host will do at which WireGuard
 * has heard the peer.
 */
static union address_socket beside(const struct peer *peer, const struct monitor_wireguard *wireguard)
{
	static const union address_socket unknown;
	const union address_socket *last = peer_address(peer);

	if (last->any.sa_family == AF_UNSPEC || is_named(peer, last))
		return *last;
	if (peer_addresses(peer)->count > 0)
		return peer_addresses(peer)->list[0];
	return is_same_host(last, &wireguard->present_endpoint) ||
	                       is_same_host(last, &peer_remembered(peer)->wireguard)
	               ? *last
	               : unknown;
}

bool monitor_wireguard_endpoint(const struct peer *peer, const struct monitor_wireguard *wireguard,
                                union address_socket *out)
{
	const char *problem;

	if (wireguard->endpoint == NULL)
		return false;
	if (address_is_literal(wireguard->endpoint))
		return address_parse(wireguard->endpoint, out, &problem) == 0;
	*out = is_beside(peer, wireguard) ? beside(peer, wireguard) : resolved(wireguard);
	if (out->any.sa_family == AF_UNSPEC)
		return false;
	set_port(out, wireguard->endpoint);
	return true;
}

void monitor_wireguard_target(struct device_target *target, const struct monitor *monitor,
                              const struct peer *peer, const struct monitor_wireguard *wireguard,
                              uint64_t now_ns)
{
	memset(target, 0, sizeof *target);
	memcpy(target->public_key, wireguard->device_peer.public_key, WIREGUARD_KEY_BYTES);
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
		target->endpoint = peer_remembered(peer)->wireguard;
		target->is_guess = true;
	} else if (!monitor_wireguard_endpoint(peer, wireguard, &target->endpoint)) {
		memset(&target->endpoint, 0, sizeof target->endpoint);
	}
}

/* --- reconciliation with the device ------------------------------------------------------ */

static struct monitor_wireguard *of_device_peer(const struct device_peer *peer)
{
	return (struct monitor_wireguard *)((uintptr_t)peer -
	                                    offsetof(struct monitor_wireguard, device_peer));
}

static void want(const struct device_peer *peer, uint64_t now_ns, struct device_target *target)
{
	const struct monitor_wireguard *wireguard = of_device_peer(peer);

	monitor_wireguard_target(target, wireguard->monitor, wireguard->owner, wireguard, now_ns);
}

static bool note_handshake(struct device_peer *peer, const struct wireguard_peer *present)
{
	struct handshake *handshake = &of_device_peer(peer)->handshake;
	uint64_t boot_seconds = clock_boot_seconds();
	uint64_t age;

	handshake_note(handshake, present->last_handshake_seconds, clock_wall_seconds(), boot_seconds);
	return handshake_age(handshake, boot_seconds, &age) && age <= WIREGUARD_SESSION_SECONDS;
}

static void changed(struct device_peer *peer, const struct device_target *target,
                    const struct device_step *step, int device_result, int result)
{
	struct monitor_wireguard *wireguard = of_device_peer(peer);

	wireguard->sink.attempts += step->change.preshared_key != NULL;
	if (device_result != 0)
		return;
	if (result == 0 && target->may_speak)
		wireguard->is_extra_due = false;
	if (step->is_to_call)
		wireguard->has_called = true;
}

static void note(struct monitor_wireguard *wireguard, const struct device_view *view)
{
	wireguard->is_up = view->is_up;
	wireguard->is_there = view->present != NULL;
	if (view->present == NULL)
		return;
	wireguard->present_endpoint = view->present->endpoint;
	wireguard->received_bytes = view->present->received_bytes;
	wireguard->sent_bytes = view->present->sent_bytes;
}

/* What the device refuses beside the key. */
static void log_refused(struct monitor_wireguard *wireguard, int result)
{
	if (result != wireguard->refused && result != 0)
		log_error("%s: WireGuard's %s takes its key, but not its endpoint, persistent-keepalive or "
		          "allowed-ips: %s",
		          wireguard->sink.peer->label, wireguard->device, strerror(-result));
	wireguard->refused = result;
}

/* Explains why the device does not have the key. Returns true if that should be logged. */
static bool explain(const struct monitor_wireguard *wireguard, const struct device_view *view,
                    char problem[static SINK_ERROR_BYTES])
{
	const char *peer = peer_config(wireguard->owner)->wireguard_peer;

	static_assert(WIREGUARD_EXPLAIN_BYTES <= SINK_ERROR_BYTES, "reasons fit");
	if (view->device_result == -EEXIST)
		(void)snprintf(problem, SINK_ERROR_BYTES, "its interface is somebody else's");
	else if (view->device_result != 0)
		wireguard_explain(problem, view->device, view->device_result);
	else if (view->present == NULL)
		(void)snprintf(problem, SINK_ERROR_BYTES,
		               "%s has no peer %s; add it with wg set %s peer, or correct the configuration",
		               view->device, peer, view->device);
	else if (view->result != 0)
		(void)snprintf(problem, SINK_ERROR_BYTES, "%s refuses it: %s", view->device,
		               strerror(-view->result));
	else
		(void)snprintf(problem, SINK_ERROR_BYTES, "%s did not take it", view->device);
	/* A problem of the whole device is logged once for the device. */
	return view->device_result == 0 &&
	       (!wireguard->sink.is_logged || strcmp(problem, wireguard->sink.error) != 0);
}

static void watch_tunnel(struct monitor_wireguard *wireguard, const struct device_view *view,
                         uint64_t *again_ns)
{
	uint64_t at_ns = monitor_tunnel_look(wireguard, view);

	/* Only an endpoint from which WireGuard has heard the peer is worth remembering. */
	if (wireguard->is_there && wireguard->handshake.told_seconds != 0)
		peer_note_wireguard(wireguard->owner, &wireguard->present_endpoint);
	if (at_ns < *again_ns)
		*again_ns = at_ns;
}

static bool reconciled(struct device_peer *peer, const struct device_view *view, uint64_t *again_ns)
{
	struct monitor_wireguard *wireguard = of_device_peer(peer);
	bool has_key = view->device_result == 0 && view->has_key;
	char problem[SINK_ERROR_BYTES];
	bool is_news;

	note(wireguard, view);
	monitor_silence_look(wireguard->owner, wireguard, has_key, view->now_ns);
	monitor_tunnel_confirm(wireguard);
	if (view->target->is_left && view->present != NULL)
		return true;
	if (has_key)
		watch_tunnel(wireguard, view, again_ns);
	/* One that is somebody else's may have been given our key, and is not where it should be. */
	if (view->device_result != -EEXIST && view->has_key) {
		log_refused(wireguard, view->result);
		sink_delivered(&wireguard->sink);
		return true;
	}
	is_news = explain(wireguard, view, problem);
	sink_not_delivered(&wireguard->sink, problem, is_news);
	return false;
}

static const struct device_peer_ops device_peer_ops = {
	.want = want,
	.read = note_handshake,
	.changed = changed,
	.reconciled = reconciled,
};

/* --- the sink ---------------------------------------------------------------------------- */

static bool is_wanted(const struct config_peer *config)
{
	return config->device != NULL;
}

static void destroy(struct sink *sink)
{
	struct monitor_wireguard *wireguard = (struct monitor_wireguard *)sink;

	device_detach(&wireguard->device_peer);
	sink_release(sink);
	secret_memory_release(NULL, wireguard->key, WIREGUARD_KEY_BYTES);
	wireguard_params_release(&wireguard->extra);
	hostname_destroy(wireguard->hostname);
	free(wireguard->endpoint);
	free(wireguard);
}

/* --- the name of its endpoint ------------------------------------------------------------- */

static void answered(void *owner, const struct hostname_answer *answer)
{
	struct monitor_wireguard *wireguard = owner;
	const char *label = wireguard->sink.peer->label;

	if (answer->problem != NULL)
		log_write(answer->is_news ? LOG_WARN : LOG_DEBUG,
		          "%s: WireGuard's endpoint \"%s\": %s; trying again", label, wireguard->endpoint,
		          answer->problem);
	else if (answer->is_news)
		log_info("%s: WireGuard's endpoint \"%s\" resolves now", label, wireguard->endpoint);
	if (answer->problem == NULL)
		device_reconcile_soon(wireguard->device_peer.device);
}

/* Keeps the endpoint resolved if it is a name of its own. -ENOMEM: it is not. */
static int set_name(struct monitor_wireguard *wireguard)
{
	const struct hostname_options options = {
		.first_ns = RESOLVE_FIRST_NS,
		.most_ns = RESOLVE_MOST_NS,
		.again_ns = RESOLVE_AGAIN_NS,
		.answered = answered,
		.owner = wireguard,
	};
	const char *text = needs_name(wireguard->owner, wireguard) ? wireguard->endpoint : NULL;

	if (text != NULL && wireguard->hostname != NULL &&
	    strcmp(hostname_text(wireguard->hostname), text) == 0)
		return 0;
	hostname_destroy(wireguard->hostname);
	wireguard->hostname = NULL;
	return text == NULL
	               ? 0
	               : hostname_create(&wireguard->hostname, wireguard->monitor->resolvers, text, &options);
}

void monitor_wireguard_network_changed(const struct peer *peer)
{
	struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);

	if (wireguard != NULL)
		hostname_refresh(wireguard->hostname);
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
	wireguard->monitor = env->monitor;
	wireguard->device_peer.ops = &device_peer_ops;
	wireguard->owner = peer->owner;
	(void)snprintf(wireguard->device, sizeof wireguard->device, "%s", config->device);
	wireguard->key = secret_memory_allocate(NULL, WIREGUARD_KEY_BYTES);
	if (wireguard->key == NULL || entropy_fill(NULL, wireguard->key, WIREGUARD_KEY_BYTES) != 0 ||
	    base64_decode_key(wireguard->device_peer.public_key, config->wireguard_peer,
	                      strlen(config->wireguard_peer)) != 0 ||
	    read_extra(wireguard, config) != 0 || set_name(wireguard) != 0 ||
	    device_attach(env->devices, wireguard->device, &wireguard->device_peer) != 0) {
		destroy(&wireguard->sink);
		return -ENOMEM;
	}
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
	/* monitor_tunnel.c says why the initiator's first key is not set before everything else. */
	bool is_urgent =
		wireguard->is_exchanged || !key->is_exchanged || key->origin.role == ROSENPASS_RESPONDER;

	take_key(wireguard, key->bytes, key->is_exchanged);
	if (!is_urgent)
		device_reconcile_soon(wireguard->device_peer.device);
	else if (device_new_key(&wireguard->device_peer))
		sink->attempts++;
}

static bool same_target(const struct sink *sink, const struct config_peer *config)
{
	const struct monitor_wireguard *wireguard = (const struct monitor_wireguard *)sink;
	uint8_t peer[WIREGUARD_KEY_BYTES];

	return strcmp(wireguard->device, config->device) == 0 &&
	       base64_decode_key(peer, config->wireguard_peer, strlen(config->wireguard_peer)) == 0 &&
	       memcmp(peer, wireguard->device_peer.public_key, sizeof peer) == 0;
}

static void reconfigure(struct sink *sink, const struct config_peer *config)
{
	struct monitor_wireguard *wireguard = (struct monitor_wireguard *)sink;

	if (read_extra(wireguard, config) != 0)
		log_error("%s: no memory for its extra_params, which stay as they were", sink->peer->label);
	if (set_name(wireguard) != 0)
		log_error("%s: no memory to resolve WireGuard's endpoint", sink->peer->label);
	device_reconcile_soon(wireguard->device_peer.device);
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
		device_retire_key(wireguard->monitor->deliveries.devices, sink->peer->label,
		                  wireguard->device, wireguard->device_peer.public_key);
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
