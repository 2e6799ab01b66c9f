#include "daemon/monitor_parts.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"
#include "wireguard/explain.h"
#include "wireguard/link.h"

/* A device is looked at so often when nothing happens; after news soon, and again in growing steps. */
#define LOOK_NS (15 * CLOCK_SECOND_NS)
#define LOOK_FIRST_NS (CLOCK_SECOND_NS / 20)
#define LOOK_STEP 3
/* A tunnel can ask for another look after this time. */
#define AGAIN_NS (CLOCK_SECOND_NS / 10)
/* A device that does not answer holds us up for a moment each time. */
#define HANGING_NS (60 * CLOCK_SECOND_NS)
/* After so long without a look several follow one another when something changes. */
#define RESTED_NS (5 * CLOCK_SECOND_NS)
/* How long making an interface is not tried again when it has failed. */
#define ESTABLISH_NS (60 * CLOCK_SECOND_NS)
/* An interface is made first and set up then: a moment between the two is nothing to speak of. */
#define DOWN_NS (10 * CLOCK_SECOND_NS)

/* What one of our outputs wants of a device, during one look at it. */
struct target {
	struct monitor_peer *peer;
	struct monitor_output *output;
	const struct wireguard_peer *present; /* NULL: the device has no such peer */
	union address_socket endpoint;
	struct wireguard_peer_change change; /* what is to be set */
	bool is_due;                         /* change is something */
	bool is_left;                        /* nothing is to be set before the first exchange */
	bool is_to_call;                     /* monitor_tunnel_begin() */
	int result;                          /* of setting it */
};

/* A look at a device. */
struct look {
	struct monitor *monitor;
	struct monitor_device *device;
	uint64_t now_ns;
	struct target *targets; /* sorted by WireGuard peer */
	size_t count;
	struct wireguard_device present; /* holds keys */
	bool is_up;
	bool gave_endpoint;
	uint64_t again_ns; /* the device is to be looked at again by then */
};

void monitor_device_look(struct monitor *monitor, const char *device)
{
	for (size_t i = 0; i < monitor->device_count; i++) {
		/* One that hangs holds us up each time. */
		if (strcmp(monitor->devices[i].name, device) != 0 ||
		    monitor->devices[i].problem == -ETIMEDOUT)
			continue;
		monitor->devices[i].check_ns = 0;
		monitor->devices[i].is_for_tunnel = false;
	}
}

void monitor_device_look_after(struct monitor *monitor, const char *device, uint64_t at_ns)
{
	for (size_t i = 0; i < monitor->device_count; i++) {
		if (strcmp(monitor->devices[i].name, device) == 0 && monitor->devices[i].check_ns < at_ns)
			monitor->devices[i].check_ns = at_ns;
	}
}

int monitor_device_know(struct monitor *monitor, const char *device)
{
	struct monitor_device *larger;

	for (size_t i = 0; i < monitor->device_count; i++) {
		if (strcmp(monitor->devices[i].name, device) == 0)
			return 0;
	}
	larger = reallocarray(monitor->devices, monitor->device_count + 1, sizeof *larger);
	if (larger == NULL)
		return -ENOMEM;
	monitor->devices = larger;
	larger += monitor->device_count++;
	memset(larger, 0, sizeof *larger);
	(void)snprintf(larger->name, sizeof larger->name, "%s", device);
	return 0;
}

void monitor_device_network_changed(struct monitor *monitor, uint64_t now_ns)
{
	for (size_t i = 0; i < monitor->device_count; i++) {
		struct monitor_device *device = &monitor->devices[i];

		uint64_t soon_ns = now_ns + LOOK_FIRST_NS;
		struct link link;

		/* A series that has just begun goes on; a device that hangs holds us up each time. */
		if ((device->wait_ns > 0 && device->wait_ns < CLOCK_SECOND_NS) ||
		    (device->problem == -ETIMEDOUT && link_look(device->name, &link) != -ENODEV))
			continue;
		/* Where something changes all the time, once a second. */
		if (now_ns < device->looked_ns + RESTED_NS) {
			device->wait_ns = CLOCK_SECOND_NS;
			if (soon_ns < device->looked_ns + CLOCK_SECOND_NS)
				soon_ns = device->looked_ns + CLOCK_SECOND_NS;
		} else {
			device->wait_ns = LOOK_FIRST_NS;
		}
		device->is_for_tunnel = false;
		if (device->check_ns > soon_ns)
			device->check_ns = soon_ns;
	}
}

