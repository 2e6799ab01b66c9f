#ifndef ROSENPASS_DAEMON_MONITOR_PARTS_H
#define ROSENPASS_DAEMON_MONITOR_PARTS_H

/* Within the monitor process: its state, and what its files have for each other. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/backoff.h"
#include "config/rosenpass_config.h"
#include "config/wireguard_params.h"
#include "delivery/command_queue.h"
#include "delivery/delivery.h"
#include "delivery/device.h"
#include "delivery/handshake.h"
#include "delivery/key_lines.h"
#include "delivery/outfile.h"
#include "delivery/retired_files.h"
#include "engine/channel.h"
#include "monitor/claims.h"
#include "daemon/explain.h"
#include "system/key_file.h"
#include "daemon/monitor.h"
#include "delivery/tunnel.h"
#include "engine/rejects.h"
#include "monitor/commands.h"
#include "monitor/engine_child.h"
#include "monitor/engine_link.h"
#include "monitor/event_limit.h"
#include "monitor/listeners.h"
#include "system/file_identity.h"
#include "system/file_output.h"
#include "system/hostname.h"
#include "system/loop.h"
#include "system/resolver_pool.h"
#include "system/sandbox.h"
#include "system/sockets.h"
#include "wireguard/wireguard.h"

#define MONITOR_NEVER UINT64_MAX
#define MONITOR_ERROR_BYTES 256
#define MONITOR_ID_CHARS 44
#define MONITOR_MARK_BYTES 16

/* A peer of a WireGuard device, which holds one of our keys. */
struct monitor_wireguard {
	struct sink sink;
	struct monitor *monitor;
	struct monitor_peer *owner;
	char device[WIREGUARD_NAME_BYTES];
	struct device_peer device_peer;
	uint8_t *key;      /* secret memory: what the device has to hold, always one */
	bool is_exchanged; /* it comes from an exchange, and is no random one */
	bool is_extra_due; /* the extra parameters are to be set */
	struct wireguard_params extra;
	char *endpoint; /* of extra; NULL: none */

	struct hostname *hostname; /* of endpoint; NULL: endpoint is no name, or that of the peer */

	/* What the device said last. */
	bool is_there;
	bool is_up;  /* the interface */
	int refused; /* negative errno: why the device does not take the extra parameters */
	union address_socket present_endpoint;
	struct handshake handshake;
	uint64_t received_bytes, sent_bytes;
	struct tunnel tunnel;

	/* monitor_tunnel.c */
	bool is_confirmation_due;  /* the engine process waits for CHANNEL_DELIVERED */
	uint64_t speak_ns;         /* endpoint and extra parameters are set from then on */
	bool is_call_due;          /* WireGuard is to call the peer */
	bool has_called;           /* it was made to, at this look */
	uint64_t handshake_before; /* handshake.told_seconds when the first key came */
	struct {
		uint64_t received_bytes, sent_bytes, handshake;
	} watched;             /* at the last look */
	unsigned silent_looks; /* looks since something was received at which more had been sent */
	uint64_t silent_ns;    /* the first of them */
	uint64_t sent_ns;      /* the last of them */
	uint64_t ask_ns;       /* a new key is not asked for again before then */
	uint64_t ask_wait_ns;
};

/* Where a peer was when it was heard last, in this or an earlier run. */
struct monitor_remembered {
	uint64_t tag;                   /* as of monitor_peer */
	union address_socket address;   /* AF_UNSPEC: not known */
	union address_socket wireguard; /* the endpoint that WireGuard has; likewise */
};

/* The file that this is kept in. */
struct monitor_state {
	char *path;                      /* NULL: there is none */
	struct monitor_remembered *list; /* as it was read */
	size_t count;
	uint64_t write_ns; /* MONITOR_NEVER: nothing is to be written */
	uint64_t wait_ns;
	uint64_t rest_ns; /* not before then */
	bool said;        /* that it cannot be written */
};

struct monitor_peer {
	struct monitor *monitor; /* set by monitor_names_update() */
	uint32_t slot;
	uint32_t serial;
	size_t number; /* from 1, in the order of the configuration */
	struct config_peer config;
	bool at_run_time;     /* added over the control socket */
	bool leaving;         /* removed; monitor_peers_serve() frees it */
	struct claim *claims; /* in those of the monitor; a peer that is leaving has none */
	char label[CHANNEL_LABEL_BYTES];
	struct shared_key public_key;
	uint64_t tag;                      /* the first bytes of the public key, to find it by */
	char ids[2][MONITOR_ID_CHARS + 1]; /* peer ids with BLAKE2b and SHAKE256; empty: not computed yet */
	struct file_output new_file;       /* what its key_out becomes where it is not there */
	uint8_t psk_mark
		[MONITOR_MARK_BYTES]; /* tells whether the file holds another preshared key than before */

