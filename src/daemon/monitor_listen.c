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
		for (size_t s = 0; s < monitor->listeners[i].socket_count; s++) {
			if (monitor->listeners[i].sockets[s].slot == slot)
				return true;
		}
	}
	return false;
}

/* Whether one of our sockets has just that address: [::]:P may have taken 0.0.0.0:P along. */
static bool is_ours(const struct monitor *monitor, const union address_socket *address)
{
	for (size_t i = 0; i < monitor->listener_count; i++) {
		for (size_t s = 0; s < monitor->listeners[i].socket_count; s++) {
			union address_socket bound = { 0 };
			socklen_t length = sizeof bound;

			if (getsockname(monitor->listeners[i].sockets[s].fd, &bound.any, &length) == 0 &&
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
	log_write(listener->error[0] == '\0' ? LOG_WARN : LOG_DEBUG, "listen \"%s\": %s; trying again",
	          name_of(listener), problem);
	(void)snprintf(listener->error, sizeof listener->error, "%s", problem);
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

/* A listener that is no name. 0, or negative errno and *problem. */
static int try_literal(struct monitor *monitor, struct monitor_listener *listener, const char **problem)
{
	union address_socket address = { 0 };
	int result;

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

static void init_listener(struct monitor_listener *listener, const char *text, int family, uint64_t now_ns)
{
	*listener = (struct monitor_listener){ .family = family };
	listener->text = text == NULL ? NULL : strdup(text);
	backoff_none(&listener->retry);
	listener->retry.next_ns = now_ns;
}

/* The listeners that words ask for; with none of them, one of each family. NULL: no memory. */
static struct monitor_listener *make_listeners(const struct string_list *words, size_t *count,
                                               uint64_t now_ns)
{
	struct monitor_listener *listeners;

	*count = words->count == 0 ? 2 : words->count;
	listeners = calloc(*count, sizeof *listeners);
	if (listeners == NULL)
		return NULL;
	if (words->count == 0) {
		init_listener(&listeners[0], NULL, AF_INET6, now_ns);
		init_listener(&listeners[1], NULL, AF_INET, now_ns);
	}
	for (size_t i = 0; i < words->count; i++)
		init_listener(&listeners[i], words->words[i], AF_UNSPEC, now_ns);
	return listeners;
}

/* Without `listen`, one family is enough. */
static int start_anywhere(struct monitor *monitor)
{
	const char *problem[2] = { NULL, NULL };
	int works = 0;

	for (int i = 0; i < 2; i++) {
		struct monitor_listener *listener = &monitor->listeners[i];

		if (try_literal(monitor, listener, &problem[i]) == 0) {
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
		if (!monitor->listeners[i].open)
			log_warn("no IPv%d socket (%s); going on with IPv%d alone", i == 0 ? 6 : 4,
			         monitor->listeners[i].error, i == 0 ? 4 : 6);
	}
	return 0;
}

int monitor_listen_start(struct monitor *monitor, uint64_t now_ns)
{
	size_t without_ipv6 = 0;

	monitor->listeners = make_listeners(&monitor->config.listen, &monitor->listener_count, now_ns);
	if (monitor->listeners == NULL) {
		log_error("out of memory");
		return -1;
	}
	if (monitor->config.listen.count == 0)
		return start_anywhere(monitor);
	for (size_t i = 0; i < monitor->listener_count; i++) {
		struct monitor_listener *listener = &monitor->listeners[i];
		const char *problem = "out of memory";
		int result;

		/* Names are resolved in time. */
		if (listener->text != NULL && !address_is_literal(listener->text))
			continue;
		result = listener->text == NULL ? -ENOMEM : try_literal(monitor, listener, &problem);
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

void monitor_listen_resolved(struct monitor *monitor, struct monitor_listener *listener,
                             const union address_socket *addresses, size_t count, const char *problem,
                             uint64_t now_ns)
{
	int result;

	listener->resolving = false;
	if (problem != NULL) {
		failed(listener, problem, now_ns);
		return;
	}
	result = open_all(monitor, listener, addresses, count);
	if (result == 0)
		opened(listener);
	else
		failed(listener, explain(result), now_ns);
}

uint64_t monitor_listen_serve(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (size_t i = 0; i < monitor->listener_count; i++) {
		struct monitor_listener *listener = &monitor->listeners[i];
		const char *problem = "out of memory";

		/* Names have a time of their own. */
		if (listener->open || (listener->text != NULL && !address_is_literal(listener->text)))
			continue;
		if (listener->retry.next_ns <= now_ns) {
			if (try_literal(monitor, listener, &problem) == 0)
				opened(listener);
			else
				failed(listener, problem, now_ns);
		}
		if (listener->retry.next_ns < next_ns)
			next_ns = listener->retry.next_ns;
	}
	return next_ns;
}

static void release_listener(struct monitor *monitor, struct monitor_listener *listener)
{
	close_sockets(monitor, listener);
	free(listener->text);
}

static bool wants_same(const struct monitor_listener *a, const struct monitor_listener *b)
{
	if (a->text == NULL || b->text == NULL)
		return a->text == b->text && a->family == b->family;
	return strcmp(a->text, b->text) == 0;
}

void monitor_listen_change(struct monitor *monitor, struct string_list *words, uint64_t now_ns)
{
	size_t count;
	struct monitor_listener *fresh = make_listeners(words, &count, now_ns);

	if (fresh == NULL) {
		log_error("listen: out of memory; the sockets stay as they were");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t o = 0; o < monitor->listener_count; o++) {
			struct monitor_listener *old = &monitor->listeners[o];
			struct monitor_listener moved = *old;

			if (!wants_same(&fresh[i], old) || (old->open && old->socket_count == 0))
				continue;
			/* A name that is being asked for is asked for again: its answer would not find us. */
			moved.resolving = false;
			*old = fresh[i];
			fresh[i] = moved;
			break;
		}
	}
	/* The old ones go first: a new one may want their place. */
	for (size_t o = 0; o < monitor->listener_count; o++)
		release_listener(monitor, &monitor->listeners[o]);
	free(monitor->listeners);
	monitor->listeners = fresh;
	monitor->listener_count = count;
	monitor->listener_generation++;
	for (size_t i = 0; i < count; i++)
		monitor->listeners[i].hurry_until_ns = now_ns + HURRY_FOR_NS;
	(void)monitor_listen_serve(monitor, now_ns);
}

void monitor_listen_announce(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->listener_count; i++) {
		for (size_t s = 0; s < monitor->listeners[i].socket_count; s++)
			announce(monitor, monitor->listeners[i].sockets[s].slot,
			         monitor->listeners[i].sockets[s].fd);
	}
}

void monitor_listen_close(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->listener_count; i++)
		release_listener(monitor, &monitor->listeners[i]);
	free(monitor->listeners);
	monitor->listeners = NULL;
	monitor->listener_count = 0;
}
