#include "daemon/monitor_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/secret_memory.h"

/* A configuration with all its files, read before anything of the old one is touched. */
struct plan {
	struct config config;
	struct shared_key public_key;
	uint8_t *secret_key;
	bool other_keys; /* our own key pair is another one */
	struct staged_peer *staged;
	size_t count;
	struct claims claims;
	struct claim *own_claims;
	struct listeners_change *listen;
	struct claim *
		*run_time; /* by slot: claims of peers that were added over the control socket, and stay */
};

static void release(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		monitor_load_release(&plan->staged[i]);
	free(plan->staged);
	free(plan->run_time);
	claims_release(&plan->claims);
	shared_key_release(&plan->public_key);
	secret_memory_release(NULL, plan->secret_key, ROSENPASS_SECRET_KEY_BYTES);
	config_release(&plan->config);
}

/* Of a new configuration only those stay that were added over the control socket. */
static int claim_others(struct plan *plan, const struct monitor *monitor,
                        char problem[static MONITOR_PROBLEM_BYTES])
{
	bool *is_staged = calloc(peer_set_slots(monitor->peers) + 1, sizeof *is_staged);
	const struct peer *peer;
	size_t position = 0;
	int result = 0;

	plan->run_time = calloc(peer_set_slots(monitor->peers) + 1, sizeof(*plan->run_time));
	if (is_staged == NULL || plan->run_time == NULL) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "out of memory");
		result = -1;
	}
	for (size_t i = 0; i < plan->count && result == 0; i++) {
		if (plan->staged[i].same != NULL)
			is_staged[peer_ref(plan->staged[i].same).slot] = true;
	}
	while (result == 0 && (peer = peer_set_next(monitor->peers, &position)) != NULL) {
		uint32_t slot = peer_ref(peer).slot;

		if (peer_is_at_run_time(peer) && !is_staged[slot])
			result = monitor_claims_running(&plan->claims, &plan->run_time[slot], peer, problem);
	}
	free(is_staged);
	return result;
}

/* From now on the claims of the new configuration count. */
static void take_claims(struct monitor *monitor, struct plan *plan)
{
	struct peer *peer;
	size_t position = 0;

	while ((peer = peer_set_next(monitor->peers, &position)) != NULL) {
		*peer_claims(peer) = plan->run_time[peer_ref(peer).slot];
		claims_set_subject(*peer_claims(peer), peer);
	}
	claims_release(&monitor->claims);
	monitor->claims = plan->claims;
	monitor->own_claims = plan->own_claims;
	plan->claims = (struct claims){ 0 };
	for (size_t i = 0; i < plan->count; i++) {
		struct peer *same = plan->staged[i].same;

		if (same == NULL)
			continue;
		*peer_claims(same) = plan->staged[i].claims;
		claims_set_subject(*peer_claims(same), same);
		plan->staged[i].claims = NULL;
	}
}

static int load_peers(struct plan *plan, const struct monitor *monitor,
                      char problem[static MONITOR_PROBLEM_BYTES])
{
	plan->staged = calloc(plan->config.peer_count + 1, sizeof *plan->staged);
	if (plan->staged == NULL) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "out of memory");
		return -1;
	}
	for (size_t i = 0; i < plan->config.peer_count; i++) {
		plan->count++;
		if (monitor_load_peer(&plan->staged[i], monitor, &plan->config.peers[i], i + 1, problem) !=
		            0 ||
		    monitor_claims_staged(&plan->claims, &plan->staged[i], true, problem) != 0)
			return -1;
	}
	return claim_others(plan, monitor, problem);
}

static int load(struct plan *plan, const struct monitor *monitor, char problem[static MONITOR_PROBLEM_BYTES])
{
	if (config_read(&plan->config, monitor->config.file, problem) != 0)
		return -1;
	plan->secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	if (plan->secret_key == NULL) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "out of memory");
		return -1;
	}
	if (monitor_load_own(&plan->public_key, plan->secret_key, &plan->config, problem) != 0)
		return -1;
	/* A secret key that fits the old public key is the old one. */
	plan->other_keys =
		memcmp(plan->public_key.bytes, monitor->public_key.bytes, ROSENPASS_PUBLIC_KEY_BYTES) != 0;
	/* Of the two that are the same, ours stays. */
	if (monitor_claims_own(
		    &plan->claims, &plan->own_claims, &plan->config, &monitor->options, monitor->name,
		    plan->other_keys ? plan->public_key.bytes : monitor->public_key.bytes, problem) != 0)
		return -1;
	if (load_peers(plan, monitor, problem) != 0)
		return -1;
	return listeners_stage(monitor->listeners, &plan->config.listen, &plan->listen, problem);
}

/* Another key pair needs another engine process. The present one goes on until that is there. */
static int start_engine(struct monitor *monitor, struct plan *plan,
                        char problem[static MONITOR_PROBLEM_BYTES])
{
	if (!plan->other_keys || monitor_engine_start(monitor, plan->public_key.bytes, plan->secret_key,
	                                              plan->count + peer_set_count(monitor->peers)) == 0)
		return 0;
	(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "%s",
	               monitor_engine_is_interrupted()
	                       ? "the daemon was asked to end"
	                       : "no engine process could be started for our new key pair");
	return -1;
}

/* Peers that the new configuration does not have; those of the control socket stay. */
static void remove_peers(struct monitor *monitor, const struct plan *plan,
                         struct monitor_reload_result *result)
{
	bool *stays = calloc(peer_set_slots(monitor->peers) + 1, sizeof *stays);
	struct peer *peer;
	size_t position = 0;

