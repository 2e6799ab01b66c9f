#include "delivery/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/device_reconcile.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* After interfaces have changed a device is reconciled this soon, and again in growing steps. */
#define LOOK_FIRST_NS (CLOCK_SECOND_NS / 20)
/* After so long without a reconciliation several follow one another when something changes. */
#define RESTED_NS (5 * CLOCK_SECOND_NS)
/* How long the key of a peer that is not ours any more is tried to be replaced. */
#define RETIRED_NS (120 * CLOCK_SECOND_NS)

/* The wait after a reconciliation, in multiples of the time that it took, and at most. */
#define COST_SHARE 20
#define COST_MOST_NS CLOCK_SECOND_NS

/* New keys of a device with many peers are read back after so long for each of them, and at most. */
#define READ_BACK_PEER_NS (CLOCK_SECOND_NS / 100)
#define READ_BACK_MOST_NS (15 * CLOCK_SECOND_NS)

struct device_table {
	struct loop *loop;
	struct memory memory;
	const struct wireguard_backend *backend;
	const struct device_owner *owner;
	struct device **devices; /* in the order in which they were named */
	size_t count;
};

const struct wireguard_backend wireguard_backend_system = {
	.get = wireguard_get,
	.set = wireguard_set,
	.link = link_look,
	.clock_ns = clock_now_ns,
};

int device_table_create(struct device_table **out, struct loop *loop, const struct wireguard_backend *backend,
                        const struct device_owner *owner)
{
	struct device_table *table = calloc(1, sizeof *table);

	*out = table;
	if (table == NULL)
		return -ENOMEM;
	*table = (struct device_table){
		.loop = loop,
		.memory = memory_of_libc(),
		.backend = backend,
		.owner = owner,
	};
	return 0;
}

static void destroy(struct device *device)
{
	loop_timer_remove(device->table->loop, &device->timer);
	while (device->retired != NULL)
		device_drop_retired(&device->retired);
	free(device->peers);
	heap_release(&device->due, &device->table->memory);
	free(device);
}

void device_table_destroy(struct device_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->count; i++)
		destroy(table->devices[i]);
	free(table->devices);
	free(table);
}

/* Takes a device that is not used any more off the table. */
static void drop(struct device *device)
{
	struct device_table *table = device->table;
	size_t i = 0;

	while (table->devices[i] != device)
		i++;
	table->count--;
	memmove(&table->devices[i], &table->devices[i + 1], (table->count - i) * sizeof(*table->devices));
	destroy(device);
	if (table->owner->read != NULL)
		table->owner->read(table->owner->owner);
}

static void set_timer(struct device *device)
{
	uint64_t at_ns = heap_deadline(&device->due);

	if (at_ns > device->all_ns)
		at_ns = device->all_ns;
	if (at_ns > device->unread_ns)
		at_ns = device->unread_ns;
	loop_timer_set(device->table->loop, &device->timer, at_ns);
}

/* Reconciles all peers at that time, or earlier. */
static void reconcile_all_by(struct device *device, uint64_t at_ns)
{
	if (device->all_ns > at_ns)
		device->all_ns = at_ns;
	set_timer(device);
}

static void reconcile_unread_by(struct device *device, uint64_t at_ns)
{
	if (device->unread_ns > at_ns)
		device->unread_ns = at_ns;
	set_timer(device);
}

/* Returns the time that device->cost_ns allows a reconciliation at. */
static uint64_t earliest_ns(const struct device *device)
{
	uint64_t now_ns = loop_now_ns(device->table->loop);
	uint64_t wait_ns = COST_SHARE * device->cost_ns;
	uint64_t at_ns = device->ended_ns + (wait_ns < COST_MOST_NS ? wait_ns : COST_MOST_NS);

	return device->cost_ns == 0 || at_ns < now_ns ? now_ns : at_ns;
}

/* Returns when keys that were just set are read back. */
static uint64_t read_back_ns(const struct device *device)
{
	uint64_t soon_ns = earliest_ns(device);
	uint64_t wait_ns = READ_BACK_PEER_NS * device->count;
	uint64_t at_ns = device->ended_ns + (wait_ns < READ_BACK_MOST_NS ? wait_ns : READ_BACK_MOST_NS);

	return device->count <= DEVICE_MANY_PEERS || at_ns < soon_ns ? soon_ns : at_ns;
}

static int compare(const void *a, const void *b)
{
	const struct device_peer *const *left = a;
	const struct device_peer *const *right = b;

	return memcmp((*left)->public_key, (*right)->public_key, WIREGUARD_KEY_BYTES);
}

