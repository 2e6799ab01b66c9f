#include "daemon/monitor_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "system/key_file.h"

static_assert(EXPLAIN_BYTES == PEER_RETURN_BYTES, "a return in words fits");
static_assert(KEY_FILE_PROBLEM_BYTES == PEER_PROBLEM_BYTES, "problems of a file fit");
static_assert(PEER_SET_PROBLEM_BYTES == MONITOR_PROBLEM_BYTES, "and those of a name");

/* --- what peers ask for --------------------------------------------------------------------------- */

static void announced(void *owner)
{
	struct monitor *monitor = owner;

	engine_link_set_peers(monitor->peer_env.link, peer_set_slots(monitor->peers));
	monitor_engine_make_room(monitor);
}

/* WireGuard's interface may depend on an address. */
static void resolved(void *owner, struct peer *peer)
{
	const struct monitor *monitor = owner;
	const struct monitor_options *options = &monitor->options;
	const struct channel_addresses *addresses = peer_addresses(peer);
	struct sink *wireguard = monitor_wireguard_of(peer);

	for (uint32_t i = 0; i < addresses->count && options->reach != NULL; i++) {
		if (options->reach(options->context, &addresses->list[i]) && wireguard != NULL)
			sink_wireguard_reconcile_soon(wireguard);
	}
}

static bool answers(void *owner, struct peer *peer, enum rosenpass_role role,
                    char words[static PEER_RETURN_BYTES])
{
	struct monitor *monitor = owner;

	return silence_ends(monitor->silence, peer, role, loop_now_ns(monitor->loop), words);
}

static void silent(void *owner, struct peer *peer, const struct channel_silence *silence)
{
	struct monitor *monitor = owner;

	silence_take(monitor->silence, peer, silence, loop_now_ns(monitor->loop));
}

static int read_psk(void *owner, uint8_t psk[static ROSENPASS_PSK_BYTES], const char *file,
                    char problem[static PEER_PROBLEM_BYTES])
{
	(void)owner;
	return key_file_read_psk(psk, file, problem);
}

static void gone(void *owner, struct peer *peer)
{
	const struct monitor *monitor = owner;

	peer_set_drop(monitor->peers, peer);
}

static const struct peer_events events = {
	.announced = announced,
	.resolved = resolved,
	.answers = answers,
	.silent = silent,
	.read_psk = read_psk,
	.gone = gone,
};

/* --- all peers ------------------------------------------------------------------------------------ */

static int open_memory(struct monitor *monitor)
{
	/* The name of a daemon without a file is another one each time. */
	bool has_name = monitor->from_file || monitor->options.name != NULL;
	bool has_key = monitor->public_key.bytes != NULL;
	uint64_t prefix = 0;
	char *path;
	int result;

	if (has_key)
		memcpy(&prefix, monitor->public_key.bytes, sizeof prefix);
	path = peer_memory_find_path(has_name ? monitor->name : NULL, has_key ? &prefix : NULL);
	result = peer_memory_open(&monitor->memory, monitor->loop, path);

	free(path);
	return result;
}

static int open_silence(struct monitor *monitor)
{
	const struct silence_env env = {
		.peers = monitor->peers,
		.public_key = monitor->public_key.bytes,
		.is_rp = monitor->options.ensure != NULL,
	};

	return silence_create(&monitor->silence, &env);
}

int monitor_peers_open(struct monitor *monitor)
{
	int result = open_memory(monitor);

	if (result == 0)
		result = peer_set_create(&monitor->peers, monitor->loop);
	if (result == 0)
		result = open_silence(monitor);
	monitor->peer_env = (struct peer_env){
		.loop = monitor->loop,
		.resolvers = monitor->resolvers,
		.memory = monitor->memory,
		.deliveries = &monitor->deliveries,
		.events = &events,
		.owner = monitor,
	};
	monitor_peers_use_engine(monitor);
	monitor_plan_open(monitor);
	return result;
}

void monitor_peers_close(struct monitor *monitor)
{
	peer_memory_close(monitor->memory);
	monitor->memory = NULL;
	peer_set_destroy(monitor->peers);
	monitor->peers = NULL;
	silence_destroy(monitor->silence);
	monitor->silence = NULL;
}

void monitor_peers_use_engine(struct monitor *monitor)
{
	monitor->peer_env.link = monitor->engine == NULL || monitor->stopping ? NULL : monitor->engine->link;
}

void monitor_peers_remove(struct monitor *monitor, struct peer *peer)
{
	silence_forget(monitor->silence, peer);
	claims_drop(&monitor->claims, peer_claims(peer));
	peer_set_remove(monitor->peers, peer);
}
