#ifndef ROSENPASS_ROSENPASS_DAEMON_H
#define ROSENPASS_ROSENPASS_DAEMON_H

/* The loop between sockets, engine and outfiles. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rosenpass.h"
#include "system/address.h"
#include "system/sockets.h"

#define DAEMON_ADDRESSES_MAX 16

/* A peer as the daemon sees it. Zeroed at first; the fields of the first group are set by the caller. */
struct daemon_peer {
	size_t number; /* for messages, from 1 */
	uint8_t *public_key;
	const char *outfile;
	char *quoted_outfile;
	const char *endpoint;                                 /* as given; NULL: none */
	union address_socket addresses[DAEMON_ADDRESSES_MAX]; /* what it resolved to */
	size_t address_count;

	rosenpass_peer handle;
	struct address_path last; /* where it was authenticated last */
	bool has_last;
	/* A key that could not be written yet. */
	bool unwritten;
	uint8_t *key;     /* secret memory, ROSENPASS_KEY_BYTES */
	const char *what; /* "exchanged" or "stale" */
	enum rosenpass_dialect dialect;
	uint64_t complained_ns; /* of a send that failed; 0: never */
	bool write_complained;
};

struct daemon {
	struct rosenpass *engine;
	struct sockets sockets;
	struct daemon_peer *peers;
	size_t peer_count;
	bool stdout_is_broken;
	uint64_t retry_ns; /* when unwritten keys are tried again; UINT64_MAX: there are none */
	struct sockets_packet packets[SOCKETS_BATCH];
};

/* Runs until SIGTERM, SIGINT or SIGQUIT. 0, or negative errno when the loop cannot work. */
int daemon_run(struct daemon *daemon);

/* Takes a key into the outfile and tells standard output; what fails is tried again. */
void daemon_deliver(struct daemon *daemon, struct daemon_peer *peer, const char *what,
                    enum rosenpass_dialect dialect, uint64_t now_ns);

/* Tries the unwritten keys again when it is time. */
void daemon_retry(struct daemon *daemon, uint64_t now_ns);

#endif
