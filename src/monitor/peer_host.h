#ifndef ROSENPASS_MONITOR_PEER_HOST_H
#define ROSENPASS_MONITOR_PEER_HOST_H

/* Owns all peers, and answers them for the rest of the daemon. */

#include <stdbool.h>
#include <stdint.h>

#include "monitor/claims.h"
#include "monitor/peer.h"
#include "monitor/peer_set.h"
#include "monitor/silence.h"
#include "system/loop.h"
#include "system/resolver_pool.h"

struct peer_host;

/* Pointers outlive the host. */
struct peer_host_env {
	struct loop *loop;
	struct resolver_pool *resolvers;
	const struct delivery_env *deliveries;
	struct claims *claims;     /* those of peers are dropped when they are removed */
	const uint8_t *public_key; /* our own, ROSENPASS_PUBLIC_KEY_BYTES; NULL: none */
	const char *name;          /* of the daemon; NULL: another one each time */
	bool is_rp;                /* explanations name the settings of rp */
	/* The engine process was told of a peer; slots: how many it may have. */
	void (*announced)(void *owner, size_t slots);
	/*
	 * Called before messages are sent to an address that was found for a name. Returns true if the
	 * interface is to be reconciled. NULL: of no interest.
	 */
	bool (*reach)(void *owner, const union address_socket *address);
	void *owner;
};

/* There are no peers yet. 0 or -ENOMEM. */
int peer_host_create(struct peer_host **out, const struct peer_host_env *env)
	__attribute__((warn_unused_result));
/* Destroys all peers; where they were is written. NULL is allowed. */
void peer_host_destroy(struct peer_host *host);

/* Requests go there from now on; NULL: there is no engine process that may be told anything. */
void peer_host_use_link(struct peer_host *host, struct engine_link *link);

/*
 * Removes the peer from the engine process, and replaces its key in every output by a random one. 0; negative
 * errno: nothing has changed.
 */
int peer_host_remove(struct peer_host *host, struct peer *peer) __attribute__((warn_unused_result));
/* Addresses or routes have changed: looks for peers that do not respond. */
void peer_host_network_changed(const struct peer_host *host);
/* Random keys take the places of those that exchanges have given. */
void peer_host_randomize(const struct peer_host *host);

struct peer_set *peer_host_set(const struct peer_host *host);
struct silence *peer_host_silence(const struct peer_host *host);
/* What peers are created with. */
const struct peer_env *peer_host_peer_env(const struct peer_host *host);

#endif
