#ifndef ROSENPASS_RP_INTERFACE_H
#define ROSENPASS_RP_INTERFACE_H

/* The WireGuard interface of a VPN: made, kept whole, and taken away. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rp/userspace_wireguard.h"
#include "rp/guard.h"
#include "rp/policy.h"
#include "rp/ways.h"
#include "system/address.h"
#include "wireguard/wireguard.h"

#define INTERFACE_PROBLEM_BYTES (USERSPACE_WIREGUARD_PROBLEM_BYTES + 128)

struct interface_peer {
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	struct ip_prefix *allowed_ips; /* allocated */
	size_t allowed_ip_count;
	bool is_ours;                  /* we made it */
	union address_socket endpoint; /* of its WireGuard; AF_UNSPEC: not known beforehand */
	bool needs_name; /* its endpoint has to be resolved before the tunnel takes all packets */
};

struct interface {
	char name[WIREGUARD_NAME_BYTES];
	bool adopt;           /* use one that exists */
	uint8_t *private_key; /* secret memory of the owner */
	bool has_port;
	uint16_t port;
	struct interface_peer *peers; /* allocated */
	size_t peer_count;
	struct ways ways;
	uint32_t mtu;         /* 0: that of the paths to the peers */
	bool has_fwmark;      /* its mark is given: */
	uint32_t fwmark;      /* 0: none, and no routes that would need one */
	struct policy policy; /* for wide routes */

	struct guard guard;
	struct userspace_wireguard userspace;
	bool is_ours;         /* we made it, and delete it */
	uint32_t index;       /* of the one that we made or use; 0: none yet */
	bool is_complete;     /* it has all that it should */
	bool was_there;       /* established once */
	uint32_t present_mtu; /* that was set last; 0: none */
	uint64_t ways_due_ns; /* addresses and routes are not looked at again before then */
	bool gave_key;        /* one that had none got our private key */
	uint64_t unready_ns;  /* since when one that came again has no key or is down; 0: it is ready */
	char problem[INTERFACE_PROBLEM_BYTES]; /* that was said last; empty: all is well */
};

/*
 * Makes the interface with our private key, its port, all peers (each with a random preshared key, and
 * without an endpoint: nothing is sent before there is a key), addresses and routes, as far as any of it is
 * not there. context is a struct interface; device: of what something may be missing, NULL: ours.
 * 0; 1: the device is another one, has all peers, or is somebody else's to make; -1 or DEVICE_NOT_OURS (it is
 * not ours and may not be touched): said in the log. again_ns: set to when addresses and routes will be
 * looked at, if it is too early now.
 */
int interface_ensure(void *context, const char *device, uint64_t *again_ns)
	__attribute__((warn_unused_result));

/*
 * Whether the process that has to outlive us is there; false: said in the log. context is a struct interface.
 */
bool interface_check(void *context) __attribute__((warn_unused_result));

/*
 * Before messages are sent to an address: sees to it that they do not go into the tunnel. context is a struct
 * interface. true: the interface may have another mark.
 */
bool interface_reach(void *context, const union address_socket *address) __attribute__((warn_unused_result));

/* Deletes what we have made. */
void interface_end(struct interface *interface);

/* Frees what it holds. */
void interface_release(struct interface *interface);

#endif
