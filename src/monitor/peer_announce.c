#include "monitor/peer_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define FIRST_NS (5 * CLOCK_SECOND_NS)
#define MOST_NS (300 * CLOCK_SECOND_NS)

/* Packs organization and labels, a zero after each; config_read() has checked that they fit. */
static void fill_osk(struct channel_peer *out, const struct config_peer *config)
{
	size_t used;

	if (config->osk_organization == NULL)
		return;
	used = strlen(config->osk_organization) + 1;
	if (used > sizeof out->osk || config->osk_labels.count > CHANNEL_OSK_MAX)
		return;
	memcpy(out->osk, config->osk_organization, used);
	for (size_t i = 0; i < config->osk_labels.count; i++) {
		size_t length = strlen(config->osk_labels.words[i]) + 1;

		if (length > sizeof out->osk - used)
			return;
		memcpy(out->osk + used, config->osk_labels.words[i], length);
		used += length;
	}
	out->osk_labels = (uint32_t)config->osk_labels.count;
}

/* fd: of the public key, for a peer that is new to the engine process; -1: the engine process knows it. */
void peer_announce_config(const struct peer *peer, const uint8_t *psk, int fd)
{
	struct channel_peer out;

	memset(&out, 0, sizeof out);
	memcpy(out.label, peer->label, sizeof out.label);
	out.dialects = peer->config.dialects;
	out.discover = peer->config.endpoint != NULL;
	out.holds = peer->config.device != NULL;
	out.has_psk = psk != NULL;
	if (psk != NULL)
		memcpy(out.psk, psk, ROSENPASS_PSK_BYTES);
	fill_osk(&out, &peer->config);
	if (fd >= 0)
		engine_link_add_peer(peer->env->link, peer->ref, &out, fd);
	else
		engine_link_change_peer(peer->env->link, peer->ref, &out);
	sodium_memzero(&out, sizeof out);
}

void peer_announce_addresses(const struct peer *peer, bool forget)
{
	struct channel_addresses addresses = peer->addresses;

	addresses.forget = forget;
	if (peer->env->link != NULL)
		engine_link_set_addresses(peer->env->link, peer->ref, &addresses);
}

void peer_announce_removal(const struct peer *peer)
{
	if (peer->env->link != NULL)
		engine_link_remove_peer(peer->env->link, peer->ref);
}

void peer_announce_later(struct peer *peer)
{
	backoff_next(&peer->announce, peer_now_ns(peer), FIRST_NS, MOST_NS);
	peer_set_timer(peer, PEER_TIMER_ANNOUNCE, peer->announce.next_ns);
}

void peer_announce(struct peer *peer, const uint8_t *psk)
{
	struct engine_link *link = peer->env->link;
	int fd;

	if (link == NULL)
		return;
	fd = shared_key_open(&peer->public_key);
	if (fd < 0) {
		log_error("%s: cannot hand its public key to the engine process: %s; trying again",
		          peer->label, strerror(-fd));
		(void)snprintf(peer->last_error, sizeof peer->last_error, "no memory for its public key: %s",
		               strerror(-fd));
		peer_announce_later(peer);
		return;
	}
	peer->announce.next_ns = BACKOFF_NEVER;
	peer_set_timer(peer, PEER_TIMER_ANNOUNCE, LOOP_NEVER);
	peer_announce_config(peer, psk, fd);
	(void)close(fd);
	if (peer->addresses.count > 0)
		peer_announce_addresses(peer, false);
	if (peer->remembered.address.any.sa_family != AF_UNSPEC)
		engine_link_restore(link, peer->ref, &peer->remembered.address);
	peer->env->events->announced(peer->env->owner);
}

/* The engine process could not take the peer. */
void peer_announce_again(void *owner)
{
	struct peer *peer = owner;
	const char *file = peer->config.pre_shared_key;
	uint8_t *psk = file == NULL ? NULL : secret_memory_allocate(NULL, ROSENPASS_PSK_BYTES);
	char problem[PEER_PROBLEM_BYTES] = "out of memory";

	if (file != NULL &&
	    (psk == NULL || peer->env->events->read_psk(peer->env->owner, psk, file, problem) != 0)) {
		log_error("%s: %s; trying again", peer->label, problem);
		peer_announce_later(peer);
	} else {
		peer_announce_removal(peer);
		peer_announce(peer, psk);
	}
	secret_memory_release(NULL, psk, ROSENPASS_PSK_BYTES);
}
