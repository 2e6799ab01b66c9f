#ifndef ROSENPASS_MONITOR_PEER_H
#define ROSENPASS_MONITOR_PEER_H

/*
 * One peer of the daemon: its configuration, the name of its endpoint, its present key, and what the engine
 * process says about it. A peer has a timer for each thing that it waits for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "delivery/delivery.h"
#include "engine/channel.h"
#include "monitor/engine_link.h"
#include "monitor/peer_memory.h"
#include "monitor/staged_peer.h"
#include "rosenpass.h"
#include "system/loop.h"
#include "system/resolver_pool.h"

#define PEER_ID_BYTES 45 /* base64, with the terminating zero */
/* What a peer's return is called in the log: "answers again after 2 minutes". */
#define PEER_RETURN_BYTES 1024

#define PEER_PROBLEM_BYTES 512

struct claim;
struct peer;

/* What a peer needs of those who compose the daemon. Callbacks must not destroy the peer. */
struct peer_events {
	/* The engine process was told of the peer: many requests may be queued now. */
	void (*announced)(void *owner);
	/* The name of the endpoint has other addresses than before. Called before messages go there. */
	void (*resolved)(void *owner, struct peer *peer);
	/*
	 * An exchange has given the peer a key, which is not logged yet. Returns true if the log has said
	 * that the peer did not answer; words are then how to say that it answers again.
	 */
	bool (*answers)(void *owner, struct peer *peer, enum rosenpass_role role,
	                char words[static PEER_RETURN_BYTES]);
	/* The engine process says why the peer does not answer, or that it answers. */
	void (*silent)(void *owner, struct peer *peer, const struct channel_silence *silence);
	/* Reads the preshared key that a file holds. 0; -1 and problem. */
	int (*read_psk)(void *owner, uint8_t psk[static ROSENPASS_PSK_BYTES], const char *file,
	                char problem[static PEER_PROBLEM_BYTES]);
	/* The peer was removed, and nothing of it is in use any more. It is freed after this. */
	void (*gone)(void *owner, struct peer *peer);
};

/* What all peers share, and what outlives them. */
struct peer_env {
	struct loop *loop;
	struct resolver_pool *resolvers;
	struct peer_memory *memory;
	const struct delivery_env *deliveries;
	struct engine_link *link; /* of the present engine process; NULL: none that may be told anything */
	const struct peer_events *events;
	void *owner;
};

/* What is logged about a peer that does not answer; belongs to whoever explains it. */
struct peer_silence {
	struct channel_silence now; /* reason above CHANNEL_SILENCE_ENDED: the peer does not answer */
	uint64_t logged_ns;         /* when that was logged last; 0: never */
	bool is_logged;             /* this outage was */
};

/*
 * Takes over the parts of staged, which stay there on failure. The engine process does not know the peer
 * before peer_start(). 0 or -ENOMEM.
 */
int peer_create(struct peer **out, const struct peer_env *env, struct staged_peer *staged)
	__attribute__((warn_unused_result));
/* Leaves everything where it is. NULL is allowed. */
void peer_destroy(struct peer *peer);

/* Names the peer for the engine process. To be called once, before peer_start(). */
void peer_place(struct peer *peer, struct peer_ref ref);
/* Tells the engine process of the peer. psk: of its file; NULL: none. */
void peer_start(struct peer *peer, const uint8_t *psk);
/* The engine process has ended, and what it said is forgotten. The key stays until it is too old. */
void peer_reset_session(struct peer *peer);
/* Tells a new engine process of the peer. */
void peer_announce(struct peer *peer, const uint8_t *psk);
/*
 * Allocates all that peer_change() needs for that configuration, so that the change cannot fail. Before the
 * loop goes on, the change has to be made or cancelled. 0; -ENOMEM: nothing is prepared then.
 */
