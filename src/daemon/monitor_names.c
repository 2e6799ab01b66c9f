#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"

#define FIRST_NS (5 * CLOCK_SECOND_NS)
#define MOST_NS (300 * CLOCK_SECOND_NS)
/* A name that has resolved is asked again so often while its peer does not answer: it may have moved. */
#define AGAIN_NS (600 * CLOCK_SECOND_NS)

void monitor_names_start(struct monitor_peer *peer, uint64_t now_ns)
{
	const char *problem;

	memset(&peer->addresses, 0, sizeof peer->addresses);
	peer->resolve_error[0] = '\0';
	peer->resolve_generation++;
	backoff_none(&peer->resolve);
	if (peer->config.endpoint == NULL)
		return;
	if (!address_is_literal(peer->config.endpoint))
		peer->resolve.next_ns = now_ns;
	else if (address_parse(peer->config.endpoint, &peer->addresses.list[0], &problem) == 0)
		peer->addresses.count = 1;
	else
		/* The interface that its scope names may come later. */
		peer->resolve.next_ns = now_ns;
}

static struct monitor_job *free_job(struct monitor *monitor)
{
	for (size_t i = 0; i < MONITOR_RESOLVERS; i++) {
		if (monitor->jobs[i].job.pid == 0)
			return &monitor->jobs[i];
	}
	return NULL;
}

static bool has_address(const struct channel_addresses *addresses, const union address_socket *address)
{
	for (uint32_t i = 0; i < addresses->count; i++) {
		if (address_equal(&addresses->list[i], address))
			return true;
	}
	return false;
}

static void take_addresses(struct monitor *monitor, struct monitor_peer *peer,
                           const union address_socket *list, size_t count)
{
	struct channel_request request = { .kind = CHANNEL_SET_ADDRESSES,
		                           .slot = peer->slot,
		                           .serial = peer->serial };
	bool same = count == peer->addresses.count;

	for (size_t i = 0; i < count && i < CHANNEL_ADDRESSES_MAX; i++) {
		request.addresses.list[request.addresses.count++] = list[i];
		same = same && has_address(&peer->addresses, &list[i]);
	}
	if (same)
		return;
	log_debug("%s: %s has %zu address%s", peer->label, peer->config.endpoint, count,
	          count == 1 ? "" : "es");
	peer->addresses = request.addresses;
	for (uint32_t i = 0; i < request.addresses.count && monitor->options.reach != NULL; i++) {
		if (monitor->options.reach(monitor->options.context, &request.addresses.list[i]))
			monitor_device_look(monitor, peer->config.device);
	}
	monitor_request(monitor, &request, -1);
}

static void take_problem(struct monitor_peer *peer, const char *problem, uint64_t now_ns)
{
	/* Once, until it works. What it resolved to before is still the best guess. */
	log_write(peer->resolve_error[0] == '\0' ? LOG_WARN : LOG_DEBUG,
	          "%s: endpoint \"%s\": %s; trying again", peer->label, peer->config.endpoint, problem);
	(void)snprintf(peer->resolve_error, sizeof peer->resolve_error, "%s", problem);
	backoff_next(&peer->resolve, now_ns, FIRST_NS, MOST_NS);
}

static void answer_peer(struct monitor *monitor, struct monitor_peer *peer, const union address_socket *list,
                        size_t count, const char *problem, uint64_t now_ns)
{
	if (peer->leaving || peer->config.endpoint == NULL)
		return;
	if (problem != NULL) {
		take_problem(peer, problem, now_ns);
		return;
	}
	if (peer->resolve_error[0] != '\0')
		log_info("%s: endpoint \"%s\" resolves now", peer->label, peer->config.endpoint);
	peer->resolve_error[0] = '\0';
	backoff_none(&peer->resolve);
	peer->resolve.next_ns = now_ns + AGAIN_NS;
	take_addresses(monitor, peer, list, count);
}

