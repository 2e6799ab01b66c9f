#ifndef ROSENPASS_CONFIG_RP_CONFIG_VALUE_H
#define ROSENPASS_CONFIG_RP_CONFIG_VALUE_H

/* Single values that only rp has, as in config_value.h. Within src/config only. */

#include "config/config_value.h"
#include "config/rp_config.h"

/* HOST:PORT, or PORT alone, which becomes [::]:PORT. */
int rp_config_value_listen(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* HOST:PORT */
int rp_config_value_endpoint(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/*
 * Adds a list of prefixes to those that *out has, NULL for none: unlike others this function reads it, and
 * replaces it. An empty list adds nothing.
 */
int rp_config_value_allowed_ips(char **out, const struct config_place *place, const char *key,
                                const char *text) __attribute__((warn_unused_result));

/* Appends each address of a list. */
int rp_config_value_ips(struct config_words *out, const struct config_place *place, const char *key,
                        const char *text) __attribute__((warn_unused_result));

/* Bytes, RP_CONFIG_MTU_MIN to RP_CONFIG_MTU_MAX. */
int rp_config_value_mtu(uint32_t *out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* Seconds, or "off". */
int rp_config_value_keepalive(struct rp_config_peer *out, const struct config_place *place, const char *key,
                              const char *text) __attribute__((warn_unused_result));

#endif
