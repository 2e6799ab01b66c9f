#ifndef TESTS_UNIT_PLAN_FIXTURE_H
#define TESTS_UNIT_PLAN_FIXTURE_H

/* In place of src/monitor/peer.c and peer_set.c: peers that only count what is done to them. */

#include "allocation_fixture.h"

#include "monitor/plan.h"

#define PEERS_MAX 8

struct peer {
	struct peer_ref ref;
	struct config_peer config;
	struct shared_key key;
	struct claim *claims;
	size_t number;
	bool is_at_run_time;
	void *prepared; /* memory that a change needs */
	unsigned started, changed, announced, reset;
};

struct peer_set {
	struct peer *all[PEERS_MAX];
	size_t count, room;
	unsigned removed;
};

int peer_create(struct peer **out, const struct peer_env *env, struct staged_peer *staged)
{
	struct peer *peer = calloc(1, sizeof *peer);

	(void)env;
	*out = NULL;
	if (peer == NULL)
		return -ENOMEM;
	peer->config = staged->config;
	memset(&staged->config, 0, sizeof staged->config);
	peer->key = staged->public_key;
	memset(&staged->public_key, 0, sizeof staged->public_key);
	peer->claims = staged->claims;
	staged->claims = NULL;
	peer->number = staged->number;
	*out = peer;
	return 0;
}

void peer_destroy(struct peer *peer)
{
	if (peer == NULL)
		return;
	config_peer_release(&peer->config);
	shared_key_release(&peer->key);
	free(peer);
}

void peer_start(struct peer *peer, const uint8_t *psk)
{
	assert_int_equal(psk != NULL, peer->config.pre_shared_key != NULL);
	peer->started++;
}

void peer_cancel(struct peer *peer)
{
	free(peer->prepared);
	peer->prepared = NULL;
}

int peer_prepare(struct peer *peer, const struct staged_peer *staged)
{
	assert_ptr_equal(staged->same, peer);
	assert_null(peer->prepared);
	peer->prepared = malloc(1);
	return peer->prepared == NULL ? -ENOMEM : 0;
}

bool peer_change(struct peer *peer, struct staged_peer *staged)
{
	struct config_peer old = peer->config;
	bool is_different = !config_peer_equal(&old, &staged->config);

	assert_non_null(peer->prepared);
	peer_cancel(peer);
	peer->config = staged->config;
	staged->config = old;
	peer->number = staged->number;
	peer->changed += is_different;
	return is_different;
}

void peer_announce(struct peer *peer, const uint8_t *psk)
{
	assert_int_equal(psk != NULL, peer->config.pre_shared_key != NULL);
	peer->announced++;
}

void peer_reset_session(struct peer *peer)
{
	peer->reset++;
}

struct peer_ref peer_ref(const struct peer *peer)
{
	return peer->ref;
}

const char *peer_label(const struct peer *peer)
{
	return peer->config.name == NULL ? "peer" : peer->config.name;
}

size_t peer_number(const struct peer *peer)
{
	return peer->number;
}

void peer_set_number(struct peer *peer, size_t number)
{
	peer->number = number;
}

bool peer_is_at_run_time(const struct peer *peer)
{
	return peer->is_at_run_time;
}

void peer_set_at_run_time(struct peer *peer, bool is_at_run_time)
{
	peer->is_at_run_time = is_at_run_time;
}

const struct config_peer *peer_config(const struct peer *peer)
{
	return &peer->config;
}

const uint8_t *peer_public_key(const struct peer *peer)
{
	return peer->key.bytes;
}

struct claim **peer_claims(struct peer *peer)
{
	return &peer->claims;
}

int peer_set_reserve(struct peer_set *set, size_t count)
{
	void *probe = malloc(1);

	free(probe);
	if (probe == NULL || set->count + count > PEERS_MAX)
		return -ENOMEM;
	set->room = count;
	return 0;
}

int peer_set_add(struct peer_set *set, struct peer *peer)
{
	assert_true(set->room > 0);
	set->room--;
	peer->ref = (struct peer_ref){ .slot = (uint32_t)set->count, .serial = (uint32_t)set->count + 1 };
	set->all[set->count++] = peer;
	return 0;
}

void peer_set_remove(struct peer_set *set, struct peer *peer)
{
	size_t i = 0;

	assert_null(peer->claims);
	while (set->all[i] != peer)
		i++;
	/* As the real set: the peers that stay keep their places, and it is walked through meanwhile. */
	for (; i + 1 < set->count; i++)
		set->all[i] = set->all[i + 1];
	set->count--;
	set->removed++;
	peer_destroy(peer);
}

struct peer *peer_set_get(const struct peer_set *set, struct peer_ref ref)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->all[i]->ref.serial == ref.serial)
			return set->all[i];
	}
	return NULL;
}

struct peer *peer_set_next(const struct peer_set *set, size_t *position)
{
	return *position < set->count ? set->all[(*position)++] : NULL;
}

size_t peer_set_count(const struct peer_set *set)
{
	return set->count;
}

#endif
