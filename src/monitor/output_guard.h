#ifndef ROSENPASS_MONITOR_OUTPUT_GUARD_H
#define ROSENPASS_MONITOR_OUTPUT_GUARD_H

/*
 * Whether a key may go to a file at the moment of writing: what the daemon and its peers read and write is
 * claimed, and files may have been replaced and links made since.
 */

#include "delivery/outfile.h"
#include "monitor/claims.h"

/* What runs, and what it claims. */
struct output_guard {
	struct claims claims;
	struct claim *own;   /* of the daemon itself */
	const char *setting; /* that names an outfile, for messages */
};

/* The guard of outfiles; claimants are peers. guard outlives it. */
struct outfile_guard output_guard_of(struct output_guard *guard);

#endif