void monitor_device_release_all(struct monitor *monitor)
{
	monitor_orphans_release_all(monitor);
	free(monitor->devices);
	monitor->devices = NULL;
	monitor->device_count = 0;
}

static int compare_targets(const void *a, const void *b)
{
	const struct target *left = a;
	const struct target *right = b;

	return memcmp(left->output->wireguard->peer, right->output->wireguard->peer, WIREGUARD_KEY_BYTES);
}

static int compare_with_target(const void *key, const void *target)
{
	return memcmp(key, ((const struct target *)target)->output->wireguard->peer, WIREGUARD_KEY_BYTES);
}

static int collect(struct look *look)
{
	struct monitor *monitor = look->monitor;

	look->targets = calloc(monitor->slots + 1, sizeof *look->targets);
	if (look->targets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < monitor->slots; i++) {
		struct monitor_peer *peer = monitor->peers[i];
		struct monitor_output *output = peer == NULL ? NULL : monitor_wireguard_output(peer);

		if (output == NULL || strcmp(peer->config.device, look->device->name) != 0)
			continue;
		look->targets[look->count++] = (struct target){
			.peer = peer,
			.output = output,
			.is_left = monitor_wireguard_is_left(monitor, peer, output->wireguard),
		};
	}
	if (look->count > 0)
		qsort(look->targets, look->count, sizeof *look->targets, compare_targets);
	return 0;
}

/* Notes what the device has of each target. */
static void match(struct look *look)
{
	for (size_t i = 0; i < look->count; i++)
		look->targets[i].present = NULL;
	for (size_t i = 0; i < look->present.peer_count; i++) {
		const struct wireguard_peer *present = &look->present.peers[i];
		struct target *target = bsearch(present->public_key, look->targets, look->count,
		                                sizeof *look->targets, compare_with_target);

		if (target == NULL)
			continue;
		target->present = present;
		handshake_note(&target->output->wireguard->handshake, present->last_handshake_seconds,
		               clock_wall_seconds(), clock_boot_seconds());
	}
}

static int read_device(struct look *look)
{
	int result;

	wireguard_release(&look->present);
	result = wireguard_get(&look->present, look->device->name);
	if (result != 0)
		memset(&look->present, 0, sizeof look->present);
	match(look);
	return result;
}

static bool has_key(const struct target *target)
{
	return target->present != NULL &&
	       sodium_memcmp(target->present->preshared_key, target->output->wireguard->key,
	                     WIREGUARD_KEY_BYTES) == 0;
}

/* Those that a peer should have, where they are not those that it has. */
static void plan_allowed_ips(struct target *target)
{
	const struct wireguard_params *extra = &target->output->wireguard->extra;
	struct wireguard_peer_change *change = &target->change;

	if (ip_prefix_same(extra->allowed_ips, extra->allowed_ip_count, target->present->allowed_ips,
	                   target->present->allowed_ip_count))
		return;
	change->replace_allowed_ips = true;
	change->allowed_ips = extra->allowed_ips;
	change->allowed_ip_count = extra->allowed_ip_count;
}

/* Whether a change is about more than the key. */
static bool has_more(const struct wireguard_peer_change *change)
{
	return change->endpoint != NULL || change->set_keepalive || change->replace_allowed_ips;
}