static void answer_wireguard(struct monitor *monitor, struct monitor_peer *peer,
                             const union address_socket *list, size_t count, const char *problem,
                             uint64_t now_ns)
{
	struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);

	if (peer->leaving || wireguard == NULL || wireguard->endpoint == NULL)
		return;
	if (problem != NULL || count == 0) {
		if (problem == NULL)
			problem = "it has no address";
		log_write(wireguard->resolve_error[0] == '\0' ? LOG_WARN : LOG_DEBUG,
		          "%s: WireGuard's endpoint \"%s\": %s; trying again", peer->label,
		          wireguard->endpoint, problem);
		(void)snprintf(wireguard->resolve_error, sizeof wireguard->resolve_error, "%s", problem);
		backoff_next(&wireguard->resolve, now_ns, FIRST_NS, MOST_NS);
		return;
	}
	if (wireguard->resolve_error[0] != '\0')
		log_info("%s: WireGuard's endpoint \"%s\" resolves now", peer->label, wireguard->endpoint);
	wireguard->resolve_error[0] = '\0';
	backoff_none(&wireguard->resolve);
	wireguard->resolve.next_ns = now_ns + AGAIN_NS;
	wireguard->resolved = list[0];
	monitor_device_look(monitor, peer->config.device);
}

void monitor_names_answer(struct monitor *monitor, struct monitor_job *job, uint64_t now_ns)
{
	union address_socket list[RESOLVER_ADDRESSES_MAX];
	char problem[RESOLVER_PROBLEM_BYTES];
	size_t count = 0;
	bool failed;

	resolver_stop(&job->job);
	monitor_control_drain(monitor);
	failed = resolver_finish(&job->job, list, &count, problem) != 0;
	if (job->kind == MONITOR_JOB_LISTENER) {
		if (job->serial == monitor->listener_generation && job->slot < monitor->listener_count)
			monitor_listen_resolved(monitor, &monitor->listeners[job->slot], list, count,
			                        failed ? problem : NULL, now_ns);
	} else if (job->slot < monitor->slots && monitor->peers[job->slot] != NULL &&
	           monitor->peers[job->slot]->serial == job->serial) {
		struct monitor_peer *peer = monitor->peers[job->slot];

		/* The answer for an endpoint that it had before: the present one is asked for next. */
		peer->resolving = false;
		if (peer->resolve_generation != job->generation)
			return;
		if (job->kind == MONITOR_JOB_WIREGUARD)
			answer_wireguard(monitor, peer, list, count, failed ? problem : NULL, now_ns);
		else
			answer_peer(monitor, peer, list, count, failed ? problem : NULL, now_ns);
	}
}

/* Once. Another user than the daemon's cannot read the daemon's files anyway. */
static void report_lacks(struct monitor *monitor)
{
	const char *lacks = resolver_lacks();

	if (lacks != NULL && !monitor->reported_lacks)
		log_write(monitor->user.change ? LOG_DEBUG : LOG_WARN, "%s", lacks);
	monitor->reported_lacks = true;
}

/* Starts one job. false: no job is free. */
static bool start_job(struct monitor *monitor, const char *text, enum monitor_job_kind kind, uint32_t slot,
                      uint32_t serial, uint64_t now_ns)
{
	struct monitor_job *job = free_job(monitor);
	bool for_listener = kind == MONITOR_JOB_LISTENER;
	int result;

	if (job == NULL)
		return false;
	report_lacks(monitor);
	job->kind = kind;
	job->slot = slot;
	job->serial = serial;
	job->generation = for_listener ? 0 : monitor->peers[slot]->resolve_generation;
	result = resolver_start(&job->job, text, &monitor->user);
	if (result == 0) {
		if (for_listener)
			monitor->listeners[slot].resolving = true;
		else
			monitor->peers[slot]->resolving = true;
		return true;
	}
	switch (kind) {
	case MONITOR_JOB_LISTENER:
		monitor_listen_resolved(monitor, &monitor->listeners[slot], NULL, 0, strerror(-result),
		                        now_ns);
		break;
	case MONITOR_JOB_WIREGUARD:
		answer_wireguard(monitor, monitor->peers[slot], NULL, 0, strerror(-result), now_ns);
		break;
	case MONITOR_JOB_PEER:
		answer_peer(monitor, monitor->peers[slot], NULL, 0, strerror(-result), now_ns);
		break;
	}
	return true;
}

