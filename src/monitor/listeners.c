#include "monitor/listeners.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "system/clock.h"
#include "system/hostname.h"
#include "system/log.h"
#include "system/sockets.h"

/* Waits between tries to open a listener, or to resolve its name. */
#define FIRST_NS CLOCK_SECOND_NS
#define MOST_NS (30 * CLOCK_SECOND_NS)
/* After a change an address may still be held by a socket that the engine process closes in a moment. */
#define HURRY_NS (CLOCK_SECOND_NS / 20)
#define HURRY_FOR_NS (3 * CLOCK_SECOND_NS)
/* A name's addresses, and the IPv4 sibling of [::]. */
#define SOCKETS_EACH (RESOLVER_ADDRESSES_MAX + 1)
#define NO_SLOT UINT32_MAX
#define ERROR_BYTES 256

struct listener {
	struct listeners *listeners;
	char *text; /* NULL: a free port of that family */
	int family;
	struct hostname *hostname; /* NULL: text is no name */
	struct loop_timer timer;   /* when it is tried next */
	struct backoff retry;
	uint64_t hurry_until_ns;
	struct listeners_socket sockets[SOCKETS_EACH];
	size_t socket_count;
	bool is_open;
	bool lacks_ipv6;            /* of its addresses, those of IPv6 were left out */
	int sibling_problem;        /* negative errno: why [::] has no IPv4 sibling */
	bool waits_for_sibling;     /* whose address becomes free in a moment */
	bool is_live;               /* no change is needed any more before it is in use */
	int staged_result;          /* what became of it when it was staged: 0 or negative errno */
	const char *staged_problem; /* and why */
	bool is_kept;               /* while a change is staged: it belongs to both lists */
	char error[ERROR_BYTES];    /* empty: none */
};

struct list {
	struct listener **all;
	size_t count;
};

struct listeners {
	struct loop *loop;
	struct resolver_pool *pool;
	struct listeners_owner owner;
	struct list list;
};

struct listeners_change {
	struct list list;
};

/* --- one listener's sockets --------------------------------------------------------------- */

static const char *name_of(const struct listener *listener)
{
	if (listener->text != NULL)
		return listener->text;
	return listener->family == AF_INET6 ? "[::]:0" : "0.0.0.0:0";
}

static bool get_bound(int fd, union address_socket *bound)
{
	socklen_t length = sizeof *bound;

	memset(bound, 0, sizeof *bound);
	return getsockname(fd, &bound->any, &length) == 0;
}

/* Returns true if a socket of the list has just that address: [::]:P may have taken 0.0.0.0:P along. */
static bool has_address(const struct list *list, const union address_socket *address)
{
	union address_socket bound;

	for (size_t i = 0; i < list->count; i++) {
		for (size_t s = 0; list->all[i] != NULL && s < list->all[i]->socket_count; s++) {
			if (get_bound(list->all[i]->sockets[s].fd, &bound) && address_equal(&bound, address))
				return true;
		}
	}
	return false;
}

static size_t count_sockets(const struct list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->all[i] == NULL ? 0 : list->all[i]->socket_count;
	return count;
}

static void close_sockets(struct listener *listener)
{
	for (size_t s = 0; s < listener->socket_count; s++)
		(void)close(listener->sockets[s].fd);
	listener->socket_count = 0;
	listener->is_open = false;
}

/* list: what the listener is one of. */
static int open_one(const struct list *list, struct listener *listener, const union address_socket *address)
{
	int fd;
	int result;

	if (has_address(list, address))
		return 0;
	if (listener->socket_count == SOCKETS_EACH || count_sockets(list) == SOCKETS_MAX)
		return -EMFILE;
	result = sockets_open(address, &fd);
	if (result == 0)
		listener->sockets[listener->socket_count++] =
			(struct listeners_socket){ .slot = NO_SLOT, .fd = fd };
	return result;
}

static in_port_t port_of(const union address_socket *address)
{
	return address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port;
}

