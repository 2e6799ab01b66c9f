#include "delivery/sink_wireguard.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/delivery.h"
#include "delivery/device.h"
#include "delivery/handshake.h"
#include "delivery/tunnel_watch.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/hostname.h"
#include "system/log.h"
#include "system/secret_memory.h"
#include "wireguard/explain.h"

#define RESOLVE_FIRST_NS (5 * CLOCK_SECOND_NS)
#define RESOLVE_MOST_NS (300 * CLOCK_SECOND_NS)
#define RESOLVE_AGAIN_NS (600 * CLOCK_SECOND_NS)

struct wireguard {
	struct sink sink;
	const struct sink_wireguard_env *env;
	struct device_table *devices;
	char device[WIREGUARD_NAME_BYTES];
	struct device_peer device_peer;
	uint8_t *key;      /* secret memory: what the device has to hold, always one */
	bool is_exchanged; /* it comes from an exchange, and is no random one */
	bool is_extra_due; /* the extra parameters are to be set */
	struct wireguard_params extra;
	char *endpoint;            /* of extra; NULL: none */
	struct hostname *hostname; /* of endpoint; NULL: endpoint is no name, or that of the peer */
	bool is_confirmation_due;  /* confirmed() is to be called */
	/* What a change of the configuration needs, while it is prepared. */
	struct {
		struct wireguard_params extra;
		char *endpoint;
		struct hostname *hostname;
		bool keeps_hostname; /* hostname stays, and that of the change is NULL */
	} next;
	struct retired_key *retired; /* the key that is left, while its retirement is prepared */

	/* What the device said last. */
	bool is_there;
	bool is_up;  /* the interface */
	int refused; /* negative errno: why the device does not take the extra parameters */
	union address_socket present_endpoint;
	struct handshake handshake;
	uint64_t received_bytes, sent_bytes;
	struct tunnel tunnel;
	struct tunnel_watch watch;
};

static struct wireguard *wireguard_of(struct sink *sink)
{
	return (struct wireguard *)sink;
}

static bool is_left(const struct wireguard *wireguard)
{
	return !wireguard->is_exchanged &&
	       wireguard->env->events->is_left(wireguard->env->owner, wireguard->sink.peer->owner);
}

/* --- the endpoint ------------------------------------------------------------------------ */

static bool is_beside(const struct wireguard *wireguard)
{
	return tunnel_endpoint_is_beside(wireguard->endpoint, wireguard->sink.peer->config->endpoint);
}

static struct tunnel_place locate(const struct wireguard *wireguard)
{
	struct tunnel_place place = { 0 };

	wireguard->env->events->locate(wireguard->env->owner, wireguard->sink.peer->owner, &place);
	return place;
}

static void set_endpoint(const struct wireguard *wireguard, struct device_target *target)
{
	const struct tunnel_place place = locate(wireguard);
	const union address_socket *list;
	size_t count;
	bool is_known;

	if (wireguard->endpoint == NULL) {
		/* No endpoint is configured: where WireGuard heard the peer in an earlier run. */
		target->endpoint = place.remembered;
		target->is_guess = true;
		return;
	}
	list = hostname_addresses(wireguard->hostname, &count);
	if (is_beside(wireguard) && !address_is_literal(wireguard->endpoint))
		is_known = tunnel_endpoint_beside(&target->endpoint, wireguard->endpoint, &place,
		                                  &wireguard->present_endpoint);
	else
		is_known = tunnel_endpoint_own(&target->endpoint, wireguard->endpoint, list, count);
	if (!is_known)
		memset(&target->endpoint, 0, sizeof target->endpoint);
}

static void answered(void *owner, const struct hostname_answer *answer)
{
	struct wireguard *wireguard = owner;
	const char *label = wireguard->sink.peer->label;

	if (answer->problem != NULL)
		log_write(answer->is_news ? LOG_WARN : LOG_DEBUG,
		          "%s: WireGuard's endpoint \"%s\": %s; trying again", label, wireguard->endpoint,
		          answer->problem);
	else if (answer->is_news)
		log_info("%s: WireGuard's endpoint \"%s\" resolves now", label, wireguard->endpoint);
	if (answer->problem == NULL)
		device_reconcile_peer_soon(&wireguard->device_peer);
}

