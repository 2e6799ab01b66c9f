#include "delivery/device_reconcile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/ct.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"
#include "wireguard/explain.h"

/* The longest wait; after news a device is reconciled soon, and again in growing steps. */
#define LOOK_NS (15 * CLOCK_SECOND_NS)
#define LOOK_STEP 3
/* A peer can ask for another reconciliation after this time. */
#define AGAIN_NS (CLOCK_SECOND_NS / 10)
/* A device that does not answer holds us up for a moment each time. */
#define HANGING_NS (60 * CLOCK_SECOND_NS)
/* A peer with a prefix this short takes the packets for the whole Internet, or for half of it. */
#define FULL_TUNNEL_BITS 1
/* After a failure wait a minute before ensure(); otherwise a second, since checks of many peers are slow. */
#define ENSURE_NS (60 * CLOCK_SECOND_NS)
/* Interfaces are created before they are brought up; warn only after this long. */
#define DOWN_NS (10 * CLOCK_SECOND_NS)

/* A reconciliation of some peers, or of all. The arrays are in the order of peers, which are sorted. */
struct look {
	const struct device_context *context;
	struct device *device;
	bool is_for_all;
	struct device_peer **peers; /* of the device if is_for_all, else allocated */
	size_t count;
	struct device_target *targets;
	struct device_step *steps;
	int *results;                    /* of setting each */
	struct wireguard_device present; /* holds keys */
	bool is_up;
	bool gave_endpoint;
	uint64_t again_ns; /* all peers are to be reconciled again by then */
};

static int compare_peers(const void *a, const void *b)
{
	const struct device_peer *const *left = a;
	const struct device_peer *const *right = b;

	return memcmp((*left)->public_key, (*right)->public_key, WIREGUARD_KEY_BYTES);
}

/* Takes the peers off the list of unread ones. */
static void choose_unread(struct look *look)
{
	look->count = 0;
	while (look->device->unread != NULL) {
		struct device_peer *peer = look->device->unread;

		device_remove_unread(peer);
		look->peers[look->count++] = peer;
	}
	if (look->count > 0)
		qsort(look->peers, look->count, sizeof(*look->peers), compare_peers);
}

static void choose_all(struct look *look)
{
	struct device *device = look->device;

	while (device->unread != NULL)
		device_remove_unread(device->unread);
	look->peers = device->peers;
	look->count = device->count;
	look->is_for_all = true;
}

static void choose(struct look *look, bool is_for_all)
{
	if (!is_for_all)
		look->peers = calloc(look->device->unread_count + 1, sizeof(*look->peers));
	if (is_for_all || look->peers == NULL)
		choose_all(look);
	else
		choose_unread(look);
}

static int collect(struct look *look)
{
	look->targets = calloc(look->count + 1, sizeof *look->targets);
	look->steps = calloc(look->count + 1, sizeof *look->steps);
	look->results = calloc(look->count + 1, sizeof *look->results);
	if (look->targets == NULL || look->steps == NULL || look->results == NULL) {
		look->count = 0;
		return -ENOMEM;
	}
	for (size_t i = 0; i < look->count; i++) {
		memcpy(look->targets[i].public_key, look->peers[i]->public_key, WIREGUARD_KEY_BYTES);
		look->peers[i]->ops->want(look->peers[i], look->context->now_ns, &look->targets[i]);
	}
	return 0;
}

static void release(struct look *look)
{
	wireguard_release(&look->present);
	free(look->targets);
	free(look->steps);
	free(look->results);
	look->targets = NULL;
	look->steps = NULL;
	look->results = NULL;
	if (!look->is_for_all)
		free(look->peers);
	look->peers = NULL;
}

static int compare_retired(const void *a, const void *b)
{
	return memcmp((*(const struct retired_key *const *)a)->peer,
	              (*(const struct retired_key *const *)b)->peer, WIREGUARD_KEY_BYTES);
}

static int compare_key_with_retired(const void *key, const void *retired)
{
	return memcmp(key, (*(const struct retired_key *const *)retired)->peer, WIREGUARD_KEY_BYTES);
}

/* Notes what the device has of each peer that is not ours any more. 0 or -ENOMEM. */
static int match_retired(const struct look *look)
{
	struct retired_key **sorted;
	size_t count = 0;

	for (struct retired_key *retired = look->device->retired; retired != NULL; retired = retired->next) {
		retired->present = NULL;
		count++;
	}
	if (count == 0)
		return 0;
	sorted = calloc(count, sizeof(*sorted));
	if (sorted == NULL)
		return -ENOMEM;
	count = 0;
	for (struct retired_key *retired = look->device->retired; retired != NULL; retired = retired->next)
		sorted[count++] = retired;
	qsort(sorted, count, sizeof(*sorted), compare_retired);
	for (size_t i = 0; i < look->present.peer_count; i++) {
		struct retired_key **found = bsearch(look->present.peers[i].public_key, sorted, count,
		                                     sizeof(*sorted), compare_key_with_retired);

		if (found != NULL)
			(*found)->present = &look->present.peers[i];
	}
	free(sorted);
	return 0;
}

