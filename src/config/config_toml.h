#ifndef ROSENPASS_CONFIG_CONFIG_TOML_H
#define ROSENPASS_CONFIG_CONFIG_TOML_H

/* From a tree of TOML values to a configuration. Within src/config only. */

#include "config/config.h"
#include "config/toml.h"

/*
 * Fills a zeroed config from the table of a file. 0, or -1 and problem; what was filled until then is to
 * be released in any case.
 */
int config_toml_read(struct config *config, const struct toml_value *root, const char *file,
                     char problem[static CONFIG_PROBLEM_BYTES]) __attribute__((warn_unused_result));

#endif
