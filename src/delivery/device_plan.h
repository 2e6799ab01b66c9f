#ifndef ROSENPASS_DELIVERY_DEVICE_PLAN_H
#define ROSENPASS_DELIVERY_DEVICE_PLAN_H

/*
 * The changes that a WireGuard device needs: what is wanted of its peers, compared with what the device has.
 * No clock is read here, and no device.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/wireguard_params.h"
#include "system/address.h"
#include "wireguard/wireguard.h"

/* What is wanted of one peer. key and parameters have to stay as long as a step points to them. */
struct device_target {
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	const uint8_t *key; /* the preshared key, WIREGUARD_KEY_BYTES */
	bool is_left;       /* nothing is set before the first exchange */
	bool may_speak;     /* WireGuard may call the peer: everything beside the key may be set, too */
	bool has_session;   /* of WireGuard, as of its last handshake */

	/* Where WireGuard should send to; AF_UNSPEC: no wish, or not known yet. */
	union address_socket endpoint;
	bool is_guess; /* endpoint counts only if the device has none */

	/* Set again after a new key, and whenever the device has another key. */
	bool are_parameters_due;
	const struct wireguard_params *parameters; /* keepalive and allowed IPs */

	/* WireGuard is to call the peer, unless there was a handshake since the one told before. */
	bool is_call_due;
	uint64_t handshake_before;
};

/* What is to be done for one target. */
struct device_step {
	const struct wireguard_peer *present; /* NULL: the device has no such peer */
	bool is_due;
	bool is_to_call; /* the peer is recreated, which makes WireGuard call it */
	struct wireguard_peer_change change;
};

/* Finds each target's peer in the device. targets are in the order of their public keys. */
void device_plan_match(struct device_step *steps, const struct device_target *targets, size_t count,
                       const struct wireguard_device *present);

/*
 * Fills steps: matches, and compares. Steps point into targets and into present. Returns true if any step
 * is due.
 */
bool device_plan(struct device_step *steps, const struct device_target *targets, size_t count,
                 const struct wireguard_device *present);

/* Returns true if the device has the target's key. */
bool device_plan_has_key(const struct device_target *target, const struct wireguard_peer *present);

/* Returns true if WireGuard should be made to call the peer. */
bool device_plan_should_call(const struct device_target *target, const struct wireguard_peer *present);

/* Returns true if a change sets more than the key. */
bool device_plan_has_more(const struct wireguard_peer_change *change);

/*
 * Writes the changes of all steps that are due, in one request, and returns how many there are. out has room
 * for DEVICE_PLAN_CHANGES of each step.
 */
#define DEVICE_PLAN_CHANGES 3
size_t device_plan_request(struct wireguard_peer_change *out, const struct device_step *steps, size_t count);

/* Fills in everything that a change leaves as it is, so that the change creates the whole peer. */
void device_plan_complete(struct wireguard_peer_change *change, const struct wireguard_peer *present);

#endif
