#include "daemon/monitor_parts.h"

#include "system/log.h"

static void announce(void *owner, const struct listeners_socket *socket)
{
	struct monitor *monitor = owner;
	union address_socket bound = { 0 };
	socklen_t length = sizeof bound;
	struct channel_request request = { .kind = CHANNEL_ADD_SOCKET, .slot = socket->slot };

	if (!monitor->is_ready || getsockname(socket->fd, &bound.any, &length) != 0)
		return;
	request.family = bound.any.sa_family;
	monitor_request(monitor, &request, socket->fd);
}

static void opened(void *owner, const struct listeners_socket *socket)
{
	const struct monitor *monitor = owner;

	socket_mark_apply(monitor->mark, socket->fd);
	announce(owner, socket);
}

static void closed(void *owner, uint32_t slot)
{
	struct monitor *monitor = owner;
	const struct channel_request request = { .kind = CHANNEL_DROP_SOCKET, .slot = slot };

	if (monitor->is_ready)
		monitor_request(monitor, &request, -1);
}

int monitor_listen_start(struct monitor *monitor)
{
	const struct listeners_owner owner = { .opened = opened, .closed = closed, .owner = monitor };
	struct listeners_change *change;
	char problem[LISTENERS_PROBLEM_BYTES] = "out of memory";

	if (listeners_create(&monitor->listeners, monitor->resolvers, &owner) != 0 ||
	    listeners_stage(monitor->listeners, &monitor->config.listen, &change, problem) != 0) {
		log_error("%s", problem);
		return -1;
	}
	listeners_apply(monitor->listeners, change);
	return 0;
}

void monitor_listen_announce(struct monitor *monitor)
{
	listeners_each(monitor->listeners, announce, monitor);
}