/* Keeps the next endpoint resolved if it is a name of its own. 0 or -ENOMEM. */
static int prepare_hostname(struct wireguard *wireguard, const struct config_peer *config)
{
	const struct hostname_options options = {
		.first_ns = RESOLVE_FIRST_NS,
		.most_ns = RESOLVE_MOST_NS,
		.again_ns = RESOLVE_AGAIN_NS,
		.answered = answered,
		.owner = wireguard,
	};
	const char *text = wireguard->next.endpoint;

	if (text == NULL || address_is_literal(text) || tunnel_endpoint_is_beside(text, config->endpoint))
		return 0;
	wireguard->next.keeps_hostname =
		wireguard->hostname != NULL && strcmp(hostname_text(wireguard->hostname), text) == 0;
	if (wireguard->next.keeps_hostname)
		return 0;
	return hostname_create(&wireguard->next.hostname, wireguard->env->resolvers, text, &options);
}

void sink_wireguard_reconcile_soon(struct sink *sink)
{
	device_reconcile_peer_soon(&wireguard_of(sink)->device_peer);
}

void sink_wireguard_network_changed(struct sink *sink)
{
	hostname_refresh(wireguard_of(sink)->hostname);
}

/* --- reconciliation with the device ------------------------------------------------------ */

static struct wireguard *of_device_peer(const struct device_peer *peer)
{
	return (struct wireguard *)((uintptr_t)peer - offsetof(struct wireguard, device_peer));
}

static void want(const struct device_peer *peer, uint64_t now_ns, struct device_target *target)
{
	const struct wireguard *wireguard = of_device_peer(peer);

	memset(target, 0, sizeof *target);
	memcpy(target->public_key, peer->public_key, WIREGUARD_KEY_BYTES);
	target->key = wireguard->key;
	target->is_left = is_left(wireguard);
	/* Until then the peer's WireGuard must not be called. */
	target->may_speak = wireguard->is_exchanged && now_ns >= wireguard->watch.speak_ns;
	target->are_parameters_due = wireguard->is_extra_due;
	target->parameters = &wireguard->extra;
	target->is_call_due = wireguard->watch.is_call_due;
	target->handshake_before = wireguard->watch.handshake_before;
	set_endpoint(wireguard, target);
}

static bool note_handshake(struct device_peer *peer, const struct wireguard_peer *present)
{
	struct handshake *handshake = &of_device_peer(peer)->handshake;
	uint64_t boot_seconds = clock_boot_seconds();
	uint64_t age;

	handshake_note(handshake, present->last_handshake_seconds, clock_wall_seconds(), boot_seconds);
	return handshake_age(handshake, boot_seconds, &age) && age <= WIREGUARD_SESSION_SECONDS;
}

static void confirm(struct wireguard *wireguard)
{
	if (!wireguard->is_confirmation_due)
		return;
	wireguard->is_confirmation_due = false;
	wireguard->env->events->confirmed(wireguard->env->owner, wireguard->sink.peer->owner);
}

/* Reading the key back may take long: the peer is told already that it may use the key. */
static void key_set(struct device_peer *peer)
{
	struct wireguard *wireguard = of_device_peer(peer);

	wireguard->sink.attempts++;
	confirm(wireguard);
}

static void changed(struct device_peer *peer, const struct device_target *target,
                    const struct device_step *step, int device_result, int result)
{
	struct wireguard *wireguard = of_device_peer(peer);

	wireguard->sink.attempts += step->change.preshared_key != NULL;
	if (device_result != 0)
		return;
	if (result == 0 && target->may_speak)
		wireguard->is_extra_due = false;
	if (step->is_to_call)
		tunnel_watch_called(&wireguard->watch);
}

