#include "wireguard/wireguard.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard/kernel.h"
#include "wireguard/userspace.h"

/* A slash would lead to a socket in another folder. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < WIREGUARD_NAME_BYTES && strchr(name, '/') == NULL;
}

int wireguard_get(struct wireguard_device *device, const char *name)
{
	bool in_userspace;
	int result;

	memset(device, 0, sizeof *device);
	if (!is_name(name))
		return -ENODEV;
	in_userspace = userspace_serves(name);
	result = in_userspace ? userspace_get(device, name) : kernel_get(device, name);
	if (result != 0) {
		wireguard_release(device);
		return result;
	}
	memcpy(device->name, name, strlen(name) + 1);
	device->in_userspace = in_userspace;
	return 0;
}

/* The kernel would ignore some of what is wrong, and both would have applied what stands before it. */
static bool is_valid(const struct wireguard_peer_change *peer)
{
	if (peer->remove)
		return true;
	if (peer->endpoint != NULL && peer->endpoint->any.sa_family != AF_INET &&
	    peer->endpoint->any.sa_family != AF_INET6)
		return false;
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct ip_prefix *ip = &peer->allowed_ips[i];

		if (!(ip->family == AF_INET && ip->bits <= 32) &&
		    !(ip->family == AF_INET6 && ip->bits <= 128))
			return false;
	}
	return true;
}

static int set_one(const char *name, const struct wireguard_peer_change *peer)
{
	const struct wireguard_change change = { .peers = peer, .peer_count = 1 };

	return userspace_set(name, &change);
}

/* Fills in what a change leaves as it is. What allowed_ips is to be freed with is *owned. */
static int complete(struct wireguard_peer_change *change, const struct wireguard_peer *present,
                    struct ip_prefix **owned)
{
	size_t count = present->allowed_ip_count;

	change->update_only = false;
	if (change->preshared_key == NULL &&
	    sodium_is_zero(present->preshared_key, sizeof present->preshared_key) == 0)
		change->preshared_key = present->preshared_key;
	if (change->endpoint == NULL && present->endpoint.any.sa_family != AF_UNSPEC)
		change->endpoint = &present->endpoint;
	if (!change->set_keepalive && present->keepalive_seconds != 0) {
		change->set_keepalive = true;
		change->keepalive_seconds = present->keepalive_seconds;
	}
	if (change->replace_allowed_ips)
		return 0;
	*owned = calloc(count + change->allowed_ip_count + 1, sizeof **owned);
	if (*owned == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(*owned, present->allowed_ips, count * sizeof **owned);
	if (change->allowed_ip_count > 0)
		memcpy(*owned + count, change->allowed_ips, change->allowed_ip_count * sizeof **owned);
	change->allowed_ips = *owned;
	change->allowed_ip_count += count;
	return 0;
}

/* What was refused must not be the end of a peer: as it was, with the new key if there is one. */
static void restore(const char *name, const struct wireguard_peer *present, const uint8_t *preshared_key)
{
	struct wireguard_peer_change whole = { .preshared_key = preshared_key };
	struct ip_prefix *owned = NULL;

	memcpy(whole.public_key, present->public_key, WIREGUARD_KEY_BYTES);
	/* The first error is the one that is told. */
	if (complete(&whole, present, &owned) == 0)
		(void)set_one(name, &whole);
	free(owned);
}

/* A peer that is there goes and comes again. */
static int set_peer_anew(const char *name, const struct wireguard_device *device,
                         const struct wireguard_peer_change *change)
{
	const struct wireguard_peer *present = wireguard_find(device, change->public_key);
	struct wireguard_peer_change removal = { .remove = true };
	struct wireguard_peer_change whole = *change;
	struct ip_prefix *owned = NULL;
	bool is_removed = false;
	int result = 0;

	if (present == NULL && change->update_only)
		return 0;
	if (present != NULL && !change->remove) {
		memcpy(removal.public_key, change->public_key, WIREGUARD_KEY_BYTES);
		result = complete(&whole, present, &owned);
		if (result == 0)
			result = set_one(name, &removal);
		is_removed = result == 0;
	}
	if (result == 0)
		result = set_one(name, &whole);
	if (result != 0 && is_removed)
		restore(name, present, change->preshared_key);
	free(owned);
	return result;
}

/*
 * For boringtun, which does not know update_only, ends itself when a peer that it has is to be changed, and
 * takes what a request says of one peer for the next one too.
 */
static int set_anew(const char *name, const struct wireguard_change *change)
{
	struct wireguard_change rest = *change;
	struct wireguard_device device;
	int result = wireguard_get(&device, name);

	if (result != 0)
		return result;
	rest.peers = NULL;
	rest.peer_count = 0;
	result = device.replaces_peers ? userspace_set(name, &rest) : -EINVAL;
	for (size_t i = 0; i < change->peer_count && result == 0; i++)
		result = set_peer_anew(name, &device, &change->peers[i]);
	wireguard_release(&device);
	return result;
}

int wireguard_set(const char *name, const struct wireguard_change *change)
{
	bool update_only = false;
	int result;

	if (!is_name(name))
		return -ENODEV;
	for (size_t i = 0; i < change->peer_count; i++) {
		if (!is_valid(&change->peers[i]))
			return -EINVAL;
		update_only |= change->peers[i].update_only;
	}
	if (!userspace_serves(name))
		return kernel_set(name, change);
	result = userspace_set(name, change);
	return result == -EINVAL && update_only ? set_anew(name, change) : result;
}