static bool is_any(const union address_socket *address)
{
	return address->any.sa_family == AF_INET ? address->v4.sin_addr.s_addr == htonl(INADDR_ANY)
	                                         : IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

/* Returns true if no two sockets can have these addresses at the same time. */
static bool collide(const union address_socket *a, const union address_socket *b)
{
	return a->any.sa_family == b->any.sa_family && port_of(a) == port_of(b) &&
	       (is_any(a) || is_any(b) || address_equal(a, b));
}

/*
 * Returns true if an address that is in use may be free in a moment: it belongs to a socket that a staged
 * change will close, or that has just been closed here, but not yet by the engine process.
 */
static bool may_become_free(const struct listener *listener, const union address_socket *address)
{
	const struct listeners *listeners = listener->listeners;
	union address_socket bound;

	if (listener->is_live)
		return loop_now_ns(listeners->loop) < listener->hurry_until_ns;
	for (size_t i = 0; i < listeners->list.count; i++) {
		const struct listener *old = listeners->list.all[i];

		for (size_t s = 0; !old->is_kept && s < old->socket_count; s++) {
			if (get_bound(old->sockets[s].fd, &bound) && collide(&bound, address))
				return true;
		}
	}
	return false;
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

/*
 * Opens the IPv4 sibling of [::], as one socket for both families would be. v6_result is what became of [::]
 * itself: 0, or without IPv6 the sibling has to do.
 */
static int open_sibling(const struct list *list, struct listener *listener,
                        const union address_socket *address, int v6_result)
{
	union address_socket v4 = { .v4 = { .sin_family = AF_INET, .sin_port = address->v6.sin6_port } };
	int result = open_one(list, listener, &v4);

	if (v6_result == 0) {
		listener->waits_for_sibling = result == -EADDRINUSE && may_become_free(listener, &v4);
		listener->sibling_problem = result;
		return listener->waits_for_sibling ? result : 0;
	}
	listener->lacks_ipv6 |= result == 0;
	return result;
}

/*
 * Opens all addresses or none, since a name that is half open helps nobody. Where the kernel has no IPv6, its
 * addresses are left out, unless there are no others.
 */
static int open_all(const struct list *list, struct listener *listener, const union address_socket *addresses,
                    size_t count)
{
	int left_out = 0;
	size_t works = 0;

	listener->lacks_ipv6 = false;
	listener->sibling_problem = 0;
	listener->waits_for_sibling = false;
	for (size_t i = 0; i < count; i++) {
		const union address_socket *address = &addresses[i];
		int result = open_one(list, listener, address);
		bool without_ipv6 = lacks_ipv6(address, result);

		/* The two families that are tried without listen are listeners of their own. */
		if (listener->text != NULL && is_wildcard(address) &&
		    (without_ipv6 || (result == 0 && address->v6.sin6_port != 0))) {
			result = open_sibling(list, listener, address, result);
		} else if (without_ipv6) {
			left_out = result;
			continue;
		}
		if (result != 0) {
			close_sockets(listener);
			return result;
		}
		works++;
	}
	listener->lacks_ipv6 |= works > 0 && left_out != 0;
	return works == 0 ? left_out : 0;
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
static int try_open(const struct list *list, struct listener *listener, const char **problem)
{
	union address_socket address = { 0 };
	size_t count;
	const union address_socket *addresses = hostname_addresses(listener->hostname, &count);
	int result;

	if (listener->hostname == NULL) {
		addresses = &address;
		count = 1;
		if (listener->text == NULL)
			address.any.sa_family = (sa_family_t)listener->family;
		else if (address_parse(listener->text, &address, problem) != 0)
			return -EADDRNOTAVAIL;
	}
	result = open_all(list, listener, addresses, count);
	*problem = explain(result);
	return result;
}

/* --- listeners that are in use ------------------------------------------------------------ */

static bool is_slot_used(const struct listeners *listeners, uint32_t slot)
{
	for (size_t i = 0; i < listeners->list.count; i++) {
		const struct listener *listener = listeners->list.all[i];

		for (size_t s = 0; s < listener->socket_count; s++) {
			if (listener->sockets[s].slot == slot)
				return true;
		}
	}
	return false;
}

/* Gives each socket a slot; count_sockets() has seen to it that there is one. */
static void publish(struct listener *listener)
{
	struct listeners *listeners = listener->listeners;

	for (size_t s = 0; s < listener->socket_count; s++) {
		uint32_t slot = 0;

		if (listener->sockets[s].slot != NO_SLOT)
			continue;
		while (is_slot_used(listeners, slot))
			slot++;
		assert(slot < SOCKETS_MAX);
		listener->sockets[s].slot = slot;
		listeners->owner.opened(listeners->owner.owner, &listener->sockets[s]);
	}
}

static void log_opened(const struct listener *listener)
{
	if (listener->error[0] != '\0') {
		log_info("listen \"%s\": works now", name_of(listener));
		return;
	}
	if (listener->lacks_ipv6)
		log_warn("listen \"%s\": this system has no IPv6; going on with IPv4 alone",
		         name_of(listener));
	if (listener->sibling_problem != 0)
		log_warn("listen \"%s\": only IPv6, as 0.0.0.0%s cannot be had: %s", name_of(listener),
		         strrchr(listener->text, ':'), strerror(-listener->sibling_problem));
}

static void opened(struct listener *listener)
{
	log_opened(listener);
	listener->error[0] = '\0';
	listener->is_open = true;
	backoff_none(&listener->retry);
	loop_timer_set(listener->listeners->loop, &listener->timer, LOOP_NEVER);
	publish(listener);
}

/* Logs the problem once, until it works. */
static void take_problem(struct listener *listener, const char *problem)
{
	log_write(listener->error[0] == '\0' ? LOG_WARN : LOG_DEBUG, "listen \"%s\": %s; trying again",
	          name_of(listener), problem);
	(void)snprintf(listener->error, sizeof listener->error, "%s", problem);
}

static void failed(struct listener *listener, const char *problem)
{
	struct loop *loop = listener->listeners->loop;
	uint64_t now_ns = loop_now_ns(loop);

	backoff_none(&listener->retry);
	if (now_ns < listener->hurry_until_ns) {
		listener->retry.next_ns = now_ns + HURRY_NS;
	} else if (listener->text == NULL) {
		/* One of the two families that are tried without listen: the network may bring it. */
		(void)snprintf(listener->error, sizeof listener->error, "%s", problem);
	} else {
		take_problem(listener, problem);
		backoff_next(&listener->retry, now_ns, FIRST_NS, MOST_NS);
	}
	loop_timer_set(loop, &listener->timer, listener->retry.next_ns);
}

static void try_again(struct listener *listener)
{
	const char *problem;

	if (listener->is_open)
		return;
	if (try_open(&listener->listeners->list, listener, &problem) == 0)
		opened(listener);
	else
		failed(listener, problem);
}

static void expired(void *owner)
{
	try_again(owner);
}

static void answered(void *owner, const struct hostname_answer *answer)
{
	struct listener *listener = owner;

	if (listener->is_open)
		return;
	/* The name is resolved again by itself. */
	if (answer->problem != NULL)
		take_problem(listener, answer->problem);
	else
		try_again(listener);
}

static bool is_needed(void *owner)
{
	const struct listener *listener = owner;

	return !listener->is_open;
}

/* --- making and releasing ----------------------------------------------------------------- */

static void release_listener(struct listener *listener)
{
	if (listener == NULL)
		return;
	close_sockets(listener);
	hostname_destroy(listener->hostname);
	loop_timer_remove(listener->listeners->loop, &listener->timer);
	free(listener->text);
	free(listener);
}

/* NULL: no memory. */
static struct listener *make_listener(struct listeners *listeners, const char *text, int family)
{
	struct listener *listener = calloc(1, sizeof *listener);
	const struct hostname_options options = { .first_ns = FIRST_NS,
		                                  .most_ns = MOST_NS,
		                                  .again_ns = MOST_NS,
		                                  .answered = answered,
		                                  .is_needed = is_needed,
		                                  .owner = listener };

	if (listener == NULL)
		return NULL;
	listener->listeners = listeners;
	listener->family = family;
	listener->timer = (struct loop_timer){ .expired = expired, .owner = listener };
	backoff_none(&listener->retry);
	if (loop_timer_add(listeners->loop, &listener->timer) != 0) {
		free(listener);
		return NULL;
	}
	if (text == NULL)
		return listener;
	listener->text = strdup(text);
	if (listener->text == NULL ||
	    (!address_is_literal(text) &&
	     hostname_create(&listener->hostname, listeners->pool, text, &options) != 0)) {
		release_listener(listener);
		return NULL;
	}
	return listener;
}

int listeners_create(struct listeners **out, struct resolver_pool *pool, const struct listeners_owner *owner)
{
	struct listeners *listeners = calloc(1, sizeof *listeners);

	*out = listeners;
	if (listeners == NULL)
		return -ENOMEM;
	listeners->loop = resolver_pool_loop(pool);
	listeners->pool = pool;
	listeners->owner = *owner;
	return 0;
}

void listeners_destroy(struct listeners *listeners)
{
	if (listeners == NULL)
		return;
	for (size_t i = 0; i < listeners->list.count; i++)
		release_listener(listeners->list.all[i]);
	free(listeners->list.all);
	free(listeners);
}

/* --- changes ------------------------------------------------------------------------------ */

static bool wants_same(const struct listener *listener, const char *text, int family)
{
	if (listener->text == NULL || text == NULL)
		return listener->text == text && listener->family == family;
	return strcmp(listener->text, text) == 0;
}

/* A listener that goes on. One that is open by a socket of another has to be opened anew. */
static struct listener *keep(struct listeners *listeners, const char *text, int family)
{
	for (size_t i = 0; i < listeners->list.count; i++) {
		struct listener *listener = listeners->list.all[i];

		if (listener->is_kept || !wants_same(listener, text, family) ||
		    (listener->is_open && listener->socket_count == 0))
			continue;
		listener->is_kept = true;
		return listener;
	}
	return NULL;
}

/* What time or another interface may mend. */
static bool may_come(int result)
{
	return result == -EADDRNOTAVAIL || result == -ENODEV || result == -ENETDOWN || result == -ENETUNREACH;
}

/* Opens what is staged, unless it is a name or has to wait. 0, or -1 and one line in problem. */
static int open_staged(const struct list *list, struct listener *listener,
                       char problem[static LISTENERS_PROBLEM_BYTES])
{
	union address_socket address;
	const char *reason;
	int result;

	if (listener->hostname != NULL)
		return 0;
	result = try_open(list, listener, &listener->staged_problem);
	listener->staged_result = result;
	listener->is_open = result == 0;
	if (result == 0 || listener->text == NULL || result == -EAFNOSUPPORT || may_come(result))
		return 0;
	if (result == -EADDRINUSE && address_parse(listener->text, &address, &reason) == 0 &&
	    (may_become_free(listener, &address) || listener->waits_for_sibling))
		return 0;
	(void)snprintf(problem, LISTENERS_PROBLEM_BYTES, "listen \"%s\": %s", listener->text,
	               listener->staged_problem);
	return -1;
}

/* Returns true if no listener can be opened, now or later. */
static bool is_hopeless(const struct list *list, bool is_anywhere,
                        char problem[static LISTENERS_PROBLEM_BYTES])
{
	for (size_t i = 0; i < list->count; i++) {
		const struct listener *listener = list->all[i];

		if (listener->is_open || listener->hostname != NULL || listener->is_kept ||
		    (!is_anywhere && listener->staged_result != -EAFNOSUPPORT))
			return false;
	}
	if (is_anywhere)
		(void)snprintf(problem, LISTENERS_PROBLEM_BYTES, "cannot open a UDP socket: %s",
		               list->all[list->count - 1]->staged_problem);
	else
		(void)snprintf(problem, LISTENERS_PROBLEM_BYTES,
		               "this system has no IPv6, and listen has no address of IPv4; add one, such as "
		               "0.0.0.0:9999");
	return true;
}

static int fill(struct listeners *listeners, const struct string_list *words, struct list *list,
                char problem[static LISTENERS_PROBLEM_BYTES])
{
	bool is_anywhere = words->count == 0;

	/* Those that stay come first: what is new must not take their addresses for free ones. */
	for (size_t i = 0; i < list->count; i++)
		list->all[i] = is_anywhere ? keep(listeners, NULL, i == 0 ? AF_INET6 : AF_INET)
		                           : keep(listeners, words->words[i], AF_UNSPEC);
	for (size_t i = 0; i < list->count; i++) {
		if (list->all[i] != NULL)
			continue;
		list->all[i] = is_anywhere ? make_listener(listeners, NULL, i == 0 ? AF_INET6 : AF_INET)
		                           : make_listener(listeners, words->words[i], AF_UNSPEC);
		if (list->all[i] == NULL) {
			(void)snprintf(problem, LISTENERS_PROBLEM_BYTES, "out of memory");
			return -1;
		}
		if (open_staged(list, list->all[i], problem) != 0)
			return -1;
	}
	return is_hopeless(list, is_anywhere, problem) ? -1 : 0;
}

int listeners_stage(struct listeners *listeners, const struct string_list *words,
                    struct listeners_change **out, char problem[static LISTENERS_PROBLEM_BYTES])
{
	struct listeners_change *change = calloc(1, sizeof *change);

	*out = NULL;
	if (change != NULL) {
		change->list.count = words->count == 0 ? 2 : words->count;
		change->list.all = calloc(change->list.count, sizeof(*change->list.all));
	}
	if (change == NULL || change->list.all == NULL) {
		free(change);
		(void)snprintf(problem, LISTENERS_PROBLEM_BYTES, "out of memory");
		return -1;
	}
	if (fill(listeners, words, &change->list, problem) != 0) {
		listeners_discard(listeners, change);
		return -1;
	}
	*out = change;
	return 0;
}

void listeners_discard(struct listeners *listeners, struct listeners_change *change)
{
	if (change == NULL)
		return;
	for (size_t i = 0; i < change->list.count; i++) {
		if (change->list.all[i] != NULL && !change->list.all[i]->is_kept)
			release_listener(change->list.all[i]);
	}
	for (size_t i = 0; i < listeners->list.count; i++)
		listeners->list.all[i]->is_kept = false;
	free(change->list.all);
	free(change);
}

static void close_old(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->list.count; i++) {
		struct listener *listener = listeners->list.all[i];

		if (listener->is_kept)
			continue;
		for (size_t s = 0; s < listener->socket_count; s++)
			listeners->owner.closed(listeners->owner.owner, listener->sockets[s].slot);
		release_listener(listener);
	}
	free(listeners->list.all);
}

/* One of two families that nobody has asked for. */
static void log_family(const struct listener *listener)
{
	bool is_ipv6 = listener->family == AF_INET6;

	log_warn("no IPv%d socket (%s); going on with IPv%d alone", is_ipv6 ? 6 : 4, listener->staged_problem,
	         is_ipv6 ? 4 : 6);
}

static void begin(struct listener *listener, bool has_replaced)
{
	uint64_t now_ns = loop_now_ns(listener->listeners->loop);

	listener->is_live = true;
	if (has_replaced && (listener->hostname != NULL || listener->staged_result == -EADDRINUSE))
		listener->hurry_until_ns = now_ns + HURRY_FOR_NS;
	if (listener->is_open) {
		opened(listener);
	} else if (listener->hostname == NULL) {
		if (listener->text == NULL)
			log_family(listener);
		failed(listener, listener->staged_problem);
	}
}

void listeners_apply(struct listeners *listeners, struct listeners_change *change)
{
	bool has_replaced = listeners->list.count > 0;

	close_old(listeners);
	listeners->list = change->list;
	free(change);
	for (size_t i = 0; i < listeners->list.count; i++) {
		struct listener *listener = listeners->list.all[i];

		if (!listener->is_kept)
			begin(listener, has_replaced);
		listener->is_kept = false;
	}
}

/* --- calls -------------------------------------------------------------------------------- */

void listeners_refresh(struct listeners *listeners)
{
	uint64_t now_ns = loop_now_ns(listeners->loop);

	for (size_t i = 0; i < listeners->list.count; i++) {
		struct listener *listener = listeners->list.all[i];

		if (listener->is_open)
			continue;
		backoff_none(&listener->retry);
		hostname_refresh(listener->hostname);
		if (listener->hostname == NULL)
			loop_timer_set(listeners->loop, &listener->timer, now_ns);
	}
}

void listeners_each(const struct listeners *listeners,
                    void (*call)(void *context, const struct listeners_socket *socket), void *context)
{
	for (size_t i = 0; i < listeners->list.count; i++) {
		const struct listener *listener = listeners->list.all[i];

		for (size_t s = 0; s < listener->socket_count; s++)
			call(context, &listener->sockets[s]);
	}
}

size_t listeners_count(const struct listeners *listeners)
{
	return listeners->list.count;
}

void listeners_describe(const struct listeners *listeners, size_t number, struct listener_status *status)
{
	const struct listener *listener = listeners->list.all[number];

	*status = (struct listener_status){ .configured = name_of(listener),
		                            .is_open = listener->is_open,
		                            .error = listener->error[0] == '\0' ? NULL : listener->error };
	if (listener->socket_count > 0)
		(void)get_bound(listener->sockets[0].fd, &status->address);
}
