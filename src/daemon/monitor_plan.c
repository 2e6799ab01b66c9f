#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/plan_claims.h"
#include "monitor/plan_validate.h"
#include "system/log.h"
#include "system/notify.h"

int monitor_claims_check(struct monitor *monitor, struct peer *peer, const char *path,
                         struct file_identity *judged, char problem[static MONITOR_PROBLEM_BYTES])
{
	const struct claims_file wanted = {
		.setting = monitor->from_file ? "key_out" : "outfile",
		.path = path,
		.use = CLAIMS_OUTPUT,
	};

	claims_refresh(&monitor->claims, monitor->own_claims);
	return claims_check_output(&monitor->claims, peer == NULL ? NULL : *peer_claims(peer), &wanted,
	                           peer == NULL, judged, problem);
}

const struct peer *monitor_claims_writer(struct monitor *monitor, const char *path)
{
	struct file_identity identity;
	const struct claim *claim = NULL;

	if (file_identify(&identity, path) != -ENOMEM)
		claim = claims_find_output(&monitor->claims, &identity);
	file_identity_release(&identity);
	return claim == NULL ? NULL : claims_subject(claim);
}

/* --- the daemon to be --------------------------------------------------------------------------- */

/* Returns the description of a daemon, whose name is to be freed; NULL there: no memory. */
static struct plan_daemon describe(const struct config *config, const struct monitor_options *options)
{
	return (struct plan_daemon){
		.name = monitor_make_name(config, options),
		.has_name = config->file != NULL || options->name != NULL,
		.inputs = options->inputs,
		.input_count = options->input_count,
	};
}

bool monitor_check(const struct config *config)
{
	static const struct monitor_options options;
	const struct plan_daemon daemon = describe(config, &options);
	bool is_good = daemon.name != NULL && plan_validate(config, &daemon);

	if (daemon.name == NULL)
		log_error("out of memory");
	free((char *)(uintptr_t)daemon.name);
	return is_good;
}

int monitor_check_output(const struct config *config, const struct monitor_options *options,
                         const char *setting, const char *path, char problem[static MONITOR_PROBLEM_BYTES])
{
	const struct plan_daemon daemon = describe(config, options);
	int result = -1;

	if (daemon.name == NULL)
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "out of memory");
	else
		result = plan_claims_check_output(config, &daemon, setting, path, problem);
	free((char *)(uintptr_t)daemon.name);
	return result;
}

/* --- the daemon that runs -------------------------------------------------------------------------- */

/* So was the number of its threads. */
static void keep_threads(const struct monitor *monitor, struct config *config)
{
	const struct config_threads *old = &monitor->config.threads;

	if (config->threads.is_fixed != old->is_fixed || config->threads.count != old->count)
		log_warn("reload: the engine process stays as it is; \"threads\" counts from the next start "
		         "of the daemon");
	config->threads = *old;
}

/* The user of the engine process was fixed when the daemon was started. Keeps the name that counts. */
static void keep_user(struct monitor *monitor, struct config *config)
{
	const char *old = monitor->config.user;
	char *other = config->user;
	bool is_same = old == NULL || other == NULL ? old == other : strcmp(old, other) == 0;

	if (!is_same && monitor->options.user == NULL)
		log_warn("reload: the engine process stays as it is; \"user\" counts from the next start of "
		         "the daemon on");
	config->user = monitor->config.user;
	monitor->config.user = other;
}

/* The parts of a configuration that are not peers. */
static void take_config(void *owner, struct config *config)
{
	struct monitor *monitor = owner;
	struct config old;

	keep_user(monitor, config);
	keep_threads(monitor, config);
	old = monitor->config;
	/* The path by which it was found counts; peers have moved to their places. */
	monitor->config = *config;
	*config = old;
	monitor_apply_options(monitor);
	/* The engine process has no messages of this level. */
	log_set_verbose(monitor->config.verbosity == CONFIG_VERBOSE);
	socket_mark_configure(monitor->mark, &monitor->config.fwmark);
}

/* The new process has to be told to begin once it has the new peers as well. */
static void replace_engine(void *owner)
{
	struct monitor *monitor = owner;

	log_info("our own key pair is another one; a new engine process takes over");
	monitor_engine_replace(monitor);
	silence_set_own_key(monitor->silence, monitor->public_key.bytes);
	monitor_listen_announce(monitor);
}