/* A peer that answers has no need of its name. */
static bool is_content(const struct monitor_peer *peer)
{
	return peer->reason != NULL && !peer->troubled && peer->resolve_error[0] == '\0';
}

/* The name of a peer whose turn is next, and when that is. */
static uint64_t next_name(struct monitor_peer *peer, uint64_t now_ns, enum monitor_job_kind *kind,
                          const char **text)
{
	struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);

	if (peer->resolve.next_ns <= now_ns && is_content(peer))
		peer->resolve.next_ns = now_ns + AGAIN_NS;
	*kind = MONITOR_JOB_PEER;
	*text = peer->config.endpoint;
	if (wireguard == NULL || !monitor_wireguard_needs_name(peer, wireguard) ||
	    wireguard->resolve.next_ns >= peer->resolve.next_ns)
		return peer->resolve.next_ns;
	*kind = MONITOR_JOB_WIREGUARD;
	*text = wireguard->endpoint;
	return wireguard->resolve.next_ns;
}

uint64_t monitor_names_serve(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (uint32_t i = 0; i < monitor->listener_count; i++) {
		struct monitor_listener *listener = &monitor->listeners[i];

		if (listener->text == NULL || listener->open || listener->resolving ||
		    address_is_literal(listener->text))
			continue;
		if (listener->retry.next_ns > now_ns)
			next_ns = listener->retry.next_ns < next_ns ? listener->retry.next_ns : next_ns;
		else if (!start_job(monitor, listener->text, MONITOR_JOB_LISTENER, i,
		                    monitor->listener_generation, now_ns))
			return next_ns; /* The end of a job wakes us. */
	}
	for (uint32_t i = 0; i < monitor->slots; i++) {
		struct monitor_peer *peer = monitor->peers[i];
		enum monitor_job_kind kind;
		const char *text;
		uint64_t at_ns;

		if (peer == NULL || peer->leaving || peer->resolving)
			continue;
		at_ns = next_name(peer, now_ns, &kind, &text);
		if (at_ns > now_ns)
			next_ns = at_ns < next_ns ? at_ns : next_ns;
		else if (!start_job(monitor, text, kind, i, peer->serial, now_ns))
			return next_ns;
	}
	return next_ns;
}

static void ask_wireguard_again(struct monitor_peer *peer, uint64_t now_ns)
{
	struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);

	if (wireguard == NULL || wireguard->resolve.next_ns == MONITOR_NEVER)
		return;
	backoff_none(&wireguard->resolve);
	wireguard->resolve.next_ns = now_ns;
}

void monitor_names_network_changed(struct monitor *monitor, uint64_t now_ns)
{
	for (size_t i = 0; i < monitor->slots; i++) {
		struct monitor_peer *peer = monitor->peers[i];

		if (peer == NULL || peer->leaving || is_content(peer))
			continue;
		ask_wireguard_again(peer, now_ns);
		if (peer->resolve.next_ns == MONITOR_NEVER)
			continue;
		backoff_none(&peer->resolve);
		peer->resolve.next_ns = now_ns;
	}
	for (size_t i = 0; i < monitor->listener_count; i++) {
		struct monitor_listener *listener = &monitor->listeners[i];

		if (listener->open)
			continue;
		backoff_none(&listener->retry);
		listener->retry.next_ns = now_ns;
	}
}

void monitor_names_ask_again(struct monitor_peer *peer, uint64_t now_ns)
{
	if (peer->resolve.next_ns != MONITOR_NEVER && peer->resolve_error[0] == '\0')
		peer->resolve.next_ns = now_ns;
}

void monitor_names_cancel_all(struct monitor *monitor)
{
	for (size_t i = 0; i < MONITOR_RESOLVERS; i++)
		resolver_cancel(&monitor->jobs[i].job);
}
