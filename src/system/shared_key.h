#ifndef ROSENPASS_SYSTEM_SHARED_KEY_H
#define ROSENPASS_SYSTEM_SHARED_KEY_H

/* Public keys in memory that two processes share. */

#include <stdint.h>

#include "rosenpass.h"

/*
 * A public key in memory that nobody can change any more (a sealed memfd). bytes is a read-only mapping. May
 * be moved by assignment; zeroed, it is none.
 */
struct shared_key {
	const uint8_t *bytes; /* ROSENPASS_PUBLIC_KEY_BYTES; NULL: none */
	int fd;               /* with bytes: the memfd behind it; -1: it is not kept */
};

/* Copies a key into such memory. 0 or negative errno; *key is then zeroed. */
int shared_key_make(struct shared_key *key, const uint8_t bytes[static ROSENPASS_PUBLIC_KEY_BYTES])
	__attribute__((warn_unused_result));

/*
 * Returns a sealed memfd with the key, to be closed by the caller; negative errno. It shares the memory of
 * this key, unless there were so many keys that descriptors became scarce: then it is a copy.
 */
int shared_key_open(const struct shared_key *key) __attribute__((warn_unused_result));

/*
 * The receiving side, in a process that may not trust the sender: maps the key of fd after making sure that
 * it has the size of a key and is sealed against change. 0 or negative errno. fd stays open.
 */
int shared_key_map(struct shared_key *key, int fd) __attribute__((warn_unused_result));

/* Child processes have no part in the mapping, whose memory would stay taken until they end. */
void shared_key_keep_from_children(const struct shared_key *key);

/* Unmaps the key and zeroes *key. */
void shared_key_release(struct shared_key *key);

#endif