int peer_prepare(struct peer *peer, const struct staged_peer *staged) __attribute__((warn_unused_result));
/* Forgets what was prepared, if anything was. */
void peer_cancel(struct peer *peer);
/*
 * Gives the peer the configuration that was prepared; its session stays. Returns true if anything was
 * different.
 */
bool peer_change(struct peer *peer, struct staged_peer *staged);
/*
 * Removes the peer from the engine process, and replaces its key in every output by a random one. gone()
 * follows from the loop.
 */
void peer_remove(struct peer *peer);

/* Puts a random key in place of one that an exchange has given. */
void peer_randomize(struct peer *peer);
/* Returns true if every output has the key that it should have. */
bool peer_is_settled(const struct peer *peer);
/* Addresses or routes have changed. */
void peer_network_changed(struct peer *peer);

/* What the engine process reports. */
void peer_on_key(struct peer *peer, const struct channel_key *key);
void peer_on_stale(struct peer *peer, const struct channel_key *key);
void peer_on_moved(struct peer *peer, const union address_socket *address);
void peer_on_unanswered(struct peer *peer);
void peer_on_silence(struct peer *peer, const struct channel_silence *silence);
void peer_on_failed(struct peer *peer, int error);
void peer_on_report(struct peer *peer, const struct channel_peer_report *report);
/* WireGuard has heard the peer from there. */
void peer_note_wireguard(struct peer *peer, const union address_socket *endpoint);

/* What others may know. Texts and structures are the peer's, and valid until it changes. */
struct peer_ref peer_ref(const struct peer *peer);
const char *peer_label(const struct peer *peer); /* "peer office", for messages */
const char *peer_name(const struct peer *peer);  /* the label without "peer" */
size_t peer_number(const struct peer *peer);
void peer_set_number(struct peer *peer, size_t number); /* the label stays */
/* Added over the control socket, and not one of the file. */
bool peer_is_at_run_time(const struct peer *peer);
void peer_set_at_run_time(struct peer *peer, bool is_at_run_time);
bool peer_is_leaving(const struct peer *peer);
const struct config_peer *peer_config(const struct peer *peer);
const struct file_output *peer_new_file(const struct peer *peer);
const uint8_t *peer_public_key(const struct peer *peer);
uint64_t peer_key_prefix(const struct peer *peer);
/* In which dialect's hash status shows the id: BLAKE2b, unless the peer may not use it. */
enum rosenpass_dialect peer_shown_dialect(const struct peer *peer);
/* Computes the id at the first call, which takes a while. */
const char *peer_id(struct peer *peer, enum rosenpass_dialect dialect);
/* The id that status shows; empty: not computed yet. */
const char *peer_shown_id(const struct peer *peer);
/* NULL: the peer is leaving. */
struct delivery *peer_delivery(const struct peer *peer);
/* Of the present key; reason NULL: there was no key yet. */
const struct key_origin *peer_key_origin(const struct peer *peer);
bool peer_has_exchanged_key(const struct peer *peer);
/* The last exchange has failed, or the key became too old. */
bool peer_is_failing(const struct peer *peer);
/* There is a key, and nothing has failed since. */
bool peer_is_responding(const struct peer *peer);
const char *peer_last_error(const struct peer *peer); /* empty: none */
/* Where the peer's endpoint is by its name, and why not: NULL, no problem. */
const struct channel_addresses *peer_addresses(const struct peer *peer);
const char *peer_resolve_problem(const struct peer *peer);
/* Where the peer was authenticated last; AF_UNSPEC: not in this run. */
const union address_socket *peer_address(const struct peer *peer);
const struct peer_memory_entry *peer_remembered(const struct peer *peer);
/* Zeros but for the member `ever` until the engine process has reported. */
const struct channel_peer_report *peer_report(const struct peer *peer);
bool peer_has_report(const struct peer *peer);
struct peer_silence *peer_silence(struct peer *peer);
/* The list in which the peer's claims are; empty once it is leaving. */
struct claim **peer_claims(struct peer *peer);

#endif