	/* Its endpoint. */
	struct hostname *hostname; /* NULL: it has none */
	struct channel_addresses addresses;

	/* The present key and where it has to go. */
	struct sink_peer recipient; /* for delivery */
	struct delivery *delivery;
	uint64_t stale_ns;  /* when it is taken out of use whatever the engine process says; MONITOR_NEVER */
	const char *reason; /* "exchanged", "stale"; NULL: no key yet */
	uint32_t role;
	uint32_t dialect;

	/* What the engine process says. */
	struct channel_peer_report report;
	bool has_report;
	union address_socket last; /* AF_UNSPEC: not authenticated yet */
	uint64_t moves_full_ns;    /* when as many moves may be logged again as at first */
	unsigned moves_unsaid;     /* since one was logged */
	struct monitor_remembered remembered;
	bool troubled;                  /* stale or timed out since the last key */
	struct channel_silence silence; /* reason above CHANNEL_SILENCE_ENDED: it does not answer */
	uint64_t silence_said_ns;       /* when that was logged last; 0: never */
	bool silence_is_said;           /* this outage was logged */
	char last_error[MONITOR_ERROR_BYTES];
	struct backoff announce; /* the engine process could not take it: when it is told again */
	/* What the engine process may say of it, and a key that came too soon after others. */
	struct {
		struct event_limit key, moved, unanswered, silence, failed;
	} limits;
	uint8_t *held_key; /* secret memory; NULL: none */
	uint32_t held_role, held_dialect;
};

struct monitor_staged;

/* An engine process, and how far it has come. */
struct monitor_engine {
	struct monitor *monitor;
	struct monitor_engine *next; /* of those that were replaced */
	struct engine_child *child;
	struct engine_link *link;
	bool is_ready;  /* READY has come */
	bool has_begun; /* BEGUN has come */
	bool is_ending; /* it was asked to end, or killed */
	bool has_left;  /* it has closed its end of the channel before that */
	struct channel_ready ready;
};

struct monitor {
	struct config config; /* without its peers: these have gone to monitor_peer */
	struct monitor_options options;
	char *name;
	bool from_file;
	uint64_t started_ns;
	struct sandbox_user user;
	struct shared_key public_key;
	struct claims claims;     /* of what the peers and the daemon itself use */
	struct claim *own_claims; /* the daemon's */

	pid_t engine_pid;                /* 0: none */
	struct monitor_engine *engine;   /* NULL: none */
	struct monitor_engine *starting; /* the engine process that is to take its place; NULL */
	struct monitor_engine *retired;  /* those that were replaced and have not ended yet */
	struct channel_ready ready;      /* of the engine process */
	bool is_ready;
	bool stopping;
	int status; /* exit status when stopping */
	uint64_t stop_ns;

	struct delivery_env deliveries; /* what the deliveries of all peers share */
	struct outfile_guard guard;
	struct key_lines key_lines;

	struct device_owner device_owner;
	const struct wireguard_backend *backend; /* NULL: the devices of this system */
	struct monitor_state state;

	struct monitor_peer **peers; /* by slot, NULL: none */
	size_t slots;
	size_t peer_count; /* those that are not leaving */
	uint32_t last_serial;
	size_t id_cursor; /* next slot whose id is computed when there is time */

	struct listeners *listeners;
	uint32_t mark;          /* fwmark that our sockets should carry; 0: none */
	bool mark_was_set;      /* a socket may carry one */
	int mark_problem;       /* negative errno that was said; 0: none */
	uint32_t mark_conflict; /* of a device whose other mark was said; 0: none */

	struct loop *loop;
	struct resolver_pool *resolvers;
	struct loop_timer serve; /* when something is due that has no timer of its own */
	struct monitor_watches {
		struct loop_io netwatch;
	} watches;           /* brought up to date before each turn */
	int netwatch;        /* -1: none */
	uint64_t network_ns; /* when the last change is acted upon; MONITOR_NEVER */
	uint64_t network_wait_ns;
	uint64_t network_rest_ns; /* not before then */
	uint64_t watchdog_ns;     /* while stopping: when the service manager is told next; MONITOR_NEVER */
	uint64_t watchdog_every_ns;

	struct commands *commands; /* NULL: there is no control socket */
	bool reported_lacks;       /* of the kernel, for processes that resolve names */
	struct channel_report report;
	struct rejects rejects[CHANNEL_REJECTED_COUNT];
	char own_ids[2][MONITOR_ID_CHARS + 1]; /* as monitor_peer.ids, of our own public key */
};

/* monitor.c */

