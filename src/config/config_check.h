#ifndef ROSENPASS_CONFIG_CONFIG_CHECK_H
#define ROSENPASS_CONFIG_CONFIG_CHECK_H

/*
 * What no value shows by itself: whether all is there that belongs together. Within src/config only.
 */

#include "config/config.h"
#include "config/config_value.h"

/* Whether a peer is complete and its key goes somewhere. 0, or -1 said in the problem. */
int config_check_peer(const struct config_peer *peer, const struct config_place *place)
	__attribute__((warn_unused_result));

/* The own key pair, and names that two peers have. place: of the whole. */
int config_check_whole(const struct config *config, const struct config_place *place)
	__attribute__((warn_unused_result));

#endif
