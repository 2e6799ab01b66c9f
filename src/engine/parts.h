#ifndef ROSENPASS_ENGINE_PARTS_H
#define ROSENPASS_ENGINE_PARTS_H

/* Within the engine process: its state, and what its files have for each other. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/channel.h"
#include "engine/rejects.h"
#include "rosenpass.h"
#include "system/log_limit.h"
#include "system/shared_key.h"
#include "system/sockets.h"

/* What the monitor has to hear about a peer; the newest of each kind counts. */
#define REPORT_KEY 1u
#define REPORT_STALE 2u
#define REPORT_MOVED 4u
#define REPORT_TIMED_OUT 8u
#define REPORT_FAILED 16u
#define REPORT_SILENCE 32u
#define REPORT_LAST REPORT_SILENCE

/* What is known about sending to one address of a peer. Each is a positive errno, or 0. */
struct engine_trouble {
	int32_t sent;         /* of the last send */
	int32_t heard;        /* by ICMP since the last send */
	int32_t heard_before; /* by ICMP between the last two */
};

/* Whether a peer answers; see silence.c. */
struct engine_silence {
	bool is_listed; /* its time runs */
	struct engine_peer *before, *after;
	uint64_t since_ns;           /* with is_listed */
	uint64_t told_ns;            /* when the monitor was told last */
	struct channel_silence told; /* what it was told; CHANNEL_SILENCE_OVER: nothing */
	/* When something of that kind came last; 0: never. */
	uint64_t false_ns;                                        /* a RespHello that was not genuine */
	uint64_t busy_ns;                                         /* a CookieReply */
	uint64_t call_ns;                                         /* an InitHello */
	uint32_t cookies;                                         /* CookieReplies since the peer was heard */
	struct engine_trouble trouble[CHANNEL_ADDRESSES_MAX + 1]; /* the last is for engine_peer.last */
};

/* Addresses that a held EmptyData goes to. */
#define ENGINE_HELD_PATHS 2
#define ENGINE_HELD_BYTES 64

struct engine_peer {
	uint32_t slot;
	uint32_t serial;
	rosenpass_peer handle;
	struct shared_key public_key;
	char label[CHANNEL_LABEL_BYTES];
	union address_socket addresses[CHANNEL_ADDRESSES_MAX]; /* what its endpoint resolves to */
	size_t address_count;
	struct address_path last; /* where it was authenticated last */
	bool has_last;
	bool discovers;   /* its endpoint may resolve to any number of addresses */
	bool is_restored; /* last was remembered by the monitor and has not answered yet */
	/* hold.c */
	bool holds;                    /* EmptyData waits until the monitor has delivered the key */
	uint64_t hold_until_ns;        /* 0: it does not wait */
	struct engine_peer *hold_next; /* of those whose EmptyData waits, in the order of time */
	uint8_t held[ENGINE_HELD_BYTES];
	struct address_path held_paths[ENGINE_HELD_PATHS];
	size_t held_count;
	uint32_t tell;            /* REPORT_ bits */
	struct engine_peer *next; /* of those with something to tell */
	uint8_t *key;             /* secret memory, with REPORT_KEY */
	enum rosenpass_role role;
	enum rosenpass_dialect dialect;
	int failure;         /* with REPORT_FAILED */
	uint32_t unanswered; /* datagrams sent to all its addresses since it was heard */
	int send_error;      /* positive errno of the last send that failed, 0 after one that worked */
	bool complained;     /* about a send, since the last key */
	struct engine_silence silence;
};

/* Whom a datagram to that address was for, so that an ICMP message can be told to belong to a peer. */
#define ENGINE_RECENT 512

struct engine_recent {
	union address_socket to;
	uint32_t slot, serial;
};

/* Datagrams on their way out; data belongs to the engine until it is called again. */
#define ENGINE_OUTBOX 256

struct engine_outbox {
	struct sockets_message messages[ENGINE_OUTBOX];
	struct engine_peer *peers[ENGINE_OUTBOX]; /* NULL: nobody in particular */
	int results[ENGINE_OUTBOX];
	size_t count;
};

