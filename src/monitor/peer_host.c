#include "monitor/peer_host.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/wireguard_peers.h"
#include "system/key_file.h"

static_assert(EXPLAIN_BYTES == PEER_RETURN_BYTES, "a return in words fits");
static_assert(KEY_FILE_PROBLEM_BYTES == PEER_PROBLEM_BYTES, "problems of a file fit");

struct peer_host {
	struct peer_host_env env;
	struct peer_memory *memory;
	struct peer_set *set;
	struct silence *silence;
	struct peer_env peer_env;
};

/* --- what peers ask for --------------------------------------------------------------------------- */

static void announced(void *owner)
{
	const struct peer_host *host = owner;

	host->env.announced(host->env.owner, peer_set_slots(host->set));
}

/* WireGuard's interface may depend on an address. */
static void resolved(void *owner, struct peer *peer)
{
	const struct peer_host_env *env = &((const struct peer_host *)owner)->env;
	const struct channel_addresses *addresses = peer_addresses(peer);
	struct sink *wireguard = wireguard_peers_sink(peer);

	for (uint32_t i = 0; i < addresses->count && env->reach != NULL; i++) {
		if (env->reach(env->owner, &addresses->list[i]) && wireguard != NULL)
			sink_wireguard_reconcile_soon(wireguard);
	}
}

static bool answers(void *owner, struct peer *peer, enum rosenpass_role role,
                    char words[static PEER_RETURN_BYTES])
{
	const struct peer_host *host = owner;

	return silence_ends(host->silence, peer, role, loop_now_ns(host->env.loop), words);
}

static void silent(void *owner, struct peer *peer, const struct channel_silence *silence)
{
	const struct peer_host *host = owner;

	silence_take(host->silence, peer, silence, loop_now_ns(host->env.loop));
}

static int read_psk(void *owner, uint8_t psk[static ROSENPASS_PSK_BYTES], const char *file,
                    char problem[static PEER_PROBLEM_BYTES])
{
	(void)owner;
	return key_file_read_psk(psk, file, problem);
}

static void gone(void *owner, struct peer *peer)
{
	const struct peer_host *host = owner;

	peer_set_drop(host->set, peer);
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

static int open_memory(struct peer_host *host)
{
	const struct peer_host_env *env = &host->env;
	uint64_t prefix = 0;
	char *path;
	int result;

	if (env->public_key != NULL)
		memcpy(&prefix, env->public_key, sizeof prefix);
	path = peer_memory_find_path(env->name, env->public_key == NULL ? NULL : &prefix);
	result = peer_memory_open(&host->memory, env->loop, path);
	free(path);
	return result;
}

static int open_parts(struct peer_host *host)
{
	int result = open_memory(host);

	if (result == 0)
		result = peer_set_create(&host->set, host->env.loop);
	if (result == 0) {
		const struct silence_env env = {
			.peers = host->set,
			.public_key = host->env.public_key,
			.is_rp = host->env.is_rp,
		};

		result = silence_create(&host->silence, &env);
	}
	return result;
}

int peer_host_create(struct peer_host **out, const struct peer_host_env *env)
{
	struct peer_host *host = calloc(1, sizeof *host);
	int result;

	*out = NULL;
	if (host == NULL)
		return -ENOMEM;
	host->env = *env;
	result = open_parts(host);
	if (result != 0) {
		peer_host_destroy(host);
		return result;
	}
	host->peer_env = (struct peer_env){
		.loop = env->loop,
		.resolvers = env->resolvers,
		.memory = host->memory,
		.deliveries = env->deliveries,
		.events = &events,
		.owner = host,
	};
	*out = host;
	return 0;
}

void peer_host_destroy(struct peer_host *host)
{
	if (host == NULL)
		return;
	peer_memory_close(host->memory);
	peer_set_destroy(host->set);
	silence_destroy(host->silence);
	free(host);
}

void peer_host_use_link(struct peer_host *host, struct engine_link *link)
{
	host->peer_env.link = link;
}

int peer_host_remove(struct peer_host *host, struct peer *peer)
{
	int result = peer_prepare_removal(peer);

	if (result != 0)
		return result;
	silence_forget(host->silence, peer);
	claims_drop(host->env.claims, peer_claims(peer));
	peer_set_remove(host->set, peer);
	return 0;
}

void peer_host_network_changed(const struct peer_host *host)
{
	size_t position = 0;
	struct peer *peer;

	while ((peer = peer_set_next(host->set, &position)) != NULL) {
		struct sink *wireguard = wireguard_peers_sink(peer);

		/* A peer that responds has no need of another address. */
		if (peer_is_responding(peer) && peer_resolve_problem(peer) == NULL)
			continue;
		if (wireguard != NULL)
			sink_wireguard_network_changed(wireguard);
		peer_network_changed(peer);
	}
}

void peer_host_randomize(const struct peer_host *host)
{
	size_t position = 0;
	struct peer *peer;

	while ((peer = peer_set_next(host->set, &position)) != NULL)
		peer_randomize(peer);
}

struct peer_set *peer_host_set(const struct peer_host *host)
{
	return host->set;
}

struct silence *peer_host_silence(const struct peer_host *host)
{
	return host->silence;
}

const struct peer_env *peer_host_peer_env(const struct peer_host *host)
{
	return &host->peer_env;
}
