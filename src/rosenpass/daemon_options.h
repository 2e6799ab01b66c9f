#ifndef ROSENPASS_ROSENPASS_PROGRAMS_OPTIONS_H
#define ROSENPASS_ROSENPASS_PROGRAMS_OPTIONS_H

/* The options that exchange and exchange-config share. */

#include <stdbool.h>

#include "monitor/monitor.h"

struct daemon_options {
	const char *config_file; /* of exchange: where the arguments are kept; NULL: nowhere */
	enum config_before before_first_exchange;
	enum config_on_exit on_exit;
	struct monitor_options monitor;
};

#define DAEMON_OPTIONS_GO_ON (-1)

/*
 * Reads the options that follow the command's name and leaves *count and *words with what is after them.
 * Anything but DAEMON_OPTIONS_GO_ON is the exit status: help was shown, or an option is wrong.
 */
int daemon_options_read(struct daemon_options *options, const char *command, bool with_config_file,
                        int *count, char ***words);

#endif
