#include "monitor/ports.h"

#include <errno.h>
#include <stdlib.h>

#include "system/log.h"
#include "system/sockets.h"

struct ports {
	const struct engines *engines;
	struct listeners *listeners;
	struct socket_mark *mark;
};

static void announce(void *owner, const struct listeners_socket *socket)
{
	const struct ports *ports = owner;

	engines_add_socket(ports->engines, socket->slot, socket->fd);
}

static void mark_socket(void *owner, const struct listeners_socket *socket)
{
	const struct ports *ports = owner;

	socket_mark_apply(ports->mark, socket->fd);
}

static void opened(void *owner, const struct listeners_socket *socket)
{
	mark_socket(owner, socket);
	announce(owner, socket);
}

static void closed(void *owner, uint32_t slot)
{
	const struct ports *ports = owner;

	engines_drop_socket(ports->engines, slot);
}

static void mark_each(void *owner)
{
	const struct ports *ports = owner;

	listeners_each(ports->listeners, mark_socket, owner);
}

/* Messages that wait for an answer went another way. */
static void mark_changed(void *owner)
{
	const struct ports *ports = owner;

	engines_network_changed(ports->engines);
}

int ports_create(struct ports **out, struct resolver_pool *pool, const struct device_table *devices,
                 const struct engines *engines)
{
	struct ports *ports = calloc(1, sizeof *ports);
	const struct listeners_owner owner = { .opened = opened, .closed = closed, .owner = ports };
	const struct socket_mark_owner mark_owner = { sockets_mark, mark_each, mark_changed, ports };
	int result;

	*out = NULL;
	if (ports == NULL)
		return -ENOMEM;
	ports->engines = engines;
	result = listeners_create(&ports->listeners, pool, &owner);
	if (result == 0)
		result = socket_mark_create(&ports->mark, devices, &mark_owner);
	if (result == 0)
		*out = ports;
	else
		ports_destroy(ports);
	return result;
}

void ports_destroy(struct ports *ports)
{
	if (ports == NULL)
		return;
	socket_mark_destroy(ports->mark);
	listeners_destroy(ports->listeners);
	free(ports);
}

int ports_open(struct ports *ports, const struct string_list *listen)
{
	struct listeners_change *change;
	char problem[LISTENERS_PROBLEM_BYTES];

	if (listeners_stage(ports->listeners, listen, &change, problem) != 0) {
		log_error("%s", problem);
		return -1;
	}
	listeners_apply(ports->listeners, change);
	return 0;
}

void ports_announce(struct ports *ports)
{
	listeners_each(ports->listeners, announce, ports);
}

struct listeners *ports_listeners(const struct ports *ports)
{
	return ports->listeners;
}

struct socket_mark *ports_mark(const struct ports *ports)
{
	return ports->mark;
}
