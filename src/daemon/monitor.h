#ifndef ROSENPASS_DAEMON_MONITOR_H
#define ROSENPASS_DAEMON_MONITOR_H

/*
 * The process that the user starts: it reads configuration and keys, opens sockets, delivers keys, resolves
 * names, runs hooks and answers on the control socket. It never reads from the network.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/rosenpass_config.h"
#include "delivery/device.h"
#include "monitor/claims.h"
#include "system/address.h"

#define MONITOR_PROBLEM_BYTES 768

struct monitor_options {
	const char *name;    /* of the daemon; NULL: after the file, or exchange-PID */
	const char *user;    /* NULL: what the configuration says */
	const char *version; /* for status */
	bool no_sandbox;
	const char *device;  /* the interface that ensure() makes; NULL: the one called name */
	bool has_fixed_name; /* no option gives it another one */
	/* What counts in place of what the configuration says; NULL: what that says. */
	const enum config_before *before_first_exchange;
	const enum config_on_exit *on_exit;
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
	/* Files besides those of the configuration that are read, and that nothing may be written to. */
	const struct claims_input *inputs;
	size_t input_count;
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

/*
 * What monitor_run() does before it starts anything: reads every key file and checks that all belongs
 * together. true: all is well; else every problem is said in the log.
 */
bool monitor_check(const struct config *config);

/*
 * Whether a file may be written beside a daemon with this configuration: none that it reads or writes.
 * setting is what the file is. 0; -1 and problem. No file is read.
 */
int monitor_check_output(const struct config *config, const struct monitor_options *options,
                         const char *setting, const char *path, char problem[static MONITOR_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

#endif
