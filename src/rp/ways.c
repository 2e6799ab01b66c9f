#include "rp/ways.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/log.h"
#include "wireguard/link.h"

#define PREFIX_TEXT_BYTES (INET6_ADDRSTRLEN + 4)

static void format_prefix(char out[static PREFIX_TEXT_BYTES], const struct wireguard_allowed_ip *prefix)
{
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(prefix->family, &prefix->v6, address, sizeof address);
	(void)snprintf(out, PREFIX_TEXT_BYTES, "%s/%u", address, prefix->bits);
}

int ways_add(struct ways *ways, const struct wireguard_allowed_ip *prefix, bool is_route)
{
	struct way *longer;

	/* It would lead WireGuard's own packets into the tunnel. */
	if (is_route && prefix->bits == 0) {
		if (!ways->warned_default)
			log_warn("no default route is made: it would take the tunnel's own packets; rp(1) "
			         "says how to send everything through the tunnel");
		ways->warned_default = true;
		return 0;
	}
	longer = reallocarray(ways->all, ways->count + 1, sizeof *longer);
	if (longer == NULL)
		return -ENOMEM;
	ways->all = longer;
	longer[ways->count++] = (struct way){ .prefix = *prefix, .is_route = is_route };
	return 0;
}

static void say(struct way *way, const char *name, int result)
{
	enum log_level level = way->problem == result ? LOG_DEBUG : LOG_ERROR;
	const char *words =
		result == -EPERM ? "not allowed; start as root or with CAP_NET_ADMIN" : strerror(-result);
	char text[PREFIX_TEXT_BYTES];

	way->problem = result;
	format_prefix(text, &way->prefix);
	if (way->is_route)
		log_write(level, "cannot make the route to %s through %s: %s", text, name, words);
	else if (way->prefix.family == AF_INET6 && (result == -EACCES || result == -EPERM))
		log_write(level,
		          "interface %s cannot have the address %s: IPv6 is switched off there (sysctl "
		          "net.ipv6.conf.%s.disable_ipv6)",
		          name, text, name);
	else
		log_write(level, "interface %s cannot have the address %s: %s", name, text, words);
}

static int make(const struct way *way, uint32_t index, bool replace)
{
	if (!way->is_route)
		return link_add_address(index, &way->prefix);
	/* What we made needs no replacing, and that would wake everybody who watches routes. */
	return replace && !way->is_ours ? link_replace_route(index, &way->prefix)
	                                : link_add_route(index, &way->prefix);
}

size_t ways_make(struct ways *ways, const char *name, uint32_t index, bool replace)
{
	size_t made = 0;

	/* Addresses stand before the routes, which may need them. */
	for (size_t i = 0; i < ways->count; i++) {
		struct way *way = &ways->all[i];
		int result = make(way, index, replace);

		if (result == 0) {
			way->is_ours = true;
			made++;
		}
		if (result == 0 || result == -EEXIST)
			way->problem = 0;
		else
			say(way, name, result);
	}
	return made;
}

void ways_withdraw(struct ways *ways, uint32_t index)
{
	for (size_t i = ways->count; i > 0; i--) {
		struct way *way = &ways->all[i - 1];
		int result;

		if (!way->is_ours)
			continue;
		result = way->is_route ? link_delete_route(index, &way->prefix)
		                       : link_delete_address(index, &way->prefix);
		if (result != 0)
			log_debug("an address or a route was gone: %s", strerror(-result));
		way->is_ours = false;
	}
}

void ways_lost(struct ways *ways)
{
	for (size_t i = 0; i < ways->count; i++)
		ways->all[i].is_ours = false;
}

void ways_release(struct ways *ways)
{
	free(ways->all);
	*ways = (struct ways){ 0 };
}
