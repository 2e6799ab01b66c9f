#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"

#define FIRST_NS CLOCK_SECOND_NS
#define MOST_NS (30 * CLOCK_SECOND_NS)
#define HURRY_NS (CLOCK_SECOND_NS / 20)
#define HURRY_FOR_NS (3 * CLOCK_SECOND_NS)

static const char *name_of(const struct monitor_listener *listener)
{
	if (listener->text != NULL)
		return listener->text;
	return listener->family == AF_INET6 ? "[::]:0" : "0.0.0.0:0";
}

static bool slot_is_used(const struct monitor *monitor, uint32_t slot)
{
	for (size_t i = 0; i < monitor->listener_count; i++) {
		for (size_t s = 0; s < monitor->listeners[i]->socket_count; s++) {
			if (monitor->listeners[i]->sockets[s].slot == slot)
				return true;
		}
	}
	return false;
}

/* Whether one of our sockets has just that address: [::]:P may have taken 0.0.0.0:P along. */
static bool is_ours(const struct monitor *monitor, const union address_socket *address)
{
	for (size_t i = 0; i < monitor->listener_count; i++) {
		for (size_t s = 0; s < monitor->listeners[i]->socket_count; s++) {
			union address_socket bound = { 0 };
			socklen_t length = sizeof bound;

			if (getsockname(monitor->listeners[i]->sockets[s].fd, &bound.any, &length) == 0 &&
			    address_equal(&bound, address))
				return true;
		}
	}
	return false;
}

static void announce(struct monitor *monitor, uint32_t slot, int fd)
{
	union address_socket bound = { 0 };
	socklen_t length = sizeof bound;
	struct channel_request request = { .kind = CHANNEL_ADD_SOCKET, .slot = slot };

	if (!monitor->is_ready || getsockname(fd, &bound.any, &length) != 0)
		return;
	request.family = bound.any.sa_family;
	monitor_request(monitor, &request, fd);
}

static int open_one(struct monitor *monitor, struct monitor_listener *listener,
                    const union address_socket *address)
{
	uint32_t slot = 0;
	int fd;
	int result;

	if (is_ours(monitor, address))
		return 0;
	while (slot < SOCKETS_MAX && slot_is_used(monitor, slot))
		slot++;
	if (slot == SOCKETS_MAX || listener->socket_count == RESOLVER_ADDRESSES_MAX + 1)
		return -EMFILE;
	result = sockets_open(address, &fd);
	if (result != 0)
		return result;
	monitor_mark_socket(monitor, fd);
	listener->sockets[listener->socket_count].fd = fd;
	listener->sockets[listener->socket_count++].slot = slot;
	announce(monitor, slot, fd);
	return 0;
}

static void close_sockets(struct monitor *monitor, struct monitor_listener *listener)
{
	for (size_t i = 0; i < listener->socket_count; i++) {
		struct channel_request request = { .kind = CHANNEL_DROP_SOCKET,
			                           .slot = listener->sockets[i].slot };

		if (monitor->is_ready)
			monitor_request(monitor, &request, -1);
		(void)close(listener->sockets[i].fd);
	}
	listener->socket_count = 0;
	listener->open = false;
}

