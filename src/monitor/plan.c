#include "monitor/plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/plan_claims.h"
#include "monitor/plan_files.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/secret_memory.h"

static_assert(PLAN_PROBLEM_BYTES == PLAN_FILES_PROBLEM_BYTES, "problems of files fit");

/* A peer that was added over the control socket, and stays beside those of a new configuration. */
struct kept_peer {
	struct peer *peer;
	struct claim *claims; /* in those of the plan */
};

struct plan {
	const struct plan_target *target;
	const struct plan_daemon *daemon;
	bool is_addition; /* of one peer to those that run */
	bool is_start;
	bool has_other_keys;
	struct config config;
	const struct config *settings; /* config, or where that was moved to */
	struct shared_key public_key;
	uint8_t *secret_key;
	struct staged_peer *staged;
	struct peer *
		*fresh; /* by the number of the staged peer: what was created of it; NULL: it runs already */
	size_t count;
	struct claims claims; /* empty if it is an addition */
	struct claim *own_claims;
	/* Peers that run and are not staged. */
	struct kept_peer *kept;
	size_t kept_count;
	struct peer **removed;
	size_t removed_count;
};

static int fail(char problem[static PLAN_PROBLEM_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char problem[static PLAN_PROBLEM_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, PLAN_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

static int fail_memory(char problem[static PLAN_PROBLEM_BYTES])
{
	return fail(problem, "out of memory");
}

/* Each peer has half a megabyte on a disk that may be slow. */
static void say_busy(const struct plan_target *target)
{
	loop_refresh(target->loop);
	notify_busy(loop_now_ns(target->loop));
}

/* --- files --------------------------------------------------------------------------------------- */

static struct plan *create(const struct plan_target *target, size_t count)
{
	struct plan *plan = calloc(1, sizeof *plan);

	if (plan == NULL)
		return NULL;
	plan->target = target;
	plan->staged = calloc(count + 1, sizeof *plan->staged);
	plan->fresh = calloc(count + 1, sizeof(*plan->fresh));
	if (plan->staged != NULL && plan->fresh != NULL)
		return plan;
	plan_discard(plan);
	return NULL;
}

/* The peer that runs and has that key. */
static struct peer *find_same(const struct plan_target *target, const struct shared_key *key)
{
	const struct claim *claim = claims_find_key(target->claims, key->bytes);
	const struct peer *peer = claim == NULL ? NULL : claims_subject(claim);

	return peer == NULL ? NULL : peer_set_get(target->peers, peer_ref(peer));
}

static int stage_peer(struct plan *plan, struct config_peer *config, size_t number,
                      char problem[static PLAN_PROBLEM_BYTES])
{
	struct staged_peer *staged = &plan->staged[plan->count++];

	say_busy(plan->target);
	if (plan_files_peer(staged, config, number, problem) != 0)
		return -1;
	staged->same = find_same(plan->target, &staged->public_key);
	/* One mapping of the key is enough. */
	if (staged->same != NULL)
		shared_key_release(&staged->public_key);
	return 0;
}

static int stage_own(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	const struct shared_key *present = plan->target->public_key;

	plan->secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	if (plan->secret_key == NULL)
		return fail_memory(problem);
	if (plan_files_own(&plan->public_key, plan->secret_key, &plan->config, problem) != 0)
		return -1;
	plan->is_start = present->bytes == NULL;
	/* A secret key that fits the old public key is the old one. */
	plan->has_other_keys = !plan->is_start && memcmp(plan->public_key.bytes, present->bytes,
	                                                 ROSENPASS_PUBLIC_KEY_BYTES) != 0;
	return 0;
}

int plan_stage(struct plan **out, struct config *config, const struct plan_daemon *daemon,
               const struct plan_target *target, char problem[static PLAN_PROBLEM_BYTES])
{
	struct plan *plan = create(target, config->peer_count);
	int result = 0;

	*out = NULL;
	if (plan == NULL) {
		config_release(config);
		return fail_memory(problem);
	}
	plan->daemon = daemon;
	plan->config = *config;
	plan->settings = &plan->config;
	memset(config, 0, sizeof *config);
	result = stage_own(plan, problem);
	for (size_t i = 0; result == 0 && i < plan->config.peer_count; i++)
		result = stage_peer(plan, &plan->config.peers[i], i + 1, problem);
	if (result == 0)
		*out = plan;
	else
		plan_discard(plan);
	return result;
}

/* The number after the highest one of all peers. */
static size_t next_number(const struct peer_set *peers)
{
	const struct peer *peer;
	size_t position = 0;
	size_t number = 0;

	while ((peer = peer_set_next(peers, &position)) != NULL) {
		if (peer_number(peer) > number)
			number = peer_number(peer);
	}
	return number + 1;
}

int plan_stage_addition(struct plan **out, struct config_peer *config, const struct plan_target *target,
                        char problem[static PLAN_PROBLEM_BYTES])
{
	struct plan *plan = create(target, 1);

	*out = NULL;
	if (plan == NULL) {
		config_peer_release(config);
		return fail_memory(problem);
	}
	plan->is_addition = true;
	if (stage_peer(plan, config, next_number(target->peers), problem) != 0) {
		plan_discard(plan);
		return -1;
	}
	*out = plan;
	return 0;
}

/* --- claims, matches and room ---------------------------------------------------------------------- */

/* The table that the claims of staged peers go to. */
static struct claims *claims_of(struct plan *plan)
{
	return plan->is_addition ? plan->target->claims : &plan->claims;
}

static int claim_own(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	/* Of two keys that are the same, the one that is in use stays. */
	bool is_present = !plan->has_other_keys && plan->target->public_key->bytes != NULL;
	const uint8_t *key = is_present ? plan->target->public_key->bytes : plan->public_key.bytes;

	return plan_claims_own(&plan->claims, &plan->own_claims, plan->settings, plan->daemon, key, problem);
}

static int claim_staged(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	bool is_from_file = !plan->is_addition && plan->settings->file != NULL;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->is_addition && plan->staged[i].same != NULL)
			return fail(problem, "%s has that public key already",
			            peer_label(plan->staged[i].same));
		if (plan_claims_staged(claims_of(plan), &plan->staged[i], is_from_file, problem) != 0)
			return -1;
	}
	return 0;
}

/* Peers of the old configuration that the new one does not have go; those of the control socket stay. */
static int match_running(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	const struct plan_target *target = plan->target;
	size_t count = peer_set_count(target->peers);
	size_t position = 0;
	struct peer *peer;

	plan->kept = calloc(count + 1, sizeof *plan->kept);
	plan->removed = calloc(count + 1, sizeof(*plan->removed));
	if (plan->kept == NULL || plan->removed == NULL)
		return fail_memory(problem);
	while ((peer = peer_set_next(target->peers, &position)) != NULL) {
		/* Whoever has that key now is staged, or the daemon itself. */
		const struct claim *claim = claims_find_key(&plan->claims, peer_public_key(peer));

		if (claim != NULL && claims_owner(claim) != NULL)
			continue;
		if (!peer_is_at_run_time(peer)) {
			plan->removed[plan->removed_count++] = peer;
			continue;
		}
		plan->kept[plan->kept_count].peer = peer;
		if (plan_claims_running(&plan->claims, &plan->kept[plan->kept_count++].claims, peer,
		                        problem) != 0)
			return -1;
	}
	return 0;
}

static int create_peers(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	const struct plan_target *target = plan->target;
	size_t fresh = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->staged[i].same != NULL)
			continue;
		say_busy(plan->target);
		if (peer_create(&plan->fresh[i], target->env, &plan->staged[i]) != 0)
			return fail_memory(problem);
		claims_set_subject(*peer_claims(plan->fresh[i]), plan->fresh[i]);
		fresh++;
	}
	return peer_set_reserve(target->peers, fresh) == 0 ? 0 : fail(problem, "no memory for so many peers");
}

