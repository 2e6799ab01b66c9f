#ifndef ROSENPASS_MONITOR_WIREGUARD_PEERS_H
#define ROSENPASS_MONITOR_WIREGUARD_PEERS_H

/* What the sinks of WireGuard need of the peers that they are for, and of the engine process. */

#include "config/rosenpass_config.h"
#include "delivery/sink_wireguard.h"
#include "monitor/engine_link.h"
#include "monitor/peer.h"

struct wireguard_peers {
	struct engine_link *link; /* to the present engine process; NULL: none that may be told anything */
	const enum config_before *before_first_exchange;
};

/* The owner is a struct wireguard_peers. */
extern const struct sink_wireguard_events wireguard_peers_events;

/* The output of a peer that goes to WireGuard; NULL: none. */
struct sink *wireguard_peers_sink(const struct peer *peer);

#endif
