#ifndef ROSENPASS_MONITOR_PLAN_CLAIMS_H
#define ROSENPASS_MONITOR_PLAN_CLAIMS_H

/* What the daemon and its peers claim: files, names, public keys and peers of WireGuard. */

#include <stdbool.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "monitor/claims.h"
#include "monitor/plan.h"
#include "monitor/staged_peer.h"

#define PLAN_OWNER_BYTES (CHANNEL_LABEL_BYTES + 16)

/* Each puts its claims into list. 0; -1 and problem: something is claimed already, or memory is short. */

/* The daemon itself. public_key NULL: the key is not known. */
int plan_claims_own(struct claims *claims, struct claim **list, const struct config *config,
                    const struct plan_daemon *daemon, const uint8_t *public_key,
                    char problem[static PLAN_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* A peer of a configuration, into its own list. from_file: settings have the names that a file gives them. */
int plan_claims_staged(struct claims *claims, struct staged_peer *staged, bool from_file,
                       char problem[static PLAN_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* A peer that runs and stays. */
int plan_claims_running(struct claims *claims, struct claim **list, const struct peer *peer,
                        char problem[static PLAN_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Returns 0 if a file may be written beside a daemon with this configuration, which reads and writes none of
 * that name; else -1 and problem. setting: what the file is. No file is read.
 */
int plan_claims_check_output(const struct config *config, const struct plan_daemon *daemon,
                             const char *setting, const char *path, char problem[static PLAN_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

#endif