/* What runs already is only changed once nothing can fail any more. */
static int prepare_changes(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	for (size_t i = 0; i < plan->count; i++) {
		struct staged_peer *staged = &plan->staged[i];

		if (staged->same == NULL)
			continue;
		say_busy(plan->target);
		if (peer_prepare(staged->same, staged) != 0)
			return fail_memory(problem);
	}
	return 0;
}

int plan_check(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	if (!plan->is_addition && claim_own(plan, problem) != 0)
		return -1;
	if (claim_staged(plan, problem) != 0)
		return -1;
	if (!plan->is_addition && match_running(plan, problem) != 0)
		return -1;
	/* Their configurations move to the peers then. */
	plan_files_warn(plan->staged, plan->count);
	if (create_peers(plan, problem) != 0)
		return -1;
	return prepare_changes(plan, problem);
}

/* --- the change ------------------------------------------------------------------------------------ */

static void give_claims(struct peer *peer, struct claim *list)
{
	*peer_claims(peer) = list;
	claims_set_subject(list, peer);
}

/* From now on the claims of the new configuration count. Those of peers that leave have gone. */
static void take_claims(struct plan *plan)
{
	const struct plan_target *target = plan->target;

	for (size_t i = 0; i < plan->removed_count; i++)
		*peer_claims(plan->removed[i]) = NULL;
	for (size_t i = 0; i < plan->kept_count; i++)
		give_claims(plan->kept[i].peer, plan->kept[i].claims);
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->staged[i].same == NULL)
			continue;
		give_claims(plan->staged[i].same, plan->staged[i].claims);
		plan->staged[i].claims = NULL;
	}
	if (plan->is_addition)
		return;
	claims_release(target->claims);
	*target->claims = plan->claims;
	*target->own_claims = plan->own_claims;
	plan->claims = (struct claims){ 0 };
}

static void remove_peer(const struct plan_target *target, struct peer *peer)
{
	say_busy(target);
	target->removing(target->owner, peer);
	claims_drop(target->claims, peer_claims(peer));
	peer_set_remove(target->peers, peer);
}