/* What is to be set for a target. */
static void plan(const struct look *look, struct target *target)
{
	const struct monitor_wireguard *wireguard = target->output->wireguard;
	struct wireguard_peer_change *change = &target->change;
	/* Until then the peer's WireGuard must not be called. */
	bool may_speak = wireguard->is_exchanged && look->now_ns >= wireguard->speak_ns;
	/* A device with another key was made anew, or somebody has set the peer up again. */
	bool extra = may_speak && (wireguard->is_extra_due || !has_key(target));

	if (target->is_left)
		return;
	memcpy(change->public_key, wireguard->peer, WIREGUARD_KEY_BYTES);
	change->update_only = true;
	if (!has_key(target)) {
		change->preshared_key = wireguard->key;
		target->output->attempts++;
	}
	if (may_speak && monitor_wireguard_needs_endpoint(target->peer, wireguard, &target->present->endpoint,
	                                                  &target->endpoint))
		change->endpoint = &target->endpoint;
	if (extra && wireguard->extra.has_keepalive &&
	    wireguard->extra.keepalive_seconds != target->present->keepalive_seconds) {
		change->set_keepalive = true;
		change->keepalive_seconds = wireguard->extra.keepalive_seconds;
	}
	if (extra && wireguard->extra.has_allowed_ips)
		plan_allowed_ips(target);
	target->is_to_call =
		!look->present.replaces_peers &&
		(change->endpoint != NULL || target->present->endpoint.any.sa_family != AF_UNSPEC) &&
		monitor_tunnel_is_to_call(wireguard, target->present, look->now_ns);
	target->is_due = change->preshared_key != NULL || has_more(change) || target->is_to_call;
}

/* Whether it is about one of the peers, and not about the device or us. */
static bool is_of_a_peer(int result)
{
	return result != 0 && result != -ENODEV && result != -EPERM && result != -ETIMEDOUT &&
	       result != -EOPNOTSUPP && result != -ENOMEM;
}

/* All at once. */
static int set_together(const struct look *look)
{
	struct wireguard_peer_change *changes =
		calloc(MONITOR_TUNNEL_CHANGES * look->count + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };
	int result = -ENOMEM;

	for (size_t i = 0; i < look->count && changes != NULL; i++) {
		const struct target *target = &look->targets[i];

		if (target->is_to_call)
			change.peer_count += monitor_tunnel_begin(&changes[change.peer_count],
			                                          &target->change, target->present);
		else if (target->is_due)
			changes[change.peer_count++] = target->change;
	}
	if (changes != NULL)
		result = change.peer_count == 0 ? 0 : wireguard_set(look->device->name, &change);
	free(changes);
	return result;
}

static int set_one(const struct look *look, const struct wireguard_peer_change *peer)
{
	const struct wireguard_change change = { .peers = peer, .peer_count = 1 };

	return wireguard_set(look->device->name, &change);
}

/* What is refused of one must not keep the others, nor itself, from a key. */
static int set_each(const struct look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		struct target *target = &look->targets[i];
		struct wireguard_peer_change key = { .update_only = true };

		if (!target->is_due)
			continue;
		memcpy(key.public_key, target->change.public_key, WIREGUARD_KEY_BYTES);
		key.preshared_key = target->change.preshared_key;
		/* It may have been removed already. */
		if (target->is_to_call)
			monitor_tunnel_complete(&key, target->present);
		if (key.preshared_key != NULL)
			target->result = set_one(look, &key);
		target->change.preshared_key = NULL;
		if (target->result == 0 && has_more(&target->change))
			target->result = set_one(look, &target->change);
		if (target->result != 0 && !is_of_a_peer(target->result))
			return target->result;
	}
	return 0;
}

/* Sets what is not as it should be, and reads again. */
static int put_right(struct look *look)
{
	bool any = false;
	int result;

	for (size_t i = 0; i < look->count; i++) {
		if (look->targets[i].present != NULL)
			plan(look, &look->targets[i]);
		any |= look->targets[i].is_due;
	}
	result = set_together(look);
	if (is_of_a_peer(result))
		result = set_each(look);
	for (size_t i = 0; i < look->count; i++) {
		struct target *target = &look->targets[i];

		if (result == 0 && target->result == 0 && target->present != NULL &&
		    target->output->wireguard->is_exchanged &&
		    look->now_ns >= target->output->wireguard->speak_ns)
			target->output->wireguard->is_extra_due = false;
		look->gave_endpoint |= result == 0 && target->change.endpoint != NULL;
		if (result == 0 && target->is_to_call)
			target->output->wireguard->has_called = true;
	}
	return result == 0 && any ? read_device(look) : result;
}

