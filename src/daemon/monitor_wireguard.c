#include "daemon/monitor_parts.h"

/* What the sinks of WireGuard need of the daemon. */

static void send_request(struct monitor *monitor, const struct peer *peer, uint32_t kind)
{
	const struct peer_ref ref = peer_ref(peer);
	const struct channel_request request = { .kind = kind, .slot = ref.slot, .serial = ref.serial };

	monitor_request(monitor, &request, -1);
}

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
	const struct monitor *monitor = owner;

	return monitor->config.before_first_exchange == CONFIG_LEAVE && peer_key_origin(peer)->reason == NULL;
}

static void confirmed(void *owner, void *peer)
{
	send_request(owner, peer, CHANNEL_DELIVERED);
}

static void silent(void *owner, void *peer)
{
	send_request(owner, peer, CHANNEL_INITIATE);
}

static void heard(void *owner, void *peer, const union address_socket *endpoint)
{
	(void)owner;
	peer_note_wireguard(peer, endpoint);
}

const struct sink_wireguard_events monitor_wireguard_events = {
	.locate = locate,
	.is_left = is_left,
	.confirmed = confirmed,
	.silent = silent,
	.heard = heard,
};

struct sink *monitor_wireguard_of(const struct peer *peer)
{
	/* A peer that is leaving has no delivery any more. */
	return peer_delivery(peer) == NULL ? NULL : delivery_find(peer_delivery(peer), &sink_wireguard);
}
