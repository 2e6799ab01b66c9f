#ifndef ROSENPASS_RP_INTERFACE_H
#define ROSENPASS_RP_INTERFACE_H

/* The WireGuard interface of a VPN: made, kept whole, and taken away. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rp/driver.h"
#include "rp/guard.h"
#include "wireguard/wireguard.h"

struct interface_peer {
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	struct wireguard_allowed_ip *allowed_ips; /* allocated */
	size_t allowed_ip_count;
	bool is_ours; /* we made it */
};

struct interface {
	char name[WIREGUARD_NAME_BYTES];
	bool adopt;           /* use one that exists */
	uint8_t *private_key; /* secret memory of the owner */
	bool has_port;
	uint16_t port;
	struct wireguard_allowed_ip *addresses; /* allocated */
	size_t address_count;
	struct interface_peer *peers; /* allocated */
	size_t peer_count;

	struct guard guard;
	struct driver driver;
	bool is_ours;      /* we made it, and delete it */
	uint32_t index;    /* of the one that we made */
	bool is_complete;  /* the present one has all that it should */
	bool was_there;    /* established once */
	bool warned_route; /* said that a default route is none of ours */
};

/*
 * Makes the interface with our private key, its port, all peers (each with a random preshared key, and
 * without an endpoint: nothing is sent before there is a key), addresses and routes, as far as any of it is
 * not there. context is a struct interface; device: of what something is missing, NULL: ours.
 * 0; 1: the device is another one, or has all that is ours; -1: said in the log.
 */
int interface_establish(void *context, const char *device) __attribute__((warn_unused_result));

/* Wipes the private key, in a child process that has no business with it. */
void interface_forget(void *context);

/* Deletes what we have made. */
void interface_end(struct interface *interface);

/* Frees what it holds. */
void interface_release(struct interface *interface);

#endif
