#ifndef ROSENPASS_SYSTEM_KEY_FILE_H
#define ROSENPASS_SYSTEM_KEY_FILE_H

/* Key files: read with exact sizes, each problem said in one line that names the file and the remedy. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rosenpass.h"
#include "system/shared_key.h"

#define KEY_FILE_PROBLEM_BYTES 512

/* -1 and problem: the file cannot be read or has another size, or memory is short. */
int key_file_read_public(struct shared_key *key, const char *path,
                         char problem[static KEY_FILE_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Reads a secret key of either layout (13608 or 13568 bytes). -1 and problem; sk is then wiped. */
int key_file_read_secret(uint8_t sk[static ROSENPASS_SECRET_KEY_BYTES], const char *path,
                         char problem[static KEY_FILE_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Reads a preshared key: 32 bytes in base64, as `wg genpsk` writes them. -1 and problem; psk is then wiped.
 */
int key_file_read_psk(uint8_t psk[static ROSENPASS_PSK_BYTES], const char *path,
                      char problem[static KEY_FILE_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Whether the file is there and others than its owner may read it. */
bool key_file_is_exposed(const char *path);

#endif
