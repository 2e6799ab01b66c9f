#ifndef ROSENPASS_CONFIG_RP_CONFIG_WORDS_H
#define ROSENPASS_CONFIG_RP_CONFIG_WORDS_H

/* From the words of a command line to a configuration of rp. Within src/config only. */

#include "config/config_value.h"
#include "config/rp_config.h"

/* Fills a zeroed config; what was filled until an error is to be released in any case. */
int rp_config_words_read(struct rp_config *config, const struct config_place *place, char *const *words,
                         size_t count) __attribute__((warn_unused_result));

#endif