/* After the file without folder and ".toml", or after this process; allocated. NULL: no memory. */
char *monitor_make_name(const struct config *config, const struct monitor_options *options);
/* Sends a request to the engine process; when that is not possible any more the daemon ends. */
void monitor_request(struct monitor *monitor, const struct channel_request *request, int fd);
void monitor_stop(struct monitor *monitor, int status);
/*
 * Something has happened: all that may be due because of it is looked at before the turn of the loop
 * ends.
 */
void monitor_wake(struct monitor *monitor);
/* What the command line says counts in place of what a configuration says that was just read. */
void monitor_apply_options(struct monitor *monitor);
/* We were busy for long: an answer of the engine process that waits meanwhile is not late. */
void monitor_was_away(struct monitor *monitor);

/* monitor_load.c: reading keys; problems go to problem[]. */

/* A peer with all its files read, before anything depends on it. */
struct monitor_staged {
	struct config_peer config;
	struct shared_key public_key;
	struct monitor_peer *same; /* the peer that has that key already; then public_key is empty */
	uint64_t tag;              /* as of monitor_peer; meaningful when the key could be read */
	uint8_t *psk;              /* secret memory; NULL: none */
	size_t number;
	struct claim *claims; /* of monitor_claims_staged(); become the peer's */
	struct file_output new_file;
	bool psk_is_exposed; /* others may read its file */
};

