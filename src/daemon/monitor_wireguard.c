#include "daemon/monitor_parts.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/prefix.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* A device is looked at so often when nothing happens; after news soon, and again in growing steps. */
#define LOOK_NS (15 * CLOCK_SECOND_NS)
#define LOOK_FIRST_NS (CLOCK_SECOND_NS / 20)
#define LOOK_STEP 3
/* A device that does not answer holds us up for a moment each time. */
#define HANGING_NS (60 * CLOCK_SECOND_NS)
/* WireGuard's own REJECT_AFTER_TIME: without a handshake for so long there is no session. */
#define SESSION_SECONDS 180

/* What one of our outputs wants of a device, during one look at it. */
struct target {
	struct monitor_peer *peer;
	struct monitor_output *output;
	const struct wireguard_peer *present; /* NULL: the device has no such peer */
	union address_socket endpoint;
	struct wireguard_allowed_ip *allowed_ips;
};

/* A look at a device. */
struct look {
	struct monitor *monitor;
	struct monitor_device *device;
	uint64_t now_ns;
	struct target *targets; /* sorted by WireGuard peer */
	size_t count;
	struct wireguard_device present; /* holds keys */
};

static int read_extra(struct monitor_wireguard *wireguard, const struct config_peer *config)
{
	struct wireguard_words words;
	char problem[WIREGUARD_WORDS_PROBLEM_BYTES];
	char *endpoint = NULL;

	if (wireguard_words_read(&words, config->extra_params.words, config->extra_params.count, problem) !=
	    0) {
		log_error("extra_params: %s", problem);
		return -EINVAL;
	}
	if (words.endpoint != NULL) {
		endpoint = strdup(words.endpoint);
		if (endpoint == NULL) {
			wireguard_words_release(&words);
			return -ENOMEM;
		}
	}
	wireguard_words_release(&wireguard->extra);
	free(wireguard->endpoint);
	wireguard->extra = words;
	wireguard->extra.endpoint = NULL;
	wireguard->endpoint = endpoint;
	wireguard->is_extra_due = true;
	memset(&wireguard->resolved, 0, sizeof wireguard->resolved);
	monitor_backoff_none(&wireguard->resolve);
	if (endpoint != NULL && !address_is_literal(endpoint))
		wireguard->resolve.next_ns = 0;
	return 0;
}

struct monitor_wireguard *monitor_wireguard_create(const struct config_peer *config)
{
	struct monitor_wireguard *wireguard = calloc(1, sizeof *wireguard);

	if (wireguard == NULL)
		return NULL;
	wireguard->key = secret_memory_allocate(NULL, WIREGUARD_KEY_BYTES);
	if (wireguard->key == NULL || entropy_fill(NULL, wireguard->key, WIREGUARD_KEY_BYTES) != 0 ||
	    base64_decode_key(wireguard->peer, config->wireguard_peer, strlen(config->wireguard_peer)) != 0 ||
	    read_extra(wireguard, config) != 0) {
		monitor_wireguard_release(wireguard);
		return NULL;
	}
	return wireguard;
}

void monitor_wireguard_release(struct monitor_wireguard *wireguard)
{
	if (wireguard == NULL)
		return;
	secret_memory_release(NULL, wireguard->key, WIREGUARD_KEY_BYTES);
	wireguard_words_release(&wireguard->extra);
	free(wireguard->endpoint);
	free(wireguard);
}

int monitor_wireguard_change(struct monitor_wireguard *wireguard, const struct config_peer *config)
{
	return read_extra(wireguard, config);
}

void monitor_wireguard_take_key(struct monitor_wireguard *wireguard, const uint8_t *key, bool is_exchanged)
{
	memcpy(wireguard->key, key, WIREGUARD_KEY_BYTES);
	wireguard->is_exchanged = is_exchanged;
	wireguard->is_extra_due = true;
}

struct monitor_output *monitor_wireguard_output(struct monitor_peer *peer)
{
	for (size_t i = 0; i < peer->output_count; i++) {
		if (peer->outputs[i].kind == MONITOR_WIREGUARD)
			return &peer->outputs[i];
	}
	return NULL;
}

