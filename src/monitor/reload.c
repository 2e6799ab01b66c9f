#include "monitor/reload.h"

#include <assert.h>
#include <stdio.h>

#include "monitor/lifetime.h"
#include "system/log.h"

static_assert(CONFIG_PROBLEM_BYTES <= PLAN_PROBLEM_BYTES, "problems of a file fit");
static_assert(LISTENERS_PROBLEM_BYTES <= PLAN_PROBLEM_BYTES, "and those of sockets");

/* Another key pair needs another engine process. The present one goes on until that is there. */
static int prepare_engine(const struct reload_env *env, const struct plan *plan,
                          char problem[static PLAN_PROBLEM_BYTES])
{
	if (!plan_has_other_keys(plan) ||
	    engines_start(env->engines, plan_public_key(plan), plan_secret_key(plan),
	                  plan_peer_count(plan) + peer_set_count(env->target->peers)) == 0)
		return 0;
	(void)snprintf(problem, PLAN_PROBLEM_BYTES, "%s",
	               engines_are_interrupted() ? "the daemon was asked to end"
	                                         : "no engine process could be started for our new key pair");
	return -1;
}

/* Whatever can fail. The engine process comes last, as it cannot be taken back without a wait. */
static int prepare(const struct reload_env *env, struct plan **plan, struct listeners_change **listen,
                   char problem[static PLAN_PROBLEM_BYTES])
{
	struct config config;

	if (config_read(&config, env->config->file, problem) != 0 ||
	    plan_stage(plan, &config, env->daemon, env->target, problem) != 0)
		return -1;
	if (plan_check(*plan, problem) == 0 &&
	    listeners_stage(env->listeners, &plan_config(*plan)->listen, listen, problem) == 0 &&
	    prepare_engine(env, *plan, problem) == 0)
		return 0;
	listeners_discard(env->listeners, *listen);
	plan_discard(*plan);
	return -1;
}

static int begin(const struct reload_env *env)
{
	if (engines_begin(env->engines) == 0) {
		env->begun(env->owner);
		return 0;
	}
	/* Asked to end: the signal is still to be served. */
	if (!engines_are_interrupted())
		env->failed(env->owner);
	return -1;
}

static void report(const struct reload_env *env, const struct plan_result *result)
{
	log_info("reloaded \"%s\": %zu peers added, %zu removed, %zu changed, %zu unchanged",
	         env->config->file, result->added, result->removed, result->changed, result->unchanged);
	lifetime_tell_peers(peer_set_count(env->target->peers));
}

int reload_run(const struct reload_env *env, struct plan_result *result,
               char problem[static PLAN_PROBLEM_BYTES])
{
	struct listeners_change *listen = NULL;
	struct plan *plan = NULL;
	bool has_other_keys;
	int status = -1;

	if (prepare(env, &plan, &listen, problem) == 0) {
		has_other_keys = plan_has_other_keys(plan);
		plan_apply(plan, result);
		/* Callers at a new socket are strangers until their peer is there. */
		listeners_apply(env->listeners, listen);
		status = has_other_keys ? begin(env) : 0;
		if (status == 0)
			report(env, result);
		else
			(void)snprintf(problem, PLAN_PROBLEM_BYTES,
			               "the engine process could not be started again, as the log says; the "
			               "daemon ends");
	}
	engines_was_away(env->engines);
	return status;
}
