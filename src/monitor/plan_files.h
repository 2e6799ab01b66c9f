#ifndef ROSENPASS_MONITOR_PLAN_FILES_H
#define ROSENPASS_MONITOR_PLAN_FILES_H

/* Reads the files that a configuration names. Problems are one line that names the file and the remedy. */

#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "monitor/staged_peer.h"
#include "system/shared_key.h"

#define PLAN_FILES_PROBLEM_BYTES 768

/* Reads our own key pair: the public key is mapped then, and the secret key read. 0, or -1 and problem. */
int plan_files_own(struct shared_key *public_key, uint8_t *secret_key, const struct config *config,
                   char problem[static PLAN_FILES_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Reads one peer's files. config moves into staged in any case. 0, or -1 and problem; either way
 * plan_files_release() frees what staged holds.
 */
int plan_files_peer(struct staged_peer *staged, struct config_peer *config, size_t number,
                    char problem[static PLAN_FILES_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* Frees everything but the claims. */
void plan_files_release(struct staged_peer *staged);

/* Warns of preshared keys that others may read, except those of peers that run already. */
void plan_files_warn(const struct staged_peer *staged, size_t count);

/* Writes "peer 2 (office)", for messages about files. */
void plan_files_describe(char *out, size_t size, const struct config_peer *config, size_t number);

#endif
