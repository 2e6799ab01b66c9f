#ifndef ROSENPASS_ENGINE_PROCESS_H
#define ROSENPASS_ENGINE_PROCESS_H

/*
 * The process that faces the network: it holds the secret key and the UDP sockets, and nothing else. What it
 * needs comes over the channel.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/sandbox.h"

struct engine_start {
	int channel;               /* the engine's end */
	const uint8_t *public_key; /* stays */
	uint8_t *secret_key;       /* secret memory; wiped as soon as the engine has it */
	struct sandbox_user user;
	bool no_sandbox;
	size_t threads; /* for long computations, beside the one that serves the network */
};

/*
 * Closes the sandbox, says READY and works until the monitor asks it to stop or is gone. Returns the exit
 * status of the process. Log lines are its only words besides the channel's.
 */
int engine_process_run(const struct engine_start *start);

#endif