static void removing(void *owner, struct peer *peer)
{
	const struct monitor *monitor = owner;

	silence_forget(monitor->silence, peer);
}

void monitor_plan_open(struct monitor *monitor)
{
	monitor->self = (struct plan_daemon){
		.name = monitor->name,
		.has_name = monitor->from_file || monitor->options.name != NULL,
		.inputs = monitor->options.inputs,
		.input_count = monitor->options.input_count,
	};
	monitor->target = (struct plan_target){
		.loop = monitor->loop,
		.env = &monitor->peer_env,
		.peers = monitor->peers,
		.claims = &monitor->claims,
		.own_claims = &monitor->own_claims,
		.public_key = &monitor->public_key,
		.take_config = take_config,
		.replace_engine = replace_engine,
		.removing = removing,
		.owner = monitor,
	};
}

static int begin(struct monitor *monitor)
{
	if (monitor_engine_begin(monitor) != 0) {
		/* Asked to end: the signal is still to be served. */
		if (!monitor_engine_is_interrupted())
			monitor_stop(monitor, EXIT_FAILURE);
		return -1;
	}
	/* Clients that wait for a report of the old engine process get one of the new process. */
	commands_ask_again(monitor->commands);
	return 0;
}

static const char *why_not(const struct monitor *monitor)
{
	if (monitor->stopping)
		return "the daemon stops";
	if (monitor->from_file)
		return NULL;
	return monitor->options.no_reload != NULL ? monitor->options.no_reload
	                                          : "this daemon was started without a configuration file; "
	                                            "there is nothing to read again";
}

/* Another key pair needs another engine process. The present one goes on until that is there. */
static int prepare_engine(struct monitor *monitor, struct plan *plan,
                          char problem[static MONITOR_PROBLEM_BYTES])
{
	if (!plan_has_other_keys(plan) ||
	    monitor_engine_start(monitor, plan_public_key(plan), plan_secret_key(plan),
	                         plan_peer_count(plan) + peer_set_count(monitor->peers)) == 0)
		return 0;
	(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "%s",
	               monitor_engine_is_interrupted()
	                       ? "the daemon was asked to end"
	                       : "no engine process could be started for our new key pair");
	return -1;
}

/* Whatever can fail. The engine process comes last, as it cannot be taken back without a wait. */
static int prepare(struct monitor *monitor, struct plan **plan, struct listeners_change **listen,
                   char problem[static MONITOR_PROBLEM_BYTES])
{
	struct config config;

	if (config_read(&config, monitor->config.file, problem) != 0 ||
	    plan_stage(plan, &config, &monitor->self, &monitor->target, problem) != 0)
		return -1;
	if (plan_check(*plan, problem) == 0 &&
	    listeners_stage(monitor->listeners, &plan_config(*plan)->listen, listen, problem) == 0 &&
	    prepare_engine(monitor, *plan, problem) == 0)
		return 0;
	listeners_discard(monitor->listeners, *listen);
	plan_discard(*plan);
	return -1;
}

static void report(const struct monitor *monitor, const struct plan_result *result)
{
	size_t count = peer_set_count(monitor->peers);
	char state[256];

	log_info("reloaded \"%s\": %zu peers added, %zu removed, %zu changed, %zu unchanged",
	         monitor->config.file, result->added, result->removed, result->changed, result->unchanged);
	(void)snprintf(state, sizeof state, "STATUS=Exchanging keys with %zu peer%s", count,
	               count == 1 ? "" : "s");
	notify_send(state);
}

int monitor_reload(struct monitor *monitor, struct plan_result *result,
                   char problem[static MONITOR_PROBLEM_BYTES])
{
	const char *reason = why_not(monitor);
	struct listeners_change *listen = NULL;
	struct plan *plan = NULL;
	bool has_other_keys;
	int status = -1;

	if (reason != NULL) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "%s", reason);
		return -1;
	}
	if (prepare(monitor, &plan, &listen, problem) == 0) {
		has_other_keys = plan_has_other_keys(plan);
		plan_apply(plan, result);
		/* Callers at a new socket are strangers until their peer is there. */
		listeners_apply(monitor->listeners, listen);
		status = has_other_keys ? begin(monitor) : 0;
		if (status == 0)
			report(monitor, result);
		else
			(void)snprintf(problem, MONITOR_PROBLEM_BYTES,
			               "the engine process could not be started again, as the log says; the "
			               "daemon ends");
	}
	monitor_was_away(monitor);
	return status;
}
