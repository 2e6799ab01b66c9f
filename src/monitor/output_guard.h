#ifndef ROSENPASS_MONITOR_OUTPUT_GUARD_H
#define ROSENPASS_MONITOR_OUTPUT_GUARD_H

/*
 * Checks at the moment of writing that a key may go to a file. The files that the daemon and its peers use
 * are claimed when the configuration is read; since then files may have been replaced, and links made.
 */

#include "delivery/outfile.h"
#include "monitor/claims.h"

/* The claims of the daemon that runs. */
struct output_guard {
	struct claims claims;
	struct claim *own;   /* of the daemon itself */
	const char *setting; /* that names an outfile, for messages */
};

/* The guard of outfiles; claimants are peers. guard outlives it. */
struct outfile_guard output_guard_of(struct output_guard *guard);

#endif
