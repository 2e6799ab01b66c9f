#include "engine/parts.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* The peer that a request names; NULL: there is none (any more). */
static struct engine_peer *find(const struct engine_process *process, const struct channel_request *request)
{
	struct engine_peer *peer = request->slot < process->slots ? process->peers[request->slot] : NULL;

	return peer != NULL && peer->serial == request->serial ? peer : NULL;
}

static void release(struct engine_peer *peer)
{
	shared_key_release(&peer->public_key);
	secret_memory_release(NULL, peer->key, ROSENPASS_KEY_BYTES);
	free(peer);
}

static int make_room(struct engine_process *process, uint32_t slot)
{
	struct engine_peer **larger;
	size_t slots = process->slots == 0 ? 16 : process->slots;

	if (slot < process->slots)
		return 0;
	while (slots <= slot)
		slots *= 2;
	larger = reallocarray(process->peers, slots, sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	for (size_t i = process->slots; i < slots; i++)
		larger[i] = NULL;
	process->peers = larger;
	process->slots = slots;
	return 0;
}

/* The labels of a request, for the engine; they stay in the request. */
static void fill_config(struct rosenpass_peer_config *config, const char *labels[CHANNEL_OSK_MAX],
                        struct engine_peer *peer, const struct channel_peer *asked)
{
	const char *at = asked->osk;

	*config = (struct rosenpass_peer_config){
		.size = sizeof(struct rosenpass_peer_config),
		.public_key = peer->public_key.bytes,
		.psk = asked->has_psk != 0 ? asked->psk : NULL,
		.dialects = asked->dialects,
		.discover = asked->discover != 0,
		.user = peer,
	};
	if (asked->osk_labels == 0)
		return;
	config->osk_organization = at;
	for (uint32_t i = 0; i < asked->osk_labels; i++) {
		at += strlen(at) + 1;
		labels[i] = at;
	}
	config->osk_labels = labels;
	config->osk_label_count = asked->osk_labels;
}

static void fail(struct engine_process *process, struct engine_peer *peer, int result)
{
	peer->failure = result;
	report_queue_add(process, peer, REPORT_FAILED);
}

/* There is no memory for so much as its place. */
static bool refuse(const struct engine_process *process, const struct channel_request *request)
{
	const struct channel_event event = { .kind = CHANNEL_PEER_FAILED,
		                             .slot = request->slot,
		                             .serial = request->serial,
		                             .error = ROSENPASS_E_MEMORY };
	bool is_told = channel_send_event(process->channel, &event) == 0;

	log_error("the engine process is out of memory for %s%s", request->peer.label,
	          is_told ? "" : "; ending");
	return is_told;
}

bool engine_peers_add(struct engine_process *process, const struct channel_request *request, int fd)
{
	struct rosenpass_peer_config config;
	const char *labels[CHANNEL_OSK_MAX];
	struct engine_peer *peer;
	int result;

	if (request->slot < process->slots && process->peers[request->slot] != NULL) {
		log_error("the place of %s is taken; ending", request->peer.label);
		return false;
	}
	peer = make_room(process, request->slot) != 0 ? NULL : calloc(1, sizeof *peer);
	if (peer == NULL)
		return refuse(process, request);
	peer->slot = request->slot;
	peer->serial = request->serial;
	memcpy(peer->label, request->peer.label, sizeof peer->label);
	/* Even a peer that fails keeps its place: the monitor has to hear of it, and removes it. */
	process->peers[request->slot] = peer;
	peer->holds = request->peer.holds != 0;
	peer->discovers = request->peer.discover != 0;
	peer->key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
	result = peer->key == NULL ? -ENOMEM : shared_key_map(&peer->public_key, fd);
	if (result != 0) {
		log_error("%s: cannot take its public key: %s", peer->label, strerror(-result));
		fail(process, peer, ROSENPASS_E_MEMORY);
		return true;
	}
	engine_rejected_added(process, peer, clock_now_ns());
	fill_config(&config, labels, peer, &request->peer);
	result = rosenpass_peer_add(process->engine, &config, clock_now_ns(), &peer->handle);
	if (result != 0)
		fail(process, peer, result);
	return true;
}

void engine_peers_change(struct engine_process *process, const struct channel_request *request)
{
	struct rosenpass_peer_config config;
	const char *labels[CHANNEL_OSK_MAX];
	struct engine_peer *peer = find(process, request);
	int result;

	if (peer == NULL || peer->handle == 0)
		return;
	memcpy(peer->label, request->peer.label, sizeof peer->label);
	peer->holds = request->peer.holds != 0;
	peer->discovers = request->peer.discover != 0;
	fill_config(&config, labels, peer, &request->peer);
	result = rosenpass_peer_change(process->engine, peer->handle, &config, clock_now_ns());
	if (result != 0)
		fail(process, peer, result);
	engine_silence_check(process, peer);
}

void engine_peers_remove(struct engine_process *process, const struct channel_request *request)
{
	struct engine_peer *peer = find(process, request);

	if (peer == NULL)
		return;
	if (peer->handle != 0)
		(void)rosenpass_peer_remove(process->engine, peer->handle);
	report_queue_forget(process, peer);
	engine_silence_forget(process, peer);
	engine_hold_forget(process, peer);
	process->peers[peer->slot] = NULL;
	release(peer);
}

/* Whether the peer is being asked and has not answered. */
static bool is_waiting(const struct engine_process *process, const struct engine_peer *peer)
{
	struct rosenpass_peer_info info = { .size = sizeof info };

	return peer->handle != 0 && rosenpass_peer_get(process->engine, peer->handle, &info) == 0 &&
	       info.state == ROSENPASS_STATE_INIT_HELLO;
}

static bool has_address(const struct engine_peer *peer, const union address_socket *address)
{
	for (size_t i = 0; i < peer->address_count; i++) {
		if (address_equal(&peer->addresses[i], address))
			return true;
	}
	return false;
}

void engine_peers_set_addresses(struct engine_process *process, const struct channel_request *request)
{
	static const struct rosenpass_address nowhere = { 0 };
	struct engine_peer *peer = find(process, request);
	bool is_new = false;

	if (peer == NULL)
		return;
	for (uint32_t i = 0; i < request->addresses.count; i++)
		is_new |= !has_address(peer, &request->addresses.list[i]);
	peer->address_count = request->addresses.count;
	for (uint32_t i = 0; i < request->addresses.count; i++)
		peer->addresses[i] = request->addresses.list[i];
	engine_silence_new_addresses(peer);
	if (request->addresses.forget != 0) {
		peer->has_last = false;
		peer->is_restored = false;
		(void)rosenpass_peer_set_endpoint(process->engine, peer->handle, &nowhere, clock_now_ns());
	}
	if (!is_new || !is_waiting(process, peer))
		return;
	/* What was sent up to now went nowhere, or to where it no longer is. */
	peer->unanswered = 0;
	if (peer->address_count > 0)
		(void)rosenpass_peer_set_endpoint(process->engine, peer->handle, &nowhere, clock_now_ns());
	(void)rosenpass_peer_initiate(process->engine, peer->handle, clock_now_ns());
}

void engine_peers_restore(struct engine_process *process, const struct channel_request *request)
{
	struct engine_peer *peer = find(process, request);
	struct rosenpass_peer_info info = { .size = sizeof info };
	struct rosenpass_address packed;

	if (peer == NULL || request->addresses.count != 1 || peer->has_last ||
	    rosenpass_peer_get(process->engine, peer->handle, &info) != 0 || info.endpoint.length > 0)
		return;
	memset(&peer->last, 0, sizeof peer->last);
	peer->last.remote = request->addresses.list[0];
	peer->has_last = true;
	peer->is_restored = true;
	/* A peer with an endpoint is asked there as well, one without can be asked nowhere else. */
	if (peer->discovers)
		return;
	address_pack(&packed, &peer->last);
	(void)rosenpass_peer_set_endpoint(process->engine, peer->handle, &packed, clock_now_ns());
}

void engine_peers_initiate(struct engine_process *process, const struct channel_request *request)
{
	struct engine_peer *peer = find(process, request);
	struct rosenpass_peer_info info = { .size = sizeof info };

	if (peer == NULL || rosenpass_peer_get(process->engine, peer->handle, &info) != 0 ||
	    info.state != ROSENPASS_STATE_IDLE)
		return;
	(void)rosenpass_peer_initiate(process->engine, peer->handle, clock_now_ns());
}

void engine_peers_delivered(struct engine_process *process, const struct channel_request *request)
{
	struct engine_peer *peer = find(process, request);

	if (peer != NULL)
		engine_hold_release(process, peer);
}

void engine_peers_network_changed(struct engine_process *process)
{
	for (size_t i = 0; i < process->slots; i++) {
		struct engine_peer *peer = process->peers[i];

		if (peer == NULL)
			continue;
		if (!is_waiting(process, peer))
			continue;
		peer->unanswered = 0;
		(void)rosenpass_peer_initiate(process->engine, peer->handle, clock_now_ns());
	}
}

void engine_peers_release(struct engine_process *process)
{
	for (size_t i = 0; i < process->slots; i++) {
		if (process->peers[i] != NULL)
			release(process->peers[i]);
	}
	free(process->peers);
	process->peers = NULL;
	process->slots = 0;
}
