#ifndef ROSENPASS_WIREGUARD_TYPES_H
#define ROSENPASS_WIREGUARD_TYPES_H

/* WireGuard devices as they are read and changed, whoever serves them. wireguard.h reads and changes them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip_prefix.h"
#include "system/address.h"

#define WIREGUARD_KEY_BYTES 32
#define WIREGUARD_NAME_BYTES 16 /* of a device, with a zero */
/* WireGuard's REJECT_AFTER_TIME: this long after a handshake there is no session. */
#define WIREGUARD_SESSION_SECONDS 180

/* A peer as a device has it. */
struct wireguard_peer {
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	uint8_t preshared_key[WIREGUARD_KEY_BYTES]; /* zeros: none */
	union address_socket endpoint;              /* AF_UNSPEC: none */
	uint16_t keepalive_seconds;                 /* 0: off */
	uint64_t last_handshake_seconds;            /* since 1970; 0: never */
	uint64_t received_bytes;
	uint64_t sent_bytes;
	struct ip_prefix *allowed_ips; /* allocated */
	size_t allowed_ip_count;
};

/* Holds keys: wireguard_release() wipes. */
struct wireguard_device {
	char name[WIREGUARD_NAME_BYTES];
	bool in_userspace;
	bool replaces_peers; /* boringtun: to change a peer means to end its session */
	uint32_t index;      /* of the interface; 0: not known */
	bool has_private_key;
	uint8_t private_key[WIREGUARD_KEY_BYTES];
	uint8_t public_key[WIREGUARD_KEY_BYTES]; /* with has_private_key */
	uint16_t listen_port;
	uint32_t fwmark;
	struct wireguard_peer *peers; /* in secret memory */
	size_t peer_count;
};

/* Wipes and frees what a device holds. It is zeroed after that. */
void wireguard_release(struct wireguard_device *device);

/* NULL: the device has no such peer. */
const struct wireguard_peer *wireguard_find(const struct wireguard_device *device,
                                            const uint8_t public_key[static WIREGUARD_KEY_BYTES]);

/* What is to change of a peer. */
struct wireguard_peer_change {
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	bool remove;                          /* nothing else counts then */
	bool update_only;                     /* a peer that is not there is not made */
	const uint8_t *preshared_key;         /* NULL: as it is; zeros: none */
	const union address_socket *endpoint; /* NULL: as it is */
	bool set_keepalive;
	uint16_t keepalive_seconds;
	bool replace_allowed_ips;
	const struct ip_prefix *allowed_ips; /* to be added, or with replace_allowed_ips all */
	size_t allowed_ip_count;
};

struct wireguard_change {
	const uint8_t *private_key; /* NULL: as it is */
	bool set_listen_port;
	uint16_t listen_port;
	bool set_fwmark;
	uint32_t fwmark;
	bool replace_peers;
	const struct wireguard_peer_change *peers;
	size_t peer_count;
};

#endif
