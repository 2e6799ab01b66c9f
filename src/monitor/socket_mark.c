#include "monitor/socket_mark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "system/log.h"

struct socket_mark {
	const struct device_table *devices;
	struct socket_mark_owner owner;
	struct config_fwmark setting;
	uint32_t mark;     /* that our sockets should carry; 0: none */
	bool was_set;      /* a socket may carry one */
	int problem;       /* negative errno that was logged; 0: none */
	uint32_t conflict; /* of a device whose other mark was logged; 0: none */
};

int socket_mark_create(struct socket_mark **out, const struct device_table *devices,
                       const struct socket_mark_owner *owner)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return -ENOMEM;
	(*out)->devices = devices;
	(*out)->owner = *owner;
	return 0;
}

void socket_mark_destroy(struct socket_mark *mark)
{
	free(mark);
}

/* The device whose mark our packets need most. Returns false if no device has a mark. */
static bool choose(const struct device_table *devices, struct device_mark *best)
{
	struct device_mark mark;
	bool found = false;

	for (size_t i = 0; device_table_mark(devices, i, &mark); i++) {
		if (mark.fwmark == 0 || (found && (best->is_full_tunnel || !mark.is_full_tunnel)))
			continue;
		*best = mark;
		found = true;
	}
	return found;
}

static void log_conflict(struct socket_mark *mark, const struct device_mark *chosen)
{
	struct device_mark other;

	for (size_t i = 0; device_table_mark(mark->devices, i, &other); i++) {
		if (other.fwmark == 0 || other.fwmark == chosen->fwmark)
			continue;
		if (mark->conflict != other.fwmark)
			log_warn("%s and %s have different fwmarks, 0x%" PRIx32 " and 0x%" PRIx32
			         "; our packets carry the one of %s, unless the setting fwmark says another",
			         chosen->device, other.device, chosen->fwmark, other.fwmark, chosen->device);
		mark->conflict = other.fwmark;
		return;
	}
	mark->conflict = 0;
}

void socket_mark_apply(struct socket_mark *mark, int fd)
{
	int result;

	/* A fresh socket has no mark, and without a capability none can be set. */
	if (mark->mark == 0 && !mark->was_set)
		return;
	result = mark->owner.set(fd, mark->mark);
	mark->was_set |= result == 0;
	if (result != mark->problem && result == -EPERM)
		log_warn("our packets cannot carry the fwmark 0x%" PRIx32
		         " without CAP_NET_ADMIN, and may go into the tunnel themselves; start as root or "
		         "with AmbientCapabilities=CAP_NET_ADMIN, or set fwmark to off",
		         mark->mark);
	else if (result != mark->problem && result != 0)
		log_warn("our packets cannot carry the fwmark 0x%" PRIx32 ": %s", mark->mark,
		         strerror(-result));
	mark->problem = result;
}

void socket_mark_update(struct socket_mark *mark)
{
	struct device_mark chosen = { 0 };
	bool is_chosen = !mark->setting.is_fixed && choose(mark->devices, &chosen);
	uint32_t wanted = is_chosen ? chosen.fwmark : mark->setting.mark;

	if (is_chosen)
		log_conflict(mark, &chosen);
	if (wanted == mark->mark)
		return;
	mark->mark = wanted;
	mark->problem = 0;
	mark->owner.each(mark->owner.owner);
	if (mark->problem == 0 && wanted == 0)
		log_info("our packets carry no fwmark any more");
	else if (mark->problem == 0)
		log_info("our packets carry the fwmark 0x%" PRIx32 "%s%s", wanted,
		         is_chosen ? " of WireGuard's " : "", is_chosen ? chosen.device : "");
	mark->owner.changed(mark->owner.owner);
}

void socket_mark_configure(struct socket_mark *mark, const struct config_fwmark *setting)
{
	mark->setting = *setting;
	socket_mark_update(mark);
}

uint32_t socket_mark_value(const struct socket_mark *mark)
{
	return mark->mark;
}

int socket_mark_problem(const struct socket_mark *mark)
{
	return mark->problem;
}
