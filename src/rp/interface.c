#include "rp/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/address.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"
#include "wireguard/link.h"

#define PREFIX_TEXT_BYTES (INET6_ADDRSTRLEN + 4)

static const char *words_of(int result)
{
	return result == -EPERM ? "not allowed; start as root or with CAP_NET_ADMIN" : strerror(-result);
}

static void format_prefix(char out[static PREFIX_TEXT_BYTES], const struct wireguard_allowed_ip *prefix)
{
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(prefix->family, &prefix->v6, address, sizeof address);
	(void)snprintf(out, PREFIX_TEXT_BYTES, "%s/%u", address, prefix->bits);
}

/* One that exists must be meant, and be a WireGuard interface with our key or none. */
static int judge_existing(const struct interface *interface, const struct wireguard_device *present)
{
	uint8_t public_key[WIREGUARD_KEY_BYTES];

	if (!present->has_private_key)
		return 0;
	if (crypto_scalarmult_base(public_key, interface->private_key) != 0 ||
	    memcmp(public_key, present->public_key, sizeof public_key) != 0) {
		log_error("interface %s has another private key than wgsk; --adopt needs the same",
		          interface->name);
		return -1;
	}
	if (interface->has_port && present->listen_port != interface->port)
		log_warn("interface %s listens on port %u; peers expect WireGuard on the port after listen, "
		         "%u",
		         interface->name, present->listen_port, interface->port);
	return 0;
}

static int create(struct interface *interface)
{
	uint32_t index;
	int result = link_create_wireguard(interface->name);

	if (result == -EOPNOTSUPP) {
		if (driver_start(&interface->driver, interface->name) != 0)
			return -1;
		result = 0;
	}
	if (result == -EEXIST)
		log_error("interface %s exists; stop what has it, take another name (dev), or use it with "
		          "--adopt",
		          interface->name);
	else if (result != 0)
		log_error("cannot make interface %s: %s", interface->name, words_of(result));
	if (result != 0)
		return -1;
	interface->is_ours = true;
	interface->is_complete = false;
	result = link_find(interface->name, &index);
	if (result != 0) {
		log_error("interface %s is gone already: %s", interface->name, strerror(-result));
		return -1;
	}
	interface->index = index;
	guard_watch(&interface->guard, interface->name, index);
	return 0;
}

