#include "daemon/monitor_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "system/log.h"

/* The device whose mark our packets need most. Returns false if no device has a mark. */
static bool choose(const struct monitor *monitor, struct device_mark *best)
{
	struct device_mark mark;
	bool found = false;

	for (size_t i = 0; device_table_mark(monitor->deliveries.devices, i, &mark); i++) {
		if (mark.fwmark == 0 || (found && (best->is_full_tunnel || !mark.is_full_tunnel)))
			continue;
		*best = mark;
		found = true;
	}
	return found;
}

static void say_conflict(struct monitor *monitor, const struct device_mark *chosen)
{
	struct device_mark other;

	for (size_t i = 0; device_table_mark(monitor->deliveries.devices, i, &other); i++) {
		if (other.fwmark == 0 || other.fwmark == chosen->fwmark)
			continue;
		if (monitor->mark_conflict != other.fwmark)
			log_warn("%s and %s have different fwmarks, 0x%" PRIx32 " and 0x%" PRIx32
			         "; our packets carry the one of %s, unless the setting fwmark says another",
			         chosen->device, other.device, chosen->fwmark, other.fwmark, chosen->device);
		monitor->mark_conflict = other.fwmark;
		return;
	}
	monitor->mark_conflict = 0;
}

void monitor_mark_socket(struct monitor *monitor, int fd)
{
	int result;

	/* A fresh socket has no mark, and without a capability none can be set. */
	if (monitor->mark == 0 && !monitor->mark_was_set)
		return;
	result = sockets_mark(fd, monitor->mark);
	monitor->mark_was_set |= result == 0;
	if (result != monitor->mark_problem && result == -EPERM)
		log_warn("our packets cannot carry the fwmark 0x%" PRIx32
		         " without CAP_NET_ADMIN, and may go into the tunnel themselves; start as root or "
		         "with AmbientCapabilities=CAP_NET_ADMIN, or set fwmark to off",
		         monitor->mark);
	else if (result != monitor->mark_problem && result != 0)
		log_warn("our packets cannot carry the fwmark 0x%" PRIx32 ": %s", monitor->mark,
		         strerror(-result));
	monitor->mark_problem = result;
}

static void mark_socket(void *owner, const struct listeners_socket *socket)
{
	monitor_mark_socket(owner, socket->fd);
}

void monitor_mark_update(struct monitor *monitor)
{
	static const struct channel_request changed = { .kind = CHANNEL_NETWORK_CHANGED };
	const struct config_fwmark *setting = &monitor->config.fwmark;
	struct device_mark chosen = { 0 };
	bool is_chosen = !setting->is_fixed && choose(monitor, &chosen);
	uint32_t mark = is_chosen ? chosen.fwmark : setting->mark;

	if (is_chosen)
		say_conflict(monitor, &chosen);
	if (mark == monitor->mark)
		return;
	monitor->mark = mark;
	monitor->mark_problem = 0;
	listeners_each(monitor->listeners, mark_socket, monitor);
	if (monitor->mark_problem == 0 && mark == 0)
		log_info("our packets carry no fwmark any more");
	else if (monitor->mark_problem == 0)
		log_info("our packets carry the fwmark 0x%" PRIx32 "%s%s", mark,
		         is_chosen ? " of WireGuard's " : "", is_chosen ? chosen.device : "");
	/* Messages that wait for an answer went another way. */
	if (monitor->is_ready)
		monitor_request(monitor, &changed, -1);
}

void monitor_mark_start(struct monitor *monitor)
{
	device_table_read_marks(monitor->deliveries.devices);
	monitor_mark_update(monitor);
}