static bool is_wildcard(const union address_socket *address)
{
	return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

/* Returns true if IPv6 is not in the kernel or switched off, which is no reason to do without IPv4. */
static bool lacks_ipv6(const union address_socket *address, int result)
{
	return address->any.sa_family == AF_INET6 &&
	       (result == -EAFNOSUPPORT || (result == -EADDRNOTAVAIL && is_wildcard(address)));
}

static void warn_without_ipv6(const struct monitor_listener *listener)
{
	log_warn("listen \"%s\": this system has no IPv6; going on with IPv4 alone", name_of(listener));
}

/*
 * Opens the IPv4 sibling of [::], as one socket for both families would be. v6_result is what became of [::]
 * itself: 0, or without IPv6 the sibling has to do.
 */
static int open_sibling(struct monitor *monitor, struct monitor_listener *listener,
                        const union address_socket *address, int v6_result)
{
	union address_socket v4 = { .v4 = { .sin_family = AF_INET, .sin_port = address->v6.sin6_port } };
	int result = open_one(monitor, listener, &v4);

	if (v6_result != 0) {
		if (result == 0 && listener->error[0] == '\0')
			warn_without_ipv6(listener);
		return result;
	}
	if (result != 0 && listener->error[0] == '\0')
		log_warn("listen \"%s\": only IPv6, as 0.0.0.0:%u cannot be had: %s", name_of(listener),
		         ntohs(v4.v4.sin_port), strerror(-result));
	return 0;
}

/*
 * Opens all addresses or none: what half a name would be good for is hard to say. Where the kernel has no
 * IPv6, its addresses are left out, unless there is nothing else.
 */
static int open_all(struct monitor *monitor, struct monitor_listener *listener,
                    const union address_socket *addresses, size_t count)
{
	int left_out = 0;
	size_t works = 0;

	for (size_t i = 0; i < count; i++) {
		const union address_socket *address = &addresses[i];
		int result = open_one(monitor, listener, address);
		bool without_ipv6 = lacks_ipv6(address, result);

		/* The two families that are tried without listen are listeners of their own. */
		if (listener->text != NULL && is_wildcard(address) &&
		    (without_ipv6 || (result == 0 && address->v6.sin6_port != 0))) {
			result = open_sibling(monitor, listener, address, result);
		} else if (without_ipv6) {
			left_out = result;
			continue;
		}
		if (result != 0) {
			close_sockets(monitor, listener);
			return result;
		}
		works++;
	}
	if (works == 0)
		return left_out;
	if (left_out != 0 && listener->error[0] == '\0')
		warn_without_ipv6(listener);
	return 0;
}

static void opened(struct monitor_listener *listener)
{
	if (listener->error[0] != '\0')
		log_info("listen \"%s\": works now", name_of(listener));
	listener->error[0] = '\0';
	listener->open = true;
	backoff_none(&listener->retry);
}

/* Logs the problem once, until it works. */
static void take_problem(struct monitor_listener *listener, const char *problem)
{
	log_write(listener->error[0] == '\0' ? LOG_WARN : LOG_DEBUG, "listen \"%s\": %s; trying again",
	          name_of(listener), problem);
	(void)snprintf(listener->error, sizeof listener->error, "%s", problem);
}

static void failed(struct monitor_listener *listener, const char *problem, uint64_t now_ns)
{
	/* Its place may be held by a socket that the engine process closes in a moment. */
	if (now_ns < listener->hurry_until_ns) {
		listener->retry.next_ns = now_ns + HURRY_NS;
		return;
	}
	/* One of the two families that are tried without `listen`: the network may bring it. */
	if (listener->text == NULL) {
		(void)snprintf(listener->error, sizeof listener->error, "%s", problem);
		backoff_none(&listener->retry);
		return;
	}
	take_problem(listener, problem);
	backoff_next(&listener->retry, now_ns, FIRST_NS, MOST_NS);
}

/* What is wrong, and what can be done about it. */
static const char *explain(int result)
{
	switch (result) {
	case -EACCES:
		return "Permission denied; ports below 1024 need the capability CAP_NET_BIND_SERVICE: start "
		       "as root, add it to AmbientCapabilities in the unit, or take another port";
	case -EAFNOSUPPORT:
		return "this system has no IPv6";
	default:
		return strerror(-result);
	}
}

/* Opens a listener at its address, or at all that its name has. 0, or negative errno and *problem. */
static int try_open(struct monitor *monitor, struct monitor_listener *listener, const char **problem)
{
	union address_socket address = { 0 };
	size_t count;
	const union address_socket *list = hostname_addresses(listener->hostname, &count);
	int result;

	if (count > 0) {
		result = open_all(monitor, listener, list, count);
		*problem = explain(result);
		return result;
	}
	if (listener->text == NULL) {
		address.any.sa_family = (sa_family_t)listener->family;
	} else if (address_parse(listener->text, &address, problem) != 0) {
		return -EADDRNOTAVAIL;
	}
	result = open_all(monitor, listener, &address, 1);
	*problem = explain(result);
	return result;
}

/* What time or another interface may mend. */
static bool may_come(int result)
{
	return result == -EADDRNOTAVAIL || result == -ENODEV || result == -ENETDOWN || result == -ENETUNREACH;
}

static void answered(void *owner, const struct hostname_answer *answer)
{
	struct monitor_listener *listener = owner;
	const char *problem;

	monitor_wake(listener->monitor);
	if (listener->open)
		return;
	/* The name is resolved again by itself. */
	if (answer->problem != NULL)
		take_problem(listener, answer->problem);
	else if (try_open(listener->monitor, listener, &problem) == 0)
		opened(listener);
	else
		failed(listener, problem, clock_now_ns());
}

static bool is_needed(void *owner)
{
	const struct monitor_listener *listener = owner;

	return !listener->open;
}

static void release_listener(struct monitor *monitor, struct monitor_listener *listener)
{
	if (listener == NULL)
		return;
	close_sockets(monitor, listener);
	hostname_destroy(listener->hostname);
	free(listener->text);
	free(listener);
}

static void release_list(struct monitor *monitor, struct monitor_listener **listeners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		release_listener(monitor, listeners[i]);
	free(listeners);
}

/* NULL: no memory. */
static struct monitor_listener *make_listener(struct monitor *monitor, const char *text, int family,
                                              uint64_t now_ns)
{
	struct monitor_listener *listener = calloc(1, sizeof *listener);
	const struct hostname_options options = { .first_ns = FIRST_NS,
		                                  .most_ns = MOST_NS,
		                                  .again_ns = MOST_NS,
		                                  .answered = answered,
		                                  .is_needed = is_needed,
		                                  .owner = listener };

	if (listener == NULL)
		return NULL;
	listener->monitor = monitor;
	listener->family = family;
	backoff_none(&listener->retry);
	if (text != NULL) {
		listener->text = strdup(text);
		if (listener->text == NULL ||
		    (!address_is_literal(text) &&
		     hostname_create(&listener->hostname, monitor->resolvers, text, &options) != 0)) {
			release_listener(monitor, listener);
			return NULL;
		}
	}
	/* A name is opened when it has resolved. */
	if (listener->hostname == NULL)
		listener->retry.next_ns = now_ns;
	return listener;
}

/* The listeners that words ask for; with none of them, one of each family. NULL: no memory. */
static struct monitor_listener **make_listeners(struct monitor *monitor, const struct config_words *words,
                                                size_t *count, uint64_t now_ns)
{
	struct monitor_listener **listeners;

	*count = words->count == 0 ? 2 : words->count;
	listeners = calloc(*count, sizeof(*listeners));
	for (size_t i = 0; listeners != NULL && i < *count; i++) {
		const char *text = words->count == 0 ? NULL : words->words[i];
		int family = words->count > 0 ? AF_UNSPEC : i == 0 ? AF_INET6 : AF_INET;

		listeners[i] = make_listener(monitor, text, family, now_ns);
		if (listeners[i] == NULL) {
			release_list(monitor, listeners, *count);
			return NULL;
		}
	}
	return listeners;
}

/* Without `listen`, one family is enough. */
static int start_anywhere(struct monitor *monitor)
{
	const char *problem[2] = { NULL, NULL };
	int works = 0;

	for (int i = 0; i < 2; i++) {
		struct monitor_listener *listener = monitor->listeners[i];

		if (try_open(monitor, listener, &problem[i]) == 0) {
			opened(listener);
			works++;
			continue;
		}
		(void)snprintf(listener->error, sizeof listener->error, "%s", problem[i]);
		backoff_none(&listener->retry);
	}
	if (works == 0) {
		log_error("cannot open a UDP socket: %s", problem[1]);
		return -1;
	}
	for (int i = 0; i < 2; i++) {
		if (!monitor->listeners[i]->open)
			log_warn("no IPv%d socket (%s); going on with IPv%d alone", i == 0 ? 6 : 4,
			         monitor->listeners[i]->error, i == 0 ? 4 : 6);
	}
	return 0;
}

int monitor_listen_start(struct monitor *monitor, uint64_t now_ns)
{
	size_t without_ipv6 = 0;

	monitor->listeners =
		make_listeners(monitor, &monitor->config.listen, &monitor->listener_count, now_ns);
	if (monitor->listeners == NULL) {
		log_error("out of memory");
		return -1;
	}
	if (monitor->config.listen.count == 0)
		return start_anywhere(monitor);
	for (size_t i = 0; i < monitor->listener_count; i++) {
		struct monitor_listener *listener = monitor->listeners[i];
		const char *problem;
		int result;

		/* Names are resolved in time. */
		if (listener->hostname != NULL)
			continue;
		result = try_open(monitor, listener, &problem);
		if (result == 0) {
			opened(listener);
		} else if (result == -EAFNOSUPPORT) {
			/* The next try, which is due at once, logs it, unless this is the end. */
			without_ipv6++;
		} else if (may_come(result)) {
			failed(listener, problem, now_ns);
		} else {
			log_error("listen \"%s\": %s", name_of(listener), problem);
			return -1;
		}
	}
	if (without_ipv6 == monitor->listener_count) {
		log_error("this system has no IPv6, and listen has no address of IPv4; add one, such as "
		          "0.0.0.0:9999");
		return -1;
	}
	return 0;
}

void monitor_listen_network_changed(struct monitor *monitor, uint64_t now_ns)
{
	for (size_t i = 0; i < monitor->listener_count; i++) {
		struct monitor_listener *listener = monitor->listeners[i];

		if (listener->open)
			continue;
		hostname_refresh(listener->hostname);
		backoff_none(&listener->retry);
		if (listener->hostname == NULL)
			listener->retry.next_ns = now_ns;
	}
}

uint64_t monitor_listen_serve(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (size_t i = 0; i < monitor->listener_count; i++) {
		struct monitor_listener *listener = monitor->listeners[i];
		const char *problem;

		if (listener->open)
			continue;
		if (listener->retry.next_ns <= now_ns) {
			if (try_open(monitor, listener, &problem) == 0)
				opened(listener);
			else
				failed(listener, problem, now_ns);
		}
		if (listener->retry.next_ns < next_ns)
			next_ns = listener->retry.next_ns;
	}
	return next_ns;
}

static bool wants_same(const struct monitor_listener *a, const struct monitor_listener *b)
{
	if (a->text == NULL || b->text == NULL)
		return a->text == b->text && a->family == b->family;
	return strcmp(a->text, b->text) == 0;
}

void monitor_listen_change(struct monitor *monitor, struct config_words *words, uint64_t now_ns)
{
	size_t count;
	struct monitor_listener **fresh = make_listeners(monitor, words, &count, now_ns);

	if (fresh == NULL) {
		log_error("listen: out of memory; the sockets stay as they were");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t o = 0; o < monitor->listener_count; o++) {
			struct monitor_listener *old = monitor->listeners[o];

			if (!wants_same(fresh[i], old) || (old->open && old->socket_count == 0))
				continue;
			monitor->listeners[o] = fresh[i];
			fresh[i] = old;
			break;
		}
	}
	/* The old ones go first: a new one may want their place. */
	release_list(monitor, monitor->listeners, monitor->listener_count);
	monitor->listeners = fresh;
	monitor->listener_count = count;
	for (size_t i = 0; i < count; i++)
		monitor->listeners[i]->hurry_until_ns = now_ns + HURRY_FOR_NS;
	(void)monitor_listen_serve(monitor, now_ns);
}

void monitor_listen_announce(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->listener_count; i++) {
		const struct monitor_listener *listener = monitor->listeners[i];

		for (size_t s = 0; s < listener->socket_count; s++)
			announce(monitor, listener->sockets[s].slot, listener->sockets[s].fd);
	}
}

void monitor_listen_close(struct monitor *monitor)
{
	release_list(monitor, monitor->listeners, monitor->listener_count);
	monitor->listeners = NULL;
	monitor->listener_count = 0;
}
