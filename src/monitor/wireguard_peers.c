#include "monitor/wireguard_peers.h"

static void locate(void *owner, void *peer, struct tunnel_place *place)
{
	const struct channel_addresses *addresses = peer_addresses(peer);

	(void)owner;
	*place = (struct tunnel_place){
		.addresses = addresses->list,
		.address_count = addresses->count,
		.authenticated = *peer_address(peer),
		.remembered = peer_remembered(peer)->wireguard,
	};
}

static bool is_left(void *owner, void *peer)
{
	const struct wireguard_peers *peers = owner;

	return *peers->before_first_exchange == CONFIG_LEAVE && peer_key_origin(peer)->reason == NULL;
}

static void confirmed(void *owner, void *peer)
{
	const struct wireguard_peers *peers = owner;

	if (peers->link != NULL)
		engine_link_delivered(peers->link, peer_ref(peer));
}

static void silent(void *owner, void *peer)
{
	const struct wireguard_peers *peers = owner;

	if (peers->link != NULL)
		engine_link_initiate(peers->link, peer_ref(peer));
}

static void heard(void *owner, void *peer, const union address_socket *endpoint)
{
	(void)owner;
	peer_note_wireguard(peer, endpoint);
}

const struct sink_wireguard_events wireguard_peers_events = {
	.locate = locate,
	.is_left = is_left,
	.confirmed = confirmed,
	.silent = silent,
	.heard = heard,
};

struct sink *wireguard_peers_sink(const struct peer *peer)
{
	/* A peer that is leaving has no delivery any more. */
	return peer_delivery(peer) == NULL ? NULL : delivery_find(peer_delivery(peer), &sink_wireguard);
}
