#ifndef ROSENPASS_DAEMON_KEYS_H
#define ROSENPASS_DAEMON_KEYS_H

/* Key files: read with exact sizes, each problem said in one line that names the file and the remedy. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rosenpass.h"

#define KEYS_PROBLEM_BYTES 512

/*
 * A public key in memory that nobody can change any more (a sealed memfd), so that two processes
 * can share it. bytes is a read-only mapping. May be moved by assignment; zeroed, it is none.
 */
struct keys_public {
	const uint8_t *bytes; /* ROSENPASS_PUBLIC_KEY_BYTES; NULL: none */
	int fd;               /* with bytes: the memfd behind it; -1: it is not kept */
};

/* -1 and problem: the file cannot be read or has another size, or memory is short. */
int keys_read_public(struct keys_public *key, const char *path, char problem[static KEYS_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/*
 * A sealed memfd with the key, to be closed by the caller; negative errno. It shares the memory of this
 * one, unless there were so many keys that descriptors became scarce: then it is a copy.
 */
int keys_open_public(const struct keys_public *key) __attribute__((warn_unused_result));

/*
 * The other end of it, in a process that may not trust the sender: maps the key of fd after making
 * sure that it has the size of a key and is sealed against change. 0 or negative errno. fd stays open.
 */
int keys_map_public(struct keys_public *key, int fd) __attribute__((warn_unused_result));

/* Child processes have no part in the mapping, whose memory would stay taken until they end. */
void keys_keep_from_children(const struct keys_public *key);

/* Zeroed after that. */
void keys_release_public(struct keys_public *key);

/* Reads a secret key of either layout (13608 or 13568 bytes). -1 and problem; sk is then wiped. */
int keys_read_secret(uint8_t sk[static ROSENPASS_SECRET_KEY_BYTES], const char *path,
                     char problem[static KEYS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Reads a preshared key: 32 bytes in base64, as `wg genpsk` writes them. -1 and problem; psk is then wiped.
 */
int keys_read_psk(uint8_t psk[static ROSENPASS_PSK_BYTES], const char *path,
                  char problem[static KEYS_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Whether the file is there and others than its owner may read it. */
bool keys_secret_is_exposed(const char *path);

#endif
