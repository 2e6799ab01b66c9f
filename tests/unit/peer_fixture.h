#ifndef TESTS_UNIT_PEER_FIXTURE_H
#define TESTS_UNIT_PEER_FIXTURE_H

/*
 * Peers on a simulated clock. Keys go to a sink that remembers them, and the test is the engine process at
 * the other end of the channel.
 */

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "monitor/peer_parts.h"
#include "monitor/peer_set.h"
#include "system/clock.h"
#include "system/log.h"

struct scene {
	struct loop *loop;
	struct resolver_pool *pool;
	struct peer_memory *memory;
	struct delivery_env deliveries;
	struct peer_env env;
	struct peer_set *set;
	int engine; /* the engine's end of the channel */

	/* What the peers have told. */
	unsigned announced, silent, gone, read;
	bool is_psk_missing;
	/* What the sinks hold. */
	uint8_t key[ROSENPASS_KEY_BYTES];
	bool has_key, is_random, is_slow;
	unsigned keys, retired;
};

static struct scene *the_scene;

/* --- the sink ---------------------------------------------------------------------------- */

static inline bool sink_is_wanted(const struct config_peer *config)
{
	return config->key_out != NULL;
}

static int sink_create(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer);

static inline void sink_take(struct sink *sink, const struct delivery_key *key)
{
	memcpy(the_scene->key, key->bytes, sizeof the_scene->key);
	the_scene->has_key = true;
	the_scene->is_random = !key->is_exchanged;
	the_scene->keys++;
	if (!the_scene->is_slow)
		sink_delivered(sink);
}

static inline bool sink_is_same(const struct sink *sink, const struct config_peer *config)
{
	(void)sink;
	(void)config;
	return true;
}

static inline void sink_ignore(struct sink *sink, const struct config_peer *config)
{
	(void)sink;
	(void)config;
}

static inline int sink_prepare_retire(struct sink *sink)
{
	(void)sink;
	return 0;
}

static inline void sink_cancel(struct sink *sink)
{
	(void)sink;
}

static inline void sink_end(struct sink *sink)
{
	sink_release(sink);
	free(sink);
}

static inline void sink_retire(struct sink *sink, const uint8_t *key, enum sink_cause cause)
{
	(void)key;
	assert_int_equal(cause, SINK_REMOVED);
	the_scene->retired++;
	sink_end(sink);
}

static const struct sink_ops recorder = {
	.kind = "recorder",
	.failure_text = "cannot",
	.success_text = "can",
	.retry_first_ns = CLOCK_SECOND_NS,
	.retry_most_ns = CLOCK_SECOND_NS,
	.is_wanted = sink_is_wanted,
	.create = sink_create,
	.deliver = sink_take,
	.same_target = sink_is_same,
	.reconfigure = sink_ignore,
	.prepare_retire = sink_prepare_retire,
	.cancel = sink_cancel,
	.retire = sink_retire,
	.destroy = sink_end,
};

static int sink_create(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	*out = calloc(1, sizeof **out);
	assert_non_null(*out);
	return sink_init(*out, &recorder, env->loop, peer);
}

/* --- what peers ask for ------------------------------------------------------------------ */

static inline void announced(void *owner)
{
	((struct scene *)owner)->announced++;
}

static inline void resolved(void *owner, struct peer *peer)
{
	(void)owner;
	(void)peer;
}

static inline bool answers(void *owner, struct peer *peer, enum rosenpass_role role,
                           char words[static PEER_RETURN_BYTES])
{
	(void)owner;
	(void)peer;
	(void)role;
	words[0] = '\0';
	return false;
}

static inline void silent(void *owner, struct peer *peer, const struct channel_silence *silence)
{
	(void)peer;
	(void)silence;
	((struct scene *)owner)->silent++;
}

static inline int read_psk(void *owner, uint8_t psk[static ROSENPASS_PSK_BYTES], const char *file,
                           char problem[static PEER_PROBLEM_BYTES])
{
	struct scene *scene = owner;

	assert_string_equal(file, "psk");
	scene->read++;
	(void)snprintf(problem, PEER_PROBLEM_BYTES, "it is not there");
	memset(psk, 0x5a, ROSENPASS_PSK_BYTES);
	return scene->is_psk_missing ? -1 : 0;
}