void monitor_wireguard_look(struct monitor *monitor, const char *device)
{
	for (size_t i = 0; i < monitor->device_count; i++) {
		/* One that hangs holds us up each time. */
		if (strcmp(monitor->devices[i].name, device) == 0 &&
		    monitor->devices[i].problem != -ETIMEDOUT)
			monitor->devices[i].check_ns = 0;
	}
}

int monitor_wireguard_know(struct monitor *monitor, const char *device)
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

void monitor_wireguard_network_changed(struct monitor *monitor, uint64_t now_ns)
{
	for (size_t i = 0; i < monitor->device_count; i++) {
		struct monitor_device *device = &monitor->devices[i];

		/* A series that has just begun goes on; a device that hangs holds us up each time. */
		if ((device->wait_ns > 0 && device->wait_ns < CLOCK_SECOND_NS) ||
		    device->problem == -ETIMEDOUT)
			continue;
		device->wait_ns = LOOK_FIRST_NS;
		if (device->check_ns > now_ns + LOOK_FIRST_NS)
			device->check_ns = now_ns + LOOK_FIRST_NS;
	}
}

void monitor_wireguard_release_devices(struct monitor *monitor)
{
	free(monitor->devices);
	monitor->devices = NULL;
	monitor->device_count = 0;
}

void monitor_wireguard_abandon(const struct monitor_peer *peer, const struct config_peer *config)
{
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	uint8_t key[WIREGUARD_KEY_BYTES];
	int result = -EIO;

	if (base64_decode_key(public_key, config->wireguard_peer, strlen(config->wireguard_peer)) == 0 &&
	    entropy_fill(NULL, key, sizeof key) == 0)
		result = wireguard_set_preshared_key(config->device, public_key, key, NULL, NULL);
	sodium_memzero(key, sizeof key);
	/* Where there is no device and no peer there is no key either. */
	if (result != 0 && result != -ENODEV && result != -ENOENT)
		log_error("%s: cannot erase its key in WireGuard's %s, which it is not for any more: %s",
		          peer->label, config->device, strerror(-result));
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

		/* Of a peer that leaves only the end counts, until it has come or somebody else took over. */
		if (output == NULL || strcmp(peer->config.device, look->device->name) != 0 ||
		    (peer->leaving && (output->last_try || output->state == MONITOR_DELIVERED)))
			continue;
		look->targets[look->count++] = (struct target){ .peer = peer, .output = output };
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

		if (target != NULL)
			target->present = present;
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

static bool is_complete(const struct look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		if (look->targets[i].present == NULL && !look->targets[i].peer->leaving)
			return false;
	}
	return true;
}

static bool has_key(const struct target *target)
{
	return target->present != NULL &&
	       sodium_memcmp(target->present->preshared_key, target->output->wireguard->key,
	                     WIREGUARD_KEY_BYTES) == 0;
}

/* The same host in both "HOST:PORT". */
static bool same_host(const char *a, const char *b)
{
	size_t a_length = (size_t)(strrchr(a, ':') - a);
	size_t b_length = (size_t)(strrchr(b, ':') - b);

	return a_length == b_length && strncmp(a, b, a_length) == 0;
}

static void set_port(union address_socket *address, const char *endpoint)
{
	in_port_t port = htons((uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10));

	if (address->any.sa_family == AF_INET6)
		address->v6.sin6_port = port;
	else
		address->v4.sin_port = port;
}

/* Whether the endpoint of WireGuard is on the host where the peer's Rosenpass is. */
static bool is_beside(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard)
{
	return peer->config.endpoint != NULL && same_host(wireguard->endpoint, peer->config.endpoint);
}

bool monitor_wireguard_needs_name(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard)
{
	return wireguard->endpoint != NULL && !address_is_literal(wireguard->endpoint) &&
	       !is_beside(peer, wireguard);
}

