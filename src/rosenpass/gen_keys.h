#ifndef ROSENPASS_ROSENPASS_GEN_KEYS_H
#define ROSENPASS_ROSENPASS_GEN_KEYS_H

/* Making a key pair, for the commands that do. */

#include <stdbool.h>

/*
 * Makes a key pair and writes both files; existing ones are replaced with force and refused without.
 * command is for messages. Returns the exit status; each problem is said in the log.
 */
int gen_keys_make(const char *command, const char *public_key, const char *secret_key, bool force);

#endif
