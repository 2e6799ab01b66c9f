#ifndef ROSENPASS_CONFIG_VARIABLES_H
#define ROSENPASS_CONFIG_VARIABLES_H

/*
 * Variables in paths: ${CREDENTIALS_DIRECTORY}, ${RUNTIME_DIRECTORY} and ${STATE_DIRECTORY}, which systemd
 * sets for a service, stand for the directory, the first one where there are several. $$ is a dollar sign,
 * and one before anything else but a brace stays what it is. Within src/config only.
 */

#include <stdio.h>

#include "config/place.h"

/* *out is allocated. -1: said in the problem; a variable is not set, or there is none of that name. */
int variables_replace(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* The reverse: a path, allocated, as it has to be written to mean itself. NULL: no memory. */
char *variables_escape(const char *path);

#endif
