#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"

#define FIRST_NS (5 * CLOCK_SECOND_NS)
#define MOST_NS (300 * CLOCK_SECOND_NS)
/* A name that has resolved is resolved again after this time while its peer does not answer. */
#define AGAIN_NS (600 * CLOCK_SECOND_NS)

/* --- resolver processes --------------------------------------------------------------- */

static int start_process(void *owner, struct resolver_job *job, const char *text)
{
	struct monitor *monitor = owner;
	const char *lacks = resolver_lacks();

	/* Once. Another user than the daemon's cannot read the daemon's files anyway. */
	if (lacks != NULL && !monitor->reported_lacks)
		log_write(monitor->user.change ? LOG_DEBUG : LOG_WARN, "%s", lacks);
	monitor->reported_lacks = true;
	return resolver_start(job, text, &monitor->user);
}

static void process_ended(void *owner)
{
	monitor_control_drain(owner);
}

int monitor_names_open(struct monitor *monitor)
{
	const struct resolver_pool_owner owner = { .start = start_process,
		                                   .ended = process_ended,
		                                   .owner = monitor };

	return resolver_pool_create(&monitor->resolvers, monitor->loop, &owner);
}

/* --- answers -------------------------------------------------------------------------- */

static bool has_address(const struct channel_addresses *addresses, const union address_socket *address)
{
	for (uint32_t i = 0; i < addresses->count; i++) {
		if (address_equal(&addresses->list[i], address))
			return true;
	}
	return false;
}

/* What the engine process is told of them. Returns true if they are the same as before. */
static bool fill_addresses(const struct monitor_peer *peer, const union address_socket *list, size_t count,
                           struct channel_addresses *out)
{
	bool same = count == peer->addresses.count;

	for (size_t i = 0; i < count && i < CHANNEL_ADDRESSES_MAX; i++) {
		out->list[out->count++] = list[i];
		same = same && has_address(&peer->addresses, &list[i]);
	}
	return same;
}

/* WireGuard's endpoint, or the interface, may depend on an address. */
static void look_at_device(const struct monitor_peer *peer)
{
	struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);

	if (wireguard != NULL)
		device_reconcile_soon(wireguard->device_peer.device);
}

static void take_addresses(struct monitor *monitor, struct monitor_peer *peer,
                           const union address_socket *list, size_t count)
{
	struct channel_request request = { .kind = CHANNEL_SET_ADDRESSES,
		                           .slot = peer->slot,
		                           .serial = peer->serial };

	if (fill_addresses(peer, list, count, &request.addresses))
		return;
	log_debug("%s: %s has %zu address%s", peer->label, peer->config.endpoint, count,
	          count == 1 ? "" : "es");
	peer->addresses = request.addresses;
	for (uint32_t i = 0; i < request.addresses.count && monitor->options.reach != NULL; i++) {
		if (monitor->options.reach(monitor->options.context, &request.addresses.list[i]))
			look_at_device(peer);
	}
	monitor_request(monitor, &request, -1);
}

/* whose: "endpoint", or that of WireGuard. Logged once, until it works. */
static void log_answer(const struct monitor_peer *peer, const char *whose, const char *text,
                       const struct hostname_answer *answer)
{
	if (answer->problem != NULL)
		log_write(answer->is_news ? LOG_WARN : LOG_DEBUG, "%s: %s \"%s\": %s; trying again",
		          peer->label, whose, text, answer->problem);
	else if (answer->is_news)
		log_info("%s: %s \"%s\" resolves now", peer->label, whose, text);
}

static void answer_peer(void *owner, const struct hostname_answer *answer)
{
	struct monitor_peer *peer = owner;

	log_answer(peer, "endpoint", peer->config.endpoint, answer);
	/* What it resolved to before a failure is still the best guess. */
	if (answer->problem == NULL)
		take_addresses(peer->monitor, peer, answer->addresses, answer->count);
	monitor_wake(peer->monitor);
}

static void answer_wireguard(void *owner, const struct hostname_answer *answer)
{
	struct monitor_peer *peer = owner;

	log_answer(peer, "WireGuard's endpoint", monitor_wireguard_of(peer)->endpoint, answer);
	if (answer->problem == NULL)
		look_at_device(peer);
	monitor_wake(peer->monitor);
}

/* --- names ---------------------------------------------------------------------------- */

/* A responding peer's endpoint need not be resolved again. */
static bool is_content(const struct monitor_peer *peer)
{
	return peer->reason != NULL && !peer->troubled && hostname_problem(peer->hostname) == NULL;
}

static bool is_needed(void *owner)
{
	return !is_content(owner);
}

/* Makes *hostname that of text; NULL: there is none. Returns 1 if it is another one, 0, or negative errno. */
static int set_name(struct hostname **hostname, struct monitor_peer *peer, const char *text,
                    hostname_fn *answered, bool (*needed)(void *owner))
{
	const struct hostname_options options = { .first_ns = FIRST_NS,
		                                  .most_ns = MOST_NS,
		                                  .again_ns = AGAIN_NS,
		                                  .answered = answered,
		                                  .is_needed = needed,
		                                  .owner = peer };
	int result;

	if (text == NULL ? *hostname == NULL
	                 : *hostname != NULL && strcmp(hostname_text(*hostname), text) == 0)
		return 0;
	hostname_destroy(*hostname);
	*hostname = NULL;
	if (text == NULL)
		return 1;
	result = hostname_create(hostname, peer->monitor->resolvers, text, &options);
	return result == 0 ? 1 : result;
}

int monitor_names_update(struct monitor *monitor, struct monitor_peer *peer)
{
	struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);
	const union address_socket *list;
	size_t count;
	int result;

	peer->monitor = monitor;
	result = set_name(&peer->hostname, peer, peer->config.endpoint, answer_peer, is_needed);
	if (result != 0) {
		memset(&peer->addresses, 0, sizeof peer->addresses);
		/* A literal address is there at once. */
		list = hostname_addresses(peer->hostname, &count);
		(void)fill_addresses(peer, list, count, &peer->addresses);
	}
	if (result >= 0 && wireguard != NULL) {
		const char *text = monitor_wireguard_needs_name(peer, wireguard) ? wireguard->endpoint : NULL;

		result = set_name(&wireguard->hostname, peer, text, answer_wireguard, NULL);
	}
	return result < 0 ? result : 0;
}

void monitor_names_drop(struct monitor_peer *peer)
{
	hostname_destroy(peer->hostname);
	peer->hostname = NULL;
}

void monitor_names_network_changed(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->slots; i++) {
		struct monitor_peer *peer = monitor->peers[i];
		struct monitor_wireguard *wireguard;

		if (peer == NULL || peer->leaving || is_content(peer))
			continue;
		wireguard = monitor_wireguard_of(peer);
		if (wireguard != NULL)
			hostname_refresh(wireguard->hostname);
		hostname_refresh(peer->hostname);
	}
}

void monitor_names_ask_again(struct monitor_peer *peer)
{
	hostname_recheck(peer->hostname);
}
