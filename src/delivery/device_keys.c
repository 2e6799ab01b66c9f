#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/device_reconcile.h"

void device_add_unread(struct device_peer *peer)
{
	struct device *device = peer->device;

	if (peer->unread_link != NULL)
		return;
	peer->next_unread = device->unread;
	peer->unread_link = &device->unread;
	if (peer->next_unread != NULL)
		peer->next_unread->unread_link = &peer->next_unread;
	device->unread = peer;
	device->unread_count++;
}

void device_remove_unread(struct device_peer *peer)
{
	if (peer->unread_link == NULL)
		return;
	*peer->unread_link = peer->next_unread;
	if (peer->next_unread != NULL)
		peer->next_unread->unread_link = peer->unread_link;
	peer->next_unread = NULL;
	peer->unread_link = NULL;
	peer->device->unread_count--;
}

bool device_is_of_a_peer(int result)
{
	return result != 0 && result != -ENODEV && result != -EPERM && result != -ETIMEDOUT &&
	       result != -EOPNOTSUPP && result != -ENOMEM;
}

/* Room for the keys that are due. */
struct keys {
	struct wireguard_peer_change *changes;
	struct device_peer **peers; /* of the changes */
	size_t count, capacity;
};

/* 0 or -ENOMEM. */
static int reserve(struct keys *keys)
{
	size_t capacity = keys->capacity == 0 ? 16 : 2 * keys->capacity;
	struct wireguard_peer_change *changes;
	struct device_peer **peers;

	if (keys->count < keys->capacity)
		return 0;
	changes = reallocarray(keys->changes, capacity, sizeof *changes);
	if (changes == NULL)
		return -ENOMEM;
	keys->changes = changes;
	peers = reallocarray(keys->peers, capacity, sizeof *peers);
	if (peers == NULL)
		return -ENOMEM;
	keys->peers = peers;
	keys->capacity = capacity;
	return 0;
}

/* Adds the key of a peer. 0 or -ENOMEM. */
static int add_key(struct keys *keys, struct device_peer *peer, uint64_t now_ns)
{
	struct device_target target = { 0 };
	struct wireguard_peer_change *change;

	peer->ops->want(peer, now_ns, &target);
	if (target.is_left)
		return 0;
	if (reserve(keys) != 0)
		return -ENOMEM;
	change = &keys->changes[keys->count];
	*change = (struct wireguard_peer_change){ .update_only = true, .preshared_key = target.key };
	memcpy(change->public_key, peer->public_key, WIREGUARD_KEY_BYTES);
	keys->peers[keys->count++] = peer;
	return 0;
}

/* Takes all peers that are due off the heap. Returns how things stand if all keys can be set. */
static enum device_keys collect(struct keys *keys, struct device *device, uint64_t now_ns)
{
	enum device_keys state = DEVICE_KEYS_NONE;

	while (heap_deadline(&device->due) <= now_ns) {
		struct device_peer *peer = HEAP_OWNER(heap_first(&device->due), struct device_peer, due);
		bool has_new_key = peer->has_new_key;

		heap_set(&device->due, &peer->due, HEAP_NEVER);
		if (state == DEVICE_KEYS_NONE)
			state = DEVICE_KEYS_SET;
		/* What is wanted of the others is found out by reading only. */
		if (!has_new_key || peer->is_urgent)
			state = DEVICE_KEYS_URGENT;
		peer->has_new_key = false;
		peer->is_urgent = false;
		device_add_unread(peer);
		if (has_new_key && add_key(keys, peer, now_ns) != 0)
			state = DEVICE_KEYS_URGENT;
	}
	return state;
}

static int set(const struct device_context *context, const struct device *device,
               const struct wireguard_peer_change *changes, size_t count)
{
	const struct wireguard_change request = { .peers = changes, .peer_count = count };

	return context->backend->set(device->name, &request);
}

/* Sets all keys; each alone if one is refused. Returns true if all were set. */
static bool set_all(const struct device_context *context, const struct device *device,
                    const struct keys *keys)
{
	int together = set(context, device, keys->changes, keys->count);
	bool is_each = device_is_of_a_peer(together) && keys->count > 1;
	bool good = true;

	for (size_t i = 0; i < keys->count; i++) {
		int result = is_each ? set(context, device, &keys->changes[i], 1) : together;

		good &= result == 0;
		if (result == 0)
			keys->peers[i]->ops->key_set(keys->peers[i]);
		else if (is_each && !device_is_of_a_peer(result))
			break;
	}
	return good;
}

enum device_keys device_set_keys(const struct device_context *context, struct device *device)
{
	struct keys keys = { 0 };
	enum device_keys state = collect(&keys, device, context->now_ns);

	/* Of an interface that was not read nobody knows whose it is. */
	if (keys.count > 0 && (!device->was_read || !set_all(context, device, &keys)))
		state = DEVICE_KEYS_REFUSED;
	free(keys.changes);
	free(keys.peers);
	return state;
}
