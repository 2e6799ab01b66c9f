#ifndef ROSENPASS_WIREGUARD_WIREGUARD_H
#define ROSENPASS_WIREGUARD_WIREGUARD_H

/*
 * WireGuard devices, of the kernel (generic netlink) and of user space (the socket of wireguard-go or
 * boringtun), under one interface. A device is served by user space when /var/run/wireguard/NAME.sock is
 * there and answers, else by the kernel. Calls take a moment and do not wait for the network; a userspace
 * device that does not answer is given up after two seconds (-ETIMEDOUT).
 *
 * Errors, negative errno: -ENODEV no such device; -EOPNOTSUPP it is no WireGuard device, or the kernel has no
 * WireGuard; -EPERM CAP_NET_ADMIN is missing; -ENOENT no such peer; -EIO what was set is not what is there;
 * -EINVAL a family that is none of IPv4 and IPv6, or too many bits; -EBUSY the list of peers keeps changing;
 * others as the kernel or the socket gave them.
 */

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

/* Reads a device with all its peers (any number). */
int wireguard_get(struct wireguard_device *device, const char *name) __attribute__((warn_unused_result));
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

/* Applies a change, in as many messages as it takes; an error may leave its beginning applied. */
int wireguard_set(const char *name, const struct wireguard_change *change)
	__attribute__((warn_unused_result));

/*
 * Gives an existing peer a preshared key: looks whether the peer is there (-ENOENT), sets, reads back and
 * compares (-EIO). extra: more to set along with it (endpoint, keepalive, allowed IPs; its keys are not
 * looked at), or NULL. *last_handshake_seconds as in wireguard_peer, where it is not NULL.
 */
int wireguard_set_preshared_key(const char *name, const uint8_t public_key[static WIREGUARD_KEY_BYTES],
                                const uint8_t preshared_key[static WIREGUARD_KEY_BYTES],
                                const struct wireguard_peer_change *extra, uint64_t *last_handshake_seconds)
	__attribute__((warn_unused_result));

#endif
