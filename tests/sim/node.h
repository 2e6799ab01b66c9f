#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

/*
 * One host: an engine (or a simulated reference peer), its clock, its socket's
 * receive buffer and what it was told about its peers.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network.h"
#include "policy_last_wins.h"
#include "prng.h"
#include "rosenpass.h"

#define INBOX_MAX 32

struct world;

/* What a node knows of another, as configured and as told. */
struct relation {
	/* configuration; set by the scenario */
	bool wanted;        /* the two are peers */
	bool knows_address; /* of the peer's host */
	bool discover;      /* the node picks the address itself */
	uint32_t dialects;
	bool has_psk;
	uint8_t psk[ROSENPASS_PSK_BYTES];
	bool own_labels;
	/* since the node was started */
	rosenpass_peer handle; /* 0: not added */
	bool has_key;
	uint8_t key[ROSENPASS_KEY_BYTES];
	enum rosenpass_role role;
	uint64_t established_ns;   /* the node's clock */
	uint64_t last_key_ns;      /* virtual time */
	bool awaits_report;        /* RespHello was accepted, the key not reported yet */
	uint64_t accepted_ns;      /* the node's clock */
	bool has_asked;            /* InitHello sent since the peer was heard last */
	uint64_t asked_since_ns;   /* the node's clock */
	uint64_t last_own_send_ns; /* the node's clock: InitHello or InitConf */
	uint64_t asked_for_ns;     /* virtual time at which the scenario asked for a new key, 0: never */
	/* over the whole run */
	uint64_t keys;
	uint64_t own_sends;
	uint64_t own_bytes;
	uint64_t window_ns; /* own_sends were window_sends at this virtual time */
	uint64_t window_sends;
	uint64_t quiet_keys; /* keys when the network was healed */
};

struct node {
	struct world *world;
	int index;
	bool running;
	bool is_reference;
	struct reference_config reference_config;
	struct reference *reference;
	struct rosenpass *engine;
	struct rosenpass_address address;
	unsigned moves;
	/* clock */
	uint64_t clock_offset_ns;
	int32_t clock_drift_ppm;
	uint64_t suspended_until_ns; /* virtual time; 0: not suspended */
	uint64_t latency_ns;         /* from arrival or deadline to being served, at most */
	bool expires_first;          /* expire before receive */
	uint64_t disturbed_ns;       /* virtual time of the last resume or clock jump */
	uint64_t wake_at_ns;         /* the pending wake-up; 0: none */
	/* faults inside */
	struct prng prng;
	uint32_t random_failure; /* permille of calls */
	uint32_t memory_failure;
	bool under_load;
	/* allocator */
	size_t live_allocations;
	size_t live_bytes;
	/* receive buffer */
	struct packet *inbox[INBOX_MAX];
	size_t inbox_used;
	struct relation peers[NODES_MAX];
	/* the datagrams that are being handed in, and what they led to */
	bool in_receive;
	bool saw_confirmed;
	unsigned outputs;
};

/* Makes the key pairs of all nodes. Once per process; with the real primitives it takes seconds. */
void node_keys_init(void);
const uint8_t *node_public_key(int index);

/* Resets a node to its beginnings. */
void node_init(struct world *world, int index);
void node_start(struct world *world, int index);
void node_stop(struct world *world, int index);

/* The node that owns the address now, or -1. */
int node_at(const struct world *world, const struct rosenpass_address *address);

/* A fresh address; the old one reaches nobody. */
void node_move(struct world *world, int index);

/* The node's clock at the virtual time. */
uint64_t node_clock_ns(const struct world *world, int index);

/* Events: a packet for the node arrives (it takes the packet over); the node has something to do. */
void node_arrival(struct world *world, int index, struct packet *packet);
void node_wake(struct world *world, int index);

/* Processes nothing until that virtual time. */
void node_suspend(struct world *world, int index, uint64_t until_ns);
bool node_is_suspended(const struct world *world, int index);

/* The node's clock goes forward at once. */
void node_jump(struct world *world, int index, uint64_t by_ns);

/* Asks for a new key. */
void node_initiate(struct world *world, int index, int peer);

/* Makes the node look at its deadline again, after a call to its engine from outside. */
void node_kick(struct world *world, int index);

/* Adds the peer to the node's engine, or removes it. */
void node_add_peer(struct world *world, int index, int peer);
void node_remove_peer(struct world *world, int index, int peer);
void node_change_peer(struct world *world, int index, int peer);
void node_set_endpoint(struct world *world, int index, int peer);
void node_set_load(struct world *world, int index, bool under_load);

/* Whether an own handshake with the peer is in progress. */
bool node_is_trying(const struct world *world, int index, int peer);

#endif