static inline void gone(void *owner, struct peer *peer)
{
	struct scene *scene = owner;

	assert_true(peer_is_leaving(peer));
	scene->gone++;
	peer_set_drop(scene->set, peer);
}

static const struct peer_events events = { announced, resolved, answers, silent, read_psk, gone };

static inline void ignore_ready(void *owner, const struct channel_ready *ready)
{
	(void)owner;
	(void)ready;
}

static const struct engine_link_events no_events = { .ready = ignore_ready };

static inline int never_resolve(void *owner, struct resolver_job *job, const char *text)
{
	(void)owner;
	(void)job;
	(void)text;
	return -ENOMEM;
}

static inline void no_process(void *owner)
{
	(void)owner;
}

/* --- the scene --------------------------------------------------------------------------- */

static inline int set_up(void **state)
{
	const struct resolver_pool_owner resolvers = { .start = never_resolve, .ended = no_process };
	struct scene *scene = calloc(1, sizeof *scene);
	int pair[2];

	assert_non_null(scene);
	the_scene = scene;
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open_simulated(&scene->loop, 10000 * CLOCK_SECOND_NS), 0);
	assert_int_equal(resolver_pool_create(&scene->pool, scene->loop, &resolvers), 0);
	assert_int_equal(peer_memory_open(&scene->memory, scene->loop, NULL), 0);
	assert_int_equal(peer_set_create(&scene->set, scene->loop), 0);
	assert_int_equal(channel_open(pair), 0);
	scene->engine = pair[1];
	scene->deliveries = (struct delivery_env){ .loop = scene->loop, .kinds = { &recorder } };
	scene->env = (struct peer_env){
		.loop = scene->loop,
		.resolvers = scene->pool,
		.memory = scene->memory,
		.deliveries = &scene->deliveries,
		.events = &events,
		.owner = scene,
	};
	assert_int_equal(engine_link_open(&scene->env.link, scene->loop, pair[0], &no_events, scene), 0);
	*state = scene;
	return 0;
}

static inline int tear_down(void **state)
{
	struct scene *scene = *state;

	peer_set_destroy(scene->set);
	peer_memory_close(scene->memory);
	engine_link_close(scene->env.link);
	resolver_pool_destroy(scene->pool);
	loop_close(scene->loop);
	(void)close(scene->engine);
	free(scene);
	return 0;
}

static inline void stage(struct staged_peer *staged, const char *name, size_t number)
{
	static uint8_t key[ROSENPASS_PUBLIC_KEY_BYTES];

	memset(staged, 0, sizeof *staged);
	key[0] = (uint8_t)number;
	assert_int_equal(shared_key_make(&staged->public_key, key), 0);
	staged->key_prefix = number;
	staged->number = number;
	staged->config.key_out = strdup("out");
	staged->config.name = name == NULL ? NULL : strdup(name);
}

/* Parts that were not taken over. */
static inline void unstage(struct staged_peer *staged)
{
	config_peer_release(&staged->config);
	shared_key_release(&staged->public_key);
}

static inline struct peer *add_peer(struct scene *scene, const char *name, size_t number)
{
	struct staged_peer staged;
	struct peer *peer;

	stage(&staged, name, number);
	assert_int_equal(peer_create(&peer, &scene->env, &staged), 0);
	unstage(&staged);
	assert_int_equal(peer_set_add(scene->set, peer), 0);
	peer_start(peer, NULL);
	return peer;
}

static inline void remove_peer(const struct scene *scene, struct peer *peer)
{
	assert_int_equal(peer_prepare_removal(peer), 0);
	peer_set_remove(scene->set, peer);
}

/* The next request to the engine process; 0: there is none. */
static inline uint32_t next_request(const struct scene *scene, struct channel_request *request)
{
	int fd = -1;

	if (channel_receive_request(scene->engine, request, &fd) != 1)
		return 0;
	if (fd >= 0)
		(void)close(fd);
	return request->kind;
}

static inline void drop_requests(const struct scene *scene)
{
	struct channel_request request;

	while (next_request(scene, &request) != 0)
		;
}

#endif