/* Own key pair: 0, with the public key mapped and the secret key read, or -1. */
int monitor_load_own(struct shared_key *public_key, uint8_t *secret_key, const struct config *config,
                     char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * Reads one peer's files. known: peers that may have the key already (NULL: none). config moves into staged
 * in any case.
 */
int monitor_load_peer(struct monitor_staged *staged, const struct monitor *known, struct config_peer *config,
                      size_t number, char problem[static MONITOR_PROBLEM_BYTES])
	__attribute__((warn_unused_result));
/* Warns of preshared keys that others may read, except of peers that are known already. */
void monitor_load_warn(const struct monitor_staged *staged, size_t count);
void monitor_load_release(struct monitor_staged *staged);
uint64_t monitor_load_tag(const struct shared_key *key);
/* "peer 2 (office)" for messages about files. */
void monitor_load_describe(char *out, size_t size, const struct config_peer *config, size_t number);

/* monitor_peers.c */
int monitor_peers_add(struct monitor *monitor, struct monitor_staged *staged, bool at_run_time)
	__attribute__((warn_unused_result));
/* Gives a peer another configuration; its session stays. true: anything was different. */
bool monitor_peers_change(struct monitor *monitor, struct monitor_peer *peer, struct monitor_staged *staged);
/* Removes the peer from the engine, replaces its key in every output by a random one, and frees it. */
void monitor_peers_remove(struct monitor *monitor, struct monitor_peer *peer);
/* The peer of that slot and serial, unless it is leaving; NULL: none. */
struct monitor_peer *monitor_peers_get(const struct monitor *monitor, uint32_t slot, uint32_t serial);
/* The peer that was given that serial. NULL: none. */
struct monitor_peer *monitor_peers_by_serial(const struct monitor *monitor, uint32_t serial);
/* By name, number or (the first 8 characters or more of) its id. NULL and problem: none, or several. */
struct monitor_peer *monitor_peers_find(struct monitor *monitor, const char *word,
                                        char problem[static MONITOR_PROBLEM_BYTES]);
/* Of which hash status shows the peer's id: BLAKE2b, unless the peer may not use it. */
enum rosenpass_dialect monitor_peers_shown_dialect(const struct monitor_peer *peer);
const char *monitor_peers_id(struct monitor_peer *peer, enum rosenpass_dialect dialect);
/* Tells a new engine process of the peer; psk: of its file. */
void monitor_peers_announce(struct monitor *monitor, struct monitor_peer *peer, const uint8_t *psk);
void monitor_peers_release_all(struct monitor *monitor);
/* What an engine process that has ended said of it. Its key stays in use until it is too old. */
void monitor_peers_begin_anew(struct monitor_peer *peer);
/*
 * Frees removed peers, tells the engine process again of those that it could not take, and takes keys out of
 * use that are too old. The next time that something is due.
 */
uint64_t monitor_peers_serve(struct monitor *monitor, uint64_t now_ns);
/* Computes one more id. false: all are there. */
bool monitor_peers_compute_id(struct monitor *monitor);

/* monitor_events.c: what the engine process says; the owner is a monitor_engine. */
extern const struct engine_link_events monitor_events;
/* The peer's key is too old. */
void monitor_events_stale(struct monitor_peer *peer);
/* Delivers a key that came too soon after others. The next time that something is due. */
uint64_t monitor_events_serve_held(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns);
/* Drops it. */
void monitor_events_drop_held(struct monitor_peer *peer);

/* monitor_names.c: the names of endpoints. */
/* Makes the pool of resolver processes. 0 or negative errno. */
int monitor_names_open(struct monitor *monitor) __attribute__((warn_unused_result));
/*
 * The peer has a new configuration: keeps its endpoints resolved, Rosenpass's and WireGuard's. A name that
 * stays is not resolved again. 0 or -ENOMEM.
 */
int monitor_names_update(struct monitor *monitor, struct monitor_peer *peer)
	__attribute__((warn_unused_result));
/* The peer is removed. WireGuard's endpoint goes with the output. */
void monitor_names_drop(struct monitor_peer *peer);
void monitor_names_network_changed(struct monitor *monitor);
/* A peer does not answer any more: it may have moved. */
void monitor_names_ask_again(struct monitor_peer *peer);

/* monitor_listen.c: the sockets of `listen`, between the listeners and the engine process. */
/* Opens what the configuration says. -1: the reason is logged. */
int monitor_listen_start(struct monitor *monitor) __attribute__((warn_unused_result));
/* Hands all open sockets to a new engine process. */
void monitor_listen_announce(struct monitor *monitor);

/* monitor_reload.c: 0, or -1 and one line in problem: nothing has changed then. */
struct monitor_reload_result {
	size_t added, removed, changed, unchanged;
};
int monitor_reload(struct monitor *monitor, struct monitor_reload_result *result,
                   char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* monitor_engine.c: starts and ends engine processes. */
/*
 * Starts an engine process for that many peers and waits until it has closed its sandbox. The present one
 * goes on. -1, which is said in the log unless the daemon was asked to end: it has not started, and
 * nothing has changed.
 */
int monitor_engine_start(struct monitor *monitor, const uint8_t *public_key, uint8_t *secret_key,
                         size_t peers) __attribute__((warn_unused_result));
/* The process that was started takes the place of the present one, which is asked to end. */
void monitor_engine_replace(struct monitor *monitor);
/* Waits while many requests are queued. Ends early if the daemon is asked to end. */
void monitor_engine_make_room(struct monitor *monitor);
/*
 * Lets the engine process read its sockets and send, and waits until it does. Call this after handing
 * over all peers and sockets. Returns -1 if the process has ended or hangs, which is logged, or if the
 * daemon is asked to end.
 */
int monitor_engine_begin(struct monitor *monitor) __attribute__((warn_unused_result));
/* Returns whether a signal waits that asks the daemon to end. */
bool monitor_engine_is_interrupted(void);
/* Ends all engine processes and waits for that. */
void monitor_engine_end(struct monitor *monitor);
/* Asks the engine process to end, without waiting. */
void monitor_engine_tell_stop(struct monitor *monitor);
/* The engine process can no longer be talked to. */
void monitor_engine_lost(struct monitor_engine *engine, enum engine_link_loss loss);

/* monitor_silence.c: peers that do not answer, callers that are rejected, tunnels without a handshake. */
/* The peer id of our own public key, in base64. */
const char *monitor_silence_own_id(struct monitor *monitor, enum rosenpass_dialect dialect);
/* Our own public key is another one. */
void monitor_silence_new_own_key(struct monitor *monitor);
/* What the engine process says. */
void monitor_silence_take(struct monitor *monitor, struct monitor_peer *peer,
                          const struct channel_silence *silence, uint64_t now_ns);
void monitor_silence_take_rejected(struct monitor *monitor, struct peer_ref ref,
                                   const struct channel_rejected *rejected, uint64_t now_ns);
/*
 * There is a key with the peer. Returns whether the log has said that the peer did not answer and should
 * say that it answers again; then how long it did not is in words, which is wanted "answers again after 2
 * minutes".
 */
bool monitor_silence_ends(struct monitor *monitor, struct monitor_peer *peer, enum rosenpass_role role,
                          uint64_t now_ns, char words[static EXPLAIN_BYTES]);
/* The peer leaves. */
void monitor_silence_forget(struct monitor *monitor, struct monitor_peer *peer);
/* Why the peer does not answer, for the status. false: it does, or is not asked. */
bool monitor_silence_explain(struct monitor *monitor, const struct monitor_peer *peer, uint64_t now_ns,
                             char words[static EXPLAIN_BYTES]);
/* The same of a caller that was rejected. peer: whom it names; NULL: nobody, or a peer that is gone. */
void monitor_silence_explain_rejected(struct monitor *monitor, const struct rejects_caller *caller,
                                      const struct monitor_peer *peer, char words[static EXPLAIN_BYTES]);
/* The peer's device was read; has_key: it holds the peer's key. */
void monitor_silence_look(const struct monitor_peer *peer, struct monitor_wireguard *wireguard, bool has_key,
                          uint64_t now_ns);

#include "daemon/monitor_outputs.h"

#endif