static void sort(struct device *device)
{
	if (!device->is_sorted && device->count > 0)
		qsort(device->peers, device->count, sizeof(*device->peers), compare);
	for (size_t i = 0; i < device->count && !device->is_sorted; i++)
		device->peers[i]->place = i;
	device->is_sorted = true;
}

static struct device_context context_of(const struct device *device)
{
	return (struct device_context){
		.backend = device->table->backend,
		.owner = device->table->owner,
		.now_ns = loop_now_ns(device->table->loop),
	};
}

static void reconcile(struct device *device, bool is_for_all)
{
	const struct device_context context = context_of(device);
	uint64_t begun_ns;

	sort(device);
	begun_ns = context.backend->clock_ns();
	device_reconcile(&context, device, is_for_all);
	device->cost_ns = context.backend->clock_ns() - begun_ns;
	device->ended_ns = context.now_ns + device->cost_ns;
	if (device->is_used)
		set_timer(device);
	else
		drop(device);
}

static void set_keys(struct device *device)
{
	const struct device_context context = context_of(device);

	switch (device_set_keys(&context, device)) {
	case DEVICE_KEYS_NONE:
		break;
	case DEVICE_KEYS_SET:
		reconcile_unread_by(device, read_back_ns(device));
		break;
	case DEVICE_KEYS_URGENT:
		reconcile_unread_by(device, earliest_ns(device));
		break;
	case DEVICE_KEYS_REFUSED:
		device_reconcile_soon(device);
		break;
	}
}

static void expired(void *owner)
{
	struct device *device = owner;
	uint64_t now_ns = loop_now_ns(device->table->loop);

	set_keys(device);
	if (device->all_ns <= now_ns)
		reconcile(device, true);
	else if (device->unread_ns <= now_ns)
		reconcile(device, false);
	else
		set_timer(device);
}

static struct device *find(const struct device_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->devices[i]->name, name) == 0)
			return table->devices[i];
	}
	return NULL;
}

/* The device of that name, which is added if it is not there. NULL: no memory. */
static struct device *find_or_add(struct device_table *table, const char *name)
{
	struct device *device = find(table, name);
	struct device **longer;

	if (device != NULL)
		return device;
	longer = reallocarray(table->devices, table->count + 1, sizeof(*longer));
	if (longer == NULL)
		return NULL;
	table->devices = longer;
	device = calloc(1, sizeof *device);
	if (device == NULL)
		return NULL;
	device->table = table;
	(void)snprintf(device->name, sizeof device->name, "%s", name);
	device->mark.device = device->name;
	device->timer = (struct loop_timer){ .expired = expired, .owner = device };
	device->all_ns = device->unread_ns = LOOP_NEVER;
	if (loop_timer_add(table->loop, &device->timer) != 0) {
		free(device);
		return NULL;
	}
	table->devices[table->count++] = device;
	reconcile_all_by(device, loop_now_ns(table->loop));
	return device;
}

int device_know(struct device_table *table, const char *name)
{
	return find_or_add(table, name) == NULL ? -ENOMEM : 0;
}

/* Makes room for one peer more. 0 or -ENOMEM. */
static int reserve(struct device *device)
{
	size_t capacity = device->capacity == 0 ? 4 : 2 * device->capacity;
	struct device_peer **longer;

	if (device->count < device->capacity)
		return 0;
	if (heap_reserve(&device->due, capacity, &device->table->memory) != 0)
		return -ENOMEM;
	longer = reallocarray(device->peers, capacity, sizeof(*longer));
	if (longer == NULL)
		return -ENOMEM;
	device->peers = longer;
	device->capacity = capacity;
	return 0;
}

int device_attach(struct device_table *table, const char *name, struct device_peer *peer)
{
	struct device *device = find_or_add(table, name);

	if (device == NULL || reserve(device) != 0)
		return -ENOMEM;
	peer->place = device->count;
	device->peers[device->count++] = peer;
	device->is_sorted = false;
	peer->device = device;
	device_reconcile_peer_soon(peer);
	return 0;
}

void device_detach(struct device_peer *peer)
{
	struct device *device = peer->device;
	struct device_peer *last;

	if (device == NULL)
		return;
	heap_set(&device->due, &peer->due, HEAP_NEVER);
	device_remove_unread(peer);
	last = device->peers[--device->count];
	device->peers[peer->place] = last;
	last->place = peer->place;
	device->is_sorted = false;
	peer->device = NULL;
}

void device_reconcile_soon(struct device *device)
{
	if (device->problem == -ETIMEDOUT)
		return;
	device->is_for_owner = false;
	reconcile_all_by(device, earliest_ns(device));
}

void device_reconcile_peer_soon(struct device_peer *peer)
{
	if (peer->device->problem == -ETIMEDOUT)
		return;
	device_add_unread(peer);
	reconcile_unread_by(peer->device, earliest_ns(peer->device));
}

