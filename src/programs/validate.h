#ifndef ROSENPASS_PROGRAMS_VALIDATE_H
#define ROSENPASS_PROGRAMS_VALIDATE_H

/* The command validate of both programs. */

#include <stdbool.h>

#include "config/rosenpass_config.h"

/*
 * Checks a configuration and the files that it names, and logs what is wrong. own is the program's own kind;
 * a configuration of the other program is recognized and checked as one. The file is read once, so that it
 * may be a pipe. Returns true if all is good.
 */
bool validate_file(const char *path, enum config_kind own);

#endif