/* InitHellos, or RespHellos, that wait for their turn. When there is no more room, sockets are not read. */
#define ENGINE_BACKLOG 128
/* InitHellos that the library is given together. It takes as many as it works on together. */
#define ENGINE_BEGUN 32

struct engine_backlog {
	struct sockets_packet packets[ENGINE_BACKLOG];
	size_t first;
	size_t count;
};

struct engine_load {
	uint64_t window_ns;     /* when the present window began */
	uint64_t busy_ns;       /* worked in it */
	uint32_t busy_permille; /* of the last window */
	uint64_t since_ns;      /* since when cookies are demanded; 0: they are not */
	bool random_failing;    /* the random source failed when it was last asked */
};

struct engine_process {
	struct rosenpass *engine;
	struct engine_workers *workers; /* NULL: there are none */
	int channel;
	int timer;
	bool begun; /* the monitor has sent BEGIN */
	struct sockets sockets;
	struct engine_peer **peers; /* by slot, NULL: none */
	size_t slots;
	struct engine_peer *queue_first; /* in the order in which they came */
	struct engine_peer **queue_last;
	struct engine_peer *hold_first;
	struct engine_peer **hold_last;
	bool report;      /* the monitor waits for a report */
	size_t report_at; /* next slot of it */
	bool pong;
	bool tell_begun; /* the monitor waits for BEGUN */
	struct engine_load load;
	struct engine_peer *silent_first, *silent_last; /* peers that are asked, the longest first */
	struct engine_recent recent[ENGINE_RECENT];
	struct rejects rejects[CHANNEL_REJECTED_COUNT];
	uint64_t added_ns; /* when the last peer was added */
	struct log_limit datagram_lines;
	struct engine_outbox outbox;
	struct engine_backlog answers; /* RespHellos */
	struct engine_backlog hellos;  /* InitHellos */
	size_t begun_count;            /* the first ones of hellos, which the library works on */
	struct rosenpass_datagram begun_datagrams[ENGINE_BEGUN];
	bool served_timers;  /* in the last turn, instead of the backlog */
	bool served_answers; /* in the last turn of the backlog, instead of the InitHellos */
	struct sockets_packet packets[SOCKETS_BATCH];
};

/*
 * datagram_log.c: lines about single datagrams, at level trace. Everybody can send datagrams, so that these
 * lines have a limit.
 */
/* Returns whether one more may be logged. */
bool engine_datagram_log_allows(struct engine_process *process);
/* Says how many were left out. */
void engine_datagram_log_flush(struct engine_process *process, uint64_t now_ns);
uint64_t engine_datagram_log_deadline(const struct engine_process *process);

/* peers.c: requests about peers. Problems go to the log and, as PEER_FAILED, to the monitor. */
/* false: the process cannot go on. */
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

/*
 * receive.c: datagrams to the library. Whatever is short is handled at once. InitHellos and RespHellos wait
 * for their turn, and are worked on in slices that take a few milliseconds, so that other messages and timers
 * do not wait for more than one of them as long as there is room for both kinds.
 */
/* Takes packets, at most SOCKETS_BATCH, for which there is room. */
void engine_receive_packets(struct engine_process *process, const struct sockets_packet *packets,
                            size_t count);
/* Returns true if there is room for SOCKETS_BATCH packets. */
bool engine_receive_has_room(const struct engine_process *process);
/* Returns true if there is work for engine_receive_work(). */
bool engine_receive_waits(const struct engine_process *process);
/* Works on one slice of RespHellos, or does one step of a slice of InitHellos. */
void engine_receive_work(struct engine_process *process);

/* outputs.c: takes all outputs of the library: datagrams to transmit.c, news to report_queue.c. */
void engine_outputs_take(struct engine_process *process, uint64_t now_ns);

/* transmit.c: datagrams to the sockets. peer may be NULL: a stranger gets it. */
void engine_transmit_put(struct engine_process *process, struct engine_peer *peer, const uint8_t *data,
                         size_t length, const struct address_path *path);