/* Notes what the device has of each peer. */
static void match(struct look *look)
{
	device_plan_match(look->steps, look->targets, look->count, &look->present);
	for (size_t i = 0; i < look->count; i++) {
		struct device_peer *peer = look->peers[i];

		if (look->steps[i].present != NULL)
			look->targets[i].has_session = peer->ops->read(peer, look->steps[i].present);
	}
}

static int read_device(struct look *look)
{
	int result;

	wireguard_release(&look->present);
	result = look->context->backend->get(&look->present, look->device->name);
	if (result != 0)
		memset(&look->present, 0, sizeof look->present);
	if (match_retired(look) != 0) {
		wireguard_release(&look->present);
		memset(&look->present, 0, sizeof look->present);
		result = -ENOMEM;
	}
	match(look);
	return result;
}

static bool has_key(const struct look *look, size_t i)
{
	return device_plan_has_key(&look->targets[i], look->steps[i].present);
}

/* All at once. */
static int set_together(const struct look *look)
{
	struct wireguard_peer_change *changes =
		calloc(DEVICE_PLAN_CHANGES * look->count + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };
	int result = -ENOMEM;

	if (changes != NULL) {
		change.peer_count = device_plan_request(changes, look->steps, look->count);
		result =
			change.peer_count == 0 ? 0 : look->context->backend->set(look->device->name, &change);
	}
	free(changes);
	return result;
}

static int set_one(const struct look *look, const struct wireguard_peer_change *peer)
{
	const struct wireguard_change change = { .peers = peer, .peer_count = 1 };

	return look->context->backend->set(look->device->name, &change);
}

/* What is refused of one must not keep the others, nor itself, from a key. */
static int set_each(const struct look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		const struct device_step *step = &look->steps[i];
		struct wireguard_peer_change key = { .update_only = true };
		struct wireguard_peer_change rest = step->change;
		int *result = &look->results[i];

		if (!step->is_due)
			continue;
		memcpy(key.public_key, step->change.public_key, WIREGUARD_KEY_BYTES);
		key.preshared_key = step->change.preshared_key;
		/* It may have been removed already. */
		if (step->is_to_call)
			device_plan_complete(&key, step->present);
		if (key.preshared_key != NULL)
			*result = set_one(look, &key);
		rest.preshared_key = NULL;
		if (*result == 0 && device_plan_has_more(&rest))
			*result = set_one(look, &rest);
		if (*result != 0 && !device_is_of_a_peer(*result))
			return *result;
	}
	return 0;
}

/* Carries out the plan, and reads again. */
static int apply_plan(struct look *look)
{
	bool any = device_plan(look->steps, look->targets, look->count, &look->present);
	int result = set_together(look);

	if (device_is_of_a_peer(result))
		result = set_each(look);
	for (size_t i = 0; i < look->count; i++) {
		const struct device_step *step = &look->steps[i];
		struct device_peer *peer = look->peers[i];

		if (step->present != NULL)
			peer->ops->changed(peer, &look->targets[i], step, result, look->results[i]);
		look->gave_endpoint |= result == 0 && step->change.endpoint != NULL;
	}
	return result == 0 && any ? read_device(look) : result;
}