	if (stays == NULL) {
		log_error("reload: out of memory; no peer was removed");
		return;
	}
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->staged[i].same != NULL)
			stays[peer_ref(plan->staged[i].same).slot] = true;
	}
	while ((peer = peer_set_next(monitor->peers, &position)) != NULL) {
		if (peer_is_at_run_time(peer) || stays[peer_ref(peer).slot])
			continue;
		notify_busy(clock_now_ns());
		monitor_peers_remove(monitor, peer);
		result->removed++;
	}
	free(stays);
}

/* Peers of the control socket come after those of the file. */
static void number_others(struct monitor *monitor, size_t from)
{
	struct peer *peer;
	size_t position = 0;

	while ((peer = peer_set_next(monitor->peers, &position)) != NULL) {
		if (peer_is_at_run_time(peer))
			peer_set_number(peer, ++from);
	}
}

static void change_peers(struct monitor *monitor, struct plan *plan, struct monitor_reload_result *result)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct staged_peer *staged = &plan->staged[i];

		notify_busy(clock_now_ns());
		if (staged->same != NULL) {
			peer_set_at_run_time(staged->same, false);
			if (peer_change(staged->same, staged))
				result->changed++;
			else
				result->unchanged++;
		} else if (monitor_peers_add(monitor, staged, false) != NULL) {
			result->added++;
		} else {
			log_error("reload: peer %zu: out of memory", staged->number);
		}
	}
	number_others(monitor, plan->count);
}

/*
 * Another key pair: sessions end, as peers know us by the old one. The new engine process, which has
 * started, gets what the old one had. It has to be told to begin once it has the new peers as well. A
 * peer that was added over the control socket with a preshared key cannot be handed over: that key is
 * kept nowhere else.
 */
static void replace_engine(struct monitor *monitor, struct plan *plan)
{
	struct shared_key old = monitor->public_key;
	struct peer *peer;
	size_t position = 0;

	log_info("our own key pair is another one; a new engine process takes over");
	monitor_engine_replace(monitor);
	while ((peer = peer_set_next(monitor->peers, &position)) != NULL)
		peer_reset_session(peer);
	monitor->public_key = plan->public_key;
	monitor_silence_new_own_key(monitor);
	plan->public_key = old;
	for (size_t i = 0; i < plan->count; i++) {
		peer = plan->staged[i].same;
		if (peer == NULL)
			continue;
		notify_busy(clock_now_ns());
		/* It is one of the file's from now on. */
		peer_set_at_run_time(peer, false);
		peer_announce(peer, plan->staged[i].psk);
	}
	position = 0;
	while ((peer = peer_set_next(monitor->peers, &position)) != NULL) {
		if (!peer_is_at_run_time(peer))
			continue;
		if (peer_config(peer)->pre_shared_key != NULL) {
			log_warn("%s: it was added while we ran, with a preshared key; add it again",
			         peer_label(peer));
			monitor_peers_remove(monitor, peer);
		} else {
			peer_announce(peer, NULL);
		}
	}
	monitor_listen_announce(monitor);
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
static void take_config(struct monitor *monitor, struct plan *plan)
{
	struct config old;

	keep_user(monitor, &plan->config);
	old = monitor->config;
	/* The path by which it was found counts; peers have moved to their places. */
	monitor->config = plan->config;
	plan->config = old;
	monitor_apply_options(monitor);
	/* The engine process has no messages of this level. */
	log_set_verbose(monitor->config.verbosity == CONFIG_VERBOSE);
	monitor_mark_update(monitor);
}

int monitor_reload(struct monitor *monitor, struct monitor_reload_result *result,
                   char problem[static MONITOR_PROBLEM_BYTES])
{
	struct plan plan = { 0 };
	char state[256];
	int status = -1;

	memset(result, 0, sizeof *result);
	if (monitor->stopping) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "the daemon stops");
		return -1;
	}
	if (!monitor->from_file) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "%s",
		               monitor->options.no_reload != NULL
		                       ? monitor->options.no_reload
		                       : "this daemon was started without a configuration file; there is "
		                         "nothing to read again");
		return -1;
	}
	if (load(&plan, monitor, problem) == 0 && start_engine(monitor, &plan, problem) == 0) {
		status = 0;
		monitor_load_warn(plan.staged, plan.count);
		take_claims(monitor, &plan);
		remove_peers(monitor, &plan, result);
		if (plan.other_keys)
			replace_engine(monitor, &plan);
		take_config(monitor, &plan);
		change_peers(monitor, &plan, result);
		/* Callers at a new socket are strangers until their peer is there. */
		listeners_apply(monitor->listeners, plan.listen);
		plan.listen = NULL;
		if (plan.other_keys)
			status = begin(monitor);
		if (status == 0) {
			log_info("reloaded \"%s\": %zu peers added, %zu removed, %zu changed, %zu unchanged",
			         monitor->config.file, result->added, result->removed, result->changed,
			         result->unchanged);
			(void)snprintf(state, sizeof state, "STATUS=Exchanging keys with %zu peer%s",
			               peer_set_count(monitor->peers),
			               peer_set_count(monitor->peers) == 1 ? "" : "s");
			notify_send(state);
		} else {
			(void)snprintf(problem, MONITOR_PROBLEM_BYTES,
			               "the engine process could not be started anew; the daemon ends");
		}
	}
	listeners_discard(monitor->listeners, plan.listen);
	release(&plan);
	monitor_was_away(monitor);
	return status;
}
