#ifndef ROSENPASS_MONITOR_STAGED_PEER_H
#define ROSENPASS_MONITOR_STAGED_PEER_H

/* A peer of a configuration with all its files read, before anything depends on it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "system/file_output.h"
#include "system/shared_key.h"

struct claim;
struct peer;

struct staged_peer {
	struct config_peer config;
	struct shared_key public_key;
	struct peer *same;   /* the peer that has that key already; then public_key is empty */
	uint64_t key_prefix; /* the first bytes of the public key; set if the key could be read */
	uint8_t *psk;        /* secret memory; NULL: none */
	size_t number;       /* from 1, in the order of the configuration */
	struct claim *claims;
	struct file_output new_file; /* what key_out becomes if the file does not exist */
	bool psk_is_exposed;         /* others may read the file of the preshared key */
};

#endif
