#ifndef ROSENPASS_DELIVERY_SINK_WIREGUARD_H
#define ROSENPASS_DELIVERY_SINK_WIREGUARD_H

/*
 * A peer of a WireGuard device that gets a peer's keys as its preshared key, with the endpoint and the other
 * extra parameters of the configuration. Until the first exchange it holds a random key, unless the present
 * one is to be left. The device is reconciled again and again, so that a change by others is undone.
 */

#include "delivery/sink.h"
#include "delivery/tunnel_endpoint.h"
#include "system/address.h"
#include "system/resolver_pool.h"

extern const struct sink_ops sink_wireguard;

/* What a sink needs of those who compose the daemon. peer: owner of its struct sink_peer. */
struct sink_wireguard_events {
	/* Says where the peer is. Zeros: not known. */
	void (*locate)(void *owner, void *peer, struct tunnel_place *place);
	/* The peer has had no key yet, and the device's preshared key is to be left as it is until then. */
	bool (*is_left)(void *owner, void *peer);
	/* The device was reconciled with the key of an exchange: the peer may be told. */
	void (*confirmed)(void *owner, void *peer);
	/* The tunnel has fallen silent, and needs a new key. */
	void (*silent)(void *owner, void *peer);
	/* WireGuard has had a handshake with the peer, and has it there. */
	void (*heard)(void *owner, void *peer, const union address_socket *endpoint);
};

/* What all of these sinks share, and what outlives them. A part of struct delivery_env. */
struct sink_wireguard_env {
	struct resolver_pool *resolvers;
	const struct sink_wireguard_events *events;
	void *owner;
};

/* An address may lead to the device, or its interface may depend on one: reconciles it soon. */
void sink_wireguard_reconcile_soon(struct sink *sink);
/* Addresses or routes have changed: resolves the name of the endpoint again. */
void sink_wireguard_network_changed(struct sink *sink);

#endif
