#ifndef ROSENPASS_PROGRAMS_RP_PLAN_H
#define ROSENPASS_PROGRAMS_RP_PLAN_H

/* From a configuration of rp to that of the daemon inside it. Problems are logged. */

#include <stdbool.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "config/rp_config.h"
#include "programs/rp_keys.h"

/*
 * Fill a zeroed peer, but for extra_params, and the WireGuard public key of the peer from its directory of
 * public keys. device is the interface's name, private_key our own of WireGuard. 0, or -1 after logging why;
 * either way config_peer_release() frees what the peer holds.
 */
int rp_plan_peer(struct config_peer *to, uint8_t public_key[static RP_KEYS_WIREGUARD_BYTES],
                 const struct rp_config_peer *from, const char *device,
                 const uint8_t private_key[static RP_KEYS_WIREGUARD_BYTES])
	__attribute__((warn_unused_result));

/*
 * Read every key file that the configuration names and check that all belongs together, without touching
 * anything. Returns true if all is well, else false after logging each problem.
 */
bool rp_plan_check(const struct rp_config *config);

#endif
