#include "wireguard/types.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "system/secret_memory.h"

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
