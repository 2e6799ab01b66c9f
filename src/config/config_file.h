#ifndef ROSENPASS_CONFIG_CONFIG_FILE_H
#define ROSENPASS_CONFIG_CONFIG_FILE_H

/* From the name of a configuration file to a tree of TOML values. */

#include <stdbool.h>
#include <stddef.h>

#include "config/rosenpass_config.h"
#include "config/toml.h"

/*
 * Reads a whole file, or one byte more than toml_parse() takes. 0, with *text allocated; -1 and problem:
 * it is not there or cannot be read.
 */
int config_file_read(char **text, size_t *length, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/* toml_parse_relaxed(), with a problem that names the file and the place. */
int config_file_parse(struct toml_value *root, const char *text, size_t length, const char *path,
                      char problem[static CONFIG_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Add to the problem of a file that was refused that it is a configuration of the other program, if its keys
 * are that program's: rp where is_rp is false, else rosenpass.
 */
void config_file_name_other(const struct toml_value *root, bool is_rp,
                            char problem[static CONFIG_PROBLEM_BYTES]);

#endif
