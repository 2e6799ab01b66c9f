#ifndef ROSENPASS_MONITOR_PLAN_H
#define ROSENPASS_MONITOR_PLAN_H

/*
 * A configuration on its way to the running daemon: one path for the start, reload, `peer add` and validate.
 * plan_stage() reads all files, plan_check() looks for conflicts and allocates everything, and plan_apply()
 * cannot fail. Before plan_apply() nothing has changed, and plan_discard() leaves no trace.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "monitor/claims.h"
#include "monitor/peer.h"
#include "monitor/peer_set.h"
#include "monitor/staged_peer.h"
#include "system/loop.h"
#include "system/shared_key.h"

#define PLAN_PROBLEM_BYTES 768

struct plan;

/* What a daemon is besides its configuration. */
struct plan_daemon {
	const char *name; /* of the control socket */
	bool has_name;    /* also of the state file, which else is named after the key pair */
	const struct claims_input *inputs;
	size_t input_count;
};

/* The daemon as it runs. */
struct plan_target {
	struct loop *loop;
	const struct peer_env *env;
	struct peer_set *peers;
	struct claims *claims;
	struct claim **own_claims;
	struct shared_key *public_key; /* our own; empty: none yet, the daemon starts */
	/* The rest of a configuration; each takes what it needs, and what is left there is freed. */
	void (*take_config)(void *owner, struct config *config);
	/* Our own key pair is another one: replaces the engine process. Not called at the start. */
	void (*replace_engine)(void *owner);
	/* The peer is about to be removed. */
	void (*removing)(void *owner, struct peer *peer);
	void *owner;
};

struct plan_result {
	size_t added, removed, changed, unchanged;
};

/*
 * Reads our own key pair and the files of all peers. config moves into the plan in any case. 0; -1 and one
 * line in problem.
 */
int plan_stage(struct plan **out, struct config *config, const struct plan_daemon *daemon,
               const struct plan_target *target, char problem[static PLAN_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/*
 * Reads the files of one more peer, which is added to those that run. config moves into the plan in any case.
 */
int plan_stage_addition(struct plan **out, struct config_peer *config, const struct plan_target *target,
                        char problem[static PLAN_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Finds uses of one thing for two purposes, and makes room for all that is to come. 0; -1 and one line in
 * problem. Between this and plan_apply() the loop must not run.
 */
int plan_check(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/*
 * At the start, before plan_check(): moves the configuration without its peers to *config, and the public key
 * to the target's. *config has to stay until plan_check() has returned.
 */
void plan_take_own(struct plan *plan, struct config *config);

/* Frees the plan. */
void plan_apply(struct plan *plan, struct plan_result *result);

/* Frees a plan that was not applied. NULL is allowed. */
void plan_discard(struct plan *plan);

/* Our key pair is another one than that of the running daemon. */
bool plan_has_other_keys(const struct plan *plan);
/* Our own key pair; the secret key is wiped when the plan is freed. */
const uint8_t *plan_public_key(const struct plan *plan);
uint8_t *plan_secret_key(const struct plan *plan);
const struct config *plan_config(const struct plan *plan);
/* The peers of the plan, in the order of the configuration. */
size_t plan_peer_count(const struct plan *plan);
const struct config_peer *plan_peer_config(const struct plan *plan, size_t i);
/* The peer that was made for an addition by plan_check(). */
struct peer *plan_added_peer(const struct plan *plan);

#endif
