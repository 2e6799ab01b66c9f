#ifndef ROSENPASS_MONITOR_SETTINGS_H
#define ROSENPASS_MONITOR_SETTINGS_H

/* Settings that do not come from the configuration that was read last. */

#include "config/rosenpass_config.h"

/* What the command line says; NULL: nothing. */
struct settings_options {
	const char *user; /* of the engine process */
	const enum config_before *before_first_exchange;
	const enum config_on_exit *on_exit;
};

/* Overrides the configuration by the options, except for the user. */
void settings_override(struct config *config, const struct settings_options *options);

/* The user that counts; NULL: none is chosen. */
const char *settings_user(const struct config *config, const struct settings_options *options);

/*
 * Keeps what was fixed when the daemon was started: swaps the user of the present configuration and that of
 * the next one, and gives the next one the present number of threads. Logs what counts from the next start
 * on.
 */
void settings_keep(struct config *present, struct config *next, const struct settings_options *options);

#endif