/* Logged once for the device, not for each of its peers. */
static void log_problem(struct device *device, int result, bool is_made_by_us)
{
	char reason[WIREGUARD_EXPLAIN_BYTES];

	if (result == device->problem)
		return;
	device->problem = result;
	wireguard_explain(reason, device->name, result);
	if (result == 0)
		log_info("WireGuard's %s is there", device->name);
	else if (result == -ENODEV || result == -EEXIST)
		/* ensure() logs why it is not there. */
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

static void log_down(struct look *look, int result)
{
	struct device *device = look->device;

	if (look->is_up || result != 0) {
		if (device->logged_down && result == 0)
			log_info("interface %s is up", device->name);
		device->down_ns = 0;
		device->logged_down = false;
		return;
	}
	if (device->down_ns == 0)
		device->down_ns = look->context->now_ns;
	if (device->logged_down || look->context->now_ns - device->down_ns < DOWN_NS)
		return;
	log_warn("interface %s is down, and no packet passes; ip link set %s up", device->name, device->name);
	device->logged_down = true;
}

/* Tells each peer how it stands. Returns true if all are well. */
static bool record_results(struct look *look, int result)
{
	struct device *device = look->device;
	uint64_t now_ns = look->context->now_ns;
	bool good = true;

	for (size_t i = 0; i < look->count; i++) {
		struct device_peer *peer = look->peers[i];
		uint64_t again_ns = LOOP_NEVER;
		const struct device_view view = {
			.device = device->name,
			.now_ns = now_ns,
			.peer_count = look->present.peer_count,
			.is_up = look->is_up,
			.target = &look->targets[i],
			.present = look->steps[i].present,
			.has_key = has_key(look, i),
			.device_result = result,
			.result = look->results[i],
		};

		good &= peer->ops->reconciled(peer, &view, &again_ns);
		if (again_ns < now_ns + AGAIN_NS)
			again_ns = now_ns + AGAIN_NS;
		/* A new key is set when it is due. */
		if (!peer->has_new_key)
			heap_set(&device->due, &peer->due, again_ns);
		else
			peer->is_urgent |= again_ns != LOOP_NEVER;
	}
	return good;
}

static void wait_for_all(struct look *look, bool good, int result)
{
	struct device *device = look->device;
	uint64_t most_ns = result == -ETIMEDOUT ? HANGING_NS : LOOK_NS;

	if (!good && !device->is_failing)
		device->wait_ns = CLOCK_SECOND_NS;
	else
		device->wait_ns *= LOOK_STEP;
	if (device->wait_ns == 0 || device->wait_ns > most_ns)
		device->wait_ns = most_ns;
	device->is_failing = !good;
}

static void schedule(struct look *look, bool good, int result)
{
	struct device *device = look->device;
	uint64_t now_ns = look->context->now_ns;

	/* Peers that fail are tried again with all others, in growing steps. */
	if (look->is_for_all || (!good && !device->is_failing))
		wait_for_all(look, good, result);
	/* Whoever made the interface may have waited for the endpoint. */
	if (look->gave_endpoint && look->context->owner->ensure != NULL)
		device->wait_ns = CLOCK_SECOND_NS;
	/* A key that came meanwhile has asked already. */
	if (device->all_ns > now_ns + device->wait_ns)
		device->all_ns = now_ns + device->wait_ns;
	if (look->again_ns < now_ns + AGAIN_NS)
		look->again_ns = now_ns + AGAIN_NS;
	if (look->is_for_all)
		device->is_for_owner = false;
	if (look->again_ns < device->all_ns) {
		device->is_for_owner = true;
		device->all_ns = look->again_ns;
	}
}

static int compare_key_with_peer(const void *key, const void *peer)
{
	return memcmp(key, (*(const struct device_peer *const *)peer)->public_key, WIREGUARD_KEY_BYTES);
}

/* Returns true if a peer of the device is ours. */
static bool is_ours(const struct device *device, const uint8_t peer[static WIREGUARD_KEY_BYTES])
{
	return device->count > 0 && bsearch(peer, device->peers, device->count, sizeof(*device->peers),
	                                    compare_key_with_peer) != NULL;
}

/* Returns true if a peer that we have left has the key that took the place of ours. */
static bool is_replaced(const struct retired_key *retired)
{
	return retired->present == NULL ||
	       ct_is_set(ct_equal(retired->present->preshared_key, retired->key, WIREGUARD_KEY_BYTES));
}

void device_drop_retired(struct retired_key **list)
{
	struct retired_key *retired = *list;

	*list = retired->next;
	secret_memory_release(NULL, retired->key, WIREGUARD_KEY_BYTES);
	free(retired);
}

static size_t count_retired(const struct device *device)
{
	size_t count = 0;

	for (const struct retired_key *retired = device->retired; retired != NULL; retired = retired->next)
		count++;
	return count;
}

/* Sets the random keys. result: of the device up to now. */
static int replace_retired(struct look *look, int result)
{
	struct device *device = look->device;
	struct wireguard_peer_change *changes = calloc(count_retired(device) + 1, sizeof *changes);
	struct wireguard_change change = { .peers = changes };

	for (const struct retired_key *retired = device->retired;
	     retired != NULL && changes != NULL && result == 0; retired = retired->next) {
		if (is_ours(device, retired->peer) || is_replaced(retired))
			continue;
		memcpy(changes[change.peer_count].public_key, retired->peer, WIREGUARD_KEY_BYTES);
		changes[change.peer_count].update_only = true;
		changes[change.peer_count++].preshared_key = retired->key;
	}
	if (result == 0 && change.peer_count > 0) {
		result = look->context->backend->set(device->name, &change);
		if (result == 0)
			result = read_device(look);
	}
	free(changes);
	return result;
}

/* Replaces the keys of peers that are not ours any more. Returns true if none is left. */
static bool serve_retired(struct look *look, int result)
{
	struct device *device = look->device;
	struct retired_key **at = &device->retired;

	result = replace_retired(look, result);
	while (*at != NULL) {
		const struct retired_key *retired = *at;

		if (is_ours(device, retired->peer) || result == -ENODEV ||
		    (result == 0 && is_replaced(retired))) {
			device_drop_retired(at);
		} else if (look->context->now_ns >= retired->until_ns) {
			log_error("%s: cannot erase its key in WireGuard's %s, which it is not for any more: "
			          "%s",
			          retired->label, device->name, result == 0 ? "refused" : strerror(-result));
			device_drop_retired(at);
		} else {
			at = &(*at)->next;
		}
	}
	return device->retired == NULL;
}

/* Has the interface made where that is ours to do. -EEXIST: the present interface is not for us to change. */
static int ensure(struct look *look, uint32_t index, int result)
{
	const struct device_owner *owner = look->context->owner;
	struct device *device = look->device;
	uint64_t again_ns = LOOP_NEVER;
	struct link link;
	int made;

	if (owner->ensure == NULL || (result != 0 && result != -ENODEV && result != -EOPNOTSUPP))
		return result;
	if (look->context->now_ns < device->ensure_ns && result == device->ensure_for &&
	    index == device->ensure_index) {
		/* The device may have changed since: it is reconciled when another call is allowed. */
		if (look->again_ns > device->ensure_ns)
			look->again_ns = device->ensure_ns;
		return device->is_foreign ? -EEXIST : result;
	}
	made = owner->ensure(owner->owner, device->name, &again_ns);
	if (look->again_ns > again_ns)
		look->again_ns = again_ns;
	device->is_foreign = made == DEVICE_NOT_OURS;
	device->ensure_ns = look->context->now_ns + (made < 0 ? ENSURE_NS : CLOCK_SECOND_NS);
	device->ensure_for = result;
	device->ensure_index = look->context->backend->link(device->name, &link) == 0 ? link.index : 0;
	if (device->is_foreign)
		return -EEXIST;
	return made == 0 ? read_device(look) : result;
}

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

bool device_note_mark(struct device *device, const struct wireguard_device *present)
{
	struct device_mark old = device->mark;

	device->mark.fwmark = present->fwmark;
	device->mark.is_full_tunnel = has_full_tunnel(present);
	return old.fwmark != device->mark.fwmark || old.is_full_tunnel != device->mark.is_full_tunnel;
}

/* Reads the device for the peers that are to be compared: for all if it cannot be read. */
static int begin(struct look *look, bool is_for_all)
{
	int result;

	choose(look, is_for_all);
	result = collect(look);
	if (result == 0)
		result = read_device(look);
	if (result == 0 || look->is_for_all)
		return result;
	release(look);
	choose_all(look);
	return collect(look) != 0 ? -ENOMEM : result;
}

void device_reconcile(const struct device_context *context, struct device *device, bool is_for_all)
{
	const struct device_owner *owner = context->owner;
	struct look look = { .context = context, .device = device, .again_ns = LOOP_NEVER };
	struct link link;
	int result = begin(&look, is_for_all);
	bool good;

	device->unread_ns = LOOP_NEVER;
	if (look.is_for_all && !device->is_for_owner)
		device->looked_ns = context->now_ns;
	if (look.is_for_all)
		device->all_ns = LOOP_NEVER;
	result = ensure(&look, context->backend->link(device->name, &link) == 0 ? link.index : 0, result);
	/* A device that is gone may come back with the mark that it had. */
	if (result == 0 && device_note_mark(device, &look.present) && owner->read != NULL)
		owner->read(owner->owner);
	if (result == 0)
		result = apply_plan(&look);
	/* It may have gone since: then nothing is known, and nothing logged. */
	look.is_up = result != 0 || context->backend->link(device->name, &link) != 0 || link.is_up;
	device->was_read = result == 0;
	log_problem(device, result, owner->own_name != NULL && strcmp(owner->own_name, device->name) == 0);
	log_down(&look, result);
	good = record_results(&look, result) && result == 0;
	good &= serve_retired(&look, result);
	device->is_used = device->count > 0 || device->retired != NULL;
	schedule(&look, good, result);
	release(&look);
}