/* Makes it, or finds it where that is right. *is_new: it has nothing in it yet. */
static int provide(struct interface *interface, bool *is_new)
{
	struct wireguard_device present;
	uint32_t index;
	int result = link_find(interface->name, &index);

	*is_new = result == -ENODEV;
	if (*is_new)
		return create(interface);
	if (result != 0) {
		log_error("cannot look for interface %s: %s", interface->name, words_of(result));
		return -1;
	}
	if (interface->is_ours && interface->index == index) {
		/* What went wrong the last time is done again. */
		*is_new = !interface->is_complete;
		return 0;
	}
	if (!interface->adopt) {
		log_error("interface %s exists; stop what has it, take another name (dev), or use it with "
		          "--adopt",
		          interface->name);
		return -1;
	}
	result = wireguard_get(&present, interface->name);
	if (result != 0) {
		log_error("interface %s: %s", interface->name,
		          result == -EOPNOTSUPP ? "it is none of WireGuard" : words_of(result));
		return -1;
	}
	/* One without a key is for us to complete. */
	*is_new = !present.has_private_key;
	result = judge_existing(interface, &present);
	wireguard_release(&present);
	return result;
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
static void say_not_set_up(const struct interface *interface, int result)
{
	if (result == -EADDRINUSE)
		log_error("port %u of UDP, which WireGuard has to have (the one after listen), is taken; "
		          "listen on "
		          "another one, or end what has it",
		          interface->port);
	else
		log_error("cannot set up WireGuard's %s: %s", interface->name, words_of(result));
}

static int fill(struct interface *interface, bool is_new)
{
	struct wireguard_device present;
	int result = wireguard_get(&present, interface->name);

	if (result == 0) {
		result = add_peers(interface, &present, is_new);
		wireguard_release(&present);
	}
	if (result != 0)
		say_not_set_up(interface, result);
	return result == 0 ? 0 : -1;
}

/* Without an address or a route the rest is still worth having. */
static void add_address(const struct interface *interface, uint32_t index,
                        const struct wireguard_allowed_ip *address)
{
	char text[PREFIX_TEXT_BYTES];
	int result = link_add_address(index, address);

	if (result == 0 || result == -EEXIST)
		return;
	format_prefix(text, address);
	if (address->family == AF_INET6 && (result == -EACCES || result == -EPERM))
		log_error("interface %s cannot have the address %s: IPv6 is switched off there (sysctl "
		          "net.ipv6.conf.%s.disable_ipv6)",
		          interface->name, text, interface->name);
	else
		log_error("interface %s cannot have the address %s: %s", interface->name, text,
		          words_of(result));
}

static void add_route(struct interface *interface, uint32_t index, const struct wireguard_allowed_ip *prefix)
{
	char text[PREFIX_TEXT_BYTES];
	int result;

	format_prefix(text, prefix);
	/* It would lead WireGuard's own packets into the tunnel. */
	if (prefix->bits == 0) {
		if (!interface->warned_route)
			log_warn("no route to %s is made: it would take the tunnel's own packets; rp(1) says "
			         "how to send everything through the tunnel",
			         text);
		interface->warned_route = true;
		return;
	}
	result = link_replace_route(index, prefix);
	if (result != 0)
		log_error("cannot make the route to %s through %s: %s", text, interface->name,
		          words_of(result));
}

static void add_ways(struct interface *interface, uint32_t index)
{
	for (size_t i = 0; i < interface->address_count; i++)
		add_address(interface, index, &interface->addresses[i]);
	for (size_t i = 0; i < interface->peer_count; i++) {
		const struct interface_peer *peer = &interface->peers[i];

		for (size_t j = 0; j < peer->allowed_ip_count; j++)
			add_route(interface, index, &peer->allowed_ips[j]);
	}
}

static bool has_peers(const struct interface *interface)
{
	struct wireguard_device present;
	bool all = true;

	if (wireguard_get(&present, interface->name) != 0)
		return false;
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

int interface_establish(void *context, const char *device)
{
	struct interface *interface = context;
	uint32_t index;
	bool is_new;
	int result;

	if (device != NULL && strcmp(device, interface->name) != 0)
		return 1;
	/* A peer that was added at run time is for somebody else to make. */
	if (interface->is_complete && link_find(interface->name, &index) == 0 && has_peers(interface))
		return 1;
	if (provide(interface, &is_new) != 0 || fill(interface, is_new) != 0)
		return -1;
	result = link_find(interface->name, &index);
	if (result == 0)
		result = link_set_up(index);
	if (result != 0) {
		say_not_set_up(interface, result);
		return -1;
	}
	/* A route needs an interface that is up. */
	add_ways(interface, index);
	if (interface->was_there)
		log_warn("interface %s, or a peer of it, was gone; it is made again", interface->name);
	interface->was_there = true;
	interface->is_complete = true;
	return 0;
}

static void delete_link(struct interface *interface)
{
	uint32_t index;
	int result = link_find(interface->name, &index);

	/* One that somebody else has made in its place is not ours. */
	if (result == 0 && index == interface->index)
		result = link_delete(index);
	if (result != 0 && result != -ENODEV)
		log_error("cannot delete interface %s: %s", interface->name, words_of(result));
	else
		guard_watch(&interface->guard, interface->name, 0);
}

/* Takes our peers and routes out of an interface that stays. */
static void withdraw(struct interface *interface)
{
	struct wireguard_peer_change *changes = calloc(interface->peer_count + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };
	uint32_t index;

	if (changes == NULL || link_find(interface->name, &index) != 0) {
		free(changes);
		return;
	}
	for (size_t i = 0; i < interface->peer_count; i++) {
		const struct interface_peer *peer = &interface->peers[i];

		for (size_t j = 0; j < peer->allowed_ip_count; j++) {
			if (peer->allowed_ips[j].bits > 0 &&
			    link_delete_route(index, &peer->allowed_ips[j]) != 0)
				log_debug("a route through %s was gone", interface->name);
		}
		if (!peer->is_ours)
			continue;
		memcpy(changes[change.peer_count].public_key, peer->public_key, WIREGUARD_KEY_BYTES);
		changes[change.peer_count++].remove = true;
	}
	if (change.peer_count > 0 && wireguard_set(interface->name, &change) != 0)
		log_warn("peers could not be taken out of interface %s", interface->name);
	free(changes);
}

void interface_end(struct interface *interface)
{
	if (interface->is_ours)
		delete_link(interface);
	else if (interface->was_there)
		withdraw(interface);
	driver_end(&interface->driver);
	guard_end(&interface->guard);
}

void interface_release(struct interface *interface)
{
	for (size_t i = 0; i < interface->peer_count; i++)
		free(interface->peers[i].allowed_ips);
	free(interface->peers);
	free(interface->addresses);
	memset(interface, 0, sizeof *interface);
}