/* Where WireGuard should send to, as far as it is known. */
static bool wanted_endpoint(const struct monitor_peer *peer, const struct monitor_wireguard *wireguard,
                            union address_socket *out)
{
	const char *problem;

	if (wireguard->endpoint == NULL)
		return false;
	if (address_is_literal(wireguard->endpoint))
		return address_parse(wireguard->endpoint, out, &problem) == 0;
	/* Of all addresses of the name, that from which the peer has proved who it is. */
	*out = is_beside(peer, wireguard) ? peer->last : wireguard->resolved;
	if (out->any.sa_family == AF_UNSPEC)
		return false;
	set_port(out, wireguard->endpoint);
	return true;
}

/* Whether the device should send elsewhere. An endpoint that works is WireGuard's own business. */
static bool needs_endpoint(struct target *target)
{
	const struct wireguard_peer *present = target->present;
	uint64_t now = (uint64_t)time(NULL);

	if (!target->output->wireguard->is_exchanged ||
	    !wanted_endpoint(target->peer, target->output->wireguard, &target->endpoint) ||
	    address_equal(&present->endpoint, &target->endpoint))
		return false;
	return present->endpoint.any.sa_family == AF_UNSPEC ||
	       present->last_handshake_seconds + SESSION_SECONDS < now;
}

static int copy_allowed_ips(struct target *target, struct wireguard_peer_change *change)
{
	const struct wireguard_words *extra = &target->output->wireguard->extra;

	target->allowed_ips = prefix_convert(extra->allowed_ips, extra->allowed_ip_count);
	if (target->allowed_ips == NULL)
		return -ENOMEM;
	change->replace_allowed_ips = true;
	change->allowed_ips = target->allowed_ips;
	change->allowed_ip_count = extra->allowed_ip_count;
	return 0;
}

/* What is to be set for a target. false: nothing. */
static bool plan(struct target *target, struct wireguard_peer_change *change)
{
	struct monitor_wireguard *wireguard = target->output->wireguard;
	bool key = !has_key(target);
	bool extra = wireguard->is_exchanged && (wireguard->is_extra_due || key);
	bool endpoint = needs_endpoint(target);

	memset(change, 0, sizeof *change);
	memcpy(change->public_key, wireguard->peer, WIREGUARD_KEY_BYTES);
	change->update_only = true;
	if (key)
		change->preshared_key = wireguard->key;
	if (endpoint)
		change->endpoint = &target->endpoint;
	if (extra && wireguard->extra.has_keepalive &&
	    wireguard->extra.keepalive_seconds != target->present->keepalive_seconds) {
		change->set_keepalive = true;
		change->keepalive_seconds = wireguard->extra.keepalive_seconds;
	}
	if (extra && wireguard->extra.has_allowed_ips && copy_allowed_ips(target, change) != 0)
		return key || endpoint;
	return key || endpoint || change->set_keepalive || change->replace_allowed_ips;
}

/* boringtun does not know update_only. Its peers were all there a moment ago. */
static int set_existing(const struct look *look, struct wireguard_peer_change *changes,
                        const struct wireguard_change *change)
{
	int result = wireguard_set(look->device->name, change);

	if (result != -EINVAL || !look->present.in_userspace)
		return result;
	for (size_t i = 0; i < change->peer_count; i++)
		changes[i].update_only = false;
	return wireguard_set(look->device->name, change);
}

/* Sets what is not as it should be, and reads again. */
static int put_right(struct look *look)
{
	struct wireguard_peer_change *changes = calloc(look->count + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };
	int result = 0;

	if (changes == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < look->count; i++) {
		struct target *target = &look->targets[i];

		if (target->present == NULL || !plan(target, &changes[change.peer_count]))
			continue;
		if (changes[change.peer_count].preshared_key != NULL)
			target->output->attempts++;
		change.peer_count++;
	}
	if (change.peer_count > 0) {
		result = set_existing(look, changes, &change);
		if (result == 0)
			result = read_device(look);
	}
	for (size_t i = 0; i < look->count && result == 0; i++) {
		struct monitor_wireguard *wireguard = look->targets[i].output->wireguard;

		if (look->targets[i].present != NULL && wireguard->is_exchanged)
			wireguard->is_extra_due = false;
	}
	for (size_t i = 0; i < look->count; i++)
		free(look->targets[i].allowed_ips);
	free(changes);
	return result;
}

