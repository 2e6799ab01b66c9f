#include "daemon/monitor_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "system/log.h"

/*
 * With prefixes of so many bits at most, a peer takes the packets for the whole Internet, or for half of it.
 */
#define FULL_TUNNEL_BITS 1

static bool has_full_tunnel(const struct wireguard_device *present)
{
	for (size_t i = 0; i < present->peer_count; i++) {
		const struct wireguard_peer *peer = &present->peers[i];

		for (size_t j = 0; j < peer->allowed_ip_count; j++) {
			if (peer->allowed_ips[j].bits <= FULL_TUNNEL_BITS)
				return true;
		}
	}
	return false;
}

void monitor_mark_note(struct monitor_device *device, const struct wireguard_device *present)
{
	device->fwmark = present->fwmark;
	device->is_full_tunnel = has_full_tunnel(present);
}

/* The device whose mark our packets need most. NULL: no device has a mark. */
static const struct monitor_device *choose(const struct monitor *monitor)
{
	const struct monitor_device *best = NULL;

	for (size_t i = 0; i < monitor->device_count; i++) {
		const struct monitor_device *device = &monitor->devices[i];

		if (device->fwmark != 0 &&
		    (best == NULL || (device->is_full_tunnel && !best->is_full_tunnel)))
			best = device;
	}
	return best;
}

static void say_conflict(struct monitor *monitor, const struct monitor_device *chosen)
{
	for (size_t i = 0; i < monitor->device_count; i++) {
		const struct monitor_device *other = &monitor->devices[i];

		if (other->fwmark == 0 || other->fwmark == chosen->fwmark)
			continue;
		if (monitor->mark_conflict != other->fwmark)
			log_warn("%s and %s have different fwmarks, 0x%" PRIx32 " and 0x%" PRIx32
			         "; our packets carry the one of %s, unless the setting fwmark says another",
			         chosen->name, other->name, chosen->fwmark, other->fwmark, chosen->name);
		monitor->mark_conflict = other->fwmark;
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
	const struct monitor_device *chosen = setting->is_fixed ? NULL : choose(monitor);
	uint32_t mark = chosen != NULL ? chosen->fwmark : setting->mark;

	if (chosen != NULL)
		say_conflict(monitor, chosen);
	if (mark == monitor->mark)
		return;
	monitor->mark = mark;
	monitor->mark_problem = 0;
	listeners_each(monitor->listeners, mark_socket, monitor);
	if (monitor->mark_problem == 0 && mark == 0)
		log_info("our packets carry no fwmark any more");
	else if (monitor->mark_problem == 0)
		log_info("our packets carry the fwmark 0x%" PRIx32 "%s%s", mark,
		         chosen != NULL ? " of WireGuard's " : "", chosen != NULL ? chosen->name : "");
	/* Messages that wait for an answer went another way. */
	if (monitor->is_ready)
		monitor_request(monitor, &changed, -1);
}

void monitor_mark_start(struct monitor *monitor, const struct monitor_staged *staged, size_t count)
{
	for (size_t i = 0; i < count && !monitor->config.fwmark.is_fixed; i++) {
		/* Without memory, the first look at a device finds its mark. */
		if (staged[i].config.device != NULL &&
		    monitor_device_know(monitor, staged[i].config.device) != 0)
			break;
	}
	for (size_t i = 0; i < monitor->device_count; i++) {
		struct wireguard_device present;

		if (wireguard_get(&present, monitor->devices[i].name) != 0)
			continue;
		monitor_mark_note(&monitor->devices[i], &present);
		wireguard_release(&present);
	}
	monitor_mark_update(monitor);
}
