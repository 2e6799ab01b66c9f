#ifndef ROSENPASS_MONITOR_MONITOR_H
#define ROSENPASS_MONITOR_MONITOR_H

/*
 * The process that the user starts: it reads configuration and keys, opens sockets, delivers keys, resolves
 * names, runs hooks and answers on the control socket. It never reads from the network.
 */

#include <stdbool.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "delivery/device.h"
#include "monitor/daemon_check.h"
#include "monitor/settings.h"
#include "system/address.h"

struct monitor_options {
	struct daemon_identity identity;
	struct settings_options settings;
	const char *version; /* for status */
	bool no_sandbox;
	const char *device;  /* the interface that ensure() makes */
	bool has_fixed_name; /* no option gives it another one */
	/*
	 * Makes the WireGuard interface with its peers where it, or a peer, is not there: called before
	 * anything is exchanged (device NULL), and for that device when it is looked at. 0: it made
	 * something; 1: there is nothing that it could do; -1: it failed, which it has said, and is to be
	 * called again a minute later; DEVICE_NOT_OURS: the same, and nothing of that device is to be
	 * changed. NULL: others make it, and we wait for it.
	 * again_ns: in clock_now_ns(), when it wants to be called again for something that it has put off;
	 * untouched if nothing.
	 */
	int (*ensure)(void *context, const char *device, uint64_t *again_ns);
	/*
	 * Called before messages are sent to an address that was found for a name. true: the mark of the
	 * interface may be another one. NULL: of no interest.
	 */
	bool (*reach)(void *context, const union address_socket *address);
	/*
	 * Called when a child process has ended: whether context has all that it needs. false, which it has
	 * said: the daemon ends with status 1. NULL: of no interest.
	 */
	bool (*check)(void *context);
	void *context;
	/* Why there is no configuration to be read again; NULL: there is none, or it is. */
	const char *no_reload;
	/*
	 * Once all is started, the monitor keeps no capability but CAP_NET_ADMIN, for the interface,
	 * CAP_NET_BIND_SERVICE, for an address that comes late, and where it was started as root those with
	 * which it starts and ends processes of another user.
	 */
	bool only_net_admin;
};

/*
 * Runs a daemon until it is asked to end. config becomes the monitor's and is released. Returns the exit
 * status: 0 when it was asked to end; 1 when something kept it from starting, or its engine process was
 * lost.
 */
int monitor_run(struct config *config, const struct monitor_options *options);

#endif
