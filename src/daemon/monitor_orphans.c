#include "daemon/monitor_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* How long the key of a peer that we have left is tried to be erased. */
#define ORPHAN_NS (120 * CLOCK_SECOND_NS)

void monitor_orphans_drop(struct monitor *monitor, size_t i)
{
	secret_memory_release(NULL, monitor->orphans[i].key, WIREGUARD_KEY_BYTES);
	monitor->orphans[i] = monitor->orphans[--monitor->orphan_count];
}

void monitor_orphans_release_all(struct monitor *monitor)
{
	while (monitor->orphan_count > 0)
		monitor_orphans_drop(monitor, monitor->orphan_count - 1);
	free(monitor->orphans);
	monitor->orphans = NULL;
}

void monitor_orphans_add(struct monitor *monitor, const char *label, const char *device,
                         const uint8_t peer[static WIREGUARD_KEY_BYTES], uint64_t now_ns)
{
	struct monitor_orphan *longer =
		reallocarray(monitor->orphans, monitor->orphan_count + 1, sizeof *longer);
	struct monitor_orphan *orphan;

	if (longer != NULL) {
		monitor->orphans = longer;
		orphan = &longer[monitor->orphan_count];
		memset(orphan, 0, sizeof *orphan);
		orphan->until_ns = now_ns + ORPHAN_NS;
		(void)snprintf(orphan->device, sizeof orphan->device, "%s", device);
		(void)snprintf(orphan->label, sizeof orphan->label, "%s", label);
		memcpy(orphan->peer, peer, WIREGUARD_KEY_BYTES);
		orphan->key = secret_memory_allocate(NULL, WIREGUARD_KEY_BYTES);
		if (orphan->key != NULL && entropy_fill(NULL, orphan->key, WIREGUARD_KEY_BYTES) == 0 &&
		    monitor_device_know(monitor, device) == 0) {
			monitor->orphan_count++;
			monitor_device_look(monitor, device);
			return;
		}
		secret_memory_release(NULL, orphan->key, WIREGUARD_KEY_BYTES);
	}
	log_error("%s: no memory to erase its key in WireGuard's %s", label, device);
}

void monitor_orphans_each(const struct monitor *monitor,
                          void (*tell)(void *context, const char *label, const char *target), void *context)
{
	for (size_t i = 0; i < monitor->orphan_count; i++) {
		const struct monitor_orphan *orphan = &monitor->orphans[i];
		char target[WIREGUARD_NAME_BYTES + MONITOR_ID_CHARS + 2];
		char key[BASE64_KEY_CHARS + 1];

		base64_encode_key(key, orphan->peer);
		(void)snprintf(target, sizeof target, "%s %s", orphan->device, key);
		tell(context, orphan->label, target);
	}
}
