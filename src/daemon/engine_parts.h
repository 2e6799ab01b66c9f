#ifndef ROSENPASS_DAEMON_ENGINE_PARTS_H
#define ROSENPASS_DAEMON_ENGINE_PARTS_H

/* Within the engine process: its state, and what its files have for each other. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/channel.h"
#include "daemon/keys.h"
#include "rosenpass.h"
#include "system/sockets.h"

/* What the monitor has to hear about a peer; the newest of each kind counts. */
#define ENGINE_TELL_KEY 1u
#define ENGINE_TELL_STALE 2u
#define ENGINE_TELL_MOVED 4u
#define ENGINE_TELL_TIMED_OUT 8u
#define ENGINE_TELL_FAILED 16u

/* Addresses that a held EmptyData goes to. */
#define ENGINE_HELD_PATHS 2
#define ENGINE_HELD_BYTES 64

struct engine_peer {
	uint32_t slot;
	uint32_t serial;
	rosenpass_peer handle;
	struct keys_public public_key;
	char label[CHANNEL_LABEL_BYTES];
	union address_socket addresses[CHANNEL_ADDRESSES_MAX]; /* what its endpoint resolves to */
	size_t address_count;
	struct address_path last; /* where it was authenticated last */
	bool has_last;
	bool discovers;   /* its endpoint may resolve to any number of addresses */
	bool is_restored; /* last was remembered by the monitor and has not answered yet */
	/* engine_hold.c */
	bool holds;                    /* EmptyData waits until the monitor has delivered the key */
	uint64_t hold_until_ns;        /* 0: it does not wait */
	struct engine_peer *hold_next; /* of those whose EmptyData waits, in the order of time */
	uint8_t held[ENGINE_HELD_BYTES];
	struct address_path held_paths[ENGINE_HELD_PATHS];
	size_t held_count;
	uint32_t tell;            /* ENGINE_TELL_ bits */
	struct engine_peer *next; /* of those with something to tell */
	uint8_t *key;             /* secret memory, with ENGINE_TELL_KEY */
	enum rosenpass_role role;
	enum rosenpass_dialect dialect;
	int failure;         /* with ENGINE_TELL_FAILED */
	uint32_t unanswered; /* datagrams sent to all its addresses since it was heard */
	int send_error;      /* positive errno of the last send that failed, 0 after one that worked */
	bool complained;     /* about a send, since the last key */
};

/* Datagrams on their way out; data belongs to the engine until it is called again. */
#define ENGINE_OUTBOX 256

struct engine_outbox {
	struct sockets_message messages[ENGINE_OUTBOX];
	struct engine_peer *peers[ENGINE_OUTBOX]; /* NULL: nobody in particular */
	int results[ENGINE_OUTBOX];
	size_t count;
};

struct engine_load {
	uint64_t window_ns;     /* when the present window began */
	uint64_t busy_ns;       /* worked in it */
	uint32_t busy_permille; /* of the last window */
	unsigned calm;          /* windows in a row without need for cookies */
	uint64_t turned_away;   /* at the end of the last window */
	uint64_t since_ns;      /* 0: not under load */
};

struct engine_process {
	struct rosenpass *engine;
	int channel;
	int timer;
	struct sockets sockets;
	struct engine_peer **peers; /* by slot, NULL: none */
	size_t slots;
	struct engine_peer *tell_first; /* in the order in which they came */
	struct engine_peer **tell_last;
	struct engine_peer *hold_first;
	struct engine_peer **hold_last;
	bool report;      /* the monitor waits for a report */
	size_t report_at; /* next slot of it */
	bool pong;
	struct engine_load load;
	struct engine_outbox outbox;
	struct sockets_packet packets[SOCKETS_BATCH];
};

/* engine_peers.c: requests about peers. Problems go to the log and, as PEER_FAILED, to the monitor. */
/* false: there is no memory to go on. */
bool engine_peers_add(struct engine_process *process, const struct channel_request *request, int fd);
void engine_peers_change(struct engine_process *process, const struct channel_request *request);
void engine_peers_remove(struct engine_process *process, const struct channel_request *request);
void engine_peers_set_addresses(struct engine_process *process, const struct channel_request *request);
/* An address that the monitor remembers from an earlier time. */
void engine_peers_restore(struct engine_process *process, const struct channel_request *request);
/* Asks for a new key now, unless that is being done. */
void engine_peers_initiate(struct engine_process *process, const struct channel_request *request);
/* The monitor has delivered the key. */
void engine_peers_delivered(struct engine_process *process, const struct channel_request *request);
void engine_peers_network_changed(struct engine_process *process);
void engine_peers_release(struct engine_process *process);

/* engine_send.c: takes all outputs of the engine: datagrams to the sockets, events to engine_tell.c. */
void engine_send_outputs(struct engine_process *process);

/* Sends a datagram to a peer at once. */
void engine_send_datagram(struct engine_process *process, struct engine_peer *peer, const uint8_t *data,
                          size_t length, const struct address_path *path);

/* engine_hold.c: EmptyData that waits until the peer's key has been delivered. */
void engine_hold_init(struct engine_process *process);
/* The peer has a new key from an exchange that it began. */
void engine_hold_begin(struct engine_process *process, struct engine_peer *peer);
/* Takes an EmptyData that has to wait. Returns false if it is to be sent now. */
bool engine_hold_take(struct engine_peer *peer, const struct rosenpass_output *output,
                      const struct address_path *path);
/* Sends what waits for the peer. */
void engine_hold_release(struct engine_process *process, struct engine_peer *peer);
/* Drops it. */
void engine_hold_forget(struct engine_process *process, struct engine_peer *peer);
/* When the first one has waited long enough; UINT64_MAX: none waits. */
uint64_t engine_hold_deadline(const struct engine_process *process);
void engine_hold_expire(struct engine_process *process, uint64_t now_ns);

/* engine_tell.c: what the monitor hears. */
void engine_tell(struct engine_process *process, struct engine_peer *peer, uint32_t what);

/* Nothing more of a peer that is going. */
void engine_tell_forget(struct engine_process *process, struct engine_peer *peer);

/* Sends what there is room for. false: the channel is broken. */
bool engine_tell_all(struct engine_process *process);

/* Whether there is still something to send. */
bool engine_tell_waits(const struct engine_process *process);

/* engine_load.c: time worked against time passed. */
void engine_load_start(struct engine_load *load, uint64_t now_ns);

/*
 * Adds time worked. turned_away: datagrams so far that had to come again with a cookie. true: a window has
 * ended; under_load says what holds from now on.
 */
bool engine_load_worked(struct engine_load *load, uint64_t from_ns, uint64_t to_ns, uint64_t turned_away,
                        bool *under_load);

#endif