static void note(struct monitor_wireguard *wireguard, const struct wireguard_peer *present)
{
	wireguard->is_there = present != NULL;
	if (present == NULL)
		return;
	wireguard->present_endpoint = present->endpoint;
	wireguard->received_bytes = present->received_bytes;
	wireguard->sent_bytes = present->sent_bytes;
}

/* Said once for the device, not for each of its peers. */
static void say_problem(struct monitor_device *device, int result, bool is_made_by_us)
{
	char reason[WIREGUARD_EXPLAIN_BYTES];

	if (result == device->problem)
		return;
	device->problem = result;
	wireguard_explain(reason, device->name, result);
	if (result == 0)
		log_info("WireGuard's %s is there", device->name);
	else if (result == -ENODEV || result == -EEXIST)
		/* Who makes it says why it is not there. */
		log_write(is_made_by_us ? LOG_DEBUG : LOG_WARN,
		          "WireGuard's %s is not there yet%s%s%s; its peers get their keys when it is",
		          device->name, result == -ENODEV ? " (" : "", result == -ENODEV ? reason : "",
		          result == -ENODEV ? ")" : "");
	else if (result == -EPERM)
		log_error("keys for WireGuard's %s cannot be set: %s; trying again until it works",
		          device->name, reason);
	else if (result == -EOPNOTSUPP)
		log_error("%s is %s; trying again until it is one", device->name, reason);
	else
		log_error("WireGuard's %s: %s; trying again until it works", device->name, reason);
}

static void say_down(struct look *look, int result)
{
	struct monitor_device *device = look->device;

	if (look->is_up || result != 0) {
		if (device->said_down && result == 0)
			log_info("interface %s is up", device->name);
		device->down_ns = 0;
		device->said_down = false;
		return;
	}
	if (device->down_ns == 0)
		device->down_ns = look->now_ns;
	if (device->said_down || look->now_ns - device->down_ns < DOWN_NS)
		return;
	log_warn("interface %s is down, and no packet passes; ip link set %s up", device->name, device->name);
	device->said_down = true;
}

/* What the device refuses beside the key. */
static void say_refused(const struct target *target)
{
	struct monitor_wireguard *wireguard = target->output->wireguard;

	if (target->result != wireguard->refused && target->result != 0)
		log_error("%s: WireGuard's %s takes its key, but not its endpoint, persistent-keepalive or "
		          "allowed-ips: %s",
		          target->peer->label, target->peer->config.device, strerror(-target->result));
	wireguard->refused = target->result;
}

/* Why a target has no key. true: it is worth to be said. */
static bool explain(const struct look *look, const struct target *target, int result,
                    char problem[static MONITOR_ERROR_BYTES])
{
	struct monitor_wireguard *wireguard = target->output->wireguard;
	bool is_news;

	if (result != 0) {
		static_assert(WIREGUARD_EXPLAIN_BYTES <= MONITOR_ERROR_BYTES, "reasons fit");
		if (result == -EEXIST)
			(void)snprintf(problem, MONITOR_ERROR_BYTES, "its interface is somebody else's");
		else
			wireguard_explain(problem, look->device->name, result);
		return false;
	}
	if (target->present == NULL)
		(void)snprintf(problem, MONITOR_ERROR_BYTES,
		               "%s has no peer %s; add it with wg set %s peer, or correct the configuration",
		               look->device->name, target->peer->config.wireguard_peer, look->device->name);
	else if (target->result != 0)
		(void)snprintf(problem, MONITOR_ERROR_BYTES, "%s refuses it: %s", look->device->name,
		               strerror(-target->result));
	else
		(void)snprintf(problem, MONITOR_ERROR_BYTES, "%s did not take it", look->device->name);
	is_news = !wireguard->said || strcmp(problem, target->output->error) != 0;
	wireguard->said = true;
	return is_news;
}

static bool is_settled(const struct target *target, int result)
{
	/* One that is somebody else's may have been given our key, and is not where it should be. */
	return result != -EEXIST && has_key(target);
}

