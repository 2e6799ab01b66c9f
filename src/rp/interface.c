#include "rp/interface.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/monitor.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"
#include "wireguard/link.h"

/* Many routes take long to look at, and somebody who takes them away for ever shall not keep us busy. */
#define WAYS_NS (2 * CLOCK_SECOND_NS)
#define WAYS_REST 50
/*
 * An owner who makes an interface gives it a key and addresses in a moment, and sets it up last. What we had
 * added by then would be an error to him.
 */
#define UNREADY_NS (5 * CLOCK_SECOND_NS)

static const char *words_of(int result)
{
	return result == -EPERM ? "not allowed; start as root or with CAP_NET_ADMIN" : strerror(-result);
}

static int fail(struct interface *interface, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what is wrong, once until something else is or all is well. */
static int fail(struct interface *interface, const char *format, ...)
{
	char problem[INTERFACE_PROBLEM_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, sizeof problem, format, arguments);
	va_end(arguments);
	log_write(strcmp(problem, interface->problem) == 0 ? LOG_DEBUG : LOG_ERROR, "%s", problem);
	memcpy(interface->problem, problem, sizeof problem);
	return -1;
}

static int fail_taken(struct interface *interface)
{
	(void)fail(interface,
	           "interface %s exists; stop what has it, take another name (dev), or use it with --adopt",
	           interface->name);
	return MONITOR_FOREIGN;
}

/* One that exists must be meant, and be a WireGuard interface with our key or none. */
static int judge_existing(struct interface *interface, const struct wireguard_device *present)
{
	uint8_t public_key[WIREGUARD_KEY_BYTES];

	if (sodium_is_zero(present->public_key, sizeof present->public_key) == 1)
		return 0;
	if (crypto_scalarmult_base(public_key, interface->private_key) != 0 ||
	    memcmp(public_key, present->public_key, sizeof public_key) != 0) {
		(void)fail(interface,
		           "interface %s has another private key than wgsk; --adopt needs the same",
		           interface->name);
		return MONITOR_FOREIGN;
	}
	if (interface->has_port && present->listen_port != interface->port)
		log_warn("interface %s listens on port %u; peers expect WireGuard on the port after listen, "
		         "%u",
		         interface->name, present->listen_port, interface->port);
	return 0;
}

/* Notes which interface it is from now on. */
static int take(struct interface *interface, bool is_ours)
{
	uint32_t index;
	int result = link_find(interface->name, &index);

	if (result != 0)
		return fail(interface, "interface %s is gone already: %s", interface->name, words_of(result));
	if (interface->index != index) {
		interface->is_complete = false;
		interface->gave_key = false;
		ways_lost(&interface->ways);
		for (size_t i = 0; i < interface->peer_count; i++)
			interface->peers[i].is_ours = false;
	}
	interface->is_ours = is_ours;
	interface->index = index;
	guard_watch(&interface->guard, interface->name, is_ours ? index : 0);
	return 0;
}

static int create(struct interface *interface)
{
	char problem[DRIVER_PROBLEM_BYTES];
	struct link link;
	int result;

	if (interface->is_ours && link_look_index(interface->index, &link) == 0)
		return fail(interface,
		            "interface %s has another name now; give it back, or end rp and start it",
		            interface->name);
	guard_expect(&interface->guard, interface->name);
	result = link_create_wireguard(interface->name);
	if (result == -EOPNOTSUPP) {
		result = driver_start(&interface->driver, interface->name, problem);
		if (result != 0) {
			guard_watch(&interface->guard, interface->name, 0);
			return fail(interface, "%s", problem);
		}
	}
	if (result == 0)
		return take(interface, true);
	guard_watch(&interface->guard, interface->name, 0);
	if (result == -EEXIST)
		return fail_taken(interface);
	return fail(interface, "cannot make interface %s: %s", interface->name, words_of(result));
}

static bool is_up(const struct interface *interface)
{
	struct link link;

	return link_look(interface->name, &link) == 0 && link.is_up;
}

/* Uses one that somebody else has made. */
static int adopt(struct interface *interface, bool *is_new)
{
	struct wireguard_device present;
	int result = wireguard_get(&present, interface->name);

	if (result != 0)
		return fail(interface, "interface %s: %s", interface->name,
		            result == -EOPNOTSUPP ? "it is no interface of WireGuard" : words_of(result));
	/* One without a key is for us to complete. */
	*is_new = sodium_is_zero(present.public_key, sizeof present.public_key) == 1;
	result = judge_existing(interface, &present);
	wireguard_release(&present);
	if (result == 0 && interface->was_there && (*is_new || !is_up(interface))) {
		uint64_t now_ns = clock_now_ns();

		if (interface->unready_ns == 0)
			interface->unready_ns = now_ns;
		if (now_ns < interface->unready_ns + UNREADY_NS)
			return 1;
	}
	interface->unready_ns = 0;
	return result == 0 ? take(interface, false) : result;
}

/* Makes it, or finds it where that is right. *is_new: there is nothing in it. 1: others have to make it. */
static int provide(struct interface *interface, bool *is_new)
{
	uint32_t index;
	int result = link_find(interface->name, &index);

	*is_new = result == -ENODEV;
	if (result == -ENODEV && interface->was_there && !interface->is_ours) {
		(void)fail(interface, "interface %s is gone; waiting until its owner makes it again",
		           interface->name);
		return 1;
	}
	if (result == -ENODEV)
		return create(interface);
	if (result != 0)
		return fail(interface, "cannot look for interface %s: %s", interface->name, words_of(result));
	if (interface->is_ours && interface->index == index) {
		/* What went wrong the last time is done again. */
		*is_new = !interface->is_complete;
		return 0;
	}
	return interface->adopt ? adopt(interface, is_new) : fail_taken(interface);
}

/* Adds a peer, or more, that the device does not have. */
static int add_peers(struct interface *interface, const struct wireguard_device *present, bool is_new)
{
	struct wireguard_peer_change *changes = calloc(interface->peer_count + 1, sizeof *changes);
	uint8_t *keys = secret_memory_allocate(NULL, (interface->peer_count + 1) * WIREGUARD_KEY_BYTES);
	struct wireguard_change change = { .peers = changes };
	int result = -ENOMEM;

	if (changes != NULL && keys != NULL &&
	    entropy_fill(NULL, keys, interface->peer_count * WIREGUARD_KEY_BYTES) == 0) {
		for (size_t i = 0; i < interface->peer_count; i++) {
			struct interface_peer *peer = &interface->peers[i];
			struct wireguard_peer_change *to = &changes[change.peer_count];

			if (wireguard_find(present, peer->public_key) != NULL)
				continue;
			memcpy(to->public_key, peer->public_key, WIREGUARD_KEY_BYTES);
			to->preshared_key = keys + i * WIREGUARD_KEY_BYTES;
			to->replace_allowed_ips = true;
			to->allowed_ips = peer->allowed_ips;
			to->allowed_ip_count = peer->allowed_ip_count;
			peer->is_ours = true;
			change.peer_count++;
		}
		if (is_new) {
			change.private_key = interface->private_key;
			change.set_listen_port = interface->has_port;
			change.listen_port = interface->port;
		}
		result = is_new || change.peer_count > 0 ? wireguard_set(interface->name, &change) : 0;
	}
	secret_memory_release(NULL, keys, (interface->peer_count + 1) * WIREGUARD_KEY_BYTES);
	free(changes);
	return result;
}

/* A kernel that has a port opens it with the interface. */
static int fail_set_up(struct interface *interface, int result)
{
	if (result == -EADDRINUSE)
		return fail(interface,
		            "port %u of UDP, which WireGuard has to have (the one after listen), is taken; "
		            "listen on another one, or end what has it",
		            interface->port);
	return fail(interface, "cannot set up WireGuard's %s: %s", interface->name, words_of(result));
}

static int fill(struct interface *interface, bool is_new)
{
	struct wireguard_device present;
	int result = wireguard_get(&present, interface->name);

	if (result == 0) {
		result = add_peers(interface, &present, is_new);
		wireguard_release(&present);
	}
	if (result == 0 && is_new && !interface->is_ours)
		interface->gave_key = true;
	/* One that somebody has taken down since stays so. */
	if (result == 0 && !interface->is_complete)
		result = link_set_up(interface->index);
	return result == 0 ? 0 : fail_set_up(interface, result);
}

static bool has_peers(const struct interface *interface)
{
	struct wireguard_device present;
	bool all = true;

	/* What cannot be read now is not missing. */
	if (wireguard_get(&present, interface->name) != 0)
		return true;
	for (size_t i = 0; i < interface->peer_count && all; i++)
		all = wireguard_find(&present, interface->peers[i].public_key) != NULL;
	wireguard_release(&present);
	return all;
}

void interface_forget(void *context)
{
	struct interface *interface = context;

	if (interface->private_key != NULL)
		sodium_memzero(interface->private_key, WIREGUARD_KEY_BYTES);
}

/* An interface that was down for a moment has lost its routes, and its addresses of IPv6. */
static void keep_ways(struct interface *interface, const struct link *link)
{
	uint64_t now_ns = clock_now_ns();
	size_t made;

	if (!link->is_up || now_ns < interface->ways_due_ns)
		return;
	made = ways_make(&interface->ways, interface->name, link->index, false);
	interface->ways_due_ns = now_ns + WAYS_REST * (clock_now_ns() - now_ns);
	if (made == 0)
		return;
	interface->ways_due_ns += WAYS_NS;
	log_info("interface %s has its addresses and routes again", interface->name);
}

int interface_establish(void *context, const char *device)
{
	struct interface *interface = context;
	struct link link;
	bool is_new;
	int result;

	if (device != NULL && strcmp(device, interface->name) != 0)
		return 1;
	/* A peer that was added at run time is for somebody else to make. */
	if (interface->is_complete && link_look(interface->name, &link) == 0 &&
	    link.index == interface->index && has_peers(interface)) {
		keep_ways(interface, &link);
		interface->problem[0] = '\0';
		return 1;
	}
	result = provide(interface, &is_new);
	if (result == 0)
		result = fill(interface, is_new);
	if (result != 0)
		return result;
	(void)ways_make(&interface->ways, interface->name, interface->index, interface->is_ours);
	if (interface->was_there)
		log_warn("interface %s, or a peer of it, was gone; it is there again", interface->name);
	interface->problem[0] = '\0';
	interface->was_there = true;
	interface->is_complete = true;
	return 0;
}

/* Whether the interface of our name is the one that we know. */
static bool is_present(const struct interface *interface)
{
	uint32_t index;

	return link_find(interface->name, &index) == 0 && index == interface->index;
}

static void delete_link(struct interface *interface)
{
	int result = is_present(interface) ? link_delete(interface->index) : 0;

	if (result != 0 && result != -ENODEV)
		log_error("cannot delete interface %s: %s", interface->name, words_of(result));
	else
		guard_watch(&interface->guard, interface->name, 0);
}

/* Takes out of an interface that stays what we have put there. */
static void withdraw(struct interface *interface)
{
	static const uint8_t no_key[WIREGUARD_KEY_BYTES];
	struct wireguard_peer_change *changes = calloc(interface->peer_count + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };

	ways_withdraw(&interface->ways, interface->index);
	for (size_t i = 0; i < interface->peer_count && changes != NULL; i++) {
		if (!interface->peers[i].is_ours)
			continue;
		memcpy(changes[change.peer_count].public_key, interface->peers[i].public_key,
		       WIREGUARD_KEY_BYTES);
		changes[change.peer_count++].remove = true;
	}
	if (interface->gave_key)
		change.private_key = no_key;
	if (changes == NULL ||
	    ((change.peer_count > 0 || interface->gave_key) && wireguard_set(interface->name, &change) != 0))
		log_warn("peers could not be taken out of interface %s", interface->name);
	free(changes);
}

void interface_end(struct interface *interface)
{
	if (interface->is_ours)
		delete_link(interface);
	else if (interface->index != 0 && is_present(interface))
		withdraw(interface);
	driver_end(&interface->driver);
	guard_end(&interface->guard);
}

void interface_release(struct interface *interface)
{
	for (size_t i = 0; i < interface->peer_count; i++)
		free(interface->peers[i].allowed_ips);
	free(interface->peers);
	ways_release(&interface->ways);
	memset(interface, 0, sizeof *interface);
}
