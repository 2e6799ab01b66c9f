#ifndef ROSENPASS_MONITOR_DAEMON_CHECK_H
#define ROSENPASS_MONITOR_DAEMON_CHECK_H

/* What can be said of a daemon before it is started. */

#include <stdbool.h>
#include <stddef.h>

#include "config/rosenpass_config.h"
#include "monitor/claims.h"

#define DAEMON_CHECK_PROBLEM_BYTES 768

/* What the command line says of a daemon besides its configuration. */
struct daemon_identity {
	const char *name;  /* NULL: after the file, or exchange-PID */
	bool is_temporary; /* another start will have another name */
	/* Files besides those of the configuration that are read, and that nothing may be written to. */
	const struct claims_input *inputs;
	size_t input_count;
};

/* The name of the daemon: that of its file without the directory and ".toml". Allocated; NULL: no memory. */
char *daemon_check_name(const struct config *config, const struct daemon_identity *identity);

/* Returns true if the name is the same at each start. */
bool daemon_check_has_name(const struct config *config, const struct daemon_identity *identity);

/*
 * Reads every key file and checks that all belongs together, as the start of a daemon does. Returns true if
 * all is well; else every problem is logged.
 */
bool daemon_check_config(const struct config *config);

/*
 * Returns 0 if a file may be written beside a daemon with this configuration, which reads and writes none of
 * that name; else -1 and problem. setting: what the file is. No file is read.
 */
int daemon_check_output(const struct config *config, const struct daemon_identity *identity,
                        const char *setting, const char *path,
                        char problem[static DAEMON_CHECK_PROBLEM_BYTES]) __attribute__((warn_unused_result));

#endif