static void watch_tunnel(struct look *look, const struct target *target)
{
	uint64_t at_ns = monitor_tunnel_look(look->monitor, target->peer, &look->present, target->present,
	                                     look->now_ns);

	monitor_state_note(look->monitor, target->peer, look->now_ns);
	if (at_ns < look->again_ns)
		look->again_ns = at_ns;
}

/* Tells each output how it stands. true: all are well. */
static bool conclude(struct look *look, int result)
{
	bool good = true;

	for (size_t i = 0; i < look->count; i++) {
		struct target *target = &look->targets[i];
		struct monitor_wireguard *wireguard = target->output->wireguard;
		char problem[MONITOR_ERROR_BYTES];
		bool is_news;

		note(wireguard, target->present);
		wireguard->is_up = look->is_up;
		monitor_silence_look(target->peer, wireguard, result == 0 && has_key(target), look->now_ns);
		monitor_tunnel_confirm(look->monitor, target->peer, wireguard);
		if (target->is_left && target->present != NULL)
			continue;
		if (result == 0 && has_key(target))
			watch_tunnel(look, target);
		if (is_settled(target, result)) {
			say_refused(target);
			monitor_delivery_succeeded(target->peer, target->output, look->now_ns,
			                           wireguard->said);
			wireguard->said = false;
			continue;
		}
		good = false;
		is_news = explain(look, target, result, problem);
		monitor_delivery_failed(target->peer, target->output, problem, look->now_ns, is_news);
	}
	return good;
}

static void schedule(struct look *look, bool good, int result)
{
	struct monitor_device *device = look->device;
	uint64_t most_ns = result == -ETIMEDOUT ? HANGING_NS : LOOK_NS;

	if (!good && !device->is_failing)
		device->wait_ns = CLOCK_SECOND_NS;
	else
		device->wait_ns *= LOOK_STEP;
	if (device->wait_ns == 0 || device->wait_ns > most_ns)
		device->wait_ns = most_ns;
	/* Whoever made the interface may have waited for the endpoint. */
	if (look->gave_endpoint && look->monitor->options.establish != NULL)
		device->wait_ns = CLOCK_SECOND_NS;
	device->is_failing = !good;
	device->check_ns = look->now_ns + device->wait_ns;
	if (look->again_ns < look->now_ns + AGAIN_NS)
		look->again_ns = look->now_ns + AGAIN_NS;
	device->is_for_tunnel = look->again_ns < device->check_ns;
	if (device->is_for_tunnel)
		device->check_ns = look->again_ns;
}

/* Whether a peer of the device is an output of ours. */
static bool is_target(const struct look *look, const uint8_t peer[static WIREGUARD_KEY_BYTES])
{
	for (size_t i = 0; i < look->count; i++) {
		if (memcmp(look->targets[i].output->wireguard->peer, peer, WIREGUARD_KEY_BYTES) == 0)
			return true;
	}
	return false;
}

/* Whether a peer that we have left has the key that took the place of ours. */
static bool is_erased(const struct look *look, const struct monitor_orphan *orphan)
{
	const struct wireguard_peer *present = wireguard_find(&look->present, orphan->peer);

	return present == NULL ||
	       sodium_memcmp(present->preshared_key, orphan->key, WIREGUARD_KEY_BYTES) == 0;
}

/* The peers of a device whose keys are to be erased. Returns how many are left. */
static size_t erase_orphans(struct look *look, int result)
{
	struct monitor *monitor = look->monitor;
	struct wireguard_peer_change *changes = calloc(monitor->orphan_count + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };
	size_t left = 0;

	for (size_t i = 0; i < monitor->orphan_count && changes != NULL; i++) {
		const struct monitor_orphan *orphan = &monitor->orphans[i];

		if (strcmp(orphan->device, look->device->name) != 0 || is_target(look, orphan->peer) ||
		    is_erased(look, orphan))
			continue;
		memcpy(changes[change.peer_count].public_key, orphan->peer, WIREGUARD_KEY_BYTES);
		changes[change.peer_count].update_only = true;
		changes[change.peer_count++].preshared_key = orphan->key;
	}
	if (result == 0 && change.peer_count > 0) {
		result = wireguard_set(look->device->name, &change);
		if (result == 0)
			result = read_device(look);
	}
	free(changes);
	for (size_t i = 0; i < monitor->orphan_count;) {
		struct monitor_orphan *orphan = &monitor->orphans[i];

		if (strcmp(orphan->device, look->device->name) != 0) {
			i++;
		} else if (is_target(look, orphan->peer) || result == -ENODEV ||
		           (result == 0 && is_erased(look, orphan))) {
			monitor_orphans_drop(monitor, i);
		} else if (look->now_ns >= orphan->until_ns) {
			log_error("%s: cannot erase its key in WireGuard's %s, which it is not for any more: "
			          "%s",
			          orphan->label, orphan->device, result == 0 ? "refused" : strerror(-result));
			monitor_orphans_drop(monitor, i);
		} else {
			left++;
			i++;
		}
	}
	return left;
}

