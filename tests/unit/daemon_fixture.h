#ifndef TESTS_UNIT_DAEMON_FIXTURE_H
#define TESTS_UNIT_DAEMON_FIXTURE_H

/* The parts of a daemon that peers need, with the test in place of the engine process. */

#include "fixture.h"

#include <errno.h>
#include <unistd.h>

#include "engine/channel.h"
#include "monitor/engine_events.h"
#include "monitor/output_guard.h"
#include "monitor/outputs.h"
#include "monitor/peer_host.h"
#include "monitor/plan.h"
#include "monitor/wireguard_peers.h"
#include "system/clock.h"

struct daemon {
	struct loop *loop;
	int engine; /* the engine's end of the channel */
	struct engine_link *link;
	struct engine_events_env events;
	struct engine_events_source source;
	struct output_guard guard;
	enum config_before before_first_exchange;
	struct wireguard_peers wireguard;
	struct outputs *outputs;
	struct peer_host *peers;
	struct plan_target target;
	struct shared_key public_key; /* none */
	unsigned lost, reports;
};

static inline void daemon_announced(void *owner, size_t slots)
{
	engine_link_set_peers(((const struct daemon *)owner)->link, slots);
}

static inline void daemon_lost(void *owner, enum engine_link_loss loss)
{
	(void)loss;
	((struct daemon *)owner)->lost++;
}

static inline void daemon_reported(void *owner, const struct channel_report *report)
{
	(void)report;
	((struct daemon *)owner)->reports++;
}

static inline void daemon_removing(void *owner, struct peer *peer)
{
	silence_forget(peer_host_silence(((const struct daemon *)owner)->peers), peer);
}

static inline void daemon_take_config(void *owner, struct config *config)
{
	(void)owner;
	(void)config;
}

/* name and backend stay; devices NULL: others make the interfaces. */
static inline void daemon_open_parts(struct daemon *daemon, const char *name,
                                     const struct wireguard_backend *backend,
                                     const struct device_owner *devices)
{
	const struct outputs_env outputs = {
		.loop = daemon->loop,
		.daemon = name,
		.guard = output_guard_of(&daemon->guard),
		.devices = devices == NULL ? (struct device_owner){ 0 } : *devices,
		.backend = backend,
		.wireguard = &wireguard_peers_events,
		.wireguard_owner = &daemon->wireguard,
	};
	struct peer_host_env peers = {
		.loop = daemon->loop,
		.claims = &daemon->guard.claims,
		.announced = daemon_announced,
		.owner = daemon,
	};

	assert_int_equal(outputs_create(&daemon->outputs, &outputs), 0);
	peers.deliveries = outputs_deliveries(daemon->outputs);
	assert_int_equal(peer_host_create(&daemon->peers, &peers), 0);
	daemon->target.env = peer_host_peer_env(daemon->peers);
	daemon->target.peers = peer_host_set(daemon->peers);
	daemon->events.peers = peer_host_set(daemon->peers);
	daemon->events.silence = peer_host_silence(daemon->peers);
}

static inline void daemon_close_parts(struct daemon *daemon)
{
	peer_host_destroy(daemon->peers);
	outputs_destroy(daemon->outputs);
}

/* A zeroed daemon, whose engine process is not the present one yet. */
static inline void daemon_open(struct daemon *daemon, const char *name,
                               const struct wireguard_backend *backend)
{
	int pair[2];

	assert_int_equal(loop_open_simulated(&daemon->loop, clock_now_ns()), 0);
	assert_int_equal(channel_open(pair), 0);
	daemon->engine = pair[1];
	daemon->events = (struct engine_events_env){ .loop = daemon->loop,
		                                     .reported = daemon_reported,
		                                     .owner = daemon };
	daemon->source =
		(struct engine_events_source){ .env = &daemon->events, .lost = daemon_lost, .owner = daemon };
	assert_int_equal(
		engine_link_open(&daemon->link, daemon->loop, pair[0], &engine_events, &daemon->source), 0);
	daemon->guard.setting = "outfile";
	daemon->wireguard.before_first_exchange = &daemon->before_first_exchange;
	daemon->target = (struct plan_target){
		.loop = daemon->loop,
		.claims = &daemon->guard.claims,
		.own_claims = &daemon->guard.own,
		.public_key = &daemon->public_key,
		.take_config = daemon_take_config,
		.removing = daemon_removing,
		.owner = daemon,
	};
	daemon_open_parts(daemon, name, backend, NULL);
}

static inline void daemon_close(struct daemon *daemon)
{
	daemon_close_parts(daemon);
	claims_release(&daemon->guard.claims);
	engine_link_close(daemon->link);
	loop_close(daemon->loop);
	(void)close(daemon->engine);
}

/* The sinks may talk to the engine process, and it counts what it says. */
static inline void daemon_use_engine(struct daemon *daemon)
{
	daemon->source.is_present = true;
	daemon->wireguard.link = daemon->link;
}

/* Adds a peer as over the control socket, but as one of the configuration. */
static inline struct peer *daemon_add(struct daemon *daemon, struct config_peer *config)
{
	char problem[PLAN_PROBLEM_BYTES];
	struct plan_result result;
	struct plan *plan;
	struct peer *peer;

	assert_int_equal(plan_stage_addition(&plan, config, &daemon->target, problem), 0);
	assert_int_equal(plan_check(plan, problem), 0);
	peer = plan_added_peer(plan);
	plan_apply(plan, &result);
	peer_set_at_run_time(peer, false);
	return peer;
}

static inline const struct delivery_env *daemon_deliveries(const struct daemon *daemon)
{
	return outputs_deliveries(daemon->outputs);
}

#endif