void device_new_key(struct device_peer *peer, uint64_t at_ns, bool is_urgent)
{
	struct device *device = peer->device;

	/* A peer that waits to be reconciled does not wait longer than before. */
	peer->is_urgent |= is_urgent || (peer->due.place != 0 && !peer->has_new_key);
	peer->has_new_key = true;
	heap_set(&device->due, &peer->due, at_ns);
	set_timer(device);
}

void device_table_reconcile_now(struct device_table *table)
{
	for (size_t i = 0; i < table->count;) {
		struct device *device = table->devices[i];

		if (device->problem != -ETIMEDOUT) {
			device->is_for_owner = false;
			reconcile(device, true);
		}
		/* A device that is not used any more has left its place to the next one. */
		if (i < table->count && table->devices[i] == device)
			i++;
	}
}

static void network_changed(struct device *device, uint64_t now_ns)
{
	uint64_t soon_ns = now_ns + LOOK_FIRST_NS;
	struct link link;

	/* A series that has just begun goes on; a device that hangs holds us up each time. */
	if ((device->wait_ns > 0 && device->wait_ns < CLOCK_SECOND_NS) ||
	    (device->problem == -ETIMEDOUT && device->table->backend->link(device->name, &link) != -ENODEV))
		return;
	/* Where something changes all the time, once a second. */
	if (now_ns < device->looked_ns + RESTED_NS) {
		device->wait_ns = CLOCK_SECOND_NS;
		if (soon_ns < device->looked_ns + CLOCK_SECOND_NS)
			soon_ns = device->looked_ns + CLOCK_SECOND_NS;
	} else {
		device->wait_ns = LOOK_FIRST_NS;
	}
	device->is_for_owner = false;
	reconcile_all_by(device, soon_ns);
}

void device_table_network_changed(struct device_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		network_changed(table->devices[i], loop_now_ns(table->loop));
}

int device_prepare_retired(struct retired_key **out, const uint8_t peer[static WIREGUARD_KEY_BYTES])
{
	struct retired_key *retired = calloc(1, sizeof *retired);
	int result = 0;

	*out = NULL;
	if (retired == NULL)
		return -ENOMEM;
	memcpy(retired->peer, peer, WIREGUARD_KEY_BYTES);
	retired->key = secret_memory_allocate(NULL, WIREGUARD_KEY_BYTES);
	if (retired->key == NULL)
		result = -ENOMEM;
	else if (entropy_fill(NULL, retired->key, WIREGUARD_KEY_BYTES) != 0)
		result = -EIO;
	if (result == 0)
		*out = retired;
	else
		device_drop_retired(&retired);
	return result;
}

void device_cancel_retired(struct retired_key *retired)
{
	if (retired != NULL)
		device_drop_retired(&retired);
}

/* A peer that leaves again gets one random key. */
static void forget_retired(struct device *device, const uint8_t *peer)
{
	for (struct retired_key **at = &device->retired; *at != NULL; at = &(*at)->next) {
		if (memcmp((*at)->peer, peer, WIREGUARD_KEY_BYTES) == 0) {
			device_drop_retired(at);
			return;
		}
	}
}

void device_retire_key(struct device *device, struct retired_key *retired, const char *label)
{
	forget_retired(device, retired->peer);
	(void)snprintf(retired->label, sizeof retired->label, "%s", label);
	retired->until_ns = loop_now_ns(device->table->loop) + RETIRED_NS;
	retired->next = device->retired;
	device->retired = retired;
	if (device->problem != -ETIMEDOUT)
		reconcile_unread_by(device, earliest_ns(device));
}

void device_table_each_retired(const struct device_table *table,
                               void (*tell)(void *context, const char *label, const char *target),
                               void *context)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct device *device = table->devices[i];

		for (const struct retired_key *retired = device->retired; retired != NULL;
		     retired = retired->next) {
			char target[WIREGUARD_NAME_BYTES + BASE64_KEY_CHARS + 2];
			char key[BASE64_KEY_CHARS + 1];

			base64_encode_key(key, retired->peer);
			(void)snprintf(target, sizeof target, "%s %s", device->name, key);
			tell(context, retired->label, target);
		}
	}
}

void device_table_read_marks(struct device_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		struct wireguard_device present;

		if (table->backend->get(&present, table->devices[i]->name) != 0)
			continue;
		(void)device_note_mark(table->devices[i], &present);
		wireguard_release(&present);
	}
}

bool device_table_mark(const struct device_table *table, size_t i, struct device_mark *mark)
{
	if (i >= table->count)
		return false;
	*mark = table->devices[i]->mark;
	return true;
}
