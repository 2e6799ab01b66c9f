#ifndef ROSENPASS_RP_VPN_H
#define ROSENPASS_RP_VPN_H

/* The VPN itself: interface, WireGuard peers, and the daemon that gives them keys. */

#include <stdbool.h>

#include "config/rp_config.h"

struct vpn_options {
	bool adopt;          /* use an interface that exists */
	bool replace_routes; /* also routes that are somebody else's */
	bool no_sandbox;     /* for debugging */
	const char *user;    /* that the process becomes which faces the network; NULL: not said */
	const char *version; /* for status */
};

/* Runs until it is asked to end. config becomes the VPN's and is released. Returns the exit status. */
int vpn_run(struct rp_config *config, const struct vpn_options *options);

#endif