/*
 * Sessions end, as peers know us by the old key. A peer that was added over the control socket with a
 * preshared key cannot be handed over: that key is kept nowhere else.
 */
static void replace_keys(struct plan *plan)
{
	const struct plan_target *target = plan->target;
	struct shared_key old = *target->public_key;
	size_t position = 0;
	struct peer *peer;

	while ((peer = peer_set_next(target->peers, &position)) != NULL)
		peer_reset_session(peer);
	*target->public_key = plan->public_key;
	plan->public_key = old;
	target->replace_engine(target->owner);
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->staged[i].same == NULL)
			continue;
		say_busy(plan->target);
		peer_announce(plan->staged[i].same, plan->staged[i].psk);
	}
	for (size_t i = 0; i < plan->kept_count; i++) {
		peer = plan->kept[i].peer;
		if (peer_config(peer)->pre_shared_key != NULL) {
			log_warn("%s: it was added while we ran, with a preshared key; add it again",
			         peer_label(peer));
			remove_peer(target, peer);
			plan->kept[i].peer = NULL;
		} else {
			peer_announce(peer, NULL);
		}
	}
}

static void start_peer(struct plan *plan, size_t i)
{
	struct peer *peer = plan->fresh[i];
	int result = peer_set_add(plan->target->peers, peer);

	/* Room was made for it. */
	assert(result == 0);
	(void)result;
	peer_set_at_run_time(peer, plan->is_addition);
	peer_start(peer, plan->staged[i].psk);
}

static void change_peers(struct plan *plan, struct plan_result *result)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct staged_peer *staged = &plan->staged[i];

		say_busy(plan->target);
		if (staged->same == NULL) {
			start_peer(plan, i);
			plan->fresh[i] = NULL;
			result->added++;
			continue;
		}
		peer_set_at_run_time(staged->same, false);
		if (peer_change(staged->same, staged))
			result->changed++;
		else
			result->unchanged++;
	}
	/* Peers of the control socket come after those of the file. */
	for (size_t i = 0, number = plan->count; i < plan->kept_count; i++) {
		if (plan->kept[i].peer != NULL)
			peer_set_number(plan->kept[i].peer, ++number);
	}
}

void plan_take_own(struct plan *plan, struct config *config)
{
	*config = plan->config;
	plan->settings = config;
	memset(&plan->config, 0, sizeof plan->config);
	*plan->target->public_key = plan->public_key;
	memset(&plan->public_key, 0, sizeof plan->public_key);
}

void plan_apply(struct plan *plan, struct plan_result *result)
{
	const struct plan_target *target = plan->target;

	*result = (struct plan_result){ 0 };
	take_claims(plan);
	for (size_t i = 0; i < plan->removed_count; i++) {
		remove_peer(target, plan->removed[i]);
		result->removed++;
	}
	if (plan->has_other_keys)
		replace_keys(plan);
	if (!plan->is_addition && !plan->is_start)
		target->take_config(target->owner, &plan->config);
	change_peers(plan, result);
	plan_discard(plan);
}

void plan_discard(struct plan *plan)
{
	if (plan == NULL)
		return;
	for (size_t i = 0; i < plan->count; i++) {
		struct peer *fresh = plan->fresh[i];

		if (plan->is_addition && fresh != NULL)
			claims_drop(plan->target->claims, peer_claims(fresh));
		if (plan->is_addition)
			claims_drop(plan->target->claims, &plan->staged[i].claims);
		peer_destroy(fresh);
		if (plan->staged[i].same != NULL)
			peer_cancel(plan->staged[i].same);
		plan_files_release(&plan->staged[i]);
	}
	free(plan->staged);
	free(plan->fresh);
	free(plan->kept);
	free(plan->removed);
	claims_release(&plan->claims);
	shared_key_release(&plan->public_key);
	secret_memory_release(NULL, plan->secret_key, ROSENPASS_SECRET_KEY_BYTES);
	config_release(&plan->config);
	free(plan);
}

/* --- what is planned ------------------------------------------------------------------------------- */

bool plan_has_other_keys(const struct plan *plan)
{
	return plan->has_other_keys;
}

const uint8_t *plan_public_key(const struct plan *plan)
{
	return plan->public_key.bytes != NULL ? plan->public_key.bytes : plan->target->public_key->bytes;
}

uint8_t *plan_secret_key(const struct plan *plan)
{
	return plan->secret_key;
}

const struct config *plan_config(const struct plan *plan)
{
	return plan->settings;
}

size_t plan_peer_count(const struct plan *plan)
{
	return plan->count;
}

const struct config_peer *plan_peer_config(const struct plan *plan, size_t i)
{
	return plan->fresh[i] == NULL ? &plan->staged[i].config : peer_config(plan->fresh[i]);
}

struct peer *plan_added_peer(const struct plan *plan)
{
	return plan->fresh[0];
}
