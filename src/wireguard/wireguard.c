#include "wireguard/wireguard.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "system/secret_memory.h"
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

void wireguard_release(struct wireguard_device *device)
{
	for (size_t i = 0; i < device->peer_count; i++)
		free(device->peers[i].allowed_ips);
	secret_memory_release(NULL, device->peers, device->peer_count * sizeof *device->peers);
	sodium_memzero(device, sizeof *device);
}

const struct wireguard_peer *wireguard_find(const struct wireguard_device *device,
                                            const uint8_t public_key[static WIREGUARD_KEY_BYTES])
{
	for (size_t i = 0; i < device->peer_count; i++) {
		if (memcmp(device->peers[i].public_key, public_key, WIREGUARD_KEY_BYTES) == 0)
			return &device->peers[i];
	}
	return NULL;
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
		const struct wireguard_allowed_ip *ip = &peer->allowed_ips[i];

		if (!(ip->family == AF_INET && ip->bits <= 32) &&
		    !(ip->family == AF_INET6 && ip->bits <= 128))
			return false;
	}
	return true;
}

int wireguard_set(const char *name, const struct wireguard_change *change)
{
	if (!is_name(name))
		return -ENODEV;
	for (size_t i = 0; i < change->peer_count; i++) {
		if (!is_valid(&change->peers[i]))
			return -EINVAL;
	}
	return userspace_serves(name) ? userspace_set(name, change) : kernel_set(name, change);
}

/*
 * Whether the peer is there (-ENOENT) and has that key (-EIO); NULL: any. *last_handshake_seconds and
 * *in_userspace where they are not NULL and the result is 0.
 */
static int check(const char *name, const uint8_t public_key[static WIREGUARD_KEY_BYTES],
                 const uint8_t *preshared_key, uint64_t *last_handshake_seconds, bool *in_userspace)
{
	struct wireguard_device device;
	const struct wireguard_peer *peer;
	int result = wireguard_get(&device, name);

	if (result != 0)
		return result;
	peer = wireguard_find(&device, public_key);
	if (peer == NULL)
		result = -ENOENT;
	else if (preshared_key != NULL &&
	         sodium_memcmp(peer->preshared_key, preshared_key, WIREGUARD_KEY_BYTES) != 0)
		result = -EIO;
	if (result == 0 && last_handshake_seconds != NULL)
		*last_handshake_seconds = peer->last_handshake_seconds;
	if (result == 0 && in_userspace != NULL)
		*in_userspace = device.in_userspace;
	wireguard_release(&device);
	return result;
}

int wireguard_set_preshared_key(const char *name, const uint8_t public_key[static WIREGUARD_KEY_BYTES],
                                const uint8_t preshared_key[static WIREGUARD_KEY_BYTES],
                                const struct wireguard_peer_change *extra, uint64_t *last_handshake_seconds)
{
	struct wireguard_peer_change peer = { 0 };
	const struct wireguard_change change = { .peers = &peer, .peer_count = 1 };
	bool in_userspace = false;
	int result;

	if (extra != NULL)
		peer = *extra;
	memcpy(peer.public_key, public_key, WIREGUARD_KEY_BYTES);
	peer.remove = false;
	peer.update_only = true;
	peer.preshared_key = preshared_key;
	result = check(name, public_key, NULL, NULL, &in_userspace);
	if (result != 0)
		return result;
	result = wireguard_set(name, &change);
	if (result == -EINVAL && in_userspace) {
		/* boringtun does not know it; that the peer is there has just been seen. */
		peer.update_only = false;
		result = wireguard_set(name, &change);
	}
	return result != 0 ? result : check(name, public_key, preshared_key, last_handshake_seconds, NULL);
}