static void note(struct wireguard *wireguard, const struct device_view *view)
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
static void log_refused(struct wireguard *wireguard, int result)
{
	if (result != wireguard->refused && result != 0)
		log_error("%s: WireGuard's %s takes its key, but not its endpoint, persistent-keepalive or "
		          "allowed-ips: %s",
		          wireguard->sink.peer->label, wireguard->device, strerror(-result));
	wireguard->refused = result;
}

/* Explains why the device does not have the key. Returns true if that should be logged. */
static bool explain(const struct wireguard *wireguard, const struct device_view *view,
                    char problem[static SINK_ERROR_BYTES])
{
	const char *peer = wireguard->sink.peer->config->wireguard_peer;

	static_assert(WIREGUARD_EXPLAIN_BYTES <= SINK_ERROR_BYTES, "reasons fit");
	if (view->device_result == -EEXIST)
		(void)snprintf(
			problem, SINK_ERROR_BYTES,
			"another program has made interface %s; stop that program, or start rp again with "
			"--adopt",
			view->device);
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

/* Logs a tunnel without a handshake, and one that has had one after that. */
static void judge_tunnel(struct wireguard *wireguard, bool has_key, uint64_t now_ns)
{
	const char *label = wireguard->sink.peer->label;
	const struct tunnel_sight sight = {
		.has_key = has_key && wireguard->is_exchanged,
		.is_up = wireguard->is_up,
		/* Another one for each handshake, and 0 for none. */
		.last_handshake_seconds =
			wireguard->handshake.told_seconds == 0 ? 0 : 1 + wireguard->handshake.at_seconds,
		.received_bytes = wireguard->received_bytes,
		.sent_bytes = wireguard->sent_bytes,
	};
	char words[TUNNEL_EXPLAIN_BYTES];

	switch (tunnel_look(&wireguard->tunnel, &sight, now_ns)) {
	case TUNNEL_NEWS_SILENT:
		tunnel_explain(words, wireguard->tunnel.state, wireguard->device,
		               &wireguard->present_endpoint);
		log_info("%s: %s", label, words);
		break;
	case TUNNEL_NEWS_UP:
		log_info("%s: WireGuard's %s has had a handshake", label, wireguard->device);
		break;
	case TUNNEL_NO_NEWS:
		break;
	}
}

/* The device holds the key. */
static void watch_tunnel(struct wireguard *wireguard, const struct device_view *view, uint64_t *again_ns)
{
	const struct sink_wireguard_env *env = wireguard->env;
	const struct tunnel_watch_look look = {
		.now_ns = view->now_ns,
		.is_exchanged = wireguard->is_exchanged,
		.has_many = view->peer_count > DEVICE_MANY_PEERS,
		.should_call = device_plan_should_call(view->target, view->present),
		.last_handshake_seconds = view->present->last_handshake_seconds,
		.received_bytes = view->present->received_bytes,
		.sent_bytes = view->present->sent_bytes,
	};
	struct tunnel_watch_result result = tunnel_watch_look(&wireguard->watch, &look);

	if (result.again_ns < *again_ns)
		*again_ns = result.again_ns;
	if (result.asks) {
		log_debug("%s: WireGuard's %s sends and hears nothing; asking for a new key",
		          wireguard->sink.peer->label, wireguard->device);
		env->events->silent(env->owner, wireguard->sink.peer->owner);
	}
	/* Only an endpoint from which WireGuard has heard the peer is worth remembering. */
	if (wireguard->handshake.told_seconds != 0)
		env->events->heard(env->owner, wireguard->sink.peer->owner, &wireguard->present_endpoint);
}

static bool reconciled(struct device_peer *peer, const struct device_view *view, uint64_t *again_ns)
{
	struct wireguard *wireguard = of_device_peer(peer);
	bool has_key = view->device_result == 0 && view->has_key;
	char problem[SINK_ERROR_BYTES];
	bool is_news;

	note(wireguard, view);
	judge_tunnel(wireguard, has_key, view->now_ns);
	confirm(wireguard);
	if (view->target->is_left && view->present != NULL)
		return true;
	if (has_key)
		watch_tunnel(wireguard, view, again_ns);
	/* An interface of another program does not count, even if it has our key. */
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
	.key_set = key_set,
	.changed = changed,
	.reconciled = reconciled,
};

/* --- the sink ---------------------------------------------------------------------------- */

static bool is_wanted(const struct config_peer *config)
{
	return config->device != NULL;
}

static void cancel(struct sink *sink)
{
	struct wireguard *wireguard = wireguard_of(sink);

	wireguard_params_release(&wireguard->next.extra);
	free(wireguard->next.endpoint);
	hostname_destroy(wireguard->next.hostname);
	memset(&wireguard->next, 0, sizeof wireguard->next);
	device_cancel_retired(wireguard->retired);
	wireguard->retired = NULL;
}

static int prepare(struct sink *sink, const struct config_peer *config)
{
	struct wireguard *wireguard = wireguard_of(sink);

	cancel(sink);
	if (wireguard_params_copy(&wireguard->next.extra, &config->extra_params) != 0) {
		memset(&wireguard->next, 0, sizeof wireguard->next);
		return -ENOMEM;
	}
	wireguard->next.endpoint = wireguard->next.extra.endpoint;
	wireguard->next.extra.endpoint = NULL;
	return prepare_hostname(wireguard, config);
}

/* What was prepared counts from now on. */
static void use_next(struct wireguard *wireguard)
{
	wireguard_params_release(&wireguard->extra);
	wireguard->extra = wireguard->next.extra;
	free(wireguard->endpoint);
	wireguard->endpoint = wireguard->next.endpoint;
	if (!wireguard->next.keeps_hostname) {
		hostname_destroy(wireguard->hostname);
		wireguard->hostname = wireguard->next.hostname;
	}
	memset(&wireguard->next, 0, sizeof wireguard->next);
	wireguard->is_extra_due = true;
	wireguard->refused = 0;
}

static void destroy(struct sink *sink)
{
	struct wireguard *wireguard = wireguard_of(sink);

	device_detach(&wireguard->device_peer);
	cancel(sink);
	sink_release(sink);
	secret_memory_release(NULL, wireguard->key, WIREGUARD_KEY_BYTES);
	wireguard_params_release(&wireguard->extra);
	hostname_destroy(wireguard->hostname);
	free(wireguard->endpoint);
	free(wireguard);
}

/* 0 or -ENOMEM. */
static int open_parts(struct wireguard *wireguard, const struct config_peer *config)
{
	wireguard->key = secret_memory_allocate(NULL, WIREGUARD_KEY_BYTES);
	if (wireguard->key == NULL || entropy_fill(NULL, wireguard->key, WIREGUARD_KEY_BYTES) != 0 ||
	    base64_decode_key(wireguard->device_peer.public_key, config->wireguard_peer,
	                      strlen(config->wireguard_peer)) != 0 ||
	    prepare(&wireguard->sink, config) != 0)
		return -ENOMEM;
	use_next(wireguard);
	return device_attach(wireguard->devices, wireguard->device, &wireguard->device_peer);
}

static int create(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	struct wireguard *wireguard = calloc(1, sizeof *wireguard);

	*out = NULL;
	if (wireguard == NULL || sink_init(&wireguard->sink, &sink_wireguard, env->loop, peer) != 0) {
		free(wireguard);
		return -ENOMEM;
	}
	wireguard->env = env->wireguard;
	wireguard->devices = env->devices;
	wireguard->device_peer.ops = &device_peer_ops;
	(void)snprintf(wireguard->device, sizeof wireguard->device, "%s", peer->config->device);
	if (open_parts(wireguard, peer->config) != 0) {
		destroy(&wireguard->sink);
		return -ENOMEM;
	}
	/* A random key is set before the first exchange, unless the present one is to be left. */
	if (!is_left(wireguard))
		sink_pending(&wireguard->sink);
	*out = &wireguard->sink;
	return 0;
}

static void take_key(struct wireguard *wireguard, const uint8_t *key, bool is_exchanged)
{
	memcpy(wireguard->key, key, WIREGUARD_KEY_BYTES);
	wireguard->is_exchanged = is_exchanged;
	wireguard->is_extra_due = true;
}

static void deliver(struct sink *sink, const struct delivery_key *key)
{
	struct wireguard *wireguard = wireguard_of(sink);
	uint64_t now_ns = loop_now_ns(sink->loop);
	bool is_responder = key->origin.role == ROSENPASS_RESPONDER;
	bool is_first = key->is_exchanged && !wireguard->is_exchanged;
	uint64_t at_ns = now_ns;

	take_key(wireguard, key->bytes, key->is_exchanged);
	if (key->is_exchanged)
		wireguard->is_confirmation_due = is_responder;
	if (is_first)
		at_ns = tunnel_watch_first_key(&wireguard->watch, is_responder,
		                               wireguard->handshake.told_seconds, now_ns);
	device_new_key(&wireguard->device_peer, at_ns, is_first || !key->is_exchanged);
}

static bool same_target(const struct sink *sink, const struct config_peer *config)
{
	const struct wireguard *wireguard = (const struct wireguard *)sink;
	uint8_t peer[WIREGUARD_KEY_BYTES];

	return strcmp(wireguard->device, config->device) == 0 &&
	       base64_decode_key(peer, config->wireguard_peer, strlen(config->wireguard_peer)) == 0 &&
	       memcmp(peer, wireguard->device_peer.public_key, sizeof peer) == 0;
}

static void reconfigure(struct sink *sink, const struct config_peer *config)
{
	struct wireguard *wireguard = wireguard_of(sink);

	(void)config;
	use_next(wireguard);
	device_reconcile_peer_soon(&wireguard->device_peer);
}

/* Another peer or device of WireGuard gets the key that is in use. */
static void inherit(struct sink *sink, const struct sink *from)
{
	const struct wireguard *old = (const struct wireguard *)from;

	take_key(wireguard_of(sink), old->key, old->is_exchanged);
}

static int prepare_retire(struct sink *sink)
{
	struct wireguard *wireguard = wireguard_of(sink);

	cancel(sink);
	return device_prepare_retired(&wireguard->retired, wireguard->device_peer.public_key);
}

static void retire(struct sink *sink, const uint8_t *key, enum sink_cause cause)
{
	struct wireguard *wireguard = wireguard_of(sink);

	(void)key;
	if (cause == SINK_REMOVED || !is_left(wireguard)) {
		device_retire_key(wireguard->device_peer.device, wireguard->retired, sink->peer->label);
		wireguard->retired = NULL;
	}
	destroy(sink);
}

static void describe(const struct sink *sink, struct sink_status *status)
{
	const struct wireguard *wireguard = (const struct wireguard *)sink;
	struct sink_status_wireguard *out = &status->wireguard;

	status->is_wireguard = true;
	*out = (struct sink_status_wireguard){
		.device = wireguard->device,
		.peer = sink->peer->config->wireguard_peer,
		.is_left = is_left(wireguard),
		.is_exchanged = wireguard->is_exchanged,
		.is_there = wireguard->is_there,
		.is_up = wireguard->is_up,
		.refused = wireguard->refused,
		.endpoint = wireguard->present_endpoint,
		.endpoint_error = hostname_problem(wireguard->hostname),
		.received_bytes = wireguard->received_bytes,
		.sent_bytes = wireguard->sent_bytes,
		.tunnel = wireguard->tunnel.state,
	};
	out->had_handshake =
		handshake_age(&wireguard->handshake, clock_boot_seconds(), &out->handshake_age_seconds);
}

const struct sink_ops sink_wireguard = {
	.kind = "wireguard",
	.failure_text = "WireGuard does not have its key",
	.success_text = "WireGuard has its key",
	.is_wanted = is_wanted,
	.create = create,
	.deliver = deliver,
	.same_target = same_target,
	.prepare = prepare,
	.prepare_retire = prepare_retire,
	.cancel = cancel,
	.reconfigure = reconfigure,
	.inherit = inherit,
	.retire = retire,
	.describe = describe,
	.destroy = destroy,
};