/* Puts a message to a peer whose place is not known. */
void engine_transmit_everywhere(struct engine_process *process, struct engine_peer *peer,
                                const struct rosenpass_output *output, uint64_t now_ns);
/* Hands everything that was put to the kernel. */
void engine_transmit_flush(struct engine_process *process);
/* Sends a datagram to a peer at once. */
void engine_transmit_now(struct engine_process *process, struct engine_peer *peer, const uint8_t *data,
                         size_t length, const struct address_path *path);

/*
 * silence.c: a peer that is asked and does not answer for ten seconds is told to the monitor, with
 * what is known about the reason; again when the reason changes, and when it answers.
 */

/* A message of our handshake with the peer is about to be sent. */
void engine_silence_asked(struct engine_process *process, struct engine_peer *peer, uint64_t now_ns);
/* A datagram for the peer was sent to that address; error: positive errno or 0. */
void engine_silence_sent(struct engine_process *process, struct engine_peer *peer,
                         const union address_socket *to, int error);
/* There is a new key with the peer. */
void engine_silence_key(struct engine_process *process, struct engine_peer *peer, enum rosenpass_role role);
/* These datagrams were received, and have their verdicts. */
void engine_silence_received(struct engine_process *process, const struct rosenpass_datagram *datagrams,
                             size_t count, uint64_t now_ns);
/* Takes the errors that wait on a socket. */
void engine_silence_read_errors(struct engine_process *process, size_t socket);
/* Tells the monitor of the peers whose time is up. */
void engine_silence_serve(struct engine_process *process, uint64_t now_ns);
uint64_t engine_silence_deadline(const struct engine_process *process);
/* Tells the monitor if the peer was silent and is not asked any more. */
void engine_silence_check(struct engine_process *process, struct engine_peer *peer);
/* The peer's addresses are other ones. */
void engine_silence_new_addresses(struct engine_peer *peer);
/* Nothing more of a peer that is going. */
void engine_silence_forget(struct engine_process *process, struct engine_peer *peer);

/* rejected.c: handshakes that were rejected. */
void engine_rejected_note(struct engine_process *process, const struct rosenpass_datagram *datagrams,
                          size_t count, uint64_t now_ns);
/*
 * A peer is about to be added: it is not unknown any more, and more may follow. At the start peers call
 * that have not been added yet.
 */
void engine_rejected_added(struct engine_process *process, const struct engine_peer *peer, uint64_t now_ns);
/* The next event about one, and the table it comes from. NULL: none. */
struct rejects_caller *engine_rejected_next(struct engine_process *process, uint64_t now_ns,
                                            struct channel_event *event);
void engine_rejected_told(struct engine_process *process, struct rejects_caller *caller, uint64_t now_ns);

/* hold.c: EmptyData that waits until the peer's key has been delivered. */
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

/* report_queue.c: peers that the monitor has to hear about, in the order in which there was news. */
void report_queue_add(struct engine_process *process, struct engine_peer *peer, uint32_t what);
/* Drops what is queued of a peer that is going. */
void report_queue_forget(struct engine_process *process, struct engine_peer *peer);

/* report.c: what the monitor hears. Sends what there is room for. false: the channel is broken. */
bool engine_report_send(struct engine_process *process);
/* Returns whether there is still something to send. */
bool engine_report_waits(const struct engine_process *process);

/* load.c: for the status, the part of each second that goes into datagrams and timers. */
void engine_load_start(struct engine_load *load, uint64_t now_ns);

/* Adds time worked. Requests of the monitor are no load: time for them is not to be added. */
void engine_load_worked(struct engine_load *load, uint64_t from_ns, uint64_t to_ns);

/* Ends the window if a second has passed. under_load: what the library says now. */
void engine_load_look(struct engine_load *load, bool under_load, uint64_t now_ns);

/* What the library says of the random source; logs when that changes. */
void engine_load_random(struct engine_load *load, bool is_failing);

#endif