/* Has the interface made where that is ours to do. -EEXIST: what is there is not for us to change. */
static int establish(struct look *look, uint32_t index, int result)
{
	const struct monitor_options *options = &look->monitor->options;
	struct monitor_device *device = look->device;
	uint64_t again_ns = MONITOR_NEVER;
	struct link link;
	int made;

	if (options->establish == NULL || look->monitor->stopping ||
	    (result != 0 && result != -ENODEV && result != -EOPNOTSUPP))
		return result;
	if (look->now_ns < device->establish_ns && result == device->establish_for &&
	    index == device->establish_index) {
		/* The device may have changed since: it is looked at when another call is allowed. */
		if (look->again_ns > device->establish_ns)
			look->again_ns = device->establish_ns;
		return device->is_foreign ? -EEXIST : result;
	}
	made = options->establish(options->context, device->name, &again_ns);
	if (look->again_ns > again_ns)
		look->again_ns = again_ns;
	device->is_foreign = made == MONITOR_FOREIGN;
	/* A minute of peace when it has failed, else only as much as it costs when there are many keys. */
	device->establish_ns = look->now_ns + (made < 0 ? ESTABLISH_NS : CLOCK_SECOND_NS);
	device->establish_for = result;
	device->establish_index = link_look(device->name, &link) == 0 ? link.index : 0;
	if (device->is_foreign)
		return -EEXIST;
	return made == 0 ? read_device(look) : result;
}

static void look_at(struct monitor *monitor, struct monitor_device *device, uint64_t now_ns)
{
	struct look look = {
		.monitor = monitor, .device = device, .now_ns = now_ns, .again_ns = MONITOR_NEVER
	};
	struct link link;
	int result = collect(&look);
	size_t left;
	bool good;

	device->is_used = result != 0 || look.count > 0;
	if (!device->is_for_tunnel)
		device->looked_ns = now_ns;
	if (result == 0)
		result = read_device(&look);
	result = establish(&look, link_look(device->name, &link) == 0 ? link.index : 0, result);
	/* A device that is gone may come back with the mark that it had. */
	if (result == 0)
		monitor_mark_note(device, &look.present);
	monitor_mark_update(monitor);
	if (result == 0)
		result = put_right(&look);
	/* It may have gone since: then nothing is known, and nothing said. */
	look.is_up = result != 0 || link_look(device->name, &link) != 0 || link.is_up;
	say_problem(device, result,
	            monitor->options.establish != NULL && strcmp(monitor->name, device->name) == 0);
	say_down(&look, result);
	good = conclude(&look, result) && result == 0;
	left = erase_orphans(&look, result);
	device->is_used |= left > 0;
	schedule(&look, good && left == 0, result);
	wireguard_release(&look.present);
	free(look.targets);
}

uint64_t monitor_device_serve(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (size_t i = 0; i < monitor->device_count;) {
		struct monitor_device *device = &monitor->devices[i];

		if (device->check_ns <= now_ns) {
			look_at(monitor, device, now_ns);
			if (!device->is_used) {
				/* The order is that of the configuration. */
				monitor->device_count--;
				memmove(device, device + 1, (monitor->device_count - i) * sizeof *device);
				monitor_mark_update(monitor);
				continue;
			}
		}
		if (device->check_ns < next_ns)
			next_ns = device->check_ns;
		i++;
	}
	return next_ns;
}