static void note(struct monitor_wireguard *wireguard, const struct wireguard_peer *present)
{
	wireguard->is_there = present != NULL;
	if (present == NULL)
		return;
	wireguard->present_endpoint = present->endpoint;
	wireguard->last_handshake_seconds = present->last_handshake_seconds;
	wireguard->received_bytes = present->received_bytes;
	wireguard->sent_bytes = present->sent_bytes;
}

/* Said once for the device, not for each of its peers. */
static void say_problem(struct monitor_device *device, int result, bool waits)
{
	if (result == device->problem)
		return;
	device->problem = result;
	if (result == 0)
		log_info("WireGuard's %s is there", device->name);
	else if (result == -ENODEV && waits)
		log_warn("WireGuard's %s is not there yet; its peers get their keys when it is",
		         device->name);
	else if (result == -EPERM)
		log_error(
			"keys for WireGuard's %s cannot be set without CAP_NET_ADMIN; start as root, or with "
			"AmbientCapabilities=CAP_NET_ADMIN; trying again until it works",
			device->name);
	else if (result == -EOPNOTSUPP)
		log_error("%s is no WireGuard interface; trying again until it is", device->name);
	else
		log_error("WireGuard's %s: %s; trying again until it works", device->name, strerror(-result));
}

/* Tells each output how it stands. true: all are well. */
static bool conclude(struct look *look, int result)
{
	bool good = true;

	for (size_t i = 0; i < look->count; i++) {
		struct target *target = &look->targets[i];
		char problem[MONITOR_ERROR_BYTES];

		note(target->output->wireguard, target->present);
		if (has_key(target)) {
			monitor_delivery_succeeded(target->peer, target->output, look->now_ns);
			continue;
		}
		good = false;
		if (result != 0)
			(void)snprintf(problem, sizeof problem, "%s", strerror(-result));
		else if (target->present == NULL)
			(void)snprintf(problem, sizeof problem, "%s has no peer %s", look->device->name,
			               target->peer->config.wireguard_peer);
		else
			(void)snprintf(problem, sizeof problem, "%s did not take it", look->device->name);
		monitor_delivery_failed(target->peer, target->output, problem, look->now_ns, result == 0);
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
	device->is_failing = !good;
	device->check_ns = look->now_ns + device->wait_ns;
}

static void look_at(struct monitor *monitor, struct monitor_device *device, uint64_t now_ns)
{
	struct look look = { .monitor = monitor, .device = device, .now_ns = now_ns };
	int result = collect(&look);
	bool good;

	device->is_used = result != 0 || look.count > 0;
	if (result == 0)
		result = read_device(&look);
	if (monitor->options.establish != NULL && !monitor->stopping &&
	    (result == -ENODEV || (result == 0 && (!is_complete(&look) || device->is_unfinished)))) {
		int made = monitor->options.establish(monitor->options.context, device->name);

		device->is_unfinished = made < 0;
		if (made == 0)
			result = read_device(&look);
	}
	if (result == 0)
		result = put_right(&look);
	say_problem(device, result, monitor->options.establish == NULL);
	good = conclude(&look, result) && result == 0;
	schedule(&look, good, result);
	wireguard_release(&look.present);
	free(look.targets);
}

uint64_t monitor_wireguard_serve(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (size_t i = 0; i < monitor->device_count;) {
		struct monitor_device *device = &monitor->devices[i];

		if (device->check_ns <= now_ns) {
			look_at(monitor, device, now_ns);
			if (!device->is_used) {
				*device = monitor->devices[--monitor->device_count];
				continue;
			}
		}
		if (device->check_ns < next_ns)
			next_ns = device->check_ns;
		i++;
	}
	return next_ns;
}
